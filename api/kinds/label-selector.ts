// Decides which labels a selector matches: Kubernetes' LabelSelector with its two forms. Never lists objects.
import { z } from 'zod'

const requirement = z.object({
  key: z.string().min(1).max(317),
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: z.array(z.string().max(63)).max(64).default([]).meta({ 'x-kubernetes-list-type': 'atomic' }),
})

/** As in Kubernetes: all of it must match; an empty selector matches everything. */
export const labelSelector = z.object({
  matchLabels: z.record(z.string(), z.string().max(63)).default({}),
  matchExpressions: z.array(requirement).max(32).default([]).meta({ 'x-kubernetes-list-type': 'atomic' }),
})

export type LabelSelector = Readonly<z.infer<typeof labelSelector>>

/** Whether the labels satisfy every part of the selector. */
export function matchesLabels({ matchLabels, matchExpressions }: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const valueOf = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined)
  if (Object.entries(matchLabels).some(([key, value]) => valueOf(key) !== value)) return false
  return matchExpressions.every(({ key, operator, values }) => {
    const value = valueOf(key)
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value)
      case 'NotIn':
        return value === undefined || !values.includes(value)
      case 'Exists':
        return value !== undefined
      case 'DoesNotExist':
        return value === undefined
      default:
        return operator satisfies never
    }
  })
}
