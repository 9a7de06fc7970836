// What happens to our conf, as a table of sentences.
import { NO_FIGHTS } from '../install/fights.ts'
import { confText, ownPart, partText } from './own-conf.ts'
import { type ConfFile, type ConfPlan, type ConfWorld, planConf } from './plan-conf.ts'

const dirs = { stateDir: '/var/lib/plexus', runDir: '/run/plexus' }
const NAME = '00-plexus.conflist'
const own = ownPart({ cniVersion: '1.1.0', ...dirs })
const old = ownPart({ cniVersion: '1.0.0', ...dirs })
const ours = confText(own, [])
const istio = { type: 'istio-cni' }
const written = { name: NAME, part: partText(own) }
const flannel = { name: '10-flannel.conflist', text: '{"name":"cbr0","cniVersion":"1.0.0","plugins":[{"type":"flannel"}]}' }
const file = (text: string, name = NAME): ConfFile => ({ name, text })
/** As a program writes it that reads our file into a map, adds itself and writes it back. */
const rewritten = JSON.stringify({
  plugins: [{ runDir: dirs.runDir, ...own.plugin, type: 'plexus' }, istio],
  name: 'plexus',
  cniVersion: '1.1.0',
})

const world = (changes: Partial<ConfWorld>): ConfWorld => ({
  files: [flannel],
  state: 'Installed',
  name: NAME,
  cniVersion: '1.1.0',
  ...dirs,
  written: undefined,
  fights: NO_FIGHTS,
  nowMs: 0,
  ...changes,
})

/** `write new`, `remove x`, then the outcome. */
function told({ actions, outcome }: ConfPlan): string {
  const acts = actions.map((action) => (action.kind === 'write' ? `write ${action.name} (${action.why})` : `remove ${action.name}`))
  return [...acts, outcome.kind === 'held' ? outcome.reason : outcome.kind].join(', ')
}

const cases: readonly (readonly [sentence: string, changes: Partial<ConfWorld>, told: string])[] = [
  ['an empty directory gets ours', { files: [] }, `write ${NAME} (new), installed`],
  ['equal bytes are never rewritten', { files: [file(ours), flannel], written }, 'installed'],
  ['equal content in another form is never rewritten', { files: [file(rewritten)], written }, 'installed'],
  ['ours of an agent that lost its memory is adopted', { files: [file(ours)] }, 'installed'],
  [
    'ours of an older release is changed without a fight',
    { files: [file(confText(old, []))], written: { name: NAME, part: partText(old) } },
    `write ${NAME} (changed), installed`,
  ],
  ['ours of an older release and a lost memory is changed too', { files: [file(confText(old, []))] }, `write ${NAME} (changed), installed`],
  ['a deleted file of ours is put back', { files: [flannel], written }, `write ${NAME} (repair), installed`],
  ['a file of ours that somebody edited is put right', { files: [file(confText(old, []))], written }, `write ${NAME} (repair), installed`],
  ['a half-written file of ours is put right', { files: [file(ours.slice(0, 40))], written }, `write ${NAME} (repair), installed`],
  ['an empty file of our name that nobody can use is taken', { files: [file('')] }, `write ${NAME} (new), installed`],
  ['a file of our name that is in use by others stays', { files: [file(flannel.text)] }, 'ForeignFile'],
  [
    'ours that somebody replaced by another network is put right',
    { files: [file(flannel.text)], written },
    `write ${NAME} (repair), installed`,
  ],
  ['nothing is written while Multus is in use', { files: [file('{}', '00-multus.conf'), flannel] }, 'MultusPresent'],
  [
    'Multus under another name that sorts first is told by its type',
    { files: [file('{"type":"multus-shim"}', '00-aaa.conf'), flannel] },
    'MultusPresent',
  ],
  [
    'a Multus conf that sorts behind ours is not in use',
    { files: [file('{"type":"multus"}', '70-multus.conf')] },
    `write ${NAME} (new), installed`,
  ],
  ['nothing is written while the runtime is unknown', { cniVersion: undefined }, 'RuntimeUnknown'],
  ['while the runtime is unknown, the present version stays', { files: [file(confText(old, []))], cniVersion: undefined }, 'installed'],
  [
    'a network that sorts before ours is used by the runtime',
    { files: [{ ...flannel, name: '00-a.conflist' }, file(ours)], written },
    'Shadowed',
  ],
  ['rubbish that sorts before ours is not used by the runtime', { files: [file('{', '00-a.conflist'), file(ours)], written }, 'installed'],
  [
    'a new name is written before the old file goes',
    { files: [file(ours, '05-plexus.conflist'), flannel], written: { ...written, name: '05-plexus.conflist' } },
    `write ${NAME} (new), remove 05-plexus.conflist, installed`,
  ],
  [
    'the old name is left alone when others took it',
    { files: [file(flannel.text, '05-plexus.conflist')], written: { ...written, name: '05-plexus.conflist' } },
    `write ${NAME} (new), installed`,
  ],
  ['Removed takes ours away', { state: 'Removed', files: [file(ours), flannel], written }, `remove ${NAME}, removed`],
  ['Removed takes ours away with what others appended', { state: 'Removed', files: [file(rewritten)] }, `remove ${NAME}, removed`],
  ["Removed leaves others' files", { state: 'Removed', files: [file(flannel.text), flannel], written }, 'removed'],
  ['Removed twice does nothing', { state: 'Removed', files: [flannel] }, 'removed'],
]

describe('the plan for our conf', () => {
  it.each(cases)('%s', (_, changes, expected) => {
    expect(told(planConf(world(changes)))).toBe(expected)
  })

  it('keeps the plugins that others appended when ours changes', () => {
    const [action] = planConf(world({ files: [file(confText(old, [istio]))], written: { name: NAME, part: partText(old) } })).actions
    expect(action).toEqual({ kind: 'write', name: NAME, text: confText(own, [istio]), why: 'changed' })
  })

  it('repairs three times within ten minutes and leaves the fourth time to a person', () => {
    let fights = NO_FIGHTS
    const look = (nowMs: number, files: readonly ConfFile[] = [flannel]): string => {
      const plan = planConf(world({ files, written, fights, nowMs }))
      fights = plan.fights
      return told(plan)
    }
    const repaired = `write ${NAME} (repair), installed`
    expect([look(0), look(1000), look(2000), look(3000), look(900_000)]).toEqual([
      repaired,
      repaired,
      repaired,
      'ConfContested',
      'ConfContested',
    ])
    expect(look(901_000, [file(ours)])).toBe('installed')
    expect(look(902_000)).toBe(repaired)
  })

  it('repairs for ever what is broken less often', () => {
    let fights = NO_FIGHTS
    for (let nowMs = 0; nowMs < 40 * 60_000; nowMs += 4 * 60_000) {
      const plan = planConf(world({ written, fights, nowMs }))
      fights = plan.fights
      expect(told(plan)).toBe(`write ${NAME} (repair), installed`)
    }
  })

  it('says in a sentence what a person must do', () => {
    const { outcome } = planConf(world({ files: [file('{}', '00-multus.conf')] }))
    expect(outcome).toEqual({
      kind: 'held',
      reason: 'MultusPresent',
      message: '00-multus.conf is in the conf directory and the runtime uses it; stop Multus on this node and remove that file',
    })
  })
})
