// Decides the interface name of every attachment of a pod (spec/attachments 1.8). Never looks into a netns.
import type { Rejected } from '../json.ts'
import { rejected } from '../json.ts'

/** One attachment as naming sees it. `path` says in messages who asks: an annotation's element, or the primary network's name. */
export interface NameRequest {
  readonly path: string
  readonly ifName?: string
}

export type Named = { readonly ok: true; readonly names: readonly string[] } | Rejected

/**
 * Names for the whole list: the primary first, then default networks, then the annotation's. What was asked for, else `ifName` (the
 * runtime's) for the primary, else `net<position>`; explicit names do not shift the numbers: `a@foo,b` is foo, net2.
 */
export function nameInterfaces(requests: readonly NameRequest[], ifName: string): Named {
  return unique(
    requests,
    requests.map((request, index) => request.ifName ?? (index === 0 ? ifName : `net${index}`)),
  )
}

/**
 * Names by the rules of the TKE fork, where the annotation lists the primary too: who asks for `ifName` is the primary, else the
 * first that asks for nothing; the others are `eth<position>` among themselves.
 */
export function nameTkeInterfaces(
  requests: readonly NameRequest[],
  ifName: string,
): (Named & { readonly ok: true; readonly primary: number }) | Rejected {
  const asked = requests.findIndex((request) => request.ifName === ifName)
  const primary = asked >= 0 ? asked : requests.findIndex((request) => request.ifName === undefined)
  if (primary < 0)
    return rejected(
      requests[0]?.path ?? '',
      `no network takes "${ifName}"`,
      `leave "interfaceRequest" out for the network that shall be "${ifName}"`,
    )
  let position = 0
  const names = requests.map((request, index) => {
    if (index === primary) return ifName
    position += 1
    return request.ifName ?? `eth${position}`
  })
  const named = unique(requests, names)
  return named.ok ? { ...named, primary } : named
}

/** The lowest `net<n>` from 1 that no attachment has; for attachments added to a running pod. */
export function lowestFreeName(taken: ReadonlySet<string>): string {
  for (let number = 1; ; number += 1) if (!taken.has(`net${number}`)) return `net${number}`
}

function unique(requests: readonly NameRequest[], names: readonly string[]): Named {
  const owners = new Map<string, string>()
  for (const [index, name] of names.entries()) {
    const path = requests[index]?.path ?? ''
    const owner = owners.get(name)
    if (owner !== undefined)
      return rejected(path, `the interface name "${name}" is already taken by ${owner}`, 'ask for another name with "interface"')
    owners.set(name, path)
  }
  return { ok: true, names }
}
