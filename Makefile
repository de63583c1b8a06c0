# make            this list of targets
# make run        the whole pipeline on this machine, with sample messages
# Parameters: PYTHON, VENV, DATA, JOBS, UP_OPTIONS, TEST_OPTIONS, BENCH_OPTIONS, for example
#     make test JOBS=4 TEST_OPTIONS='-k parser'

VENV ?= .venv
BIN := $(VENV)/bin
# More workers than cores, as most tests wait for servers.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 3 / 2)
DATA ?=
UP_OPTIONS ?=
TEST_OPTIONS ?=
BENCH_OPTIONS ?=

RECENT := import sys; sys.exit(sys.version_info < (3, 11))
# The first Python on the path that is 3.11 or later.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$name -c '$(RECENT)' 2> /dev/null; then echo $$name; break; fi; done)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-quick check format bench bench-fetch bench-handler bench-parser bench-sender clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.embedded ## Start everything here and send sample messages through; Ctrl-C stops it
	@$(BIN)/postrail up --demo $(if $(DATA),--data '$(DATA)') $(UP_OPTIONS)

test: $(VENV)/.dev ## All tests; as root, installs Dovecot, Postfix and an OAuth2 provider first
	@sh scripts/install-test-parts.sh
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(TEST_OPTIONS)

test-quick: $(VENV)/.dev ## The tests that need wheels and jars only
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m 'not debian' $(TEST_OPTIONS)

check: $(VENV)/.dev ## Style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.dev ## Format the sources
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev ## Messages per second, and the CPU time of each process per message
	@sh scripts/install-test-parts.sh
	@$(BIN)/python bench/pipeline.py $(BENCH_OPTIONS)

bench-fetch: $(VENV)/.dev ## A thousand mailboxes; one full mailbox beside other readers
	@$(BIN)/python bench/fetch.py $(BENCH_OPTIONS)

bench-handler: $(VENV)/.dev ## The handler with rules, limits and contexts, at 1,000 and 1,000,000 issues
	@$(BIN)/python bench/handler.py $(BENCH_OPTIONS)

bench-parser: $(VENV)/.dev ## The parser beside others, and on hostile messages
	@$(BIN)/python bench/parser.py $(BENCH_OPTIONS)
	@$(BIN)/python -m bench.hostile

bench-sender: $(VENV)/.dev ## The sender beside Postfix's smtp-source and aiosmtplib alone
	@sh scripts/install-test-parts.sh
	@$(BIN)/python bench/sender.py $(BENCH_OPTIONS)

clean: ## Remove what make built here, and keep the data
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp file marks an installation; a change of pyproject.toml renews it.
$(VENV)/.embedded: pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --disable-pip-version-check -e '.[embedded]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --disable-pip-version-check -e '.[embedded,dev]'
	@touch $@ $(VENV)/.embedded

$(VENV)/bin/pip:
	@if [ -z "$(PYTHON)" ] || ! $(PYTHON) -c '$(RECENT)'; then \
		echo "Postrail needs Python 3.11 or later. Install it, or name it: make PYTHON=/path/to/python"; \
		exit 1; \
	fi
	@if ! $(PYTHON) -c 'import venv, ensurepip' 2> /dev/null; then \
		echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt install python3-venv"; \
		exit 1; \
	fi
	$(PYTHON) -m venv $(VENV)
