// SPDX-License-Identifier: GPL-2.0
/*
 * say ADDRESS PORT: sends standard input over TCP in writes as large as the socket takes, and
 * copies the answer to standard output.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static char buffer[1 << 20];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int connected(const char *address, const char *port)
{
	struct sockaddr_storage to = { 0 };
	struct sockaddr_in *v4 = (void *)&to;
	struct sockaddr_in6 *v6 = (void *)&to;
	struct timeval limit = { .tv_sec = 60 };
	int fd;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(atoi(port));
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(atoi(port));
	} else {
		exit(2);
	}
	fd = socket(to.ss_family, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (void *)&to, to.ss_family == AF_INET ? sizeof(*v4) : sizeof(*v6)))
		fail("say: connect");
	return fd;
}

int main(int argc, char **argv)
{
	ssize_t len, sent, n;
	size_t have;
	int fd;

	if (argc != 3)
		return 2;
	fd = connected(argv[1], argv[2]);
	do {
		for (have = 0; have < sizeof(buffer); have += len) {
			len = read(0, buffer + have, sizeof(buffer) - have);
			if (len < 0)
				fail("say: read");
			if (!len)
				break;
		}
		for (sent = 0; sent < (ssize_t)have; sent += n) {
			n = send(fd, buffer + sent, have - sent, MSG_NOSIGNAL);
			if (n < 0)
				fail("say: send");
		}
	} while (have == sizeof(buffer));
	shutdown(fd, SHUT_WR);
	while ((len = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		if (write(1, buffer, len) != len)
			fail("say: write");
	if (len < 0)
		fail("say: recv");
	return 0;
}
