// SPDX-License-Identifier: GPL-2.0
/*
 * udp ADDRESS PORT COUNT SIZE [wait|send]: sends datagrams, each from a port of its own, and with
 * "wait" (the default) takes each one's echo and compares it. Prints how many came back, or were
 * sent; fails where one of them came back changed, or fewer than all.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static char sent[65536], got[65536];

/* Whether the echo came; a datagram may get lost, so there are a few tries. */
static int exchange(const struct sockaddr_storage *to, socklen_t len, size_t size, int wait)
{
	struct timeval limit = { .tv_sec = 2 };
	int tries, ok = 0, fd = socket(to->ss_family, SOCK_DGRAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, len)) {
		perror("udp: connect");
		exit(2);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	for (tries = 0; tries < 5 && !ok; tries++) {
		ssize_t n = send(fd, sent, size, 0);

		if (n == (ssize_t)size && wait) {
			n = recv(fd, got, sizeof(got), 0);
			if (n >= 0 && (n != (ssize_t)size || memcmp(sent, got, size))) {
				fprintf(stderr, "udp: %zd other bytes came back\n", n);
				exit(3);
			}
		}
		ok = n == (ssize_t)size;
		if (!wait)
			break;
	}
	close(fd);
	return ok;
}

int main(int argc, char **argv)
{
	struct sockaddr_storage to = { 0 };
	struct sockaddr_in *v4 = (void *)&to;
	struct sockaddr_in6 *v6 = (void *)&to;
	int i, done = 0, wait = argc < 6 || !strcmp(argv[5], "wait");
	size_t at, size;

	if (argc < 5)
		return 2;
	size = strtoul(argv[4], NULL, 10);
	if (size > sizeof(sent))
		return 2;
	if (inet_pton(AF_INET, argv[1], &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(atoi(argv[2]));
	} else if (inet_pton(AF_INET6, argv[1], &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(atoi(argv[2]));
	} else {
		return 2;
	}
	for (i = 0; i < atoi(argv[3]); i++) {
		for (at = 0; at < size; at++)
			sent[at] = at * 7 + i;
		done += exchange(&to, to.ss_family == AF_INET ? sizeof(*v4) : sizeof(*v6), size, wait);
	}
	printf("%d\n", done);
	return done == atoi(argv[3]) ? 0 : 1;
}
