# Needs only Python 3.11 or newer and make. `make help` lists the targets.
PYTHON ?= python3
PORT ?= 8000
# These targets use the embedded server whatever DATABASE_URL a .env for Docker names; one given to make itself counts.
export DATABASE_URL ?=
DEMO_SERVE ?= 1
WORKERS ?= 2
VENV := .venv
RUN := $(VENV)/bin/python
MANAGE := $(RUN) manage.py
PIP := $(RUN) -m pip install --disable-pip-version-check --no-input -q --constraint constraints.txt
.SHELLFLAGS := -euc
.DEFAULT_GOAL := help
.PHONY: help demo setup setup-dev migrate test test-pg15 check bench screenshots stop

help: ## list the targets
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf 'make %-13s%s\n' "$$name" "$$what"; done

demo: $(VENV)/.installed ## everything, then the demo agency on http://127.0.0.1:8000/ (PORT=8123, DEMO_SERVE=0)
	@if [ "$(DEMO_SERVE)" != 0 ] && ! $(RUN) -c 'import socket; socket.create_server(("127.0.0.1", $(PORT)))' 2>/dev/null; then \
		echo "Port $(PORT) is taken, or not a port. Serve elsewhere: PORT=8123 make demo" >&2; exit 1; fi
	@$(MANAGE) migrate --no-input --verbosity 0
	@$(MANAGE) load_demo --daily
	@echo
	@$(MANAGE) load_demo --logins
	@echo
	@if [ "$(DEMO_SERVE)" = 0 ]; then echo "DEMO_SERVE=0: not serving. PostgreSQL stays up until make stop."; else \
		echo "http://127.0.0.1:$(PORT)/   Ctrl-C ends the web server; PostgreSQL stays up until make stop."; \
		CCD_WITH_WORKER=1 exec $(RUN) -m gunicorn --config python:ccd.gunicorn --bind 127.0.0.1:$(PORT) ccd.wsgi </dev/null; fi

setup: $(VENV)/.installed-dev ## .venv with what the product, its tests and its checks need

setup-dev: $(VENV)/.installed-dev

migrate: $(VENV)/.installed ## start the database and bring its tables up to date
	@$(MANAGE) migrate --no-input

# What is marked quick is asked by the thorough tests, too.
test: setup-dev ## the whole suite
	@command -v chromium >/dev/null || echo "skipped: no chromium (browser tests; on Debian: apt-get install chromium)"
	@$(RUN) -m pytest -n $(WORKERS) --dist worksteal -rs -m "not quick" $(ARGS)

# The whole rights matrix is asked once, by `make test`: what pages answer hangs on Python. Here a part of it is, and all
# that asks the database itself. What asks no database, or brings its own server, has been asked by `make test` as well
# (`anywhere`). ARGS='-m ""' asks everything.
test-pg15: setup-dev ## the same suite on a private PostgreSQL 15, where its binaries are, but for what PostgreSQL has no part in
	@$(RUN) -m tests.cluster $(RUN) -m pytest -n $(WORKERS) --dist worksteal -rs -m "not thorough and not anywhere" $(ARGS)

check: setup-dev ## format, lint, layers, deployment check, missing migrations
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m pytest tests/test_layers.py tests/test_requirements.py
	@DEBUG=0 DJANGO_SECRET_KEY=$$($(RUN) -c 'import secrets; print(secrets.token_urlsafe(50))') \
		$(MANAGE) check --deploy --fail-level WARNING
	@$(MANAGE) makemigrations --check --dry-run

bench: setup-dev ## the benchmarks
	@found=0; for script in benchmarks/[!_]*.py; do [ -e "$$script" ] || continue; found=1; echo "== $$script"; $(RUN) "$$script"; done; \
		[ $$found = 1 ] || echo "No benchmarks yet."

screenshots: setup-dev ## docs/images/*.png of the demo agency
	@$(RUN) docs/screenshots.py

stop: ## stop the embedded PostgreSQL
	@if [ -x $(RUN) ]; then $(RUN) -m ccd.postgres; else echo "Nothing to stop: there is no $(VENV)."; fi

$(RUN):
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed, and there is no $(PYTHON)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.11 …" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.installed: requirements.txt constraints.txt | $(RUN)
	@echo "Installing what requirements.txt names"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing what requirements-dev.txt names"
	@$(PIP) -r requirements-dev.txt
	@touch $@
