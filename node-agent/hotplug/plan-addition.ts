// Decides what attaching one more network to a running pod executes, by the rules of ADD: isolation, capabilities, stdin, CNI_ARGS. Pure.
import { type CniArg, parseCniArgs } from '#api/cni/args'
import { isolationViolation } from '#api/isolation'
import type { ProfileSpec } from '#api/kinds/node-network-profile'
import type { PrimaryNetwork } from '#api/node-file'
import type { SandboxRecord } from '#api/sandbox-record'
import type { PlannedAttachment } from '#api/socket'
import { type LookedUp, planAttachments } from '../attach/plan-attachments.ts'
import { type Refusal, refuse } from '../attach/requested-network.ts'
import type { Addition } from './plan-hotplug.ts'

export interface AdditionInput {
  readonly addition: Addition
  readonly record: SandboxRecord
  readonly profile: ProfileSpec
  readonly primary: PrimaryNetwork | undefined
  readonly found: LookedUp
}

export type PlannedAddition =
  | {
      readonly ok: true
      readonly attachment: PlannedAttachment
      /** Sentences about what was ignored of its element. */
      readonly warnings: readonly string[]
    }
  | Refusal

/** Refusals that only an edit of the annotation can end; all others are looked at again. */
export function isFinal({ code }: Refusal): boolean {
  return code === 'UnsupportedField' || code === 'InvalidAnnotation' || code === 'InterfaceExists'
}

export function planAddition({ addition, record, profile, primary, found }: AdditionInput): PlannedAddition {
  const { pod, containerId, ifName } = record
  const violation = isolationViolation(addition, pod.namespace, profile)
  if (violation !== undefined) return refuse('IsolationViolated', violation)
  const problem = unsupported(addition, found)
  if (problem !== undefined) return problem
  const planned = planAttachments({
    containerId,
    ifName,
    pod,
    runtimeArgs: runtimeArgs(record),
    runtimeConfig: {},
    profile,
    primary,
    // Somebody waits for this one: what is optional at the pod's start is not left out in silence here.
    requested: { ok: true, further: [{ ...addition, required: true }], tke: false, warnings: [] },
    networks: new Map([[addition.key, found]]),
  })
  if (!planned.ok) return planned
  const attachment = planned.attachments.find((each) => each.ifName === addition.ifName && !each.primary)
  return attachment === undefined
    ? refuse('Internal', `${addition.path}: it was not planned; the agent log of this node says more`)
    : { ok: true, attachment, warnings: planned.warnings }
}

/** What is given to a pod when it starts, and only then. */
function unsupported({ path, key, defaultRoute, deviceId }: Addition, found: LookedUp): Refusal | undefined {
  if (defaultRoute !== undefined) {
    const sentence = `${path}.default-route: default routes of a running pod are not moved; remove "default-route", or start the pod anew`
    return refuse('UnsupportedField', sentence)
  }
  if (found.state === 'usable' && found.resourceName !== undefined && deviceId === undefined) {
    const sentence = `${path}: network ${key} hands out devices of "${found.resourceName}", which a pod gets only when it starts; start the pod anew, or set "deviceID"`
    return refuse('UnsupportedField', sentence)
  }
  return undefined
}

/** The runtime's own arguments of the pod's ADD, as its first attachment got them. */
function runtimeArgs({ attachments }: SandboxRecord): readonly CniArg[] {
  const parsed = parseCniArgs(attachments[0]?.cniArgs ?? '')
  return parsed.ok ? parsed.args.filter(([key]) => key !== 'MAC' && key !== 'IP') : []
}
