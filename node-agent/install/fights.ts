// Decides when repairing a file is a fight that we leave: three repairs within ten minutes, and the next is not made. Pure.

/** Repairs of one file, newest last, in monotonic ms; `contested` stays until the file is as wanted again. */
export interface Fights {
  readonly at: readonly number[]
  readonly contested: boolean
}

export const NO_FIGHTS: Fights = { at: [], contested: false }

const WINDOW_MS = 10 * 60_000
const MOST = 3

/** Another repair is due: counts it, or says that the file is contested and must stay as it is. */
export function fight(fights: Fights, nowMs: number): Fights {
  const recent = fights.at.filter((at) => nowMs - at < WINDOW_MS)
  if (fights.contested || recent.length >= MOST) return { at: recent, contested: true }
  return { at: [...recent, nowMs], contested: false }
}

/** The file is as wanted: it is no longer contested, but repairs of the last ten minutes still count. */
export function settled(fights: Fights): Fights {
  return fights.contested ? NO_FIGHTS : fights
}
