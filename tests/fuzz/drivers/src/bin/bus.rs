// SPDX-License-Identifier: GPL-2.0

//! Control messages, their slots, and the headers of packets.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wire_tests::wire::{
    device_type::DeviceType,
    message::{
        GpadlCreated, GpadlTorndown, Header, Message, ModifyChannelResponse, OpenResult,
        RescindOffer, VersionResponse,
    },
    offer::Offer,
    packet::TransferPages,
    synic::MessageSlot,
};
use zerocopy::FromBytes;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((slot, _)) = MessageSlot::read_from_prefix(bytes) {
        if let Some(payload) = slot.payload() {
            message(payload);
        }
    }
    message(bytes);
    if let Some((header, ranges)) = TransferPages::parse(bytes) {
        assert!(size_of_val(header) + size_of_val(ranges) <= bytes.len());
    }
});

fn message(bytes: &[u8]) {
    if let Ok(header) = Header::parse(bytes) {
        assert!(header.kind.min_len().is_some_and(|len| len <= bytes.len()));
    }
    if let Ok(offer) = Offer::parse(bytes) {
        let _ = format!("{offer:?}");
        let _ = DeviceType::of(&offer.class).map(DeviceType::info);
    }
    OpenResult::parse(bytes);
    GpadlCreated::parse(bytes);
    GpadlTorndown::parse(bytes);
    ModifyChannelResponse::parse(bytes);
    RescindOffer::parse(bytes);
    VersionResponse::parse(bytes);
}
