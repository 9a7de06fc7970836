// Replays what was recorded from Multus with recording delegates: same calls, stdin, CNI_ARGS, order, names and status bytes, but for what we fix.
import { nameInterfaces } from '#api/annotations/naming'
import { parseNetworks } from '#api/annotations/networks'
import { NETWORKS_KEY } from '#api/annotations/keys'
import { primaryRuntimeConfig, secondaryRuntimeConfig } from '#api/capabilities'
import { formatCniArgs } from '#api/cni/args'
import { type NetworkConfig, parseNetworkConfig, readNetworkConfig } from '#api/cni/config'
import { pluginInputs, withPrevResult } from '#api/cni/plugin-input'
import { parseResult } from '#api/cni/result'
import { resultAs } from '#api/cni/result-text'
import type { Json, JsonObject, Rejected } from '#api/json'
import { isObject, sentenceOf } from '#api/json'
import { sortedJson } from '#api/json-text'
import { formatNetworkStatus, networkStatuses } from '#api/network-status'
import { goldenFile } from '../testdata/golden.ts'

interface Call {
  readonly type: string
  readonly verb: string
  readonly ifname: string
  readonly args: string
  readonly stdin: JsonObject
}

interface Recorded {
  readonly case: string
  readonly nads: readonly { readonly ns: string; readonly name: string; readonly config: string }[]
  readonly annotations: Readonly<Record<string, string>>
  readonly runtimeConfig?: JsonObject
  readonly ADD: { readonly exit: number; readonly delegateCalls: readonly Call[] }
  readonly networkStatus: string | null
  readonly DEL: readonly (readonly [type: string, ifname: string])[]
}

interface Attachment {
  readonly network: string
  readonly config: NetworkConfig
  readonly ifName: string
  readonly args: string
  readonly stdins: readonly JsonObject[]
}

const PRIMARY = {
  cniVersion: '1.0.0',
  name: 'podnet',
  plugins: [{ type: 'rec-p', capabilities: { portMappings: true, bandwidth: true, mac: true, ips: true } }],
}
const POD = { podNamespace: 'default', podName: '$POD', containerId: '$CID', podUid: '$UID', runtimeArgs: [] }

function must<Value extends { readonly ok: true }>(outcome: Value | Rejected): Value {
  if (!outcome.ok) throw new Error(sentenceOf(outcome))
  return outcome
}

/** What we plan for a recorded pod, primary first. */
function planned(recorded: Recorded): readonly Attachment[] {
  const { networks } = must(parseNetworks(recorded.annotations[NETWORKS_KEY] ?? '', { namespace: 'default' }))
  const { names } = must(nameInterfaces([{ path: 'podnet' }, ...networks], 'eth0'))
  const primary = must(readNetworkConfig(PRIMARY, { path: '', name: 'podnet' })).config
  const runtimeConfig = primaryRuntimeConfig(recorded.runtimeConfig ?? {})
  const first = {
    network: 'podnet',
    config: primary,
    ifName: names[0] ?? '',
    args: formatCniArgs(POD),
    stdins: pluginInputs(primary, { runtimeConfig }),
  }
  const further = networks.map((selection, index) => {
    const nad = recorded.nads.find(({ ns, name }) => ns === selection.namespace && name === selection.name)
    const config = must(parseNetworkConfig(nad?.config ?? '', { path: 'spec.config', name: selection.name })).config
    const { mac, ips, cniArgs } = selection
    return {
      network: `${selection.namespace}/${selection.name}`,
      config,
      ifName: names[index + 1] ?? '',
      args: formatCniArgs({ ...POD, ...(mac && { mac }), ...(ips && { ips }) }),
      stdins: pluginInputs(config, { runtimeConfig: secondaryRuntimeConfig(selection, {}), ...(cniArgs && { cniArgs }) }),
    }
  })
  return [first, ...further]
}

/** What the recording plugins answer: `rec.result` of their conf, else one interface with one address. */
function answered(stdin: JsonObject, ifName: string): Json {
  const rec = stdin['rec']
  const own = isObject(rec) ? rec['result'] : undefined
  const standard = {
    interfaces: [{ name: '$IF', mac: '02:00:00:00:00:01', sandbox: '$NS' }],
    ips: [{ address: '10.9.0.5/24', interface: 0 }],
  }
  const text = JSON.stringify(own ?? standard)
    .replaceAll('$IF', ifName)
    .replaceAll('$NS', '$NETNSDIR/$NETNS')
  return JSON.parse(text)
}

interface Executed {
  readonly calls: readonly Call[]
  readonly result: JsonObject | undefined
}

/** Executes one attachment as libcni does, with the recording plugins' answers. */
function executed({ config, stdins, ifName, args }: Attachment): Executed {
  const calls: Call[] = []
  let result: JsonObject | undefined
  for (const [index, stdin] of stdins.entries()) {
    const whole = withPrevResult(stdin, result, 'ADD')
    const version = config.cniVersion
    calls.push({ type: config.plugins[index]?.type ?? '', verb: 'ADD', ifname: ifName, args, stdin: JSON.parse(sortedJson(whole)) })
    if (isObject(stdin['rec']) && 'error' in stdin['rec']) return { calls, result: undefined }
    result = must(resultAs(must(parseResult(answered(stdin, ifName), version)).result, version)).json
  }
  return { calls, result }
}

function statusOf(attachments: readonly Attachment[], results: readonly (JsonObject | undefined)[]): string {
  const statuses = attachments.flatMap(({ network, config }, index) => {
    const { result } = must(parseResult(results[index] ?? null, config.cniVersion))
    return networkStatuses({ name: network, result, primary: index === 0 })
  })
  return formatNetworkStatus(statuses)
}

/** The one wanted difference: the runtime's own values do not reach a secondary network (MNS 7.5). */
function expectedCalls(recorded: Recorded): readonly Call[] {
  const adds = recorded.ADD.delegateCalls.filter(({ verb }) => verb === 'ADD')
  if (recorded.case !== 'rc-secondary-with-caps') return adds
  return adds.map((call) => {
    const { runtimeConfig: _, ...stdin } = call.stdin
    return call.ifname === 'eth0' ? call : { ...call, stdin }
  })
}

describe('recorded from Multus', () => {
  const { cases } = goldenFile('recorded.json') as { readonly cases: readonly Recorded[] }

  it('there are twelve cases', () => expect(cases).toHaveLength(12))

  it.each(cases.map((recorded) => [recorded.case, recorded] as const))('%s: the delegates get the same', (_, recorded) => {
    const calls = planned(recorded).flatMap((attachment) => executed(attachment).calls)
    expect(calls).toEqual(expectedCalls(recorded))
  })

  it.each(cases.filter(({ networkStatus }) => networkStatus !== null).map((recorded) => [recorded.case, recorded] as const))(
    '%s: the same status bytes',
    (_, recorded) => {
      const attachments = planned(recorded)
      expect(
        statusOf(
          attachments,
          attachments.map((attachment) => executed(attachment).result),
        ),
      ).toBe(recorded.networkStatus)
    },
  )

  it.each(cases.map((recorded) => [recorded.case, recorded] as const))('%s: DEL in the same order', (_, recorded) => {
    const plugins = planned(recorded).flatMap(({ config, ifName }) => config.plugins.map(({ type }) => [type, ifName]))
    expect(plugins.toReversed()).toEqual(recorded.DEL)
  })
})
