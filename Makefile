# Everything runs in .venv, which `make` builds by itself; nothing has to be installed by hand but Python 3.11 and a compiler.
SHELL := /bin/bash
.DEFAULT_GOAL := help

EXTRAS := dev,train,perceptual,face,dlib,onnx,keras,pose,head,data,play,gym,browser
# The variable holds the environments of builds to the same versions: -c alone does not reach them.
PIP_INSTALL = PIP_CONSTRAINT=constraints.txt .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
SUPPORTED := import sys; sys.exit(sys.version_info < (3, 11))
# 3.11 first: constraints.txt was resolved for it. A pyenv shim can exist and still not run, so each candidate is tried.
PYTHON ?= $(shell for python in python3.11 python3 python; do $$python -c '$(SUPPORTED)' 2>/dev/null && echo $$python && break; done)

# glibc hands large temporaries back to the system after each use and faults them in again: training steps take 5 times as long.
ALLOCATOR := MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=500000000
# The authors' numbers, where they lie beside the checkout.
ifneq ($(wildcard ../shared/parity),)
export KINEMA_PARITY ?= $(abspath ../shared/parity)
endif

.PHONY: help setup demo test check ci format docs docs-serve fuzz bench clean

help:  ## prints the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed  ## builds .venv with kinema, what develops it and the extras that the tests use

demo: .venv/.head  ## animates a portrait into demo/ with a shipped model
	$(ALLOCATOR) .venv/bin/kinema demo -o demo

test: check  ## check, then every test
	$(ALLOCATOR) KINEMA_EXTRAS=$(EXTRAS) .venv/bin/python -m pytest $(PYTEST_ARGS)

check: .venv/.installed  ## ruff and pyright
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright

ci:  ## what CI runs: other versions and sets of packages, fuzzing, docs and test
	bash .ci/run

format: .venv/.installed  ## lets ruff put the files into the form that check wants
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: .venv/.installed  ## builds the documentation into site/; broken links and missing docstrings are errors
	rm -rf site
	.venv/bin/python recipes/documentation/write_reference.py docs/reference
	.venv/bin/zensical build --strict --clean
	.venv/bin/python recipes/documentation/check_site.py docs zensical.toml site

docs-serve: docs  ## shows the documentation at http://localhost:8000, and follows changes
	.venv/bin/zensical serve

fuzz: .venv/.installed  ## reads mutated files for a minute; FUZZ_SECONDS=600 for longer
	.venv/bin/python benchmarks/fuzz_readers.py --seconds $(or $(FUZZ_SECONDS),60)

bench: .venv/.core  ## times first_order at vox_256 on this machine into runs/bench.json
	@mkdir -p runs
	.venv/bin/kinema bench first_order --preset vox_256 --json runs/bench.json -y

clean:  ## removes .venv, caches and the demo's files; runs/ stays
	rm -rf .venv .cache site demo dist .pytest_cache .ruff_cache .hypothesis
	rm -f $(addprefix docs/reference/,command-line.md functions.md objects.md requests.md settings.md)
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "kinema needs Python 3.11 or newer, found: $$(python3 --version 2>&1); install it, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c '$(SUPPORTED)' || { echo "kinema needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) --version 2>&1); name another: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# A stamp is touched last, so an interrupted install starts again.
.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing kinema[$(EXTRAS)] into .venv (minutes on a fresh machine)"
	$(PIP_INSTALL) -e '.[$(EXTRAS)]'
	@touch .venv/.core .venv/.head $@

.venv/.head: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing kinema[head] into .venv (minutes on a fresh machine)"
	$(PIP_INSTALL) -e '.[head]'
	@touch .venv/.core $@

.venv/.core: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing kinema into .venv (minutes on a fresh machine)"
	$(PIP_INSTALL) -e .
	@touch $@
