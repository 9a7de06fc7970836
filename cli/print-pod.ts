// Decides how the story of one pod looks on one screen. Pure.
import type { Explanation } from './explain-pod.ts'
import { tableOf } from './text-table.ts'

/** Sections in the order in which a pod gets its networks; the verdict last, where the eye is. */
export function printPod(story: Explanation): string {
  const { annotations, networks, plan, results, lastError, problems } = story
  return [
    `Pod      ${story.pod}  (${story.phase})\n`,
    `Node     ${orNone(story.node)}  profile ${orNone(story.profile)}\n`,
    section('Asks for', annotations.length === 0 ? '  nothing\n' : annotations.map(([key, value]) => `  ${key}: ${value}\n`).join('')),
    section(
      'Networks',
      tableOf(
        networks.map(({ network, from, state }) => [network, state, from]),
        2,
      ),
    ),
    section(
      'Plan',
      tableOf(
        plan.map(({ ifName, network, plugins, asks }) => [ifName, network, plugins, asks]),
        2,
      ),
    ),
    section(
      'Has',
      tableOf(
        results.map(({ ifName, network, ips, mac }) => [ifName, network, ips.join(' '), mac]),
        2,
      ),
    ),
    section('Last error', lastError === undefined ? '' : `  ${lastError}\n`),
    problems.length === 0
      ? 'OK: nothing speaks against what it asks for\n'
      : section('Because', problems.map((text) => `  ${text}\n`).join('')),
  ].join('')
}

function section(title: string, text: string): string {
  return `${title}\n${text === '' ? '  none\n' : text}`
}

const orNone = (text: string): string => (text === '' ? 'none' : text)
