// SPDX-License-Identifier: GPL-2.0

//! The network protocol's part: fields of messages whose header is apart, and constants.

use super::Facts;
use crate::network::{answer, frame, info, nvsp, offload, request, rndis};
use std::mem::offset_of;

/// The fields of our messages, which are without the header of the C ones.
pub(super) fn bodies(facts: &mut Facts) {
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

pub(super) fn constants(facts: &mut Facts) {
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
