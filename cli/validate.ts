// Decides what is wrong in a set of files: networks and profiles first, then pods against them. Pure: files were read before.
import { z } from 'zod'
import { parseNetworkConfig } from '#api/cni/config'
import { sentenceOf } from '#api/json'
import { profileSpec, type ProfileSpec } from '#api/kinds/node-network-profile'
import type { LookedUp } from '#node-agent/attach/plan-attachments'
import { type CheckedNetwork, checkNetwork, checkNodeProfile } from './check-network.ts'
import { checkPod } from './check-pod.ts'
import type { Finding, Place } from './findings.ts'
import type { Manifest, Unreadable } from './manifests.ts'

export interface Validation {
  readonly findings: readonly Finding[]
  /** Objects that were looked at; others in the files are not our business. */
  readonly checked: number
}

const template = z.object({ metadata: z.object({ annotations: z.record(z.string(), z.string()).nullish() }).nullish() })
const withTemplate = z.object({ spec: z.object({ template }) })
const cronJob = z.object({ spec: z.object({ jobTemplate: withTemplate }) })

/** Checks everything of the files that asks for, defines or rules networks. */
export function validate(read: readonly (Manifest | Unreadable)[]): Validation {
  const manifests = read.filter((item): item is Manifest => 'kind' in item)
  const broken = read.filter((item): item is Unreadable => !('kind' in item))
  const unreadable = broken.map(
    ({ source, problem }): Finding => ({ severity: 'error', source, object: '', field: '', problem, remedy: 'write a Kubernetes object' }),
  )
  const profiles = manifests.filter(isProfile).map((item) => checkNodeProfile(item.value, placeOf(item)))
  const networks = manifests.filter(isNetwork).map((item) => [item, checkNetwork(item.value, placeOf(item))] as const)
  const known = new Map(networks.map(([item, checked]) => [`${item.namespace}/${item.name}`, lookedUp(item, checked)]))
  const profile = strictest(profiles.flatMap(({ spec }) => spec ?? []))
  const pods = manifests.flatMap((item) => {
    const annotations = annotationsOf(item)
    return annotations === undefined ? [] : [{ item, annotations }]
  })
  const podFindings = pods.flatMap(({ item, annotations }) =>
    checkPod({ namespace: item.namespace, name: item.name, uid: '', annotations, profile, networks: known }, placeOf(item)),
  )
  return {
    findings: [
      ...unreadable,
      ...profiles.flatMap(({ findings }) => findings),
      ...networks.flatMap(([, { findings }]) => findings),
      ...podFindings,
    ],
    checked: profiles.length + networks.length + pods.length,
  }
}

const isNetwork = ({ kind, apiVersion }: Manifest): boolean =>
  kind === 'NetworkAttachmentDefinition' && apiVersion.startsWith('k8s.cni.cncf.io/')
const isProfile = ({ kind, apiVersion }: Manifest): boolean => kind === 'NodeNetworkProfile' && apiVersion.startsWith('plexus.dev/')

function placeOf({ source, kind, namespace, name }: Manifest): Place {
  return { source, object: kind === 'NodeNetworkProfile' ? `${kind} ${name}` : `${kind} ${namespace}/${name}` }
}

/** Which node a pod comes to is not known, so the first profile of the files decides; without one, the defaults do. */
function strictest(profiles: readonly ProfileSpec[]): ProfileSpec {
  return profiles.toSorted((a, b) => b.priority - a.priority)[0] ?? profileSpec.parse({})
}

/** A network of the files as an agent would know it; placeholders stay as they are. */
function lookedUp({ name }: Manifest, { findings, config, resourceName }: CheckedNetwork): LookedUp {
  const [refusal] = findings
  if (refusal !== undefined || config === undefined) return { state: 'rejected', message: refusal?.problem ?? 'it cannot be read' }
  // An empty spec stands for a file of each node.
  const text = config.trim() === '' ? '{"type": "unknown"}' : config
  const parsed = parseNetworkConfig(text, { path: 'spec.config', name })
  if (!parsed.ok) return { state: 'rejected', message: sentenceOf(parsed) }
  return { state: 'usable', config: parsed.config, ...(resourceName !== undefined && { resourceName }) }
}

/** Annotations of the pods that an object is or makes; undefined when it makes none. */
function annotationsOf({ kind, value }: Manifest): Readonly<Record<string, string>> | undefined {
  if (kind === 'Pod') return annotationsIn(template.safeParse(value))
  if (kind === 'CronJob') {
    const parsed = cronJob.safeParse(value)
    return parsed.success ? (parsed.data.spec.jobTemplate.spec.template.metadata?.annotations ?? {}) : undefined
  }
  const parsed = withTemplate.safeParse(value)
  return parsed.success ? (parsed.data.spec.template.metadata?.annotations ?? {}) : undefined
}

function annotationsIn(parsed: z.ZodSafeParseResult<z.infer<typeof template>>): Readonly<Record<string, string>> {
  return parsed.success ? (parsed.data.metadata?.annotations ?? {}) : {}
}
