# SPDX-License-Identifier: GPL-2.0
# Sourced by the scripts of this folder and of tests/lab: where things are, and how to speak.

set -eu -o pipefail

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
KERNEL=$(cat "$REPO/tests/setup/kernel-version")
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/hyperv-rust
ROOT=$CACHE/$KERNEL/root          # the Debian 13 root that kernel work runs in
QEMU=$CACHE/$KERNEL/qemu          # QEMU for nested guests, see qemu.sh
OUT=$REPO/out                     # everything that a run makes: modules, images, logs
LOGS=$OUT/logs

. "$REPO/tests/setup/packaging/say.sh"
. "$REPO/tests/setup/packaging/tree.sh"

# step NAME COMMAND...: runs the command with its output in a log, says what is going on once every
# ten seconds, and shows the end of the log where it fails.
step() {
	local name=$1 log=$LOGS/$1.log start=$SECONDS pid status=0
	shift
	mkdir -p "$LOGS"
	say "$name (log: $log)"
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		timeout 10 tail --pid=$pid -f /dev/null || true
		if kill -0 $pid 2>/dev/null; then
			printf '    %3d s  %s\n' $((SECONDS - start)) "$(tail -n 1 "$log" | tr -d '\r' | cut -c1-90)"
		fi
	done
	wait $pid || status=$?
	if [ $status -ne 0 ]; then
		tail -n 30 "$log" >&2
		die "$name failed with status $status; the whole log is in $log"
	fi
	say "$name: done in $((SECONDS - start)) s"
}

# in_root [--bind SRC DST]... -- COMMAND...: runs a command inside the root, in a mount namespace
# of its own, so that no mount is left behind however it ends.
in_root() {
	local binds=()
	while [ "$1" = --bind ]; do
		mkdir -p "$ROOT$3"
		binds+=("$2" "$3")
		shift 3
	done
	shift
	unshare --mount --propagation private bash -c '
		root=$1 n=$2; shift 2
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		while [ "$n" -gt 0 ]; do mount --rbind "$1" "$root$2"; shift 2; n=$((n - 1)); done
		exec chroot "$root" "$@"' in_root "$ROOT" $((${#binds[@]} / 2)) "${binds[@]}" "$@"
}

# The arguments with which make gets the configuration that Debian's kernel was built with.
debian_make_args() {
	echo CC=x86_64-linux-gnu-gcc-14 "LOCALVERSION=+$(cut -d+ -f2- "$ROOT/kernel-version")"
}

# The files that make up the drivers, from the top of the repository: what is in the folders that
# Kbuild names, without what a build leaves there.
driver_sources() {
	cd "$REPO"
	echo Kbuild
	echo Kconfig
	find $(grep -oE '\<[a-z_]+/[a-z_]+\.o\>' Kbuild | cut -d/ -f1 | sort -u) -type f \
		\( -name '*.rs' -o -name '*.[ch]' -o -name hv_bindgen_parameters \) \
		! -name hv_bindings.rs ! -name exports_generated.h ! -name '*.mod.c'
}
