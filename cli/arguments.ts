// Decides what may be said to plexusctl on its command line. Pure.
import { parseArgs } from 'node:util'
import { isError } from '#kube/process/is-error'

/** Where the cluster is, as kubectl is told. */
export interface ClusterArguments {
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
}

export type Command =
  | { readonly command: 'help' }
  | { readonly command: 'validate'; readonly files: readonly string[]; readonly namespace: string; readonly json: boolean }
  | ({ readonly command: 'why'; readonly pod: string; readonly namespace: string; readonly json: boolean } & ClusterArguments)
  | ({ readonly command: 'status'; readonly json: boolean } & ClusterArguments)

export const USAGE = `plexusctl shows, explains and validates; it changes nothing. As kubectl-plexus on PATH it is also "kubectl plexus".

  plexusctl validate -f FILE|DIRECTORY|- [-n NAMESPACE]   check networks, profiles and pods without a cluster
  plexusctl why POD [-n NAMESPACE]                        what one pod asks for, should get, has, and why not
  plexusctl status                                        profiles, nodes and networks, and what is wrong with them

  -o json              print JSON
  --kubeconfig FILE    instead of $KUBECONFIG or ~/.kube/config
  --context NAME       instead of its current context
Exit codes: 0 nothing is wrong, 1 something is, 2 the command could not be carried out.
`

const OPTIONS = {
  filename: { type: 'string', short: 'f', multiple: true },
  namespace: { type: 'string', short: 'n', default: 'default' },
  output: { type: 'string', short: 'o' },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** Parses the words after the program's name; a refusal is a sentence. */
export function parseCommand(
  argv: readonly string[],
): { readonly ok: true; readonly value: Command } | { readonly ok: false; readonly message: string } {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: true })
    if (values.help || positionals[0] === undefined || positionals[0] === 'help') return { ok: true, value: { command: 'help' } }
    const json = values.output === 'json'
    if (values.output !== undefined && !json) return refused(`-o ${values.output}: there is only json; leave -o out for text`)
    const { namespace, kubeconfig, context } = values
    return commandOf(positionals, { files: values.filename ?? [], namespace, json, kubeconfig, context })
  } catch (error) {
    return refused(isError(error) ? error.message : String(error))
  }
}

interface Given extends ClusterArguments {
  readonly files: readonly string[]
  readonly namespace: string
  readonly json: boolean
}

function commandOf([command = '', ...words]: readonly string[], given: Given): ReturnType<typeof parseCommand> {
  const { files, namespace, json, kubeconfig, context } = given
  const [first, ...more] = words
  switch (command) {
    case 'validate':
      if (words.length > 0) return refused(`${words.join(' ')}: name files with -f`)
      if (files.length === 0) return refused('validate needs -f; name a file, a directory, or - for standard input')
      return { ok: true, value: { command, files, namespace, json } }
    case 'why': {
      const pod = first?.replace(/^pods?\//, '')
      if (pod === undefined || pod === '' || more.length > 0) return refused('why needs the name of one pod')
      return { ok: true, value: { command, pod, namespace, json, kubeconfig, context } }
    }
    case 'status':
      if (words.length > 0) return refused(`${words.join(' ')}: status takes no further words`)
      return { ok: true, value: { command, json, kubeconfig, context } }
    default:
      return refused(`"${command}" is not a command; use validate, why or status`)
  }
}

function refused(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message }
}
