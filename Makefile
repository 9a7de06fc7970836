# Entry points for users and contributors; `make help` lists them. Everything else lives behind these targets.
SHELL := /bin/bash
NPM := npm --no-fund --no-audit
NODE := node_modules/.bin/node
# Tools that are started by name run under the pinned Node too.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js (any version; Debian: apt-get install npm)"; exit 1; }
	@echo "installing the pinned npm packages"
	@# Some mirrors lack optional packages of other platforms, so the lock does too and `ci` refuses it; `install` keeps to the same pins.
	@$(NPM) ci --ignore-scripts --loglevel=silent || $(NPM) install --no-save --ignore-scripts --loglevel=error
	@touch $@

.PHONY: deps
deps: node_modules/.installed ## Install the pinned npm packages

.PHONY: demo
demo: deps ## Start a two-node Kubernetes, install Plexus, let two pods talk over their second interface
	@$(NODE) e2e/demo/main.ts up

.PHONY: demo-down
demo-down: deps ## Stop everything that `make demo` started
	@$(NODE) e2e/demo/main.ts down

.PHONY: test
test: deps ## Run every test: verify, unit, build, cluster
	@$(NODE) hack/test.ts

.PHONY: test-unit
test-unit: deps ## Run the tests that need nothing but Node
	@$(NPM) run --silent test -- --selectProjects unit

.PHONY: verify
verify: deps ## Check types, lint, format, boundaries, dead exports and generated files
	@$(NODE) hack/verify.ts

.PHONY: generate
generate: deps ## Write generated files anew: CRDs, chart README
	@$(NODE) hack/generate.ts

.PHONY: build
build: deps ## Build dist/: bundles, shim, reference plugins
	@$(NODE) hack/build.ts

.PHONY: bench
bench: build ## Measure ADD, DEL and memory against the floor; prints a table and writes JSON
	@$(NODE) e2e/bench/main.ts
