// Decides where the kernel differs from what the attachments' results say. Pure: never reads the kernel, never asks a plugin.
import type { CniResult } from '#api/cni/result'
import { formatCidr, networkOf, parseCidr } from '#api/ip'
import type { RecordedAttachment } from '#api/socket'
import { resultOf } from '../status/network-status-of.ts'
import type { KernelLink, NetnsState } from './netns-state.ts'

/** The first difference as a sentence; undefined when the kernel has everything that is recorded. What it has besides is the pod's own business. */
export function kernelDifference(attachments: readonly RecordedAttachment[], kernel: NetnsState): string | undefined {
  for (const attachment of attachments) {
    const problem = attachment.disableCheck === true ? undefined : attachmentDifference(attachment, kernel)
    if (problem !== undefined) return `network "${attachment.network}" on ${attachment.ifName}: ${problem}`
  }
  return undefined
}

function attachmentDifference(attachment: RecordedAttachment, kernel: NetnsState): string | undefined {
  const parsed = attachment.result === undefined ? undefined : resultOf(attachment, attachment.result)
  if (parsed?.ok !== true) return undefined
  const { result } = parsed
  const links = new Map(kernel.links.map((link) => [link.name, link]))
  return linkDifference(attachment, result, links) ?? addressDifference(attachment, result, links) ?? routeDifference(result, kernel)
}

/** Plugins say which interfaces they made in the pod. One that says only its host's end (Calico) has made the requested one. */
function expectedLinks({ ifName }: RecordedAttachment, result: CniResult): CniResult['interfaces'] {
  const inside = result.interfaces.filter(({ sandbox }) => sandbox !== undefined)
  if (inside.length > 0) return inside
  return result.interfaces.length > 0 || result.ips.length > 0 ? [{ name: ifName }] : []
}

function linkDifference(attachment: RecordedAttachment, result: CniResult, links: ReadonlyMap<string, KernelLink>): string | undefined {
  for (const { name, mac, socketPath } of expectedLinks(attachment, result)) {
    const link = links.get(name)
    if (link === undefined && (socketPath !== undefined || hasDevice(attachment))) continue
    if (link === undefined) return `the interface ${name} is missing in the pod`
    if (mac !== undefined && mac.toLowerCase() !== link.mac) return `the interface ${name} has the MAC address ${link.mac} and not ${mac}`
  }
  return undefined
}

/** A device may be bound to a user space driver: then the kernel has no interface, and only its plugin can judge. */
function hasDevice({ plugins }: RecordedAttachment): boolean {
  return plugins.some((plugin) => plugin['deviceID'] !== undefined || plugin['pciBusID'] !== undefined)
}

function addressDifference(
  attachment: RecordedAttachment,
  { interfaces, ips }: CniResult,
  links: ReadonlyMap<string, KernelLink>,
): string | undefined {
  for (const { address, interface: index } of ips) {
    const owner = index === undefined ? undefined : interfaces[index]
    // An address of the host's end is not the pod's.
    if (owner !== undefined && owner.sandbox === undefined) continue
    const name = owner?.name ?? attachment.ifName
    const link = links.get(name)
    const wanted = address.replace(/\/\d+$/, '')
    if (link !== undefined && !link.addresses.includes(wanted)) return `the interface ${name} has lost the address ${address}`
  }
  return undefined
}

function routeDifference({ routes }: CniResult, kernel: NetnsState): string | undefined {
  for (const { dst } of routes) {
    const cidr = parseCidr(dst)
    if (cidr !== undefined && !kernel.routes.has(formatCidr(networkOf(cidr)))) return `the route to ${dst} is missing in the pod`
  }
  return undefined
}
