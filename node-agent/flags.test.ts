// What the command line may say.
import { parseFlags } from './flags.ts'

const least = ['--node-name=n1', '--namespace=plexus']

describe('the flags', () => {
  it('need a node and a namespace, the rest has the usual places', () => {
    expect(parseFlags(least)).toMatchObject({
      ok: true,
      flags: {
        nodeName: 'n1',
        confDir: '/etc/cni/net.d',
        binDir: '/opt/cni/bin',
        stateDir: '/var/lib/plexus',
        runDir: '/run/plexus',
        httpHost: '127.0.0.1',
        logLevel: 'info',
      },
    })
  })

  it('take no address from a variable that Kubernetes did not know', () => {
    const given = parseFlags([
      ...least,
      '--stream-service-host=$(PLEXUS_STREAM_SERVICE_HOST)',
      '--stream-service-port=$(PLEXUS_STREAM_SERVICE_PORT)',
    ])
    expect(given).toMatchObject({ ok: true, flags: { streamHost: undefined, streamPort: 8444 } })
  })

  it.each([
    ['no node', ['--namespace=x'], '--node-name is missing; give it a value'],
    ['no namespace', ['--node-name=n1'], '--namespace is missing; give it a value'],
    [
      'a name that no node has',
      ['--node-name=N_1', '--namespace=x'],
      '--node-name: "N_1" is not a node name; give spec.nodeName of the pod',
    ],
    ['a port that is none', [...least, '--http-port=x'], '--http-port: "x" is not a port; give a number from 0 to 65535'],
    [
      'a port that is too high',
      [...least, '--stream-service-port=70000'],
      '--stream-service-port: "70000" is not a port; give a number from 0 to 65535',
    ],
    ['a level that is none', [...least, '--log-level=loud'], '--log-level: "loud" is not a level; give debug, info, warn or error'],
    ['a typo', [...least, '--conf-dri=/x'], expect.stringContaining("Unknown option '--conf-dri'")],
  ])('refuse %s', (_, argv, message) => {
    expect(parseFlags(argv)).toEqual({ ok: false, message })
  })
})
