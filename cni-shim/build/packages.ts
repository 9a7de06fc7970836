// Decides which Debian packages the compiler needs and installs those whose programs are missing. Never touches apt's configuration.
import { hasProgram, run } from './run.ts'

const PACKAGE_OF: Readonly<Record<string, string>> = {
  gcc: 'gcc libc6-dev',
  make: 'make',
  'musl-gcc': 'musl-tools',
  xz: 'xz-utils',
}

/** Installs what is missing, naming it; throws with the command to run when that is not possible here. */
export function ensurePackages(say: (line: string) => void): void {
  const missing = Object.keys(PACKAGE_OF).filter((program) => !hasProgram(program))
  if (missing.length === 0) return
  const packages = missing.flatMap((program) => PACKAGE_OF[program]?.split(' ') ?? [])
  const remedy = `apt-get install ${packages.join(' ')}`
  if (!hasProgram('apt-get')) throw new Error(`${missing.join(', ')} missing and this is no Debian; install them, then run this again`)
  if (process.getuid?.() !== 0) throw new Error(`${missing.join(', ')} missing; run as root: ${remedy}`)
  say(`installing ${packages.join(', ')}`)
  const lock = ['-o', 'DPkg::Lock::Timeout=300']
  run({ program: 'apt-get', args: [...lock, 'update', '-qq'] })
  run({
    program: 'apt-get',
    args: [...lock, 'install', '-y', '-qq', '--no-install-recommends', ...packages],
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  })
}
