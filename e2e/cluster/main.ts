// The command line of the cluster tool: reads the words and the environment, calls the library, prints. Decides nothing about clusters.
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildAll, buildComponent } from './build/build.ts'
import { type Cluster, endCluster, openCluster, startCluster } from './cluster.ts'
import { ClusterError } from './cluster-error.ts'
import { folderImage, productImage, testImage } from './images/images.ts'
import { placeOf } from './place.ts'
import { preflight } from './preflight.ts'

const usage = `node e2e/cluster/main.ts <command> [--name demo] [options]

  up [--nodes 2] [--max-pods 110] [--audit]   start a cluster (ends an earlier one of this name first)
  down                                        end it and remove its state
  status                                      what runs; exit code 1 when it is not up
  kubeconfig                                  the path of the admin's kubeconfig
  kubectl -- <words>, helm -- <words>         run the cluster's own kubectl or Helm
  image product|test|<folder> [--load]        build an image and print its tarball; --load gives it to every node
  load <tarball>                              give a docker-archive to every node
  logs <folder>                               collect logs and objects
  build                                       build every component
  plugins                                     print the folder of the reference CNI plugins
  preflight                                   install missing packages, name what this machine lacks
`

const environment = process.env
const place = placeOf(environment, resolve(import.meta.dirname, '../..'))
const progress = (line: string): void => console.error(line)
const interrupt = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort(new ClusterError(`stopped by ${name}`)))
const signal = interrupt.signal

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'demo' },
    nodes: { type: 'string', default: '2' },
    'max-pods': { type: 'string', default: '110' },
    audit: { type: 'boolean', default: false },
    load: { type: 'boolean', default: false },
  },
})
const [command = '', ...words] = positionals
const identity = { name: values.name, place, environment }

async function running(): Promise<Cluster> {
  const cluster = await openCluster(identity)
  if (cluster === undefined) throw new ClusterError(`cluster "${values.name}" does not run; start it with "up --name ${values.name}"`)
  return cluster
}

function count(option: 'nodes' | 'max-pods', most: number): number {
  const number = Number(values[option])
  if (Number.isInteger(number) && number >= 1 && number <= most) return number
  throw new ClusterError(`--${option} ${values[option]}: must be a whole number from 1 to ${most}`)
}

async function version(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(place.checkout, 'package.json'), 'utf8'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest && typeof manifest.version === 'string')
    return manifest.version
  throw new ClusterError('package.json: "version" is missing')
}

async function image(what: string): Promise<void> {
  const options = { place, progress, signal }
  const named = { product: async () => productImage(options, await version()), test: () => testImage(options) }
  const built =
    what === 'product' || what === 'test' ? await named[what]() : await folderImage(options, resolve(what), `localhost/${values.name}:1`)
  if (values.load) await (await running()).importImage(built.tarball)
  console.log(built.tarball)
}

const first = (what: string): string => {
  const [word] = words
  if (word === undefined) throw new ClusterError(`"${command}" needs ${what}; see "node e2e/cluster/main.ts help"`)
  return word
}

const commands: Readonly<Record<string, () => Promise<void>>> = {
  up: async () => {
    await preflight({ environment, progress, signal })
    const cluster = await startCluster({
      ...identity,
      nodes: count('nodes', 20),
      maxPods: count('max-pods', 1000),
      audit: values.audit,
      progress,
      signal,
    })
    console.log(cluster.kubeconfig)
  },
  down: async () => {
    await endCluster(identity)
    progress(`cluster ${values.name}: ended, nothing of it runs`)
  },
  status: async () => {
    const cluster = await running()
    const { etcd, apiserver, controllerManager, scheduler } = cluster.controlPlane
    for (const part of [etcd, apiserver, controllerManager, scheduler])
      console.log(`${part.name}\t${part.isRunning() ? 'running' : 'stopped'}`)
    console.log(await cluster.kubectl(['get', 'nodes', '-o', 'wide']))
  },
  kubeconfig: async () => console.log((await running()).kubeconfig),
  kubectl: async () => void process.stdout.write(await (await running()).kubectl(words, { signal, deadline: 600_000 })),
  helm: async () => void process.stdout.write(await (await running()).helm(words, { signal, deadline: 600_000 })),
  image: () => image(first('"product", "test" or a folder with a Dockerfile')),
  load: async () => (await running()).importImage(resolve(first('a tarball'))),
  logs: async () => (await running()).collectLogs(resolve(first('a folder'))),
  build: async () => void (await buildAll({ place, environment, progress, signal })),
  plugins: async () => console.log(await buildComponent('cni-plugins', { place, environment, progress, signal })),
  preflight: () => preflight({ environment, progress, signal }),
  help: async () => console.log(usage),
}

try {
  const chosen = commands[command]
  if (chosen === undefined) throw new ClusterError(`"${command}" is not a command\n\n${usage}`)
  await chosen()
} catch (thrown) {
  console.error(thrown instanceof ClusterError ? thrown.message : thrown) // Anything else is a bug: show where.
  process.exitCode = 1
}
