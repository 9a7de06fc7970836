// A KernelRoutes in memory for tests: default routes of one namespace, with faults.
import type { KernelRoute } from './kernel-route.ts'
import type { KernelRoutes } from './kernel-routes.ts'
import type { Family } from './wanted-routes.ts'

export interface FakeKernelRoutes extends KernelRoutes {
  /** `<words>` of every route, IPv4 first. */
  routes(): readonly string[]
  /** Every process that was executed: `read 4`, or the lines of a batch. */
  readonly steps: string[]
  /** Lines that hold the text are refused with this sentence. */
  refuse(text: string, sentence: string): void
  /** Lines that hold the text are taken and do nothing, as with Multus 4.2.2. */
  ignore(text: string): void
}

const UNSAID = { 4: 0, 6: 1024 } as const

/** Routes are written as `default via 10.1.0.1 dev eth0 [metric 7]`. */
export function fakeKernelRoutes(...initial: readonly string[]): FakeKernelRoutes {
  let held: readonly string[] = initial.map(canonical)
  const steps: string[] = []
  const refused = new Map<string, string>()
  const ignored: string[] = []
  const execute = (line: string): string | undefined => {
    const fault = [...refused].find(([text]) => line.includes(text))
    if (fault !== undefined) return fault[1]
    if (ignored.some((text) => line.includes(text))) return undefined
    const [, action, words = ''] = /^route (append|del) (.*)$/.exec(line) ?? []
    const route = canonical(words)
    if (action === 'append') held = [...held, route]
    else if (!held.includes(route)) return 'No such process'
    else held = held.filter((other) => other !== route)
    return undefined
  }
  return {
    steps,
    routes: () => [4, 6].flatMap((family) => held.filter((words) => familyOf(words) === family)),
    refuse: (text, sentence) => void refused.set(text, sentence),
    ignore: (text) => void ignored.push(text),
    read: async (_, family) => {
      steps.push(`read ${family}`)
      return held.filter((words) => familyOf(words) === family).map(parse)
    },
    write: async (_, lines) => {
      if (lines.length === 0) return undefined
      steps.push(...lines)
      return lines.reduce<string | undefined>((failure, line) => failure ?? execute(line), undefined)
    },
  }
}

function familyOf(words: string): Family {
  return words.includes(':') ? 6 : 4
}

/** An IPv6 route always shows its metric. */
function canonical(words: string): string {
  return familyOf(words) === 6 && !words.includes('metric') ? `${words} metric ${UNSAID[6]}` : words
}

function parse(words: string): KernelRoute {
  const [, gateway, device = '', metric] = /via (\S+) dev (\S+)(?: metric (\d+))?/.exec(words) ?? []
  const family = familyOf(words)
  return { family, words, devices: [device], metric: Number(metric ?? UNSAID[family]), ...(gateway !== undefined && { gateway }) }
}
