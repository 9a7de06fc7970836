// Plays the container runtime on a node: makes network namespaces, executes ADD and DEL, and times each. Decides nothing about the cluster.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'undici'
import type { FloorAttachment, Job, JobResult, Sandbox } from './job.ts'

const STATUS_KEY = 'k8s.v1.cni.cncf.io/network-status'

interface RuntimeConf {
  readonly name: string
  readonly cniVersion: string
  readonly plugins: readonly Readonly<Record<string, unknown>>[]
}

/** The parts of a watch event that are read. */
interface PodEvent {
  readonly object: { readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> } }
}

interface Executed {
  readonly code: number
  readonly stdout: string
}

function execute(argv: readonly string[], env: NodeJS.ProcessEnv, stdin: string): Promise<Executed> {
  const [command = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, stdout: Buffer.concat(chunks).toString() }))
    child.stdin.once('error', () => undefined) // A command may end before it has read its input: its exit code tells.
    child.stdin.end(stdin)
  })
}

const netnsPath = (sandbox: Sandbox): string => `/run/netns/${sandbox.containerId}`

function cniEnv(job: Job, sandbox: Sandbox, command: 'ADD' | 'DEL', ifName: string): NodeJS.ProcessEnv {
  const args = `IgnoreUnknown=1;K8S_POD_NAMESPACE=${sandbox.namespace};K8S_POD_NAME=${sandbox.name};K8S_POD_INFRA_CONTAINER_ID=${sandbox.containerId};K8S_POD_UID=${sandbox.uid}`
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    CNI_COMMAND: command,
    CNI_CONTAINERID: sandbox.containerId,
    CNI_NETNS: netnsPath(sandbox),
    CNI_IFNAME: ifName,
    CNI_ARGS: args,
    CNI_PATH: job.binDir,
  }
}

/** One verb of Plexus: the conf that the runtime would load, with the pod's annotations in runtimeConfig. */
async function plexus(job: Job, sandbox: Sandbox, command: 'ADD' | 'DEL'): Promise<void> {
  const conf: RuntimeConf = JSON.parse(readFileSync(job.confFile, 'utf8'))
  const plugin = {
    ...conf.plugins[0],
    name: conf.name,
    cniVersion: conf.cniVersion,
    runtimeConfig: { 'io.kubernetes.cri.pod-annotations': job.annotations },
  }
  const ended = await execute([`${job.binDir}/plexus`], cniEnv(job, sandbox, command, 'eth0'), JSON.stringify(plugin))
  if (ended.code !== 0) throw new Error(`${command} ${sandbox.name}: ${ended.stdout}`)
}

async function chain(job: Job, sandbox: Sandbox, attachment: FloorAttachment): Promise<unknown> {
  let prevResult: unknown
  for (const plugin of attachment.plugins) {
    const stdin = JSON.stringify(prevResult === undefined ? plugin : { ...plugin, prevResult })
    const ended = await execute([`${job.binDir}/${String(plugin['type'])}`], cniEnv(job, sandbox, 'ADD', attachment.ifName), stdin)
    if (ended.code !== 0) throw new Error(`ADD ${sandbox.name} ${String(plugin['type'])}: ${ended.stdout}`)
    prevResult = JSON.parse(ended.stdout)
  }
  return prevResult
}

const floorResults = new Map<string, readonly unknown[]>()

