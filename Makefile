# Everything one does here, by name. Needs Python 3.11 or newer; .venv is made on first use.
PORT ?= 4000
N ?= 100000
ENGINES ?= duckdb
# Tests that run side by side. They share the servers.
JOBS ?= 2
# Paths that hold Python of ours.
CODE = core/src client/src plugins tests examples benchmarks scripts
BIN = .venv/bin

.PHONY: help demo data test oracle rollups check format bench docs constraints clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1 | /p' Makefile | awk -F' [|] ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: data ## the demo shop on http://localhost:4000 (PORT=... for another port)
	@exec $(BIN)/cuboid serve examples/shop --dev --port $(PORT)

data:
	@scripts/bootstrap.sh demo
	@$(BIN)/python examples/shop/generate.py

test: ## all tests (ARGS='tests/query -k dates' for some, JOBS=0 for one process)
	@scripts/bootstrap.sh dev
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

oracle: ## N random queries against the oracle on DuckDB, none as before (ENGINES=duckdb,postgres: there too); what they used
	@scripts/bootstrap.sh dev
	$(BIN)/python -m pytest tests/oracle/test_planner_agrees.py -q --engines=$(ENGINES) --oracle-queries=$(N) \
		--oracle-seed=fresh --oracle-table=docs/explanation/coverage.md $(ARGS)

rollups: N = 10000
rollups: ## N random queries, answered over the tables and from rollups in the store, none as before; how many rollups answered
	@scripts/bootstrap.sh dev
	$(BIN)/python -m pytest tests/oracle/test_rollups.py -k in-the-store -q -rP --engines=duckdb --oracle-stored=$(N) \
		--oracle-seed=fresh $(ARGS)

check: ## format, lint, types, layers
	@scripts/bootstrap.sh dev
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: ## format the code and repair what lint can
	@scripts/bootstrap.sh dev
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: ## planning, requests, start and drivers, as ratios measured side by side
	@scripts/bootstrap.sh dev
	@$(BIN)/python examples/shop/generate.py
	$(BIN)/python benchmarks/run.py $(ARGS)
	$(BIN)/python benchmarks/drivers.py --rows 300000

docs: ## write the generated reference pages anew
	@scripts/bootstrap.sh dev
	$(BIN)/python -m scripts.docs

constraints: ## pin the newest allowed versions of everything
	scripts/update-constraints.sh

clean: ## remove the environment, the demo data and caches
	rm -rf .venv examples/shop/data .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
