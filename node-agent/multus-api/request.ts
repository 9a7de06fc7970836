// Decides what a client of the Multus socket asks for (spec/attachments 1.16): its environment, the configuration and the interface's attributes. Pure.
import { z } from 'zod'
import { PlexusError } from '#api/errors'
import type { Json, JsonObject } from '#api/json'
import { jsonObject, type Parsed, parsedBy } from '#api/socket-schema'

/** `interfaceAttributes` of a `/delegate` request. Absent fields were not asked for. */
export interface InterfaceAttributes {
  readonly ips?: readonly string[]
  readonly mac?: string
  readonly cniArgs?: JsonObject
}

/** The body of `/cni` and `/delegate`. */
export interface MultusRequest {
  /** The client's whole environment, as it was sent. */
  readonly env: Readonly<Record<string, string>>
  /** The CNI configuration as text; empty when there was none. */
  readonly config: string
  readonly attributes: InterfaceAttributes
}

/** The verbs of one path. */
export const CNI_VERBS = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS'] as const
export const DELEGATE_VERBS = ['ADD', 'DEL', 'CHECK', 'STATUS'] as const
export type CniVerb = (typeof CNI_VERBS)[number]

const attributes = z.object({
  ips: z.array(z.string()).nullish(),
  mac: z.string().nullish(),
  'cni-args': jsonObject.nullish(),
})
const body = z.object({
  env: z
    .record(z.string(), z.string())
    .nullish()
    .transform((env) => env ?? {}),
  config: z
    .base64()
    .nullish()
    .transform((config) => Buffer.from(config ?? '', 'base64').toString('utf8')),
  interfaceAttributes: attributes.nullish(),
})

/** Go's encoder writes null for what is absent, and an empty string or list for what was not asked. */
export function parseMultusRequest(json: Json): Parsed<MultusRequest> {
  const parsed = parsedBy(body, json)
  if (!parsed.ok) return { ...parsed, remedy: 'send {"env": {...}, "config": "<base64>"} as Multus 4 does' }
  const { env, config, interfaceAttributes: asked } = parsed.value
  return {
    ok: true,
    value: {
      env,
      config,
      attributes: {
        ...(asked?.ips && asked.ips.length > 0 && { ips: asked.ips }),
        ...(asked?.mac && { mac: asked.mac }),
        ...(asked?.['cni-args'] && { cniArgs: asked['cni-args'] }),
      },
    },
  }
}

/** CNI_COMMAND, checked against what a path knows. Throws `InvalidEnvironment`. */
export function verbOf<Verb extends CniVerb>({ env }: MultusRequest, verbs: readonly Verb[]): Verb {
  const verb = verbs.find((known) => known === env['CNI_COMMAND'])
  if (verb !== undefined) return verb
  const seen = env['CNI_COMMAND'] === undefined ? 'it is missing' : `${JSON.stringify(env['CNI_COMMAND'])} is not known here`
  throw new PlexusError('InvalidEnvironment', `CNI_COMMAND: ${seen}; use one of ${verbs.join(', ')}`)
}

/** The variables that every request about a pod must have; CNI_NETNS may be empty. Throws `InvalidEnvironment`. */
export function checkPodVariables({ env }: MultusRequest): void {
  const missing = ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_ARGS'].filter((name) => env[name] === undefined)
  const args = env['CNI_ARGS'] ?? ''
  const lacking = ['K8S_POD_NAMESPACE', 'K8S_POD_NAME'].filter((key) => !args.split(';').some((pair) => pair.startsWith(`${key}=`)))
  const [first] = [...missing, ...lacking.map((key) => `CNI_ARGS: ${key}`)]
  if (first !== undefined) throw new PlexusError('InvalidEnvironment', `${first} is missing; the client must pass it in "env"`)
}
