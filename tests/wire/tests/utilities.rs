// SPDX-License-Identifier: GPL-2.0

//! The utility services: negotiation, shutdown, heartbeat, time, snapshots.

use proptest::prelude::*;
use wire::{
    heartbeat, shutdown,
    timesync::{NoTime, Report},
    vss, Kind, Message, Negotiation, Status, Support, TooShort, Version,
};

#[expect(dead_code, unused_imports, reason = "tests/kvp is about the rest")]
#[path = "../../../hv_util/wire/mod.rs"]
mod wire;

const HEADER: usize = 28;
const SUPPORT: Support = Support {
    frameworks: &[Support::FRAMEWORK, Support::FRAMEWORK_2008],
    services: &[Version::new(4, 0), Version::new(3, 0), Version::new(1, 0)],
};

/// 1970 in the host's reckoning, in units of 100 ns.
const EPOCH: u64 = 116_444_736_000_000_000;
const SECOND: u64 = 10_000_000;

/// A message that lists versions.
fn proposal(frameworks: &[(u16, u16)], services: &[(u16, u16)]) -> Vec<u8> {
    let mut packet = vec![0; HEADER];
    packet.extend((frameworks.len() as u16).to_le_bytes());
    packet.extend((services.len() as u16).to_le_bytes());
    packet.extend([0; 4]);
    for &(major, minor) in frameworks.iter().chain(services) {
        packet.extend(major.to_le_bytes());
        packet.extend(minor.to_le_bytes());
    }
    packet
}

fn negotiate(packet: &mut [u8]) -> Negotiation {
    SUPPORT.negotiate(&mut Message::parse(packet).unwrap())
}

#[test]
fn the_best_version_of_both_sides() {
    let mut packet = proposal(&[(1, 0), (3, 0), (7, 0)], &[(1, 0), (9, 9), (3, 0), (3, 1)]);
    assert_eq!(
        negotiate(&mut packet),
        Negotiation::Agreed(Version::new(3, 0))
    );
    // The length of the answer, one version of each, and which.
    assert_eq!(packet[18..20], [16, 0]);
    assert_eq!(packet[HEADER..][..8], [1, 0, 1, 0, 0, 0, 0, 0]);
    assert_eq!(packet[HEADER + 8..][..8], [3, 0, 0, 0, 3, 0, 0, 0]);
}

#[test]
fn no_version_of_both_sides() {
    for (frameworks, services) in [
        (&[(2, 0)][..], &[(4, 0)][..]),
        (&[(3, 0)], &[(4, 1)]),
        (&[(3, 0), (4, 0)], &[]),
        (&[], &[(3, 0), (4, 0)]),
    ] {
        let mut packet = proposal(frameworks, services);
        assert_eq!(negotiate(&mut packet), Negotiation::Failed);
        assert_eq!(packet[HEADER..][..4], [0; 4]);
    }
}

#[test]
fn lists_that_are_cut_off() {
    let whole = proposal(&[(3, 0)], &[(4, 0)]);
    for len in HEADER..whole.len() {
        let mut packet = whole[..len].to_vec();
        assert_eq!(negotiate(&mut packet), Negotiation::Malformed);
        assert_eq!(packet.len(), len);
    }
    for len in 0..HEADER {
        assert!(Message::parse(&mut whole[..len].to_vec()).is_err());
    }
}

#[test]
fn lists_that_are_too_long() {
    let (frameworks, services) = ([(3, 0); 101], [(4, 0); 101]);
    for (first, second) in [(101, 1), (1, 101)] {
        assert_eq!(
            negotiate(&mut proposal(&frameworks[..first], &services[..second])),
            Negotiation::Malformed
        );
    }
    for (first, second) in [(100, 1), (1, 100)] {
        assert_eq!(
            negotiate(&mut proposal(&frameworks[..first], &services[..second])),
            Negotiation::Agreed(Version::new(4, 0))
        );
    }
}

#[test]
fn newer_versions_are_greater_numbers() {
    assert_eq!(Version::new(3, 2).number(), 0x3_0002);
    assert_eq!(
        (Version::new(3, 2).major(), Version::new(3, 2).minor()),
        (3, 2)
    );
}

#[test]
fn answers_are_marked() {
    let mut packet = vec![0xff; HEADER];
    let mut message = Message::parse(&mut packet).unwrap();
    message.header.status = Status::FAIL;
    message.make_answer();
    assert_eq!(packet[20..24], 0x8000_4005_u32.to_le_bytes());
    assert_eq!(packet[25], 5);
}

