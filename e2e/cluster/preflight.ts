// Decides whether this machine can run a cluster; installs the Debian packages it lacks and raises one kernel limit. Changes nothing else.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ClusterError } from './cluster-error.ts'
import { type NeededPackage, neededPackages } from './packages.ts'
import { attempt, run } from './process/run.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface PreflightOptions {
  /** PATH and what apt-get and Go read. */
  readonly environment: Environment
  readonly progress: (line: string) => void
  readonly signal?: AbortSignal | undefined
}

/** Returns when everything is there; throws one ClusterError that names all that is missing. */
export async function preflight(options: PreflightOptions): Promise<void> {
  if (process.platform !== 'linux') throw new ClusterError(`clusters need Linux, not ${process.platform}; run this on a Linux machine`)
  if (process.getuid?.() !== 0) throw new ClusterError('clusters make namespaces, mounts and cgroups: run this as root')
  await installPackages(options)
  const missing = (
    await Promise.all([goMissing(options.environment), cgroupsMissing(), ...kernelNeeds.map((kind) => missingKernelFeature(kind))])
  ).filter((sentence) => sentence !== undefined)
  if (missing.length > 0)
    throw new ClusterError(`this machine cannot run a cluster:\n${missing.map((sentence) => `  * ${sentence}`).join('\n')}`)
  raiseInotify(options.progress)
}

const INOTIFY = '/proc/sys/fs/inotify/max_user_instances'
const INOTIFY_NEEDED = 1024

/** Kubelets, containerds and agents of all nodes share root's inotify instances; with the usual 128 a second cluster's kubelet ends at its start. */
function raiseInotify(progress: (line: string) => void): void {
  const now = Number(readFileSync(INOTIFY, 'utf8'))
  if (now >= INOTIFY_NEEDED) return
  progress(`raising fs.inotify.max_user_instances from ${now} to ${INOTIFY_NEEDED}, until the next boot of this machine`)
  writeFileSync(INOTIFY, String(INOTIFY_NEEDED))
}

/** Kernel features that a test may need, each with the commands that show it, run in a network namespace that vanishes with them. */
const probes = {
  namespaces: 'unshare --pid --fork --mount true',
  bridge: 'ip link add p0 type bridge',
  veth: 'ip link add p0 type veth peer name p1',
  macvlan: 'ip link add p0 type veth peer name p1 && ip link add p2 link p0 type macvlan mode bridge',
  ipvlan: 'ip link add p0 type veth peer name p1 && ip link add p2 link p0 type ipvlan mode l2',
  vlan: 'ip link add p0 type veth peer name p1 && ip link add p2 link p0 type vlan id 7',
  vrf: 'ip link add p0 type vrf table 7',
  dummy: 'ip link add p0 type dummy',
  nf_tables: 'nft add table inet p0',
  overlay: 'grep -qw overlay /proc/filesystems || modprobe overlay',
} as const

export type KernelFeature = keyof typeof probes

const kernelNeeds: readonly KernelFeature[] = ['namespaces', 'bridge', 'veth', 'nf_tables', 'overlay']

/** What is missing as a sentence for a skipped test, or undefined when the kernel has the feature. */
export async function missingKernelFeature(feature: KernelFeature): Promise<string | undefined> {
  const result = await attempt(['unshare', '--net', 'sh', '-c', probes[feature]])
  if (result.code === 0) return undefined
  return `the kernel refuses ${feature}; load its module or use a kernel that has it (${result.stderr.trim().split('\n')[0] ?? ''})`
}

async function installPackages({ environment, progress, signal }: PreflightOptions): Promise<void> {
  const missing = neededPackages.filter((needed) => !isThere(needed, environment))
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name)
  if (!onPath('apt-get', environment))
    throw new ClusterError(`please install what these Debian packages have: ${missing.map((m) => `${m.name} (${m.for})`).join(', ')}`)
  progress(`installing Debian packages: ${names.join(' ')} ...`)
  const limits = { environment: { ...environment, DEBIAN_FRONTEND: 'noninteractive' }, deadline: 10 * 60_000, signal }
  await run(['apt-get', '-q', 'update'], limits)
  await run(['apt-get', '-q', '-y', '--no-install-recommends', 'install', ...names], limits)
}

const isThere = ({ program }: NeededPackage, environment: Environment): boolean =>
  program.startsWith('/') ? existsSync(program) : onPath(program, environment)

const onPath = (program: string, { PATH = '' }: Environment): boolean =>
  [...PATH.split(delimiter), '/usr/sbin', '/sbin'].some((folder) => existsSync(join(folder, program)))

async function goMissing(environment: Environment): Promise<string | undefined> {
  const oldest = 26
  const remedy = `install Go 1.${oldest} or newer from https://go.dev/dl`
  const version = await attempt(['go', 'env', 'GOVERSION'], { environment: { ...environment, GOTOOLCHAIN: 'local' } }).catch(
    () => undefined,
  )
  const minor = /^go1\.(\d+)/.exec(version?.stdout ?? '')?.[1]
  if (minor === undefined) return `Go is not on PATH; ${remedy}`
  return Number(minor) >= oldest ? undefined : `Go ${version?.stdout.trim() ?? ''} is too old; ${remedy}`
}

const cgroupsMissing = async (): Promise<string | undefined> =>
  existsSync('/sys/fs/cgroup/cgroup.controllers') || existsSync('/sys/fs/cgroup/memory/cgroup.procs')
    ? undefined
    : 'no cgroups at /sys/fs/cgroup; mount cgroup v2 there'
