// Decides what of docs/ is generated: the table of error codes and the tables of metrics. Reads sources as text; runs nothing.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERRORS, type ErrorCode } from '#api/errors'
import { betweenMarkers, type Generated } from './generated.ts'

/** What a user should know of each code beyond the sentence itself. A new code does not compile until it is explained here. */
const EXPLAINED = {
  IncompatibleCniVersion: 'The CNI version of the runtime, or of a result, is not one that Plexus speaks (0.1.0 to 1.1.0).',
  UnsupportedField: 'The pod asks for something that this release does not do. The sentence names the field.',
  UnknownContainer: 'CHECK was asked about a sandbox that this node has no record of.',
  InvalidEnvironment: 'The runtime called the plugin without a variable that the CNI specification demands.',
  Io: "A file of the node could not be read or written. Look at the node's disk.",
  Undecodable: 'Something that must be JSON is not, or is too large.',
  InvalidConfig: "The network's configuration is not valid. READY of the network is False and says the same.",
  InvalidAnnotation: 'An annotation of the pod is not valid. The sentence names annotation, element and field.',
  NetworkNotFound: 'There is no NetworkAttachmentDefinition of that name. The pod starts once it is created.',
  NetworkRejected: 'The network exists, but its configuration was refused. See `kubectl get net-attach-def -o wide`.',
  IsolationViolated: 'The profile isolates namespaces, and the network is neither in the namespace of the pod nor in a global one.',
  DeviceMissing: 'The network hands out devices of a resource that the pod does not hold, or holds too few of. Let a container request it.',
  CapabilityMissing: 'The pod asks for an address, MAC or the like, but no plugin of the network declares the capability.',
  PluginMissing: "A plugin's binary is in no plugin directory of the node. Install it, or name it in `plugins` of the profile.",
  PrimaryIncomplete: 'The primary network gave the pod no interface or no address.',
  InterfaceExists: 'Two networks want the same interface name in the pod.',
  DefaultRouteFailed:
    'A default route that the pod asks for could not be set; the former routes are back. The sentence holds the words of the kernel.',
  TryAgainLater: 'The agent cannot serve the pod yet. The kubelet tries again by itself.',
  AgentUnavailable: 'The agent of the node did not answer. The kubelet tries again by itself; look at the pod of the agent.',
  PlanExpired: 'The agent was too busy to answer in time. The kubelet tries again by itself.',
  SandboxBusy: 'Another operation on the same sandbox still runs.',
  SandboxOwned: 'The sandbox was attached or deleted by another operation already.',
  CommitRefused: 'The sandbox was deleted while its networks were attached. Nothing is left of it.',
  StatusNotWritten: 'The network-status annotation could not be written, and the profile says `statusWrite: Fail`.',
  SpoolFull: 'The agent has been away for so long that 256 deletions wait for it. Start the agent.',
  DelegateTimeout: 'A plugin did not end in time and was killed (`delegateTimeoutSeconds` of the profile).',
  NotReady: 'The network of the node is not ready: the agent has not been ready since the boot, or the primary plugin says so.',
  DelegateFailed: "A plugin failed without a code of its own. The sentence holds the plugin's words.",
  CheckFailed:
    'The kernel no longer has what was attached: an interface, an address or a route of the pod is missing. The sentence names it.',
  DetachFailed: 'A plugin could not detach an interface. The agent tries again until it is done.',
  Internal: 'A bug. The log of the agent says more; please report it.',
} as const satisfies Record<ErrorCode, string>

interface Metric {
  readonly name: string
  readonly kind: string
  readonly help: string
  readonly labels: string
}

/** Generated parts of docs/, from the sources under `root`. */
export function generateDocs(root: string): readonly Generated[] {
  const page = (path: string, parts: Readonly<Record<string, string>>): Generated => ({
    path,
    text: Object.entries(parts).reduce((text, [name, part]) => betweenMarkers(text, name, part), readFileSync(join(root, path), 'utf8')),
  })
  const [shared, operator, agent] = ['kube', 'operator', 'node-agent'].map((folder) => metricTable(metricsOf(root, folder)))
  return [
    page('docs/troubleshooting.md', { errors: errorTable() }),
    page('docs/metrics.md', { shared: shared ?? '', operator: operator ?? '', agent: agent ?? '' }),
  ]
}

function errorTable(): string {
  const rows = Object.entries(EXPLAINED).map(([code, text]) => [code, cniCodeOf(code), text] as const)
  return ['| Code | CNI | What it means |', '|---|---|---|', ...rows.map(([code, cni, text]) => `| \`${code}\` | ${cni} | ${text} |`)].join(
    '\n',
  )
}

const cniCodeOf = (code: string): string => String(Object.entries(ERRORS).find(([name]) => name === code)?.[1].cni ?? '')

/** Every `metrics.counter({ name: …, help: … })` of a folder; tests and fakes aside. */
function metricsOf(root: string, folder: string): readonly Metric[] {
  const files = globSync(`${folder}/**/*.ts`, { cwd: root }).filter((path) => !/\.(test|fake|contract)\.ts$|\/testing\//.test(path))
  const found = files.flatMap((path) => [...readFileSync(join(root, path), 'utf8').matchAll(INSTRUMENT)].map(metricOf))
  return found.toSorted((a, b) => a.name.localeCompare(b.name, 'en'))
}

const INSTRUMENT = /\.(counter|gauge|histogram)\(\{\s*name: '([a-z_]+)',\s*help: (?:'([^']*)'|"([^"]*)")([^}]*)\}/g

function metricOf([, kind = '', name = '', single, double, rest = '']: RegExpMatchArray): Metric {
  const labels = /labels: \[([^\]]*)\]/.exec(rest)?.[1] ?? (/\blabels\b/.test(rest) ? "'queue'" : '')
  return { kind, name: `plexus_${name}`, help: single ?? double ?? '', labels: labels.replaceAll("'", '`') }
}

function metricTable(metrics: readonly Metric[]): string {
  const rows = metrics.map(({ name, kind, labels, help }) => `| \`${name}\` | ${kind} | ${labels} | ${help} |`)
  return ['| Metric | Kind | Labels | Meaning |', '|---|---|---|---|', ...rows].join('\n')
}
