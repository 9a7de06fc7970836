// Decides every error code that Plexus shows: the one registry for agent, operator, shim and CLI. Never formats a log line.

/**
 * What went wrong → the CNI code a runtime sees. 1-11, 50, 51: CNI spec 1.1; 100 and above are ours to choose.
 * Codes are stable: users and alerts match on the names.
 */
export const ERRORS = {
  IncompatibleCniVersion: { cni: 1 },
  UnsupportedField: { cni: 2 },
  UnknownContainer: { cni: 3 },
  InvalidEnvironment: { cni: 4 },
  Io: { cni: 5 },
  Undecodable: { cni: 6 },
  InvalidConfig: { cni: 7 },
  InvalidAnnotation: { cni: 7 },
  NetworkNotFound: { cni: 7 },
  NetworkRejected: { cni: 7 },
  IsolationViolated: { cni: 7 },
  CapabilityMissing: { cni: 7 },
  DeviceMissing: { cni: 7 },
  PluginMissing: { cni: 7 },
  PrimaryIncomplete: { cni: 7 },
  InterfaceExists: { cni: 7 },
  DefaultRouteFailed: { cni: 7 },
  TryAgainLater: { cni: 11 },
  AgentUnavailable: { cni: 11 },
  PlanExpired: { cni: 11 },
  SandboxBusy: { cni: 11 },
  SandboxOwned: { cni: 11 },
  CommitRefused: { cni: 11 },
  StatusNotWritten: { cni: 11 },
  SpoolFull: { cni: 11 },
  DelegateTimeout: { cni: 11 },
  NotReady: { cni: 50 },
  DelegateFailed: { cni: 100 },
  DetachFailed: { cni: 100 },
  CheckFailed: { cni: 100 },
  Internal: { cni: 999 },
} as const satisfies Record<string, { readonly cni: number }>

/** A name of the registry. */
export type ErrorCode = keyof typeof ERRORS

/** The error object of the CNI spec, as printed on stdout and sent over the socket. `msg` is one sentence with cause and remedy. */
export interface CniError {
  readonly cniVersion?: string
  readonly code: number
  readonly msg: string
  readonly details?: string
}

/** An error of the registry. The message is a sentence for users: what failed, on which field or object, and what to do. */
export class PlexusError extends Error {
  readonly code: ErrorCode
  /** The code for the runtime: the registry's, or that of a delegate which is passed through. */
  readonly cniCode: number

  constructor(code: ErrorCode, sentence: string, options: { readonly cause?: unknown; readonly cniCode?: number } = {}) {
    super(sentence, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'PlexusError'
    this.code = code
    this.cniCode = options.cniCode ?? ERRORS[code].cni
  }
}

/** What a runtime is told about any thrown value. Details name the registry code; causes stay in our logs, configs and secrets never leave. */
export function toCniError(thrown: unknown, cniVersion?: string): CniError {
  const version = cniVersion === undefined ? {} : { cniVersion }
  if (thrown instanceof PlexusError) return { ...version, code: thrown.cniCode, msg: thrown.message, details: thrown.code }
  return {
    ...version,
    code: ERRORS.Internal.cni,
    msg: 'an internal error occurred; the agent log of this node says more',
    details: 'Internal',
  }
}
