import { mirrorOf, sourceEntry } from './apt-sources.ts'

const deb822 = `Types: deb deb-src
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`

describe('mirrorOf', () => {
  it.each([
    ['a deb822 file', deb822, 'http://mirror.example/debian'],
    ['a one-line file', 'deb http://mirror.example/debian bookworm main\n', 'http://mirror.example/debian'],
    ['a line with options', 'deb [arch=amd64 signed-by=/x.gpg] https://m.example/debian bookworm main\n', 'https://m.example/debian'],
    ['a commented line', '# deb http://mirror.example/debian bookworm main\n', undefined],
    ['a disabled stanza', `Enabled: no\n${deb822.split('\n\n')[0]}\n`, undefined],
    ['a source of another suite only', 'deb http://mirror.example/debian-security bookworm-security main\n', undefined],
    ['a source of sources only', 'Types: deb-src\nURIs: http://m.example\nSuites: bookworm\n', undefined],
  ])('finds the mirror in %s', (_, text, uri) => {
    expect(mirrorOf([text], 'bookworm')).toBe(uri)
  })
})

it('sourceEntry asks one suite for source packages only', () => {
  expect(sourceEntry('http://m.example/debian', 'trixie')).toBe(
    'Types: deb-src\nURIs: http://m.example/debian\nSuites: trixie\nComponents: main\nTrusted: yes\n',
  )
})
