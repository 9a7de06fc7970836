// Decides that nothing is attached to a network while its plugins collect garbage: a new attachment would not be in their list. Never collects.
import type { SandboxRecord } from '#api/sandbox-record'
import type { Journal } from '../journal/journal.ts'

/** Turns of attaching and collecting, by the name in the networks' configs. */
export interface NetworkTurns {
  /** Runs `work` alone: records that attach a pod to this network wait until it ended. */
  collecting<T>(network: string, work: () => Promise<T>): Promise<T>
  /** The journal whose new attachments wait for their turn. They are durable before any plugin attaches. */
  guard(journal: Journal): Journal
}

export function openNetworkTurns(): NetworkTurns {
  const running = new Map<string, Promise<unknown>>()
  const writing = new Map<Promise<unknown>, ReadonlySet<string>>()
  const known = new Map<string, ReadonlySet<string>>()
  const ahead = (names: ReadonlySet<string>): readonly Promise<unknown>[] => [...names].flatMap((name) => running.get(name) ?? [])
  const write = async <T>(record: SandboxRecord, work: () => Promise<T>): Promise<T> => {
    const before = known.get(record.containerId)
    const added = new Set(
      placesOf(record)
        .filter((place) => before?.has(place) !== true)
        .map(networkIn),
    )
    // Between the last look and the start of the write nothing is awaited, so no collection can slip in.
    // oxlint-disable-next-line no-await-in-loop
    for (let wait = ahead(added); wait.length > 0; wait = ahead(added)) await Promise.all(wait)
    const done = work()
    // Only its end matters here; whoever asked for it hears of a failure.
    const ended = done.then(ignore, ignore)
    writing.set(ended, added)
    try {
      return await done
    } finally {
      writing.delete(ended)
      remember(known, record)
    }
  }
  return {
    collecting: async (network, work) => {
      const own = new Set([network])
      // oxlint-disable-next-line no-await-in-loop
      for (let wait = ahead(own); wait.length > 0; wait = ahead(own)) await Promise.all(wait)
      const turn = Promise.all([...writing].filter(([, names]) => names.has(network)).map(([ended]) => ended)).then(work)
      const ended = turn.then(ignore, ignore)
      running.set(network, ended)
      try {
        return await turn
      } finally {
        running.delete(network)
      }
    },
    guard: (journal) => ({
      ...journal,
      create: (record) => write(record, () => journal.create(record)),
      write: (record) => write(record, () => journal.write(record)),
    }),
  }
}

/** The name that a network's plugins know it by. */
export function confName(plugins: SandboxRecord['attachments'][number]['plugins']): string {
  const name = plugins[0]?.['name']
  return typeof name === 'string' ? name : ''
}

function remember(known: Map<string, ReadonlySet<string>>, record: SandboxRecord): void {
  if (record.state === 'gone') known.delete(record.containerId)
  else known.set(record.containerId, new Set(placesOf(record)))
}

function placesOf({ attachments }: SandboxRecord): readonly string[] {
  return attachments.map(({ ifName, plugins }) => `${ifName} ${confName(plugins)}`)
}

/** Interface names have no blanks. */
function networkIn(place: string): string {
  return place.slice(place.indexOf(' ') + 1)
}

function ignore(): void {
  // Nothing is left to do.
}
