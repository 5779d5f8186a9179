# Everything runs in a virtual environment of its own; nothing but Python >= 3.11, pip and make is needed.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: help demo test quick check lint types layers install clean bench peers fuzz fuzz-guided locks samples goldens screenshot published

help:
	@echo "make demo   scan a sample repository"
	@echo "make test   run all tests"
	@echo "make quick  the tests that break most often, in a minute"
	@echo "make check  what CI runs: ruff, mypy --strict, import-linter, tests"
	@echo "make bench  measure speed against openssl and pickletools (minutes)"
	@echo "make peers  measure recall, quiet and speed beside other scanners (half an hour)"
	@echo "make fuzz   damage honest files by the hundred thousand and read them (half an hour)"

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
# Our own build runs without isolation: hatchling comes from the lock, with its hash, like everything else.
SELF := $(PIP) --no-deps --no-build-isolation --editable .

$(BIN)/weighbridge: pyproject.toml requirements/runtime.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --requirement requirements/runtime.txt
	$(SELF)
	@# pip compiles what it installs, but not an editable package; start-up is what a hook pays.
	@$(BIN)/python -m compileall -q scanner sbom
	@touch $@

$(VENV)/.dev: $(BIN)/weighbridge requirements/dev.txt
	$(PIP) --require-hashes --requirement requirements/dev.txt
	@touch $@

install: $(BIN)/weighbridge

# The picture of README: the HTML report of a sample, as Chromium shows it.
screenshot: $(VENV)/.dev samples
	$(BIN)/python tools/gen_screenshot.py

samples:
	@$(PYTHON) tools/build_samples.py

demo: $(BIN)/weighbridge samples
	@$(BIN)/weighbridge scan sample_projects/hostile --advisories sample_projects/advisories/hostile \
		--max-advisory-age 100000 --exit-zero

test: $(VENV)/.dev samples
	$(BIN)/python -m pytest -n 2 tests

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports

# What breaks most often and is told in a minute: goldens, documentation, tables, start-up, samples.
QUICK := tests/sbom/test_goldens.py tests/test_docs.py tests/test_registry.py tests/test_data_files.py \
	tests/test_startup.py tests/cli/test_help.py tests/reports/test_json_report.py tests/test_samples.py
quick: $(VENV)/.dev samples
	$(BIN)/python -m pytest -q -x -n 2 $(QUICK)

check: lint types layers quick test

# Writes the locks anew; wants uv on the PATH.
locks:
	printf 'hatchling>=1.25\neditables>=0.5\n' | uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate pyproject.toml - --output-file requirements/runtime.txt
	printf 'hatchling>=1.25\neditables>=0.5\n' | uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --extra dev pyproject.toml - --output-file requirements/dev.txt

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/run.py

# Recall, quiet and speed beside other scanners; see benchmarks/README.md for the honest files that it wants.
peers: $(VENV)/.dev
	$(BIN)/python benchmarks/peers.py --install
	$(BIN)/python benchmarks/peers.py
	$(BIN)/python tools/gen_readme.py

# Damaged files by the hundred thousand: whether passing over runs of plain data changes what is told, whether
# each file of every format ends in an outcome, and whether the C unpickler does what the machine does not tell.
fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz.skipping
	$(BIN)/python -m tests.fuzz.formats
	$(BIN)/python -m tests.fuzz.unpickler

# Guided by coverage, a target for each format: make fuzz-guided ROW=safetensors SECONDS=600
ROW     ?= all
SECONDS ?= 60
fuzz-guided: $(VENV)/.dev
	$(PIP) --requirement tests/fuzz/requirements.txt
	$(BIN)/python -m tests.fuzz.guided $(ROW) -max_total_time=$(SECONDS)

# The bills of materials of the sample projects, as tests hold them; the diff says what changed in them.
goldens: $(VENV)/.dev samples
	$(BIN)/python tools/gen_goldens.py

# CycloneDX' own examples, which the library's sources hold: tests/sbom/test_published.py reads them all.
published: $(VENV)/.dev
	mkdir -p benchmarks/corpus/cyclonedx
	$(BIN)/python -m pip download --quiet --no-deps --no-binary :all: --dest benchmarks/corpus/cyclonedx cyclonedx-python-lib
	tar -xzf benchmarks/corpus/cyclonedx/cyclonedx_python_lib-*.tar.gz -C benchmarks/corpus/cyclonedx \
		--wildcards '*/schemaTestData/*'

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
