// An AttachContext for tests of single parts: a real journal in a temporary directory, everything else fake and idle.
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import { openAtomicFiles } from '#kube/process/atomic-file'
import { openLruCache } from '#kube/process/cache'
import { fakeClock, type FakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { fakeMetrics } from '#kube/process/metrics.fake'
import { noDhcp } from '../../dhcp/dhcp.ts'
import { openPodDevices } from '../../devices/pod-devices.ts'
import { openByKey } from '../../journal/by-key.ts'
import { openJournal } from '../../journal/journal.ts'
import type { OwnPods } from '../../pods/own-pods.ts'
import type { Pod } from '../../pods/pod.ts'
import { openPodEvents } from '../../pods/pod-events.ts'
import type { AttachContext } from '../attach-context.ts'
import { fakeKernelRoutes } from '../../routes/kernel-routes.fake.ts'
import { openAttachMeter } from '../attach-meter.ts'
import { fakeBoot, fakeEvents, fakePrimary, fakeSnapshot } from './ports.fake.ts'

export interface TestContext extends AttachContext {
  readonly clock: FakeClock
  /** `containerId ms` of everything put off to the workers. */
  readonly looks: string[]
  /** Pods that the API server knows, by `namespace/name`. */
  readonly knownPods: Set<string>
}

/** The boot clock is the fake clock. */
export async function openTestContext(directory: string): Promise<TestContext> {
  const clock = fakeClock()
  const log = fakeLog()
  const looks: string[] = []
  const knownPods = new Set<string>()
  let unique = 0
  const files = openAtomicFiles({ unique: () => `u${(unique += 1)}` })
  const journal = await openJournal({ directory: join(directory, 'sandboxes'), files, log, clock, onCorrupt: () => undefined })
  return {
    journal,
    byKey: openByKey(),
    later: {
      lookAfter: (containerId, ms) => void looks.push(`${containerId} ${ms}`),
      retry: (containerId) => void looks.push(`${containerId} retry`),
    },
    snapshot: fakeSnapshot(),
    primary: fakePrimary(undefined, []),
    lookup: { find: async () => ({ state: 'missing' }) },
    namespaceLabels: { of: async () => undefined },
    confDirs: () => [],
    unrecorded: { cached: async () => [], primaryAlone: () => [], all: async () => [], forget: async () => undefined },
    pods: fakeOwnPods(knownPods),
    devices: openPodDevices({ directories: undefined, client: neverAsked, nodeName: 'node-a', clock, log }),
    status: { write: async () => 'written' },
    events: openPodEvents(fakeEvents()),
    routes: fakeKernelRoutes(),
    dhcp: noDhcp,
    unplanned: openLruCache({ max: 10 }),
    meter: openAttachMeter(fakeMetrics(), clock),
    boot: fakeBoot(() => clock.monotonic()),
    netnsDir: '/nowhere',
    netns: { read: async () => ({ links: [], routes: new Set<string>() }) },
    clock,
    log,
    looks,
    knownPods,
  }
}

/** Without devices nobody asks the API server for claims. */
const neverAsked = {
  get: async () => undefined,
  async *list() {},
}

function fakeOwnPods(known: ReadonlySet<string>): OwnPods {
  const pod = (namespace: string, name: string, uid: string): Pod => ({
    metadata: { namespace, name, uid, resourceVersion: '', labels: {}, annotations: {} },
    hostNetwork: false,
    hasNetworkStatus: true,
    phase: 'Running',
    deleting: false,
  })
  return {
    find: async ({ namespace, name, uid }) => (known.has(`${namespace}/${name}`) ? pod(namespace, name, uid) : undefined),
    list: () => [],
    onChange: () => () => undefined,
    synced: async () => undefined,
    stop: async () => undefined,
  }
}

/** A record with one attachment of plugin `bridge`. */
export function sandbox(change: Partial<SandboxRecord> = {}): SandboxRecord {
  const plugins = [{ type: 'bridge', name: 'cluster', cniVersion: '1.0.0' }]
  return {
    version: 1,
    containerId: 'c1',
    state: 'attached',
    origin: 'agent',
    pod: { namespace: 'shop', name: 'web', uid: 'uid-1' },
    netns: '/nowhere/c1',
    ifName: 'eth0',
    cniVersion: '1.0.0',
    binDirs: [],
    bootId: 'boot-1',
    changedAt: 0,
    changed: '',
    attachments: [{ network: 'cluster', ifName: 'eth0', primary: true, required: true, cniArgs: '', plugins, timeoutMs: 1000 }],
    ...change,
  }
}
