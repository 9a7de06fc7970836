// Decides how networks leave a running pod: recorded first, then detached last first, then said on the pod. Never decides which.
import type { RecordedAttachment } from '#api/socket'
import { about, stampNow } from '../attach/attach-context.ts'
import { forgetDevices } from '../attach/forget-devices.ts'
import { detachThese } from '../delegates/detach.ts'
import type { HeldSandbox, HotplugContext, Step } from './hotplug-context.ts'
import { afterUnplug, detaching } from './hotplug-record.ts'

/** Detaches `leaving` (in ADD order). All are tried; what fails stays recorded as under way. */
export async function unplug(context: HotplugContext, held: HeldSandbox, leaving: readonly RecordedAttachment[]): Promise<Step> {
  if (leaving.length === 0) return { record: held.record, failures: [] }
  const { journal, events, log, primary, runner } = context
  const { lock, signal } = held
  const record = detaching(held.record, leaving, stampNow(context))
  await journal.write(record)
  const outcomes = await detachThese(record, leaving, { runner, binDirs: primary.binDirs(), lockFd: lock.fd, signal })
  const next = afterUnplug(record, outcomes, stampNow(context))
  await forgetDevices(context, record, next)
  await journal.write(next)
  signal.throwIfAborted()
  const failures: string[] = []
  for (const { network, ifName, error } of outcomes) {
    log.info('network of a running pod detached', { ...about(record), network, interface: ifName, error: error?.msg })
    if (error === undefined) {
      // What was never whole was never said to be there.
      if (leaving.some((each) => each.network === network && each.ifName === ifName && each.result !== undefined)) {
        events.removed(record.pod, ifName, network)
      }
      continue
    }
    const sentence = `network ${network} (${ifName}) could not be detached: ${error.plugin}: ${error.msg}; it is tried again`
    events.warn(record.pod, 'FailedRemovingInterface', sentence)
    failures.push(sentence)
  }
  return { record: next, failures }
}
