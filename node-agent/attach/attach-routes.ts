// Decides which request of the socket does what, and for how long. Never does the work itself.
import { parseCommit, parseDetached, parseGc, parseOperation } from '#api/socket-schema'
import { type Route, route } from '../socket/server.ts'
import type { AttachContext } from './attach-context.ts'
import { check } from './check.ts'
import { commit } from './commit.ts'
import { del, detached } from './del.ts'
import { plan } from './plan.ts'
import type { Collector } from '../gc/collect.ts'
import { collectByVerb } from '../gc/collect-by-verb.ts'

/** The shim waits as long; a request of an older shim may wait shorter, which its `deadline` says. */
const PLAN_MS = 30_000
const COMMIT_MS = 10_000
const DEL_MS = 10_000
const GC_MS = 120_000

/** `POST` path → route. */
export function attachRoutes(context: AttachContext, collector: Collector): ReadonlyMap<string, Route> {
  const { meter } = context
  return new Map([
    [
      '/v1/plan',
      route({
        parse: parseOperation,
        deadlineMs: PLAN_MS,
        work: (request, signal) => meter.timed('ADD', 'plan', () => plan(context, request, signal)),
      }),
    ],
    [
      '/v1/commit',
      route({
        parse: parseCommit,
        deadlineMs: COMMIT_MS,
        work: async (request, signal) => {
          const answer = await meter.timed('ADD', 'commit', () => commit(context, request, signal))
          meter.ended('ADD', 0)
          return answer
        },
      }),
    ],
    [
      '/v1/del',
      route({
        parse: parseOperation,
        deadlineMs: DEL_MS,
        work: (request, signal) => meter.timed('DEL', 'del', () => del(context, request, signal)),
      }),
    ],
    [
      '/v1/detached',
      route({
        parse: parseDetached,
        deadlineMs: DEL_MS,
        work: (request) => meter.timed('DEL', 'detached', () => detached(context, request)),
      }),
    ],
    [
      '/v1/check',
      route({
        parse: parseOperation,
        deadlineMs: DEL_MS,
        work: (request, signal) => meter.timed('CHECK', 'check', () => check(context, request, signal)),
      }),
    ],
    ['/v1/gc', gcRoute(context, collector)],
  ])
}

function gcRoute(context: AttachContext, collector: Collector): Route {
  const { meter } = context
  return route({
    parse: parseGc,
    deadlineMs: GC_MS,
    work: async (request, signal) => {
      const answer = await meter.timed('GC', 'gc', () => collectByVerb(context, collector, { request, signal }))
      meter.ended('GC', 0)
      return answer
    },
  })
}
