// Decides the course of one command and its exit code. Never opens a connection itself.
import { PlexusError } from '#api/errors'
import type { KubeClient } from '#kube/client'
import { isKubeError } from '#kube/kube-error'
import { type ClusterArguments, parseCommand, USAGE } from './arguments.ts'
import { explainPod } from './explain-pod.ts'
import { readFiles } from './files.ts'
import { lineOf } from './findings.ts'
import { gatherPod } from './gather-pod.ts'
import { readManifests } from './manifests.ts'
import { printPod } from './print-pod.ts'
import { printStatus, readStatus } from './status.ts'
import { validate } from './validate.ts'

/** What a command may use of its process. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream
  out(text: string): void
  error(text: string): void
  connect(where: ClusterArguments): Promise<KubeClient>
}

/** 0: nothing is wrong; 1: something is; 2: the command could not be carried out. */
export type ExitCode = 0 | 1 | 2

/** Carries out one command line. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const parsed = parseCommand(argv)
  if (!parsed.ok) {
    terminal.error(`plexusctl: ${parsed.message}\n`)
    return 2
  }
  const command = parsed.value
  try {
    switch (command.command) {
      case 'help':
        terminal.out(USAGE)
        return 0
      case 'validate':
        return await runValidate(command, terminal)
      case 'why':
        return await inCluster(command, terminal, async (client) => {
          const story = explainPod(await gatherPod(client, command.pod, command.namespace))
          terminal.out(command.json ? jsonOf(story) : printPod(story))
          return story.problems.length === 0 ? 0 : 1
        })
      case 'status':
        return await inCluster(command, terminal, async (client) => {
          const status = await readStatus(client)
          terminal.out(command.json ? jsonOf(status) : printStatus(status))
          return status.problems.length === 0 ? 0 : 1
        })
      default:
        return command satisfies never
    }
  } catch (error) {
    if (!(error instanceof PlexusError) && !isKubeError(error)) throw error
    terminal.error(`plexusctl: ${error.message}\n`)
    return 2
  }
}

async function runValidate(
  { files, namespace, json }: { readonly files: readonly string[]; readonly namespace: string; readonly json: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const texts = await readFiles(files, terminal.stdin)
  const { findings, checked } = validate(texts.flatMap(({ file, text }) => readManifests(text, { file, namespace })))
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const summary = `${checked} objects checked, ${errors} errors, ${findings.length - errors} warnings`
  terminal.out(json ? jsonOf({ checked, findings }) : `${[...findings.map(lineOf), summary].join('\n')}\n`)
  return errors === 0 ? 0 : 1
}

async function inCluster(where: ClusterArguments, terminal: Terminal, work: (client: KubeClient) => Promise<ExitCode>): Promise<ExitCode> {
  const client = await terminal.connect(where)
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}

const jsonOf = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`
