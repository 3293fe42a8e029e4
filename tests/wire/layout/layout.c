// SPDX-License-Identifier: GPL-2.0
/* What the C compiler makes of the structures that ../src/layout.rs compares ours with. */
#include <linux/kbuild.h>
#include <linux/hyperv.h>
#include <drivers/hv/hyperv_vmbus.h>
#include <drivers/net/hyperv/hyperv_net.h>
#include <drivers/scsi/storvsc_drv.c>

void layout(void);

static void messages(void)
{
	DEFINE(Header, sizeof(struct vmbus_channel_message_header));
	OFFSET(Header.kind, vmbus_channel_message_header, msgtype);

	DEFINE(InitiateContact, sizeof(struct vmbus_channel_initiate_contact));
	OFFSET(InitiateContact.version, vmbus_channel_initiate_contact, vmbus_version_requested);
	OFFSET(InitiateContact.target_vcpu, vmbus_channel_initiate_contact, target_vcpu);
	OFFSET(InitiateContact.page_or_target, vmbus_channel_initiate_contact, interrupt_page);
	OFFSET(InitiateContact.monitor_pages, vmbus_channel_initiate_contact, monitor_page1);

	DEFINE(VersionResponse, sizeof(struct vmbus_channel_version_response));
	OFFSET(VersionResponse.supported, vmbus_channel_version_response, version_supported);
	OFFSET(VersionResponse.connection_state, vmbus_channel_version_response, connection_state);
	OFFSET(VersionResponse.message_connection, vmbus_channel_version_response, msg_conn_id);

	DEFINE(OfferChannel, sizeof(struct vmbus_channel_offer_channel));
	OFFSET(OfferChannel.class, vmbus_channel_offer_channel, offer.if_type);
	OFFSET(OfferChannel.instance, vmbus_channel_offer_channel, offer.if_instance);
	OFFSET(OfferChannel.flags, vmbus_channel_offer_channel, offer.chn_flags);
	OFFSET(OfferChannel.mmio_megabytes, vmbus_channel_offer_channel, offer.mmio_megabytes);
	OFFSET(OfferChannel.user_defined, vmbus_channel_offer_channel, offer.u.std.user_def);
	OFFSET(OfferChannel.subchannel_index, vmbus_channel_offer_channel,
	       offer.sub_channel_index);
	OFFSET(OfferChannel.relid, vmbus_channel_offer_channel, child_relid);
	OFFSET(OfferChannel.monitor_id, vmbus_channel_offer_channel, monitorid);
	OFFSET(OfferChannel.connection_id, vmbus_channel_offer_channel, connection_id);

	DEFINE(RescindOffer, sizeof(struct vmbus_channel_rescind_offer));
	OFFSET(RescindOffer.relid, vmbus_channel_rescind_offer, child_relid);

	DEFINE(RelidReleased, sizeof(struct vmbus_channel_relid_released));
	OFFSET(RelidReleased.relid, vmbus_channel_relid_released, child_relid);
}

static void channels(void)
{
	DEFINE(OpenChannel, sizeof(struct vmbus_channel_open_channel));
	OFFSET(OpenChannel.relid, vmbus_channel_open_channel, child_relid);
	OFFSET(OpenChannel.open_id, vmbus_channel_open_channel, openid);
	OFFSET(OpenChannel.ring_gpadl, vmbus_channel_open_channel, ringbuffer_gpadlhandle);
	OFFSET(OpenChannel.target_vp, vmbus_channel_open_channel, target_vp);
	OFFSET(OpenChannel.downstream_offset, vmbus_channel_open_channel,
	       downstream_ringbuffer_pageoffset);
	OFFSET(OpenChannel.user_data, vmbus_channel_open_channel, userdata);

	DEFINE(OpenResult, sizeof(struct vmbus_channel_open_result));
	OFFSET(OpenResult.relid, vmbus_channel_open_result, child_relid);
	OFFSET(OpenResult.open_id, vmbus_channel_open_result, openid);
	OFFSET(OpenResult.status, vmbus_channel_open_result, status);

	DEFINE(CloseChannel, sizeof(struct vmbus_channel_close_channel));
	OFFSET(CloseChannel.relid, vmbus_channel_close_channel, child_relid);

	DEFINE(ModifyChannel, sizeof(struct vmbus_channel_modifychannel));
	OFFSET(ModifyChannel.relid, vmbus_channel_modifychannel, child_relid);
	OFFSET(ModifyChannel.target_vp, vmbus_channel_modifychannel, target_vp);

	DEFINE(ModifyChannelResponse, sizeof(struct vmbus_channel_modifychannel_response));
	OFFSET(ModifyChannelResponse.relid, vmbus_channel_modifychannel_response, child_relid);
	OFFSET(ModifyChannelResponse.status, vmbus_channel_modifychannel_response, status);

	DEFINE(TlConnectRequest, sizeof(struct vmbus_channel_tl_connect_request));
	OFFSET(TlConnectRequest.guest_endpoint, vmbus_channel_tl_connect_request,
	       guest_endpoint_id);
	OFFSET(TlConnectRequest.host_service, vmbus_channel_tl_connect_request, host_service_id);
}

