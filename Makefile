# Everything a fresh machine needs is python3.11, make and the package index.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: help setup run test lint dagster lock clean

help:
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## create .venv from the lock

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

lock: $(STAMP) ## resolve all groups together, then write one lock per use
	@mkdir -p build
	$(BIN)/uv pip compile pyproject.toml --all-extras $(LOCK_FLAGS) --output-file build/all.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev $(LOCK_FLAGS) --constraint build/all.lock --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra spark $(LOCK_FLAGS) --constraint build/all.lock --output-file requirements-spark.lock
	$(BIN)/uv pip compile pyproject.toml --extra dashboard $(LOCK_FLAGS) --constraint build/all.lock --output-file requirements-dashboard.lock

LOCK_FLAGS := --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
	--no-annotate --custom-compile-command "make lock"
