// Decides how the operator is told what to do: its flags, their defaults and what is wrong with them. Never reads the environment.
import { isIP } from 'node:net'
import { parseArgs } from 'node:util'

export interface OperatorFlags {
  readonly namespace: string
  readonly podIp: string
  readonly identity: string
  readonly streamPort: number
  readonly streamService: string
  readonly agentServiceAccount: string
  readonly leaseName: string
  readonly httpPort: number
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** Path; undefined: the pod's ServiceAccount. */
  readonly kubeconfig: string | undefined
}

export type ParsedFlags = { readonly ok: true; readonly flags: OperatorFlags } | { readonly ok: false; readonly message: string }

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

const FLAGS = {
  namespace: { type: 'string', default: '' },
  'pod-ip': { type: 'string', default: '' },
  identity: { type: 'string', default: '' },
  'stream-port': { type: 'string', default: '8444' },
  'stream-service': { type: 'string', default: 'plexus-stream' },
  'agent-service-account': { type: 'string', default: 'plexus-node-agent' },
  'lease-name': { type: 'string', default: 'plexus-operator' },
  'http-port': { type: 'string', default: '8080' },
  'log-level': { type: 'string', default: 'info' },
  kubeconfig: { type: 'string', default: '' },
} as const

/** Parses the arguments after the script's name. */
export function parseFlags(args: readonly string[]): ParsedFlags {
  let values: Readonly<Record<keyof typeof FLAGS, string>>
  try {
    values = parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false }).values
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error))
  }
  const streamPort = portOf(values['stream-port'])
  const httpPort = portOf(values['http-port'])
  const logLevel = LEVELS.find((level) => level === values['log-level'])
  if (values.namespace === '') return wrong('--namespace is missing; give the namespace that Plexus is installed in')
  if (values.identity === '') return wrong("--identity is missing; give the pod's name")
  if (isIP(values['pod-ip']) === 0) return wrong(`--pod-ip: "${values['pod-ip']}" is not an IP address; give the pod's own`)
  if (streamPort === undefined) return wrong(`--stream-port: "${values['stream-port']}" is not a port; give a number up to 65535`)
  if (httpPort === undefined) return wrong(`--http-port: "${values['http-port']}" is not a port; give a number up to 65535`)
  if (logLevel === undefined) return wrong(`--log-level: "${values['log-level']}" is no level; give one of ${LEVELS.join(', ')}`)
  return {
    ok: true,
    flags: {
      namespace: values.namespace,
      podIp: values['pod-ip'],
      identity: values.identity,
      streamPort,
      streamService: values['stream-service'],
      agentServiceAccount: values['agent-service-account'],
      leaseName: values['lease-name'],
      httpPort,
      logLevel,
      kubeconfig: values.kubeconfig === '' ? undefined : values.kubeconfig,
    },
  }
}

function portOf(text: string): number | undefined {
  const port = Number(text)
  return /^\d{1,5}$/.test(text) && port <= 65535 ? port : undefined
}

function wrong(message: string): ParsedFlags {
  return { ok: false, message }
}
