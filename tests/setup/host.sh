#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the VMBus host, the scenario runner and a guest's tool as static binaries, which run from
# any RAM disk.

. "$(dirname "$0")/lib.sh"

mkdir -p "$OUT/bin" "$LOGS"
target=x86_64-unknown-linux-gnu
step host env RUSTFLAGS="-C target-feature=+crt-static" "$REPO/tests/setup/cargo.sh" \
	build --release --locked --target $target -p vmbus-host -p vmbus-e2e -p scsi-tool
for binary in vmbus-host vmbus-e2e scsi-tool; do
	built=$REPO/tests/target/$target/release/$binary
	cmp -s "$built" "$OUT/bin/$binary" && continue
	cp "$built" "$OUT/bin/$binary.new"
	mv "$OUT/bin/$binary.new" "$OUT/bin/$binary" # the old one may be running
done
