import { buildArguments, buildEnvironment, buildKey, components } from './components.ts'

const inputs = { goVersion: 'go1.26.8', moduleFiles: ['module a', 'sum'] }

describe('buildKey', () => {
  it.each(components.map((component) => [component.name, component] as const))('of %s changes with each of its inputs', (_, component) => {
    const key = buildKey(component, inputs)
    const others = [
      buildKey(component, { ...inputs, goVersion: 'go1.27.0' }),
      buildKey(component, { ...inputs, moduleFiles: ['module b', 'sum'] }),
      buildKey(component, { ...inputs, moduleFiles: ['module a', 'sum2'] }),
      buildKey({ ...component, tags: ['x'] }, inputs),
      buildKey({ ...component, linkerFlags: ['-X a=b'] }, inputs),
      buildKey({ ...component, cgo: !component.cgo }, inputs),
    ]
    expect(new Set([key, ...others]).size).toBe(7)
    expect(buildKey(component, inputs)).toBe(key)
  })
})

describe('the Go command', () => {
  it('gives Kubernetes a version and sees none of the user settings that change a build', () => {
    const [kubernetes] = components
    if (kubernetes === undefined) throw new Error('no components')
    expect(buildArguments(kubernetes, '/out').join(' ')).toContain('gitVersion=v1.36.')
    expect(buildEnvironment(kubernetes, { GOFLAGS: '-mod=vendor', GOPROXY: 'p' })).toMatchObject({
      GOFLAGS: '-mod=readonly',
      GOPROXY: 'p',
      CGO_ENABLED: '0',
    })
  })
})
