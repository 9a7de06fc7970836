// Builds the container images as docker-archive tarballs in the user's cache, each once per content. Decides no image's content: Dockerfiles do.
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ClusterError } from '../cluster-error.ts'
import type { Place } from '../place.ts'
import { attempt, run } from '../process/run.ts'
import { treeHash } from './tree-hash.ts'

export interface ImageOptions {
  readonly place: Place
  readonly progress: (line: string) => void
  readonly signal?: AbortSignal | undefined
}

/** One built image: its reference and the tarball that `importImage` takes. */
export interface Image {
  readonly reference: string
  readonly tarball: string
}

/** Packages of the base image, beyond Debian's essential ones: what the node agent runs, and busybox for the test image. */
const basePackages = ['busybox', 'ca-certificates', 'iproute2', 'iptables', 'libstdc++6', 'mount', 'nftables', 'util-linux']
const suite = 'bookworm'

/** The static program that is a node's init and a pod's sandbox container. Answers its path. */
export async function pauseProgram({ place, signal }: ImageOptions): Promise<string> {
  const source = join(place.checkout, 'e2e/images/pause')
  const program = join(place.cache, 'images', `pause-${await treeHash(source, ['pause.c'])}`, 'pause')
  await once(program, async (unfinished) => {
    await run(['musl-gcc', '-static', '-Os', '-s', '-o', unfinished, join(source, 'pause.c')], { signal })
  })
  return program
}

/** `localhost/plexus-pause:1`. */
export async function pauseImage(options: ImageOptions): Promise<Image> {
  const program = await pauseProgram(options)
  const source = join(options.place.checkout, 'e2e/images/pause')
  return build(options, {
    reference: 'localhost/plexus-pause:1',
    key: await treeHash(source, ['pause.c', 'Dockerfile']),
    base: undefined,
    context: [
      { from: program, to: 'pause' },
      { from: join(source, 'Dockerfile'), to: 'Dockerfile' },
    ],
  })
}

/** `localhost/plexus-test:1`: iproute2 and busybox (ping, nc, httpd, wget, sh). Its own command waits for ever and ends on SIGTERM. */
export async function testImage(options: ImageOptions): Promise<Image> {
  const source = join(options.place.checkout, 'e2e/images/test')
  const base = await baseImage(options)
  return build(options, {
    reference: 'localhost/plexus-test:1',
    key: await treeHash(source, ['Dockerfile'], [base]),
    base,
    context: [{ from: join(source, 'Dockerfile'), to: 'Dockerfile' }],
  })
}

/** `localhost/plexus:<version>` from the Dockerfile and `dist/` at the root of the checkout; `make build` fills `dist/`. */
export async function productImage(options: ImageOptions, version: string): Promise<Image> {
  const { checkout } = options.place
  for (const needed of ['Dockerfile', 'dist']) {
    if (!existsSync(join(checkout, needed))) throw new ClusterError(`${join(checkout, needed)} is not there; run "make build" first`)
  }
  const base = await baseImage(options)
  return build(options, {
    reference: `localhost/plexus:${version}`,
    key: await treeHash(checkout, ['Dockerfile', 'dist'], [base]),
    base,
    context: ['Dockerfile', 'dist'].map((name) => ({ from: join(checkout, name), to: name })),
  })
}

/** Builds any folder with a Dockerfile; `base` says whether it takes `ARG BASE`. */
export async function folderImage(options: ImageOptions, folder: string, reference: string): Promise<Image> {
  const base = await baseImage(options)
  return build(options, {
    reference,
    key: await treeHash(dirname(folder), [basename(folder)], [base, reference]),
    base,
    context: [{ from: folder, to: '.' }],
  })
}

