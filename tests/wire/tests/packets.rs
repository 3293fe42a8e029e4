// SPDX-License-Identifier: GPL-2.0

//! What precedes the payload of a packet.

use wire_tests::wire::packet::{Descriptor, GpaList, Kind};

/// Length and offset of a range, as a word.
fn range(len: u64, offset: u64) -> u64 {
    len | offset << 32
}

fn words(list: &GpaList) -> Vec<u64> {
    list.as_bytes()
        .chunks_exact(8)
        .map(|word| u64::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

#[test]
fn lengths_are_in_units_of_8_bytes() {
    let descriptor = |len8| Descriptor {
        kind: Kind::INBAND,
        offset8: 2,
        len8,
        flags: 0,
        transaction: 0,
    };
    assert_eq!((descriptor(3).offset(), descriptor(3).len()), (16, 24));
    assert!(descriptor(0).is_empty() && !descriptor(3).is_empty());
}

#[test]
fn a_range_lists_each_page_that_it_touches() {
    assert_eq!(words(&GpaList::new()), [0]);
    for (offset, len, pages) in [(0, 4096, 1), (0, 4097, 2), (4095, 1, 1), (4095, 4098, 3)] {
        let mut list = GpaList::new();
        assert_eq!(list.push(7, offset, len), Some(()));
        let mut expected = vec![1 << 32, range(len.into(), offset.into())];
        expected.extend(7..7 + pages);
        assert_eq!(words(&list), expected);
    }
    let mut list = GpaList::new();
    assert_eq!(list.push(0x1_0000_0000, 8, 4096), Some(()));
    assert_eq!(list.push(5, 0, 1), Some(()));
    let first = [range(4096, 8), 0x1_0000_0000, 0x1_0000_0001];
    let expected = [&[2 << 32], &first[..], &[range(1, 0), 5]].concat();
    assert_eq!(words(&list), expected);
}

#[test]
fn there_is_room_for_each_page_in_a_range_of_its_own() {
    let mut list = GpaList::new();
    for page in 0..GpaList::MAX_PAGES as u64 {
        assert_eq!(list.push(page, 0, 4096), Some(()));
    }
    let full = words(&list);
    assert_eq!(full.len(), 1 + 2 * GpaList::MAX_PAGES);
    assert_eq!(list.push(0, 0, 1), None);
    assert_eq!(words(&list), full);

    assert_eq!(GpaList::new().push(0, 0, 63 * 4096), Some(()));
    assert_eq!(GpaList::new().push(0, 0, 63 * 4096 + 1), None);
    assert_eq!(GpaList::new().push(0, u32::MAX, u32::MAX), None);
}
