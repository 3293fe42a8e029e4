/* SPDX-License-Identifier: GPL-2.0 */
/* Trace events. System, names and fields are those of the C driver, for the same tools. */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM netvsc

#if !defined(_HV_RUST_NETVSC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _HV_RUST_NETVSC_TRACE_H

#include <linux/netdevice.h>
#include <linux/tracepoint.h>

/* Names that are printed for kinds of RNDIS messages. */
#define hv_rust_rndis_name(kind)					\
	__print_symbolic(kind,						\
			 { 0x00000001, "PACKET" },			\
			 { 0x00000002, "INIT" },			\
			 { 0x00000003, "HALT" },			\
			 { 0x00000004, "QUERY" },			\
			 { 0x00000005, "SET" },				\
			 { 0x00000006, "RESET" },			\
			 { 0x00000007, "INDICATE" },			\
			 { 0x00000008, "KEEPALIVE" },			\
			 { 0x80000002, "INIT_C" },			\
			 { 0x80000004, "QUERY_C" },			\
			 { 0x80000005, "SET_C" },			\
			 { 0x80000006, "RESET_C" },			\
			 { 0x80000008, "KEEPALIVE_C" })

/* The same for NVSP messages. */
#define hv_rust_nvsp_name(kind)						\
	__print_symbolic(kind,						\
			 { 1, "INIT" },					\
			 { 2, "INIT_COMPLETE" },			\
			 { 100, "SEND_NDIS_VER" },			\
			 { 101, "SEND_RECV_BUF" },			\
			 { 102, "SEND_RECV_BUF_COMPLETE" },		\
			 { 103, "REVOKE_RECV_BUF" },			\
			 { 104, "SEND_SEND_BUF" },			\
			 { 105, "SEND_SEND_BUF_COMPLETE" },		\
			 { 106, "REVOKE_SEND_BUF" },			\
			 { 107, "SEND_RNDIS_PKT" },			\
			 { 108, "SEND_RNDIS_PKT_COMPLETE" },		\
			 { 125, "SEND_NDIS_CONFIG" },			\
			 { 128, "SEND_VF_ASSOCIATION" },		\
			 { 129, "SWITCH_DATA_PATH" },			\
			 { 133, "SUBCHANNEL" },				\
			 { 134, "SEND_INDIRECTION_TABLE" })

DECLARE_EVENT_CLASS(rndis_msg_class,
	TP_PROTO(const struct net_device *dev, u16 q, u32 id, u32 kind, u32 len),
	TP_ARGS(dev, q, id, kind, len),
	TP_STRUCT__entry(
		__string(name, dev->name)
		__field(u16, queue)
		__field(u32, req_id)
		__field(u32, msg_type)
		__field(u32, msg_len)
	),
	TP_fast_assign(
		__assign_str(name);
		__entry->queue = q;
		__entry->req_id = id;
		__entry->msg_type = kind;
		__entry->msg_len = len;
	),
	TP_printk("dev=%s q=%u req=%#x type=%s msg_len=%u", __get_str(name), __entry->queue,
		  __entry->req_id, hv_rust_rndis_name(__entry->msg_type), __entry->msg_len)
);

DEFINE_EVENT(rndis_msg_class, rndis_send,
	TP_PROTO(const struct net_device *dev, u16 q, u32 id, u32 kind, u32 len),
	TP_ARGS(dev, q, id, kind, len)
);

DEFINE_EVENT(rndis_msg_class, rndis_recv,
	TP_PROTO(const struct net_device *dev, u16 q, u32 id, u32 kind, u32 len),
	TP_ARGS(dev, q, id, kind, len)
);

TRACE_EVENT(nvsp_send,
	TP_PROTO(const struct net_device *dev, u32 kind),
	TP_ARGS(dev, kind),
	TP_STRUCT__entry(
		__string(name, dev->name)
		__field(u32, msg_type)
	),
	TP_fast_assign(
		__assign_str(name);
		__entry->msg_type = kind;
	),
	TP_printk("dev=%s type=%s", __get_str(name), hv_rust_nvsp_name(__entry->msg_type))
);

TRACE_EVENT(nvsp_send_pkt,
	TP_PROTO(const struct net_device *dev, u16 q, u32 channel, u32 section, u32 size),
	TP_ARGS(dev, q, channel, section, size),
	TP_STRUCT__entry(
		__string(name, dev->name)
		__field(u16, qid)
		__field(u32, channel_type)
		__field(u32, section_index)
		__field(u32, section_size)
	),
	TP_fast_assign(
		__assign_str(name);
		__entry->qid = q;
		__entry->channel_type = channel;
		__entry->section_index = section;
		__entry->section_size = size;
	),
	TP_printk("dev=%s qid=%u type=%s section=%u size=%d", __get_str(name), __entry->qid,
		  __entry->channel_type ? "CONTROL" : "DATA", __entry->section_index,
		  __entry->section_size)
);

TRACE_EVENT(nvsp_recv,
	TP_PROTO(const struct net_device *dev, u16 q, u32 kind),
	TP_ARGS(dev, q, kind),
	TP_STRUCT__entry(
		__string(name, dev->name)
		__field(u16, qid)
		__field(u32, msg_type)
	),
	TP_fast_assign(
		__assign_str(name);
		__entry->qid = q;
		__entry->msg_type = kind;
	),
	TP_printk("dev=%s qid=%u type=%s", __get_str(name), __entry->qid,
		  hv_rust_nvsp_name(__entry->msg_type))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
