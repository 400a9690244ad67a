# Every target sets up what it needs; `make up` and `make test` are all one has to know.
PYTHON ?= python3
READY := .venv/.ready
SHELL := bash

.PHONY: up down test scenarios engine-scenarios golden lint format schema lock bench campaign mutants fuzz clean

up: $(READY)  ## converge the demo company on the sandbox; again: nothing to do
	@.venv/bin/qlik-sandbox up

down: $(READY)  ## stop the sandbox and forget what it held
	@.venv/bin/qlik-sandbox down

test: $(READY) lint  ## everything CI runs
	@.venv/bin/pytest -n 3 --dist worksteal -m "not engine and not campaign" --cov --cov-report=
	@.venv/bin/coverage report --fail-under=100 --include="$(CORE)"
	@if command -v pulumi >/dev/null; then \
	  echo "the scenarios on Pulumi's own engine: make engine-scenarios"; \
	else \
	  echo "\`pulumi\` is not on PATH: the scenarios ran on the sandbox engine only"; \
	fi

CORE := qlik_provider/plan.py,qlik_provider/verdicts.py,qlik_provider/premises.py,qlik_provider/waitlist.py,qlik_provider/absence.py,qlik_provider/changes.py,qlik_provider/brake.py,qlik_provider/entitlements.py,qlik_provider/ledger.py,qlik_provider/outcomes.py,qlik_provider/declaration.py,qlik_provider/documents.py,qlik_provider/shapes.py,qlik_provider/resolution.py,qlik_provider/membership.py,qlik_provider/doubt.py,qlik_provider/renaming.py,qlik_provider/pilot.py,qlik_provider/rights.py,qlik_provider/policy.py,qlik_provider/policy_ledger.py,qlik_provider/policy_doubt.py,qlik_provider/moves.py,qlik_provider/subjects.py,qlik_provider/custom_members.py,qlik_provider/accounts.py,qlik_provider/joiners.py,qlik_provider/rule_names.py,qlik_provider/rungs.py,qlik_provider/ladder.py,qlik_provider/ladder_ledger.py,qlik_provider/served.py,qlik_provider/user_policy.py,qlik_provider/user_ledger.py,qlik_provider/user_grants.py

lint: $(READY)
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@for program in __main__.py examples/*/__main__.py; do .venv/bin/mypy --no-error-summary $$program || exit 1; done
	@.venv/bin/lint-imports --no-cache

scenarios: $(READY)  ## the scenarios on the sandbox engine
	@.venv/bin/pytest tests/test_scenarios.py -n 2 -m "not engine"

engine-scenarios: $(READY)  ## the same scenarios on the Pulumi CLI and the azuread plugin on PATH
	@.venv/bin/pytest -n 4 --dist worksteal -m engine

golden: $(READY)  ## record the golden runs anew, from Pulumi's own engine
	@.venv/bin/pytest tests/test_golden.py -m engine --record-golden

bench: $(READY)  ## times, as a table; never part of the tests
	@.venv/bin/python benchmarks/up.py
	@.venv/bin/python benchmarks/sandbox.py
	@.venv/bin/python benchmarks/reading.py
	@.venv/bin/python benchmarks/writing.py

campaign: $(READY)  ## every fault at every place, where the tests play some; writes docs/faults.md
	@.venv/bin/pytest -n 2 --dist worksteal -m campaign --record-faults

mutants: $(READY)  ## break what decides, one change at a time: every break is noticed, or listed with a reason; writes docs/mutants.md
	@PYTHONPATH=tests .venv/bin/python -m mutants

fuzz: $(READY)  ## everything the sandbox says it understands, and what it does not, for as long as FUZZ_EXAMPLES says
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-200} .venv/bin/pytest tests/sandbox/test_schema.py -n 4 --dist worksteal

format: $(READY)
	@.venv/bin/ruff check --fix . ; .venv/bin/ruff format .

schema: $(READY)  ## write the JSON schemas of declaration and plan document
	@.venv/bin/qlik-provider schema

lock: $(READY)  ## resolve the dependencies anew
	@.venv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	  --extra sandbox --extra dev --no-header --output-file requirements.lock pyproject.toml

# The stamp is written last, so an interrupted installation starts over with an empty .venv.
$(READY): requirements.lock pyproject.toml
	@rm -f $@
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; set PYTHON"; exit 1; }
	@echo "setting up .venv"
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

clean: down
	@rm -rf .venv .sandbox .pytest_cache .mypy_cache .ruff_cache
