// Kubernetes' own rules of label selectors.
import { labelSelector, matchesLabels } from './label-selector.ts'

describe('a label selector', () => {
  const labels = { team: 'red', tier: '' }
  it.each([
    ['an empty one matches everything', {}, true],
    ['matchLabels needs the value', { matchLabels: { team: 'red' } }, true],
    ['another value does not match', { matchLabels: { team: 'blue' } }, false],
    ['a name of Object.prototype is not a label', { matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, false],
    ['In', { matchExpressions: [{ key: 'team', operator: 'In', values: ['blue', 'red'] }] }, true],
    ['In without the label', { matchExpressions: [{ key: 'x', operator: 'In', values: ['red'] }] }, false],
    ['NotIn without the label', { matchExpressions: [{ key: 'x', operator: 'NotIn', values: ['red'] }] }, true],
    ['NotIn with the value', { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['red'] }] }, false],
    ['Exists with an empty value', { matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, true],
    ['DoesNotExist', { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }, false],
    ['all parts must match', { matchLabels: { team: 'red' }, matchExpressions: [{ key: 'x', operator: 'Exists' }] }, false],
  ])('%s', (_, selector, matches) => expect(matchesLabels(labelSelector.parse(selector), labels)).toBe(matches))
})
