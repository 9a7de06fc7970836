// Decides the network-status of one sandbox from its record. Pure; the bytes are made by api/network-status.ts.
import { type CniResult, parseResult } from '#api/cni/result'
import { DEFAULT_CNI_VERSION, isCniVersion } from '#api/cni/version'
import type { JsonObject, Rejected } from '#api/json'
import { formatNetworkStatus, networkStatuses } from '#api/network-status'
import type { SandboxRecord } from '#api/sandbox-record'
import type { PlannedAttachment, RecordedAttachment } from '#api/socket'

/** The result of an attachment's last plugin; it is in the version of that plugin's conf when it names none. */
export function resultOf(attachment: PlannedAttachment, result: JsonObject): { readonly ok: true; readonly result: CniResult } | Rejected {
  const version = attachment.plugins.at(-1)?.['cniVersion']
  return parseResult(result, typeof version === 'string' && isCniVersion(version) ? version : DEFAULT_CNI_VERSION)
}

/** The annotation's value: one element list for all attachments, in their order. A result that cannot be read is left out. */
export function networkStatusOf(record: Pick<SandboxRecord, 'attachments'>): string {
  return formatNetworkStatus(record.attachments.flatMap(statusesOf))
}

function statusesOf(attachment: RecordedAttachment): ReturnType<typeof networkStatuses> {
  const { network, primary, result, device } = attachment
  const parsed = result === undefined ? undefined : resultOf(attachment, result)
  const info = device?.info === undefined ? {} : { deviceInfo: device.info }
  return parsed?.ok === true ? networkStatuses({ name: network, primary, result: parsed.result, ...info }) : []
}

/** A pod with nothing but its primary: its status is not waited for. */
export function isPlainSandbox(record: Pick<SandboxRecord, 'attachments'>): boolean {
  return record.attachments.every(({ primary }) => primary)
}
