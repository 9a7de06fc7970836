// Puts small CNI plugins of our own on a node: one that passes, one that waits at a gate. They run under the Node that runs the suites.
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'

const PLUGIN = (body: string): string => `#!${process.execPath}
const fs = require('node:fs')
const conf = JSON.parse(fs.readFileSync(0, 'utf8'))
const say = (value) => process.stdout.write(JSON.stringify(value))
${body}
if (process.env.CNI_COMMAND === 'ADD') say(conf.prevResult ?? { cniVersion: conf.cniVersion ?? '1.0.0', interfaces: [], ips: [] })
if (process.env.CNI_COMMAND === 'VERSION') say({ cniVersion: '1.1.0', supportedVersions: ['0.4.0', '1.0.0', '1.1.0'] })
`

async function install(node: Node, name: string, body: string): Promise<void> {
  await put(node, name, PLUGIN(body))
}

async function put(node: Node, name: string, text: string): Promise<void> {
  await node.files.write(`/opt/cni/bin/.${name}`, text)
  await node.run(['chmod', '0755', `/opt/cni/bin/.${name}`])
  await node.run(['mv', `/opt/cni/bin/.${name}`, `/opt/cni/bin/${name}`])
}

/** A plugin that passes the result on. */
export async function installPassing(node: Node, name: string): Promise<void> {
  await install(node, name, '')
}

/** A gate on a node: ADD stops there until it is opened; DEL passes. */
export interface Gate {
  /** The `type` to use in a conflist. */
  readonly type: string
  reached(): Promise<void>
  open(): Promise<void>
}

/** Installs a closed gate. `name` keeps suites apart. */
export async function installGate(node: Node, name: string): Promise<Gate> {
  const folder = `/run/plexus-e2e-${name}`
  const type = `plexus-e2e-${name}`
  await node.run(['rm', '-rf', folder])
  await node.run(['mkdir', '-p', folder])
  const wait = `if (process.env.CNI_COMMAND === 'ADD') {
  fs.writeFileSync('${folder}/reached', '')
  while (!fs.existsSync('${folder}/open')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
}`
  await install(node, type, wait)
  return gateAt(node, folder, type)
}

/**
 * A gate for delegates that the agent itself executes: written for `sh`, the only interpreter in its image, below a directory that node and
 * agent share. Chained after another plugin, as it prints nothing but that one's result.
 */
export async function installAgentGate(node: Node, name: string): Promise<Gate> {
  const folder = `/run/plexus/e2e-${name}`
  const type = `plexus-e2e-${name}`
  await node.run(['rm', '-rf', folder])
  await node.run(['mkdir', '-p', folder])
  const script = `#!/bin/sh
[ "$CNI_COMMAND" = ADD ] || exit 0
conf=$(cat)
: > ${folder}/reached
while [ ! -e ${folder}/open ]; do sleep 0.05; done
result=\${conf#*'"prevResult":'}
printf '%s' "\${result%\\}}"
`
  await node.files.write(`/opt/cni/bin/.${type}`, script)
  await node.run(['chmod', '0755', `/opt/cni/bin/.${type}`])
  await node.run(['mv', `/opt/cni/bin/.${type}`, `/opt/cni/bin/${type}`])
  return gateAt(node, folder, type)
}

function gateAt(node: Node, folder: string, type: string): Gate {
  return {
    type,
    reached: async () => {
      const look = async () => holds((await node.files.list(folder)).includes('reached'), 'nobody came')
      await waitFor(`the gate ${type} is reached`, look, { deadline: 60_000 })
    },
    open: () => node.files.write(`${folder}/open`, ''),
  }
}

/** A plugin that writes down every call and passes results on. The agent executes it too, so it needs nothing but a shell. */
export interface Recorder {
  /** The `type` to use in a conflist, after a plugin that makes a result. */
  readonly type: string
  /** `CHECK <container> net1`; of GC the whole stdin follows. */
  calls(): Promise<readonly string[]>
  /** Its DEL fails from now on, or does not any more. */
  failDel(fails: boolean): Promise<void>
}

/** Installs a recorder that has recorded nothing. `name` keeps suites apart. */
export async function installRecorder(node: Node, name: string): Promise<Recorder> {
  const folder = `/var/lib/cni/plexus-e2e-${name}` // Both the node and the agent's container have it.
  const type = `plexus-e2e-${name}`
  await node.run(['rm', '-rf', folder])
  await node.run(['mkdir', '-p', folder])
  const script = `#!/bin/sh
in=$(cat)
said=
[ "$CNI_COMMAND" = GC ] && said=$in
printf '%s %s %s %s\\n' "$CNI_COMMAND" "$CNI_CONTAINERID" "$CNI_IFNAME" "$said" >> ${folder}/calls
if [ "$CNI_COMMAND" = DEL ] && [ -e ${folder}/fail ]; then
  printf '{"cniVersion":"1.1.0","code":103,"msg":"told to fail"}'
  exit 1
fi
[ "$CNI_COMMAND" = ADD ] && printf '%s' "$in" | sed 's/.*"prevResult"://; s/}$//'
exit 0
`
  await put(node, type, script)
  return {
    type,
    calls: async () => (await node.files.read(`${folder}/calls`).catch(() => '')).split('\n').filter((line) => line !== ''),
    failDel: async (fails) => (fails ? node.files.write(`${folder}/fail`, '') : node.files.remove(`${folder}/fail`)),
  }
}

/** A call of a plugin that keeps its input. */
export interface RecordedCall {
  readonly command: string
  readonly ifName: string
  readonly containerId: string
  readonly stdin: Readonly<Record<string, unknown>>
}

/** A plugin that passes the result on and keeps what it was called with. */
export interface InputKeeper {
  /** The `type` to use in a conflist. */
  readonly type: string
  /** ADD and DEL so far, in their order. */
  calls(): Promise<readonly RecordedCall[]>
}

/** Installs such a plugin that has not been called. `name` keeps suites apart. */
export async function installInputKeeper(node: Node, name: string): Promise<InputKeeper> {
  const file = `/run/plexus-e2e-${name}.calls`
  const type = `plexus-e2e-${name}`
  await node.files.remove(file)
  const keep = `const { CNI_COMMAND: command, CNI_IFNAME: ifName, CNI_CONTAINERID: containerId } = process.env
if (command === 'ADD' || command === 'DEL') fs.appendFileSync('${file}', JSON.stringify({ command, ifName, containerId, stdin: conf }) + '\\n')`
  await install(node, type, keep)
  return {
    type,
    calls: async () => {
      const text = await node.files.read(file).catch(() => '')
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line): RecordedCall => JSON.parse(line))
    },
  }
}
