// Decides what a Lease says and how a holder changes it. Pure; observed time is given by the caller.
import { isRecord, parseKubeObject } from './answers.ts'
import { microTime } from './micro-time.ts'
import type { ObjectMeta, Resource } from './resource.ts'

/** A coordination.k8s.io/v1 Lease. Fields that are not listed stay in the object and are written back. */
export interface Lease {
  readonly metadata: ObjectMeta
  readonly spec: LeaseSpec
}

export interface LeaseSpec {
  readonly holderIdentity?: string | undefined
  readonly leaseDurationSeconds?: number | undefined
  readonly acquireTime?: string | undefined
  readonly renewTime?: string | undefined
  readonly leaseTransitions?: number | undefined
}

export const leases: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  parse: (value) => {
    const object = parseKubeObject(value)
    return { ...object, spec: specOf(object['spec']) }
  },
}

/** Who takes the lease, and when (wall clock, shown to people only). */
export interface Claim {
  readonly identity: string
  readonly leaseMs: number
  readonly at: Date
  readonly annotations: Readonly<Record<string, string>>
}

/** A lease that does not exist yet. */
export function newLease(name: { readonly name: string; readonly namespace: string }, claim: Claim): Lease {
  const time = microTime(claim.at)
  // Whoever deletes a lease must not reset the epoch: it starts above any count that an earlier lease can have reached.
  const leaseTransitions = Math.max(0, Math.floor((claim.at.getTime() - Date.UTC(2020, 0, 1)) / 1000))
  const spec = {
    holderIdentity: claim.identity,
    leaseDurationSeconds: Math.ceil(claim.leaseMs / 1000),
    acquireTime: time,
    renewTime: time,
    leaseTransitions,
  }
  return { metadata: { ...name, annotations: claim.annotations }, spec }
}

/** The lease as its next holder writes it: the epoch rises when the holder changes. */
export function heldLease(lease: Lease, claim: Claim): Lease {
  const time = microTime(claim.at)
  const mine = lease.spec.holderIdentity === claim.identity
  return {
    ...lease,
    metadata: { ...lease.metadata, annotations: { ...lease.metadata.annotations, ...claim.annotations } },
    spec: {
      ...lease.spec,
      holderIdentity: claim.identity,
      leaseDurationSeconds: Math.ceil(claim.leaseMs / 1000),
      acquireTime: mine ? (lease.spec.acquireTime ?? time) : time,
      renewTime: time,
      leaseTransitions: (lease.spec.leaseTransitions ?? 0) + (mine ? 0 : 1),
    },
  }
}

/** The lease as a holder that leaves writes it: free at once. */
export function releasedLease(lease: Lease, at: Date): Lease {
  return { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(at) } }
}

/** What changes when a holder is alive. Its resourceVersion also changes when somebody else touches the lease. */
export function heartbeatOf(lease: Lease): string {
  return JSON.stringify([lease.spec.holderIdentity, lease.spec.renewTime, lease.spec.leaseTransitions])
}

function specOf(value: unknown): LeaseSpec {
  if (!isRecord(value)) return {}
  const { holderIdentity, acquireTime, renewTime, leaseDurationSeconds, leaseTransitions } = value
  return {
    ...value,
    ...texts({ holderIdentity, acquireTime, renewTime }),
    ...numbers({ leaseDurationSeconds, leaseTransitions }),
  }
}

function texts(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])))
}

function numbers(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (typeof value === 'number' ? [[name, value]] : [])))
}
