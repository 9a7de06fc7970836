// Decides which devices the kubelet's checkpoint file gives to one pod: the source when its socket does not answer. Pure.
import { z } from 'zod'
import { parseJson, sentenceOf } from '#api/json'
import { type DeviceIds, deviceIds } from './device-ids.ts'

/** As much as its socket may answer. */
export const MAX_CHECKPOINT_BYTES = 16 * 1024 * 1024

/** Kubelet 1.20 and newer group the ids by NUMA node; older ones write one list. */
const ids = z.union([z.array(z.string()), z.record(z.string(), z.array(z.string()).nullable())]).nullish()

const checkpoint = z.object({
  Data: z.object({
    PodDeviceEntries: z.array(z.object({ PodUID: z.string(), ResourceName: z.string(), DeviceIDs: ids })).nullish(),
  }),
})

export type CheckpointOutcome = { readonly ok: true; readonly devices: DeviceIds } | { readonly ok: false; readonly problem: string }

/** Devices of the pod with this uid; none when the file does not name it. */
export function devicesInCheckpoint(text: string, uid: string): CheckpointOutcome {
  const json = parseJson(text, { maxBytes: MAX_CHECKPOINT_BYTES })
  if (!json.ok) return { ok: false, problem: sentenceOf(json) }
  const parsed = checkpoint.safeParse(json.value)
  if (!parsed.success) return { ok: false, problem: z.prettifyError(parsed.error) }
  const entries = parsed.data.Data.PodDeviceEntries ?? []
  const own = entries.filter(({ PodUID }) => uid !== '' && PodUID === uid)
  return { ok: true, devices: deviceIds(own.map(({ ResourceName, DeviceIDs }) => ({ resource: ResourceName, ids: listed(DeviceIDs) }))) }
}

function listed(found: z.infer<typeof ids>): readonly string[] {
  return Object.values(found ?? {}).flatMap((entry) => entry ?? [])
}
