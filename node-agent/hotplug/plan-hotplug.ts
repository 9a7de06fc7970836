// Decides what an edited networks annotation changes on a running pod: what is detached, what is attached under which name, what is refused. Pure.
import { lowestFreeName } from '#api/annotations/naming'
import { parseNetworks } from '#api/annotations/networks'
import type { NetworkSelection } from '#api/annotations/selection'
import { sentenceOf } from '#api/json'
import type { SandboxRecord } from '#api/sandbox-record'
import type { RecordedAttachment } from '#api/socket'
import { isRefusal, keyed, type Refusal, refuse, type RequestedNetwork } from '../attach/requested-network.ts'
import { attributesOf, changedAttributes } from './asked.ts'

export interface HotplugInput {
  /** The annotation's text; empty when the pod has none. */
  readonly annotation: string
  readonly record: Pick<SandboxRecord, 'pod' | 'attachments' | 'ifName'>
}

/** One element that no attachment answers to yet; its interface has a name. */
export type Addition = RequestedNetwork & { readonly ifName: string }

export interface HotplugPlan {
  readonly ok: true
  /** Executed first, in this order (last attached first): names and addresses are free before somebody asks for them. */
  readonly remove: readonly RecordedAttachment[]
  /** In the annotation's order: one may lie on top of the one before it. */
  readonly add: readonly Addition[]
  /** Elements that stay refused until the annotation changes; everything else goes on without them. */
  readonly refused: readonly Refusal[]
  /** Sentences about what was ignored in the annotation. */
  readonly warnings: readonly string[]
}

/**
 * Compares the annotation with the attachments it asked for (those with `asked`); the primary, default networks and others are never
 * touched. A text that cannot be read changes nothing.
 */
export function planHotplug({ annotation, record }: HotplugInput): HotplugPlan | Refusal {
  const parsed = parseNetworks(annotation, { namespace: record.pod.namespace })
  if (!parsed.ok) return refuse('InvalidAnnotation', sentenceOf(parsed))
  const own = record.attachments.filter(({ asked, pending }) => asked !== undefined && pending === undefined)
  const matches = match(parsed.networks, own)
  const kept = new Set(matches.values())
  const remove = own.filter((attachment) => !kept.has(attachment)).toReversed()
  const staying = record.attachments.filter((attachment) => !remove.includes(attachment))
  // What could not be detached yet keeps its name until it is; who wants that name comes later.
  const leaving = new Set(staying.filter(({ pending }) => pending !== undefined).map(({ ifName }) => ifName))
  const named = nameAdditions(
    parsed.networks.filter((element) => !matches.has(element) && !leaving.has(element.ifName ?? '')),
    new Set([record.ifName, ...staying.map(({ ifName }) => ifName)]),
  )
  const changed = [...matches].flatMap(([element, attachment]) => changeRefusal(element, attachment))
  return { ok: true, remove, add: named.add, refused: [...changed, ...named.refused], warnings: parsed.warnings }
}

/**
 * Which attachment answers to which element. With `interface`: the one of that name and network. Without: those of the network in the
 * order of the list, the ones with the same attributes first, so that removing one of two static addresses removes that one.
 */
function match(
  elements: readonly NetworkSelection[],
  own: readonly RecordedAttachment[],
): ReadonlyMap<NetworkSelection, RecordedAttachment> {
  const matches = new Map<NetworkSelection, RecordedAttachment>()
  const free = new Set(own)
  const take = (isWanted: (element: NetworkSelection, attachment: RecordedAttachment) => boolean): void => {
    for (const element of elements.filter((each) => !matches.has(each))) {
      const network = `${element.namespace}/${element.name}`
      const found = [...free].find((attachment) => attachment.network === network && isWanted(element, attachment))
      if (found === undefined) continue
      matches.set(element, found)
      free.delete(found)
    }
  }
  take((element, { ifName }) => element.ifName === ifName)
  take((element, attachment) => element.ifName === undefined && changes(element, attachment).length === 0)
  take((element) => element.ifName === undefined)
  return matches
}

function changes(element: NetworkSelection, { asked = {} }: RecordedAttachment): readonly string[] {
  return changedAttributes(asked, attributesOf(element))
}

function changeRefusal(element: NetworkSelection, attachment: RecordedAttachment): readonly Refusal[] {
  const keys = changes(element, attachment)
  if (keys.length === 0) return []
  const { network, ifName } = attachment
  const sentence = `${element.path}: ${keys.join(', ')} of network ${network} (${ifName}) cannot be changed while the pod runs; remove the element and add it again, or start the pod anew`
  return [refuse('UnsupportedField', sentence)]
}

/** Names that were asked for are given first, so that no lowest free `net<n>` takes one of them. */
function nameAdditions(
  elements: readonly NetworkSelection[],
  taken: Set<string>,
): { readonly add: readonly Addition[]; readonly refused: readonly Refusal[] } {
  const refused: Refusal[] = []
  const names = new Map<NetworkSelection, string>()
  for (const element of elements) {
    if (element.ifName === undefined) continue
    if (taken.has(element.ifName)) refused.push(nameRefusal(element, element.ifName))
    else names.set(element, element.ifName)
    taken.add(element.ifName)
  }
  const add: Addition[] = []
  for (const element of elements) {
    const ifName = element.ifName === undefined ? lowestFreeName(taken) : names.get(element)
    if (ifName === undefined) continue
    taken.add(ifName)
    const network = keyed(element)
    if (isRefusal(network)) refused.push(network)
    else add.push({ ...network, ifName })
  }
  return { add, refused }
}

function nameRefusal({ path }: NetworkSelection, ifName: string): Refusal {
  return refuse('InterfaceExists', `${path}: the interface name "${ifName}" is already taken in this pod; ask for another with "interface"`)
}
