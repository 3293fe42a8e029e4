// SPDX-License-Identifier: GPL-2.0
/*
 * A network interface on a PCI device, for guests that have neither: what a virtual function of a
 * network card is to a driver that wants to pair with it.
 *
 *	insmod virtual_function.ko mac=00:15:5d:00:00:01 serial=7 lower=00:15:5d:00:00:02
 *
 * The device is the only one on a PCI bus whose configuration space is an array, in a slot whose
 * name is the serial number. Frames leave through the interface that has the address "lower", while
 * there is one, and those that come in there for the function, or for many, come in here. An XDP
 * program sees these then.
 */
#include <linux/bpf.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/hex.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/xdp.h>

static char *lower;
module_param(lower, charp, 0444);
MODULE_PARM_DESC(lower, "The address of the interface through which frames go");

static char *mac;
module_param(mac, charp, 0444);
MODULE_PARM_DESC(mac, "The address");

static char *serial;
module_param(serial, charp, 0444);
MODULE_PARM_DESC(serial, "The name of the slot");

static unsigned int redirected;
module_param(redirected, uint, 0444);
MODULE_PARM_DESC(redirected, "How many frames it was given that XDP programs had redirected");

static bool refuse;
module_param(refuse, bool, 0644);
MODULE_PARM_DESC(refuse, "Whether it takes no XDP program");

static bool has_program;
module_param(has_program, bool, 0444);
MODULE_PARM_DESC(has_program, "Whether it has an XDP program");

/* Another one than other cards have. */
#define TSO_SIZE 50000

/* How many frames may wait until the stack is stopped. */
#define QUEUE_LEN 64

/* --- The PCI device --------------------------------------------------------------------------- */

#define BUS_NUMBER 0

static u8 config[PCI_CFG_SPACE_SIZE];
static struct pci_sysdata sysdata = { .node = NUMA_NO_NODE };
static struct pci_bus *bus;
static struct pci_slot *slot;

static int config_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *value)
{
	*value = ~0;
	if (devfn || where + size > sizeof(config))
		return PCIBIOS_DEVICE_NOT_FOUND;
	*value = 0;
	memcpy(value, &config[where], size);
	return PCIBIOS_SUCCESSFUL;
}

/* There are no resources, so that nothing that could be written has an effect. */
static int config_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	return devfn ? PCIBIOS_DEVICE_NOT_FOUND : PCIBIOS_SUCCESSFUL;
}

static struct pci_ops config_ops = {
	.read = config_read,
	.write = config_write,
};

static void remove_bus(void)
{
	struct pci_host_bridge *bridge = to_pci_host_bridge(bus->bridge);

	if (slot)
		pci_destroy_slot(slot);
	pci_lock_rescan_remove();
	pci_stop_root_bus(bus);
	pci_remove_root_bus(bus);
	pci_unlock_rescan_remove();
	pci_free_host_bridge(bridge);
}

static struct pci_dev *add_bus(void)
{
	LIST_HEAD(resources);

	*(__le16 *)&config[PCI_VENDOR_ID] = cpu_to_le16(PCI_VENDOR_ID_MICROSOFT);
	*(__le16 *)&config[PCI_DEVICE_ID] = cpu_to_le16(0xffef);
	*(__le16 *)&config[PCI_CLASS_DEVICE] = cpu_to_le16(PCI_CLASS_NETWORK_ETHERNET);

	pci_lock_rescan_remove();
	bus = pci_scan_root_bus(NULL, BUS_NUMBER, &config_ops, &sysdata, &resources);
	if (bus)
		pci_bus_add_devices(bus);
	pci_unlock_rescan_remove();
	if (!bus)
		return NULL;
	if (serial) {
		slot = pci_create_slot(bus, 0, serial, NULL);
		if (IS_ERR(slot))
			slot = NULL;
	}
	return pci_get_slot(bus, PCI_DEVFN(0, 0));
}

