# Entry points for users and contributors; `make help` lists them. Everything else lives behind these targets.
SHELL := /bin/bash
NPM := npm --no-fund --no-audit

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

node_modules/.package-lock.json: package.json package-lock.json
	$(NPM) ci --ignore-scripts
	@touch $@

.PHONY: deps
deps: node_modules/.package-lock.json ## Install the pinned npm packages

.PHONY: test-unit
test-unit: deps ## Run the tests that need nothing but Node
	$(NPM) test -- --selectProjects unit
