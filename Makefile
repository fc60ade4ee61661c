# Two commands: `make demo` shows the crawler at work, `make test` proves it. Python 3.11+ and make are all they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
REPLAY := .venv-replay
TOOLS  := .venv-tools
SOAK   ?= 1800
export INSTALL
KILLS  ?= 200
ROUNDS ?= 100
SEED   ?= $(shell date +%s)

.PHONY: demo test quick lint replay-tools screenshots torture bench bench-scale soak lock audit sbom format clean help
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock \
	  || echo "requirements.lock cannot be installed here: taking what pyproject.toml allows"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

demo: $(READY) ## run the whole job on sample notes against stand-in sites on loopback
	$(BIN)/crawler demo

ifdef T
test: $(READY) ## run all tests, with coverage; T=tests/notes (or a file, or file::test) runs those alone
	$(BIN)/python -m pytest $(T)
else
test: $(READY) replay-tools
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered
endif

quick: $(READY) ## the tests that take under a minute: no browser, no other programs, nothing slow
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not browser and not replay and not slow"

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

bench: $(READY) ## fetching and keeping pages beside scrapy, lychee, wget, linkchecker and trafilatura, in one table
	$(BIN)/python -m benchmarks.fetch

bench-scale: $(READY) ## what a run costs for each remembered link, 10,000 to 1,000,000, and how near it is to the polite bound
	$(BIN)/python -m benchmarks.scale --links 10000 100000 1000000 --svg docs/scale.svg
	$(BIN)/python -m benchmarks.makespan --loopback

soak: $(READY) ## 20,000 links of hostile weather on loopback for 30 minutes; SOAK=300 for less
	PYTHONPATH=. $(BIN)/python tests/soak/soaking.py --seconds $(SOAK)

lock: $(READY) ## pin what the action and the demo install, by hash, anew
	$(BIN)/python -m pip install --quiet uv
	.ci/lock $(BIN)/uv

audit: ## known vulnerabilities of the pinned packages; asks the advisory database of PyPI
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(TOOLS)/bin/pip-audit --require-hashes --disable-pip --requirement requirements.lock

sbom: ## a software bill of materials of the pinned packages (CycloneDX): sbom.json
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom
	$(TOOLS)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file sbom.json requirements.lock

format: $(READY) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## forget the virtual environment and the caches
	rm -rf $(VENV) $(REPLAY) $(TOOLS) .mypy_cache .ruff_cache .hypothesis .coverage
