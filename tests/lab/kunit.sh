#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kunit.sh [PATTERN]: has the kernel's own tool build a small kernel with the drivers' KUnit suites in
# it, and run those whose name matches, under QEMU. Source and objects are kept in the cache.

. "$(dirname "$0")/../setup/lib.sh"

KERNELS=$CACHE/$KERNEL/kernels
CONSOLE=$KERNELS/kunit/test.log

# The tool takes a /dev/kvm where there is one, whether it is of any use or not. The emulator always is.
hidden=()
[ ! -e /dev/kvm ] || hidden=(--bind /dev/null /dev/kvm)

run() {
	rm -f "$CONSOLE"
	in_root "${hidden[@]}" --bind "$KERNELS" /kernels -- sh -c '
		cd /kernels/linux && exec tools/testing/kunit/kunit.py run --arch=x86_64 --kunitconfig=drivers/hv/rust \
			--build_dir=/kernels/kunit --make_options=CC=x86_64-linux-gnu-gcc-14 --jobs="$1" --timeout=300 "$2"' \
		sh "$(nproc)" "$1" || return 1
	! grep -aE 'WARNING|BUG|Oops|INFO: (possible|suspicious|task)|invoked oom' "$CONSOLE"
}

"$REPO/tests/setup/kernel.sh" source >/dev/null
exec {tree}>"$KERNELS/.tree.lock"
flock "$tree" # whose drivers are in it is of importance
"$REPO/tests/setup/intree.sh" "$KERNELS/linux" >/dev/null
step kunit run "${1:-hv_*}"
say "$(grep -oE 'Ran [0-9]+ tests: .*' "$LOGS/kunit.log")"
