# SPDX-License-Identifier: GPL-2.0
#
# What people type. The kernel's build reads Kbuild instead.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup modules modules_install dkms_install intree host images run test kunit packaging arm64 fuzz fuzz-parsers bench bench-quick bench-tools check clean

help: ## Show this list
	@echo "The Rust Hyper-V guest drivers. Targets:"
	@awk -F ':.*## ' '/^[a-z0-9_-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make the Debian root and the kernel tree in the cache (once; about 6 minutes, as root)
	@tests/setup/setup.sh setup

modules: ## Build the modules for Debian's kernel, or for the prepared tree KDIR=/path
	@tests/setup/modules.sh build $(KDIR)

modules_install: ## Install the modules under INSTALL_MOD_PATH (default /)
	@tests/setup/modules.sh install $(KDIR)

dkms_install: ## Install the sources for DKMS, and what initial RAM disks need, under DESTDIR (default /)
	@tests/setup/dkms.sh

intree: ## Place the drivers in the kernel source KSRC=/path (or a copy in the cache) as drivers/hv/rust
	@tests/setup/intree.sh $(KSRC)

host: ## Build the VMBus host and the scenario runner (static binaries in out/bin)
	@tests/setup/host.sh

images: setup modules host ## Build the guests' RAM disks and disk images (in out/images)
	@tests/setup/images.sh

run: images ## Boot a stock Debian kernel on our VMBus host with our drivers and a disk
	@tests/lab/run.sh

test: images ## Run every test; ONLY=word[,word]: those of these names; KERNEL=debug, kcsan or rt: guests with that kernel
	@tests/lab/test.sh "$(ONLY)" "$(KERNEL)"

arm64: ## Compile the drivers for arm64, with pages of 4 and of 64 KiB
	@tests/setup/kernel.sh arm64-4k arm64-64k
	@echo "==> the drivers compile for arm64"

kunit: ## Run the drivers' KUnit suites by the kernel's own tool; ONLY=pattern: the suites of that name
	@tests/lab/kunit.sh "$(ONLY)"

packaging: images ## Try DKMS and initramfs-tools in a copy of the root, and boot a guest from what they make
	@tests/lab/packaging.sh

fuzz: images ## Let the host go mad for TIME seconds (default 600); PLAN=SEED[,...] to repeat; KERNEL= as for test
	@tests/lab/fuzz.sh "$(or $(TIME),600)" "$(PLAN)" "$(KERNEL)"

fuzz-parsers: ## Fuzz the drivers' parsers and the host for TIME seconds each (default 60); TARGETS=...
	@tests/fuzz/run.sh "$(or $(TIME),60)" $(TARGETS)

bench: bench-tools ## Measure the C drivers and ours: instructions, and speeds by turns (20 minutes)
	@tests/lab/bench.sh

bench-quick: bench-tools ## The counted part of that, which is exact, and a ring by itself (minutes)
	@tests/lab/bench.sh quick

bench-tools: setup modules host
	@tests/setup/bench.sh
	@tests/setup/images.sh

check: setup ## Look the sources over: format, lints, C style, documentation, the project's own rules
	@tests/check/check.sh

clean: ## Remove what was built here (not the cache)
	rm -rf out tests/target
