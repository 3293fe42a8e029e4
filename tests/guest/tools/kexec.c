// SPDX-License-Identifier: GPL-2.0
/*
 * kexec start KERNEL INITRD COMMAND-LINE: starts another kernel in this one's place.
 * kexec crash KERNEL INITRD COMMAND-LINE: has it started when this one crashes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "kexec: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	int crash, kernel, initrd;

	if (argc != 5) {
		fprintf(stderr, "usage: kexec start|crash KERNEL INITRD COMMAND-LINE\n");
		return 2;
	}
	crash = !strcmp(argv[1], "crash");
	kernel = open(argv[2], O_RDONLY);
	if (kernel < 0)
		return fail(argv[2]);
	initrd = open(argv[3], O_RDONLY);
	if (initrd < 0)
		return fail(argv[3]);
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[4]) + 1, argv[4],
		    crash ? KEXEC_FILE_ON_CRASH : 0))
		return fail("loading");
	if (crash)
		return 0;
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	return fail("starting");
}
