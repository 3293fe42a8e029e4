// SPDX-License-Identifier: GPL-2.0

//! Compares our structures with the kernel's C headers, as the C compiler lays them out.
//!
//! `layout.sh` has the compiler write sizes and offsets into a file, which the environment variable
//! `HV_LAYOUT` names.

use crate::{
    network::{answer, frame, info, nvsp, offload, request, rndis, rss},
    storage, utilities,
    wire::{contact, gpadl, message, monitor, offer, open, packet, synic},
};
use std::{collections::BTreeMap, mem::offset_of};

/// What the C compiler said, and what nobody asked for yet.
struct Facts(BTreeMap<String, usize>);

impl Facts {
    /// The facts in the file; [`None`] when no file is named.
    fn load() -> Option<Self> {
        let path = std::env::var_os("HV_LAYOUT")?;
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let fact = |line: &str| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Some(Self(
            text.lines()
                .map(|line| fact(line).expect("a name and a number"))
                .collect(),
        ))
    }

    fn check(&mut self, name: &str, ours: usize) {
        let theirs = self.0.remove(name);
        assert_eq!(
            theirs,
            Some(ours),
            "{name}: the C headers say {theirs:?}, we say {ours}"
        );
    }
}

/// Compares the size of a structure and the offsets of some of its fields.
macro_rules! check {
    ($facts:ident: $($name:ty as $c:literal { $($field:ident),* $(,)? })*) => {$(
        $facts.check($c, size_of::<$name>());
        $($facts.check(
            concat!($c, ".", stringify!($field)),
            offset_of!($name, $field),
        );)*
    )*};
}

#[test]
fn structures_are_those_of_the_c_headers() {
    let Some(mut facts) = Facts::load() else {
        eprintln!("SKIPPED: HV_LAYOUT is not set, so there is nothing to compare with");
        return;
    };
    check! { facts:
        message::Header as "Header" { kind }
        contact::InitiateContact as "InitiateContact" {
            version, target_vcpu, page_or_target, monitor_pages,
        }
        contact::VersionResponse as "VersionResponse" {
            supported, connection_state, message_connection,
        }
        offer::OfferChannel as "OfferChannel" {
            class, instance, flags, mmio_megabytes, user_defined, subchannel_index, relid,
            monitor_id, connection_id,
        }
        offer::RescindOffer as "RescindOffer" { relid }
        offer::RelidReleased as "RelidReleased" { relid }
        open::OpenChannel as "OpenChannel" {
            relid, open_id, ring_gpadl, target_vp, downstream_offset, user_data,
        }
        open::OpenResult as "OpenResult" { relid, open_id, status }
        open::CloseChannel as "CloseChannel" { relid }
        open::ModifyChannel as "ModifyChannel" { relid, target_vp }
        open::ModifyChannelResponse as "ModifyChannelResponse" { relid, status }
        open::TlConnectRequest as "TlConnectRequest" { guest_endpoint, host_service }
        gpadl::GpadlHeader as "GpadlHeader" {
            relid, gpadl, range_len, range_count, byte_count, byte_offset, pfns,
        }
        gpadl::GpadlBody as "GpadlBody" { message_number, gpadl, pfns }
        gpadl::GpadlCreated as "GpadlCreated" { relid, gpadl, status }
        gpadl::GpadlTeardown as "GpadlTeardown" { relid, gpadl }
        gpadl::GpadlTorndown as "GpadlTorndown" { gpadl }
        packet::Descriptor as "Descriptor" { kind, offset8, len8, flags, transaction }
        packet::TransferPages as "TransferPages" { set, sender_owns_set, range_count }
        packet::TransferRange as "TransferRange" { len, offset }
        monitor::MonitorPage as "MonitorPage" {
            trigger_state, groups, next_check_time, latency, parameter,
        }
        monitor::TriggerGroup as "TriggerGroup" { pending, armed }
        monitor::Parameter as "Parameter" { connection_id, flag }
        synic::MessageSlot as "MessageSlot" { kind, payload_len, flags, sender, payload }
        synic::PostMessage as "PostMessage" { connection, kind, len, payload }
        storage::Srb as "Srb" {
            length, srb_status, scsi_status, port, path, target, lun, cdb_length, sense_length,
            data_in, data_transfer_length, cdb_or_sense, queue_tag, queue_action, flags, timeout,
            sort_key,
        }
        storage::ChannelProperties as "ChannelProperties" { max_channels, max_transfer_bytes }
        nvsp::Message as "nvsp.Message" { kind, body }
        frame::Packet as "rndis.Packet" {
            data_offset, data_len, oob_offset, oob_len, oob_count, info_offset, info_len,
        }
        info::InfoHeader as "rndis.InfoHeader" { len, offset }
        rndis::Header as "rndis.Header" { kind, len }
        rndis::IndicateStatus as "rndis.IndicateStatus" { status, len, offset }
        request::Parameter as "rndis.Parameter" {
            name_offset, name_len, kind, value_offset, value_len,
        }
        offload::ObjectHeader as "ndis.ObjectHeader" { kind, revision, len }
        offload::Capabilities as "ndis.Capabilities" {
            header, checksum, large_send, ipsec_v2, coalesce_v4, coalesce_v6,
        }
        offload::ChecksumCapabilities as "ndis.ChecksumCapabilities" {
            v4_send_encapsulation, v4_send, v4_receive_encapsulation, v4_receive,
            v6_send_encapsulation, v6_send, v6_receive_encapsulation, v6_receive,
        }
        offload::LargeSendCapabilities as "ndis.LargeSendCapabilities" {
            v4_encapsulation, v4_max_len, v4_min_segments, v6_encapsulation, v6_max_len,
            v6_min_segments, v6_options,
        }
        offload::Parameters as "ndis.OffloadParameters" {
            header, ip_checksum, tcp4_checksum, udp4_checksum, tcp6_checksum, udp6_checksum,
            large_send_v4, large_send_v6, coalesce_v4, coalesce_v6,
        }
        rss::Capabilities as "ndis.RssCapabilities" {
            header, flags, messages, queues, table_len,
        }
        rss::Parameters as "ndis.RssParameters" {
            header, flags, hash, table_len, table_offset, key_len, key_offset,
        }
    }
    network_bodies(&mut facts);
    network_constants(&mut facts);
    gpa_direct(&mut facts);
    storage_packet(&mut facts);
    ring_header(&mut facts);
    constants(&mut facts);
    storage_constants(&mut facts);
    utility_messages(&mut facts);
    assert!(
        facts.0.is_empty(),
        "facts that nothing was compared with: {:?}",
        facts.0
    );
}

