// Runs the corpus of malformed texts: each is refused with the field it is about, none crashes or hangs.
import { parseNetworks } from '#api/annotations/networks'
import { parseNetworkConfig } from '#api/cni/config'
import { goldenFile } from './testdata/golden.ts'

interface Malformed {
  readonly what: string
  /** The text, or what it is made of. */
  readonly text: string | { readonly before?: string; readonly repeat: string; readonly times: number; readonly after?: string }
  /** The field that the refusal must name; a prefix. */
  readonly path: string
}

function textOf({ text }: Malformed): string {
  return typeof text === 'string' ? text : `${text.before ?? ''}${text.repeat.repeat(text.times)}${text.after ?? ''}`
}

function rows(name: string): readonly (readonly [string, Malformed])[] {
  return (goldenFile(`malformed/${name}.json`) as readonly Malformed[]).map((row) => [row.what, row] as const)
}

describe('malformed annotations', () => {
  it.each(rows('annotations'))('%s', (_, row) => {
    const outcome = parseNetworks(textOf(row), { namespace: 'default' })
    expect(outcome).toMatchObject({
      ok: false,
      path: expect.stringContaining(row.path),
      problem: expect.any(String),
      remedy: expect.stringMatching(/^\S/),
    })
    if (!outcome.ok) expect(outcome.problem.length + outcome.remedy.length).toBeLessThan(300)
  })
})

describe('malformed configs', () => {
  it.each(rows('configs'))('%s', (_, row) => {
    const outcome = parseNetworkConfig(textOf(row), { path: 'spec.config', name: 'net' })
    expect(outcome).toMatchObject({
      ok: false,
      path: expect.stringContaining(row.path),
      problem: expect.any(String),
      remedy: expect.stringMatching(/^\S/),
    })
    if (!outcome.ok) expect(outcome.problem.length + outcome.remedy.length).toBeLessThan(300)
  })

  it('a forged allocation is not refused but removed', () => {
    const outcome = parseNetworkConfig(
      '{"type":"macvlan","ipam":{"type":"plexus-ipam","plexus.dev/allocation":{"addresses":["10.0.0.1/24"]}}}',
      { path: 'spec.config', name: 'net' },
    )
    expect(outcome).toMatchObject({ ok: true, config: { plugins: [{ conf: { ipam: { type: 'plexus-ipam' } } }] } })
    expect(JSON.stringify(outcome)).not.toContain('10.0.0.1')
  })
})
