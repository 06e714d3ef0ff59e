# The commands that people and CI share. `make help` lists them.
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup test lint format lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: $(STAMP) ## Debian packages and the virtual environment

$(STAMP): pyproject.toml requirements.lock scripts/setup
	scripts/setup
	@touch $(STAMP)

test: setup ## the whole test suite
	$(PY) -m pytest

lint: setup ## formatting, rules, types, layers, shell
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: setup ## rewrite the code as the formatter wants it
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

lock: ## resolve the dependencies anew into requirements.lock
	$(PY) -m pip install -q uv
	$(VENV)/bin/uv pip compile pyproject.toml --all-extras --universal --generate-hashes \
	  --python-version 3.11 --quiet --custom-compile-command "make lock" --upgrade -o requirements.lock

clean: ## remove what setup and the tests made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
