# Every command makes what it needs: the environment in .venv comes from the requirements files.

PYTHON ?= python3
PORT ?= 8765
BASE ?= .anki
OLDEST ?= python3.9
ANKI ?= 24.11
SECONDS ?= 600

VENV := .venv
BIN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help run serve test test-oldest test-with lint fix docs pictures bench fuzz build clean
.DEFAULT_GOAL := help

help:
	@echo 'make run      start a real Anki with the add-on (PORT=$(PORT) BASE=$(BASE))'
	@echo 'make serve    serve $(BASE)/collection.anki2 without Anki'"'"'s window (PORT=$(PORT))'
	@echo 'make test     run all tests'
	@echo 'make test-oldest    run them on Anki 23.10 (OLDEST=$(OLDEST))'
	@echo 'make test-with      run them on another Anki (ANKI=$(ANKI))'
	@echo 'make lint     check style and types'
	@echo 'make fix      mend style where that can be done automatically'
	@echo 'make docs     write the files that follow from the declarations'
	@echo 'make pictures take the pictures of Anki'"'"'s windows for docs/'
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
	@$(BIN)/python -m tools.system desktop || true
	@$(BIN)/python -m tools.system clock || true
	@$(BIN)/python -m pytest $(ARGS)

test-oldest:
	@test -x .venv-oldest/bin/python || $(OLDEST) -m venv .venv-oldest
	@.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-oldest.txt
	@.venv-oldest/bin/python -m tools.system qt
	@.venv-oldest/bin/python -m pytest $(ARGS)

test-with: .venv-$(ANKI)/ready
	@.venv-$(ANKI)/bin/python -m tools.system qt
	@.venv-$(ANKI)/bin/python -m tools.system desktop || true
	@.venv-$(ANKI)/bin/python -m pytest $(ARGS)

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

pictures: $(VENV)/dev
	@$(BIN)/python -m tools.system desktop
	@$(BIN)/python -m tools.pictures

bench: $(VENV)/dev
	@$(BIN)/python -m tools.system qt
	@$(BIN)/python -m tools.bench $(ARGS)

fuzz: $(VENV)/dev
	@$(BIN)/python -m tools.fuzz --seconds $(SECONDS) $(ARGS)

build:
	@$(PYTHON) -m tools.build

clean:
	rm -rf $(VENV) .venv-* dist tests/clients/node_modules

.venv-$(ANKI)/ready: requirements.txt requirements-dev.txt
	@test -x .venv-$(ANKI)/bin/python || $(PYTHON) -m venv .venv-$(ANKI)
	@.venv-$(ANKI)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@.venv-$(ANKI)/bin/python -m pip install --quiet --disable-pip-version-check anki==$(ANKI) aqt==$(ANKI)
	@touch $@

$(VENV)/run: requirements.txt
	@echo 'making the environment in $(VENV), once'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
