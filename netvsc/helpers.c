// SPDX-License-Identifier: GPL-2.0
/* Module parameters, and C macros and inline functions made callable from Rust. */
#include <linux/cpumask.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/ip6_checksum.h>
#include <net/netdev_lock.h>
#include <net/sock.h>

/* bindgen wants the declarations only. */
#ifndef __BINDGEN__
#define CREATE_TRACE_POINTS
#endif
#include "trace.h"

/* --- The driver: parameters and CPUs ---------------------------------------------------------- */

/* bindgen would take what it sees an initial value of for a constant. */
#ifdef __BINDGEN__
extern unsigned int hv_rust_netvsc_ring_size;
extern int hv_rust_netvsc_debug;
#else
unsigned int hv_rust_netvsc_ring_size = 128;
int hv_rust_netvsc_debug = -1;

module_param_named(ring_size, hv_rust_netvsc_ring_size, uint, 0444);
MODULE_PARM_DESC(ring_size, "Ring buffer size (# of 4K pages)");

module_param_named(debug, hv_rust_netvsc_debug, int, 0444);
MODULE_PARM_DESC(debug, "Debug level (0=none,...,16=all)");
#endif

unsigned int hv_rust_netvsc_online_cpus(void)
{
	return num_online_cpus();
}

bool hv_rust_netvsc_cpu_present(unsigned int cpu)
{
	return cpu_present(cpu);
}

/* --- The driver: trace events ----------------------------------------------------------------- */

void hv_rust_netvsc_trace_rndis_send(const struct net_device *dev, u16 q, u32 id, u32 kind,
				     u32 len)
{
	trace_rndis_send(dev, q, id, kind, len);
}

void hv_rust_netvsc_trace_rndis_recv(const struct net_device *dev, u16 q, u32 id, u32 kind,
				     u32 len)
{
	trace_rndis_recv(dev, q, id, kind, len);
}

void hv_rust_netvsc_trace_nvsp_send(const struct net_device *dev, u32 kind)
{
	trace_nvsp_send(dev, kind);
}

void hv_rust_netvsc_trace_nvsp_send_pkt(const struct net_device *dev, u16 q, u32 channel,
					u32 section, u32 size)
{
	trace_nvsp_send_pkt(dev, q, channel, section, size);
}

void hv_rust_netvsc_trace_nvsp_recv(const struct net_device *dev, u16 q, u32 kind)
{
	trace_nvsp_recv(dev, q, kind);
}

/* --- Devices ---------------------------------------------------------------------------------- */

int hv_rust_net_register(struct net_device *dev)
{
	netdev_lockdep_set_classes(dev);
	return register_netdevice(dev);
}

/* @arguments is a fmt::Arguments. */
void hv_rust_net_printk(const char *level, const struct net_device *dev, const void *arguments)
{
	netdev_printk(level, dev, "%pA", arguments);
}

/* Only what dynamic debugging wants. @arguments is a fmt::Arguments. */
void hv_rust_net_debug(const struct net_device *dev, const void *arguments)
{
	netdev_dbg(dev, "%pA", arguments);
}

bool hv_rust_net_xmit_more(void)
{
	return netdev_xmit_more();
}

void hv_rust_net_say(struct netlink_ext_ack *extack, const char *why)
{
	if (extack)
		extack->_msg = why;
}

/* --- Queues ----------------------------------------------------------------------------------- */

void hv_rust_net_tx_disable(struct net_device *dev)
{
	netif_tx_disable(dev);
}

void hv_rust_net_stop_queue(struct netdev_queue *queue)
{
	netif_tx_stop_queue(queue);
	/* The caller looks for room again: whoever makes some sees the queue stopped. */
	smp_mb__after_atomic();
}

/* A queue has a qdisc from the registration of its device on. */
void hv_rust_net_wake_queue(struct netdev_queue *queue)
{
	if (rcu_access_pointer(queue->qdisc))
		netif_tx_wake_queue(queue);
	else
		netif_tx_start_queue(queue);
}

/* --- NAPI ------------------------------------------------------------------------------------- */

void hv_rust_net_napi_add(struct net_device *dev, struct napi_struct *napi,
			  int (*poll)(struct napi_struct *napi, int budget))
{
	netif_napi_add(dev, napi, poll);
}

void hv_rust_net_napi_del(struct napi_struct *napi)
{
	netif_napi_del(napi);
}

bool hv_rust_net_has_queue(const struct net_device *dev, unsigned int index)
{
	return index < dev->real_num_rx_queues && index < dev->real_num_tx_queues;
}

void hv_rust_net_link_napi(struct net_device *dev, unsigned int index, struct napi_struct *napi)
{
	netif_queue_set_napi(dev, index, NETDEV_QUEUE_TYPE_RX, napi);
	netif_queue_set_napi(dev, index, NETDEV_QUEUE_TYPE_TX, napi);
}

