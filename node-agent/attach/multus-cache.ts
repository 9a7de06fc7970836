// Decides what the delegate cache of Multus says about a sandbox that it attached (spec/attachments 1.14). Never decides what is detached.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type JsonObject, parseJson } from '#api/json'
import { jsonObject, parsedBy } from '#api/socket-schema'

/** A network that Multus attached: in its order, the first is the primary. */
export interface MultusDelegate {
  /** Conf or conflist as JSON text; releases up to 4.3.0 lost keys of a conflist here. */
  readonly config: string
  /** As asked for; the place in the list decides otherwise. */
  readonly ifName?: string
  /** Port mappings and bandwidth were never kept. */
  readonly runtimeConfig: JsonObject
  /** `;MAC=…;IP=…`, or empty. */
  readonly cniArgs: string
}

const optional = z.string().nullish()
const delegate = z.object({
  Bytes: optional,
  Conf: jsonObject.nullish(),
  ConfList: jsonObject.nullish(),
  ifnameRequest: optional,
  macRequest: optional,
  infinibandGUIDRequest: optional,
  ipRequest: z.array(z.string()).nullish(),
  deviceID: optional,
})

const MAX_BYTES = 4 * 1024 * 1024

/** The cached delegates; undefined when there is no file, or none that can be read: Multus wrote it in place, so a crash left half of it. */
export async function readMultusCache(directory: string, containerId: string): Promise<readonly MultusDelegate[] | undefined> {
  const text = await readFile(join(directory, containerId), 'utf8').catch(() => undefined)
  const json = text === undefined ? undefined : parseJson(text, { maxBytes: MAX_BYTES })
  const parsed = json?.ok === true ? parsedBy(z.array(delegate), json.value) : undefined
  return parsed?.ok === true ? parsed.value.map(delegateOf) : undefined
}

/** Removes the file of a sandbox that is detached. */
export async function forgetMultusCache(directory: string, containerId: string): Promise<void> {
  await rm(join(directory, containerId), { force: true })
}

function delegateOf(cached: z.infer<typeof delegate>): MultusDelegate {
  const { macRequest: mac, ipRequest: ips, infinibandGUIDRequest: infinibandGUID, deviceID, ifnameRequest } = cached
  return {
    config: configOf(cached),
    ...(isSaid(ifnameRequest) ? { ifName: ifnameRequest } : {}),
    runtimeConfig: {
      ...(ips !== undefined && ips !== null && ips.length > 0 ? { ips } : {}),
      ...(isSaid(mac) ? { mac } : {}),
      ...(isSaid(infinibandGUID) ? { infinibandGUID } : {}),
      ...(isSaid(deviceID) ? { deviceID } : {}),
    },
    cniArgs: `${isSaid(mac) ? `;MAC=${mac}` : ''}${ips !== undefined && ips !== null && ips.length > 0 ? `;IP=${ips.join(',')}` : ''}`,
  }
}

/** The bytes that were executed, else the parts that Multus parsed from them. */
function configOf({ Bytes, Conf, ConfList }: z.infer<typeof delegate>): string {
  const bytes = isSaid(Bytes) ? Buffer.from(Bytes, 'base64').toString('utf8') : ''
  if (parseJson(bytes, { maxBytes: MAX_BYTES }).ok) return bytes
  const list = Array.isArray(ConfList?.['plugins']) && ConfList['plugins'].length > 0 ? ConfList : undefined
  return JSON.stringify(list ?? Conf ?? {})
}

function isSaid(text: string | null | undefined): text is string {
  return text !== undefined && text !== null && text !== ''
}
