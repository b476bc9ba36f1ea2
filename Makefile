# The commands of the project. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test test-mpich test-slurm test-kill test-tsan test-asan jobscripts fuzz build bench-setup format lint clean dependencies python

SWIFT_SOURCES := Package.swift Sources Tests examples Benchmarks
# Arguments for the test run: make test ARGS='--filter HDF5'
ARGS ?=
# Seeds of the fuzzer: make fuzz SEEDS=1000
SEEDS ?= 100000

# Kills, and where their seeds begin: make test-kill KILLS=20
KILLS ?= 200
KILL_SEED ?= 1

help: ## Lists the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: dependencies python ## Runs the EOF analysis in one process and under mpirun, and compares the results
	@examples/demo

test: dependencies python ## Builds and runs the whole test suite, under mpirun too (ARGS='--filter NAME' for a part)
	@Tests/run $(ARGS)

test-mpich: dependencies python ## Builds against MPICH, beside Open MPI, and runs the rank tests under its launcher
	@Tests/mpich $(ARGS)

test-slurm: dependencies python ## Starts a SLURM of one node and submits real jobs to it (as root; builds first)
	@.ci/install-dependencies --slurm
	@swift build -c release --build-tests
	@Tests/slurm/run

test-kill: dependencies python ## Kills a job of 20 s at random instants and starts it again until it ends (KILLS=200, KILL_SEED=1)
	@swift build -c release --build-tests
	@MUSTER_KILLS=$(KILLS) MUSTER_KILL_SEED=$(KILL_SEED) MUSTER_KILL_ROUNDS=5 Tests/run --no-parallel --filter KillTests

test-tsan: dependencies python ## Runs the tests of one process under ThreadSanitizer, which finds data races
	@Tests/sanitize thread $(ARGS)

test-asan: dependencies python ## Runs the tests of one process under AddressSanitizer, which finds wrong uses of memory
	@Tests/sanitize address $(ARGS)

jobscripts: dependencies ## Renders the job script of each file in cluster-configs anew
	swift build -c release --build-tests
	MUSTER_RENDER=1 swift test -c release --skip-build --disable-xctest --filter ShippedConfigurationTests

fuzz: dependencies ## Runs scheduler and workers against simulated ranks and disks, for 100,000 seeds (SEEDS=N for others)
	swift build -c release --build-tests
	MUSTER_FUZZ_SEEDS=$(SEEDS) swift test -c release --skip-build --filter FuzzTests

build: dependencies ## Builds the library and its programs for release
	swift build -c release

bench-setup: dependencies ## Makes the Python environment with the systems that Benchmarks/run compares with
	@.ci/make-venv .build/bench-python Benchmarks/requirements.txt Benchmarks/optional.txt

format: ## Formats the Swift sources in place
	swift format -i -r $(SWIFT_SOURCES)

lint: ## Checks the formatting of the Swift sources, and the shell scripts with shellcheck
	swift format lint --strict -r $(SWIFT_SOURCES)
	.ci/lint-scripts

clean: ## Removes everything that building and running made
	rm -rf .build results

dependencies:
	@.ci/install-dependencies

python: dependencies
	@.ci/make-venv .build/python Tests/Reference/requirements.txt
