# Tallylight: `make run` starts the product, `make test` proves it. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
export npm_config_omit_lockfile_registry_resolved := true

TOOLS := .tools
VENV := .venv
PY := $(VENV)/bin/python
UV := $(TOOLS)/bin/uv
UI := web/ui
UI_SOURCES := $(shell find $(UI) -type f -not -path '*/node_modules/*' -not -name .built 2>/dev/null)
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links

.PHONY: help run serve test demo bench ui doctor format generate lock clean setup setup-dev

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

run: setup $(UI)/.built ## set everything up and start Tallylight in the foreground (Ctrl-C stops it)
	@bash .ci/srt --wanted
	@exec $(VENV)/bin/tally serve

test: setup-dev $(UI)/.built ## set everything up and run every check
	@exec bash .ci/steps

demo: setup ## publish a moving test picture with a clock and a tone to the demo channel
	@exec $(VENV)/bin/tally demo

bench: setup-dev $(UI)/.built ## print the benchmark tables
	@bash .ci/chromium
	@bash .ci/edges
	@bash .ci/srt
	@exec $(PY) -m tests.bench

doctor: setup ## check this machine and print every setting with its source
	@exec $(VENV)/bin/tally doctor

ui: $(UI)/.built ## build the web pages into web/static

format: setup-dev ## put the code into its one format
	@$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

generate: setup-dev $(UI)/node_modules/.installed ## write the files that are made from the code
	@bash .ci/generate

lock: $(TOOLS)/.installed ## resolve every dependency anew and lock it with hashes
	@$(COMPILE) pyproject.toml -o requirements.lock
	@$(COMPILE) --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@for name in tools build node; do $(COMPILE) requirements-$$name.in -o requirements-$$name.lock; done

clean: ## remove what was built and installed (data/ stays)
	@rm -rf $(TOOLS) $(VENV) web/static $(UI)/node_modules $(UI)/.built

# --- set-up: each step leaves a stamp, so that a second run does nothing and needs no network ----------------

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev

$(TOOLS)/.installed: requirements-tools.lock
	@python=$$(bash .ci/python) && echo "setting up with $$($$python --version)" && $$python -m venv --clear $(TOOLS)
	@$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tools.lock
	@touch $@

$(VENV)/.installed: $(TOOLS)/.installed requirements.lock requirements-build.lock pyproject.toml
	@test -x $(PY) || $$(bash .ci/python) -m venv $(VENV)
	@$(UV) pip install --quiet --python $(PY) --require-hashes -r requirements.lock -r requirements-build.lock
	@$(UV) pip install --quiet --python $(PY) --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@$(UV) pip install --quiet --python $(PY) --require-hashes -r requirements-dev.lock
	@touch $@

$(UI)/node_modules/.installed: $(UI)/package-lock.json $(UI)/package.json $(TOOLS)/.installed
	@node=$$(bash .ci/node) && cd $(UI) && PATH="$$node:$$PATH" npm ci --silent --no-audit --no-fund
	@touch $@

$(UI)/.built: $(UI)/node_modules/.installed $(UI_SOURCES)
	@node=$$(bash .ci/node) && cd $(UI) && PATH="$$node:$$PATH" npm run --silent build
	@touch $@
