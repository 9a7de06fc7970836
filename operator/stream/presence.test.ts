import { fakeClock } from '#kube/process/clock.fake'
import { openPresence } from './presence.ts'

describe('presence', () => {
  it('takes an agent for away after two minutes', async () => {
    const clock = fakeClock()
    const away: string[] = []
    const presence = openPresence({ clock, onAway: (node) => void away.push(node) })
    presence.seen('a', true)
    presence.seen('a', false)
    await clock.advance(119_999)
    expect(away).toEqual([])
    await clock.advance(1)
    expect(away).toEqual(['a'])
  })

  it('takes a restart for nothing', async () => {
    const clock = fakeClock()
    const away: string[] = []
    const presence = openPresence({ clock, onAway: (node) => void away.push(node) })
    presence.seen('a', false)
    presence.seen('a', true)
    await clock.advance(600_000)
    expect(away).toEqual([])
  })

  it('leaves no timer behind, even for streams that end with it', () => {
    const clock = fakeClock()
    const presence = openPresence({ clock, onAway: () => undefined })
    presence.seen('a', false)
    presence.stop()
    presence.seen('b', false)
    expect(clock.timers()).toBe(0)
  })
})
