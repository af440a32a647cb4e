# make run   sets everything up and runs the campaign on the embedded library
# make test  sets up and passes the tests
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Extra pip flags, e.g. PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu" for the small CPU build of torch.
PIP_FLAGS ?=
export OMP_NUM_THREADS ?= 1

.PHONY: run test check bench torture docs clean install

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "heliosc needs Python 3.11 or newer, found $$($(PYTHON) --version); try: make PYTHON=python3.11"; exit 4; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e ".[dev]"
	@touch $@

run: install
	$(BIN)/heliosc run

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -m "not slow and not program" tests/unit

# PYTEST_FLAGS=--after-check leaves out what `make check` has just run
test: install
	$(BIN)/pytest -q $(PYTEST_FLAGS)

bench: install
	@for file in benchmarks/bench_*.py; do $(BIN)/python $$file || exit 1; done

bench-%: install
	$(BIN)/python benchmarks/bench_$*.py

# kill -9 two hundred times in a campaign of two thousand fake tasks
torture: install
	$(BIN)/python tests/integration/torture.py

docs: install
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e ".[docs]"
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) build dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
