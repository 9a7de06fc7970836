// Decides which folder may import which (docs/architecture.md). A rule that matches nothing would be worthless, so hack/verify.ts asks for a minimum of modules.
const TESTS = String.raw`(\.(test|fake|contract)\.ts$|/testing/|/testdata/)`

/** One rule of severity error; `from` never holds tests, which may use anything. */
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from: { pathNot: TESTS, ...from }, to })

export default {
  forbidden: [
    forbid(
      'api-is-pure',
      'api/ has no I/O: it may import itself and zod only',
      { path: '^api/' },
      { pathNot: '^(api/|node_modules/zod/)' },
    ),
    forbid(
      'kube-knows-no-plexus',
      'kube/ could serve any operator: it may import itself and packages only',
      { path: '^kube/' },
      { path: '^(api|operator|node-agent|cni-shim|cli|e2e|hack)/' },
    ),
    forbid('operator-alone', 'the operator never touches a node', { path: '^operator/' }, { path: '^(node-agent|cni-shim|cli|e2e|hack)/' }),
    forbid('agent-alone', 'the agent works without the operator', { path: '^node-agent/' }, { path: '^(operator|cni-shim|cli|e2e|hack)/' }),
    forbid(
      'cli-alone',
      'the command line reads the API, and explains with the pure code that decides in operator and agent',
      { path: '^cli/' },
      {
        path: '^(operator|node-agent|cni-shim|e2e|hack)/',
        pathNot:
          '^(operator/controllers/(networks/plan-network|profiles/(check|choose)-profile)|node-agent/attach/(plan-attachments|requested-networks?))[.]ts$',
      },
    ),
    forbid(
      'shim-on-api-only',
      'the shim runs in QuickJS: no Node, no packages',
      { path: '^cni-shim/', pathNot: `${TESTS}|^cni-shim/(build|node)/` },
      { pathNot: '^((cni-shim|api)/|(quickjs-std|quickjs-os|usock)$)', dependencyTypesNot: ['type-only'] },
    ),
    {
      ...forbid(
        'shim-without-zod',
        'zod would cost the shim 3 ms per call',
        { path: '^cni-shim/main\\.ts$' },
        { path: '^node_modules/zod/', reachable: true },
      ),
    },
    forbid(
      'agent-without-client-node',
      'client-node costs 50 MB per node',
      { path: '^node-agent/main\\.ts$' },
      {
        path: '^node_modules/@kubernetes/client-node/',
        reachable: true,
      },
    ),
    forbid('no-tests-in-products', 'products import no tests, fakes or contracts', { pathNot: `${TESTS}|^e2e/` }, { path: TESTS }),
    forbid(
      'only-runtime-packages',
      'products import packages of "dependencies" only',
      { path: '^(api|kube|operator|node-agent|cli)/' },
      {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'undetermined'],
      },
    ),
    { name: 'no-cycles', comment: 'what imports each other is one file', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      comment: 'every import leads somewhere',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(quickjs-std|quickjs-os|usock)$' },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: '^node_modules/' },
    exclude: { path: '^(dist|coverage)/' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'default'],
    },
  },
}
