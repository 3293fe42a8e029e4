// SPDX-License-Identifier: GPL-2.0

//! Frames that the host coalesced and sends in parts.

use crate::wire::{
    info::{FrameInfo, Part},
    rsc::{Assembly, Piece, MAX_PARTS},
};

fn part(flags: u32) -> FrameInfo {
    FrameInfo {
        part: Some(Part(1 | 1 << 8 | flags)),
        ..FrameInfo::default()
    }
}

const FIRST: u32 = 1 << 9;
const LAST: u32 = 1 << 10;

#[test]
fn parts_make_a_frame() {
    let mut assembly = Assembly::new(vec![Piece::default(); MAX_PARTS]);
    let at = |offset| Piece { offset, len: 10 };
    let whole = assembly.add(at(0), &FrameInfo::default(), true).unwrap();
    assert_eq!(whole.unwrap().len, 10);
    let info = FrameInfo {
        hash: Some(5),
        ..part(FIRST)
    };
    assert!(assembly.add(at(0), &info, false).unwrap().is_none());
    assert!(assembly.add(at(10), &part(0), false).unwrap().is_none());
    let frame = assembly.add(at(20), &part(LAST), true).unwrap().unwrap();
    assert_eq!((frame.len, frame.info.hash), (30, Some(5)));
    assert_eq!(frame.pieces, [at(0), at(10), at(20)]);
    // Nothing is left of it.
    assert!(assembly.add(at(0), &part(LAST), true).is_err());
}

#[test]
fn parts_out_of_order_make_none() {
    let mut assembly = Assembly::new(vec![Piece::default(); 3]);
    let at = Piece { offset: 0, len: 10 };
    assert!(assembly.add(at, &part(0), false).is_err());
    assert!(assembly.add(at, &part(FIRST), true).is_err());
    assert!(assembly.add(at, &part(LAST), true).is_err());
    assert!(assembly.add(at, &part(FIRST), false).unwrap().is_none());
    assert!(assembly.add(at, &part(0), false).unwrap().is_none());
    assert!(assembly.add(at, &part(0), false).unwrap().is_none());
    assert!(assembly.add(at, &part(LAST), true).is_err());
    let huge = Piece {
        offset: 0,
        len: usize::MAX,
    };
    assert!(assembly.add(huge, &part(FIRST), false).unwrap().is_none());
    assert!(assembly.add(huge, &part(LAST), true).is_err());
}
