#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# machine.sh COMMAND...: runs a command, in out/, where KVM can be a Hyper-V host: on this machine
# if its KVM has the capability, else in a QEMU machine that emulates AMD-V. VCPUS, MEMORY and
# LIMIT (seconds) size the latter. Its escape key is Ctrl-], so that Ctrl-A is the command's.
# With PLUGIN, a plugin of QEMU's and its arguments, it is always the latter. With PAUSES=1 the machine
# stops for a moment again and again, which no program in it may notice.

. "$(dirname "$0")/../setup/lib.sh"

cd "$OUT"
if [ "${LAB_NESTED:-}" != 1 ] && [ -z "${PLUGIN:-}" ] && bin/vmbus-host check >/dev/null 2>&1; then
	LAB_ROOT=$ROOT exec "$@"
fi

# A folder for each job, so that several may run at once.
job=jobs/$$
saved=
mkdir -p $job
trap 'rm -rf $job; [ -z "$saved" ] || stty "$saved"' EXIT
printf 'exec' >$job/command
printf ' %q' "$@" >>$job/command
[ ! -t 0 ] || saved=$(stty -g)
"$REPO/tests/setup/qemu.sh"

# Without a reader the monitor waits for one.
pause_again() {
	mkfifo "$job"/monitor.{in,out}
	cat "$job/monitor.out" >/dev/null &
	while [ -e "$job/monitor.in" ]; do printf 'stop\ncont\n'; sleep 0.02; done >"$job/monitor.in" &
}
[ -z "${PAUSES:-}" ] || pause_again

# Where the processors are busy while it boots, the machine would measure its time stamp counter wrong, and
# all clocks in it be fast or slow for good. The emulator's counter is the processor's.
in_root --bind "$QEMU" /qemu --bind "$OUT" /lab -- timeout --foreground --kill-after=10 "${LIMIT:-5400}" \
	/qemu/qemu-system-x86_64 -L /usr/share/qemu -L /usr/share/seabios -accel tcg,thread=multi,tb-size=512 -cpu max,+svm,+npt -smp "${VCPUS:-4}" -m "${MEMORY:-6G}" \
	${PLUGIN:+-plugin "$PLUGIN"} ${PAUSES:+-monitor "pipe:/lab/$job/monitor"} \
	-kernel /lab/images/vmlinuz -initrd /lab/images/outer.cpio \
	-append "console=ttyS0 quiet panic=-1 mitigations=off no5lvl tsc=reliable tsc_early_khz=$(bin/vmbus-host tsc-khz) no_timer_check lab.job=$job" \
	-virtfs local,path=/lab,mount_tag=lab,security_model=none,multidevs=remap \
	-virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
	-d cpu_reset -D "/lab/$job/resets" -nodefaults -display none -no-reboot -echr 0x1d -chardev stdio,id=console,mux=on,signal=off -serial chardev:console ||
	die "the outer machine ended with status $? (124: it ran into its limit of ${LIMIT:-5400} s)"
if [ ! -e $job/status ]; then
	cp $job/resets "$LOGS/outer-resets.log"
	die "the outer machine ended before the command did; how its processors were reset is in $LOGS/outer-resets.log"
fi
exit "$(cat $job/status)"
