// Decides which Debian mirror this machine uses, from the text of its apt sources. Pure: reads and writes no file.

interface Source {
  readonly uri: string
  readonly suites: readonly string[]
}

/** The URI of the first source that serves `codename` itself; undefined when none does. Reads one-line and deb822 forms. */
export function mirrorOf(texts: readonly string[], codename: string): string | undefined {
  return texts.flatMap((text) => [...deb822(text), ...oneLine(text)]).find((source) => source.suites.includes(codename))?.uri
}

/** A deb822 entry for the source packages of a suite. Not verified by a keyring: the caller checks a pinned hash instead. */
export function sourceEntry(uri: string, suite: string): string {
  return `Types: deb-src\nURIs: ${uri}\nSuites: ${suite}\nComponents: main\nTrusted: yes\n`
}

function oneLine(text: string): readonly Source[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line)
    return match?.[1] === undefined || match[2] === undefined ? [] : [{ uri: match[1], suites: [match[2]] }]
  })
}

function deb822(text: string): readonly Source[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): readonly string[] =>
      new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(stanza)?.[1]?.trim().split(/\s+/) ?? []
    const [uri] = field('URIs')
    const disabled = field('Enabled')[0]?.toLowerCase() === 'no'
    return uri === undefined || disabled || !field('Types').includes('deb') ? [] : [{ uri, suites: field('Suites') }]
  })
}
