// Holds what one element of a pod's network annotation asks for. Types only.
import type { JsonObject, Rejected } from '../json.ts'

/** One requested attachment. Absent fields were not asked for; an empty `defaultRoute` was. */
export interface NetworkSelection {
  readonly namespace: string
  readonly name: string
  /** Where it was written, for messages: `k8s.v1.cni.cncf.io/networks[1]`. */
  readonly path: string
  readonly ifName?: string
  /** Addresses or CIDRs, as written. */
  readonly ips?: readonly string[]
  readonly mac?: string
  readonly infinibandGuid?: string
  readonly portMappings?: readonly PortMapping[]
  readonly bandwidth?: Bandwidth
  /** Gateways, at most one of a family. Empty: no default route over this network. */
  readonly defaultRoute?: readonly string[]
  readonly defaultRouteMetric?: number
  readonly cniArgs?: JsonObject
  readonly deviceId?: string
  readonly ipamClaimReference?: string
  /** False: the pod starts without it when it cannot be attached. */
  readonly required: boolean
}

/** In the terms of the portmap plugin. */
export type PortMapping = {
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol?: string
  readonly hostIP?: string
}

/** Bits per second and bits; 0 = unlimited. */
export type Bandwidth = {
  readonly ingressRate: number
  readonly ingressBurst: number
  readonly egressRate: number
  readonly egressBurst: number
}

export interface ParsedNetworks {
  readonly ok: true
  readonly networks: readonly NetworkSelection[]
  /** The value was `none`: no default networks either. */
  readonly optOut: boolean
  /** Sentences about what was ignored, for admission warnings and events. */
  readonly warnings: readonly string[]
}

export type NetworksOutcome = ParsedNetworks | Rejected