/** The Debian base in the image store, named by what it is made of; answers its reference. */
async function baseImage(options: ImageOptions): Promise<string> {
  const { place, progress, signal } = options
  const key = await treeHash('/', [], [suite, ...basePackages])
  const reference = `localhost/plexus-base:${key}`
  if ((await attempt([...buildah(place), 'inspect', '--type', 'image', reference], { signal })).code === 0) return reference
  const archive = join(place.cache, 'images', `base-${key}`, 'rootfs.tar')
  await once(archive, async (unfinished) => {
    progress('image localhost/plexus-base: collecting Debian packages ...')
    const without = ['man', 'doc', 'locale', 'info'].map((kind) => `--dpkgopt=path-exclude=/usr/share/${kind}/*`)
    const include = `--include=${basePackages.join(',')}`
    await run(['mmdebstrap', '--variant=essential', '--format=tar', include, ...without, suite, unfinished], {
      deadline: 10 * 60_000,
      signal,
    })
  })
  const container = (await run([...buildah(place), 'from', 'scratch'], { signal })).trim()
  await run([...buildah(place), 'add', container, archive, '/'], { deadline: 5 * 60_000, signal })
  await run([...buildah(place), 'commit', '--rm', container, reference], { deadline: 5 * 60_000, signal })
  await run([...buildah(place), 'tag', reference, 'localhost/plexus-base:1'], { signal })
  return reference
}

interface Build {
  readonly reference: string
  readonly key: string
  readonly base: string | undefined
  /** What the build context holds; nothing else of the checkout is seen or copied. */
  readonly context: readonly { readonly from: string; readonly to: string }[]
}

async function build({ place, progress, signal }: ImageOptions, image: Build): Promise<Image> {
  const { reference } = image
  const tarball = join(place.cache, 'images', `${reference.replace(/^localhost\//, '').replaceAll(/[/:]/g, '-')}-${image.key}`, 'image.tar')
  await once(tarball, async (unfinished) => {
    progress(`image ${reference}: building ...`)
    const context = await mkdtemp(`${dirname(tarball)}.context-`)
    for (const { from, to } of image.context) await cp(from, join(context, to), { recursive: true, verbatimSymlinks: true })
    const base = image.base === undefined ? [] : ['--build-arg', `BASE=${image.base}`]
    const limits = { deadline: 10 * 60_000, signal }
    await run(
      [
        ...buildah(place),
        'bud',
        '--isolation',
        'chroot',
        '--pull-never',
        ...base,
        '--format',
        'docker',
        '-t',
        reference,
        '-f',
        join(context, 'Dockerfile'),
        context,
      ],
      limits,
    )
    await run([...buildah(place), 'push', reference, `docker-archive:${unfinished}:${reference}`], limits)
    await run([...buildah(place), 'rmi', reference], limits) // The tarball is what is used; the store keeps bases only.
    await rm(context, { recursive: true, force: true })
  })
  await forgetUnused(dirname(tarball), image.key)
  return { reference, tarball }
}

/** Removes builds of the same image that nobody asked for within a day: each change of the product leaves one. */
async function forgetUnused(folder: string, key: string): Promise<void> {
  const now = new Date()
  await utimes(folder, now, now)
  const prefix = basename(folder).slice(0, -key.length)
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(prefix) || !/^[0-9a-f]{16}$/.test(name.slice(prefix.length))) continue
    const other = join(dirname(folder), name)
    if (now.getTime() - (await stat(other)).mtimeMs > 24 * 60 * 60 * 1000) await rm(other, { recursive: true, force: true })
  }
}

/** A store of our own: the user's images are neither seen nor touched. */
const buildah = (place: Place): readonly string[] => {
  const store = join(place.cache, 'image-store')
  return ['buildah', '--storage-driver', 'vfs', '--root', join(store, 'root'), '--runroot', join(store, 'run')]
}

/** Makes a file unless it is there; under another name until it is whole. */
async function once(file: string, make: (unfinished: string) => Promise<void>): Promise<void> {
  if (existsSync(file)) return
  await mkdir(dirname(file), { recursive: true })
  const unfinished = `${file}.${process.pid}.new`
  await rm(unfinished, { force: true })
  await make(unfinished)
  await rename(unfinished, file)
}
