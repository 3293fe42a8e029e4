// SPDX-License-Identifier: GPL-2.0

//! Drivers that break the rules.

use proptest::prelude::*;

use super::driver::Driver;
use super::udp_frame;
use crate::net::CardConfig;
use crate::net::nvsp::NO_SECTION;
use crate::net::ppi::TransmitInfo;
use crate::net::rndis::{self, Packet, packet};
use crate::net::rss::Rss;
use crate::net::violation::Violation;

#[test]
fn packets_that_lie() {
    let mut driver = Driver::ready(CardConfig::default());
    let right = packet(&[], &udp_frame(false, b"datagram"));
    let changed = |at: usize, value: u32| {
        let mut message = right.clone();
        message[at..at + 4].copy_from_slice(&value.to_le_bytes());
        message
    };
    let len = right.len() as u32;
    let cases = [
        (changed(0, 9), Violation::RndisKind(9)),
        (changed(4, len + 1), Violation::RndisLength(right.len())),
        (changed(4, 7), Violation::RndisLength(right.len())),
        (changed(8, len), Violation::RndisPacket("data")),
        (changed(8, u32::MAX), Violation::RndisPacket("data")),
        (changed(8, 4), Violation::RndisPacket("data")),
        (changed(12, u32::MAX), Violation::RndisPacket("data")),
        (changed(32, 4), Violation::RndisPacket("information")),
    ];
    let mut violations = Vec::new();
    for (mut message, violation) in cases {
        if violation == Violation::RndisPacket("information") {
            message[28..32].copy_from_slice(&4u32.to_le_bytes());
        }
        assert_eq!(driver.send_rndis(0, &message), 2, "{violation}");
        violations.push(violation);
    }
    assert!(driver.sent().is_empty());
    driver.finish_with(&violations);
}

#[test]
fn sections_that_there_are_not() {
    let mut driver = Driver::ready(CardConfig::default());
    for (section, len) in [(42, 100), (0, 6145), (0, 0), (NO_SECTION - 1, 1)] {
        assert_eq!(driver.carry(0, section, len, &[]), 2);
    }
    driver.finish_with(&[
        Violation::Section(42, 100),
        Violation::Section(0, 6145),
        Violation::Section(0, 0),
        Violation::Section(NO_SECTION - 1, 1),
    ]);
}

#[test]
fn completions_of_nothing() {
    let driver = Driver::ready(CardConfig::default());
    driver.give_back(0, 12345);
    driver.finish_with(&[Violation::UnknownReceive(12345)]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bytes are, parsing them ends.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Packet::parse_all(&bytes, 8, 8);
        let _ = TransmitInfo::parse(&bytes);
        let _ = Rss::parse(&bytes, 4);
        let _ = rndis::split(&bytes);
        let _ = crate::net::frame::wrong_checksum(&bytes);
        let _ = crate::net::coalesce::join(vec![bytes.clone(), bytes], [true; 2], 9);
    }

    /// The same of frames that begin like real ones.
    #[test]
    fn almost_frames(at in 0usize..60, value in any::<u8>(), cut in 0usize..70, v6 in any::<bool>()) {
        let mut frame = super::tcp_frame(v6, 1, 16, b"payload");
        frame[at] = value;
        frame.truncate(frame.len().saturating_sub(cut));
        let _ = crate::net::frame::wrong_checksum(&frame);
        let _ = crate::net::coalesce::join(vec![frame.clone(), frame], [true; 2], 9);
    }
}