/// The fields of our messages, which are without the header of the C ones.
fn network_bodies(facts: &mut Facts) {
    let body = offset_of!(nvsp::Message, body);
    let offsets = [
        ("NdisConfig.frame", offset_of!(nvsp::NdisConfig, frame)),
        (
            "NdisConfig.capabilities",
            offset_of!(nvsp::NdisConfig, capabilities),
        ),
        ("BufferOffer.gpadl", offset_of!(nvsp::BufferOffer, gpadl)),
        ("BufferOffer.id", offset_of!(nvsp::BufferOffer, id)),
        (
            "RndisPacket.channel",
            offset_of!(nvsp::RndisPacket, channel),
        ),
        (
            "RndisPacket.section",
            offset_of!(nvsp::RndisPacket, section),
        ),
        (
            "RndisPacket.section_len",
            offset_of!(nvsp::RndisPacket, section_len),
        ),
        (
            "InitComplete.status",
            offset_of!(answer::InitComplete, status),
        ),
        (
            "ReceiveBufferComplete.status",
            offset_of!(answer::ReceiveBufferComplete, status),
        ),
        (
            "SendBufferComplete.status",
            offset_of!(answer::SendBufferComplete, status),
        ),
        (
            "SubchannelComplete.status",
            offset_of!(answer::SubchannelComplete, status),
        ),
        (
            "SubchannelComplete.count",
            offset_of!(answer::SubchannelComplete, count),
        ),
    ];
    for (name, offset) in offsets {
        facts.check(&format!("nvsp.{name}"), body + offset);
    }
    // Ours are without the number of the request.
    let id = size_of::<u32>();
    let offsets = [
        ("Initialize.major", offset_of!(request::Initialize, major)),
        ("Initialize.minor", offset_of!(request::Initialize, minor)),
        (
            "Initialize.max_transfer",
            offset_of!(request::Initialize, max_transfer),
        ),
        ("Target.oid", offset_of!(request::Target, oid)),
        ("Target.len", offset_of!(request::Target, len)),
        ("Target.offset", offset_of!(request::Target, offset)),
        (
            "InitializeComplete.status",
            offset_of!(request::InitializeComplete, status),
        ),
        (
            "InitializeComplete.max_packets",
            offset_of!(request::InitializeComplete, max_packets),
        ),
        (
            "InitializeComplete.alignment",
            offset_of!(request::InitializeComplete, alignment),
        ),
        (
            "QueryComplete.status",
            offset_of!(request::QueryComplete, status),
        ),
        ("QueryComplete.len", offset_of!(request::QueryComplete, len)),
        (
            "QueryComplete.offset",
            offset_of!(request::QueryComplete, offset),
        ),
    ];
    for (name, offset) in offsets {
        facts.check(&format!("rndis.{name}"), id + offset);
    }
    facts.check("rndis.Target", id + size_of::<request::Target>());
}

