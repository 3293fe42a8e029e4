// SPDX-License-Identifier: GPL-2.0

//! Guests that break the rules are found out, and tests may break them for the host.

use super::guest::{Change, ServiceGuest, set_half};
use super::{NEVER, SOON};
use crate::ic::{Error, Heartbeat};
use crate::vmbus::channel::{COMPLETION, INBAND, Outgoing};
use crate::vmbus::device::Device as _;

/// What a guest does to an answer, and the violation that the host sees.
#[test]
fn wrong_answers() {
    let spoils: [(Change<'_>, &str); 8] = [
        (&|payload| payload[25] = 4, "flags of an answer is 0x4"),
        (&|payload| payload[24] ^= 1, "transaction of an answer"),
        (
            &|payload| set_half(payload, 12, 2),
            "type of an answer is 0x2",
        ),
        (
            &|payload| set_half(payload, 18, 3),
            "size of an answer is 0x3",
        ),
        (&|payload| payload[0] = 2, "pipe flags"),
        (&|payload| payload[4] = 0, "pipe size"),
        (&|payload| set_half(payload, 8, 9), "same versions"),
        (
            &|payload| payload.truncate(64),
            "answer of 64 bytes to a request of 72",
        ),
    ];
    for (spoil, violation) in spoils {
        let heartbeat = Heartbeat::default();
        let guest = ServiceGuest::ready(heartbeat.link());
        let answer = |payload: &mut Vec<u8>| {
            payload[28] += 1;
            spoil(payload);
        };
        assert_eq!(guest.serve(|| heartbeat.beat(SOON), &[&answer]), Ok(1));
        let violations = heartbeat.link().violations();
        assert!(violations[0].contains(violation), "{violations:?}");
    }
}

#[test]
fn answers_to_nothing() {
    let heartbeat = Heartbeat::default();
    let guest = ServiceGuest::ready(heartbeat.link());
    guest.send(77, vec![0; 72]);
    let completion = Outgoing {
        kind: COMPLETION,
        transaction: 78,
        ..Outgoing::default()
    };
    guest.channel.send_packet(&guest.guest, &completion);
    let violations = heartbeat.link().violations();
    assert!(violations[0].contains("0x4d"), "{violations:?}");
    assert!(violations[1].contains("kind 0xb"), "{violations:?}");
    heartbeat.link().clear_violations();
    assert!(heartbeat.link().violations().is_empty());
}

#[test]
fn answered_twice() {
    let heartbeat = Heartbeat::default();
    let guest = ServiceGuest::ready(heartbeat.link());
    let ticket = heartbeat.link().post(&[0; 40]).unwrap();
    let packet = guest.receive();
    guest.answer(&packet, |_| ());
    guest.answer(&packet, |_| ());
    assert!(heartbeat.link().finish(ticket, SOON).is_ok());
    assert_eq!(heartbeat.link().violations().len(), 1);
}

#[test]
fn injected() {
    let heartbeat = Heartbeat::default();
    let guest = ServiceGuest::ready(heartbeat.link());
    let mut draft = heartbeat.link().draft(9, &[1, 2, 3]);
    draft.truncate(30);
    let ticket = heartbeat.link().inject(&draft).unwrap();
    assert!(!heartbeat.link().is_drained());
    let packet = guest.receive();
    assert_eq!((packet.kind, packet.payload.len()), (INBAND, 32));
    assert!(heartbeat.link().is_drained());
    assert_eq!(heartbeat.link().finish(ticket, NEVER), Err(Error::Timeout));
    // It is not in the way of others, and may be answered or not.
    guest
        .serve(|| heartbeat.beat(SOON), &[&|payload| payload[28] += 1])
        .unwrap();
    guest.answer(&packet, |_| ());
    assert!(heartbeat.link().finish(ticket, SOON).is_ok());
    assert!(heartbeat.link().violations().is_empty());
}
