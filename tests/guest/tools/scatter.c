// SPDX-License-Identifier: GPL-2.0
/*
 * scatter ADDRESS PORT COUNT: sends datagrams from where they are, each in about as many pieces as
 * a packet of the kernel's can have, every piece across the border of two pages. Takes each one's
 * echo and compares it.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECES 16
#define PIECE 64
#define PAGE 4096
#define HUGE (2 << 20)

static unsigned char got[65536];

/* One page of two megabytes: pieces of small pages would have one each. */
static unsigned char *huge_page(void)
{
	unsigned char *at = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	at = (void *)(((uintptr_t)at + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	if (madvise(at, HUGE, MADV_HUGEPAGE))
		return NULL;
	memset(at, 0x5a, HUGE);
	return at;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval limit = { .tv_sec = 2 };
	struct iovec pieces[PIECES];
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = PIECES };
	int fd, i, j, tries, done = 0, on = 1;
	unsigned char *page = huge_page();

	if (argc != 4 || !page || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons(atoi(argv[2]));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    connect(fd, (void *)&to, sizeof(to))) {
		perror("scatter: socket");
		return 2;
	}
	for (i = 0; i < PIECES; i++) {
		pieces[i].iov_base = page + (i + 1) * 2 * PAGE - PIECE / 2;
		pieces[i].iov_len = PIECE;
	}
	for (i = 0; i < atoi(argv[3]); i++) {
		for (j = 0; j < PIECES; j++)
			memset(pieces[j].iov_base, i * PIECES + j, PIECE);
		for (tries = 0; tries < 5; tries++) {
			if (sendmsg(fd, &message, MSG_ZEROCOPY) != PIECES * PIECE) {
				perror("scatter: send");
				return 1;
			}
			if (recv(fd, got, sizeof(got), 0) == PIECES * PIECE)
				break;
		}
		for (j = 0; tries < 5 && j < PIECES * PIECE; j++)
			if (got[j] != (unsigned char)(i * PIECES + j / PIECE)) {
				fprintf(stderr, "scatter: byte %d came back as %d\n", j, got[j]);
				return 3;
			}
		done += tries < 5;
	}
	printf("%d\n", done);
	return done == atoi(argv[3]) ? 0 : 1;
}
