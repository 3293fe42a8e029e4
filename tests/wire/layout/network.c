// SPDX-License-Identifier: GPL-2.0
/* Part of layout.c: the network protocol. */

static void nvsp(void)
{
#define FIELD(name, field) OFFSET(nvsp.name, nvsp_message, msg.field)
	DEFINE(nvsp.Message, sizeof(struct nvsp_message));
	OFFSET(nvsp.Message.kind, nvsp_message, hdr.msg_type);
	OFFSET(nvsp.Message.body, nvsp_message, msg);
	FIELD(NdisConfig.frame, v2_msg.send_ndis_config.mtu);
	FIELD(NdisConfig.capabilities, v2_msg.send_ndis_config.capability);
	FIELD(BufferOffer.gpadl, v1_msg.send_recv_buf.gpadl_handle);
	FIELD(BufferOffer.id, v1_msg.send_recv_buf.id);
	FIELD(RndisPacket.channel, v1_msg.send_rndis_pkt.channel_type);
	FIELD(RndisPacket.section, v1_msg.send_rndis_pkt.send_buf_section_index);
	FIELD(RndisPacket.section_len, v1_msg.send_rndis_pkt.send_buf_section_size);
	FIELD(InitComplete.status, init_msg.init_complete.status);
	FIELD(ReceiveBufferComplete.status, v1_msg.send_recv_buf_complete.status);
	FIELD(SendBufferComplete.status, v1_msg.send_send_buf_complete.status);
	FIELD(SubchannelComplete.status, v5_msg.subchn_comp.status);
	FIELD(SubchannelComplete.count, v5_msg.subchn_comp.num_subchannels);
#undef FIELD

	DEFINE(nvsp.V1, NVSP_PROTOCOL_VERSION_1);
	DEFINE(nvsp.V2, NVSP_PROTOCOL_VERSION_2);
	DEFINE(nvsp.V4, NVSP_PROTOCOL_VERSION_4);
	DEFINE(nvsp.V5, NVSP_PROTOCOL_VERSION_5);
	DEFINE(nvsp.V6, NVSP_PROTOCOL_VERSION_6);
	DEFINE(nvsp.V6_1, NVSP_PROTOCOL_VERSION_61);
	DEFINE(nvsp.INIT, NVSP_MSG_TYPE_INIT);
	DEFINE(nvsp.INIT_COMPLETE, NVSP_MSG_TYPE_INIT_COMPLETE);
	DEFINE(nvsp.SEND_NDIS_VERSION, NVSP_MSG1_TYPE_SEND_NDIS_VER);
	DEFINE(nvsp.SEND_RECEIVE_BUFFER, NVSP_MSG1_TYPE_SEND_RECV_BUF);
	DEFINE(nvsp.REVOKE_RECEIVE_BUFFER, NVSP_MSG1_TYPE_REVOKE_RECV_BUF);
	DEFINE(nvsp.SEND_SEND_BUFFER, NVSP_MSG1_TYPE_SEND_SEND_BUF);
	DEFINE(nvsp.REVOKE_SEND_BUFFER, NVSP_MSG1_TYPE_REVOKE_SEND_BUF);
	DEFINE(nvsp.SEND_RNDIS_PACKET, NVSP_MSG1_TYPE_SEND_RNDIS_PKT);
	DEFINE(nvsp.SEND_NDIS_CONFIG, NVSP_MSG2_TYPE_SEND_NDIS_CONFIG);
	DEFINE(nvsp.SEND_VF_ASSOCIATION, NVSP_MSG4_TYPE_SEND_VF_ASSOCIATION);
	DEFINE(nvsp.SUBCHANNEL, NVSP_MSG5_TYPE_SUBCHANNEL);
	DEFINE(nvsp.SEND_INDIRECTION_TABLE, NVSP_MSG5_TYPE_SEND_INDIRECTION_TABLE);
	DEFINE(nvsp.SUCCESS, NVSP_STAT_SUCCESS);
	DEFINE(nvsp.FAIL, NVSP_STAT_FAIL);
	DEFINE(nvsp.MAX_PACKET, NETVSC_MAX_PKT_SIZE);
	DEFINE(nvsp.SEND_TABLE_LEN, VRSS_SEND_TAB_SIZE);
}

