// Decides what a runtime's request says about a sandbox: ids, pod, version, capability arguments. Pure; refuses what the CNI specification refuses.
import { type CniArg, cniArg, parseCniArgs } from '#api/cni/args'
import { CNI_VERSIONS, type CniVersion, isCniVersion } from '#api/cni/version'
import { PlexusError } from '#api/errors'
import { parseContainerId, parseIfName } from '#api/ids'
import { isObject, type JsonObject, sentenceOf, shown } from '#api/json'
import type { PodIdentity } from '#api/sandbox-record'
import type { OperationRequest } from '#api/socket'

/** A request, parsed. */
export interface SandboxRequest {
  readonly containerId: string
  readonly ifName: string
  /** Empty on a DEL of a sandbox whose netns is gone. */
  readonly netns: string
  readonly pod: PodIdentity
  readonly runtimeArgs: readonly CniArg[]
  readonly cniVersion: CniVersion
  /** Directories of CNI_PATH. */
  readonly path: readonly string[]
  readonly runtimeConfig: JsonObject
  /** The pod's annotations, when the runtime passes them. */
  readonly annotations: Readonly<Record<string, string>> | undefined
  /** Its record was lost: what is planned is what may have been attached. */
  readonly isLost?: true
}

const POD_ANNOTATIONS = 'io.kubernetes.cri.pod-annotations'

/** Reads a request; throws `InvalidEnvironment`, `IncompatibleCniVersion` or `InvalidConfig`. */
export function readSandboxRequest(request: OperationRequest, verb: 'ADD' | 'DEL' | 'CHECK'): SandboxRequest {
  const { env, config } = request
  const containerId = parseContainerId(env.CNI_CONTAINERID ?? '')
  if (containerId === undefined)
    throw invalid('CNI_CONTAINERID', env.CNI_CONTAINERID, 'a letter or digit, then letters, digits, ".", "_" or "-"')
  const ifName = parseIfName(env.CNI_IFNAME ?? '')
  if (ifName === undefined) throw invalid('CNI_IFNAME', env.CNI_IFNAME, 'an interface name of 1 to 15 characters')
  const netns = env.CNI_NETNS ?? ''
  if (verb !== 'DEL' && !netns.startsWith('/')) throw invalid('CNI_NETNS', env.CNI_NETNS, 'the absolute path of the network namespace')
  const args = parseCniArgs(env.CNI_ARGS ?? '')
  if (!args.ok) throw new PlexusError('InvalidEnvironment', sentenceOf(args))
  const runtimeConfig = isObject(config['runtimeConfig']) ? config['runtimeConfig'] : {}
  return {
    containerId,
    ifName,
    netns,
    pod: podOf(args.args),
    runtimeArgs: args.args,
    cniVersion: versionOf(config),
    path: (env.CNI_PATH ?? '').split(':').filter((directory) => directory.startsWith('/')),
    runtimeConfig,
    annotations: annotationsIn(runtimeConfig),
  }
}

function podOf(args: readonly CniArg[]): PodIdentity {
  const value = (key: string): string => cniArg(args, key) ?? ''
  return { namespace: value('K8S_POD_NAMESPACE'), name: value('K8S_POD_NAME'), uid: value('K8S_POD_UID') }
}

function versionOf(config: JsonObject): CniVersion {
  const version = config['cniVersion'] ?? '0.1.0'
  if (typeof version === 'string' && isCniVersion(version)) return version
  throw new PlexusError('IncompatibleCniVersion', `cniVersion: ${shown(version)} is not known; use one of ${CNI_VERSIONS.join(', ')}`)
}

/** A runtime that knows the capability passes the key for every pod; null is a pod without annotations. */
function annotationsIn(runtimeConfig: JsonObject): Readonly<Record<string, string>> | undefined {
  const given = runtimeConfig[POD_ANNOTATIONS]
  if (given === undefined) return undefined
  if (!isObject(given)) return {}
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

function invalid(name: string, value: string | undefined, remedy: string): PlexusError {
  return new PlexusError('InvalidEnvironment', `${name}: ${shown(value)} is not valid; the runtime must pass ${remedy}`)
}
