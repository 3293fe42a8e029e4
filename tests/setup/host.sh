#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the VMBus host and the scenario runner as static binaries, which run from any RAM disk.

. "$(dirname "$0")/lib.sh"

mkdir -p "$OUT/bin" "$LOGS"
target=x86_64-unknown-linux-gnu
step host env RUSTFLAGS="-C target-feature=+crt-static" "$REPO/tests/setup/cargo.sh" \
	build --release --locked --target $target -p vmbus-host -p vmbus-e2e
for binary in vmbus-host vmbus-e2e; do
	cmp -s "$REPO/tests/target/$target/release/$binary" "$OUT/bin/$binary" ||
		cp "$REPO/tests/target/$target/release/$binary" "$OUT/bin/$binary"
done
