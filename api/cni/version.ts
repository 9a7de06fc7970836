// Decides which CNI versions exist, which one a conf speaks and which one a runtime understands. Never reads a conf or asks a runtime.

/** Every version of the CNI specification, oldest first. */
export const CNI_VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const
export type CniVersion = (typeof CNI_VERSIONS)[number]

/** The newest version we implement. */
export const NEWEST_CNI_VERSION: CniVersion = '1.1.0'

/** Version of a conf that names none. Plugins take an absent version for 0.1.0, in which an interface without an address cannot be told. */
export const DEFAULT_CNI_VERSION: CniVersion = '1.0.0'

export function isCniVersion(text: string): text is CniVersion {
  return (CNI_VERSIONS as readonly string[]).includes(text)
}

/** Negative when a is older than b, 0 when equal. */
export function compareVersions(a: CniVersion, b: CniVersion): number {
  return CNI_VERSIONS.indexOf(a) - CNI_VERSIONS.indexOf(b)
}

/** Whether `version` is `least` or newer. */
export function isAtLeast(version: CniVersion, least: CniVersion): boolean {
  return compareVersions(version, least) >= 0
}

/**
 * The version a conf is executed with: the newest of `cniVersion` and `cniVersions` that we implement, as libcni chooses it; undefined
 * when none of those given is known.
 */
export function negotiateVersion(cniVersion: string | undefined, cniVersions: readonly string[]): CniVersion | undefined {
  const known = [...cniVersions, cniVersion ?? ''].filter(isCniVersion)
  return CNI_VERSIONS.findLast((version) => known.includes(version))
}

/** Runtime, first minor release (major * 1000 + minor) and the CNI version its libcni implements from there on; newest first. */
const RUNTIMES: readonly (readonly [runtime: string, since: number, version: CniVersion])[] = [
  ['containerd', 2000, '1.1.0'],
  ['containerd', 1006, '1.0.0'],
  ['containerd', 0, '0.4.0'],
  ['cri-o', 1031, '1.1.0'],
  ['cri-o', 1024, '1.0.0'],
  ['cri-o', 0, '0.4.0'],
]

/**
 * The newest CNI version that a runtime speaks, from `status.nodeInfo.containerRuntimeVersion` such as `containerd://2.2.1`.
 * An unknown runtime is taken for one of the 1.0.0 age, which every maintained runtime understands.
 */
export function runtimeCniVersion(containerRuntimeVersion: string): CniVersion {
  const match = /^([a-z-]+):\/\/v?(\d{1,3})\.(\d{1,3})/.exec(containerRuntimeVersion)
  if (match === null) return DEFAULT_CNI_VERSION
  const release = Number(match[2]) * 1000 + Number(match[3])
  const row = RUNTIMES.find(([runtime, since]) => runtime === match[1] && release >= since)
  return row?.[2] ?? DEFAULT_CNI_VERSION
}
