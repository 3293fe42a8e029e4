// SPDX-License-Identifier: GPL-2.0

//! The network protocol: what we send, byte by byte, and what we make of what a host may send.

mod info;
mod offload;
mod parts;
mod requests;

use proptest::prelude::*;
use wire::{
    frame::{Head, Parts, Start, MAX_INFOS, START_LEN},
    info::{checksum, large_send, FrameInfo, Info, InfoType, Transports, VlanTag},
    nvsp::{self, Answer, Message, Notice, RndisPacket, Version, MESSAGE_LEN, SEND_TABLE_LEN},
    request,
    rndis::{Header, Indication},
    rss, Fault,
};
use zerocopy::{FromBytes, IntoBytes};

#[expect(dead_code, unused_imports, reason = "some is for the driver only")]
#[path = "../../../../netvsc/wire/mod.rs"]
mod wire;

fn words(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// A piece of information: length, kind, offset of the value, and the value.
fn piece(len: u32, kind: u32, offset: u32, value: u32) -> Vec<u8> {
    words(&[len, kind, offset, value])
}

#[test]
fn messages_begin_with_their_kind_and_are_zero_after_their_body() {
    let vlan = nvsp::Capabilities::IEEE8021Q;
    let vlan_and_vf = vlan.with(nvsp::Capabilities::SRIOV).with(vlan);
    let message = Message::ndis_config(1514, vlan_and_vf);
    let mut expected = words(&[125, 1514, 0, 8 | 4]);
    expected.resize(MESSAGE_LEN, 0);
    assert_eq!(message.as_bytes(), expected);

    let message = Message::send_receive_buffer(0xe1e11);
    let mut expected = words(&[101, 0xe1e11, 0xcafe]);
    expected.resize(MESSAGE_LEN, 0);
    assert_eq!(message.as_bytes(), expected);

    let message = Message::rndis(RndisPacket::in_section(5, 100));
    assert_eq!(message.as_bytes()[..16], words(&[107, 0, 5, 100]));
    let message = Message::rndis(RndisPacket::CONTROL);
    assert_eq!(message.as_bytes()[..16], words(&[107, 1, u32::MAX, 0]));
    let message = Message::allocate_subchannels(3);
    assert_eq!(message.as_bytes()[..12], words(&[133, 1, 3]));
    let message = Message::switch_data_path(true);
    assert_eq!(message.as_bytes()[..8], words(&[129, 1]));
}

#[test]
fn old_hosts_get_old_ndis() {
    assert_eq!(Version::V4.ndis(), (6, 1));
    assert_eq!(Version::V5.ndis(), (6, 30));
    assert!(Version::PREFERRED.is_sorted_by(|a, b| a > b));
}

#[test]
fn answers_that_are_too_short_are_refused() {
    let whole = [
        words(&[2, 0x6_0001, 0, 1]),
        words(&[102, 1, 1, 0, 1728, 9709, 0]),
        words(&[105, 1, 6144]),
        words(&[133, 1, 3]),
        words(&[108, 1]),
    ];
    for message in whole {
        assert!(Answer::parse(&message).is_ok());
        for len in 1..message.len() {
            let short = Answer::parse(&message[..len]);
            assert!(matches!(short, Err(Fault::Short(_))), "{short:?}");
        }
    }
    assert_eq!(Answer::parse(&[]), Ok(Answer::Empty));
    assert_eq!(Answer::parse(&words(&[7, 0])), Err(Fault::Kind(7)));
}

#[test]
fn receive_buffers_are_one_section_of_what_there_is() {
    let sections = |values: [u32; 6], size| {
        let message = [&words(&[102])[..], &words(&values)].concat();
        let Ok(Answer::ReceiveBuffer(answer)) = Answer::parse(&message) else {
            panic!("no answer");
        };
        answer.sections(size)
    };
    assert!(sections([1, 1, 0, 100, 10, 0], 1000).is_some());
    assert!(sections([1, 1, 0, 100, 11, 0], 1000).is_none());
    assert!(sections([1, 2, 0, 100, 10, 0], 1000).is_none());
    assert!(sections([1, 1, 8, 100, 9, 0], 1000).is_none());
    assert!(sections([1, 1, 0, 67, 10, 0], 1000).is_none());
    assert!(sections([1, 1, 0, 68, 10, 0], 1000).is_some());
    assert!(sections([1, 1, 0, 100, 0, 0], 1000).is_none());
    assert!(sections([1, 1, 0, u32::MAX, u32::MAX, 0], 1 << 24).is_none());
}

#[test]
fn send_buffers_are_divided_within_their_bounds() {
    let sections = |len, size: usize| {
        let Ok(Answer::SendBuffer(answer)) = Answer::parse(&words(&[105, 1, len])) else {
            panic!("not understood");
        };
        answer.sections(size).map(|it| (it.len, it.count))
    };
    assert_eq!(sections(68, 1000), Some((68, 14)));
    assert_eq!(sections(1000, 1000), Some((1000, 1)));
    assert_eq!(sections(1001, 1000), None);
    for len in [0, 1, 67, u32::MAX] {
        assert_eq!(sections(len, 1000), None);
    }
}

#[test]
fn the_send_table_is_where_the_host_says_or_where_old_hosts_have_it() {
    let table: Vec<u32> = (0..16).collect();
    let message = |offset: u32, gap: usize| {
        let mut message = words(&[134, 16, offset]);
        message.resize(12 + gap, 0);
        message.extend(words(&table));
        message
    };
    let parse = |message: &[u8], version| Notice::parse(message, version);
    let expected = Ok(Notice::SendTable(table.clone().try_into().unwrap()));
    assert_eq!(parse(&message(12, 0), Version::V6_1), expected);
    assert_eq!(parse(&message(12, 0), Version::V5), expected);
    // The table is after the longest message, whatever an old host says.
    assert_eq!(parse(&message(12, 28), Version::V6), expected);
    assert_ne!(parse(&message(12, 28), Version::V6_1), expected);
    assert!(parse(&message(13, 0), Version::V6_1).is_err());
    assert!(parse(&message(u32::MAX, 0), Version::V6_1).is_err());
    assert!(parse(&words(&[134, 15, 12]), Version::V6_1).is_err());
    assert_eq!(SEND_TABLE_LEN, 16);
}

#[test]
fn other_notices() {
    let parse = |values: &[u32]| Notice::parse(&words(values), Version::V6_1);
    for (said, present) in [(0, false), (1, true), (2, true)] {
        let expected = Notice::VirtualFunction { present, serial: 7 };
        assert_eq!(parse(&[128, said, 7]), Ok(expected));
    }
    assert!(parse(&[128, 1]).is_err());
    assert_eq!(parse(&[107, 1, 7]), Ok(Notice::Other));
    assert_eq!(nvsp::expect_rndis(&words(&[107, 0])), Ok(()));
    assert_eq!(nvsp::expect_rndis(&words(&[128, 0])), Err(Fault::Kind(128)));
    assert_eq!(nvsp::expect_rndis(&[107, 0]), Err(Fault::Short(2)));
}

#[test]
fn starts_of_frames_have_lengths_that_add_up() {
    let mut start = Start::new(1000);
    assert_eq!(start.as_bytes().len(), START_LEN);
    start.push(Info::new(InfoType::VLAN, 7));
    start.push(Info::new(InfoType::HASH, 9));
    let bytes = start.as_bytes();
    assert_eq!(start.message_len() as usize, bytes.len() + 1000);
    assert_eq!(bytes[..8], words(&[1, 44 + 32 + 1000]));
    assert_eq!(bytes[8..44], words(&[36 + 32, 1000, 0, 0, 0, 36, 32, 0, 0]));
    assert_eq!(bytes[44..60], words(&[16, 6, 12, 7]));
    assert_eq!(bytes[60..], words(&[16, 8, 12, 9]));
    start.pad(4);
    assert_eq!(start.message_len(), 44 + 32 + 1000 + 4);
    for _ in 0..2 * MAX_INFOS {
        start.push(Info::new(InfoType::CHECKSUM, 0));
    }
    assert_eq!(start.as_bytes().len(), START_LEN + 16 * MAX_INFOS);
}

#[test]
fn a_frame_of_ours_is_one_that_we_understand() {
    let mut start = Start::new(60);
    start.push(Info::new(InfoType::HASH, 0x1234));
    let bytes = [start.as_bytes(), &[0; 60]].concat();
    let (head, _) = Head::read_from_prefix(&bytes).unwrap();
    assert!(head.header.check(bytes.len()).is_ok());
    let Parts { frame, info } = Parts::parse(&head.packet, bytes.len()).unwrap();
    assert_eq!((frame.offset, frame.len), (bytes.len() - 60, 60));
    let info = FrameInfo::parse(&bytes[info.offset..][..info.len]).unwrap();
    assert_eq!(info.hash, Some(0x1234));
}

#[test]
fn information_of_no_length_or_nowhere_is_none() {
    let info = |offset, len| {
        let bytes = words(&[1, 104, 36, 60, 0, 0, 0, offset, len, 0, 0]);
        let head = Head::read_from_bytes(&bytes).unwrap();
        Parts::parse(&head.packet, 104).map(|parts| parts.info.len)
    };
    assert_eq!(info(0, 0), Ok(0));
    assert_eq!(info(1, 0), Ok(0));
    assert_eq!(info(0, 16), Ok(0));
    assert_eq!(info(80, 16), Ok(16));
    assert_eq!(info(1, 16), Err(Fault::Offset(1)));
    assert_eq!(info(96, 16), Err(Fault::Length(16)));
    assert_eq!(info(97, 16), Err(Fault::Offset(97)));
}

#[test]
fn work_for_the_host_is_in_the_right_bits() {
    let value = |info: Option<Info>| info.map(|info| info.value);
    assert_eq!(value(checksum(Transports::TCP4, 34)), Some(0x22_0005));
    assert_eq!(value(checksum(Transports::UDP6, 54)), Some(0x36_000a));
    assert_eq!(value(checksum(Transports::UDP4, 34)), Some(0x22_0009));
    assert_eq!(value(checksum(Transports::TCP6, 1023)), Some(0x3ff_0006));
    assert_eq!(value(checksum(Transports::UDP6, 1024)), None);
    let v4 = 1460 | 34 << 20 | 1 << 30;
    assert_eq!(value(large_send(false, 1460, 34)), Some(v4));
    assert_eq!(value(large_send(true, 1460, 34)), Some(v4 | 1 << 31));
    assert!(large_send(true, (1 << 20) - 1, 34).is_some());
    assert_eq!(value(large_send(true, 1 << 20, 34)), None);
    assert_eq!(value(large_send(true, 1460, 1024)), None);
}

#[test]
fn flows_are_spread_over_tables_of_any_length() {
    let table = [0, 1, 2, 3];
    let mut room = [0; rss::MAX_PARAMETERS_LEN];
    let value = rss::Parameters::write(&mut room, &table, &rss::DEFAULT_KEY, false).unwrap();
    assert_eq!(value[..4], [0x89, 2, 40, 0]);
    assert_eq!(value[8..12], words(&[0x1701]));
    assert_eq!(value[40..56], words(&[0, 1, 2, 3]));
    assert_eq!(value[56..], rss::DEFAULT_KEY);
    let mut most = [0; rss::MAX_PARAMETERS_LEN];
    let longest = [0; rss::MAX_TABLE_LEN];
    let value = rss::Parameters::write(&mut most, &longest, &rss::DEFAULT_KEY, true).unwrap();
    assert_eq!(value.len(), rss::MAX_PARAMETERS_LEN);
    let mut room = [0; 95];
    assert!(rss::Parameters::write(&mut room, &table, &rss::DEFAULT_KEY, true).is_none());
    let scale = |queues: u32, len: u16| {
        let mut value = vec![0x88, 2, 18, 0];
        value.extend(words(&[0, 0, queues]));
        value.extend(len.to_le_bytes());
        rss::Capabilities::parse(&value).map(|scale| (scale.queues, scale.table_len))
    };
    assert_eq!(scale(8, 64), Some((8, 64)));
    assert_eq!(scale(8, 0), Some((8, 128)));
    assert_eq!(scale(8, 257), Some((8, 128)));
    assert_eq!(scale(1, 64), None);
    assert!(rss::Capabilities::parse(&[0; 19]).is_none());
}

proptest! {
    #[test]
    fn tags_survive(tci: u16) {
        prop_assert_eq!(VlanTag::from_tci(tci).tci(), tci);
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Answer::parse(&bytes);
        let _ = Notice::parse(&bytes, Version::V6);
        let _ = nvsp::expect_rndis(&bytes);
        let _ = FrameInfo::parse(&bytes);
        let _ = wire::offload::Capabilities::parse(&bytes);
        let _ = rss::Capabilities::parse(&bytes);
        let _ = request::answered(&bytes);
        if let Ok(answer) = request::Answer::parse(&bytes) {
            let _ = answer.initialize().map(|complete| complete.alignment());
            let _ = (answer.query(), answer.set());
        }
        if let Ok(header) = Header::parse(&bytes, bytes.len()) {
            let _ = Indication::parse(&header, &bytes);
        }
    }

    #[test]
    fn parts_of_a_message_are_within_it(
        values in prop::array::uniform11(prop_oneof![0u32..300, any::<u32>()]),
        available in 0usize..400,
    ) {
        let head = Head::read_from_bytes(&words(&values)).unwrap();
        if let Ok(Parts { frame, info }) = Parts::parse(&head.packet, available) {
            prop_assert!(frame.offset >= START_LEN && frame.offset + frame.len <= available);
            prop_assert!(info.len == 0 || info.offset >= START_LEN);
            prop_assert!(info.offset + info.len <= available);
        }
    }
}
