# Everything works in .venv at the root, made on demand. `make` alone lists what there is.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

# Rooms whose tests mostly wait, or load nothing, go side by side; the others have the machine to themselves.
SIDE_BY_SIDE := $(addprefix tests/,accept chaos cli demo floor fuzz golden plugin reports runtime scenarios schema slo store synthetic)

.DEFAULT_GOAL := help
.PHONY: help demo test check bench verdicts sample clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "installing what seatrial needs into .venv; this takes a minute, more on a slow line" >&2
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q src
	@touch $(READY)

demo: $(READY) ## start the demo bank, put it through its sea trial, print the verdict and where the report is
	$(BIN)/seatrial demo run

# $(call play,ROOMS,HOW): what fails is played once more, in turn: a machine that stood still is not the code's doing.
# What an earlier play left failed is forgotten first: it would be played instead of what this one could not write down.
define play
rm -f .pytest_cache/v/cache/lastfailed; \
$(BIN)/python -m pytest $(2) $(1); got=$$?; \
if [ $$got = 1 ]; then \
  echo "what failed is played once more, by itself; what passes now is flaky, and to be mended" >&2; \
  $(BIN)/python -m pytest --last-failed --last-failed-no-failures none $(1); got=$$?; \
fi; \
[ $$got = 0 ] || failed=$$got
endef

test: $(READY) ## the whole test suite (tests that need Docker, Toxiproxy or Chromium are skipped where these are missing)
	@failed=0; \
	$(call play,$(SIDE_BY_SIDE),--numprocesses 2 --dist loadfile); \
	$(call play,$(addprefix --ignore=,$(SIDE_BY_SIDE))); \
	exit $$failed

check: $(READY) ## style, types (of bench, too), layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## side-by-side measurements against newman, Tavern, k6 and Locust, 10,000 fuzzed files, 100 killed harnesses (needs node, nginx)
	$(BIN)/python bench/run.py

verdicts: $(READY) ## simulate how often a verdict is wrong, and write the tables of docs/statistics.md (ten minutes)
	$(BIN)/python bench/verdicts.py --write

sample: $(READY) ## make reports/sample/ anew from a run of the demo
	$(BIN)/python reports/make_sample.py

clean: ## remove the environment, caches and recorded runs, after healing and stopping what these know of
	@if ls .seatrial/*.json reports/out/*/faults.jsonl >/dev/null 2>&1; then \
	  test -x $(BIN)/seatrial || { \
	    echo "a realm may be up or a fault be on, and $(BIN)/seatrial is not there to end it: make $(READY) first" >&2; \
	    exit 1; \
	  }; \
	  $(BIN)/seatrial chaos recover || exit 1; \
	  for state in .seatrial/*.json; do \
	    test ! -e "$$state" || $(BIN)/seatrial down --realm "$$(basename "$$state" .json)" || exit 1; \
	  done; \
	fi
	rm -rf .venv dist build reports/out bench/out .seatrial .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
