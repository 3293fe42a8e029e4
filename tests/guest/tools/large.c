// SPDX-License-Identifier: GPL-2.0
/*
 * large INTERFACE tcp|udp 4|6 SEGMENT BYTES [COUNT]: hands the kernel packets, one by default, that
 * are to become segments of SEGMENT bytes, to an address that nobody has. Byte n of the payload is n
 * modulo 251.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define MAX_BYTES 65000

struct packet {
	struct virtio_net_hdr offload;
	unsigned char frame[128 + MAX_BYTES];
};

static struct packet packet;

static unsigned int sum(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	unsigned int total = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		total += bytes[i] << 8 | bytes[i + 1];
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

/* The sum of the pseudo header, which whoever computes the checksum goes on from. */
static unsigned short pseudo(const void *addresses, size_t size, int protocol, size_t len)
{
	unsigned int total = sum(addresses, size) + protocol + len;

	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return htons(total);
}

static size_t ethernet(unsigned char *at, int fd, const char *interface, int version)
{
	static const unsigned char nobody[ETH_ALEN] = { 2, 0, 0, 0, 0, 0x99 };
	struct ethhdr *header = (void *)at;
	struct ifreq request = { 0 };

	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &request)) {
		perror("large: the interface's address");
		exit(1);
	}
	memcpy(header->h_dest, nobody, ETH_ALEN);
	memcpy(header->h_source, request.ifr_hwaddr.sa_data, ETH_ALEN);
	header->h_proto = htons(version == 4 ? ETH_P_IP : ETH_P_IPV6);
	return sizeof(*header);
}

/* Returns the length of the header, and the pseudo header's sum. */
static size_t ip(unsigned char *at, int version, int protocol, size_t len, unsigned short *check)
{
	struct iphdr *v4 = (void *)at;
	struct ipv6hdr *v6 = (void *)at;

	if (version == 4) {
		v4->version = 4;
		v4->ihl = 5;
		v4->tot_len = htons(sizeof(*v4) + len);
		v4->id = htons(1000);
		v4->ttl = 64;
		v4->protocol = protocol;
		inet_pton(AF_INET, "10.0.0.15", &v4->saddr);
		inet_pton(AF_INET, "10.0.0.99", &v4->daddr);
		v4->check = htons(~sum(v4, sizeof(*v4)));
		*check = pseudo(&v4->saddr, 8, protocol, len);
		return sizeof(*v4);
	}
	v6->version = 6;
	v6->payload_len = htons(len);
	v6->nexthdr = protocol;
	v6->hop_limit = 64;
	inet_pton(AF_INET6, "fd00::15", &v6->saddr);
	inet_pton(AF_INET6, "fd00::99", &v6->daddr);
	*check = pseudo(&v6->saddr, 32, protocol, len);
	return sizeof(*v6);
}

static void tcp(unsigned char *at, unsigned short check)
{
	struct tcphdr *header = (void *)at;

	header->source = htons(5000);
	header->dest = htons(9);
	header->seq = htonl(0xfffff000);
	header->doff = sizeof(*header) / 4;
	header->ack = 1;
	header->psh = 1;
	header->window = htons(1000);
	header->check = check;
	packet.offload.csum_offset = offsetof(struct tcphdr, check);
}

static void udp(unsigned char *at, size_t len, unsigned short check)
{
	struct udphdr *header = (void *)at;

	header->source = htons(5000);
	header->dest = htons(9);
	header->len = htons(len);
	header->check = check;
	packet.offload.csum_offset = offsetof(struct udphdr, check);
}

/* Makes the packet and returns its length. */
static size_t make(int fd, const char *interface, int is_tcp, int version, size_t bytes)
{
	size_t transport = is_tcp ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	int protocol = is_tcp ? IPPROTO_TCP : IPPROTO_UDP;
	unsigned short check;
	size_t at, i;

	at = ethernet(packet.frame, fd, interface, version);
	at += ip(packet.frame + at, version, protocol, transport + bytes, &check);
	packet.offload.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	packet.offload.csum_start = at;
	if (is_tcp) {
		packet.offload.gso_type = version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 :
							 VIRTIO_NET_HDR_GSO_TCPV6;
		tcp(packet.frame + at, check);
	} else {
		packet.offload.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
		udp(packet.frame + at, transport + bytes, check);
	}
	at += transport;
	packet.offload.hdr_len = at;
	for (i = 0; i < bytes; i++)
		packet.frame[at + i] = i % 251;
	return offsetof(struct packet, frame) + at + bytes;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	int fd, version, count, on = 1;
	size_t bytes, len;

	if (argc < 6)
		return 2;
	version = atoi(argv[3]);
	bytes = strtoul(argv[5], NULL, 10);
	if (bytes > MAX_BYTES)
		return 2;
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on))) {
		perror("large: socket");
		return 1;
	}
	to.sll_ifindex = if_nametoindex(argv[1]);
	to.sll_protocol = htons(version == 4 ? ETH_P_IP : ETH_P_IPV6);
	packet.offload.gso_size = strtoul(argv[4], NULL, 10);
	len = make(fd, argv[1], !strcmp(argv[2], "tcp"), version, bytes);
	for (count = argc > 6 ? atoi(argv[6]) : 1; count; count--)
		if (sendto(fd, &packet, len, 0, (void *)&to, sizeof(to)) != (ssize_t)len) {
			perror("large: send");
			return 1;
		}
	return 0;
}
