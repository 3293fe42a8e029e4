#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh SECONDS [TARGET...]: fuzzes the parsers of the drivers and the host, each for so many
# seconds, from what earlier runs found (out/fuzz). A failing input is left in out/fuzz/TARGET.crash-*.
# Needs a C++ compiler, for libFuzzer; any recent Rust compiler will do.

. "$(dirname "$0")/../setup/lib.sh"

seconds=${1:?seconds for each target}
shift
cd "$REPO/tests/fuzz"
target=x86_64-unknown-linux-gnu
flags="--cfg fuzzing -Cpasses=sancov-module"
for option in level=4 inline-8bit-counters pc-table trace-compares; do
	flags+=" -Cllvm-args=-sanitizer-coverage-$option"
done
# One at a time: the kernel's files want zerocopy without its derive feature, the host with it.
for package in fuzz-drivers fuzz-host; do
	step $package env RUSTFLAGS="$flags" cargo build --release --locked --target $target -p $package
done

[ $# -gt 0 ] || set -- bus ring storage network utilities host
for name; do
	corpus=$OUT/fuzz/$name
	mkdir -p "$corpus"
	step "fuzz-$name" "target/$target/release/$name" -max_total_time="$seconds" -max_len=4096 -timeout=20 \
		-print_final_stats=1 -artifact_prefix="$OUT/fuzz/$name." "$corpus"
	grep -E 'number_of_executed_units|new_units_added|Done' "$LOGS/fuzz-$name.log"
done