/* --- The interface ---------------------------------------------------------------------------- */

static struct net_device *function;
static struct net_device __rcu *below;
static u8 below_address[ETH_ALEN];
static struct bpf_prog __rcu *program;
static u32 link_speed = SPEED_40000;
static struct sk_buff_head leaving;

/* Not where the frames are given to it: who does so has locks that the lower interface may want. */
static void send_on(struct work_struct *work)
{
	struct net_device *dev;
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&leaving))) {
		rcu_read_lock();
		dev = rcu_dereference(below);
		skb->dev = dev ?: function;
		if (dev)
			dev_queue_xmit(skb);
		else
			kfree_skb(skb);
		rcu_read_unlock();
		if (skb_queue_len_lockless(&leaving) < QUEUE_LEN / 2)
			netif_wake_queue(function);
	}
}

static DECLARE_WORK(send_work, send_on);

static netdev_tx_t function_xmit(struct sk_buff *skb, struct net_device *dev)
{
	dev_sw_netstats_tx_add(dev, 1, skb->len);
	skb_queue_tail(&leaving, skb);
	if (skb_queue_len_lockless(&leaving) >= QUEUE_LEN)
		netif_stop_queue(dev);
	schedule_work(&send_work);
	return NETDEV_TX_OK;
}

static rx_handler_result_t take(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	const struct ethhdr *header = eth_hdr(skb);

	if (!netif_running(function))
		return RX_HANDLER_PASS;
	if (!is_multicast_ether_addr(header->h_dest) &&
	    !ether_addr_equal(header->h_dest, function->dev_addr))
		return RX_HANDLER_PASS;
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb)
		return RX_HANDLER_CONSUMED;
	*pskb = skb;
	skb->dev = function;
	if (skb->pkt_type == PACKET_OTHERHOST)
		skb->pkt_type = PACKET_HOST;
	if (do_xdp_generic(rcu_dereference(program), pskb) != XDP_PASS) {
		dev_core_stats_rx_dropped_inc(function);
		return RX_HANDLER_CONSUMED;
	}
	skb = *pskb;
	dev_sw_netstats_rx_add(function, skb->len);
	return RX_HANDLER_ANOTHER;
}

static int function_open(struct net_device *dev)
{
	netif_start_queue(dev);
	netif_carrier_on(dev);
	return 0;
}

static int function_stop(struct net_device *dev)
{
	netif_carrier_off(dev);
	netif_stop_queue(dev);
	cancel_work_sync(&send_work);
	skb_queue_purge(&leaving);
	return 0;
}

static int function_change_carrier(struct net_device *dev, bool carrier)
{
	if (carrier)
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
	return 0;
}

/* That it is there makes the stack keep lists of addresses. */
static void function_set_rx_mode(struct net_device *dev)
{
}

static void set_program(struct bpf_prog *new)
{
	struct bpf_prog *old = rcu_replace_pointer(program, new, lockdep_rtnl_is_held());

	has_program = new;
	if (old)
		bpf_prog_put(old);
}

static int function_bpf(struct net_device *dev, struct netdev_bpf *bpf)
{
	if (bpf->command != XDP_SETUP_PROG || (bpf->prog && refuse))
		return -EOPNOTSUPP;
	set_program(bpf->prog);
	return 0;
}

static void function_uninit(struct net_device *dev)
{
	set_program(NULL);
}

static int function_xdp_xmit(struct net_device *dev, int n, struct xdp_frame **frames, u32 flags)
{
	struct sk_buff *skb;
	int i;

	for (i = 0; i < n; i++) {
		skb = xdp_build_skb_from_frame(frames[i], dev);
		if (!skb)
			break;
		skb_push(skb, ETH_HLEN);
		function_xmit(skb, dev);
	}
	redirected += i;
	return i;
}

