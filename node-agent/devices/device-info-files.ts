// Decides what becomes of device-info files: the device plugin's is copied for the attachment, read after ADD, removed at DEL. Never fails an ADD.
import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sentenceOf } from '#api/json'
import type { DeviceInfo } from '#api/network-status'
import { devicePluginFile, MAX_DEVICE_INFO_BYTES, parseDeviceInfo } from '#api/network-status-device'
import type { AttachedDevice, PlannedAttachment } from '#api/socket'
import type { Log } from '#kube/process/log'
import { isSystemError } from '../journal/state-file.ts'

type WithDevice = Pick<PlannedAttachment, 'network' | 'ifName' | 'device'>

/** Files of attachments that have a device; all calls log what failed and never throw. */
export interface DeviceInfoFiles {
  /** Copies what the device plugins wrote to where the attachments' plugins look for it (spec/attachments 1.10). */
  prepare(attachments: readonly WithDevice[]): Promise<void>
  /** What the file says after ADD: the device plugin's words, or those of a plugin that wrote it itself. */
  read(attachment: WithDevice): Promise<DeviceInfo | undefined>
  /** Removes the attachments' files; missing ones are fine. */
  remove(attachments: readonly WithDevice[]): Promise<void>
}

/** `directory` holds `dp/` and `cni/`; undefined when the node's devices are not this agent's business. */
export function openDeviceInfoFiles(options: { readonly directory: string | undefined; readonly log: Log }): DeviceInfoFiles {
  const { directory, log } = options
  const about = ({ network, ifName, device }: WithDevice) => ({ network, ifName, file: device?.infoFile })
  return {
    prepare: async (attachments) => {
      await Promise.all(
        attachments.map(async (attachment) => {
          const source = sourceOf(attachment.device, directory)
          if (attachment.device === undefined || source === undefined) return
          await copy(source, attachment.device.infoFile).catch((error: unknown) =>
            log.warn('a device-info file could not be copied; the plugins get none', { ...about(attachment), source, error }),
          )
        }),
      )
    },
    read: async (attachment) => {
      if (attachment.device === undefined) return undefined
      const { infoFile } = attachment.device
      try {
        const text = await textOf(infoFile)
        const parsed = text === undefined ? undefined : parseDeviceInfo(text, infoFile)
        if (parsed?.ok === false)
          log.warn('a device-info file is left out of network-status', { ...about(attachment), problem: sentenceOf(parsed) })
        return parsed?.ok === true ? parsed.deviceInfo : undefined
      } catch (error) {
        log.warn('a device-info file could not be read; network-status goes without', { ...about(attachment), error })
        return undefined
      }
    },
    remove: async (attachments) => {
      await Promise.all(
        attachments.map(async (attachment) => {
          if (attachment.device === undefined) return
          await rm(attachment.device.infoFile, { force: true }).catch((error: unknown) =>
            log.warn('a device-info file could not be removed', { ...about(attachment), error }),
          )
        }),
      )
    },
  }
}

/** Only devices that a device plugin handed out have a file of its own. */
function sourceOf(device: AttachedDevice | undefined, directory: string | undefined): string | undefined {
  if (directory === undefined || device?.resource === undefined || device.id === undefined) return undefined
  return join(directory, devicePluginFile(device.resource, device.id))
}

/** Nothing to copy is usual: most device plugins write no such file. A file of the same attachment stays as it is. */
async function copy(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o755 })
  try {
    await copyFile(source, target, constants.COPYFILE_EXCL)
    await chmod(target, 0o444)
  } catch (error) {
    if (!isSystemError(error, 'ENOENT') && !isSystemError(error, 'EEXIST')) throw error
  }
}

/** One byte more than allowed is enough for the parser to refuse it. */
async function textOf(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
  if (file === undefined) return undefined
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_DEVICE_INFO_BYTES + 1), 0, MAX_DEVICE_INFO_BYTES + 1, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
