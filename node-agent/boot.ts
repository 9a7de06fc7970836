// Decides how the agent tells this boot of the node from the one before, and what time the kernel's boot clock shows. Never uses the wall clock.
import { readFileSync } from 'node:fs'
import { PlexusError } from '#api/errors'

/** This boot of the node. */
export interface Boot {
  /** The kernel's boot id: a UUID, new at every boot. */
  readonly id: string
  /** CLOCK_BOOTTIME in ms (10 ms resolution): comparable with the shim's, and only within one `id`. */
  nowMs(): number
}

export interface BootOptions {
  /** The host's boot id: /proc/sys/kernel/random/boot_id, or where it is mounted. */
  readonly bootIdFile: string
  /** /proc/uptime: its first field is CLOCK_BOOTTIME in seconds with two decimals. */
  readonly uptimeFile?: string
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Reads the boot id once; throws a PlexusError `Io` when either file is not what it should be. */
export function openBoot(options: BootOptions): Boot {
  const uptimeFile = options.uptimeFile ?? '/proc/uptime'
  const id = read(options.bootIdFile).trim().toLowerCase()
  if (!UUID.test(id)) {
    throw new PlexusError(
      'Io',
      `${options.bootIdFile}: this is not a boot id; give the host's /proc/sys/kernel/random/boot_id to --boot-id-file`,
    )
  }
  const nowMs = (): number => {
    const seconds = parseUptime(read(uptimeFile))
    if (seconds === undefined)
      throw new PlexusError('Io', `${uptimeFile}: its first field is not a number of seconds; /proc must be mounted`)
    return seconds
  }
  nowMs()
  return { id, nowMs }
}

/** First field of /proc/uptime in ms; undefined when it is not one. */
export function parseUptime(text: string): number | undefined {
  const match = /^(\d{1,12})\.(\d{2})\s/.exec(text)
  return match === null ? undefined : Number(match[1]) * 1000 + Number(match[2]) * 10
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new PlexusError('Io', `${path}: it cannot be read; it must be mounted into the agent`, { cause })
  }
}
