// SPDX-License-Identifier: GPL-2.0

//! The services without data of their own: what they send, and what they make of answers.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::guest::{BODY, ServiceGuest, kind, set_status};
use super::{NEVER, SOON};
use crate::ic::timesync::{self, SAMPLE, SYNC};
use crate::ic::wire::{Version, status};
use crate::ic::{Action, Error, Heartbeat, Shutdown, TimeSync, Vss};
use crate::vmbus::device::Device as _;

#[test]
fn shutdown() {
    let shutdown = Shutdown::default();
    let guest = ServiceGuest::ready(shutdown.link());
    let check = |flags: u8| {
        move |payload: &mut Vec<u8>| {
            assert_eq!(kind(payload), 3);
            assert_eq!(payload.len(), (BODY + 2060_usize).next_multiple_of(8));
            assert_eq!(payload[BODY + 8..BODY + 12], [flags, 0, 0, 0]);
        }
    };
    let off = guest.serve(|| shutdown.request(Action::PowerOff, SOON), &[&check(0)]);
    assert_eq!(off, Ok(()));
    let again = guest.serve(|| shutdown.force(Action::Reboot, SOON), &[&check(3)]);
    assert_eq!(again, Ok(()));
    let refused = guest.serve(
        || shutdown.request(Action::Hibernate, SOON),
        &[&|payload| set_status(payload, status::FAIL)],
    );
    assert_eq!(refused, Err(Error::Status(0x8000_4005)));
    assert!(shutdown.link().violations().is_empty());
    assert_eq!(shutdown.link().answered(), 3);
}

fn count(payload: &mut [u8]) {
    assert_eq!(kind(payload), 1);
    let number = u64::from_le_bytes(payload[BODY..BODY + 8].try_into().unwrap());
    payload[BODY..BODY + 8].copy_from_slice(&(number + 1).to_le_bytes());
}

#[test]
fn heartbeat() {
    let heartbeat = Arc::new(Heartbeat::default());
    let guest = ServiceGuest::ready(heartbeat.link());
    assert_eq!(
        guest.serve(|| heartbeat.beat(SOON), &[&|payload| count(payload)]),
        Ok(1)
    );
    heartbeat.set_number(1 << 40);
    let pulse = heartbeat.every(Duration::from_millis(1));
    for _ in 0..3 {
        guest.answer(&guest.receive(), |payload| count(payload));
    }
    drop(pulse);
    assert!(heartbeat.number() >= (1 << 40) + 2);
    assert!(heartbeat.link().violations().is_empty());
}

#[test]
fn heartbeat_that_does_not_count() {
    let heartbeat = Heartbeat::default();
    let guest = ServiceGuest::ready(heartbeat.link());
    let same = guest.serve(|| heartbeat.beat(SOON), &[&|_| ()]);
    assert_eq!(same, Err(Error::Malformed));
    assert_eq!(heartbeat.link().violations().len(), 1);
}

#[test]
fn time() {
    let timesync = TimeSync::default();
    let guest = ServiceGuest::ready(timesync.link());
    let now = UNIX_EPOCH + Duration::from_millis(1500);
    let check = |flags: u8, reference: u64| {
        move |payload: &mut Vec<u8>| {
            assert_eq!(kind(payload), 4);
            let time: u64 = 116_444_736_000_000_000 + 15_000_000;
            assert_eq!(payload[BODY..BODY + 8], time.to_le_bytes());
            assert_eq!(payload[BODY + 8..BODY + 16], reference.to_le_bytes());
            assert_eq!(payload[BODY + 16], flags);
        }
    };
    let sync = guest.serve(|| timesync.sync(now, SOON), &[&check(SYNC, 123_456_789)]);
    assert_eq!(sync, Ok(()));
    let ago = Duration::from_secs(1);
    let sample = guest.serve(
        || timesync.tell(now, ago, SAMPLE, SOON),
        &[&check(SAMPLE, 113_456_789)],
    );
    assert_eq!(sample, Ok(()));
    // Out of turn: both are there before the first is answered.
    let tickets = [SAMPLE, SYNC].map(|flags| timesync.post(now, ago, flags).unwrap());
    for ticket in tickets {
        guest.answer(&guest.receive(), |_| ());
        assert_eq!(timesync.link().finish(ticket, SOON).unwrap().status, 0);
    }
    assert!(timesync.link().violations().is_empty());
}

#[test]
fn time_in_old_versions() {
    let now = SystemTime::now();
    assert_eq!(timesync::body(Version::new(4, 0), now, 7, SYNC).len(), 22);
    let old = timesync::body(Version::new(3, 0), now, 7, SAMPLE);
    assert_eq!((old.len(), old[24]), (25, SAMPLE));
}

#[test]
fn snapshot() {
    let vss = Vss::default();
    let guest = ServiceGuest::ready(vss.link());
    let flags = |payload: &mut Vec<u8>| {
        assert_eq!((kind(payload), payload[BODY]), (5, 2));
        payload[BODY + 8..BODY + 12].copy_from_slice(&[5, 0, 0, 0]);
    };
    let hot = guest.serve(|| vss.hot_backup(SOON), &[&flags]);
    assert_eq!(hot, Ok(crate::ic::vss::NO_AUTO_RECOVERY));
    let long = |payload: &mut Vec<u8>| {
        assert_eq!(payload[BODY], 5);
        assert_eq!(payload.len(), 6260_usize.next_multiple_of(8));
    };
    assert_eq!(guest.serve(|| vss.freeze(SOON), &[&long]), Ok(()));
    let fails = |payload: &mut Vec<u8>| set_status(payload, status::FAIL);
    let thaw = guest.serve(|| vss.thaw(SOON), &[&fails]);
    assert_eq!(thaw, Err(Error::Status(status::FAIL)));
    assert!(vss.link().violations().is_empty());
}

#[test]
fn one_at_a_time() {
    let vss = Vss::default();
    let guest = ServiceGuest::ready(vss.link());
    let ticket = vss.begin(6, SOON).unwrap();
    assert_eq!(
        vss.thaw(NEVER),
        Err(Error::Timeout),
        "the first is under way"
    );
    assert_eq!(vss.link().finish(ticket, NEVER), Err(Error::Timeout));
    guest.answer(&guest.receive(), |_| ());
    assert!(guest.channel.receive(&guest.guest).is_none());
    assert_eq!(guest.serve(|| vss.thaw(SOON), &[&|_| ()]), Ok(()));
}

#[test]
fn closed_meanwhile() {
    let vss = Vss::default();
    let mut guest = ServiceGuest::ready(vss.link());
    let ticket = vss.begin(6, SOON).unwrap();
    guest.guest.close(&guest.channel);
    assert_eq!(vss.link().finish(ticket, SOON), Err(Error::Closed));
    assert_eq!(vss.link().inject(&[]), Err(Error::Closed));
    assert!(vss.link().is_drained());
}
