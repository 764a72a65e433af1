# Two commands are all a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: demo test test-gpu check format dashboards clean

demo: $(VENV)/.runtime        ## learn a place, watch cameras, raise alerts: no camera, GPU or network needed
	$(BIN)/vigil demo --out demo-output

# Many tests wait for streams and processes more than they compute: two at a time take little more than half the time. A test of real
# streams and sockets that fails has one more try, since the machine may have paused: the summary names it (`R`).
test: check                   ## every check that CI runs
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile --reruns 1 -rR

test-gpu: $(VENV)/.dev        ## what needs an NVIDIA GPU, on a machine with TensorRT: see engines/runtime/README.md
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[tensorrt]'
	$(BIN)/pytest -m gpu -rs --timeout 1800

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

dashboards: $(VENV)/.dev      ## write the Grafana dashboard anew
	$(BIN)/python systemd/dashboards/build.py

# The demo needs what a user needs and no more: no torch, no development tools.
$(VENV)/.runtime: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
# Types alone, beside the packages: installed among them they would make an empty package `tensorrt`, and with what they
# depend on they would bring TensorRT itself.
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps --upgrade --target $(VENV)/stubs tensorrt-stubs
	touch $@ $(VENV)/.runtime

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Vigil needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build dist *.egg-info demo-output
