// Decides whether the served CRD of NetworkAttachmentDefinition still keeps our status, and how long writes stay away when it does not. Never repairs the CRD.
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import type { Metrics } from '#kube/process/metrics'
import type { StoreView } from '#kube/store'
import { NETWORK_CRD, type NetworkSchemaSeen } from '../../resources.ts'

export interface StatusSchema {
  /** Why statuses are not written, as a sentence; undefined while they are kept. */
  problem(): string | undefined
  /** A written status came back without its content. */
  pruned(): void
}

export interface StatusSchemaOptions {
  readonly crds: StoreView<NetworkSchemaSeen>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** The problem came or went. Must only enqueue. */
  readonly onChange: () => void
}

/** API servers serve a changed CRD seconds after its write, so a pruned answer is not the last word. */
const tryAgainMs = 60_000

export function openStatusSchema(options: StatusSchemaOptions): StatusSchema {
  const { crds, clock, log } = options
  const gauge = options.metrics
    .gauge({ name: 'nad_status_schema', help: '1 while the NAD CRD keeps status, 0 when it was replaced.' })
    .with({})
  let prunedUntil = Number.NEGATIVE_INFINITY
  let told: string | undefined

  const find = (): string | undefined => {
    const crd = crds.get(NETWORK_CRD)
    const isPruning = crd?.servesStatus === false || clock.monotonic() < prunedUntil
    if (!isPruning) return undefined
    const by = crd === undefined ? 'another installer' : crd.installer
    return `the CRD ${NETWORK_CRD} is managed by ${by} and keeps no status; status columns are off until Plexus' CRD is applied again`
  }
  const problem = (): string | undefined => {
    const found = find()
    gauge.set(found === undefined ? 1 : 0)
    const isNews = found !== told
    told = found
    if (isNews) {
      options.onChange()
      if (found === undefined) log.info('statuses of networks are kept again', { crd: NETWORK_CRD })
      else log.warn('statuses of networks are not kept', { condition: 'NADStatusSchema=False', reason: 'SchemaReplaced', problem: found })
    }
    return found
  }
  return {
    problem,
    pruned: () => {
      prunedUntil = clock.monotonic() + tryAgainMs
      problem()
    },
  }
}
