#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# cargo for the host's crates, in tests/. They want a newer compiler than the kernel's modules do:
# the machine's own where it is new enough, else the backports' in a small root of its own.

. "$(dirname "$0")/lib.sh"

WANT=1.88
TOOLS=$CACHE/cargo-root
CERTIFICATES=/etc/ssl/certs/ca-certificates.crt

new_enough() {
	local have
	have=$(cargo --version 2>/dev/null | cut -d' ' -f2) && [ -n "$have" ] &&
		[ "$(printf '%s\n' $WANT "$have" | sort -V | head -n 1)" = $WANT ]
}

make_tools() {
	rm -rf --one-file-system "$TOOLS.partial"
	mmdebstrap --mode=root --variant=apt --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
		--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
		--include=gcc,libc6-dev,ca-certificates,cargo/trixie-backports,rustc/trixie-backports,rust-clippy/trixie-backports,rustfmt/trixie-backports \
		trixie "$TOOLS.partial" "deb ${DEBIAN_MIRROR:-http://deb.debian.org/debian} trixie main" \
		"deb ${DEBIAN_MIRROR:-http://deb.debian.org/debian} trixie-backports main" ||
		{ rm -rf --one-file-system "$TOOLS.partial"; return 1; }
	mv "$TOOLS.partial" "$TOOLS"
}

cd "$REPO/tests"
if new_enough; then
	exec cargo "$@"
fi
[ "$(id -u)" = 0 ] || die "cargo here is older than $WANT; run as root once, so that one can be set up in $TOOLS"
[ -d "$TOOLS" ] || step setup-cargo make_tools >&2
cp /etc/resolv.conf "$TOOLS/etc/resolv.conf"
# A machine may trust authorities of its own.
[ ! -e $CERTIFICATES ] || cp -L $CERTIFICATES "$TOOLS$CERTIFICATES"
ROOT=$TOOLS
in_root --bind "$REPO" /src -- env ${RUSTFLAGS:+RUSTFLAGS="$RUSTFLAGS"} \
	${HV_LAYOUT:+HV_LAYOUT="/src${HV_LAYOUT#"$REPO"}"} HOME=/root \
	sh -c 'cd /src/tests && exec cargo "$@"' cargo "$@"