static void rndis(void)
{
	DEFINE(rndis.Header, RNDIS_HEADER_SIZE);
	OFFSET(rndis.Header.kind, rndis_message, ndis_msg_type);
	OFFSET(rndis.Header.len, rndis_message, msg_len);

	DEFINE(rndis.Packet, sizeof(struct rndis_packet));
	OFFSET(rndis.Packet.data_offset, rndis_packet, data_offset);
	OFFSET(rndis.Packet.data_len, rndis_packet, data_len);
	OFFSET(rndis.Packet.oob_offset, rndis_packet, oob_data_offset);
	OFFSET(rndis.Packet.oob_len, rndis_packet, oob_data_len);
	OFFSET(rndis.Packet.oob_count, rndis_packet, num_oob_data_elements);
	OFFSET(rndis.Packet.info_offset, rndis_packet, per_pkt_info_offset);
	OFFSET(rndis.Packet.info_len, rndis_packet, per_pkt_info_len);

	DEFINE(rndis.InfoHeader, sizeof(struct rndis_per_packet_info));
	OFFSET(rndis.InfoHeader.len, rndis_per_packet_info, size);
	OFFSET(rndis.InfoHeader.offset, rndis_per_packet_info, ppi_offset);

	DEFINE(rndis.IndicateStatus, sizeof(struct rndis_indicate_status));
	OFFSET(rndis.IndicateStatus.status, rndis_indicate_status, status);
	OFFSET(rndis.IndicateStatus.len, rndis_indicate_status, status_buflen);
	OFFSET(rndis.IndicateStatus.offset, rndis_indicate_status, status_buf_offset);

	OFFSET(rndis.Initialize.major, rndis_initialize_request, major_ver);
	OFFSET(rndis.Initialize.minor, rndis_initialize_request, minor_ver);
	OFFSET(rndis.Initialize.max_transfer, rndis_initialize_request, max_xfer_size);
	OFFSET(rndis.InitializeComplete.status, rndis_initialize_complete, status);
	OFFSET(rndis.InitializeComplete.max_packets, rndis_initialize_complete, max_pkt_per_msg);
	OFFSET(rndis.InitializeComplete.alignment, rndis_initialize_complete,
	       pkt_alignment_factor);
	DEFINE(rndis.Target, sizeof(struct rndis_query_request));
	OFFSET(rndis.Target.oid, rndis_query_request, oid);
	OFFSET(rndis.Target.len, rndis_query_request, info_buflen);
	OFFSET(rndis.Target.offset, rndis_query_request, info_buf_offset);
	OFFSET(rndis.QueryComplete.status, rndis_query_complete, status);
	OFFSET(rndis.QueryComplete.len, rndis_query_complete, info_buflen);
	OFFSET(rndis.QueryComplete.offset, rndis_query_complete, info_buf_offset);

	DEFINE(rndis.Parameter, sizeof(struct rndis_config_parameter_info));
	OFFSET(rndis.Parameter.name_offset, rndis_config_parameter_info, parameter_name_offset);
	OFFSET(rndis.Parameter.name_len, rndis_config_parameter_info, parameter_name_length);
	OFFSET(rndis.Parameter.kind, rndis_config_parameter_info, parameter_type);
	OFFSET(rndis.Parameter.value_offset, rndis_config_parameter_info, parameter_value_offset);
	OFFSET(rndis.Parameter.value_len, rndis_config_parameter_info, parameter_value_length);

	DEFINE(info.CHECKSUM, TCPIP_CHKSUM_PKTINFO);
	DEFINE(info.LARGE_SEND, TCP_LARGESEND_PKTINFO);
	DEFINE(info.VLAN, IEEE_8021Q_INFO);
	DEFINE(info.HASH, NBL_HASH_VALUE);
	DEFINE(info.PART, RNDIS_PKTINFO_ID);

	DEFINE(rndis.PACKET, RNDIS_MSG_PACKET);
	DEFINE(rndis.INITIALIZE, RNDIS_MSG_INIT);
	DEFINE(rndis.HALT, RNDIS_MSG_HALT);
	DEFINE(rndis.QUERY, RNDIS_MSG_QUERY);
	DEFINE(rndis.SET, RNDIS_MSG_SET);
	DEFINE(rndis.INDICATE, RNDIS_MSG_INDICATE);
	DEFINE(rndis.MEDIA_CONNECT, RNDIS_STATUS_MEDIA_CONNECT);
	DEFINE(rndis.MEDIA_DISCONNECT, RNDIS_STATUS_MEDIA_DISCONNECT);
	DEFINE(rndis.LINK_SPEED_CHANGE, RNDIS_STATUS_LINK_SPEED_CHANGE);
	DEFINE(rndis.NETWORK_CHANGE, RNDIS_STATUS_NETWORK_CHANGE);
	DEFINE(rndis.HEADROOM, RNDIS_AND_PPI_SIZE);

	DEFINE(oid.MAXIMUM_FRAME_SIZE, RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE);
	DEFINE(oid.LINK_SPEED, RNDIS_OID_GEN_LINK_SPEED);
	DEFINE(oid.CURRENT_PACKET_FILTER, RNDIS_OID_GEN_CURRENT_PACKET_FILTER);
	DEFINE(oid.MEDIA_CONNECT_STATUS, RNDIS_OID_GEN_MEDIA_CONNECT_STATUS);
	DEFINE(oid.RECEIVE_SCALE_CAPABILITIES, OID_GEN_RECEIVE_SCALE_CAPABILITIES);
	DEFINE(oid.RECEIVE_SCALE_PARAMETERS, OID_GEN_RECEIVE_SCALE_PARAMETERS);
	DEFINE(oid.FRIENDLY_NAME, RNDIS_OID_GEN_FRIENDLY_NAME);
	DEFINE(oid.CONFIG_PARAMETER, RNDIS_OID_GEN_RNDIS_CONFIG_PARAMETER);
	DEFINE(oid.PERMANENT_ADDRESS, RNDIS_OID_802_3_PERMANENT_ADDRESS);
	DEFINE(oid.OFFLOAD_PARAMETERS, (u64)OID_TCP_OFFLOAD_PARAMETERS);
	DEFINE(oid.OFFLOAD_CAPABILITIES, (u64)OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES);
}

