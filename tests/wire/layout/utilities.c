// SPDX-License-Identifier: GPL-2.0
/* Part of layout.c: the utility services. */

/* Messages of the utility services, whose header is that of the pipe and one of their own. */
#define IC(field)	(sizeof(struct vmbuspipe_hdr) + offsetof(struct icmsg_hdr, field))

static void utilities(void)
{
	DEFINE(IcHeader, ICMSG_HDR);
	DEFINE(IcHeader.framework, IC(icverframe));
	DEFINE(IcHeader.kind, IC(icmsgtype));
	DEFINE(IcHeader.service, IC(icvermsg));
	DEFINE(IcHeader.len, IC(icmsgsize));
	DEFINE(IcHeader.status, IC(status));
	DEFINE(IcHeader.transaction, IC(ictransaction_id));
	DEFINE(IcHeader.flags, IC(icflags));

	DEFINE(IcLists, sizeof(struct icmsg_negotiate));
	OFFSET(IcLists.framework_count, icmsg_negotiate, icframe_vercnt);
	OFFSET(IcLists.service_count, icmsg_negotiate, icmsg_vercnt);
	OFFSET(IcLists.reserved, icmsg_negotiate, reserved);

	DEFINE(IcShutdown, sizeof(struct shutdown_msg_data));
	OFFSET(IcShutdown.reason, shutdown_msg_data, reason_code);
	OFFSET(IcShutdown.timeout_seconds, shutdown_msg_data, timeout_seconds);
	OFFSET(IcShutdown.flags, shutdown_msg_data, flags);
	OFFSET(IcShutdown.display_message, shutdown_msg_data, display_message);

	DEFINE(IcTime, sizeof(struct ictimesync_data));
	OFFSET(IcTime.host_time, ictimesync_data, parenttime);
	OFFSET(IcTime.guest_time, ictimesync_data, childtime);
	OFFSET(IcTime.round_trip, ictimesync_data, roundtriptime);
	OFFSET(IcTime.flags, ictimesync_data, flags);

	DEFINE(IcReference, sizeof(struct ictimesync_ref_data));
	OFFSET(IcReference.host_time, ictimesync_ref_data, parenttime);
	OFFSET(IcReference.reference, ictimesync_ref_data, vmreferencetime);
	OFFSET(IcReference.flags, ictimesync_ref_data, flags);
	OFFSET(IcReference.leap_flags, ictimesync_ref_data, leapflags);
	OFFSET(IcReference.stratum, ictimesync_ref_data, stratum);
	OFFSET(IcReference.reserved, ictimesync_ref_data, reserved);

	DEFINE(IcVss, sizeof(struct hv_vss_msg));
	OFFSET(IcVss.operation, hv_vss_msg, vss_hdr.operation);
	OFFSET(IcVss.reserved, hv_vss_msg, vss_hdr.reserved);
	OFFSET(IcVss.flags, hv_vss_msg, vss_cf.flags);
}

static void pairs(void)
{
	DEFINE(KvpHeader, sizeof(struct hv_kvp_hdr));
	OFFSET(KvpHeader.operation, hv_kvp_hdr, operation);
	OFFSET(KvpHeader.pool, hv_kvp_hdr, pool);
	OFFSET(KvpHeader.reserved, hv_kvp_hdr, pad);

	DEFINE(KvpPair, sizeof(struct hv_kvp_exchg_msg_value));
	OFFSET(KvpPair.value_type, hv_kvp_exchg_msg_value, value_type);
	OFFSET(KvpPair.key_len, hv_kvp_exchg_msg_value, key_size);
	OFFSET(KvpPair.value_len, hv_kvp_exchg_msg_value, value_size);
	OFFSET(KvpPair.key, hv_kvp_exchg_msg_value, key);
	OFFSET(KvpPair.value, hv_kvp_exchg_msg_value, value);

	DEFINE(KvpNumbered, sizeof(struct hv_kvp_msg_enumerate));
	OFFSET(KvpNumbered.index, hv_kvp_msg_enumerate, index);
	OFFSET(KvpNumbered.pair, hv_kvp_msg_enumerate, data);

	DEFINE(KvpKey, sizeof(struct hv_kvp_msg_delete));
	OFFSET(KvpKey.key_len, hv_kvp_msg_delete, key_size);
	OFFSET(KvpKey.key, hv_kvp_msg_delete, key);

	DEFINE(KvpAddresses, sizeof(struct hv_kvp_ipaddr_value));
	OFFSET(KvpAddresses.adapter, hv_kvp_ipaddr_value, adapter_id);
	OFFSET(KvpAddresses.family, hv_kvp_ipaddr_value, addr_family);
	OFFSET(KvpAddresses.dhcp, hv_kvp_ipaddr_value, dhcp_enabled);
	OFFSET(KvpAddresses.addresses, hv_kvp_ipaddr_value, ip_addr);
	OFFSET(KvpAddresses.subnets, hv_kvp_ipaddr_value, sub_net);
	OFFSET(KvpAddresses.gateways, hv_kvp_ipaddr_value, gate_way);
	OFFSET(KvpAddresses.name_servers, hv_kvp_ipaddr_value, dns_addr);

	DEFINE(KvpHostHeader, offsetof(struct hv_kvp_ip_msg, kvp_ip_val));
	OFFSET(KvpHostHeader.operation, hv_kvp_ip_msg, operation);
	OFFSET(KvpHostHeader.pool, hv_kvp_ip_msg, pool);

	DEFINE(KvpMessage, sizeof(struct hv_kvp_msg));
	OFFSET(KvpMessage.body, hv_kvp_msg, body);
}
