import type { NodeNetworkObject } from '#api/stream'
import { fakeClock } from '#kube/process/clock.fake'
import { openHub } from './hub.ts'
import { openWire } from './wire.ts'

function setUp() {
  const clock = fakeClock()
  const hub = openHub(1)
  const lines: string[] = []
  const ends: string[] = []
  const sink = {
    taking: true,
    wasReset: false,
    drain: (): void => undefined,
    write: (line: string) => {
      lines.push(line.trim())
      return sink.taking
    },
    onDrain: (listener: () => void) => {
      sink.drain = () => {
        sink.taking = true
        listener()
      }
    },
    reset: () => {
      sink.wasReset = true
    },
  }
  const object = (filler: string): NodeNetworkObject => ({ state: 'rejected', uid: 'u', generation: 1, message: filler })
  const publish = (key: string, filler = ''): void => hub.publish('network', key, new Map([['a', object(filler)]]))
  const open = () => openWire({ hub, node: 'a', sink, clock, onEnd: (reason) => void ends.push(reason) })
  return { clock, lines, ends, sink, publish, open }
}

const types = (lines: readonly string[]): readonly string[] => lines.map((line) => /"type":"(\w+)"/.exec(line)?.[1] ?? line)

describe('a wire', () => {
  it('sends the snapshot, then changes, and a ping every ten seconds', async () => {
    const { clock, lines, publish, open } = setUp()
    publish('x')
    open()
    publish('y')
    await clock.advance(20_000)
    expect(types(lines)).toEqual(['put', 'synced', 'put', 'ping', 'ping'])
  })

  it('writes nothing while the client does not take it, and goes on when it does', async () => {
    const { clock, lines, sink, publish, open } = setUp()
    open()
    sink.taking = false
    publish('x')
    publish('y')
    await clock.advance(20_000)
    expect(types(lines)).toEqual(['synced', 'put'])
    sink.drain()
    expect(types(lines)).toEqual(['synced', 'put', 'put'])
  })

  it('gives up a client that takes nothing for half a minute', async () => {
    const { clock, ends, sink, publish, open } = setUp()
    open()
    sink.taking = false
    publish('x')
    await clock.advance(29_999)
    expect(ends).toEqual([])
    await clock.advance(1)
    expect([ends, sink.wasReset]).toEqual([['stalled'], true])
    expect(clock.timers()).toBe(0)
  })

  it('starts a client over for which more than 256 KB wait', () => {
    const { ends, sink, publish, open } = setUp()
    open()
    sink.taking = false
    for (let index = 0; index < 30; index += 1) publish(`k${index}`, 'x'.repeat(10_000))
    expect([ends, sink.wasReset]).toEqual([['slow'], true])
  })

  it('ends once, whoever ends it', () => {
    const { clock, ends, open } = setUp()
    const first = open()
    open()
    first.end('closed')
    expect(ends).toEqual(['replaced'])
    expect(clock.timers()).toBe(1)
  })
})
