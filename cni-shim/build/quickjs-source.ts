// Decides where QuickJS's source comes from: Debian's source package through this machine's own mirror, accepted only with the pinned hash.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mirrorOf, sourceEntry } from './apt-sources.ts'
import { hasProgram, run } from './run.ts'

/** The release tarball, which Debian ships unchanged as `quickjs_2025.04.26.orig.tar.xz`. */
export const QUICKJS = {
  version: '2025-04-26',
  suite: 'trixie',
  tarball: 'quickjs_2025.04.26.orig.tar.xz',
  sha256: 'ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe',
} as const

/** Puts the verified tarball into `folder` and returns its path. `given` is a tarball of the same hash, for machines without Debian's mirror. */
export function fetchQuickjs(folder: string, given: string | undefined): string {
  const tarball = given ?? download(folder)
  const sha256 = createHash('sha256').update(readFileSync(tarball)).digest('hex')
  if (sha256 !== QUICKJS.sha256)
    throw new Error(`${tarball} has sha256 ${sha256} and not ${QUICKJS.sha256}; fetch ${QUICKJS.tarball} again`)
  return tarball
}

function download(folder: string): string {
  const remedy = `give ${QUICKJS.tarball} (sha256 ${QUICKJS.sha256}) with --quickjs-source`
  if (!hasProgram('apt-get')) throw new Error(`no apt-get here to fetch QuickJS; ${remedy}`)
  const mirror = mirrorOf(aptSources(), codename())
  if (mirror === undefined) throw new Error(`no Debian mirror in this machine's apt sources; ${remedy}`)
  for (const part of ['sources', 'lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, part), { recursive: true })
  writeFileSync(join(folder, 'sources/quickjs.sources'), sourceEntry(mirror, QUICKJS.suite))
  // Everything apt writes stays in our folder: the system's sources, lists and locks are untouched.
  const settings = {
    'Dir::Etc::SourceList': '/dev/null',
    'Dir::Etc::SourceParts': join(folder, 'sources'),
    'Dir::State': folder,
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': join(folder, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::Retries': '3',
  }
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  run({ program: 'apt-get', args: [...options, 'update', '-qq'], cwd: folder })
  run({ program: 'apt-get', args: [...options, 'source', '-qq', '--download-only', '--tar-only', 'quickjs'], cwd: folder })
  const tarball = join(folder, QUICKJS.tarball)
  if (!existsSync(tarball)) throw new Error(`${QUICKJS.suite} has another version of quickjs now; ${remedy}`)
  return tarball
}

function codename(): string {
  return /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? ''
}

function aptSources(): readonly string[] {
  const parts = '/etc/apt/sources.list.d'
  const files = existsSync(parts) ? readdirSync(parts).filter((name) => /\.(list|sources)$/.test(name)) : []
  return ['/etc/apt/sources.list', ...files.map((name) => join(parts, name))]
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'))
}