#[test]
fn heartbeats() {
    let mut body = u64::MAX.to_le_bytes().to_vec();
    heartbeat::count_up(&mut body).unwrap();
    assert_eq!(body, [0; 8]);
    body.extend([7; 32]);
    heartbeat::count_up(&mut body).unwrap();
    assert_eq!(body[..9], [1, 0, 0, 0, 0, 0, 0, 0, 7]);
    assert_eq!(heartbeat::count_up(&mut body[..7]), Err(TooShort));
}

#[test]
fn requests_for_the_end() {
    let mut body = vec![0; 12 + 2048];
    let mut request = |flags: u32| {
        body[8..12].copy_from_slice(&flags.to_le_bytes());
        shutdown::Request::parse(&body).unwrap()
    };
    for (flags, expected) in [
        (0, Some(shutdown::Request::PowerOff)),
        (2, Some(shutdown::Request::Restart)),
        (4, Some(shutdown::Request::Hibernate)),
        (6, None),
        (8, None),
        (u32::MAX - 1, None),
    ] {
        assert_eq!(request(flags), expected);
        // By force.
        assert_eq!(request(flags | 1), expected);
    }
    assert!(shutdown::Request::parse(&body[..body.len() - 1]).is_err());
}

/// A report of old hosts, or of those that send the reference counter.
fn report(version: Option<Version>, host_time: u64, reference: u64, flags: u8) -> Report {
    let mut body = host_time.to_le_bytes().to_vec();
    body.extend(reference.to_le_bytes());
    if version.is_some_and(|version| version.number() >= 0x4_0000) {
        body.extend([flags, 0, 0, 0, 0, 0]);
    } else {
        body.extend([0; 8]);
        body.push(flags);
    }
    for len in 0..body.len() {
        assert_eq!(Report::parse(version, &body[..len]), Err(TooShort));
    }
    Report::parse(version, &body).unwrap()
}

#[test]
fn samples_grow_with_the_reference_counter() {
    let time = EPOCH + 1000 * SECOND;
    let with = report(Some(Version::new(4, 0)), time, 50 * SECOND, 1);
    assert!(with.must_set);
    let sample = with.sample(60 * SECOND);
    // Ten seconds on the way, five since.
    assert_eq!(sample.at(65 * SECOND), Ok(1_015_000_000_000));
    assert!(!report(Some(Version::new(4, 0)), time, 50 * SECOND, 2).must_set);

    for version in [None, Some(Version::new(1, 0)), Some(Version::new(3, 0))] {
        let without = report(version, time, 50 * SECOND, 2);
        assert!(!without.must_set);
        let sample = without.sample(60 * SECOND);
        assert_eq!(sample.at(65 * SECOND), Ok(1_005_000_000_000));
    }
}

#[test]
fn samples_become_stale() {
    let sample = report(None, EPOCH, 0, 0).sample(0);
    assert_eq!(sample.at(600 * SECOND), Ok(600_000_000_000));
    assert_eq!(
        sample.at(600 * SECOND + 1),
        Err(NoTime::Stale(600_000_000_100))
    );
    assert_eq!(sample.at(u64::MAX), Err(NoTime::Stale(u64::MAX)));
}

#[test]
fn times_out_of_range() {
    for time in [0, EPOCH - 1, u64::MAX, EPOCH + i64::MAX as u64 / 100 + 1] {
        let sample = report(None, time, 0, 0).sample(0);
        assert_eq!(sample.at(0), Err(NoTime::OutOfRange));
        assert!(!sample.is_far_ahead_of(i64::MIN));
    }
}

#[test]
fn far_behind_is_five_seconds() {
    let sample = report(None, EPOCH + 100 * SECOND, 0, 0).sample(0);
    assert!(sample.is_far_ahead_of(95_000_000_000));
    assert!(!sample.is_far_ahead_of(95_000_000_001));
    assert!(sample.is_far_ahead_of(i64::MIN));
    assert!(!sample.is_far_ahead_of(i64::MAX));
}

