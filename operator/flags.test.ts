import { parseFlags } from './flags.ts'

const least = ['--namespace=plexus', '--pod-ip=10.0.0.1', '--identity=operator-0']

describe('parseFlags', () => {
  it('has a default for everything but the pod itself', () => {
    expect(parseFlags(least)).toEqual({
      ok: true,
      flags: {
        namespace: 'plexus',
        podIp: '10.0.0.1',
        identity: 'operator-0',
        streamPort: 8444,
        streamService: 'plexus-stream',
        agentServiceAccount: 'plexus-node-agent',
        leaseName: 'plexus-operator',
        httpPort: 8080,
        logLevel: 'info',
        kubeconfig: undefined,
      },
    })
  })

  it.each([
    ['no namespace', least.slice(1), '--namespace is missing; give the namespace that Plexus is installed in'],
    ['no identity', least.slice(0, 2), "--identity is missing; give the pod's name"],
    ['no address', [...least, '--pod-ip='], '--pod-ip: "" is not an IP address; give the pod\'s own'],
    ['a port out of range', [...least, '--stream-port=70000'], '--stream-port: "70000" is not a port; give a number up to 65535'],
    ['a port in words', [...least, '--http-port=http'], '--http-port: "http" is not a port; give a number up to 65535'],
    ['an unknown level', [...least, '--log-level=loud'], '--log-level: "loud" is no level; give one of debug, info, warn, error'],
  ])('refuses %s', (_, args, message) => {
    expect(parseFlags(args)).toEqual({ ok: false, message })
  })

  it('refuses a flag it does not know', () => {
    expect(parseFlags([...least, '--nodes=1'])).toMatchObject({ ok: false, message: expect.stringContaining('--nodes') })
  })
})