static void ndis_offload(void)
{
	DEFINE(ndis.ObjectHeader, sizeof(struct ndis_object_header));
	OFFSET(ndis.ObjectHeader.kind, ndis_object_header, type);
	OFFSET(ndis.ObjectHeader.revision, ndis_object_header, revision);
	OFFSET(ndis.ObjectHeader.len, ndis_object_header, size);

	DEFINE(ndis.Capabilities, sizeof(struct ndis_offload));
	OFFSET(ndis.Capabilities.header, ndis_offload, header);
	OFFSET(ndis.Capabilities.checksum, ndis_offload, csum);
	OFFSET(ndis.Capabilities.large_send, ndis_offload, lsov2);
	OFFSET(ndis.Capabilities.ipsec_v2, ndis_offload, ipsecv2);
	OFFSET(ndis.Capabilities.coalesce_v4, ndis_offload, rsc.ip4);
	OFFSET(ndis.Capabilities.coalesce_v6, ndis_offload, rsc.ip6);
	DEFINE(ndis.LEN_6_0, NDIS_OFFLOAD_SIZE_6_0);
	DEFINE(ndis.LEN_6_1, NDIS_OFFLOAD_SIZE_6_1);
	DEFINE(ndis.OLD_LEN, VERSION_4_OFFLOAD_SIZE);

	DEFINE(ndis.ChecksumCapabilities, sizeof(struct ndis_csum_offload));
	OFFSET(ndis.ChecksumCapabilities.v4_send_encapsulation, ndis_csum_offload, ip4_txenc);
	OFFSET(ndis.ChecksumCapabilities.v4_send, ndis_csum_offload, ip4_txcsum);
	OFFSET(ndis.ChecksumCapabilities.v4_receive_encapsulation, ndis_csum_offload, ip4_rxenc);
	OFFSET(ndis.ChecksumCapabilities.v4_receive, ndis_csum_offload, ip4_rxcsum);
	OFFSET(ndis.ChecksumCapabilities.v6_send_encapsulation, ndis_csum_offload, ip6_txenc);
	OFFSET(ndis.ChecksumCapabilities.v6_send, ndis_csum_offload, ip6_txcsum);
	OFFSET(ndis.ChecksumCapabilities.v6_receive_encapsulation, ndis_csum_offload, ip6_rxenc);
	OFFSET(ndis.ChecksumCapabilities.v6_receive, ndis_csum_offload, ip6_rxcsum);

	DEFINE(ndis.LargeSendCapabilities, sizeof(struct ndis_lsov2_offload));
	OFFSET(ndis.LargeSendCapabilities.v4_encapsulation, ndis_lsov2_offload, ip4_encap);
	OFFSET(ndis.LargeSendCapabilities.v4_max_len, ndis_lsov2_offload, ip4_maxsz);
	OFFSET(ndis.LargeSendCapabilities.v4_min_segments, ndis_lsov2_offload, ip4_minsg);
	OFFSET(ndis.LargeSendCapabilities.v6_encapsulation, ndis_lsov2_offload, ip6_encap);
	OFFSET(ndis.LargeSendCapabilities.v6_max_len, ndis_lsov2_offload, ip6_maxsz);
	OFFSET(ndis.LargeSendCapabilities.v6_min_segments, ndis_lsov2_offload, ip6_minsg);
	OFFSET(ndis.LargeSendCapabilities.v6_options, ndis_lsov2_offload, ip6_opts);

	DEFINE(ndis.OffloadParameters, sizeof(struct ndis_offload_params));
	OFFSET(ndis.OffloadParameters.header, ndis_offload_params, header);
	OFFSET(ndis.OffloadParameters.ip_checksum, ndis_offload_params, ip_v4_csum);
	OFFSET(ndis.OffloadParameters.tcp4_checksum, ndis_offload_params, tcp_ip_v4_csum);
	OFFSET(ndis.OffloadParameters.udp4_checksum, ndis_offload_params, udp_ip_v4_csum);
	OFFSET(ndis.OffloadParameters.tcp6_checksum, ndis_offload_params, tcp_ip_v6_csum);
	OFFSET(ndis.OffloadParameters.udp6_checksum, ndis_offload_params, udp_ip_v6_csum);
	OFFSET(ndis.OffloadParameters.large_send_v4, ndis_offload_params, lso_v2_ipv4);
	OFFSET(ndis.OffloadParameters.large_send_v6, ndis_offload_params, lso_v2_ipv6);
	OFFSET(ndis.OffloadParameters.coalesce_v4, ndis_offload_params, rsc_ip_v4);
	OFFSET(ndis.OffloadParameters.coalesce_v6, ndis_offload_params, rsc_ip_v6);
}