fn network_constants(facts: &mut Facts) {
    let values = [
        ("nvsp.V1", nvsp::Version::V1.0),
        ("nvsp.V2", nvsp::Version::V2.0),
        ("nvsp.V4", nvsp::Version::V4.0),
        ("nvsp.V5", nvsp::Version::V5.0),
        ("nvsp.V6", nvsp::Version::V6.0),
        ("nvsp.V6_1", nvsp::Version::V6_1.0),
        ("nvsp.INIT", nvsp::MessageType::INIT.0),
        ("nvsp.INIT_COMPLETE", nvsp::MessageType::INIT_COMPLETE.0),
        (
            "nvsp.SEND_NDIS_VERSION",
            nvsp::MessageType::SEND_NDIS_VERSION.0,
        ),
        (
            "nvsp.SEND_RECEIVE_BUFFER",
            nvsp::MessageType::SEND_RECEIVE_BUFFER.0,
        ),
        (
            "nvsp.REVOKE_RECEIVE_BUFFER",
            nvsp::MessageType::REVOKE_RECEIVE_BUFFER.0,
        ),
        (
            "nvsp.SEND_SEND_BUFFER",
            nvsp::MessageType::SEND_SEND_BUFFER.0,
        ),
        (
            "nvsp.REVOKE_SEND_BUFFER",
            nvsp::MessageType::REVOKE_SEND_BUFFER.0,
        ),
        (
            "nvsp.SEND_RNDIS_PACKET",
            nvsp::MessageType::SEND_RNDIS_PACKET.0,
        ),
        (
            "nvsp.SEND_NDIS_CONFIG",
            nvsp::MessageType::SEND_NDIS_CONFIG.0,
        ),
        (
            "nvsp.SEND_VF_ASSOCIATION",
            nvsp::MessageType::SEND_VF_ASSOCIATION.0,
        ),
        ("nvsp.SUBCHANNEL", nvsp::MessageType::SUBCHANNEL.0),
        (
            "nvsp.SEND_INDIRECTION_TABLE",
            nvsp::MessageType::SEND_INDIRECTION_TABLE.0,
        ),
        ("nvsp.SUCCESS", nvsp::Status::SUCCESS.0),
        ("nvsp.FAIL", nvsp::Status::FAIL.0),
        ("info.CHECKSUM", info::InfoType::CHECKSUM.0),
        ("info.LARGE_SEND", info::InfoType::LARGE_SEND.0),
        ("info.VLAN", info::InfoType::VLAN.0),
        ("info.HASH", info::InfoType::HASH.0),
        ("info.PART", info::InfoType::PART.0 & !(1 << 31)),
        ("rndis.PACKET", rndis::MessageType::PACKET.0),
        ("rndis.INITIALIZE", rndis::MessageType::INITIALIZE.0),
        ("rndis.HALT", rndis::MessageType::HALT.0),
        ("rndis.QUERY", rndis::MessageType::QUERY.0),
        ("rndis.SET", rndis::MessageType::SET.0),
        ("rndis.INDICATE", rndis::MessageType::INDICATE.0),
        ("rndis.MEDIA_CONNECT", rndis::Status::MEDIA_CONNECT.0),
        ("rndis.MEDIA_DISCONNECT", rndis::Status::MEDIA_DISCONNECT.0),
        (
            "rndis.LINK_SPEED_CHANGE",
            rndis::Status::LINK_SPEED_CHANGE.0,
        ),
        ("rndis.NETWORK_CHANGE", rndis::Status::NETWORK_CHANGE.0),
        ("oid.MAXIMUM_FRAME_SIZE", request::Oid::MAXIMUM_FRAME_SIZE.0),
        ("oid.LINK_SPEED", request::Oid::LINK_SPEED.0),
        (
            "oid.CURRENT_PACKET_FILTER",
            request::Oid::CURRENT_PACKET_FILTER.0,
        ),
        (
            "oid.MEDIA_CONNECT_STATUS",
            request::Oid::MEDIA_CONNECT_STATUS.0,
        ),
        (
            "oid.RECEIVE_SCALE_CAPABILITIES",
            request::Oid::RECEIVE_SCALE_CAPABILITIES.0,
        ),
        (
            "oid.RECEIVE_SCALE_PARAMETERS",
            request::Oid::RECEIVE_SCALE_PARAMETERS.0,
        ),
        ("oid.FRIENDLY_NAME", request::Oid::FRIENDLY_NAME.0),
        ("oid.CONFIG_PARAMETER", request::Oid::CONFIG_PARAMETER.0),
        ("oid.PERMANENT_ADDRESS", request::Oid::PERMANENT_ADDRESS.0),
        ("oid.OFFLOAD_PARAMETERS", request::Oid::OFFLOAD_PARAMETERS.0),
        (
            "oid.OFFLOAD_CAPABILITIES",
            request::Oid::OFFLOAD_CAPABILITIES.0,
        ),
    ];
    for (name, value) in values {
        facts.check(name, usize::try_from(value).expect("a 64-bit machine"));
    }
    facts.check("nvsp.MAX_PACKET", nvsp::MAX_PACKET);
    facts.check("nvsp.SEND_TABLE_LEN", nvsp::SEND_TABLE_LEN);
    facts.check("rndis.HEADROOM", frame::HEADROOM);
    facts.check("ndis.LEN_6_0", offload::Capabilities::LEN_6_0);
    facts.check("ndis.LEN_6_1", offload::Capabilities::LEN_6_1);
    facts.check("ndis.OLD_LEN", offload::Parameters::OLD_LEN);
}

