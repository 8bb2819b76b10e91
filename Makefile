# Two commands do everything on a fresh machine: `make search` and `make test`. Both build .venv once and reuse it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# One worker a CPU, up to four (each may hold a TensorFlow), and one thread a worker: more only fight for the CPUs. A
# file's tests stay on one worker, so that what a file's fixtures train is trained once.
# To narrow it down: make test PYTEST_ARGS="-n 0 -k board"; everything but attached boards, in an hour or so:
# make test PYTEST_ARGS='-m "not hardware"'
PYTEST := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 $(BIN)/python -m pytest \
          -n logical --maxprocesses 4 --dist loadfile -m "not hardware and not exhaustive and not slow"

.PHONY: search test hil-demo scale-demo docs lint format clean

search: $(STAMP)
	$(BIN)/tinynas search --board nucleo_f446re --config configs/quickstart.yaml

# A network on all virtual boards: compiled, linked with the firmware, run, compared, measured.
hil-demo: $(STAMP)
	$(BIN)/python benchmarks/hil.py

# A search on a local Dask cluster that loses a worker, a board and its driver on the way.
scale-demo: $(STAMP)
	$(BIN)/python benchmarks/scale_demo.py

# The documentation's site, below site/. Anything that mkdocs warns of is an error.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

test: lint
	$(PYTEST) $(PYTEST_ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The stamp is older than pyproject.toml after a change of dependencies: then the environment is brought up to date.
$(STAMP): pyproject.toml
	sh scripts/make-venv.sh "$(PYTHON)" "$(VENV)"
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $(STAMP)

clean:
	rm -rf $(VENV) dist build site .pytest_cache .mypy_cache .ruff_cache .hypothesis
