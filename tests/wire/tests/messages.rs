// SPDX-License-Identifier: GPL-2.0

//! Channel messages: what we send, byte by byte, and what a host may send.

use proptest::prelude::*;
use wire_tests::{
    guid::{guid, Guid},
    wire::{
        contact::{InitiateContact, Unload, VersionResponse, FEATURE_CONFIDENTIAL_CHANNELS},
        gpadl::{GpadlCreated, GpadlTeardown, GpadlTorndown},
        message::{Header, Malformed, Message, MessageType, MAX_LEN},
        monitor::MonitorId,
        offer::{BadOffer, Offer, OfferFlags, RelidReleased, RequestOffers, RescindOffer},
        open::{
            CloseChannel, ModifyChannel, ModifyChannelResponse, OpenChannel, OpenParameters,
            OpenResult, TlConnectRequest,
        },
        synic::{MessageSlot, PostMessage, SlotType, Status},
        version::Version,
        MAX_RELIDS, USER_DATA_LEN,
    },
};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

/// Little-endian 32-bit words, as bytes.
fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn what_we_send() {
    assert_eq!(RequestOffers::new().as_bytes(), words(&[3, 0]));
    assert_eq!(CloseChannel::new(7).as_bytes(), words(&[7, 0, 7]));
    assert_eq!(
        GpadlTeardown::new(7, 0xe1e10).as_bytes(),
        words(&[11, 0, 7, 0xe1e10])
    );
    assert_eq!(RelidReleased::new(9).as_bytes(), words(&[13, 0, 9]));
    assert_eq!(Unload::new().as_bytes(), words(&[16, 0]));
    assert_eq!(ModifyChannel::new(7, 3).as_bytes(), words(&[22, 0, 7, 3]));
}

#[test]
fn open() {
    let mut user_data = [0; USER_DATA_LEN];
    user_data[0] = 1;
    let message = OpenChannel::new(&OpenParameters {
        relid: 2,
        open_id: 3,
        ring_gpadl: 4,
        target_vp: 5,
        downstream_offset: 6,
        user_data: &user_data,
    });
    let mut expected = words(&[5, 0, 2, 3, 4, 5, 6]);
    expected.extend_from_slice(&user_data);
    assert_eq!(message.as_bytes(), expected);
    assert_eq!(expected.len(), 148);
}

#[test]
fn contact_before_and_since_5_0() {
    let pages = [0x1111_2222_3333_4000, 0x5000];
    let old = InitiateContact::new(Version::V4_1, 1, pages).with_interrupt_page(0x6000);
    let expected = words(&[
        14,
        0,
        0x40001,
        1,
        0x6000,
        0,
        0x3333_4000,
        0x1111_2222,
        0x5000,
        0,
    ]);
    assert_eq!(old.as_bytes(), expected);

    let new = InitiateContact::new(Version::V6_0, 0, pages).with_target(
        2,
        1,
        FEATURE_CONFIDENTIAL_CHANNELS,
    );
    let expected = words(&[
        14,
        0,
        0x60000,
        0,
        0x0102,
        0x10,
        0x3333_4000,
        0x1111_2222,
        0x5000,
        0,
    ]);
    assert_eq!(new.as_bytes(), expected);
}

#[test]
fn socket_connection() {
    let (guest, host) = (
        Guid::from_bytes([1; 16]),
        guid!("00000400-facb-11e6-bd58-64006a7986d3"),
    );
    let message = TlConnectRequest::new(guest, host);
    let mut expected = words(&[21, 0]);
    expected.extend_from_slice(guest.as_bytes());
    expected.extend_from_slice(host.as_bytes());
    assert_eq!(message.as_bytes(), expected);
}

#[test]
fn versions() {
    assert_eq!(Version::PROPOSED[0].to_string(), "6.0");
    assert_eq!(Version::PROPOSED[1].to_string(), "5.3");
    assert_eq!(Version::PROPOSED[6].to_string(), "4.0");
    assert!(Version::PROPOSED.windows(2).all(|pair| pair[0] > pair[1]));
    let features = |version: Version| {
        [
            version.can_move_channels(),
            version.host_names_connection(),
            version.acknowledges_moves(),
        ]
    };
    assert_eq!(features(Version::V4_0), [false, false, false]);
    assert_eq!(features(Version::V4_1), [true, false, false]);
    assert_eq!(features(Version::V5_0), [true, true, false]);
    assert_eq!(features(Version::V5_2), [true, true, false]);
    assert_eq!(features(Version::V5_3), [true, true, true]);
    assert_eq!(features(Version::V6_0), [true, true, true]);
}

