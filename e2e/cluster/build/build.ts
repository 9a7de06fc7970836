// Builds the Go components into the user's cache, each once. Never builds what the cache already has.
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ClusterError } from '../cluster-error.ts'
import type { Place } from '../place.ts'
import { run } from '../process/run.ts'
import { buildArguments, buildEnvironment, buildKey, type Component, components, suiteComponents } from './components.ts'

/** Where each built component lies: absolute folders that hold the binaries. */
export type Binaries = Readonly<Record<'kubernetes' | 'containerd' | 'helm' | 'etcd' | 'cni-plugins' | 'runc', string>>

export interface BuildOptions {
  readonly place: Place
  /** The environment Go runs in: HOME, PATH, GOPROXY and so on. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Receives lines such as `[3/6] building etcd ... 25 s`. */
  readonly progress: (line: string) => void
  readonly signal?: AbortSignal | undefined
}

/** Builds what is missing and answers where everything is. Cold: about 6 minutes on 2 cores; warm: nothing is run but `go version`. */
export async function buildAll(options: BuildOptions): Promise<Binaries> {
  const folders: Record<string, string> = {}
  for (const [index, component] of components.entries()) {
    folders[component.name] = await buildOne(component, `[${index + 1}/${components.length}]`, options)
  }
  return binariesIn(folders)
}

/** Builds one component and answers its folder. */
export async function buildComponent(name: keyof Binaries | 'multus', options: BuildOptions): Promise<string> {
  const known = [...components, ...suiteComponents]
  const component = known.find((candidate) => candidate.name === name)
  if (component === undefined)
    throw new ClusterError(`there is no component "${name}"; choose one of ${known.map((c) => c.name).join(', ')}`)
  return buildOne(component, '[1/1]', options)
}

async function buildOne(component: Component, step: string, options: BuildOptions): Promise<string> {
  const source = join(options.place.checkout, 'e2e/cluster/components', component.name)
  const environment = buildEnvironment(component, options.environment)
  const moduleFiles = await Promise.all(['go.mod', 'go.sum'].map((file) => readFile(join(source, file), 'utf8')))
  const goVersion = await run(['go', 'env', 'GOVERSION', 'GOARCH'], { environment, signal: options.signal, cwd: source })
  const folder = join(options.place.cache, 'builds', `${component.name}-${buildKey(component, { goVersion, moduleFiles })}`)
  if (existsSync(folder)) return folder
  const began = performance.now()
  options.progress(`${step} building ${component.name} ...`)
  await compile(component, { source, folder, environment, signal: options.signal })
  options.progress(`${step} building ${component.name} ... ${Math.round((performance.now() - began) / 1000)} s`)
  return folder
}

interface Compilation {
  readonly source: string
  readonly folder: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal | undefined
}

/** Into a folder of its own, then renamed: a build that was cut short is never taken for a finished one. */
async function compile(component: Component, { source, folder, environment, signal }: Compilation): Promise<void> {
  const unfinished = `${folder}.${process.pid}.new`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true })
  await run(['go', ...buildArguments(component, unfinished)], { cwd: source, environment, deadline: 45 * 60_000, signal })
  for (const [from, to] of Object.entries(component.renames)) await rename(join(unfinished, from), join(unfinished, to))
  try {
    await rename(unfinished, folder)
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true })
    if (!existsSync(folder)) throw new ClusterError(`${folder}: the finished build could not be put there; check the disk`, { cause })
  }
}

function binariesIn(folders: Readonly<Record<string, string>>): Binaries {
  const of = (name: string): string => folders[name] ?? ''
  return {
    kubernetes: of('kubernetes'),
    containerd: of('containerd'),
    helm: of('helm'),
    etcd: of('etcd'),
    'cni-plugins': of('cni-plugins'),
    runc: of('runc'),
  }
}
