# What a person does with this repository. Each target is one script, which can
# be run by itself; CONTRIBUTING.md tells what they need.
# On a fresh Debian or Ubuntu machine with Rust, all of them install the rest
# (asking first on a terminal; YES=1 does not ask).

YES ?= 0
export ASSUME_YES = $(YES)

.DEFAULT_GOAL := help
.PHONY: help try test test-gpu unit bench lint clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

try: ## see it work: a demo project, built, trained and frozen in a container
	@scripts/engine.sh exec -- scripts/try.sh

test: ## everything: unit tests, tests of the program, tests on a real engine
	@scripts/engine.sh exec -- scripts/test.sh

test-gpu: ## the tests on a GPU of this machine; without one it says so
	@scripts/test-gpu.sh

unit: ## the tests that need no engine, which is what cargo test runs
	cargo test

bench: ## the speed table: each number is a ratio, measured in pairs
	@scripts/engine.sh exec -- benches/run.sh

lint: ## formatting, clippy, and the linters on scripts and rendered templates
	cargo fmt --check
	cargo clippy --all-targets --all-features -- --deny warnings
	@scripts/lint.sh

clean: ## removes what these scripts made: test images, demo images, caches
	@scripts/clean.sh
