# The verbs of the house. `make help` lists them.
PORT ?= 8000
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do if $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; then echo $$p; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
export PORT

.PHONY: help setup run link test chromium lint bench clean

help: ## list the verbs
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/:/' | column -t -s:

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "EdgePortal needs Python 3.11 or 3.12 with its venv module (Debian, Ubuntu: apt install python3-venv); found: $$(python3 --version 2>&1)"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: requirements.txt $(VENV)/.python
	@echo "Installing what EdgePortal needs into $(VENV) (once, some minutes) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.installed ## make .venv and install the pinned requirements

run: $(VENV)/.installed ## start the portal and print one link (PORT=8000; LAN=1 opens it to the local network, by HTTPS)
	@$(BIN)/python -m edgeportal run

link: $(VENV)/.installed ## print another sign-in link to the running portal
	@$(BIN)/python -m edgeportal link

test: $(VENV)/.installed-dev chromium ## lint, then all tests with real servers and a real browser
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m tests

chromium: # the browser of the tests: the PATH's, else Debian's as root, else one line
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 \
	  || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && { apt-get install -y -qq chromium >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq chromium >/dev/null; }; }; } \
	  || { echo "The browser tests need Chromium; install it: apt install chromium"; exit 1; }

lint: $(VENV)/.installed-dev ## ruff, mypy, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/mypy apps edgeportal worker
	@$(BIN)/lint-imports

bench: $(VENV)/.installed-dev ## run the measurements of docs/results.md
	@$(BIN)/python -m bench

clean: ## remove .venv and caches; keeps var/, where your data is
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
