// Decides which plugins of an attachment take their address from the DHCP daemon that the agent keeps. Pure.
import { isObject, type JsonObject } from '#api/json'
import type { PlannedAttachment } from '#api/socket'

/** Where the reference plugin looks for its daemon unless its conf says otherwise. */
const DHCP_SOCKET = '/run/cni/dhcp.sock'

/** Confs with `ipam: dhcp` whose daemon listens at `socket`. One that names another daemon is none of ours. */
export function dhcpPlugins({ plugins }: Pick<PlannedAttachment, 'plugins'>, socket: string): readonly JsonObject[] {
  return plugins.filter(({ ipam }) => {
    if (ipam === undefined || !isObject(ipam) || ipam['type'] !== 'dhcp') return false
    const { daemonSocketPath = '' } = ipam
    return (daemonSocketPath === '' ? DHCP_SOCKET : daemonSocketPath) === socket
  })
}

/** Whether any attachment needs the daemon. */
export function usesDhcp(attachments: readonly Pick<PlannedAttachment, 'plugins'>[], socket: string): boolean {
  return attachments.some((attachment) => dhcpPlugins(attachment, socket).length > 0)
}
