// Decides which network namespaces the agent can see, so that their absence proves something. Pure.
import { basename, dirname } from 'node:path'

/** `/var/run` is a link to `/run` on every distribution; containers may lack it. */
const canonical = (path: string): string => path.replace(/^\/var\/run(?=\/|$)/, '/run')

/** Whether the path lies in the directory of namespaces that is mounted into the agent. */
export function isVisible(netnsDir: string, netns: string): boolean {
  return netns !== '' && canonical(dirname(netns)) === canonical(netnsDir)
}

/** The namespace's name in its directory. */
export function netnsName(netns: string): string {
  return basename(netns)
}
