import { profile } from '../../testing/build.ts'
import { openRulings } from './rulings.ts'

const node = { name: 'a', labels: { pool: 'gpu' } }
const gpu = profile('gpu', { selector: { pool: 'gpu' } })

describe('rulings', () => {
  it('rule a node by the profile that matches it', () => {
    const rulings = openRulings()
    rulings.learn([gpu])
    expect(rulings.rule(node, undefined)).toMatchObject({ profile: 'gpu', by: 'match', generation: 1, spec: { state: 'Installed' } })
    expect(rulings.ruledBy('gpu')).toEqual(['a'])
  })

  it('leave a node alone that no profile ever matched', () => {
    const rulings = openRulings()
    rulings.learn([gpu])
    expect(rulings.rule({ name: 'b', labels: {} }, undefined)).toBeUndefined()
    expect(rulings.installed()).toEqual([])
  })

  it('keep the last version when the profile is deleted, so that nothing is uninstalled', () => {
    const rulings = openRulings()
    rulings.learn([gpu])
    rulings.rule(node, undefined)
    rulings.learn([])
    expect(rulings.rule(node, undefined)).toMatchObject({ profile: 'gpu', by: 'memory', spec: { state: 'Installed' } })
    expect(rulings.installed()).toHaveLength(1)
  })

  it('know from the node itself what ruled it before this process started', () => {
    const rulings = openRulings()
    rulings.learn([gpu])
    expect(rulings.rule({ name: 'a', labels: {} }, 'gpu')).toMatchObject({ profile: 'gpu', by: 'memory', spec: { state: 'Installed' } })
    expect(rulings.rule({ name: 'b', labels: {} }, 'deleted')).toMatchObject({ profile: 'deleted', spec: undefined })
  })

  it('keep the last valid version when an edit is invalid, and shadow lower profiles as before', () => {
    const rulings = openRulings()
    const all = profile('all', { priority: -1 })
    rulings.learn([gpu, all])
    rulings.rule(node, undefined)
    rulings.learn([profile('gpu', { selector: { pool: 'gpu' }, generation: 2, spec: { plugins: ['../sh'] } }), all])
    expect(rulings.rule(node, undefined)).toMatchObject({ profile: 'gpu', generation: 1, spec: gpu.spec })
  })

  it('render with the parameters of a profile whose other fields are invalid since before this process started', () => {
    const rulings = openRulings()
    rulings.learn([profile('gpu', { spec: { plugins: ['../sh'], parameters: { mtu: '9000' } } })])
    expect(rulings.rule(node, undefined)).toMatchObject({ spec: undefined, parameters: { mtu: '9000' } })
  })

  it('take a node out of the networks only by state Removed', () => {
    const rulings = openRulings()
    rulings.learn([profile('gpu', { spec: { state: 'Removed' } })])
    rulings.rule(node, undefined)
    expect(rulings.installed()).toEqual([])
  })

  it('forget a node', () => {
    const rulings = openRulings()
    rulings.learn([gpu])
    rulings.rule(node, undefined)
    rulings.forget('a')
    expect(rulings.of('a')).toBeUndefined()
  })
})
