# SPDX-License-Identifier: GPL-2.0
#
# What people type. The kernel's build reads Kbuild instead.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup modules modules_install host images run test bench bench-quick bench-tools check clean

help: ## Show this list
	@echo "The Rust Hyper-V guest drivers. Targets:"
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make the Debian root and the kernel tree in the cache (once; about 6 minutes, as root)
	@tests/setup/setup.sh setup

modules: ## Build the modules for Debian's kernel, or for the prepared tree KDIR=/path
	@tests/setup/modules.sh build $(KDIR)

modules_install: ## Install the modules under INSTALL_MOD_PATH (default /)
	@tests/setup/modules.sh install $(KDIR)

host: ## Build the VMBus host and the scenario runner (static binaries in out/bin)
	@tests/setup/host.sh

images: setup modules host ## Build the guests' RAM disks and disk images (in out/images)
	@tests/setup/images.sh

run: images ## Boot a stock Debian kernel on our VMBus host with our drivers and a disk
	@tests/lab/run.sh

test: images ## Run every test: cargo tests, then guests with the C drivers and with ours
	@tests/lab/test.sh $(ONLY)

bench: bench-tools ## Measure the C drivers and ours: instructions, and speeds by turns (an hour)
	@tests/lab/bench.sh

bench-quick: bench-tools ## The counted part of that, which is exact (minutes)
	@tests/lab/bench.sh quick

bench-tools: setup modules host
	@tests/setup/bench.sh
	@tests/setup/images.sh

check: setup ## Look the sources over: format, lints, C style, documentation, the project's own rules
	@tests/check/check.sh

clean: ## Remove what was built here (not the cache)
	rm -rf out tests/target