/* The two long messages with as many page numbers as fit, as the C driver computes it. */
#define HEADER_LEN	(sizeof(struct vmbus_channel_gpadl_header) + sizeof(struct gpa_range))
#define BODY_LEN	sizeof(struct vmbus_channel_gpadl_body)
#define FULL(len)	((len) + (MAX_SIZE_CHANNEL_MESSAGE - (len)) / sizeof(u64) * sizeof(u64))

static void gpadls(void)
{
	DEFINE(GpadlHeader, FULL(HEADER_LEN));
	OFFSET(GpadlHeader.relid, vmbus_channel_gpadl_header, child_relid);
	OFFSET(GpadlHeader.gpadl, vmbus_channel_gpadl_header, gpadl);
	OFFSET(GpadlHeader.range_len, vmbus_channel_gpadl_header, range_buflen);
	OFFSET(GpadlHeader.range_count, vmbus_channel_gpadl_header, rangecount);
	OFFSET(GpadlHeader.byte_count, vmbus_channel_gpadl_header, range[0].byte_count);
	OFFSET(GpadlHeader.byte_offset, vmbus_channel_gpadl_header, range[0].byte_offset);
	OFFSET(GpadlHeader.pfns, vmbus_channel_gpadl_header, range[0].pfn_array);

	DEFINE(GpadlBody, FULL(BODY_LEN));
	OFFSET(GpadlBody.message_number, vmbus_channel_gpadl_body, msgnumber);
	OFFSET(GpadlBody.gpadl, vmbus_channel_gpadl_body, gpadl);
	OFFSET(GpadlBody.pfns, vmbus_channel_gpadl_body, pfn);

	DEFINE(GpadlCreated, sizeof(struct vmbus_channel_gpadl_created));
	OFFSET(GpadlCreated.relid, vmbus_channel_gpadl_created, child_relid);
	OFFSET(GpadlCreated.gpadl, vmbus_channel_gpadl_created, gpadl);
	OFFSET(GpadlCreated.status, vmbus_channel_gpadl_created, creation_status);

	DEFINE(GpadlTeardown, sizeof(struct vmbus_channel_gpadl_teardown));
	OFFSET(GpadlTeardown.relid, vmbus_channel_gpadl_teardown, child_relid);
	OFFSET(GpadlTeardown.gpadl, vmbus_channel_gpadl_teardown, gpadl);

	DEFINE(GpadlTorndown, sizeof(struct vmbus_channel_gpadl_torndown));
	OFFSET(GpadlTorndown.gpadl, vmbus_channel_gpadl_torndown, gpadl);
}

