# Two commands: `make demo` shows the crawler at work, `make test` proves it. Python 3.11+ and make are all they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
REPLAY := .venv-replay
export INSTALL
KILLS  ?= 200
ROUNDS ?= 100
SEED   ?= $(shell date +%s)

.PHONY: demo test quick lint replay-tools screenshots torture bench-scale format clean help
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

demo: $(READY) ## run the whole job on sample notes against stand-in sites on loopback
	$(BIN)/crawler demo

ifdef T
test: $(READY) ## run all tests, with coverage; T=tests/notes (or a file, or file::test) runs those alone
	$(BIN)/python -m pytest $(T)
else
test: $(READY) replay-tools
	$(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term:skip-covered
endif

quick: $(READY) ## the tests that take under a minute: no browser, no other programs, nothing slow
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not browser and not replay and not slow"

lint: $(READY) ## ruff, mypy --strict, mypy over the tests, and the layer test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@.ci/type-tests $(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py

replay-tools: ## Chromium, pywb and ReplayWeb.page, the judges of our exports; INSTALL=1 also installs system packages
	@.ci/replay-tools $(REPLAY) $(PYTHON)

screenshots: $(READY) ## make the viewer's pictures in docs/pictures from the demonstration's archive
	$(BIN)/python docs/make_screenshots.py

torture: $(READY) ## kills, failing disks, power cuts, flipped bytes, lost and merged segments; seeds are printed
	CRAWLER_KILLS=$(KILLS) CRAWLER_TORTURE=$(ROUNDS) CRAWLER_SEED=$(SEED) \
	$(BIN)/python -m pytest -s tests/torture tests/archive/test_store_crash.py

bench-scale: $(READY) ## what a run costs for each remembered link, 10,000 to 1,000,000, in virtual time
	$(BIN)/python -m benchmarks.scale --links 10000 100000 1000000 --svg docs/scale.svg

format: $(READY) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## forget the virtual environment and the caches
	rm -rf $(VENV) $(REPLAY) .mypy_cache .ruff_cache .hypothesis .coverage
