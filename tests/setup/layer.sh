# SPDX-License-Identifier: GPL-2.0
# Sourced after lib.sh: layers over the root, for programs that neither the kernel's build nor guests
# need. The root stays as it is.

EXTRA=$CACHE/$KERNEL/extra
EXTRA_PACKAGES="dkms initramfs-tools python3-sphinx"

# layered LAYER LOWER COMMAND...: runs a command in the folders LOWER, separated by colons, with what it
# writes in LAYER/upper, and with the repository in /host.
layered() {
	local layer=$1 lower=$2
	shift 2
	mkdir -p "$layer"/{upper,work,root}
	unshare --mount --propagation private bash -eu -c '
		layer=$1 lower=$2 repo=$3; shift 3
		mount -t overlay overlay -o "lowerdir=$lower,upperdir=$layer/upper,workdir=$layer/work" "$layer/root" ||
			{ echo "error: the file system of $layer cannot be the upper layer of an overlay"; exit 1; }
		cd "$layer/root"
		mkdir -p host
		mount -t proc proc proc
		mount --rbind /dev dev
		mount --bind "$repo" host
		exec chroot . "$@"' layered "$layer" "$lower" "$REPO" "$@"
}

# The layer with the packages, once.
make_extra() {
	rm -rf --one-file-system "$EXTRA"
	mkdir -p "$EXTRA/upper/etc"
	cp /etc/resolv.conf "$EXTRA/upper/etc/resolv.conf"
	layered "$EXTRA" "$ROOT" sh -ec "
		apt-get -o Acquire::Check-Valid-Until=false update
		DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $EXTRA_PACKAGES
		apt-get clean
		rm -rf /var/lib/apt/lists/*"
	echo "$EXTRA_PACKAGES" >"$EXTRA/.packages"
}

need_extra() {
	[ "$(id -u)" = 0 ] || die "this is tried in a root that is mounted, so it must run as root"
	[ "$EXTRA/.packages" -nt "$ROOT/.complete" ] && [ "$(cat "$EXTRA/.packages")" = "$EXTRA_PACKAGES" ] ||
		step setup-extra make_extra
}

# in_extra COMMAND...: runs a command in the layer with the packages. What it writes there is thrown
# away.
in_extra() {
	local scratch status=0
	scratch=$(mktemp -d -p "$CACHE")
	layered "$scratch" "$EXTRA/upper:$ROOT" "$@" || status=$?
	rm -rf --one-file-system "$scratch"
	return $status
}
