// SPDX-License-Identifier: GPL-2.0

//! What the host says about a frame.

use crate::{
    piece,
    wire::info::{FrameInfo, Info, Part, ReceivedChecksum, VlanTag, INFO_LEN},
    words,
};
use proptest::prelude::*;
use zerocopy::FromBytes;

#[test]
fn information_that_is_not_well_formed_ends_the_list() {
    for bad in [
        piece(0, 6, 12, 0),
        piece(11, 6, 4, 0),
        piece(17, 6, 12, 0),
        piece(u32::MAX, 6, 12, 0),
        piece(16, 6, 16, 0),
        piece(16, 6, u32::MAX, 0),
        piece(16, 6, 13, 0),
        vec![1, 2, 3],
    ] {
        let list = [piece(16, 8, 12, 1), bad].concat();
        assert!(FrameInfo::parse(&list).is_err(), "{list:?}");
    }
    // Of a kind that nobody reads, a value may be short.
    assert!(FrameInfo::parse(&piece(16, 77, 15, 0)).is_ok());
    // Or missing.
    assert!(FrameInfo::parse(&words(&[12, 77, 0])).is_ok());
}

#[test]
fn the_first_piece_of_a_kind_counts() {
    let list = [
        piece(16, 8, 12, 1),
        piece(16, 8, 12, 2),
        piece(16, 0x8000_0001, 12, 0x101),
        piece(16, 1, 12, 5),
        piece(16, 6, 12, 7),
    ]
    .concat();
    let info = FrameInfo::parse(&list).unwrap();
    assert_eq!(info.hash, Some(1));
    assert_eq!(info.vlan, Some(VlanTag(7)));
    assert_eq!(info.part, Some(Part(0x101)));
    assert_eq!(info.checksum, None);
    assert_eq!(plain(&list), Some(info));
}

/// What is read the short way, if that is possible.
fn plain(list: &[u8]) -> Option<FrameInfo> {
    let pieces = list.chunks_exact(INFO_LEN);
    if !pieces.remainder().is_empty() {
        return None;
    }
    let mut info = FrameInfo::default();
    let pieces = pieces.map(|piece| Info::read_from_bytes(piece).unwrap());
    info.read_plain(pieces).then_some(info)
}

#[test]
fn what_is_not_plain_is_read_the_long_way() {
    for (list, checksum) in [
        (piece(20, 0, 16, 0), Some(7)),
        (piece(20, 0, 12, 7), Some(7)),
        (piece(16, 0, 8, 0), None),
    ] {
        let list = [list, 7u32.to_le_bytes().to_vec()].concat();
        assert_eq!(plain(&list), None);
        let info = FrameInfo::parse(&list);
        assert_eq!(
            info.ok().and_then(|info| info.checksum).map(|it| it.0),
            checksum
        );
    }
    assert_eq!(plain(&[]), FrameInfo::parse(&[]).ok());
}

#[test]
fn what_the_host_found_out_is_in_its_bits() {
    for bits in 0..1 << 10 {
        let (checksum, has) = (ReceivedChecksum(bits), |bit: u32| bits >> bit & 1 == 1);
        assert_eq!(checksum.is_transport_right(), has(3) || has(4), "{bits:#x}");
        assert_eq!(checksum.is_ip_missing(), has(5) && has(8), "{bits:#x}");
    }
}

#[test]
fn parts_say_what_they_are() {
    for bits in 0..1 << 12 {
        let (part, has) = (Part(bits), |bit: u32| bits >> bit & 1 == 1);
        let said = [part.is_part(), part.is_first(), part.is_last()];
        assert_eq!(said, [has(8), has(9), has(10)], "{bits:#x}");
    }
}

proptest! {
    #[test]
    fn lists_of_any_pieces_end(
        pieces in prop::collection::vec(prop::array::uniform4(0u32..40), 0..20),
    ) {
        let list: Vec<u8> = pieces.iter().flat_map(|piece| words(piece)).collect();
        let _ = FrameInfo::parse(&list);
    }

    #[test]
    fn the_short_way_finds_the_same(
        pieces in prop::collection::vec(
            (prop_oneof![9 => Just(16u32), 1 => any::<u32>()], 0u32..10, prop_oneof![9 => Just(12u32), 1 => 0u32..20], any::<u32>()),
            0..6,
        ),
    ) {
        let list: Vec<u8> = pieces.iter().flat_map(|&(len, kind, offset, value)| piece(len, kind, offset, value)).collect();
        if let Some(info) = plain(&list) {
            prop_assert_eq!(FrameInfo::parse(&list), Ok(info));
        }
    }
}
