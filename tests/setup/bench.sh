#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds what only the benchmark needs: the runner and the guest's program as static binaries, the
# plugin for QEMU, and a RAM disk with the program and fio and iperf3.

. "$(dirname "$0")/lib.sh"

target=x86_64-unknown-linux-gnu
mkdir -p "$OUT/bin" "$LOGS"
step bench env RUSTFLAGS="-C target-feature=+crt-static" "$REPO/tests/setup/cargo.sh" \
	build --release --locked --target $target -p vmbus-bench -p bench-load
# A library cannot be static; it runs in the root's QEMU, with the root's libraries.
step bench-plugin "$REPO/tests/setup/cargo.sh" build --release --locked -p bench-plugin
built=$REPO/tests/target
install -m 755 "$built/$target/release/"{vmbus-bench,bench-load} "$built/release/libbench_plugin.so" "$OUT/bin/"