/* --- Packets to be sent ----------------------------------------------------------------------- */

int hv_rust_net_cow_head(struct sk_buff *skb, unsigned int room)
{
	return skb_cow_head(skb, room);
}

int hv_rust_net_linearize(struct sk_buff *skb)
{
	return skb_linearize(skb);
}

struct hv_rust_net_segment {
	u64 address;
	u32 len;
	u32 padding;
};

/*
 * The first @head bytes of the room in front of the data, the data and the fragments. Returns how
 * many segments that were, or a negative error if @room is too small or there is no such head.
 */
int hv_rust_net_segments(const struct sk_buff *skb, unsigned int head,
			 struct hv_rust_net_segment *segments, unsigned int room)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	unsigned int count = 0;
	int i;

	if (head > skb_headroom(skb) || room < info->nr_frags + 2u)
		return -ENOSPC;
	if (head)
		segments[count++] = (struct hv_rust_net_segment) {
			.address = virt_to_phys(skb->head),
			.len = head,
		};
	if (skb_headlen(skb))
		segments[count++] = (struct hv_rust_net_segment) {
			.address = virt_to_phys(skb->data),
			.len = skb_headlen(skb),
		};
	for (i = 0; i < info->nr_frags; i++) {
		const skb_frag_t *frag = &info->frags[i];

		if (!skb_frag_size(frag))
			continue;
		segments[count++] = (struct hv_rust_net_segment) {
			.address = page_to_phys(skb_frag_page(frag)) + skb_frag_off(frag),
			.len = skb_frag_size(frag),
		};
	}
	return count;
}

int hv_rust_net_copy(const struct sk_buff *skb, unsigned int offset, void *to, unsigned int len)
{
	return skb_copy_bits(skb, offset, to, len);
}

u32 hv_rust_net_hash(struct sk_buff *skb)
{
	return skb_get_hash(skb);
}

/* The addresses only, and the same for all packets between two hosts. */
u32 hv_rust_net_address_hash(struct sk_buff *skb)
{
	static u32 seed __read_mostly;
	struct flow_keys flow;

	net_get_random_once(&seed, sizeof(seed));
	if (!skb_flow_dissect_flow_keys(skb, &flow, 0))
		return 0;
	switch (flow.control.addr_type) {
	case FLOW_DISSECTOR_KEY_IPV4_ADDRS:
		return jhash2((u32 *)&flow.addrs.v4addrs, 2, seed);
	case FLOW_DISSECTOR_KEY_IPV6_ADDRS:
		return jhash2((u32 *)&flow.addrs.v6addrs, 8, seed);
	default:
		return 0;
	}
}

/* Negative if there is none, or the socket may change it. */
int hv_rust_net_socket_queue(const struct sk_buff *skb)
{
	return skb->ooo_okay ? -1 : sk_tx_queue_get(skb->sk);
}

void hv_rust_net_set_socket_queue(const struct sk_buff *skb, u16 queue)
{
	struct sock *sk = skb->sk;

	if (sk && sk_fullsock(sk) && rcu_access_pointer(sk->sk_dst_cache))
		sk_tx_queue_set(sk, queue);
}

/* Leaves to the device what differs between the segments. */
int hv_rust_net_prepare_gso(struct sk_buff *skb)
{
	unsigned int end = skb_transport_offset(skb) + sizeof(struct tcphdr);
	int error;

	if (!skb_transport_header_was_set(skb) || end > skb_headlen(skb))
		return -EINVAL;
	error = skb_cow_head(skb, 0);
	if (error)
		return error;
	if (skb->protocol == htons(ETH_P_IP)) {
		ip_hdr(skb)->tot_len = 0;
		ip_hdr(skb)->check = 0;
		tcp_hdr(skb)->check = ~csum_tcpudp_magic(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr,
							 0, IPPROTO_TCP, 0);
	} else {
		tcp_v6_gso_csum_prep(skb);
	}
	return 0;
}

int hv_rust_net_pop_vlan(struct sk_buff *skb, u16 *tci)
{
	skb_reset_mac_header(skb);
	return __skb_vlan_pop(skb, tci);
}

/* --- Received packets ------------------------------------------------------------------------- */

int hv_rust_net_ip_checksum(struct sk_buff *skb)
{
	struct iphdr *ip = (struct iphdr *)skb->data;

	if (skb_headlen(skb) < sizeof(*ip) || ip->ihl < 5 || skb_headlen(skb) < ip->ihl * 4)
		return -EINVAL;
	ip->check = 0;
	ip->check = ip_fast_csum(ip, ip->ihl);
	return 0;
}
