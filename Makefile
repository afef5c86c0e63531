# A fresh machine needs Python 3.11 or later and make; everything else goes into .venv.
PYTHON ?= python3
SECONDS ?= 600
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# on all processors, pip compiles on one
COMPILE := import compileall, sysconfig; compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2, workers=0)
WEATHER := cc-etl --config-path config --config-name weather store.root=demo-output

# Each of the processes that the tests start would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test lint typecheck integration browser bench bench-gate docs mutation fuzz clean

help: ## Show this help.
	@echo 'usage: make TARGET [PYTHON=python3.12]'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

demo: .venv/examples-installed ## Backfill four years of real daily weather into demo-output/ and show what was made.
	@printf 'Seattle weather from 2012 to 2015: each day extracted, each month transformed, each year loaded, by\n\n'
	@printf '    %s\n\n' '$(WEATHER)'
	@$(BIN)/$(WEATHER)
	@printf '\nWhere the files are\n'
	@for stage in extract transform load; do \
		set -- demo-output/$$stage/*; \
		printf '  %-22s %5d files, such as %s\n' "demo-output/$$stage" $$# "$${1##*/}"; \
	done
	@printf '\nWhat is in demo-output/load/2015.parquet\n\n'
	@$(BIN)/python -c 'import pandas; print(pandas.read_parquet("demo-output/load/2015.parquet").to_string())'
	@printf '\nRun it again and every artifact is found and skipped; "rm -r demo-output" starts anew.\n'

test: .venv/dev-installed lint typecheck ## Lint, check types, run all tests (branch coverage has to be 95%) and small benchmarks.
	$(BIN)/python -m pytest tests -q -n 2 --dist worksteal --benchmark-disable --cov --cov-fail-under=95
	$(BIN)/python -m pytest benchmarks -q -n 2 --benchmark-disable

lint: .venv/dev-installed ## Check the style and the format of all code.
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

# At once, and each with a cache of its own: they have other options, with which none of the other's is of use.
typecheck: .venv/dev-installed ## Check the types of the package, and those that its users see.
	$(BIN)/python -m mypy --config-file tests/typing/mypy.ini --cache-dir .mypy_cache/public tests/typing & public=$$!; \
	$(BIN)/python -m mypy; package=$$?; wait $$public && exit $$package

# --no-deps: what the connectors import is in the extra, and pip must not look for another ccflow-etl.
integration: .venv/dev-installed .venv/integration-installed ## Run the tests that need a server, with the published connectors.
	@$(INSTALL) --no-deps --requirement tests/integration/connectors.txt --requirement tests/integration/celery.txt
	$(BIN)/python -m pytest tests -q -n 2 --benchmark-disable -m integration

browser: .venv/dev-installed .venv/browser-installed ## Run the tests that look at pages in headless Chromium (CHROMIUM=/usr/bin/chromium).
	$(BIN)/python -m pytest tests -q --benchmark-disable -m browser

bench: .venv/dev-installed ## Run the benchmarks and write their tables to benchmarks/results.json and results.md.
	$(BIN)/python -m pytest benchmarks -q --record

bench-gate: .venv/dev-installed ## Run the benchmarks; fail where a ratio is worse than in benchmarks/results.json.
	$(BIN)/python -m pytest benchmarks -q --gate

mutation: .venv/dev-installed ## Change the engines a little, many times, and count the changes that a test notices.
	$(BIN)/python tests/mutation/gate.py --cover

fuzz: .venv/dev-installed .venv/fuzz-installed ## Give intervals, codecs and overrides arbitrary bytes (SECONDS=600 each); findings go to .fuzz/.
	@mkdir -p .fuzz
	@for target in interval codec overrides; do (cd .fuzz && ../$(BIN)/python ../tests/fuzz/run.py $$target $(SECONDS)) || exit 1; done

docs: .venv/dev-installed ## Write the API reference in docs/api/ from signatures and docstrings.
	$(BIN)/python docs/generate

clean: ## Remove everything that these commands have made, .venv included.
	rm -rf .venv demo-output build dist .benchmarks .fuzz .hypothesis .mutation .mypy_cache .pytest_cache .ruff_cache .coverage .coverage.*

.venv/%-installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Installing ccflow-etl[$*] into .venv ...'
	@$(INSTALL) --no-compile --editable '.[$*]'
	@$(BIN)/python -c '$(COMPILE)'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or later is needed: make PYTHON=python3.12'; exit 1; }
	@echo 'Making .venv ...'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
