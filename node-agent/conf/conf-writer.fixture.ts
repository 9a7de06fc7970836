// A process that writes our conf over and over, for a test that kills it: `node conf-writer.fixture.ts <directory> <name> <cniVersion>`.
import { join } from 'node:path'
import { isCniVersion } from '#api/cni/version'
import { openAtomicFiles } from '#kube/process/atomic-file'
import { confText, ownPart } from './own-conf.ts'

const [directory = '', name = '', cniVersion = ''] = process.argv.slice(2)
if (!isCniVersion(cniVersion)) throw new Error(`${cniVersion} is not a CNI version`)
let count = 0
const files = openAtomicFiles({
  unique: () => {
    count += 1
    return `${process.pid}-${count}`
  },
})
const text = confText(ownPart({ cniVersion, stateDir: '/var/lib/plexus', runDir: '/run/plexus' }), [
  { type: 'istio-cni', padding: 'x'.repeat(64 * 1024) },
])
// One dot per file; ends when it is killed, which is the point.
for (;;) {
  // oxlint-disable-next-line no-await-in-loop
  await files.write(join(directory, name), text, { mode: 0o600 })
  process.stdout.write('.')
}