static void packets(void)
{
	DEFINE(Descriptor, sizeof(struct vmpacket_descriptor));
	OFFSET(Descriptor.kind, vmpacket_descriptor, type);
	OFFSET(Descriptor.offset8, vmpacket_descriptor, offset8);
	OFFSET(Descriptor.len8, vmpacket_descriptor, len8);
	OFFSET(Descriptor.flags, vmpacket_descriptor, flags);
	OFFSET(Descriptor.transaction, vmpacket_descriptor, trans_id);

	DEFINE(TransferPages, sizeof(struct vmtransfer_page_packet_header) -
	       sizeof(struct vmpacket_descriptor));
	DEFINE(TransferPages.set, offsetof(struct vmtransfer_page_packet_header, xfer_pageset_id) -
	       sizeof(struct vmpacket_descriptor));
	DEFINE(TransferPages.sender_owns_set,
	       offsetof(struct vmtransfer_page_packet_header, sender_owns_set) -
	       sizeof(struct vmpacket_descriptor));
	DEFINE(TransferPages.range_count,
	       offsetof(struct vmtransfer_page_packet_header, range_cnt) -
	       sizeof(struct vmpacket_descriptor));

	DEFINE(TransferRange, sizeof(struct vmtransfer_page_range));
	OFFSET(TransferRange.len, vmtransfer_page_range, byte_count);
	OFFSET(TransferRange.offset, vmtransfer_page_range, byte_offset);

	DEFINE(GpaDirect, sizeof(struct vmbus_packet_mpb_array));
	OFFSET(GpaDirect.range_count, vmbus_packet_mpb_array, rangecount);
	OFFSET(GpaDirect.len, vmbus_packet_mpb_array, range.len);
	OFFSET(GpaDirect.offset, vmbus_packet_mpb_array, range.offset);
	OFFSET(GpaDirect.pfns, vmbus_packet_mpb_array, range.pfn_array);

	OFFSET(RingHeader.write_index, hv_ring_buffer, write_index);
	OFFSET(RingHeader.read_index, hv_ring_buffer, read_index);
	OFFSET(RingHeader.interrupt_mask, hv_ring_buffer, interrupt_mask);
	OFFSET(RingHeader.pending_send, hv_ring_buffer, pending_send_sz);
	OFFSET(RingHeader.features, hv_ring_buffer, feature_bits);
}

static void synic(void)
{
	DEFINE(MonitorPage, sizeof(struct hv_monitor_page));
	OFFSET(MonitorPage.trigger_state, hv_monitor_page, trigger_state);
	OFFSET(MonitorPage.groups, hv_monitor_page, trigger_group);
	OFFSET(MonitorPage.next_check_time, hv_monitor_page, next_checktime);
	OFFSET(MonitorPage.latency, hv_monitor_page, latency);
	OFFSET(MonitorPage.parameter, hv_monitor_page, parameter);

	DEFINE(TriggerGroup, sizeof(union hv_monitor_trigger_group));
	DEFINE(TriggerGroup.pending, offsetof(union hv_monitor_trigger_group, pending));
	DEFINE(TriggerGroup.armed, offsetof(union hv_monitor_trigger_group, armed));

	DEFINE(Parameter, sizeof(struct hv_monitor_parameter));
	OFFSET(Parameter.connection_id, hv_monitor_parameter, connectionid);
	OFFSET(Parameter.flag, hv_monitor_parameter, flagnumber);

	DEFINE(MessageSlot, sizeof(struct hv_message));
	OFFSET(MessageSlot.kind, hv_message, header.message_type);
	OFFSET(MessageSlot.payload_len, hv_message, header.payload_size);
	OFFSET(MessageSlot.flags, hv_message, header.message_flags);
	OFFSET(MessageSlot.sender, hv_message, header.sender);
	OFFSET(MessageSlot.payload, hv_message, u.payload);

	DEFINE(PostMessage, sizeof(struct hv_input_post_message));
	OFFSET(PostMessage.connection, hv_input_post_message, connectionid);
	OFFSET(PostMessage.kind, hv_input_post_message, message_type);
	OFFSET(PostMessage.len, hv_input_post_message, payload_size);
	OFFSET(PostMessage.payload, hv_input_post_message, payload);
}

