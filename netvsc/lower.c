// SPDX-License-Identifier: GPL-2.0
/* C macros and inline functions made callable from Rust: devices of other drivers. */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/netpoll.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <net/net_namespace.h>
#include <net/netdev_lock.h>
#include <net/sch_generic.h>
#include <net/xdp.h>

/* --- Any device ------------------------------------------------------------------------------- */

void hv_rust_net_hold(struct net_device *dev)
{
	dev_hold(dev);
}

void hv_rust_net_put(struct net_device *dev)
{
	dev_put(dev);
}

/* Calls @visit for devices in all namespaces, until it returns false. It must not sleep. */
void hv_rust_net_each(bool (*visit)(struct net_device *dev, void *context), void *context)
{
	struct net_device *dev;
	struct net *net;

	rcu_read_lock();
	for_each_net_rcu(net)
		for_each_netdev_rcu(net, dev)
			if (!visit(dev, context))
				goto out;
out:
	rcu_read_unlock();
}

/* A device with a link of its own, not one that is made of others. */
bool hv_rust_net_is_plain_ethernet(const struct net_device *dev)
{
	return dev->type == ARPHRD_ETHER && dev->addr_len == ETH_ALEN && !is_vlan_dev(dev) &&
	       !netif_is_bond_master(dev);
}

/* The number that a device's PCI slot is called by; -ENODEV without PCI, -ENOENT without a slot. */
int hv_rust_net_pci_slot(const struct net_device *dev, u32 *number)
{
	const struct pci_dev *pdev;

	if (!dev->dev.parent || !dev_is_pci(dev->dev.parent))
		return -ENODEV;
	pdev = to_pci_dev(dev->dev.parent);
	if (!pdev->slot)
		return -ENOENT;
	return kstrtou32(pci_slot_name(pdev->slot), 10, number);
}

bool hv_rust_net_same_namespace(const struct net_device *dev, const struct net_device *other)
{
	return net_eq(dev_net(dev), dev_net(other));
}

int hv_rust_net_join_namespace(struct net_device *dev, const struct net_device *other)
{
	return dev_change_net_namespace(dev, dev_net(other), "eth%d");
}

/* Whatever is wanted is switched on, unless the driver says otherwise: only what can be changed. */
void hv_rust_net_want_features(struct net_device *dev, netdev_features_t features)
{
	netdev_lock_ops(dev);
	dev->wanted_features = features & dev->hw_features;
	netdev_update_features(dev);
	netdev_unlock_ops(dev);
}

int hv_rust_net_give_program(struct net_device *dev, struct bpf_prog *prog)
{
	struct netdev_bpf bpf = {
		.command = XDP_SETUP_PROG,
		.prog = prog,
	};
	int error;

	if (!dev->netdev_ops->ndo_bpf)
		return 0;
	if (prog)
		bpf_prog_inc(prog);
	error = dev_xdp_propagate(dev, &bpf);
	if (error && prog)
		bpf_prog_put(prog);
	return error;
}

int hv_rust_net_set_link(struct net_device *dev, const struct ethtool_link_ksettings *link)
{
	const struct ethtool_ops *ops = dev->ethtool_ops;
	int error;

	if (!ops->set_link_ksettings)
		return -EOPNOTSUPP;
	netdev_lock_ops(dev);
	error = ops->set_link_ksettings(dev, link);
	netdev_unlock_ops(dev);
	return error;
}

int hv_rust_net_set_address(struct net_device *dev, const u8 *address)
{
	struct sockaddr_storage storage = { .ss_family = dev->type };

	memcpy(storage.__data, address, ETH_ALEN);
	return dev_set_mac_address(dev, &storage, NULL);
}

/* --- A device below another ------------------------------------------------------------------- */

int hv_rust_net_link(struct net_device *lower, struct net_device *upper)
{
	int error = netdev_master_upper_dev_link(lower, upper, NULL, NULL, NULL);

	if (!error)
		call_netdevice_notifiers(NETDEV_JOIN, lower);
	return error;
}

/* A slave keeps no addresses of its own in protocols. */
void hv_rust_net_mark_lower(struct net_device *dev)
{
	dev->flags |= IFF_SLAVE;
	dev->priv_flags |= IFF_NO_ADDRCONF;
}

void hv_rust_net_lock_addresses(struct net_device *dev)
{
	netif_addr_lock_bh(dev);
}

void hv_rust_net_unlock_addresses(struct net_device *dev)
{
	netif_addr_unlock_bh(dev);
}

/* That a packet cannot be sent through another device now, because the kernel writes to its log. */
bool hv_rust_net_is_polled(struct net_device *dev)
{
	return netpoll_tx_running(dev);
}

/* Chooses a queue of @lower, which is remembered in the packet. */
u16 hv_rust_net_pick_queue(struct net_device *lower, struct sk_buff *skb)
{
	const struct net_device_ops *ops = lower->netdev_ops;
	u16 queue;

	queue = ops->ndo_select_queue ? ops->ndo_select_queue(lower, skb, NULL) :
					netdev_pick_tx(lower, skb, NULL);
	qdisc_skb_cb(skb)->slave_dev_queue_mapping = queue;
	return queue;
}

int hv_rust_net_send_through(struct net_device *lower, struct sk_buff *skb)
{
	skb->dev = lower;
	skb_record_rx_queue(skb, qdisc_skb_cb(skb)->slave_dev_queue_mapping);
	return dev_queue_xmit(skb);
}

/*
 * What was registered with the handler of the device that received a packet. The packet is the
 * caller's own afterwards; without memory for that it is freed, and NULL is returned.
 */
void *hv_rust_net_handled(struct sk_buff **pskb)
{
	void *data = rcu_dereference((*pskb)->dev->rx_handler_data);

	*pskb = skb_share_check(*pskb, GFP_ATOMIC);
	return *pskb ? data : NULL;
}

void hv_rust_net_set_device(struct sk_buff *skb, struct net_device *dev)
{
	skb->dev = dev;
}
