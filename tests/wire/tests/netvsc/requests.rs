// SPDX-License-Identifier: GPL-2.0

//! Requests, their answers, and what the host says without being asked.

use crate::{
    wire::{
        request::{self, network_address, Filter, Oid, Writer},
        rndis::{Header, Indication, MessageType, Status},
        Fault,
    },
    words,
};

#[test]
fn requests_say_where_their_value_is() {
    let mut room = [0xff; 64];
    let value = Filter::PROMISCUOUS.0.to_le_bytes();
    let request = Writer::new(&mut room, 9).set(Oid::CURRENT_PACKET_FILTER, &value);
    let expected = words(&[5, 32, 9, 0x1010e, 4, 20, 0, 0x20]);
    assert_eq!(request.unwrap().as_bytes(), expected);
    let mut room = [0; 31];
    assert!(Writer::new(&mut room, 9)
        .set(Oid::LINK_SPEED, &value)
        .is_none());
    let mut room = [0; 64];
    let request = Writer::new(&mut room, 1).initialize().unwrap();
    assert_eq!(request.as_bytes(), words(&[2, 24, 1, 1, 0, 0x4000]));
    let mut room = [0; 64];
    let request = Writer::new(&mut room, 2).halt().unwrap();
    assert_eq!(request.as_bytes(), words(&[3, 12, 2]));
    let mut room = [0; 64];
    let request = Writer::new(&mut room, 3).query(Oid::LINK_SPEED, &[]);
    let expected = words(&[4, 28, 3, 0x10107, 0, 20, 0]);
    assert_eq!(request.unwrap().as_bytes(), expected);
}

#[test]
fn filters_add_up() {
    let own = Filter::DIRECTED.with(Filter::BROADCAST);
    assert_eq!(own, Filter(9));
    assert_eq!(own.with(Filter::DIRECTED), own);
}

#[test]
fn an_address_is_sent_as_text() {
    let value = network_address([0x00, 0x15, 0x5d, 0xab, 0xcd, 0xef]);
    assert_eq!(value[..20], words(&[20, 28, 2, 48, 24]));
    let text: Vec<u16> = value[20..]
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect();
    assert_eq!(
        String::from_utf16(&text).unwrap(),
        "NetworkAddress00155dabcdef"
    );
}

#[test]
fn answers_to_questions_are_within_the_message() {
    let answer = |values: &[u32]| {
        let message = words(values);
        let answer = request::Answer::parse(&message)
            .map(|answer| answer.query().map(|value| value.map(<[u8]>::to_vec)));
        answer.and_then(|answer| answer)
    };
    let complete = MessageType::QUERY_COMPLETE.0;
    let good = answer(&[complete, 28, 1, 0, 4, 16, 77]);
    assert_eq!(good, Ok(Ok(words(&[77]))));
    assert!(answer(&[complete, 28, 1, 0, 5, 16, 77]).is_err());
    assert!(answer(&[complete, 28, 1, 0, 4, 17, 77]).is_err());
    assert!(answer(&[complete, 28, 1, 0, 4, 15, 77]).is_err());
    assert!(answer(&[complete, 28, 1, 0, u32::MAX, 16, 77]).is_err());
    assert!(answer(&[complete, 29, 1, 0, 4, 16, 77]).is_err());
    assert!(answer(&[complete, 24, 1, 0, 4, 16, 77]).is_err());
    let refused = answer(&[complete, 24, 1, 0xc000_00bb, 0, 0]);
    assert_eq!(refused, Ok(Err(Status(0xc000_00bb))));
    assert!(answer(&[MessageType::SET_COMPLETE.0, 28, 1, 0, 4, 16, 77]).is_err());
}

#[test]
fn answers_tell_how_a_request_fared() {
    let status = Status(0xc000_0001);
    let message = words(&[MessageType::SET_COMPLETE.0, 16, 77, status.0]);
    assert_eq!(request::answered(&message), Ok(77));
    assert_eq!(request::answered(&message[..11]), Err(Fault::Short(11)));
    let answer = request::Answer::parse(&message).unwrap();
    assert_eq!(answer.set(), Ok(status));
    assert!(answer.initialize().is_err());
}

#[test]
fn the_first_answer_says_how_messages_are_joined() {
    for (shift, alignment) in [(0, Some(1)), (3, Some(8)), (12, Some(4096)), (13, None)] {
        let first = [MessageType::INITIALIZE_COMPLETE.0, 52, 1];
        let message = words(&[&first[..], &[0, 1, 0, 1, 0, 8, 0x4000, shift, 0, 0]].concat());
        let complete = request::Answer::parse(&message).unwrap().initialize();
        let complete = complete.unwrap();
        assert_eq!((complete.packets(), complete.alignment()), (8, alignment));
    }
}

#[test]
fn messages_are_headers_at_least_and_at_most_what_there_is() {
    for (len, available, fits) in [(7, 8, false), (8, 8, true), (8, 9, true), (9, 8, false)] {
        let bytes = words(&[7, len, 0]);
        assert_eq!(Header::parse(&bytes, available).is_ok(), fits, "{len}");
    }
}

#[test]
fn the_speed_of_a_link_may_be_beyond_the_message() {
    let parse = |values: &[u32], len| {
        let message = words(values);
        let header = Header::parse(&message, message.len())?;
        assert_eq!(header.len, len);
        Indication::parse(&header, &message)
    };
    let change = Status::LINK_SPEED_CHANGE.0;
    let speed = parse(&[7, 20, change, 4, 12, 100], 20);
    assert_eq!(speed, Ok(Indication::Speed(100)));
    assert!(parse(&[7, 20, change, 3, 12, 100], 20).is_err());
    assert!(parse(&[7, 20, change, 4, 11, 100], 20).is_err());
    assert!(parse(&[7, 20, change, 4, 13, 100], 20).is_err());
    assert!(parse(&[7, 20, change, 5, 12, 100], 20).is_err());
    assert!(parse(&[7, 16, change, 4, 12, 100], 16).is_err());
    for (status, expected) in [
        (Status::MEDIA_CONNECT, Indication::Connected),
        (Status::MEDIA_DISCONNECT, Indication::Disconnected),
        (Status::NETWORK_CHANGE, Indication::NetworkChanged),
        (Status::SUCCESS, Indication::Other),
    ] {
        assert_eq!(parse(&[7, 20, status.0, 0, 0], 20), Ok(expected));
    }
}
