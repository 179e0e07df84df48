# Two commands to begin with: make demo, make test. They need Python 3.11 or newer with its venv module
# (Debian: python3-venv), and once a package index; what is missing is said, with the remedy.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FUZZ_SECONDS ?= 120
LOCKED ?=
STAMP := $(VENV)/.installed

PYTEST := $(BIN)/python -m pytest --numprocesses 4 --no-loadscope-reorder

.PHONY: help venv demo test test-all test-unit test-shell test-integration test-e2e faults fuzz lint format docs docs-build docs-serve lock zipapp release bench bench-site bench-limits chaos clean

help:  ## what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# a finished .venv whose Python is gone, or that imports another checkout, is finished again
IS_OURS := import bundler, os, sys; sys.exit(not os.path.samefile(bundler.__file__, "bundler/__init__.py"))
ifneq ($(wildcard $(STAMP)),)
$(shell $(BIN)/python -P -c '$(IS_OURS)' 2>/dev/null || rm -f $(STAMP))
endif

$(STAMP): pyproject.toml $(if $(LOCKED),requirements-dev.txt)
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed; Python 3.11 or newer is needed. \
	Debian, Ubuntu: sudo apt-get install python3 python3-venv. Another one: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; v < (3, 11) and sys.exit("Python 3.11 or newer is needed, this is %d.%d. Try: make PYTHON=python3.12 ..." % v[:2])'
	@$(PYTHON) tools/make_venv.py $(if $(LOCKED),--locked)

venv: $(STAMP)  ## .venv with everything for development; made where it is needed. LOCKED=1: with the versions of requirements-dev.txt

demo: $(STAMP)  ## a sample bundle: built, verified, preflighted, installed where Docker answers
	@$(BIN)/python examples/demo/demo.py

test: $(STAMP)  ## what takes minutes, or all where nothing may be skipped (CI)
	@$(PYTEST) $(if $(BUNDLE_TESTS_NO_SKIP),--cov)

test-all: $(STAMP)  ## all tests, and the coverage of the Python code; an hour and a half on two cores
	@BUNDLE_TESTS_ALL=1 $(PYTEST) --cov --cov-fail-under=0

test-unit: $(STAMP)  ## Python alone: no network, engine or other shell; eight minutes
	@BUNDLE_TESTS_ALL=1 $(PYTEST) tests/unit

test-shell: $(STAMP)  ## the functions of the installer, in dash, bash and busybox; ten minutes
	@BUNDLE_TESTS_ALL_VARIANTS=1 $(PYTEST) tests/shell

test-integration: $(STAMP)  ## real programs, and whole installations without an engine; twenty minutes
	@BUNDLE_TESTS_ALL=1 $(PYTEST) tests/integration tests/fuzz

test-e2e: $(STAMP)  ## real engines on sites without internet, each test on each engine (root, Docker); forty minutes
	@BUNDLE_TESTS_ALL_VARIANTS=1 $(PYTEST) tests/e2e

faults: $(STAMP)  ## every system call of every command fails once; days on two cores
	@BUNDLE_TEST_FAULTS=all $(BIN)/python -m pytest --timeout 0 tests/integration/test_fault_injection.py

fuzz: $(STAMP)  ## hostile bundles, profiles, registries, layers: FUZZ_SECONDS for each kind
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

lint: $(STAMP)  ## ruff with all rules, mypy --strict, imports and calls downhill, names in shell, documents up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest --quiet tests/unit/project/test_shell_calls.py tests/unit/project/test_shell_names.py
	$(BIN)/python docs/generate.py --check
	$(BIN)/python tools/messages.py --check

format: $(STAMP)  ## rewrite as ruff likes it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)  ## write the generated references again
	$(BIN)/python docs/generate.py

docs-build: $(STAMP)  ## the documentation as a site in build/site; broken links and anchors are errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: $(STAMP)  ## the documentation as a site at http://localhost:8000, rebuilt when a page changes
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

lock: $(STAMP)  ## pin the development dependencies in requirements-dev.txt, with hashes; UPGRADE=1 takes newer versions
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev $(if $(UPGRADE),--upgrade) \
		--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
		--output-file requirements-dev.txt pyproject.toml

zipapp: $(STAMP)  ## dist/bundle.pyz: the program with its libraries in one file, for this Python and platform
	@$(BIN)/python tools/make_zipapp.py

release: $(STAMP)  ## KEY=release.key: wheel, sdist, zipapp, SBOM, checksums and signature in dist/release-VERSION
	@$(BIN)/python tools/release.py $(foreach key,$(KEY),--key $(key)) $(if $(REPOSITORY),--repository $(REPOSITORY)) $(RELEASE)

bench: $(STAMP)  ## compare with the peers on the same work
	@$(BIN)/python -m benchmarks.build $(if $(SIZES),--sizes $(SIZES)) $(BENCH)

bench-site: $(STAMP)  ## what a site waits for (root, Docker)
	@$(BIN)/python -m benchmarks.site $(BENCH)

bench-limits: $(STAMP)  ## a huge blob, many blobs, slow lines
	@$(BIN)/python -m benchmarks.limits $(BENCH)

chaos: $(STAMP)  ## KILLS=500 random kills of installations, backups, upgrades, rollbacks, restores (root, Docker)
	@BUNDLE_CHAOS_KILLS=$(or $(KILLS),500) BUNDLE_CHAOS_SEED=$(SEED) $(BIN)/python -m pytest -s tests/e2e/test_chaos.py

clean:  ## remove what was made here
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
