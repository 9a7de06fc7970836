import { firstFew, saidBy } from './sentences.ts'

describe('messages of statuses', () => {
  it.each([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b', 'c'], 'a; b; c'],
    [['a', 'b', 'c', 'd', 'e'], 'a; b; c; and 2 more'],
  ])('name at most three of %j', (items, text) => {
    expect(firstFew(items)).toBe(text)
  })

  it.each([
    ['no macvlan', 'node-1: no macvlan'],
    ['no macvlan on node node-1', 'no macvlan on node node-1'],
    ['no macvlan on node-11', 'node-1: no macvlan on node-11'],
  ])('name the node of %j once', (message, text) => {
    expect(saidBy('node-1', message)).toBe(text)
  })
})
