// Decides how CNI_ARGS is read and written (spec/attachments 1.9). Never reads the environment.
import type { Rejected } from '../json.ts'
import { rejected } from '../json.ts'
import { shown } from '../json-path.ts'

export type CniArg = readonly [key: string, value: string]

/** Who an attachment is for and what it asks for, in the terms of CNI_ARGS. */
export interface AttachmentArgs {
  readonly podNamespace: string
  readonly podName: string
  readonly containerId: string
  readonly podUid: string
  /** What the runtime passed; keys that we write ourselves are skipped. */
  readonly runtimeArgs: readonly CniArg[]
  readonly mac?: string
  readonly ips?: readonly string[]
}

const OWN_KEYS = ['IgnoreUnknown', 'K8S_POD_NAMESPACE', 'K8S_POD_NAME', 'K8S_POD_INFRA_CONTAINER_ID', 'K8S_POD_UID']

/** Splits `K1=V1;K2=V2`. A value may hold `=`. Empty parts are skipped. */
export function parseCniArgs(text: string): { readonly ok: true; readonly args: readonly CniArg[] } | Rejected {
  const args: CniArg[] = []
  for (const part of text.split(';')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    if (equals <= 0) return rejected('CNI_ARGS', `${shown(part)} is not KEY=VALUE`, 'the runtime must pass pairs separated by ";"')
    args.push([part.slice(0, equals), part.slice(equals + 1)])
  }
  return { ok: true, args }
}

/** The last value of a key; later ones win, as in libcni. */
export function cniArg(args: readonly CniArg[], key: string): string | undefined {
  return args.findLast(([name]) => name === key)?.[1]
}

/** CNI_ARGS for a delegate: the pod's identity, then the runtime's other arguments, then MAC and IP. */
export function formatCniArgs(attachment: AttachmentArgs): string {
  const { podNamespace, podName, containerId, podUid, runtimeArgs, mac, ips = [] } = attachment
  const args: readonly CniArg[] = [
    ['IgnoreUnknown', 'true'],
    ['K8S_POD_NAMESPACE', podNamespace],
    ['K8S_POD_NAME', podName],
    ['K8S_POD_INFRA_CONTAINER_ID', containerId],
    ['K8S_POD_UID', podUid],
    ...runtimeArgs.filter(([key]) => !OWN_KEYS.includes(key)),
    ...(mac === undefined ? [] : [['MAC', mac] as const]),
    ...(ips.length === 0 ? [] : [['IP', ips.join(',')] as const]),
  ]
  return args.map(([key, value]) => `${key}=${value}`).join(';')
}
