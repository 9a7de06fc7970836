import { profile } from '../../testing/build.ts'
import { chooseProfile } from './choose-profile.ts'

const labels = { pool: 'gpu', zone: 'x' }

describe('chooseProfile', () => {
  it.each([
    ['the highest priority wins', [profile('low'), profile('high', { priority: 1 })], 'high'],
    ['a selector is no priority', [profile('all', { priority: 1 }), profile('gpu', { selector: { pool: 'gpu' } })], 'all'],
    [
      'with equal priorities the oldest wins',
      [profile('young', { created: '2026-02-01T00:00:00Z' }), profile('old', { created: '2026-01-01T00:00:00Z' })],
      'old',
    ],
    ['with equal ages the first name wins', [profile('b'), profile('a')], 'a'],
    ['every label must match', [profile('other', { selector: { pool: 'gpu', zone: 'y' }, priority: 9 }), profile('all')], 'all'],
    ['nobody rules a node that nobody selects', [profile('cpu', { selector: { pool: 'cpu' } })], undefined],
  ])('%s', (_, profiles, name) => {
    expect(chooseProfile(labels, profiles)?.metadata.name).toBe(name)
    expect(chooseProfile(labels, profiles.toReversed())?.metadata.name).toBe(name)
  })
})