static void ndis_rss(void)
{
	DEFINE(ndis.RssCapabilities, sizeof(struct ndis_recv_scale_cap));
	OFFSET(ndis.RssCapabilities.header, ndis_recv_scale_cap, hdr);
	OFFSET(ndis.RssCapabilities.flags, ndis_recv_scale_cap, cap_flag);
	OFFSET(ndis.RssCapabilities.messages, ndis_recv_scale_cap, num_int_msg);
	OFFSET(ndis.RssCapabilities.queues, ndis_recv_scale_cap, num_recv_que);
	OFFSET(ndis.RssCapabilities.table_len, ndis_recv_scale_cap, num_indirect_tabent);

	DEFINE(ndis.RssParameters, sizeof(struct ndis_recv_scale_param));
	OFFSET(ndis.RssParameters.header, ndis_recv_scale_param, hdr);
	OFFSET(ndis.RssParameters.flags, ndis_recv_scale_param, flag);
	OFFSET(ndis.RssParameters.hash, ndis_recv_scale_param, hashinfo);
	OFFSET(ndis.RssParameters.table_len, ndis_recv_scale_param, indirect_tabsize);
	OFFSET(ndis.RssParameters.table_offset, ndis_recv_scale_param, indirect_taboffset);
	OFFSET(ndis.RssParameters.key_len, ndis_recv_scale_param, hashkey_size);
	OFFSET(ndis.RssParameters.key_offset, ndis_recv_scale_param, hashkey_offset);
}
