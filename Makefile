# The commands of this project. Nothing but make, a shell and a way to a Node (npm or curl) has to be there beforehand.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help up down check test bench golden generate

# Found or installed once per call, and only by targets that need it.
NODE = $(eval NODE := $(shell sh tools/bootstrap.sh))$(if $(NODE),$(NODE),$(error no Node))
# Programs of node_modules run under the same Node.
RUN = PATH="$(dir $(NODE)):$(CURDIR)/node_modules/.bin:$$PATH"

help:
	@echo "make up      the guide's default training on a virtual cluster, from a bare machine"
	@echo "make down    remove the virtual cluster"
	@echo "make check   format, lint, types, unit tests, goldens"
	@echo "make test    everything a change must pass: check, then end to end"
	@echo "make bench   the speed figures"
	@echo "make golden  renew stacks/expected after an intended change"

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

up: node_modules/.package-lock.json
	@$(NODE) tools/make-up.ts up

down: node_modules/.package-lock.json
	@$(NODE) tools/make-up.ts down

check: node_modules/.package-lock.json
	@$(RUN) sh tools/check.sh

test: node_modules/.package-lock.json
	@$(RUN) sh tools/test.sh

bench: node_modules/.package-lock.json
	@$(RUN) node tools/benchmark.ts

golden: node_modules/.package-lock.json
	@$(RUN) UPDATE_GOLDEN=1 vitest run --project unit tests/golden.test.ts

generate: node_modules/.package-lock.json
	@$(RUN) node src/cli/generate.ts