/** The floor's ADD: the delegates and one status write, nothing else. */
async function floorAdd(job: Job, sandbox: Sandbox, dispatcher: Agent): Promise<void> {
  const results: unknown[] = []
  for (const attachment of job.floor) results.push(await chain(job, sandbox, attachment))
  floorResults.set(sandbox.containerId, results)
  const body = JSON.stringify({ metadata: { uid: sandbox.uid, annotations: { [STATUS_KEY]: JSON.stringify(results) } } })
  const answer = await request(`${job.api.server}/api/v1/namespaces/${sandbox.namespace}/pods/${sandbox.name}/status`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${job.api.token}`, 'content-type': 'application/merge-patch+json' },
    body,
    dispatcher,
  })
  const text = await answer.body.text()
  if (answer.statusCode !== 200) throw new Error(`status of ${sandbox.name}: ${answer.statusCode} ${text}`)
}

async function floorDel(job: Job, sandbox: Sandbox): Promise<void> {
  const results = floorResults.get(sandbox.containerId) ?? []
  for (const [index, attachment] of [...job.floor.entries()].toReversed()) {
    for (const plugin of attachment.plugins.toReversed()) {
      const stdin = JSON.stringify({ ...plugin, prevResult: results[index] })
      const ended = await execute([`${job.binDir}/${String(plugin['type'])}`], cniEnv(job, sandbox, 'DEL', attachment.ifName), stdin)
      if (ended.code !== 0) throw new Error(`DEL ${sandbox.name}: ${ended.stdout}`)
    }
  }
}

/** Runs `work` for every sandbox with `width` at a time; answers the milliseconds of each. */
async function timed(
  sandboxes: readonly Sandbox[],
  width: number,
  work: (sandbox: Sandbox) => Promise<void>,
  errors: string[],
): Promise<number[]> {
  const samples: number[] = []
  const waiting = [...sandboxes]
  const lane = async (): Promise<void> => {
    for (let sandbox = waiting.shift(); sandbox !== undefined; sandbox = waiting.shift()) {
      const started = performance.now()
      try {
        await work(sandbox)
        samples.push(performance.now() - started)
      } catch (error) {
        errors.push(String(error))
      }
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  return samples
}

/** Notes when a watch first shows network-status on each pod. */
async function watchStatuses(job: Job, dispatcher: Agent, seen: Map<string, number>, signal: AbortSignal): Promise<void> {
  const namespace = job.sandboxes[0]?.namespace ?? 'default'
  const answer = await request(`${job.api.server}/api/v1/namespaces/${namespace}/pods?watch=1`, {
    headers: { authorization: `Bearer ${job.api.token}` },
    dispatcher,
    signal,
  })
  let rest = ''
  for await (const chunk of answer.body) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    const now = performance.now()
    for (const line of lines) {
      const event: PodEvent = JSON.parse(line)
      const { name, annotations } = event.object.metadata
      if (annotations?.[STATUS_KEY] !== undefined && !seen.has(name)) seen.set(name, now)
    }
  }
}

async function run(job: Job): Promise<JobResult> {
  const dispatcher = new Agent({ connect: { ca: readFileSync(job.api.caFile) }, allowH2: false, connections: 8, bodyTimeout: 0 })
  const errors: string[] = []
  const seen = new Map<string, number>()
  const started = new Map<string, number>()
  const watching = new AbortController()
  const watch = watchStatuses(job, dispatcher, seen, watching.signal).catch((error: unknown) => {
    if (!watching.signal.aborted) errors.push(`watch: ${String(error)}`)
  })
  mkdirSync('/run/netns', { recursive: true })
  for (const sandbox of job.sandboxes) await execute(['/usr/sbin/ip', 'netns', 'add', sandbox.containerId], process.env, '')

  const add = (sandbox: Sandbox): Promise<void> => {
    started.set(sandbox.name, performance.now())
    return job.mode === 'plexus' ? plexus(job, sandbox, 'ADD') : floorAdd(job, sandbox, dispatcher)
  }
  const addStarted = performance.now()
  const addMs = await timed(job.sandboxes, job.concurrency, add, errors)
  const wallAddMs = performance.now() - addStarted
  await untilAllSeen(job, seen)
  watching.abort()
  await watch

  const delStarted = performance.now()
  const del = (sandbox: Sandbox): Promise<void> => (job.mode === 'plexus' ? plexus(job, sandbox, 'DEL') : floorDel(job, sandbox))
  const delMs = job.keep ? [] : await timed(job.sandboxes, job.concurrency, del, errors)
  const wallDelMs = performance.now() - delStarted
  if (!job.keep) for (const sandbox of job.sandboxes) await execute(['/usr/sbin/ip', 'netns', 'del', sandbox.containerId], process.env, '')
  await dispatcher.close()
  const status = [...seen].map(([name, at]) => at - (started.get(name) ?? at))
  return { add: addMs, del: delMs, status, wallAddMs, wallDelMs, errors }
}

/** Statuses of pods may be written after the ADD returned: at most 30 s are granted. */
async function untilAllSeen(job: Job, seen: ReadonlyMap<string, number>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (seen.size < job.sandboxes.length && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
}

const jobFile = process.argv[2]
if (jobFile === undefined) throw new Error('usage: driver.ts JOB.json')
const result = await run(JSON.parse(readFileSync(jobFile, 'utf8')))
process.stdout.write(`${JSON.stringify(result)}\n`)
