// Fakes of the ports that the attach path takes from other parts of the agent: the pushed cache, the primary, the boot, events.
import { type NetworkKey, parseNetworkKey } from '#api/ids'
import { parseNetworkConfig } from '#api/cni/config'
import { sentenceOf } from '#api/json'
import { profileSpec, type ProfileSpec } from '#api/kinds/node-network-profile'
import type { PrimaryNetwork } from '#api/node-file'
import type { NodeNetworkObject } from '#api/stream'
import type { EventNote, EventRecorder } from '#kube/events'
import type { Boot } from '../../boot.ts'
import type { PrimarySource } from '../../install/primary-source.ts'
import type { Snapshot } from '../../stream/snapshot.ts'

export interface FakeSnapshot extends Snapshot {
  put(key: string, object: NodeNetworkObject): void
  silence(ms: number): void
  label(namespace: string, labels: Readonly<Record<string, string>>): void
  setProfile(change: Partial<ProfileSpec>): void
}

export function fakeSnapshot(): FakeSnapshot {
  const networks = new Map<NetworkKey, NodeNetworkObject>()
  const namespaces = new Map<string, Readonly<Record<string, string>>>()
  const listeners = new Set<() => void>()
  let silent = 0
  let spec = profileSpec.parse({})
  return {
    network: (key) => networks.get(key),
    networks: () => networks,
    profile: () => ({ name: 'default', generation: 1, spec }),
    namespaceLabels: (name) => namespaces.get(name),
    revision: () => ({ epoch: 1, sequence: 1 }),
    silentForMs: () => silent,
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    put: (text, object) => {
      const key = parseNetworkKey(text)
      if (key === undefined) throw new Error(`${text} is not a key`)
      networks.set(key, object)
      for (const listener of listeners) listener()
    },
    label: (namespace, labels) => {
      namespaces.set(namespace, labels)
      for (const listener of listeners) listener()
    },
    silence: (ms) => {
      silent = ms
    },
    setProfile: (change) => {
      spec = { ...spec, ...change }
    },
  }
}

/** A usable network from the text of a NAD. */
export function usable(config: object, name = 'net'): NodeNetworkObject & { readonly state: 'usable' } {
  const parsed = parseNetworkConfig(JSON.stringify(config), { path: 'spec.config', name })
  if (!parsed.ok) throw new Error(sentenceOf(parsed))
  return { state: 'usable', uid: 'u', generation: 1, config: parsed.config }
}

export function fakePrimary(primary: PrimaryNetwork | undefined, binDirs: readonly string[]): PrimarySource {
  return { current: () => primary, binDirs: () => binDirs }
}

/** A boot whose clock is the test's. */
export function fakeBoot(nowMs: () => number, id = 'boot-1'): Boot {
  return { id, nowMs }
}

export interface FakeEvents extends EventRecorder {
  readonly notes: readonly EventNote[]
}

export function fakeEvents(): FakeEvents {
  const notes: EventNote[] = []
  return { notes, record: (note) => void notes.push(note), flush: async () => undefined }
}
