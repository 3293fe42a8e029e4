// SPDX-License-Identifier: GPL-2.0

//! How a driver and a card get to know each other, and part.

use super::driver::Driver;
use crate::net::CardConfig;
use crate::net::nvsp::{Version, kind, message, word};
use crate::net::violation::Violation;

#[test]
fn all_versions() {
    for version in Version::ALL {
        let config = CardConfig {
            versions: vec![version],
            ..CardConfig::default()
        };
        let mut driver = Driver::open(config);
        for wrong in Version::ALL.into_iter().filter(|&it| it != version) {
            assert_ne!(driver.init(wrong), 1);
        }
        assert_eq!(driver.init(version), 1);
        driver.describe(version, 9000);
        driver.share();
        assert_eq!(driver.card.version(), Some(version));
        let mtu = if version == Version::V1 { 1500 } else { 9000 };
        assert_eq!(driver.card.mtu(), mtu);
        driver.finish_with(&[]);
    }
}

#[test]
fn buffers_come_and_go() {
    let mut driver = Driver::ready(CardConfig::default());
    driver.tell(&message(kind::REVOKE_RECEIVE_BUFFER, &[0xcafe]));
    driver.tell(&message(kind::REVOKE_SEND_BUFFER, &[0]));
    let relid = driver.offer.relid;
    driver.guest.unshare(relid, driver.send_gpadl);
    driver.finish_with(&[]);
}

#[test]
fn a_buffer_in_use_is_not_to_be_unshared() {
    let mut driver = Driver::ready(CardConfig::default());
    let (relid, gpadl) = (driver.offer.relid, driver.send_gpadl);
    driver.guest.unshare(relid, gpadl);
    assert_eq!(driver.guest.server().violations().len(), 1);
    driver.guest.server().clear_violations();
    driver.finish_with(&[]);
}

#[test]
fn out_of_turn() {
    let mut driver = Driver::open(CardConfig::default());
    let answer = driver.ask(&message(kind::SEND_SEND_BUFFER, &[1, 0]));
    assert_eq!(word(&answer, 1), Some(2));
    driver.tell(&message(kind::SEND_NDIS_VERSION, &[6, 30]));
    driver.tell(&message(kind::SEND_NDIS_CONFIG, &[1514, 0, 0, 0]));
    let answer = driver.ask(&message(kind::SUBCHANNEL, &[1, 1]));
    assert_eq!(word(&answer, 1), Some(2));
    driver.finish_with(&[
        Violation::OutOfTurn(kind::SEND_SEND_BUFFER),
        Violation::OutOfTurn(kind::SEND_NDIS_VERSION),
        Violation::OutOfTurn(kind::SEND_NDIS_CONFIG),
        Violation::OutOfTurn(kind::SUBCHANNEL),
    ]);
}

#[test]
fn a_buffer_that_is_not_shared() {
    let mut driver = Driver::open(CardConfig::default());
    driver.init(Version::V6_1);
    driver.describe(Version::V6_1, 1500);
    let answer = driver.ask(&message(kind::SEND_RECEIVE_BUFFER, &[1234, 0xcafe]));
    assert_eq!(word(&answer, 1), Some(2));
    driver.finish_with(&[Violation::Buffer("receive")]);
}

#[test]
fn sub_channels() {
    let config = CardConfig {
        queues: 4,
        ..CardConfig::default()
    };
    let mut driver = Driver::ready(config);
    let answer = driver.ask(&message(kind::SUBCHANNEL, &[1, 3]));
    assert_eq!((word(&answer, 1), word(&answer, 2)), (Some(1), Some(3)));
    driver.open_sub_channels(3);
    assert_eq!(driver.card.open_queues(), 4);
    let table = driver.wait(0);
    assert_eq!(word(&table.payload, 0), Some(kind::SEND_INDIRECTION_TABLE));
    let at = word(&table.payload, 2).unwrap() as usize / 4;
    let entries: Vec<_> = (0..16)
        .filter_map(|index| word(&table.payload, at + index))
        .collect();
    assert_eq!(entries, [0, 1, 2, 3].repeat(4));
    driver.finish_with(&[]);
}

#[test]
fn too_many_sub_channels() {
    let mut driver = Driver::ready(CardConfig::default());
    let answer = driver.ask(&message(kind::SUBCHANNEL, &[1, 1]));
    assert_eq!(word(&answer, 1), Some(2));
    driver.finish_with(&[Violation::SubChannels(1)]);
}

#[test]
fn virtual_functions() {
    let mut driver = Driver::ready(CardConfig::default());
    assert!(driver.card.associate_vf(true, 7));
    let told = driver.wait(0);
    assert_eq!(
        (told.kind, word(&told.payload, 0)),
        (6, Some(kind::SEND_VF_ASSOCIATION))
    );
    assert_eq!(
        (word(&told.payload, 1), word(&told.payload, 2)),
        (Some(1), Some(7))
    );
    assert!(
        driver
            .ask(&message(kind::SWITCH_DATA_PATH, &[1]))
            .is_empty()
    );
    assert!(driver.card.vf_path());
    driver.finish_with(&[]);
}