#[test]
fn version_response() {
    let response = |bytes: &[u32]| VersionResponse::parse(&words(bytes)).unwrap();
    let accepted = response(&[15, 0, 1, 0x99]);
    assert!(accepted.is_supported() && accepted.is_connected());
    assert_eq!(accepted.message_connection, 0x99);
    assert!(!response(&[15, 0, 0, 0]).is_supported());
    let failed = response(&[15, 0, 0x0101, 0]);
    assert!(failed.is_supported() && !failed.is_connected());
    assert_eq!(
        VersionResponse::parse(&words(&[15, 0, 1])).map(|_| ()),
        None
    );
}

#[test]
fn answers() {
    let result = OpenResult::parse(&words(&[6, 0, 1, 2, 3])).unwrap();
    assert_eq!((result.relid, result.open_id, result.status), (1, 2, 3));
    let created = GpadlCreated::parse(&words(&[10, 0, 1, 2, 3])).unwrap();
    assert_eq!((created.relid, created.gpadl, created.status), (1, 2, 3));
    assert_eq!(GpadlTorndown::parse(&words(&[12, 0, 1])).unwrap().gpadl, 1);
    let modified = ModifyChannelResponse::parse(&words(&[24, 0, 1, 2])).unwrap();
    assert_eq!((modified.relid, modified.status), (1, 2));
    assert_eq!(RescindOffer::parse(&words(&[2, 0, 1])).unwrap().relid, 1);
    // The right length but another type.
    assert!(RescindOffer::parse(&words(&[12, 0, 1])).is_none());
}

/// A valid offer; tests change it.
fn offer() -> Vec<u8> {
    let mut bytes = vec![0; 196];
    bytes[0] = 1;
    bytes[8..24].fill(0xaa);
    bytes[24..40].fill(0xbb);
    bytes[56..60].copy_from_slice(&[0x00, 0x24, 0x34, 0x12]);
    bytes[60] = 4;
    bytes[180] = 3;
    bytes[184] = 77;
    bytes[188] = 127;
    bytes[189] = 1;
    bytes[190] = 1;
    bytes[192] = 0x20;
    bytes
}

#[test]
fn offers() {
    let parsed = Offer::parse(&offer()).unwrap();
    assert_eq!(parsed.class, Guid::from_bytes([0xaa; 16]));
    assert_eq!(parsed.instance, Guid::from_bytes([0xbb; 16]));
    assert_eq!(parsed.relid, 77);
    assert!(parsed.is_socket() && parsed.flags.contains(OfferFlags::SOCKET));
    assert!(parsed
        .flags
        .contains(OfferFlags::REQUEST_MONITORED_NOTIFICATION));
    assert_eq!(parsed.mmio_megabytes, 0x1234);
    assert_eq!(parsed.user_defined[0], 4);
    assert_eq!(parsed.subchannel_index, 3);
    assert!(parsed.is_subchannel());
    assert_eq!(parsed.monitor.map(MonitorId::get), Some(127));
    assert!(parsed.dedicated_interrupt);
    assert_eq!(parsed.connection_id, 0x20);

    let mut reserved_bits = offer();
    reserved_bits[189] = 0xfe;
    reserved_bits[190] = 0xfe;
    let parsed = Offer::parse(&reserved_bits).unwrap();
    assert_eq!(parsed.monitor, None);
    assert!(!parsed.dedicated_interrupt);
}

#[test]
fn offers_of_devices() {
    let mut bytes = offer();
    bytes[57] = 0x04;
    bytes[180] = 0;
    let parsed = Offer::parse(&bytes).unwrap();
    assert!(!parsed.is_socket() && !parsed.is_subchannel());
    let both = OfferFlags(0x0600);
    assert!(!parsed.flags.contains(both));
}

#[test]
fn bad_offers() {
    for relid in [0, MAX_RELIDS as u32, u32::MAX] {
        let mut bytes = offer();
        bytes[184..188].copy_from_slice(&relid.to_le_bytes());
        assert_eq!(Offer::parse(&bytes), Err(BadOffer::Relid(relid)));
    }
    let mut bytes = offer();
    bytes[188] = 128;
    assert_eq!(
        Offer::parse(&bytes),
        Err(BadOffer::Monitor { relid: 77, id: 128 })
    );
    assert_eq!(Offer::parse(&offer()[..195]), Err(BadOffer::Malformed));
}

