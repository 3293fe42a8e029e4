// SPDX-License-Identifier: GPL-2.0

//! RNDIS requests and NDIS's objects.

use super::driver::Driver;
use crate::net::CardConfig;
use crate::net::nvsp::{Version, word};
use crate::net::oid;
use crate::net::violation::Violation;

fn header(kind: u8, revision: u8, size: u16) -> Vec<u8> {
    let mut value = vec![0; size.into()];
    value[..2].copy_from_slice(&[kind, revision]);
    value[2..4].copy_from_slice(&size.to_le_bytes());
    value
}

#[test]
fn what_can_be_queried() {
    let mut driver = Driver::ready(CardConfig {
        name: "Näme".into(),
        queues: 3,
        ..CardConfig::default()
    });
    let word = |value: u32| (0, value.to_le_bytes().to_vec());
    assert_eq!(driver.query(oid::MAXIMUM_FRAME_SIZE, &[]), word(1500));
    assert_eq!(driver.query(oid::LINK_SPEED, &[]), word(100_000_000));
    assert_eq!(driver.query(oid::PACKET_FILTER, &[]), word(13));
    assert_eq!(driver.query(oid::MEDIA_CONNECT_STATUS, &[]), word(0));
    let mac = driver.card.config().mac;
    assert_eq!(driver.query(oid::PERMANENT_ADDRESS, &[]), (0, mac.to_vec()));
    assert_eq!(driver.query(oid::FRIENDLY_NAME, &[]).1, b"N\0\xe4\0m\0e\0");
    let caps = driver.query(oid::RSS_CAPABILITIES, &header(0x88, 2, 18)).1;
    assert_eq!((caps.len(), caps[12], caps[16]), (18, 3, 128));
    driver.finish_with(&[]);
}

#[test]
fn offload_capabilities_have_three_sizes() {
    let mut driver = Driver::ready(CardConfig::default());
    for (revision, size) in [(1, 112), (2, 144), (3, 156)] {
        let query = header(0xa7, revision, size);
        let (status, value) = driver.query(oid::OFFLOAD_CAPABILITIES, &query);
        assert_eq!((status, value.len()), (0, usize::from(size)));
        assert_eq!(word(&value, 2), Some(0x155));
        assert_eq!(word(&value, 21), Some(62780), "the largest send");
    }
    let refused = driver.query(oid::OFFLOAD_CAPABILITIES, &header(0xa7, 3, 144));
    assert_ne!(refused.0, 0);
    driver.finish_with(&[Violation::Value(
        oid::OFFLOAD_CAPABILITIES,
        "a wrong header",
    )]);
}

#[test]
fn offloads_are_set() {
    let mut driver = Driver::ready(CardConfig::default());
    let mut value = header(0x80, 3, 28);
    value[4..9].copy_from_slice(&[1, 4, 3, 2, 0]);
    value[11..13].copy_from_slice(&[2, 1]);
    value[22..24].copy_from_slice(&[2, 2]);
    assert_eq!(driver.set(oid::OFFLOAD_PARAMETERS, &value), 0);
    let enabled = driver.card.enabled();
    let is = |both: crate::net::offload::Both| (both.transmit, both.receive);
    assert_eq!(is(enabled.ip4), (false, false));
    assert_eq!(is(enabled.tcp[0]), (true, true));
    assert_eq!(is(enabled.udp[0]), (false, true));
    assert_eq!(is(enabled.tcp[1]), (true, false));
    assert_eq!(
        (enabled.large_send, enabled.coalescing),
        ([true, false], [true; 2])
    );
    value[4] = 9;
    assert_ne!(driver.set(oid::OFFLOAD_PARAMETERS, &value), 0);
    let wrong = Violation::Value(oid::OFFLOAD_PARAMETERS, "a value that there is not");
    driver.finish_with(&[wrong]);
}

#[test]
fn the_address_is_a_string() {
    let mut driver = Driver::ready(CardConfig::default());
    let utf16 = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let mut value: Vec<u8> = [20u32, 28, 2, 48, 24]
        .iter()
        .flat_map(|it| it.to_le_bytes())
        .collect();
    value.extend(utf16("NetworkAddress"));
    value.extend(utf16("00155d0a0b0c"));
    assert_eq!(driver.set(oid::CONFIG_PARAMETER, &value), 0);
    assert_eq!(driver.card.mac(), [0x00, 0x15, 0x5d, 0x0a, 0x0b, 0x0c]);
    let last = value.len() - 2;
    value[last] = b'x';
    assert_ne!(driver.set(oid::CONFIG_PARAMETER, &value), 0);
    driver.finish_with(&[Violation::Value(
        oid::CONFIG_PARAMETER,
        "no network address",
    )]);
}

#[test]
fn other_requests() {
    let mut driver = Driver::connected(CardConfig::default(), Version::V5);
    assert_eq!(driver.request(2, &[1, 0, 0x4000])[1..4], [0, 1, 0]);
    assert_eq!(driver.request(8, &[]), [77, 0]);
    assert_eq!(driver.request(6, &[]), [0, 0]);
    assert_ne!(driver.query(0x1234, &[]).0, 0);
    assert_ne!(driver.set(oid::LINK_SPEED, &[0; 4]), 0);
    assert_eq!(driver.send_rndis(1, &crate::net::rndis::words(3, &[1])), 1);
    assert!(!driver.card.is_initialized());
    driver.finish_with(&[
        Violation::Object("query", 0x1234),
        Violation::Object("set", oid::LINK_SPEED),
    ]);
}
