# Pillio: everything a person types. `make` alone lists it.
# Needs make and Python 3.11 or newer; nothing else is installed outside .venv.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
CANDIDATES := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)
JOBS ?= 2

# A .venv whose Python has gone (an upgrade, a moved checkout) is made again.
ALIVE := $(shell $(BIN)/python -c 'import pip, sys; print(sys.version_info >= (3, 11))' 2>/dev/null)
ifneq ($(ALIVE),True)
$(VENV)/.made: FORCE
endif

.PHONY: help up demo test faults check clean FORCE

help: ## List what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# `exec`, so that make's child is Pillio itself: Ctrl-C and SIGTERM reach it, and make waits until all has stopped.
# The tether stops it in order even when make is killed outright.
up: $(VENV)/.installed ## Start everything in the foreground; Ctrl-C stops it
	@exec $(BIN)/python -I -S ops/tether.py TERM -- $(BIN)/pillio up

demo: $(VENV)/.installed ## Play a dose's life with a made-up person
	@exec $(BIN)/pillio demo

test: check ## Everything CI runs: lint, types, contracts, tests
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadscope --ignore tests/faults $(PYTEST_ARGS)

faults: $(VENV)/.installed-dev ## Break things for real: kill, freeze, cut off, and see that nothing is lost
	@$(BIN)/python -m pytest tests/faults $(PYTEST_ARGS)

check: $(VENV)/.installed-dev ## Lint, format, types and import contracts
	@echo "ruff";         $(BIN)/ruff check .
	@echo "ruff format";  $(BIN)/ruff format --check .
	@echo "mypy";         $(BIN)/mypy
	@echo "import-linter"; $(BIN)/lint-imports

clean: ## Remove .venv and caches; ./var, your data, stays
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

$(VENV)/.made:
	@[ "$(ALIVE)" = True ] && exit 0; \
	python=; for each in $(CANDIDATES); do \
	    if "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$each; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Pillio needs Python 3.11 or newer and found none as: $(CANDIDATES). Install it, or name it with PYTHON=." >&2; \
	    exit 1; \
	fi; \
	if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
	    echo "This Python ($$python) has no venv module: install it (on Debian and Ubuntu: apt install python3-venv)." >&2; \
	    exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: requirements.lock pyproject.toml $(VENV)/.made
	@echo "Installing what requirements.lock names (a minute or so, the first time)"
	$(call install,requirements.lock)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock requirements.lock pyproject.toml $(VENV)/.made
	@echo "Installing what requirements-dev.lock names (a minute or so, the first time)"
	$(call install,requirements-dev.lock)
	@touch $(VENV)/.installed $@

# Compiled here on all cores: pip would do it on one, and the first start would otherwise pay for it.
define install
@$(PIP) install --require-hashes --no-compile -r $(1)
@$(PIP) install --quiet --no-deps --no-build-isolation --no-compile --editable .
@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
endef
