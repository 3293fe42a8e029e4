# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# To be read by a script that makes RAM disks, in the root.

# test_modules FOLDER BASE RELEASE SOURCE MAKE-ARGUMENT...: fills the folder with the modules that
# tests insert themselves: some of the release's below BASE, and those of tests/guest/modules, in
# SOURCE, made with these arguments. Those that want no parameters are in the file "order".
test_modules() {
	local folder=$1 base=$2 release=$3 source=$4 module file name built
	shift 4
	mkdir -p "$folder"
	for module in 8021q pktgen netconsole bonding dummy; do
		modprobe -d "$base" --show-depends -S "$release" $module | sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | awk '!seen[$0]++' | while read -r file; do
		name=$(basename "${file%.xz}")
		case $file in
		*.xz) xz -dc "$file" ;;
		*) cat "$file" ;;
		esac >"$folder/$name"
		case $name in
		netconsole.*|bonding.*|dummy.*) ;;
		*) echo "$name" >>"$folder/order" ;;
		esac
	done
	built=$(mktemp -d)
	make -s "$@" M="$source" MO="$built" modules
	cp "$built"/*.ko "$folder/"
	rm -r "$built"
}
