import { openSharedSync } from './shared-sync.ts'

interface Running {
  readonly key: string
  end(): void
  fail(): void
}

function world() {
  const begun: Running[] = []
  const sync = openSharedSync(
    (key) =>
      new Promise((resolve, reject) => {
        begun.push({ key, end: resolve, fail: () => reject(new Error('EIO')) })
      }),
  )
  return { begun, sync }
}

it('one that comes while a sync runs is not content with it: its change may be too late for it', async () => {
  const { begun, sync } = world()
  const first = sync('a')
  const second = sync('a')
  const third = sync('a')
  expect(begun).toHaveLength(1)
  begun[0]?.end()
  await first
  await Promise.resolve()
  expect(begun).toHaveLength(2)
  begun[1]?.end()
  await Promise.all([second, third])
  expect(begun).toHaveLength(2)
})

it('everybody hears of a failure of his own sync, and only of that', async () => {
  const { begun, sync } = world()
  const first = sync('a')
  const others = [sync('a'), sync('a')]
  begun[0]?.fail()
  await expect(first).rejects.toThrow('EIO')
  begun[1]?.end()
  await expect(Promise.all(others)).resolves.toEqual([undefined, undefined])
})

it('directories do not wait for each other, and one that is quiet begins at once', async () => {
  const { begun, sync } = world()
  const all = [sync('a'), sync('b')]
  expect(begun.map(({ key }) => key)).toEqual(['a', 'b'])
  for (const one of begun) one.end()
  await Promise.all(all)
  const again = sync('a')
  expect(begun).toHaveLength(3)
  begun[2]?.end()
  await again
})
