// SPDX-License-Identifier: GPL-2.0

//! Opening, using and closing channels.

use std::sync::atomic::Ordering::SeqCst;

use super::*;
use crate::hv::{Guest as _, HvStatus};
use crate::vmbus::channel::{MemoryError, TRANSFER_PAGES};
use crate::vmbus::server::IoMode;
use crate::vmbus::status::ChannelPhase;
use crate::vmbus::tamper::Outgoing;
use crate::vmbus::violation::Fault;
use crate::vmbus::wire::{self, Version, kind};

#[test]
fn open_close_and_reopen() {
    let (mut guest, device, offer) = guest_with_device(ServerConfig::default());
    for round in 1..=20 {
        let channel = guest.open(&offer).unwrap();
        assert!(guest.server().status().is_open(EchoDevice::instance(1)));
        assert_eq!(device.user_data.lock().unwrap()[..], [0x5a; 120]);
        ping(&guest, &channel, round);
        guest.close(&channel);
        assert_eq!(device.closed.load(SeqCst), round);
        let status = guest.server().status();
        let seen = status.channel(offer.instance, 0).unwrap();
        assert_eq!(
            (seen.phase, u64::from(seen.opens)),
            (ChannelPhase::Offered, round)
        );
    }
    let counters = guest.server().stats().channel(offer.instance, 0);
    assert_eq!((counters.packets_in, counters.packets_out), (20, 20));
    assert_eq!((counters.signals_in, counters.signals_out), (20, 20));
    assert_eq!((counters.payload_in, counters.payload_out), (160, 160));
    assert_clean(&guest);
}

#[test]
fn the_device_may_refuse() {
    let (mut guest, device, offer) = guest_with_device(ServerConfig::default());
    device.open_status.store(0xc000_0022, SeqCst);
    assert_eq!(guest.open(&offer).unwrap_err(), 0xc000_0022);
    assert_eq!(device.closed.load(SeqCst), 0);
    device.open_status.store(0, SeqCst);
    let channel = guest.open(&offer).unwrap();
    ping(&guest, &channel, 1);
    assert_clean(&guest);
}

#[test]
fn buffers_are_read_and_written() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    let content: Vec<u8> = (0..20_000u32).map(|byte| byte as u8).collect();
    let ranges = [
        guest.buffer(100, 12_000, &content[..12_000]),
        guest.buffer(0, 8000, &content[12_000..]),
    ];
    assert!(channel.send_gpa(&guest, 9, b"invert!!", &ranges));
    assert_eq!(channel.wait(&guest).unwrap().payload, b"invert!!");
    let inverted = [guest.content(&ranges[0]), guest.content(&ranges[1])].concat();
    assert!(
        inverted
            .iter()
            .zip(&content)
            .all(|(now, before)| *now == !*before)
    );
    let counters = guest.server().stats().channel(offer.instance, 0);
    assert_eq!(
        (counters.buffer_read, counters.buffer_written),
        (20_000, 20_000)
    );
    assert_clean(&guest);
}

#[test]
fn buffers_outside_of_memory() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    for pfn in [1 << 30, u64::MAX] {
        let mut range = guest.buffer(0, 8192, &[0; 8192]);
        range.pfns[1] = pfn;
        assert!(channel.send_gpa(&guest, 9, &[0; 8], &[range]));
        assert_eq!(channel.wait(&guest).unwrap().payload, [0xff; 8]);
    }
}

#[test]
fn a_closed_channel_is_dead() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    let host = host_channel(&guest);
    let range = guest.buffer(0, 8, b"original");
    guest.close(&channel);
    host.send(6, 0, 0, b"late");
    host.flush();
    assert!(host.receive().is_none());
    let late = host.write_ranges(std::slice::from_ref(&range), 0, b"modified");
    assert_eq!(late, Err(MemoryError::Closed));
    assert_eq!(guest.content(&range), b"original");
    assert!(channel.receive(&guest).is_none());
    assert_eq!(channel.signal(&guest), HvStatus::InvalidConnectionId);
    assert_eq!(
        guest.server().violations()[0].fault,
        Fault::SignalWhileClosed
    );
}

