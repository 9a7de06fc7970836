// A plugin runner for tests of collections: records every call, fails where told.
import type { Json } from '#api/json'
import type { DelegateError } from '#api/socket'
import type { PluginCall, PluginRunner } from '../delegates/plugin-process.ts'

export interface FakeRunner extends PluginRunner {
  /** `GC macvlan a [{…}]` or `DEL macvlan net1`. */
  readonly calls: string[]
  /** Type → its error from now on. */
  readonly broken: Map<string, DelegateError>
}

export function fakeRunner(): FakeRunner {
  const calls: string[] = []
  const broken = new Map<string, DelegateError>()
  const run = async (call: PluginCall): Promise<DelegateError | undefined> => {
    calls.push(
      call.command === 'GC'
        ? `GC ${call.type} ${text(call.stdin['name'])} ${listed(call.stdin['cni.dev/valid-attachments'])}`
        : `${call.command} ${call.type} ${call.env.CNI_IFNAME}`,
    )
    return broken.get(call.type)
  }
  return { calls, broken, run }
}

function listed(valid: Json | undefined): string {
  const items = Array.isArray(valid) ? valid : []
  return items.map((item: { readonly containerID?: string; readonly ifname?: string }) => `${item.containerID}/${item.ifname}`).join(',')
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}
