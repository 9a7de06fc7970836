// Decides the CustomResourceDefinition object of a definition. Never talks to an API server.
import type { JsonObject } from '#api/json'
import type { Column, Definition } from './definitions.ts'
import { lintStructural } from './lint.ts'
import { toStructural } from './structural.ts'

/** Name of the CRD object, `<plural>.<group>`. */
export const crdName = (definition: Definition): string => `${definition.plural}.${definition.group}`

/** A whole CRD (apiextensions.k8s.io/v1), or the sentences why its schema must not reach an API server. */
export type CrdOutcome = { readonly ok: true; readonly crd: JsonObject } | { readonly ok: false; readonly findings: readonly string[] }

/** Builds the CRD of one kind; served and stored in its only version, with the status subresource. */
export function crdOf(definition: Definition): CrdOutcome {
  const schema = objectSchema(definition)
  const findings = lintStructural(schema, [...STANDARD_FIELDS, ...definition.unbounded])
  if (findings.length > 0) return { ok: false, findings: findings.map((finding) => `${definition.kind}: ${finding}`) }
  const { group, version, kind, plural, singular, shortNames, scope } = definition
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: crdName(definition) },
    spec: {
      group,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        ...(shortNames.length > 0 ? { shortNames: [...shortNames] } : {}),
        categories: ['multinet'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: definition.columns.map(columnOf),
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  }
  return { ok: true, crd }
}

/** The API server itself rules these. */
const STANDARD_FIELDS = ['apiVersion', 'kind', 'metadata']
const standard: JsonObject = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } }

function objectSchema({ schema, description, defaults }: Definition): JsonObject {
  const whole = toStructural(schema, { defaults })
  const properties = whole['properties']
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) return whole
  const own = Object.entries(properties).filter(([name]) => !(name in standard))
  return { description, type: 'object', properties: { ...standard, ...Object.fromEntries(own) } }
}

const columnOf = ({ name, path, type = 'string', wide }: Column): JsonObject => ({
  name,
  type,
  jsonPath: path,
  ...(wide ? { priority: 1 } : {}),
})
