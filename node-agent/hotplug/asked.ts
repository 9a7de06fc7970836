// Decides what a record keeps of an annotation's element, so that a later edit of the annotation can be told from it. Pure.
import { DEFAULT_ROUTE_METRIC_KEY } from '#api/annotations/default-route'
import { NETWORKS_KEY } from '#api/annotations/keys'
import type { NetworkSelection } from '#api/annotations/selection'
import type { Json, JsonObject } from '#api/json'
import { sortedJson } from '#api/json-text'

/** Attributes that an attachment is made with, by the keys that users write. */
const ATTRIBUTES = [
  ['ips', 'ips'],
  ['mac', 'mac'],
  ['infiniband-guid', 'infinibandGuid'],
  ['portMappings', 'portMappings'],
  ['bandwidth', 'bandwidth'],
  ['default-route', 'defaultRoute'],
  [DEFAULT_ROUTE_METRIC_KEY, 'defaultRouteMetric'],
  ['cni-args', 'cniArgs'],
  ['deviceID', 'deviceId'],
  ['ipam-claim-reference', 'ipamClaimReference'],
] as const satisfies readonly (readonly [string, keyof NetworkSelection])[]

/** `asked` of an attachment: what the element asks for besides network and interface. Nothing for what no element of the annotation asked for. */
export function askedBy(selection: NetworkSelection | undefined): { readonly asked?: JsonObject } {
  if (selection === undefined || !selection.path.startsWith(`${NETWORKS_KEY}[`)) return {}
  return { asked: attributesOf(selection) }
}

/** The attributes of an element under the keys of the annotation. */
export function attributesOf(selection: NetworkSelection): JsonObject {
  const entries = ATTRIBUTES.flatMap(([key, field]): readonly (readonly [string, Json])[] => {
    const value = selection[field]
    return value === undefined ? [] : [[key, value]]
  })
  return Object.fromEntries(entries)
}

/** Keys whose values differ; the order of an object's members does not matter. */
export function changedAttributes(before: JsonObject, now: JsonObject): readonly string[] {
  return ATTRIBUTES.map(([key]) => key).filter((key) => textOf(before[key]) !== textOf(now[key]))
}

function textOf(value: Json | undefined): string {
  return value === undefined ? '' : sortedJson(value)
}
