// SPDX-License-Identifier: GPL-2.0
/*
 * netdev INTERFACE: what the kernel's netlink family "netdev" knows of an interface: which XDP
 * features it has, and for each queue whether it is known who polls it.
 */
#include <linux/genetlink.h>
#include <linux/netdev.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fd;
static char answer[65536];

static void ask(int family, int command, int version, int flags, int attribute, const void *value,
		int len)
{
	struct {
		struct nlmsghdr header;
		struct genlmsghdr generic;
		char room[64];
	} request = { 0 };
	struct nlattr *at = (void *)request.room;

	request.header.nlmsg_type = family;
	request.header.nlmsg_flags = NLM_F_REQUEST | flags;
	request.header.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) + NLA_HDRLEN + NLA_ALIGN(len);
	request.generic.cmd = command;
	request.generic.version = version;
	at->nla_type = attribute;
	at->nla_len = NLA_HDRLEN + len;
	memcpy((char *)at + NLA_HDRLEN, value, len);
	if (send(fd, &request, request.header.nlmsg_len, 0) < 0) {
		perror("netdev: send");
		exit(1);
	}
}

/* Calls @each with the attributes of every message of the answer. */
static void listen_to(void (*each)(const struct nlattr *at, int len))
{
	struct nlmsghdr *message;
	int len, more;

	do {
		len = recv(fd, answer, sizeof(answer), 0);
		more = 0;
		for (message = (void *)answer; NLMSG_OK(message, len);
		     message = NLMSG_NEXT(message, len)) {
			if (message->nlmsg_type == NLMSG_DONE)
				return;
			if (message->nlmsg_type == NLMSG_ERROR) {
				fprintf(stderr, "netdev: error %d\n", *(int *)NLMSG_DATA(message));
				exit(1);
			}
			more |= message->nlmsg_flags & NLM_F_MULTI;
			each((void *)((char *)NLMSG_DATA(message) + GENL_HDRLEN),
			     message->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN));
		}
	} while (more);
}

static const void *find(const struct nlattr *at, int len, int type)
{
	while (len >= NLA_HDRLEN && at->nla_len >= NLA_HDRLEN && at->nla_len <= len) {
		if ((at->nla_type & NLA_TYPE_MASK) == type)
			return (const char *)at + NLA_HDRLEN;
		len -= NLA_ALIGN(at->nla_len);
		at = (const void *)((const char *)at + NLA_ALIGN(at->nla_len));
	}
	return NULL;
}

static int family;

static void of_family(const struct nlattr *at, int len)
{
	const unsigned short *id = find(at, len, CTRL_ATTR_FAMILY_ID);

	family = id ? *id : 0;
}

static void of_device(const struct nlattr *at, int len)
{
	const unsigned long long *features = find(at, len, NETDEV_A_DEV_XDP_FEATURES);

	printf("xdp-features %#llx\n", features ? *features : 0);
}

static void of_queue(const struct nlattr *at, int len)
{
	const unsigned int *type = find(at, len, NETDEV_A_QUEUE_TYPE);
	const unsigned int *id = find(at, len, NETDEV_A_QUEUE_ID);

	if (type && id)
		printf("%s %u: %s\n", *type == NETDEV_QUEUE_TYPE_RX ? "rx" : "tx", *id,
		       find(at, len, NETDEV_A_QUEUE_NAPI_ID) ? "has a poller" : "has no poller");
}

int main(int argc, char **argv)
{
	unsigned int index;

	if (argc != 2)
		return 2;
	index = if_nametoindex(argv[1]);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0, CTRL_ATTR_FAMILY_NAME, "netdev", 7);
	listen_to(of_family);
	if (!index || !family)
		return 1;
	ask(family, NETDEV_CMD_DEV_GET, 1, 0, NETDEV_A_DEV_IFINDEX, &index, sizeof(index));
	listen_to(of_device);
	ask(family, NETDEV_CMD_QUEUE_GET, 1, NLM_F_DUMP, NETDEV_A_QUEUE_IFINDEX, &index,
	    sizeof(index));
	listen_to(of_queue);
	return 0;
}
