// SPDX-License-Identifier: GPL-2.0

//! How page numbers are spread over messages.

use proptest::prelude::*;
use wire_tests::wire::gpadl::{GpadlMessage, GpadlMessages, BODY_PFNS, HEADER_PFNS, MAX_PFNS};

/// A 32-bit word of a message.
fn word(message: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(message[at..at + 4].try_into().unwrap())
}

/// What a host makes of the messages: the page numbers, after everything else was checked.
fn received(messages: &[GpadlMessage], relid: u32, gpadl: u32) -> Vec<u64> {
    let mut pfns = Vec::new();
    let mut total = None;
    for (index, message) in messages.iter().map(GpadlMessage::as_bytes).enumerate() {
        assert!(message.len() <= 240);
        let numbers = if index == 0 {
            assert_eq!((word(message, 0), word(message, 4)), (8, 0));
            assert_eq!((word(message, 8), word(message, 12)), (relid, gpadl));
            let (range_len, range_count) = (word(message, 16) & 0xffff, word(message, 16) >> 16);
            assert_eq!(range_count, 1);
            assert_eq!(word(message, 24), 0, "offset");
            total = Some((range_len as usize, word(message, 20) as usize));
            &message[28..]
        } else {
            assert_eq!((word(message, 0), word(message, 4)), (9, 0));
            assert_eq!((word(message, 8), word(message, 12)), (0, gpadl));
            &message[16..]
        };
        assert!(!numbers.is_empty() && numbers.len() % 8 == 0);
        pfns.extend(
            numbers
                .chunks(8)
                .map(|number| u64::from_le_bytes(number.try_into().unwrap())),
        );
    }
    assert_eq!(total, Some((8 + pfns.len() * 8, pfns.len() * 4096)));
    pfns
}

fn round_trip(pfns: &[u64]) -> usize {
    let messages: Vec<_> = GpadlMessages::new(5, 0xe1e10, pfns.iter().copied())
        .unwrap()
        .collect();
    assert_eq!(received(&messages, 5, 0xe1e10), pfns);
    messages.len()
}

#[test]
fn as_many_as_fit() {
    assert_eq!((HEADER_PFNS, BODY_PFNS), (26, 28));
}

#[test]
fn edges() {
    for (count, messages) in [(1, 1), (25, 1), (26, 1), (27, 2), (54, 2), (55, 3), (82, 3)] {
        let pfns: Vec<u64> = (0..count).map(|page| 0x1_0000_0000 + page * 3).collect();
        assert_eq!(round_trip(&pfns), messages, "{count} pages");
    }
    // 16 MiB, a receive buffer of a network adapter.
    assert_eq!(
        round_trip(&(0..4096).collect::<Vec<_>>()),
        1 + (4096 - 26usize).div_ceil(28)
    );
}

#[test]
fn limits() {
    assert!(GpadlMessages::new(1, 1, std::iter::empty()).is_none());
    assert_eq!(MAX_PFNS, 8190);
    assert!(GpadlMessages::new(1, 1, vec![0; MAX_PFNS].into_iter()).is_some());
    assert!(GpadlMessages::new(1, 1, vec![0; MAX_PFNS + 1].into_iter()).is_none());
}

proptest! {
    #[test]
    fn any_pages(pfns in proptest::collection::vec(any::<u64>(), 1..200)) {
        round_trip(&pfns);
    }
}