static void constants(void)
{
	DEFINE(const.V4_0, VERSION_WIN10);
	DEFINE(const.V4_1, VERSION_WIN10_V4_1);
	DEFINE(const.V5_0, VERSION_WIN10_V5);
	DEFINE(const.V5_1, VERSION_WIN10_V5_1);
	DEFINE(const.V5_2, VERSION_WIN10_V5_2);
	DEFINE(const.V5_3, VERSION_WIN10_V5_3);
	DEFINE(const.V6_0, VERSION_WIN10_V6_0);

	DEFINE(const.OFFER_CHANNEL, CHANNELMSG_OFFERCHANNEL);
	DEFINE(const.RESCIND_OFFER, CHANNELMSG_RESCIND_CHANNELOFFER);
	DEFINE(const.REQUEST_OFFERS, CHANNELMSG_REQUESTOFFERS);
	DEFINE(const.ALL_OFFERS_DELIVERED, CHANNELMSG_ALLOFFERS_DELIVERED);
	DEFINE(const.OPEN_CHANNEL, CHANNELMSG_OPENCHANNEL);
	DEFINE(const.OPEN_RESULT, CHANNELMSG_OPENCHANNEL_RESULT);
	DEFINE(const.CLOSE_CHANNEL, CHANNELMSG_CLOSECHANNEL);
	DEFINE(const.GPADL_HEADER, CHANNELMSG_GPADL_HEADER);
	DEFINE(const.GPADL_BODY, CHANNELMSG_GPADL_BODY);
	DEFINE(const.GPADL_CREATED, CHANNELMSG_GPADL_CREATED);
	DEFINE(const.GPADL_TEARDOWN, CHANNELMSG_GPADL_TEARDOWN);
	DEFINE(const.GPADL_TORNDOWN, CHANNELMSG_GPADL_TORNDOWN);
	DEFINE(const.RELID_RELEASED, CHANNELMSG_RELID_RELEASED);
	DEFINE(const.INITIATE_CONTACT, CHANNELMSG_INITIATE_CONTACT);
	DEFINE(const.VERSION_RESPONSE, CHANNELMSG_VERSION_RESPONSE);
	DEFINE(const.UNLOAD, CHANNELMSG_UNLOAD);
	DEFINE(const.UNLOAD_RESPONSE, CHANNELMSG_UNLOAD_RESPONSE);
	DEFINE(const.TL_CONNECT_REQUEST, CHANNELMSG_TL_CONNECT_REQUEST);
	DEFINE(const.MODIFY_CHANNEL, CHANNELMSG_MODIFYCHANNEL);
	DEFINE(const.TL_CONNECT_RESULT, CHANNELMSG_TL_CONNECT_RESULT);
	DEFINE(const.MODIFY_CHANNEL_RESPONSE, CHANNELMSG_MODIFYCHANNEL_RESPONSE);

	DEFINE(const.INBAND, VM_PKT_DATA_INBAND);
	DEFINE(const.TRANSFER_PAGES, VM_PKT_DATA_USING_XFER_PAGES);
	DEFINE(const.GPA_DIRECT, VM_PKT_DATA_USING_GPA_DIRECT);
	DEFINE(const.COMPLETION, VM_PKT_COMP);

	DEFINE(const.INVALID_PARAMETER, HV_STATUS_INVALID_PARAMETER);
	DEFINE(const.INSUFFICIENT_MEMORY, HV_STATUS_INSUFFICIENT_MEMORY);
	DEFINE(const.INVALID_CONNECTION_ID, HV_STATUS_INVALID_CONNECTION_ID);
	DEFINE(const.INSUFFICIENT_BUFFERS, HV_STATUS_INSUFFICIENT_BUFFERS);
	DEFINE(const.POST_MESSAGE, HVCALL_POST_MESSAGE);
	DEFINE(const.SIGNAL_EVENT, HVCALL_SIGNAL_EVENT);
	DEFINE(const.EVENT_FLAGS, HV_EVENT_FLAGS_COUNT);

	DEFINE(const.CONFIDENTIAL_CHANNELS, VMBUS_FEATURE_FLAG_CONFIDENTIAL_CHANNELS);
	DEFINE(const.USER_DATA_LEN, MAX_USER_DEFINED_BYTES);
	DEFINE(const.SCSI, HV_SCSI);
	DEFINE(const.SHUTDOWN, HV_SHUTDOWN);
	DEFINE(const.UNKNOWN, HV_UNKNOWN);
}