#[test]
fn monitor_triggers() {
    let id = MonitorId::new(70).unwrap();
    assert_eq!((id.group(), id.trigger(), id.mask()), (2, 6, 0x40));
    assert_eq!(id.pending_offset(), 8 + 2 * 8);
    assert_eq!(id.latency_offset(), 0x240 + 70 * 2);
    assert_eq!(id.connection_offset(), 0x440 + 70 * 8);
    assert_eq!(MonitorId::new(128), None);
}

#[test]
fn slots_and_hypercalls() {
    let mut slot = MessageSlot::new_zeroed();
    slot.kind = SlotType::CHANNEL_MESSAGE;
    slot.payload_len = 240;
    assert_eq!(slot.payload().map(<[u8]>::len), Some(240));
    slot.payload_len = 241;
    assert_eq!(slot.payload(), None);

    let post = PostMessage::new(4, &[1, 2, 3]).unwrap();
    assert_eq!(
        post.as_bytes()[..20],
        [&words(&[4, 0, 1, 3])[..], &[1, 2, 3, 0]].concat()
    );
    assert!(PostMessage::new(4, &[0; 241]).is_none());

    assert_eq!(
        Status::of(0xffff_ffff_ffff_000b),
        Status::INSUFFICIENT_MEMORY
    );
    assert!(Status::INSUFFICIENT_BUFFERS.is_transient());
    assert!(!Status::INVALID_CONNECTION_ID.is_transient());
    assert_eq!(format!("{:?}", Status(0x1234)), "Status(0x1234)");
}

/// Feeds `bytes` to everything that reads messages.
fn read_as_everything(bytes: &[u8]) {
    let _ = Header::parse(bytes);
    let _ = Offer::parse(bytes);
    let _ = RescindOffer::parse(bytes);
    let _ = OpenResult::parse(bytes);
    let _ = GpadlCreated::parse(bytes);
    let _ = GpadlTorndown::parse(bytes);
    let _ = VersionResponse::parse(bytes);
    let _ = ModifyChannelResponse::parse(bytes);
}

#[test]
fn how_long_messages_are_at_least() {
    for (kind, len) in [
        (MessageType::OFFER_CHANNEL, 196),
        (MessageType::RESCIND_OFFER, 12),
        (MessageType::ALL_OFFERS_DELIVERED, 8),
        (MessageType::OPEN_RESULT, 20),
        (MessageType::GPADL_CREATED, 20),
        (MessageType::GPADL_TORNDOWN, 12),
        (MessageType::VERSION_RESPONSE, 16),
        (MessageType::UNLOAD_RESPONSE, 8),
        (MessageType::MODIFY_CHANNEL_RESPONSE, 16),
    ] {
        assert_eq!(kind.min_len(), Some(len), "{kind:?}");
    }
}

#[test]
fn every_type_at_every_length() {
    for kind in 0..40 {
        for len in 0..=300 {
            let mut bytes = vec![0xff; len];
            for (byte, value) in bytes.iter_mut().zip(u32::to_le_bytes(kind)) {
                *byte = value;
            }
            read_as_everything(&bytes);
            let result = Header::parse(&bytes);
            match MessageType(kind).min_len() {
                _ if len < 8 => assert_eq!(result.unwrap_err(), Malformed::NoHeader),
                None => assert_eq!(
                    result.unwrap_err(),
                    Malformed::Unexpected(MessageType(kind))
                ),
                Some(min) => assert_eq!(result.is_ok(), (min..=MAX_LEN).contains(&len)),
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes(kind in 0u32..30, rest in proptest::collection::vec(any::<u8>(), 0..250)) {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend(rest);
        read_as_everything(&bytes);
        if let Ok(offer) = Offer::parse(&bytes) {
            prop_assert!((1..MAX_RELIDS as u32).contains(&offer.relid));
        }
    }

    #[test]
    fn any_slot(bytes in proptest::collection::vec(any::<u8>(), 256)) {
        let slot = MessageSlot::read_from_bytes(&bytes[..]).unwrap();
        prop_assert_eq!(slot.payload().is_some(), bytes[4] <= 240);
    }
}