fn utility_messages(facts: &mut Facts) {
    use utilities::{kvp, kvp::layout, message::Header, negotiate::Lists, shutdown, timesync, vss};

    check! { facts:
        Lists as "IcLists" { framework_count, service_count, reserved }
        shutdown::Body as "IcShutdown" { reason, timeout_seconds, flags, display_message }
        timesync::Body as "IcTime" { host_time, guest_time, round_trip, flags }
        timesync::BodyWithReference as "IcReference" {
            host_time, reference, flags, leap_flags, stratum, reserved,
        }
        vss::Body as "IcVss" { operation, reserved }
        layout::DaemonHeader as "KvpHeader" { operation, pool, reserved }
        layout::Pair as "KvpPair" { value_type, key_len, value_len, key, value }
        layout::Numbered as "KvpNumbered" { index, pair }
        layout::Key as "KvpKey" { key_len, key }
        layout::Addresses as "KvpAddresses" {
            adapter, family, dhcp, addresses, subnets, gateways, name_servers,
        }
        layout::HostHeader as "KvpHostHeader" { operation, pool }
    }
    facts.check("IcVss.flags", offset_of!(vss::Body, flags));
    facts.check("IcHeader", size_of::<Header>());
    facts.check("IcHeader.framework", offset_of!(Header, framework));
    facts.check("IcHeader.kind", offset_of!(Header, kind));
    facts.check("IcHeader.service", offset_of!(Header, service));
    facts.check("IcHeader.len", offset_of!(Header, len));
    facts.check("IcHeader.status", offset_of!(Header, status));
    facts.check("IcHeader.transaction", offset_of!(Header, transaction));
    facts.check("IcHeader.flags", offset_of!(Header, flags));
    facts.check("KvpMessage", kvp::MESSAGE_BYTES);
    facts.check("KvpMessage.body", size_of::<layout::DaemonHeader>());
}

