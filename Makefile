# Every recipe does its own set-up: Python ≥ 3.11 and make are all that a machine needs.
PYTHON ?= python3
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
KEY ?= release.key
.DEFAULT_GOAL := help

help: ## what there is to do
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

demo: .venv/demo ## set up and run a small district until stopped (DEMO="--once" plays one week)
	@.venv/bin/openami demo $(DEMO)

test: .venv/test .peers/ready ## set up and run the tests that matter
	@.venv/bin/python -m pytest -q -n 2 -m "not long" $(TEST)

long: .venv/fuzz .peers/ready ## the big numbers: fuzzing, all kill points, many seeds
	@.venv/bin/python -m pytest -q -m long $(TEST)

lint: .venv/lint ## ruff, mypy
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

format: .venv/lint ## let ruff put the code in shape
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

bench: .venv/test .peers/ready ## measure beside the peers and print ratios
	@.venv/bin/python -m benchmarks $(BENCH)

docs: .venv/docs ## build the documentation into docs/_build
	@.venv/bin/sphinx-build -q -W -b html docs docs/_build/html

release: .venv/release ## build, lock and sign a release into dist/release (KEY=file of the signing key)
	@rm -rf dist && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) .venv/bin/python -m hatchling build -t wheel -d dist >/dev/null
	@.venv/bin/openami release make dist/*.whl --lock packaging/requirements.txt --out dist/release --key $(KEY)

lock: .venv/release ## write packaging/requirements.txt anew, with the hash of every file
	@.venv/bin/uv pip compile -q pyproject.toml --extra all --universal --python-version 3.11 --constraint constraints.txt \
		--generate-hashes --no-header --no-annotate --output-file packaging/requirements.txt

clean: ## remove what the recipes made
	rm -rf .venv .peers docs/_build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/python:
	@echo "openami: making a virtual environment in .venv" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "openami needs Python 3.11 or newer; set PYTHON=python3.x")' && $(PYTHON) -m venv .venv

.venv/demo .venv/test .venv/fuzz .venv/lint .venv/docs .venv/release: .venv/%: .venv/bin/python pyproject.toml constraints.txt
	@echo "openami: installing (once)" && $(PIP) --editable ".$(if $(filter demo,$*),,[$(if $(filter lint fuzz,$*),test$(,)$*,$*)])" && touch $@

# Copyleft programs that test us live in an environment of their own; openami never imports them.
.peers/ready: tests/peers/requirements.txt
	@echo "openami: installing the peers (once)" && $(PYTHON) -m venv .peers && .peers/bin/python -m pip install --quiet --disable-pip-version-check --requirement $< && touch $@

, := ,
.PHONY: help demo test long lint format bench docs release lock clean
