// Decides which CA the replicas share and which CAs agents trust: one Secret, one ConfigMap, safe against racing replicas. Never issues serving certificates.
import { z } from 'zod'
import { objectMeta } from '#api/kinds/meta'
import type { KubeReader, KubeWriter } from '#kube/client'
import { isKubeError } from '#kube/kube-error'
import type { Log } from '#kube/process/log'
import type { KubeObject, Resource } from '#kube/resource'
import { type Authority, createAuthority, isUsable, lifetimeOf } from './certificates.ts'

export interface AuthorityStore {
  /** The shared CA, created or rotated when needed; afterwards agents are told to trust it and the one before it. */
  ensure(now: Date, signal: AbortSignal): Promise<Authority>
}

export interface AuthorityStoreOptions {
  readonly client: KubeReader & KubeWriter
  readonly namespace: string
  readonly log: Log
}

/** Name of the Secret and of the ConfigMap. */
export const STREAM_CA = 'plexus-stream-ca'
const MOST_TRIES = 5

interface Keyed extends KubeObject {
  readonly data: Readonly<Record<string, string>>
}

const secrets: Resource<Keyed> = { group: '', version: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true, parse: parseKeyed }
const configMaps: Resource<Keyed> = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
  parse: parseKeyed,
}

export function openAuthorityStore(options: AuthorityStoreOptions): AuthorityStore {
  const { client, namespace, log } = options
  const name = { namespace, name: STREAM_CA }

  const settle = async (now: Date, signal: AbortSignal): Promise<{ readonly authority: Authority; readonly bundle: string }> => {
    const secret = await client.get(secrets, name, { signal })
    const held = secret === undefined ? undefined : read(secret)
    if (secret !== undefined && held === undefined)
      log.warn('the stream CA in its Secret is damaged and is replaced', { secret: STREAM_CA })
    if (held !== undefined && isFresh(held.authority, now)) return { authority: held.authority, bundle: bundleOf(held, now) }
    const authority = await createAuthority(now)
    const next = { authority, previous: held?.authority.cert ?? '' }
    const sent = { metadata: { ...name, ...versionOf(secret) }, type: 'Opaque', data: write(next) }
    await (secret === undefined ? client.create(secrets, sent, { signal }) : client.replace(secrets, sent, { signal }))
    log.info('a new stream CA is in use', { secret: STREAM_CA, rotated: held !== undefined })
    return { authority, bundle: bundleOf(next, now) }
  }
  const publish = async (bundle: string, signal: AbortSignal): Promise<void> => {
    const present = await client.get(configMaps, name, { signal })
    if (present?.data[CA_KEY] === bundle) return
    const sent = { metadata: name, data: { [CA_KEY]: bundle } }
    await client.apply(configMaps, sent, { fieldManager: 'plexus-operator', force: true, signal })
  }
  return {
    ensure: async (now, signal) => {
      for (let tries = 1; ; tries += 1) {
        try {
          // Another replica may write in between: then its answer is ours, too.
          // oxlint-disable-next-line no-await-in-loop
          const { authority, bundle } = await settle(now, signal)
          // oxlint-disable-next-line no-await-in-loop
          await publish(bundle, signal)
          return authority
        } catch (error) {
          if (!isKubeError(error, 409) || tries >= MOST_TRIES) throw error
        }
      }
    },
  }
}

const CA_KEY = 'ca.crt'

interface Held {
  readonly authority: Authority
  /** PEM of the CA before it; '' when there was none. */
  readonly previous: string
}

function read({ data }: Keyed): Held | undefined {
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8')
  const authority = { cert: text('ca.crt'), key: text('ca.key') }
  // A CA that ended is still readable: it is rotated like one that is about to end.
  return isUsable(authority, new Date(0)) ? { authority, previous: text('previous.crt') } : undefined
}

function write({ authority, previous }: Held): Record<string, string> {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  return { 'ca.crt': base64(authority.cert), 'ca.key': base64(authority.key), 'previous.crt': base64(previous) }
}

function isFresh({ cert }: Authority, now: Date): boolean {
  const lifetime = lifetimeOf(cert)
  return lifetime !== undefined && now < lifetime.renewAt
}

/** Agents trust the CA before as well until it ends: a leader of before the rotation may still serve. */
function bundleOf({ authority, previous }: Held, now: Date): string {
  const lifetime = lifetimeOf(previous)
  return lifetime !== undefined && now < lifetime.notAfter ? `${authority.cert}${previous}` : authority.cert
}

function versionOf(secret: Keyed | undefined): { readonly resourceVersion?: string } {
  const version = secret?.metadata.resourceVersion
  return version === undefined ? {} : { resourceVersion: version }
}

function parseKeyed(value: unknown): Keyed {
  const { metadata, data } = z.object({ metadata: objectMeta, data: z.record(z.string(), z.string()).default({}) }).parse(value)
  return { metadata, data }
}