#[test]
fn snapshots() {
    let body = |operation| {
        let mut body = vec![0xaa; 6260];
        body[0] = operation;
        body
    };
    for (operation, expected) in [
        (2, vss::Request::ForDaemon(vss::Operation::HOT_BACKUP)),
        (5, vss::Request::ForDaemon(vss::Operation::FREEZE)),
        (6, vss::Request::ForDaemon(vss::Operation::THAW)),
        (4, vss::Request::Done),
        (255, vss::Request::Done),
    ] {
        let mut packet = body(operation);
        assert_eq!(vss::Request::parse(&mut packet), Ok(expected));
        assert_eq!(packet, body(operation));
    }
    let mut info = body(3);
    assert_eq!(vss::Request::parse(&mut info), Ok(vss::Request::Done));
    assert_eq!(info[8..13], [0, 0, 0, 0, 0xaa]);
    assert_eq!(vss::Request::parse(&mut info[..11]), Err(TooShort));
}

#[test]
fn messages_of_the_daemon_for_snapshots() {
    let question = vss::question(vss::Operation::FREEZE);
    assert_eq!(question, [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(vss::greeting(), [129, 0, 0, 0]);
    assert_eq!(
        vss::operation(&[128; 12]),
        Some(vss::Operation::REGISTER_LEGACY)
    );

    let mut body = [2; 12];
    let failed = 0x8000_4005_u32.to_le_bytes();
    assert_eq!(vss::answer(&failed, &mut body), Status::FAIL);
    assert_eq!(body, [2; 12]);
    assert_eq!(vss::answer(&[0; 12], &mut body), Status::OK);
    assert_eq!(body[8..], [5, 0, 0, 0]);
    let mut body = [5; 12];
    assert_eq!(vss::answer(&[0; 12], &mut body), Status::OK);
    assert_eq!(body, [5; 12]);
    assert_eq!(vss::answer(&[0; 3], &mut body), Status::FAIL);
}

proptest! {
    /// Whatever the host sends, nothing panics, and an agreement is about what both sides speak.
    #[test]
    fn any_packet(mut packet in proptest::collection::vec(any::<u8>(), 0..1000)) {
        let before = packet.clone();
        let Ok(mut message) = Message::parse(&mut packet) else {
            prop_assert!(before.len() < HEADER);
            return Ok(());
        };
        let outcome = SUPPORT.negotiate(&mut message);
        message.make_answer();
        if let Negotiation::Agreed(version) = outcome {
            prop_assert!(SUPPORT.services.contains(&version));
            let wanted = version.number().rotate_left(16).to_le_bytes();
            prop_assert!(before[HEADER + 8..].chunks(4).any(|bytes| bytes == wanted));
        }
        let body = &before[HEADER..];
        let _ = shutdown::Request::parse(body);
        let _ = vss::Request::parse(&mut body.to_vec());
        let _ = heartbeat::count_up(&mut body.to_vec());
    }

    #[test]
    fn any_lists(
        frameworks in proptest::collection::vec((0..5_u16, 0..2_u16), 0..6),
        services in proptest::collection::vec((0..5_u16, 0..2_u16), 0..6),
    ) {
        let best = |ours: &[Version], theirs: &[(u16, u16)]| {
            ours.iter().copied().find(|version| theirs.contains(&(version.major(), version.minor())))
        };
        let expected = match (best(SUPPORT.frameworks, &frameworks), best(SUPPORT.services, &services)) {
            (Some(_), Some(service)) => Negotiation::Agreed(service),
            _ => Negotiation::Failed,
        };
        let short = frameworks.len() + services.len() == 0;
        let mut packet = proposal(&frameworks, &services);
        prop_assert_eq!(negotiate(&mut packet), expected);
        prop_assert!(short || packet.len() > HEADER + 8);
    }

    /// No report makes a clock run wild: a time is right, or there is none.
    #[test]
    fn any_report(host_time: u64, reference: u64, now: u64, later: u64, guest: i64) {
        let report = report(Some(Version::new(4, 0)), host_time, reference, 0);
        let sample = report.sample(now);
        let _ = sample.is_far_ahead_of(guest);
        if let Ok(time) = sample.at(later) {
            let expected = host_time
                .wrapping_add(now.wrapping_sub(reference))
                .wrapping_add(later.saturating_sub(now))
                .wrapping_sub(EPOCH)
                .wrapping_mul(100);
            prop_assert_eq!(time as u64, expected);
        }
    }
}

#[test]
fn kinds() {
    let kinds = [
        Kind::NEGOTIATE,
        Kind::HEARTBEAT,
        Kind::KVP_EXCHANGE,
        Kind::SHUTDOWN,
        Kind::TIMESYNC,
        Kind::VSS,
    ];
    assert_eq!(kinds.map(Kind::get), [0, 1, 2, 3, 4, 5]);
}