/// The C structure begins with the descriptor.
fn gpa_direct(facts: &mut Facts) {
    use packet::GpaDirect;

    let start = packet::DESCRIPTOR_LEN;
    facts.check("GpaDirect", start + size_of::<GpaDirect>());
    facts.check(
        "GpaDirect.range_count",
        start + offset_of!(GpaDirect, range_count),
    );
    facts.check("GpaDirect.len", start + offset_of!(GpaDirect, len));
    facts.check("GpaDirect.offset", start + offset_of!(GpaDirect, offset));
    facts.check("GpaDirect.pfns", start + size_of::<GpaDirect>());
}

fn storage_packet(facts: &mut Facts) {
    use storage::Packet;

    facts.check("StoragePacket", size_of::<Packet>());
    facts.check(
        "StoragePacket.operation",
        offset_of!(Packet, header.operation),
    );
    facts.check("StoragePacket.flags", offset_of!(Packet, header.flags));
    facts.check("StoragePacket.status", offset_of!(Packet, header.status));
    facts.check(
        "StoragePacket.payload",
        size_of::<Packet>() - size_of::<storage::Srb>(),
    );
}

fn ring_header(facts: &mut Facts) {
    use crate::ring::shared::Word;

    facts.check("RingHeader.write_index", Word::WriteIndex as usize);
    facts.check("RingHeader.read_index", Word::ReadIndex as usize);
    facts.check("RingHeader.interrupt_mask", Word::InterruptMask as usize);
    facts.check("RingHeader.pending_send", Word::PendingSend as usize);
    facts.check("RingHeader.features", Word::Features as usize);
}

fn constants(facts: &mut Facts) {
    use crate::wire::{
        device_type::DeviceType, message::MessageType, packet::Kind, synic::Status,
        version::Version,
    };

    let mut check = |name: &str, ours: u32| facts.check(name, ours as usize);
    check("const.V4_0", Version::V4_0.0);
    check("const.V4_1", Version::V4_1.0);
    check("const.V5_0", Version::V5_0.0);
    check("const.V5_1", Version::V5_1.0);
    check("const.V5_2", Version::V5_2.0);
    check("const.V5_3", Version::V5_3.0);
    check("const.V6_0", Version::V6_0.0);
    check("const.OFFER_CHANNEL", MessageType::OFFER_CHANNEL.0);
    check("const.RESCIND_OFFER", MessageType::RESCIND_OFFER.0);
    check("const.REQUEST_OFFERS", MessageType::REQUEST_OFFERS.0);
    check(
        "const.ALL_OFFERS_DELIVERED",
        MessageType::ALL_OFFERS_DELIVERED.0,
    );
    check("const.OPEN_CHANNEL", MessageType::OPEN_CHANNEL.0);
    check("const.OPEN_RESULT", MessageType::OPEN_RESULT.0);
    check("const.CLOSE_CHANNEL", MessageType::CLOSE_CHANNEL.0);
    check("const.GPADL_HEADER", MessageType::GPADL_HEADER.0);
    check("const.GPADL_BODY", MessageType::GPADL_BODY.0);
    check("const.GPADL_CREATED", MessageType::GPADL_CREATED.0);
    check("const.GPADL_TEARDOWN", MessageType::GPADL_TEARDOWN.0);
    check("const.GPADL_TORNDOWN", MessageType::GPADL_TORNDOWN.0);
    check("const.RELID_RELEASED", MessageType::RELID_RELEASED.0);
    check("const.INITIATE_CONTACT", MessageType::INITIATE_CONTACT.0);
    check("const.VERSION_RESPONSE", MessageType::VERSION_RESPONSE.0);
    check("const.UNLOAD", MessageType::UNLOAD.0);
    check("const.UNLOAD_RESPONSE", MessageType::UNLOAD_RESPONSE.0);
    check(
        "const.TL_CONNECT_REQUEST",
        MessageType::TL_CONNECT_REQUEST.0,
    );
    check("const.MODIFY_CHANNEL", MessageType::MODIFY_CHANNEL.0);
    check("const.TL_CONNECT_RESULT", MessageType::TL_CONNECT_RESULT.0);
    check(
        "const.MODIFY_CHANNEL_RESPONSE",
        MessageType::MODIFY_CHANNEL_RESPONSE.0,
    );
    check("const.INBAND", Kind::INBAND.0.into());
    check("const.TRANSFER_PAGES", Kind::TRANSFER_PAGES.0.into());
    check("const.GPA_DIRECT", Kind::GPA_DIRECT.0.into());
    check("const.COMPLETION", Kind::COMPLETION.0.into());
    check(
        "const.INVALID_PARAMETER",
        Status::INVALID_PARAMETER.0.into(),
    );
    check(
        "const.INSUFFICIENT_MEMORY",
        Status::INSUFFICIENT_MEMORY.0.into(),
    );
    check(
        "const.INVALID_CONNECTION_ID",
        Status::INVALID_CONNECTION_ID.0.into(),
    );
    check(
        "const.INSUFFICIENT_BUFFERS",
        Status::INSUFFICIENT_BUFFERS.0.into(),
    );
    check("const.POST_MESSAGE", synic::HVCALL_POST_MESSAGE.into());
    check("const.SIGNAL_EVENT", synic::HVCALL_SIGNAL_EVENT.into());
    check("const.EVENT_FLAGS", synic::EVENT_FLAGS as u32);
    check(
        "const.CONFIDENTIAL_CHANNELS",
        contact::FEATURE_CONFIDENTIAL_CHANNELS,
    );
    check("const.USER_DATA_LEN", crate::wire::USER_DATA_LEN as u32);
    check("const.SCSI", DeviceType::Scsi.index().into());
    check("const.SHUTDOWN", DeviceType::Shutdown.index().into());
    check("const.UNKNOWN", DeviceType::Unknown.index().into());
}

