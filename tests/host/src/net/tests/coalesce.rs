// SPDX-License-Identifier: GPL-2.0

//! Segments joined for the guest.

use super::{tcp_frame, udp_frame};
use crate::net::coalesce::{Joined, MAX_FRAGMENTS, join};
use crate::net::frame::{ETHERNET, be16};

const ON: [bool; 2] = [true; 2];
const ACK: u8 = 16;

/// Segments of 100 bytes each.
fn flow(v6: bool, count: u32) -> Vec<Vec<u8>> {
    (0..count)
        .map(|index| tcp_frame(v6, 5000 + 100 * index, ACK, &[index as u8; 100]))
        .collect()
}

#[test]
fn a_flow_is_joined() {
    for v6 in [false, true] {
        let joined = join(flow(v6, 5), ON, MAX_FRAGMENTS);
        assert_eq!(joined.len(), 1);
        let Joined { first, rest } = &joined[0];
        assert_eq!(rest.len(), 4);
        assert!(
            rest.iter()
                .zip(1..)
                .all(|(part, index)| part[..] == [index; 100])
        );
        let len = be16(first, ETHERNET + if v6 { 4 } else { 2 });
        assert_eq!(len, Some(20 + 500 + if v6 { 0 } else { 20 }));
    }
}

#[test]
fn order_and_content_stay() {
    let mut frames = flow(false, 3);
    frames.insert(1, udp_frame(false, b"between"));
    let joined = join(frames.clone(), ON, MAX_FRAGMENTS);
    assert_eq!(
        joined,
        frames.into_iter().map(Joined::single).collect::<Vec<_>>()[..1]
            .iter()
            .cloned()
            .chain([Joined::single(udp_frame(false, b"between"))])
            .chain(join(flow(false, 3)[1..].to_vec(), ON, MAX_FRAGMENTS))
            .collect::<Vec<_>>()
    );
}

#[test]
fn what_differs_is_not_joined() {
    let pairs = [
        // A gap, a flag, nothing in it, another port.
        [
            tcp_frame(false, 0, ACK, b"a"),
            tcp_frame(false, 2, ACK, b"b"),
        ],
        [
            tcp_frame(false, 0, ACK, b"a"),
            tcp_frame(false, 1, ACK | 1, b"b"),
        ],
        [
            tcp_frame(false, 0, ACK, b"a"),
            tcp_frame(false, 1, ACK, b""),
        ],
        [
            tcp_frame(false, 0, ACK | 8, b"a"),
            tcp_frame(false, 1, ACK, b"b"),
        ],
        [
            tcp_frame(true, 0, ACK, b"a"),
            tcp_frame(false, 1, ACK, b"b"),
        ],
    ];
    for pair in pairs {
        assert_eq!(join(pair.to_vec(), ON, MAX_FRAGMENTS).len(), 2);
    }
    assert_eq!(join(flow(true, 2), [true, false], MAX_FRAGMENTS).len(), 2);
}

#[test]
fn there_is_a_limit() {
    let joined = join(flow(false, MAX_FRAGMENTS as u32 + 1), ON, MAX_FRAGMENTS);
    assert_eq!(joined.len(), 2);
    assert_eq!(joined[0].rest.len(), MAX_FRAGMENTS - 1);
    let lens: Vec<_> = join(flow(false, 5), ON, 2)
        .iter()
        .map(|joined| 1 + joined.rest.len())
        .collect();
    assert_eq!(lens, [2, 2, 1]);
}
