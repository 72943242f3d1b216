# Two commands for a new user: `make demo`, `make test`.  Both install what they need.
SHELL := /bin/bash
PYTHON ?= $(firstword $(wildcard /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11) python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check format lint types imports bench chaos vm protos clean setup

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml requirements.lock scripts/setup
	scripts/setup $(PYTHON) $(VENV)
	touch $@

demo: setup
	scripts/demo

test: setup
	$(BIN)/python -m pytest tests/unit tests/system tests/interop -q

check: setup format lint types imports test

format: setup
	$(BIN)/ruff format --check .

lint: setup
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy src

imports: setup
	$(BIN)/lint-imports

chaos: setup
	$(BIN)/python -m pytest tests/chaos -q

vm: setup
	tests/vm/run $(BIN)/python -m pytest tests/system/test_runtime_cgroups.py tests/system/test_runtime_lifecycle.py -q -p no:cacheprovider

bench: setup
	$(BIN)/python -m bench

protos: setup
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/protos

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache dist build
