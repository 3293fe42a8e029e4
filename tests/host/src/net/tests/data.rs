// SPDX-License-Identifier: GPL-2.0

//! Frames both ways.

use super::driver::Driver;
use super::{tcp_frame, udp_frame};
use crate::net::nvsp::{NO_SECTION, word};
use crate::net::rndis::{self, indicate_status, packet};
use crate::net::{CardConfig, oid};

/// A frame for the card's own address.
fn to_card(mut frame: Vec<u8>) -> Vec<u8> {
    frame[..6].copy_from_slice(&CardConfig::default().mac);
    frame
}

/// The frame in a packet for the guest.
fn frame_of(message: &[u8]) -> &[u8] {
    rndis::Packet::parse(message).unwrap().data
}

#[test]
fn frames_of_the_guest() {
    let mut driver = Driver::ready(CardConfig::default());
    let frame = udp_frame(false, b"datagram");
    let message = packet(&[], &frame);
    // In the guest's own pages, in a section, and half here, half there.
    assert_eq!(driver.send_rndis(0, &message), 1);
    driver.fill_section(3, &message);
    assert_eq!(driver.carry(0, 3, message.len() as u32, &[]), 1);
    let rest = driver
        .guest
        .buffer(5, message.len() as u32 - 44, &message[44..]);
    assert_eq!(driver.carry(0, 3, 44, &[rest]), 1);
    assert_eq!(driver.sent(), [frame.clone(), frame.clone(), frame]);
    let stats = driver.card.stats();
    assert_eq!(
        (stats.tx_copied, stats.tx_direct, stats.tx_partial),
        (1, 1, 1)
    );
    assert_eq!(
        (stats.queues[0].tx_messages, stats.queues[0].tx_frames),
        (3, 3)
    );
    driver.finish_with(&[]);
}

#[test]
fn several_frames_in_a_message() {
    let mut driver = Driver::ready(CardConfig::default());
    let frames = [udp_frame(false, b"0123456789"), udp_frame(true, b"x")];
    let mut message = packet(&[], &frames[0]);
    message.resize(message.len().next_multiple_of(8), 0);
    let len = message.len() as u32;
    message[4..8].copy_from_slice(&len.to_le_bytes());
    message.extend(packet(&[], &frames[1]));
    driver.fill_section(0, &message);
    assert_eq!(driver.carry(0, 0, message.len() as u32, &[]), 1);
    assert_eq!(driver.sent(), frames);
    driver.finish_with(&[]);
}

#[test]
fn frames_for_the_guest() {
    let driver = Driver::ready(CardConfig::default());
    let frames: Vec<_> = (0..3)
        .map(|it| to_card(udp_frame(false, &[it; 9])))
        .collect();
    driver.card.deliver(frames.clone());
    let messages = driver.receive(0);
    assert!(
        messages
            .iter()
            .map(|it| frame_of(it))
            .eq(frames.iter().map(Vec::as_slice))
    );
    assert_eq!(driver.card.stats().queues[0].rx_messages, 1);
    driver.finish_with(&[]);
}

#[test]
fn the_filter() {
    let mut driver = Driver::ready(CardConfig::default());
    let own = to_card(udp_frame(false, b"own"));
    let foreign = udp_frame(false, b"foreign");
    let mut broadcast = foreign.clone();
    broadcast[..6].fill(0xff);
    let mut multicast = foreign.clone();
    multicast[..6].copy_from_slice(&[1, 0, 0x5e, 0, 0, 1]);
    for (filter, count) in [(13u32, 3), (1, 1), (9, 2), (0x20, 4), (0, 0)] {
        assert_eq!(driver.set(oid::PACKET_FILTER, &filter.to_le_bytes()), 0);
        let all = [&own, &foreign, &broadcast, &multicast];
        driver.card.deliver(all.into_iter().cloned().collect());
        if count > 0 {
            assert_eq!(driver.receive(0).len(), count, "{filter:#x}");
        }
    }
    assert_eq!(driver.card.stats().rx_filtered, 10);
    driver.finish_with(&[]);
}

