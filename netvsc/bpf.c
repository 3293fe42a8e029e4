// SPDX-License-Identifier: GPL-2.0
/* C macros and inline functions made callable from Rust: XDP programs, and their packets. */
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/xdp.h>

enum {
	hv_rust_net_shared_info_size = SKB_DATA_ALIGN(sizeof(struct skb_shared_info)),
};

void hv_rust_net_prog_get(struct bpf_prog *prog)
{
	bpf_prog_inc(prog);
}

void hv_rust_net_prog_put(struct bpf_prog *prog)
{
	bpf_prog_put(prog);
}

void *hv_rust_net_page_alloc(void)
{
	struct page *page = alloc_page(GFP_ATOMIC);

	return page ? page_address(page) : NULL;
}

void hv_rust_net_page_free(void *page)
{
	__free_page(virt_to_page(page));
}

/* Takes the page over. */
struct sk_buff *hv_rust_net_page_to_skb(void *page, unsigned int offset, unsigned int len)
{
	struct sk_buff *skb = build_skb(page, PAGE_SIZE);

	if (!skb) {
		__free_page(virt_to_page(page));
		return NULL;
	}
	skb_reserve(skb, offset);
	skb_put(skb, len);
	return skb;
}

int hv_rust_net_xdp_register(struct xdp_rxq_info *info, struct net_device *dev, u32 index)
{
	int error = xdp_rxq_info_reg(info, dev, index, 0);

	if (error)
		return error;
	error = xdp_rxq_info_reg_mem_model(info, MEM_TYPE_PAGE_SHARED, NULL);
	if (error)
		xdp_rxq_info_unreg(info);
	return error;
}

/* Where in its page a packet is. */
struct hv_rust_net_xdp_run {
	u32 offset;
	u32 len;
};

/*
 * Runs a program, and redirects the packet if the program says so. If that is not possible, or the
 * program said something that makes no sense, it is as if it had given up.
 */
u32 hv_rust_net_xdp_run_program(struct net_device *dev, struct bpf_prog *prog,
				struct xdp_rxq_info *info, void *page,
				struct hv_rust_net_xdp_run *run)
{
	struct xdp_buff xdp;
	u32 action;

	xdp_init_buff(&xdp, PAGE_SIZE, info);
	xdp_prepare_buff(&xdp, page, run->offset, run->len, false);
	action = bpf_prog_run_xdp(prog, &xdp);
	run->offset = xdp.data - page;
	run->len = xdp.data_end - xdp.data;
	switch (action) {
	case XDP_PASS:
	case XDP_TX:
	case XDP_DROP:
		return action;
	case XDP_REDIRECT:
		if (!xdp_do_redirect(dev, &xdp, prog))
			return action;
		fallthrough;
	case XDP_ABORTED:
		trace_xdp_exception(dev, prog, action);
		return XDP_ABORTED;
	default:
		bpf_warn_invalid_xdp_action(dev, prog, action);
		return XDP_ABORTED;
	}
}

/* A packet that starts with its Ethernet header. */
struct sk_buff *hv_rust_net_frame_to_skb(struct xdp_frame *frame, struct net_device *dev)
{
	struct sk_buff *skb = xdp_build_skb_from_frame(frame, dev);

	if (skb)
		__skb_push(skb, ETH_HLEN);
	return skb;
}
