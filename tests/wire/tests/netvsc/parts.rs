// SPDX-License-Identifier: GPL-2.0

//! Frames that the host coalesced and sends in parts.

use crate::wire::{
    info::{FrameInfo, Part},
    rsc::{Assembly, Frame, Piece, MAX_PARTS},
    Fault,
};

fn part(flags: u32) -> FrameInfo {
    FrameInfo {
        part: Some(Part(1 | 1 << 8 | flags)),
        ..FrameInfo::default()
    }
}

/// Adds what is said to be a part.
fn add<'a>(
    assembly: &'a mut Assembly<Vec<Piece>>,
    piece: Piece,
    info: &FrameInfo,
    is_last: bool,
) -> Result<Option<Frame<'a>>, Fault> {
    assembly.add(info.part().unwrap(), piece, info, is_last)
}

const FIRST: u32 = 1 << 9;
const LAST: u32 = 1 << 10;

#[test]
fn parts_make_a_frame() {
    let mut assembly = Assembly::new(vec![Piece::default(); MAX_PARTS]);
    let at = |offset| Piece { offset, len: 10 };
    let (piece, info) = (at(0), FrameInfo::default());
    assert_eq!(info.part(), None);
    let whole = Frame::whole(&piece, &info);
    assert_eq!((whole.len, whole.pieces), (10, &[at(0)][..]));
    let info = FrameInfo {
        hash: Some(5),
        ..part(FIRST)
    };
    assert!(add(&mut assembly, at(0), &info, false).unwrap().is_none());
    assert!(add(&mut assembly, at(10), &part(0), false)
        .unwrap()
        .is_none());
    let (piece, info) = (at(20), part(LAST));
    let frame = add(&mut assembly, piece, &info, true).unwrap().unwrap();
    assert_eq!((frame.len, frame.info.hash), (30, Some(5)));
    assert_eq!(frame.pieces, [at(0), at(10), at(20)]);
    // Nothing is left of it.
    assert!(add(&mut assembly, at(0), &part(LAST), true).is_err());
}

#[test]
fn parts_out_of_order_make_none() {
    let mut assembly = Assembly::new(vec![Piece::default(); 3]);
    let at = Piece { offset: 0, len: 10 };
    assert!(add(&mut assembly, at, &part(0), false).is_err());
    assert!(add(&mut assembly, at, &part(FIRST), true).is_err());
    assert!(add(&mut assembly, at, &part(LAST), true).is_err());
    assert!(add(&mut assembly, at, &part(FIRST), false)
        .unwrap()
        .is_none());
    assert!(add(&mut assembly, at, &part(0), false).unwrap().is_none());
    assert!(add(&mut assembly, at, &part(0), false).unwrap().is_none());
    assert!(add(&mut assembly, at, &part(LAST), true).is_err());
    assert!(add(&mut assembly, at, &part(FIRST), false)
        .unwrap()
        .is_none());
    assembly.reset();
    assert!(add(&mut assembly, at, &part(LAST), true).is_err());
    let huge = Piece {
        offset: 0,
        len: usize::MAX,
    };
    assert!(add(&mut assembly, huge, &part(FIRST), false)
        .unwrap()
        .is_none());
    assert!(add(&mut assembly, huge, &part(LAST), true).is_err());
}
