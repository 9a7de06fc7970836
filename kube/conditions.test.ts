import type { Condition } from './conditions.ts'
import { setConditions } from './conditions.ts'

const then = '2026-01-01T00:00:00Z'
const now = new Date('2026-01-01T01:00:00.123Z')
const ready = (change: Partial<Condition> = {}): Condition => ({
  type: 'Ready',
  status: 'True',
  reason: 'Rendered',
  message: 'fine',
  lastTransitionTime: then,
  ...change,
})
const wanted = (change: Partial<Omit<Condition, 'type' | 'lastTransitionTime'>> = {}) => ({
  status: 'True' as const,
  reason: 'Rendered',
  message: 'fine',
  ...change,
})

describe('setConditions', () => {
  it('says that nothing changed when nothing changed', () => {
    expect(setConditions([ready()], { Ready: wanted() }, now)).toEqual({ conditions: [ready()], transitions: [], changed: false })
  })

  it('keeps the time when only the words change, and that is no transition', () => {
    const result = setConditions([ready()], { Ready: wanted({ message: 'better' }) }, now)
    expect(result).toEqual({ conditions: [ready({ message: 'better' })], transitions: [], changed: true })
  })

  it('moves the time when the status changes, and tells the transition', () => {
    const result = setConditions([ready()], { Ready: wanted({ status: 'False', reason: 'InvalidConfig', message: 'bad' }) }, now)
    expect(result.conditions).toEqual([
      ready({ status: 'False', reason: 'InvalidConfig', message: 'bad', lastTransitionTime: '2026-01-01T01:00:00Z' }),
    ])
    expect(result.transitions).toEqual([{ type: 'Ready', from: 'True', to: 'False', reason: 'InvalidConfig', message: 'bad' }])
  })

  it('adds a new type at the end and leaves types of others alone', () => {
    const theirs = ready({ type: 'Theirs' })
    const result = setConditions([theirs], { Ready: wanted() }, now)
    expect(result.conditions.map(({ type }) => type)).toEqual(['Theirs', 'Ready'])
    expect(result.transitions).toEqual([{ type: 'Ready', from: 'Absent', to: 'True', reason: 'Rendered', message: 'fine' }])
  })

  it('removes a type that is wanted absent, once', () => {
    const stalled = ready({ type: 'Stalled', reason: 'InvalidConfig', message: 'bad' })
    const result = setConditions([ready(), stalled], { Stalled: undefined }, now)
    expect(result.conditions).toEqual([ready()])
    expect(result.transitions).toEqual([{ type: 'Stalled', from: 'True', to: 'Absent', reason: 'InvalidConfig', message: 'bad' }])
    expect(setConditions(result.conditions, { Stalled: undefined }, now)).toMatchObject({ transitions: [], changed: false })
  })

  it('counts a new generation as a change, not as a transition', () => {
    const result = setConditions([ready({ observedGeneration: 1 })], { Ready: wanted({ observedGeneration: 2 }) }, now)
    expect(result).toMatchObject({ transitions: [], changed: true })
  })
})