#[test]
fn a_full_buffer_makes_frames_wait() {
    let config = CardConfig {
        receive_section: Some(64 << 10),
        max_ranges: 1,
        ..CardConfig::default()
    };
    let driver = Driver::ready(config);
    let frames: Vec<_> = (0..6)
        .map(|it| to_card(udp_frame(false, &[it; 9])))
        .collect();
    driver.card.deliver(frames.clone());
    // The buffer has four sections.
    let first: Vec<_> = (0..4).map(|_| driver.wait(0)).collect();
    assert!(driver.channels[0].receive(&driver.guest).is_none());
    for packet in &first {
        driver.give_back(0, packet.transaction);
    }
    for frame in &frames[4..] {
        assert_eq!(frame_of(&driver.receive(0)[0]), frame);
    }
    driver.finish_with(&[]);
}

#[test]
fn coalesced_frames() {
    let mut driver = Driver::ready(CardConfig::default());
    let mut value = vec![0; 28];
    value[..4].copy_from_slice(&[0x80, 3, 28, 0]);
    value[22..24].fill(2);
    assert_eq!(driver.set(oid::OFFLOAD_PARAMETERS, &value), 0);
    let segment = |it: u8| to_card(tcp_frame(false, 100 * u32::from(it), 16, &[it; 100]));
    driver.card.deliver((0..3).map(segment).collect());
    let messages = driver.receive(0);
    assert_eq!(messages.len(), 3);
    let flags = |message: &[u8]| {
        let info = rndis::Packet::parse(message).unwrap().info.to_vec();
        assert_eq!(word(&info, 3), Some(8 | 128 | 32 | 256));
        word(&info, 7).unwrap() >> 8
    };
    assert_eq!(
        messages.iter().map(|it| flags(it)).collect::<Vec<_>>(),
        [3, 1, 5]
    );
    assert_eq!(driver.card.stats().rx_coalesced, 1);
    driver.finish_with(&[]);
}

#[test]
fn the_cable() {
    let mut driver = Driver::ready(CardConfig::default());
    driver.card.set_link(false);
    assert_eq!(driver.receive(0), [indicate_status(0x4001_000c, &[])]);
    let message = packet(&[], &udp_frame(false, b"lost"));
    assert_eq!(driver.send_rndis(0, &message), 1);
    driver
        .card
        .deliver(vec![to_card(udp_frame(false, b"lost"))]);
    driver.card.set_link(true);
    driver.card.set_speed(25_000);
    driver.card.change_network();
    assert_eq!(driver.receive(0), [indicate_status(0x4001_000b, &[])]);
    assert_eq!(
        driver.receive(0),
        [indicate_status(0x4001_0013, &[250_000_000])]
    );
    assert_eq!(driver.receive(0), [indicate_status(0x4001_0018, &[])]);
    assert!(driver.sent().is_empty());
    assert_eq!(driver.card.stats().tx_unplugged, 1);
    driver.finish_with(&[]);
}

#[test]
fn completions_held_back() {
    let mut driver = Driver::ready(CardConfig::default());
    driver.card.hold();
    let message = packet(&[], &udp_frame(false, b"held"));
    driver.fill_section(1, &message);
    let carrier = crate::net::nvsp::message(107, &[0, 1, message.len() as u32]);
    driver.channels[0].send(&driver.guest, 500, &carrier);
    assert_eq!((driver.card.held(), driver.sent().len()), (1, 1));
    assert!(driver.channels[0].receive(&driver.guest).is_none());
    assert_eq!(driver.card.release(), 1);
    assert_eq!(driver.wait(0).transaction, 500);
    assert_eq!(driver.carry(0, 1, message.len() as u32, &[]), 1);
    assert_eq!(driver.carry(0, NO_SECTION, 0, &[]), 2, "nothing in it");
    driver.finish_with(&[crate::net::violation::Violation::PacketCount(0)]);
}
