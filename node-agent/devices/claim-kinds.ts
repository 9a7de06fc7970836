// Decides what we read of claims and slices of `resource.k8s.io/v1`, and of a pod's claims. Parsers only; nothing here is ever written.
import { z } from 'zod'
import type { KubeObject, Resource } from '#kube/resource'

const metadata = z.object({ name: z.string(), namespace: z.string().optional(), uid: z.string().optional() })

/** A claim and the name it goes by in messages. */
export interface PodClaim {
  readonly claim: string
  /** Made by the scheduler for a request of an extended resource: each of its devices must say what it is. */
  readonly extended: boolean
}

/** Claims that a pod uses: made from templates, named directly, or made by the scheduler. */
export interface ClaimingPod extends KubeObject {
  readonly uid: string
  readonly claims: readonly PodClaim[]
}

const podWire = z.object({
  metadata,
  spec: z.object({
    resourceClaims: z.array(z.object({ name: z.string(), resourceClaimName: z.string().nullish() })).nullish(),
  }),
  status: z
    .object({
      resourceClaimStatuses: z.array(z.object({ name: z.string(), resourceClaimName: z.string().nullish() })).nullish(),
      extendedResourceClaimStatus: z.object({ resourceClaimName: z.string() }).nullish(),
    })
    .nullish(),
})

export const claimingPods: Resource<ClaimingPod> = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  namespaced: true,
  parse: (value) => {
    const { metadata, spec, status } = podWire.parse(value)
    const extended = status?.extendedResourceClaimStatus?.resourceClaimName
    const named = [...(status?.resourceClaimStatuses ?? []), ...(spec.resourceClaims ?? [])]
    const claims = new Set(named.flatMap(({ resourceClaimName }) => resourceClaimName ?? []))
    return {
      metadata,
      uid: metadata.uid ?? '',
      claims: [
        ...[...claims].map((claim) => ({ claim, extended: false })),
        ...(extended === undefined ? [] : [{ claim: extended, extended: true }]),
      ],
    }
  },
}

/** One device that was allocated to a claim. */
export interface AllocatedDevice {
  readonly driver: string
  readonly pool: string
  readonly device: string
}

export interface ResourceClaim extends KubeObject {
  /** Empty until the scheduler allocated it. */
  readonly devices: readonly AllocatedDevice[]
}

const claimWire = z.object({
  metadata,
  status: z
    .object({
      allocation: z
        .object({
          devices: z
            .object({ results: z.array(z.object({ driver: z.string(), pool: z.string(), device: z.string() })).nullish() })
            .nullish(),
        })
        .nullish(),
    })
    .nullish(),
})

export const resourceClaims: Resource<ResourceClaim> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  namespaced: true,
  parse: (value) => {
    const { metadata, status } = claimWire.parse(value)
    return { metadata, devices: status?.allocation?.devices?.results ?? [] }
  },
}

/** The attributes by which a driver says which device this is for CNI, and of which resource. */
export const DEVICE_ID_ATTRIBUTE = 'k8s.cni.cncf.io/deviceID'
export const RESOURCE_NAME_ATTRIBUTE = 'k8s.cni.cncf.io/resourceName'

/** A device of a slice; absent attributes mean that it is none for networks. */
export interface SliceDevice {
  readonly name: string
  readonly deviceId: string | undefined
  readonly resource: string | undefined
}

export interface ResourceSlice extends KubeObject {
  readonly driver: string
  readonly pool: string
  readonly generation: number
  readonly devices: readonly SliceDevice[]
}

const attribute = z.object({ string: z.string().optional() })
const sliceWire = z.object({
  metadata,
  spec: z.object({
    driver: z.string(),
    pool: z.object({ name: z.string(), generation: z.number().default(0) }),
    devices: z.array(z.object({ name: z.string(), attributes: z.record(z.string(), attribute).nullish() })).nullish(),
  }),
})

export const resourceSlices: Resource<ResourceSlice> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  namespaced: false,
  parse: (value) => {
    const { metadata, spec } = sliceWire.parse(value)
    const devices = (spec.devices ?? []).map(({ name, attributes }) => ({
      name,
      deviceId: attributes?.[DEVICE_ID_ATTRIBUTE]?.string,
      resource: attributes?.[RESOURCE_NAME_ATTRIBUTE]?.string,
    }))
    return { metadata, driver: spec.driver, pool: spec.pool.name, generation: spec.pool.generation, devices }
  },
}
