# Everything a fresh machine needs is python3.11, make and the package index.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CX_RAW_ROOT ?= data/raw

# No part of the system reports to anybody.
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false

.PHONY: help setup run test faults benchmark lint dagster docs lock clean

help: ## list what can be made
	@sed -n -E 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(STAMP) ## create .venv from the lock

$(STAMP): requirements.lock pyproject.toml
	@echo "Installing the locked requirements into $(VENV) (a few minutes the first time)"
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

run: $(STAMP) ## sample data where there is none, then the main job
	@$(BIN)/cx sample --out "$(CX_RAW_ROOT)" --if-empty
	@$(BIN)/cx run

test: $(STAMP) lint ## every test, fast ones first
	@# Each group keeps one core busy, so two go side by side; what one of them has run, the others read.
	@runs=$$(mktemp -d) && trap 'chmod -R u+w "$$runs"; rm -rf "$$runs"' EXIT && \
	CX_TEST_RUNS="$$runs" $(MAKE) --no-print-directory --jobs 2 --output-sync=target $(TEST_GROUPS)

# What costs most comes first, so that both cores end together. A new file of tests is in the last group.
TEST_GROUPS := test-end-to-end test-unit test-on-sample test-random test-incremental test-faults test-servicenow test-others
ON_SAMPLE := $(addprefix tests/integration/test_,dispositions.py gate_on_sample.py nearest_change.py truth_recovery.py)
END_TO_END := $(addprefix tests/integration/test_,end_to_end.py closing.py reference_on_sample.py)
RANDOM := tests/integration/test_random_warehouses.py
INCREMENTAL := $(addprefix tests/integration/test_incremental_,rows.py marts.py)
NAMED_TESTS := $(ON_SAMPLE) $(END_TO_END) $(RANDOM) $(INCREMENTAL) tests/integration/test_servicenow.py

.PHONY: $(TEST_GROUPS)

test-unit: $(STAMP)
	$(BIN)/python -m pytest tests/unit

test-end-to-end: $(STAMP)
	$(BIN)/python -m pytest $(END_TO_END)

test-on-sample: $(STAMP)
	$(BIN)/python -m pytest $(ON_SAMPLE)

test-random: $(STAMP)
	$(BIN)/python -m pytest $(RANDOM)

test-incremental: $(STAMP)
	$(BIN)/python -m pytest $(INCREMENTAL)

test-faults: $(STAMP)
	$(BIN)/python -m pytest tests/faults

test-servicenow: $(STAMP)
	$(BIN)/python -m pytest tests/integration/test_servicenow.py

test-others: $(STAMP)
	$(BIN)/python -m pytest tests/integration $(addprefix --ignore=,$(NAMED_TESTS))

faults: $(STAMP) ## what no change may break: every fault as it happens; prints what was tried
	@counts=$$(mktemp) && trap 'rm -f "$$counts"' EXIT && \
	CX_FAULT_COUNTS="$$counts" CX_FAULT_SEQUENCES=200 $(BIN)/python -m pytest -m "" \
		tests/faults $(INCREMENTAL) $(END_TO_END) && \
	$(BIN)/python -m tests.faults.counted "$$counts"

benchmark: $(STAMP) ## what one more day costs beside a full build, after 3, 6 and 12 months
	$(BIN)/python -m tests.benchmarks.one_day

lint: $(STAMP) ## style of Python and SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar dbt_project/models dbt_project/tests

dagster: $(STAMP) ## the Dagster UI with every asset, job and schedule
	@$(BIN)/cx dagster

docs: $(STAMP) ## write the pages that are made from the project itself
	$(BIN)/python -m orchestration.lib.contract_document > docs/raw-contract.md
	$(BIN)/python -m orchestration.lib.number_document > docs/numbers.md

lock: $(STAMP) ## resolve all groups together, then write one lock per use
	@mkdir -p build
	$(BIN)/uv pip compile pyproject.toml --all-extras $(LOCK_FLAGS) --output-file build/all.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev $(LOCK_FLAGS) --constraint build/all.lock --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra spark $(LOCK_FLAGS) --constraint build/all.lock --output-file requirements-spark.lock
	$(BIN)/uv pip compile pyproject.toml --extra dashboard $(LOCK_FLAGS) --constraint build/all.lock --output-file requirements-dashboard.lock

LOCK_FLAGS := --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
	--no-annotate --custom-compile-command "make lock"

clean: ## remove what was built: environment, warehouse, releases, logs (the raw files stay)
	@# Releases are read-only, as nobody should change what was published.
	@chmod -R u+w data/state/releases 2>/dev/null || true
	rm -rf $(VENV) build data/state/landing data/state/work data/state/releases data/state/dagster dbt_project/target dbt_project/logs
