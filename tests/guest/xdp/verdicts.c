// SPDX-License-Identifier: GPL-2.0
/*
 * XDP programs that do one thing to UDP datagrams for port 9999 and let everything else pass:
 * one program for each verdict.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <linux/in.h>

#define SEC(name) __attribute__((section(name), used))

static __always_inline int is_ours(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct udphdr *udp = data + sizeof(*eth) + sizeof(*ip);

	if ((void *)(udp + 1) > end || eth->h_proto != __builtin_bswap16(ETH_P_IP))
		return 0;
	return ip->ihl == 5 && ip->protocol == IPPROTO_UDP && udp->dest == __builtin_bswap16(9999);
}

SEC("xdp_pass")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp_drop")
int drop(struct xdp_md *ctx)
{
	return is_ours(ctx) ? XDP_DROP : XDP_PASS;
}

/* Frames of less than 128 bytes only, so that a longer one can tell that they are gone. */
SEC("xdp_drop_short")
int drop_short(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	return is_ours(ctx) && data + 128 > end ? XDP_DROP : XDP_PASS;
}

SEC("xdp_aborted")
int aborted(struct xdp_md *ctx)
{
	return is_ours(ctx) ? XDP_ABORTED : XDP_PASS;
}

SEC("xdp_unknown")
int unknown(struct xdp_md *ctx)
{
	return is_ours(ctx) ? 77 : XDP_PASS;
}

/* Back to where it came from. */
SEC("xdp_tx")
int tx(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	unsigned char mac[ETH_ALEN];

	if (!is_ours(ctx) || (void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	__builtin_memcpy(mac, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, mac, ETH_ALEN);
	return XDP_TX;
}

/* Out of the interface with index 2 or 3, whichever it did not come in by. */
SEC("xdp_redirect")
int redirect(struct xdp_md *ctx)
{
	static long (*const bpf_redirect)(__u32 index, __u64 flags) = (void *)BPF_FUNC_redirect;

	return is_ours(ctx) ? bpf_redirect(5 - ctx->ingress_ifindex, 0) : XDP_PASS;
}

char gpl[] SEC("license") = "GPL";
