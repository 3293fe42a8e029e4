// SPDX-License-Identifier: GPL-2.0

//! GPADLs of every size and shape.

use super::*;
use crate::vmbus::violation::Fault;
use crate::vmbus::wire::{self, kind};
use zerocopy::IntoBytes;

#[test]
fn every_size_is_reassembled() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    for count in (1..=120).chain([194, 195, 250, 251, 999, 1000, 9000]) {
        let pages = guest.allocate(count);
        let gpadl = guest.share(offer.relid, &pages).unwrap();
        let status = guest.server().status();
        assert_eq!(status.gpadls, 1);
        assert_eq!(status.channels[0].shared_pages as u64, count);
        guest.unshare(offer.relid, gpadl);
        assert_eq!(guest.server().status().gpadls, 0);
    }
    assert_clean(&guest);
}

#[test]
fn pages_must_be_memory() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    for bad in [1 << 30, u64::MAX, u64::MAX >> 12] {
        let mut pages = guest.allocate(100);
        pages[77] = bad;
        guest.share(offer.relid, &pages).unwrap_err();
        assert_eq!(guest.server().status().gpadls, 0);
    }
    assert_eq!(guest.server().status().violations, 3);
}

#[test]
fn handles_are_unique() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let pages = guest.allocate(2);
    let gpadl = guest.share(offer.relid, &pages).unwrap();
    guest.post_gpadl(offer.relid, gpadl, &pages);
    let created: wire::GpadlCreated = guest.wait_message(kind::GPADL_CREATED).unwrap();
    assert_ne!(created.status.get(), 0);
    guest.unshare(offer.relid, gpadl);
    assert_eq!(
        guest.server().violations()[0].fault,
        Fault::GpadlExists(gpadl)
    );
}

fn header(relid: u32, pages: u32) -> wire::GpadlHeader {
    wire::GpadlHeader {
        relid: relid.into(),
        gpadl: 5.into(),
        range_bytes: ((8 + 8 * pages) as u16).into(),
        range_count: 1.into(),
        byte_count: (4096 * pages).into(),
        byte_offset: 0.into(),
    }
}

#[test]
fn contradictions_are_refused() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let good = header(offer.relid, 1);
    let bad = [
        wire::GpadlHeader {
            range_count: 0.into(),
            ..good
        },
        wire::GpadlHeader {
            range_count: 2.into(),
            ..good
        },
        wire::GpadlHeader {
            range_bytes: 24.into(),
            ..good
        },
        wire::GpadlHeader {
            byte_count: 0.into(),
            ..good
        },
        wire::GpadlHeader {
            relid: 999.into(),
            ..good
        },
    ];
    for header in bad {
        guest.post(
            kind::GPADL_HEADER,
            &[header.as_bytes(), 20u64.as_bytes()].concat()[..],
        );
        let created: wire::GpadlCreated = guest.wait_message(kind::GPADL_CREATED).unwrap();
        assert_ne!(created.status.get(), 0);
        assert_eq!(guest.server().status().gpadls, 0);
    }
    assert_eq!(guest.server().status().violations, bad.len() as u64);
}

#[test]
fn surplus_pages_are_refused() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let header = header(offer.relid, 2);
    guest.post(
        kind::GPADL_HEADER,
        &[header.as_bytes(), 20u64.as_bytes()].concat()[..],
    );
    assert!(!guest.has_message(kind::GPADL_CREATED));
    let body = wire::GpadlBody {
        number: 0.into(),
        gpadl: 5.into(),
    };
    guest.post(
        kind::GPADL_BODY,
        &[body.as_bytes(), [21u64, 22].as_bytes()].concat()[..],
    );
    let created: wire::GpadlCreated = guest.wait_message(kind::GPADL_CREATED).unwrap();
    assert_ne!(created.status.get(), 0);
}

#[test]
fn a_body_needs_a_header() {
    let (mut guest, _, _) = guest_with_device(ServerConfig::default());
    let body = wire::GpadlBody {
        number: 0.into(),
        gpadl: 5.into(),
    };
    guest.post(
        kind::GPADL_BODY,
        &[body.as_bytes(), 21u64.as_bytes()].concat()[..],
    );
    assert!(!guest.has_message(kind::GPADL_CREATED));
    assert_eq!(guest.server().violations()[0].fault, Fault::UnknownGpadl(5));
}

#[test]
fn huge_lists_cost_nothing() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let header = wire::GpadlHeader {
        byte_count: u32::MAX.into(),
        ..header(offer.relid, 0)
    };
    let header = wire::GpadlHeader {
        byte_offset: u32::MAX.into(),
        ..header
    };
    guest.post(
        kind::GPADL_HEADER,
        &[header.as_bytes(), 20u64.as_bytes()].concat()[..],
    );
    guest.unshare(offer.relid, 5);
}

#[test]
fn tearing_down_open_rings_closes_the_channel() {
    let (mut guest, device, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    guest.unshare(offer.relid, channel.gpadl);
    assert_eq!(device.closed.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!(
        guest.server().violations()[0].fault,
        Fault::GpadlInUse(channel.gpadl)
    );
}
