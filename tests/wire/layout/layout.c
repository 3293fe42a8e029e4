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

#include "network.c"
#include "utilities.c"

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