static const struct net_device_ops function_ops = {
	.ndo_uninit = function_uninit,
	.ndo_open = function_open,
	.ndo_stop = function_stop,
	.ndo_start_xmit = function_xmit,
	.ndo_change_carrier = function_change_carrier,
	.ndo_set_rx_mode = function_set_rx_mode,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_bpf = function_bpf,
	.ndo_xdp_xmit = function_xdp_xmit,
};

static int function_get_link(struct net_device *dev, struct ethtool_link_ksettings *link)
{
	link->base.speed = link_speed;
	link->base.duplex = DUPLEX_FULL;
	link->base.port = PORT_FIBRE;
	return 0;
}

static int function_set_link(struct net_device *dev, const struct ethtool_link_ksettings *link)
{
	link_speed = link->base.speed;
	return 0;
}

static const struct ethtool_ops function_ethtool_ops = {
	.get_link_ksettings = function_get_link,
	.set_link_ksettings = function_set_link,
};

static int add_function(struct pci_dev *parent)
{
	u8 address[ETH_ALEN];
	int error;

	if (!mac || !mac_pton(mac, address))
		return -EINVAL;
	function = alloc_etherdev(0);
	if (!function)
		return -ENOMEM;
	strscpy(function->name, "vf%d");
	function->netdev_ops = &function_ops;
	function->ethtool_ops = &function_ethtool_ops;
	function->xdp_features = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_NDO_XMIT;
	function->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	function->max_mtu = ETH_MAX_MTU;
	netif_set_tso_max_size(function, TSO_SIZE);
	function->hw_features = NETIF_F_SG | NETIF_F_RXCSUM | NETIF_F_IP_CSUM | NETIF_F_IPV6_CSUM;
	function->features = function->hw_features;
	eth_hw_addr_set(function, address);
	SET_NETDEV_DEV(function, &parent->dev);
	netif_carrier_off(function);
	error = register_netdev(function);
	if (error)
		free_netdev(function);
	return error;
}

/* --- The interface below, which may come and go ----------------------------------------------- */

static void begin(struct net_device *dev)
{
	if (rtnl_dereference(below) || !ether_addr_equal(dev->dev_addr, below_address))
		return;
	if (netdev_rx_handler_register(dev, take, NULL))
		return;
	dev_set_promiscuity(dev, 1);
	dev_hold(dev);
	rcu_assign_pointer(below, dev);
}

static void end(struct net_device *dev)
{
	if (rtnl_dereference(below) != dev)
		return;
	RCU_INIT_POINTER(below, NULL);
	netdev_rx_handler_unregister(dev);
	dev_set_promiscuity(dev, -1);
	dev_put(dev);
}

static int watch(struct notifier_block *block, unsigned long event, void *info)
{
	struct net_device *dev = netdev_notifier_info_to_dev(info);

	if (event == NETDEV_REGISTER)
		begin(dev);
	else if (event == NETDEV_UNREGISTER)
		end(dev);
	return NOTIFY_DONE;
}

static struct notifier_block watcher = { .notifier_call = watch };

static int __init virtual_function_init(void)
{
	struct pci_dev *device;
	int error;

	if (!lower || !mac_pton(lower, below_address))
		return -EINVAL;
	skb_queue_head_init(&leaving);
	device = add_bus();
	if (!bus)
		return -ENOMEM;
	error = device ? add_function(device) : -ENODEV;
	pci_dev_put(device);
	if (error)
		goto no_function;
	error = register_netdevice_notifier(&watcher);
	if (error)
		goto no_notifier;
	return 0;

no_notifier:
	unregister_netdev(function);
	free_netdev(function);
no_function:
	remove_bus();
	return error;
}

static void __exit virtual_function_exit(void)
{
	unregister_netdev(function);
	/* Nothing is received by it any more after this. */
	unregister_netdevice_notifier(&watcher);
	free_netdev(function);
	remove_bus();
}

module_init(virtual_function_init);
module_exit(virtual_function_exit);
MODULE_DESCRIPTION("A network interface on a PCI device, which sends through another interface");
MODULE_LICENSE("GPL");