fn storage_constants(facts: &mut Facts) {
    use storage::{Operation, SrbFlags, SrbStatus};

    let mut check = |name: &str, ours: u32| facts.check(name, ours as usize);
    check("storage.COMPLETE_IO", Operation::COMPLETE_IO.0);
    check("storage.REMOVE_DEVICE", Operation::REMOVE_DEVICE.0);
    check("storage.EXECUTE_SRB", Operation::EXECUTE_SRB.0);
    check("storage.RESET_BUS", Operation::RESET_BUS.0);
    check(
        "storage.BEGIN_INITIALIZATION",
        Operation::BEGIN_INITIALIZATION.0,
    );
    check(
        "storage.END_INITIALIZATION",
        Operation::END_INITIALIZATION.0,
    );
    check(
        "storage.QUERY_PROTOCOL_VERSION",
        Operation::QUERY_PROTOCOL_VERSION.0,
    );
    check("storage.QUERY_PROPERTIES", Operation::QUERY_PROPERTIES.0);
    check("storage.ENUMERATE_BUS", Operation::ENUMERATE_BUS.0);
    check("storage.FCHBA_DATA", Operation::FCHBA_DATA.0);
    check(
        "storage.CREATE_SUB_CHANNELS",
        Operation::CREATE_SUB_CHANNELS.0,
    );
    check("storage.SUCCESS", SrbStatus::SUCCESS.0.into());
    check("storage.ABORTED", SrbStatus::ABORTED.0.into());
    check("storage.ERROR", SrbStatus::ERROR.0.into());
    check(
        "storage.INVALID_REQUEST",
        SrbStatus::INVALID_REQUEST.0.into(),
    );
    check("storage.TIMEOUT", SrbStatus::TIMEOUT.0.into());
    check(
        "storage.SELECTION_TIMEOUT",
        SrbStatus::SELECTION_TIMEOUT.0.into(),
    );
    check("storage.BUS_RESET", SrbStatus::BUS_RESET.0.into());
    check("storage.DATA_OVERRUN", SrbStatus::DATA_OVERRUN.0.into());
    check("storage.INVALID_LUN", SrbStatus::INVALID_LUN.0.into());
    check("storage.INTERNAL_ERROR", SrbStatus::INTERNAL_ERROR.0.into());
    check("storage.QUEUE_ACTION", SrbFlags::QUEUE_ACTION.0);
    check(
        "storage.DISABLE_SYNCH_TRANSFER",
        SrbFlags::DISABLE_SYNCH_TRANSFER.0,
    );
    check("storage.DATA_IN", SrbFlags::DATA_IN.0);
    check("storage.DATA_OUT", SrbFlags::DATA_OUT.0);
    check("storage.NO_QUEUE_FREEZE", SrbFlags::NO_QUEUE_FREEZE.0);
}
