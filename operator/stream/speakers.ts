// Decides how long a connection is believed: its token is reviewed once, and again every ten minutes with the newest token it showed.
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import type { Authenticator, Identity } from './authenticate.ts'

/** Anything that identifies one connection. */
type Connection = object

export interface Speakers<C extends Connection> {
  /** Who speaks on this connection. Rejects when nobody can tell now. */
  identify(connection: C, token: string): Promise<Identity>
  forget(connection: C): void
}

export interface SpeakersOptions<C extends Connection> {
  readonly authenticator: Authenticator
  readonly clock: Clock
  readonly log: Log
  /** The token of a connection that was accepted before is not accepted any more. */
  onRefused(connection: C, message: string): void
}

interface Speaker {
  token: string
  readonly identity: Promise<Identity>
  cancel: () => void
  readonly gone: AbortController
}

const REVIEW_AGAIN_MS = 600_000
/** The API server being away is no reason to end streams; the leader would lose its lease anyhow. */
const UNKNOWN_AGAIN_MS = 60_000

export function openSpeakers<C extends Connection>(options: SpeakersOptions<C>): Speakers<C> {
  const speakers = new Map<C, Speaker>()
  const { authenticator, clock } = options

  const reviewAgain = async (connection: C, speaker: Speaker, before: Identity): Promise<void> => {
    try {
      const now = await authenticator.authenticate(speaker.token, speaker.gone.signal)
      const isSame = now.kind === 'node' && before.kind === 'node' && now.node === before.node
      if (isSame) plan(connection, speaker, { before, ms: REVIEW_AGAIN_MS })
      else options.onRefused(connection, now.kind === 'refused' ? now.message : 'the token changed its node')
    } catch (error) {
      if (speaker.gone.signal.aborted) return
      options.log.warn('a token could not be reviewed again; its stream goes on', { error })
      plan(connection, speaker, { before, ms: UNKNOWN_AGAIN_MS })
    }
  }
  const plan = (connection: C, speaker: Speaker, next: { readonly before: Identity; readonly ms: number }): void => {
    if (speaker.gone.signal.aborted) return
    // Detached: reviewAgain never rejects.
    speaker.cancel = clock.after(next.ms, () => void reviewAgain(connection, speaker, next.before))
  }
  const forget = (connection: C): void => {
    const speaker = speakers.get(connection)
    speaker?.cancel()
    speaker?.gone.abort(new Error('the connection is closed'))
    speakers.delete(connection)
  }
  const open = async (connection: C, token: string): Promise<Identity> => {
    const gone = new AbortController()
    const speaker: Speaker = { token, identity: authenticator.authenticate(token, gone.signal), cancel: () => undefined, gone }
    speakers.set(connection, speaker)
    try {
      const identity = await speaker.identity
      if (identity.kind === 'node') plan(connection, speaker, { before: identity, ms: REVIEW_AGAIN_MS })
      else forget(connection)
      return identity
    } catch (error) {
      forget(connection)
      throw error
    }
  }
  return {
    identify: (connection, token) => {
      const known = speakers.get(connection)
      if (known === undefined) return open(connection, token)
      known.token = token
      return known.identity
    },
    forget,
  }
}
