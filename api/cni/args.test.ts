// Holds CNI_ARGS to the order that delegates have always seen.
import { cniArg, formatCniArgs, parseCniArgs } from '#api/cni/args'

const pod = { podNamespace: 'default', podName: 'p', containerId: 'c1', podUid: 'u1', runtimeArgs: [] }

describe('CNI_ARGS', () => {
  it.each([
    ['the pod alone', {}, 'IgnoreUnknown=true;K8S_POD_NAMESPACE=default;K8S_POD_NAME=p;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=u1'],
    [
      'MAC and IP last',
      { mac: '02:00:00:00:00:01', ips: ['10.0.0.1/24', 'fd00::1'] },
      'IgnoreUnknown=true;K8S_POD_NAMESPACE=default;K8S_POD_NAME=p;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=u1;MAC=02:00:00:00:00:01;IP=10.0.0.1/24,fd00::1',
    ],
    [
      "the runtime's own between them, ours not twice",
      {
        runtimeArgs: [
          ['K8S_POD_UID', 'x'],
          ['FOO', 'a=b'],
        ] as const,
        ips: ['10.0.0.1'],
      },
      'IgnoreUnknown=true;K8S_POD_NAMESPACE=default;K8S_POD_NAME=p;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=u1;FOO=a=b;IP=10.0.0.1',
    ],
  ])('are written with %s', (_, change, expected) => expect(formatCniArgs({ ...pod, ...change })).toBe(expected))

  it('are read with "=" in values, the last one winning', () => {
    const parsed = parseCniArgs('A=1;B=x=y;;A=2')
    expect(parsed).toEqual({
      ok: true,
      args: [
        ['A', '1'],
        ['B', 'x=y'],
        ['A', '2'],
      ],
    })
    if (parsed.ok) expect(cniArg(parsed.args, 'A')).toBe('2')
  })

  it('are refused when a part is no pair', () =>
    expect(parseCniArgs('A=1;B')).toMatchObject({ ok: false, problem: '"B" is not KEY=VALUE' }))
})