#[test]
fn a_headed_packet_arrives() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    let host = host_channel(&guest);
    host.send_packet(Outgoing {
        kind: TRANSFER_PAGES,
        flags: 1,
        transaction: 3,
        header: vec![1; 16],
        payload: vec![2; 20],
        ..Outgoing::default()
    });
    host.flush();
    let packet = channel.wait(&guest).unwrap();
    assert_eq!(
        (packet.kind, packet.flags, packet.transaction),
        (TRANSFER_PAGES, 1, 3)
    );
    assert_eq!(packet.header, [1; 16]);
    assert_eq!(packet.payload[..20], [2; 20]);
    assert_eq!(packet.payload[20..], [0; 4]);
}

#[test]
fn interrupts_follow_the_modify_message() {
    for version in Version::ALL {
        let (mut guest, _, offer) = guest_with_device(ServerConfig::up_to(version));
        let channel = guest.open(&offer).unwrap();
        let flag = offer.relid as u16;
        assert!(channel.send(&guest, 1, b"first"));
        assert_eq!(guest.hypervisor().take_event(flag, SOON), Some(0));
        assert!(channel.receive(&guest).is_some());
        let answer = guest.modify(offer.relid, 1);
        assert_eq!(answer, (version >= Version::V5_3).then_some(0));
        assert!(channel.send(&guest, 2, b"second"));
        let moved = version >= Version::V4_1;
        assert_eq!(
            guest.hypervisor().take_event(flag, SOON),
            Some(moved.into())
        );
        assert_eq!(guest.server().status().violations, u64::from(!moved));
    }
}

#[test]
fn modify_is_checked() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    assert_ne!(guest.modify(offer.relid, 1), Some(0));
    guest.open(&offer).unwrap();
    assert_ne!(guest.modify(offer.relid, 2), Some(0));
    assert_ne!(guest.modify(77, 0), Some(0));
    assert_eq!(guest.modify(offer.relid, 1), Some(0));
    let faults: Vec<_> = guest
        .server()
        .violations()
        .into_iter()
        .map(|it| it.fault)
        .collect();
    let unknown = Fault::UnknownRelid(kind::MODIFY_CHANNEL);
    assert_eq!(
        faults,
        [
            Fault::NotOpen(kind::MODIFY_CHANNEL),
            Fault::Processor(2),
            unknown
        ]
    );
}

#[test]
fn opening_is_checked() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let pages = guest.allocate(8);
    let gpadl = guest.share(offer.relid, &pages).unwrap();
    let good = wire::OpenChannel {
        relid: offer.relid.into(),
        gpadl: gpadl.into(),
        downstream_page: 4.into(),
        ..wire::zeroed()
    };
    let bad = [
        wire::OpenChannel {
            relid: 99.into(),
            ..good
        },
        wire::OpenChannel {
            gpadl: 99.into(),
            ..good
        },
        wire::OpenChannel {
            target_vp: 2.into(),
            ..good
        },
        wire::OpenChannel {
            downstream_page: 0.into(),
            ..good
        },
        wire::OpenChannel {
            downstream_page: 1.into(),
            ..good
        },
        wire::OpenChannel {
            downstream_page: 7.into(),
            ..good
        },
        wire::OpenChannel {
            downstream_page: 8.into(),
            ..good
        },
        wire::OpenChannel {
            downstream_page: 9.into(),
            ..good
        },
        wire::OpenChannel {
            downstream_page: u32::MAX.into(),
            ..good
        },
    ];
    for (number, open) in bad.iter().enumerate() {
        guest.post(kind::OPEN_CHANNEL, open);
        let result: wire::OpenResult = guest.wait_message(kind::OPEN_RESULT).unwrap();
        assert_ne!(result.status.get(), 0, "{number}");
        assert_eq!(guest.server().status().violations, number as u64 + 1);
    }
    let channel = guest.open_with(&offer, gpadl, &pages).unwrap();
    ping(&guest, &channel, 1);
    guest.open_with(&offer, gpadl, &pages).unwrap_err();
    assert_eq!(
        guest.server().violations().last().unwrap().fault,
        Fault::OpenedTwice
    );
    assert!(guest.server().status().is_open(offer.instance));
}

