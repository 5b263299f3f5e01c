# Every command makes what it needs: the environment in .venv comes from the requirements files.

PYTHON ?= python3
PORT ?= 8765
BASE ?= .anki
OLDEST ?= python3.9
SECONDS ?= 600

VENV := .venv
BIN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help run serve test test-oldest lint fix docs bench fuzz build clean
.DEFAULT_GOAL := help

help:
	@echo 'make run      start a real Anki with the add-on (PORT=$(PORT) BASE=$(BASE))'
	@echo 'make serve    serve $(BASE)/collection.anki2 without Anki'"'"'s window (PORT=$(PORT))'
	@echo 'make test     run all tests'
	@echo 'make test-oldest    run them on Anki 23.10 (OLDEST=$(OLDEST))'
	@echo 'make lint     check style and types'
	@echo 'make fix      mend style where that can be done automatically'
	@echo 'make docs     write the files that follow from the declarations'
	@echo 'make fuzz     send hostile input for SECONDS=$(SECONDS), and report what was tried'
	@echo 'make bench    measure the API in a real Anki, for docs/performance.md'
	@echo 'make build    write dist/ankiconnect.ankiaddon'

run: $(VENV)/run
	@$(BIN)/python -m tools.system qt
	@$(BIN)/python -m tools.launch --base '$(BASE)' --port $(PORT)

serve: $(VENV)/run
	@mkdir -p '$(BASE)'
	@$(BIN)/python -m addon --collection '$(BASE)/collection.anki2' --port $(PORT)

test: $(VENV)/dev
	@$(BIN)/python -m tools.system qt
	@$(BIN)/python -m tools.system chromium || true
	@$(BIN)/python -m tools.system node || true
	@$(BIN)/python -m pytest $(ARGS)

test-oldest:
	@test -x .venv-oldest/bin/python || $(OLDEST) -m venv .venv-oldest
	@.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-oldest.txt
	@.venv-oldest/bin/python -m tools.system qt
	@.venv-oldest/bin/python -m pytest $(ARGS)

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/dev
	@$(BIN)/python -m tools.system qt
	$(BIN)/python -m tools.docs

bench: $(VENV)/dev
	@$(BIN)/python -m tools.system qt
	@$(BIN)/python -m tools.bench $(ARGS)

fuzz: $(VENV)/dev
	@$(BIN)/python -m tools.fuzz --seconds $(SECONDS) $(ARGS)

build:
	@$(PYTHON) -m tools.build

clean:
	rm -rf $(VENV) .venv-oldest dist tests/clients/node_modules

$(VENV)/run: requirements.txt
	@echo 'making the environment in $(VENV), once'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
