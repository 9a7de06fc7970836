// What happens to each binary, as a table of sentences.
import { fight, NO_FIGHTS } from './fights.ts'
import { type BinaryWorld, type OwnedBinary, planBinaries, planRemoval, type PresentBinary } from './plan-binaries.ts'

const present = (sha256: string, more: Partial<PresentBinary> = {}): PresentBinary => ({ sha256, executable: true, marked: false, ...more })
const wrote = (sha256: string): OwnedBinary => ({ sha256, origin: 'written' })

interface Case {
  readonly name?: string
  readonly shipped?: string
  readonly present?: PresentBinary
  readonly owned?: OwnedBinary
}
const world = ({ name = 'macvlan', shipped, present: there, owned }: Case): BinaryWorld => ({
  wanted: [name],
  shipped: new Map(shipped === undefined ? [] : [[name, shipped]]),
  present: new Map(there === undefined ? [] : [[name, there]]),
  owned: new Map(owned === undefined ? [] : [[name, owned]]),
  fights: new Map(),
  nowMs: 0,
})

const cases: readonly (readonly [sentence: string, given: Case, told: string])[] = [
  ['a missing one is installed', { shipped: 'new' }, 'install new Installed written'],
  ['one that was deleted is installed again', { shipped: 'new', owned: wrote('new') }, 'install repair Installed written'],
  ['equal bytes are kept', { shipped: 'new', present: present('new'), owned: wrote('new') }, 'none kept Installed written'],
  ['equal bytes of somebody else are adopted', { shipped: 'new', present: present('new') }, 'none kept Installed adopted'],
  [
    'ours of an older release is updated',
    { shipped: 'new', present: present('old'), owned: wrote('old') },
    'install update Installed written',
  ],
  [
    'ours that somebody changed is put right',
    { shipped: 'new', present: present('bad'), owned: wrote('new') },
    'install repair Installed written',
  ],
  [
    'ours that lost its mode is put right',
    { shipped: 'new', present: present('new', { executable: false }), owned: wrote('new') },
    'install repair Installed written',
  ],
  ['a foreign file is never overwritten', { shipped: 'new', present: present('theirs') }, 'none foreign Foreign -'],
  [
    'a shim without memory is told by its marker',
    { name: 'plexus', shipped: 'new', present: present('old', { marked: true }) },
    'install update Installed written',
  ],
  ['a foreign file named plexus stays', { name: 'plexus', shipped: 'new', present: present('theirs') }, 'none foreign Foreign -'],
  ["a plugin that we do not bring may be the node's own", { present: present('theirs') }, 'none foreign Foreign -'],
  ['a plugin that nobody brings is missing', {}, 'none absent Missing -'],
]

describe('the plan for binaries', () => {
  it.each(cases)('%s', (_, given, expected) => {
    const told = planBinaries(world(given)).map(({ action, why, state, owned }) => `${action} ${why} ${state} ${owned?.origin ?? '-'}`)
    expect(told).toEqual([expected])
  })

  it('leaves a binary that somebody rewrote three times', () => {
    const thrice = [0, 1, 2].reduce((fights, at) => fight(fights, at), NO_FIGHTS)
    const given = world({ shipped: 'new', present: present('bad'), owned: wrote('new') })
    expect(planBinaries({ ...given, fights: new Map([['macvlan', thrice]]) })).toMatchObject([
      { action: 'none', why: 'contested', state: 'Contested' },
    ])
  })

  it('removes what we wrote and nobody changed, and the shim whatever its version', () => {
    const there = new Map([
      ['ours', present('a')],
      ['changed', present('b')],
      ['adopted', present('c')],
      ['foreign', present('d')],
      ['plexus', present('e', { marked: true })],
    ])
    const owned = new Map<string, OwnedBinary>([
      ['ours', wrote('a')],
      ['changed', wrote('x')],
      ['adopted', { sha256: 'c', origin: 'adopted' }],
      ['gone', wrote('g')],
    ])
    expect(planRemoval({ present: there, owned })).toEqual(['ours', 'plexus'])
  })
})
