// Decides which node a connection speaks for: by TokenReview of its projected token, never by what it claims.
import { z } from 'zod'
import { type NodeName, parseNodeName } from '#api/ids'
import type { KubeWriter } from '#kube/client'
import type { KubeObject, Resource } from '#kube/resource'

/** Who a token belongs to. `refused` is final for this token; a thrown KubeError means that nobody could tell. */
export type Identity = { readonly kind: 'node'; readonly node: NodeName } | { readonly kind: 'refused'; readonly message: string }

export interface Authenticator {
  authenticate(token: string, signal: AbortSignal): Promise<Identity>
}

export const AUDIENCE = 'plexus'
const NODE_NAME = 'authentication.kubernetes.io/node-name'
const REVIEW_MS = 8000

const review = z.object({
  status: z
    .object({
      authenticated: z.boolean().default(false),
      error: z.string().default(''),
      audiences: z.array(z.string()).default([]),
      user: z.object({ username: z.string().default(''), extra: z.record(z.string(), z.array(z.string())).default({}) }).optional(),
    })
    .prefault({}),
})

interface Review extends KubeObject {
  readonly status: z.infer<typeof review>['status']
}

const tokenReviews: Resource<Review> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
  parse: (value) => ({ metadata: { name: '' }, ...review.parse(value) }),
}

/**
 * `user` is the ServiceAccount of the agents, `system:serviceaccount:<namespace>:<name>`. It is checked as well: anybody who may create a pod can
 * have a token of our audience that names the pod's node.
 */
export function openAuthenticator(options: { readonly client: KubeWriter; readonly user: string }): Authenticator {
  return {
    authenticate: async (token, signal) => {
      const spec = { token, audiences: [AUDIENCE] }
      const { status } = await options.client.create(tokenReviews, { metadata: {}, spec }, { deadlineMs: REVIEW_MS, signal })
      if (!status.authenticated) return refused(status.error === '' ? 'the token is not valid' : status.error)
      if (!status.audiences.includes(AUDIENCE)) return refused(`the token is not for the audience ${AUDIENCE}`)
      const username = status.user?.username ?? ''
      if (username !== options.user) return refused(`${username} is not the node agents' ServiceAccount`)
      const [name = ''] = status.user?.extra[NODE_NAME] ?? []
      const node = parseNodeName(name)
      return node === undefined
        ? refused('the token is not bound to a node; mount a projected ServiceAccount token')
        : { kind: 'node', node }
    },
  }
}

function refused(message: string): Identity {
  return { kind: 'refused', message }
}