static void storage(void)
{
	DEFINE(StoragePacket, sizeof(struct vstor_packet));
	OFFSET(StoragePacket.operation, vstor_packet, operation);
	OFFSET(StoragePacket.flags, vstor_packet, flags);
	OFFSET(StoragePacket.status, vstor_packet, status);
	OFFSET(StoragePacket.payload, vstor_packet, buffer);

	DEFINE(Srb, sizeof(struct vmscsi_request));
	OFFSET(Srb.length, vmscsi_request, length);
	OFFSET(Srb.srb_status, vmscsi_request, srb_status);
	OFFSET(Srb.scsi_status, vmscsi_request, scsi_status);
	OFFSET(Srb.port, vmscsi_request, port_number);
	OFFSET(Srb.path, vmscsi_request, path_id);
	OFFSET(Srb.target, vmscsi_request, target_id);
	OFFSET(Srb.lun, vmscsi_request, lun);
	OFFSET(Srb.cdb_length, vmscsi_request, cdb_length);
	OFFSET(Srb.sense_length, vmscsi_request, sense_info_length);
	OFFSET(Srb.data_in, vmscsi_request, data_in);
	OFFSET(Srb.data_transfer_length, vmscsi_request, data_transfer_length);
	OFFSET(Srb.cdb_or_sense, vmscsi_request, cdb);
	OFFSET(Srb.queue_tag, vmscsi_request, queue_tag);
	OFFSET(Srb.queue_action, vmscsi_request, queue_action);
	OFFSET(Srb.flags, vmscsi_request, srb_flags);
	OFFSET(Srb.timeout, vmscsi_request, time_out_value);
	OFFSET(Srb.sort_key, vmscsi_request, queue_sort_ey);

	DEFINE(ChannelProperties, sizeof(struct vmstorage_channel_properties));
	OFFSET(ChannelProperties.max_channels, vmstorage_channel_properties, max_channel_cnt);
	OFFSET(ChannelProperties.max_transfer_bytes, vmstorage_channel_properties,
	       max_transfer_bytes);
}

static void storage_constants(void)
{
	DEFINE(storage.COMPLETE_IO, VSTOR_OPERATION_COMPLETE_IO);
	DEFINE(storage.REMOVE_DEVICE, VSTOR_OPERATION_REMOVE_DEVICE);
	DEFINE(storage.EXECUTE_SRB, VSTOR_OPERATION_EXECUTE_SRB);
	DEFINE(storage.RESET_BUS, VSTOR_OPERATION_RESET_BUS);
	DEFINE(storage.BEGIN_INITIALIZATION, VSTOR_OPERATION_BEGIN_INITIALIZATION);
	DEFINE(storage.END_INITIALIZATION, VSTOR_OPERATION_END_INITIALIZATION);
	DEFINE(storage.QUERY_PROTOCOL_VERSION, VSTOR_OPERATION_QUERY_PROTOCOL_VERSION);
	DEFINE(storage.QUERY_PROPERTIES, VSTOR_OPERATION_QUERY_PROPERTIES);
	DEFINE(storage.ENUMERATE_BUS, VSTOR_OPERATION_ENUMERATE_BUS);
	DEFINE(storage.FCHBA_DATA, VSTOR_OPERATION_FCHBA_DATA);
	DEFINE(storage.CREATE_SUB_CHANNELS, VSTOR_OPERATION_CREATE_SUB_CHANNELS);

	DEFINE(storage.SUCCESS, SRB_STATUS_SUCCESS);
	DEFINE(storage.ABORTED, SRB_STATUS_ABORTED);
	DEFINE(storage.ERROR, SRB_STATUS_ERROR);
	DEFINE(storage.INVALID_REQUEST, SRB_STATUS_INVALID_REQUEST);
	DEFINE(storage.TIMEOUT, SRB_STATUS_TIMEOUT);
	DEFINE(storage.SELECTION_TIMEOUT, SRB_STATUS_SELECTION_TIMEOUT);
	DEFINE(storage.BUS_RESET, SRB_STATUS_BUS_RESET);
	DEFINE(storage.DATA_OVERRUN, SRB_STATUS_DATA_OVERRUN);
	DEFINE(storage.INVALID_LUN, SRB_STATUS_INVALID_LUN);
	DEFINE(storage.INTERNAL_ERROR, SRB_STATUS_INTERNAL_ERROR);

	DEFINE(storage.QUEUE_ACTION, SRB_FLAGS_QUEUE_ACTION_ENABLE);
	DEFINE(storage.DISABLE_SYNCH_TRANSFER, SRB_FLAGS_DISABLE_SYNCH_TRANSFER);
	DEFINE(storage.DATA_IN, SRB_FLAGS_DATA_IN);
	DEFINE(storage.DATA_OUT, SRB_FLAGS_DATA_OUT);
	DEFINE(storage.NO_QUEUE_FREEZE, SRB_FLAGS_NO_QUEUE_FREEZE);
}

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

void layout(void)
{
	messages();
	channels();
	gpadls();
	packets();
	synic();
	constants();
	storage();
	storage_constants();
	nvsp();
	rndis();
	ndis_offload();
	ndis_rss();
	utilities();
	pairs();
}