#[test]
fn closing_twice_is_a_violation() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    guest.close(&channel);
    guest.post(
        kind::CLOSE_CHANNEL,
        &wire::Relid {
            relid: offer.relid.into(),
        },
    );
    assert_eq!(
        guest.server().violations()[0].fault,
        Fault::NotOpen(kind::CLOSE_CHANNEL)
    );
}

#[test]
fn subchannels_come_and_go_with_the_primary() {
    let (mut guest, device, offer) = guest_with_device(ServerConfig::default());
    let primary = guest.open(&offer).unwrap();
    assert!(host_channel(&guest).offer_subchannels(3));
    assert!(host_channel(&guest).offer_subchannels(2), "these exist");
    let offers: Vec<_> = (0..3).map(|_| guest.next_offer().unwrap()).collect();
    assert!(!guest.has_message(kind::OFFER_CHANNEL));
    for (position, sub) in offers.iter().enumerate() {
        assert_eq!(usize::from(sub.index), position + 1);
        assert_eq!(sub.instance, offer.instance);
        guest.target_vp = position as u32 % 2;
        let channel = guest.open(sub).unwrap();
        ping(&guest, &channel, 1);
        let host = guest.server().channel(offer.instance, sub.index).unwrap();
        assert_eq!(host.subchannel_index(), sub.index);
        assert_eq!(host.target_vp(), position as u32 % 2);
        assert!(
            !host.offer_subchannels(5),
            "only the primary channel offers"
        );
    }
    assert_eq!(guest.server().status().open_channels(offer.instance), 4);
    guest.close(&primary);
    assert_eq!(device.closed.load(SeqCst), 4);
    for sub in &offers {
        assert!(guest.wait_rescind(sub.relid));
        guest.release(sub.relid);
    }
    assert_eq!(guest.server().status().channels.len(), 1);

    guest.open(&offer).unwrap();
    assert!(host_channel(&guest).offer_subchannels(1));
    let again = guest.next_offer().unwrap();
    assert!(again.index == 1 && offers.iter().all(|sub| sub.relid != again.relid));
    assert_clean(&guest);
}

#[test]
fn a_worker_thread_serves_channels() {
    let config = ServerConfig {
        io: IoMode::Thread,
        ..ServerConfig::default()
    };
    let (mut guest, device, offer) = guest_with_device(config);
    for round in 0..20 {
        let channel = guest.open(&offer).unwrap();
        for transaction in 0..10 {
            ping(&guest, &channel, transaction);
        }
        guest.close(&channel);
        assert_eq!(device.closed.load(SeqCst), round + 1);
    }
    assert_clean(&guest);
}

#[test]
fn dropping_the_server_closes_channels() {
    let (mut guest, device, offer) = guest_with_device(ServerConfig::default());
    guest.open(&offer).unwrap();
    drop(guest);
    assert_eq!(device.closed.load(SeqCst), 1);
}

#[test]
fn events_are_checked() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    guest.open(&offer).unwrap();
    let connection = offer.message.connection.get();
    let server = guest.server();
    assert_eq!(
        server.on_signal_event(0, connection, 1),
        HvStatus::InvalidParameter
    );
    for unknown in [
        2,
        connection - offer.relid,
        connection + 1,
        connection + 9999,
        u32::MAX,
    ] {
        assert_eq!(
            server.on_signal_event(0, unknown, 0),
            HvStatus::InvalidConnectionId
        );
    }
    assert_eq!(server.status().violations, 6);
}
