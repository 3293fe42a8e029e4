#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Prints what user space finds in sysfs about the VMBus, to compare drivers by: a line per file,
# `path mode`, and ` = contents` where those are the same in every boot. Newlines in them are |.
# usage: sysfs-dump.sh [DRIVER...]; default hv_storvsc
bus=/sys/bus/vmbus
[ -d $bus ] || { echo "sysfs-dump: there is no $bus" >&2; exit 1; }

# Files whose contents follow from the offer and the driver alone.
stable=" class_id device_id modalias vendor device monitor_id subchannel_id hibernation uevent "

# files DIRECTORY NAME: the files right in DIRECTORY, which goes by NAME.
files() {
	find "$1/" -maxdepth 1 -type f | sort | while read -r file; do
		name=${file##*/}
		mode=$(stat -c %a "$file")
		line="$2/$name $mode"
		case $mode$stable in
		200*) ;;
		*" $name "*) line="$line = $(tr '\n' '|' <"$file")" ;;
		esac
		echo "$line"
	done
}

# link DIRECTORY NAME LINK: where LINK in DIRECTORY points to, by its last component.
link() {
	[ ! -L "$1/$3" ] || echo "$2/$3 -> $(basename "$(readlink "$1/$3")")"
}

files $bus bus
for driver in "${@:-hv_storvsc}"; do
	[ ! -d "$bus/drivers/$driver" ] || files "$bus/drivers/$driver" "drivers/$driver"
done
for path in "$bus"/devices/*; do
	[ -d "$path" ] || continue
	device=${path##*/}
	link "$path" "$device" driver
	link "$path" "$device" subsystem
	files "$path" "$device"
	for directory in "$path"/power "$path"/channels/*; do
		[ ! -d "$directory" ] || files "$directory" "$device/${directory#"$path"/}"
	done
done
