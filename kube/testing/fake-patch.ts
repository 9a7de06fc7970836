// Patches of a fake API server: JSON merge patch (RFC 7386) and JSON patch (RFC 6902: add, replace, remove, test). Pure.
import { isRecord } from '../answers.ts'
import { Refusal } from './fake-objects.ts'

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else merged[name] = mergePatch(merged[name], value)
  }
  return merged
}

/** RFC 6902; throws Refusal 422 for a failed test or a missing path. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new Refusal(400, 'BadRequest', 'the patch is not a list of operations')
  return patch.reduce((at: unknown, operation: unknown) => {
    if (!isRecord(operation) || typeof operation['path'] !== 'string') throw new Refusal(400, 'BadRequest', 'an operation has no path')
    const steps = operation['path']
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    return operate(at, steps, operation)
  }, target)
}

function operate(target: unknown, steps: readonly string[], operation: Readonly<Record<string, unknown>>): unknown {
  const [step, ...rest] = steps
  if (step === undefined) throw new Refusal(422, 'Invalid', 'the root cannot be patched')
  if (Array.isArray(target)) return operateList(target, { step, rest }, operation)
  if (!isRecord(target)) throw new Refusal(422, 'Invalid', `the path ${String(operation['path'])} does not exist`)
  if (rest.length > 0) return { ...target, [step]: operate(target[step], rest, operation) }
  if (operation['op'] !== 'add' && !(step in target))
    throw new Refusal(422, 'Invalid', `the path ${String(operation['path'])} does not exist`)
  if (operation['op'] === 'test') return tested(target, target[step], operation)
  const { [step]: _gone, ...others } = target
  return operation['op'] === 'remove' ? others : { ...target, [step]: operation['value'] }
}

function operateList(
  target: readonly unknown[],
  at: { readonly step: string; readonly rest: readonly string[] },
  operation: Readonly<Record<string, unknown>>,
): unknown {
  const index = at.step === '-' ? target.length : Number(at.step)
  if (at.rest.length > 0) return target.with(index, operate(target[index], at.rest, operation))
  if (operation['op'] === 'test') return tested(target, target[index], operation)
  if (operation['op'] === 'add') return target.toSpliced(index, 0, operation['value'])
  return operation['op'] === 'remove' ? target.toSpliced(index, 1) : target.with(index, operation['value'])
}

function tested<T>(target: T, found: unknown, operation: Readonly<Record<string, unknown>>): T {
  if (JSON.stringify(found) !== JSON.stringify(operation['value']))
    throw new Refusal(422, 'Invalid', `the test of ${String(operation['path'])} failed`)
  return target
}
