#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The main job: a stock Debian kernel on our VMBus host, with our drivers.

. "$(dirname "$0")/../setup/lib.sh"

# The disk is a copy: what is done in the guest does not wear the image out.
cp --sparse=always "$OUT/images/disk.img" "$OUT/images/run.img"
cat "$OUT/images/guest.cpio" "$OUT/images/daemons.cpio" >"$OUT/images/run.cpio"
shell=0
[ -t 0 ] && shell=1
say "booting a guest: stock Debian kernel, VMBus host, our drivers (up to a minute where KVM is emulated)"
"$REPO/tests/lab/machine.sh" bin/vmbus-host run --kernel images/vmlinuz --initrd images/run.cpio \
	--cpus 2 --memory 512M --disk images/run.img --nic peer,queues=2 \
	--append "console=ttyS0 quiet panic=-1 mitigations=off pci=off initcall_blacklist=hv_acpi_init hv.mode=demo hv.shell=$shell hv.sum=$(cat "$OUT/images/disk.sum")"
