.DEFAULT_GOAL := help
SCENARIO ?= upgrade-smoke
ARGS ?=
# Compiled, as users have it: each run starts it twice.
COALMINE := dist/cli/main.js
SOURCES := $(shell find harness -type f) scripts/build.js

NIGHTLY := upgrade-smoke upgrade-rollback freeze-kind endpoint-churn kubelet-canary kernel-matrix freeze-vm freeze-long reboot-vm
# Each has versions that must fail and versions that must pass.
INCIDENTS := irq-drift irq-readonly irq-reattach irq-reattach-control irq-mitigated ipvs-drain-reuse ipvs-resync ipvs-estimator ipvs-estimator-off

.PHONY: help setup check fix test test-integration scenario nightly bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-18s %s\n", $$1, $$2}'

node_modules: package-lock.json
	npm ci --ignore-scripts && touch node_modules

$(COALMINE): $(SOURCES) node_modules
	npm run --silent build

setup: $(COALMINE) ## get everything ready ahead: packages, components, images
	$(COALMINE) setup --tests $(ARGS)

check: node_modules ## what CI runs first: types, lint, format, dead code, unit tests
	npm run --silent typecheck && npm run --silent lint && npm run --silent format && npm run --silent knip && npm run --silent test:unit

fix: node_modules ## the other half of check: formats and applies lint fixes
	npx prettier --write . && npx eslint --fix .

test: node_modules ## all tests, those with a real engine and cluster included
	npm test

test-integration: node_modules ## only the tests with a real engine and cluster
	npm run --silent test:integration

scenario: $(COALMINE) ## run one scenario: make scenario SCENARIO=upgrade-smoke ARGS='--set upgradeTo.kube-proxy=1.34.4'
	$(COALMINE) run $(SCENARIO) $(ARGS)

nightly: $(COALMINE) ## what must pass, then the incidents, bad and good; stops at the first that does not come out so
	for scenario in $(NIGHTLY); do $(COALMINE) run $$scenario $(ARGS) || exit; done
	for scenario in $(INCIDENTS); do $(COALMINE) run $$scenario --known $(ARGS) || exit; done

bench: node_modules ## the ratios that we promise, each measured in one run
	node --import tsx test/bench/main.ts $(ARGS)

clean: $(COALMINE) ## remove what dead runs left behind
	$(COALMINE) clean $(ARGS)
