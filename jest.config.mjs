const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' }, sourceMaps: 'inline' },
  ],
}
const common = { transform, extensionsToTreatAsEsm: ['.ts'], testEnvironment: 'node', modulePathIgnorePatterns: ['<rootDir>/dist/'] }

/** Two projects: `unit` needs nothing but Node; `cluster` needs root and the cluster of e2e/. */
export default {
  maxWorkers: '100%',
  reporters: [['default', { summaryThreshold: 10_000 }], '<rootDir>/hack/test-summary.mjs'],
  projects: [
    {
      ...common,
      displayName: 'unit',
      roots: ['api', 'kube', 'operator', 'node-agent', 'cni-shim', 'cli', 'hack'].map((folder) => `<rootDir>/${folder}`),
      testMatch: ['**/*.test.ts'],
    },
    {
      ...common,
      displayName: 'cluster',
      roots: ['<rootDir>/e2e'],
      testMatch: ['**/*.test.ts'],
    },
  ],
}
