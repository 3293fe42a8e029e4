// SPDX-License-Identifier: GPL-2.0

//! Ways to spoil a packet: its descriptor, its header, its payload.

use super::bytes::spoil;
use super::random::Random;
use crate::vmbus::channel::{COMPLETION, GPA_DIRECT, INBAND, Outgoing, TRANSFER_PAGES};

/// Kinds of packets, those that no host sends included.
const KINDS: [u16; 8] = [
    INBAND,
    TRANSFER_PAGES,
    GPA_DIRECT,
    COMPLETION,
    0,
    8,
    0xc,
    0xffff,
];

/// No driver numbers its requests like this.
const NOBODYS: u64 = 0x00be_ef00_0000_0000;

/// Which requests of the guest a spoilt copy of a packet may pretend to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ids {
    /// None that there could be.
    Nobodys,
    /// Any.
    Any,
}

/// Changes `packet`; `other` is one to borrow from.
pub(super) fn change(random: &mut Random, packet: &mut Outgoing, other: &Outgoing) {
    match random.below(40) {
        0 | 1 => packet.kind = pick_kind(random),
        2 => packet.flags = random.number() as u16,
        3..=9 => spoil(random, &mut packet.header, &other.header),
        10 => packet.header.clear(),
        11 => packet.payload.clear(),
        12 => packet.payload.clone_from(&other.payload),
        13 => packet.forged_offset8 = Some(forged(random, packet)),
        // Rarely: the guest may drop all that is behind it in the ring.
        14 if random.one_in(4) => packet.forged_len8 = Some(forged(random, packet)),
        _ => spoil(random, &mut packet.payload, &other.payload),
    }
}

/// A changed copy with a transaction of its own.
pub(super) fn copy(random: &mut Random, of: &Outgoing, other: &Outgoing, ids: Ids) -> Outgoing {
    let mut packet = of.clone();
    packet.transaction = match ids {
        Ids::Nobodys => NOBODYS | (random.number() & 0xffff),
        Ids::Any => transaction(random, of.transaction, other.transaction),
    };
    change(random, &mut packet, other);
    packet
}

fn transaction(random: &mut Random, own: u64, other: u64) -> u64 {
    let near = random.below(9) as u64;
    match random.below(12) {
        0..=4 => own,
        5 => other,
        6 => own.wrapping_add(near).wrapping_sub(4),
        // The next uses of the slot, where the upper half counts them.
        7 => own.wrapping_add(near << 32),
        8 => near,
        9 => u64::MAX - near,
        10 => NOBODYS,
        _ => random.number(),
    }
}

fn pick_kind(random: &mut Random) -> u16 {
    random.pick(&KINDS).copied().unwrap_or(INBAND)
}

/// A length or offset, in units of eight bytes, near the right ones or far from them.
fn forged(random: &mut Random, packet: &Outgoing) -> u16 {
    let right = (16 + packet.header.len() + packet.payload.len()) / 8;
    match random.below(6) {
        0 => random.below(4) as u16,
        1 => u16::MAX - random.below(4) as u16,
        2 => random.number() as u16,
        _ => (right + random.below(5)).saturating_sub(2) as u16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_answer_nobody_where_they_must_not() {
        let mut random = Random::new(5);
        let honest = Outgoing {
            kind: COMPLETION,
            transaction: 77,
            payload: vec![1; 64],
            ..Outgoing::default()
        };
        for _ in 0..1000 {
            let copy = copy(&mut random, &honest, &honest, Ids::Nobodys);
            assert_eq!(copy.transaction & NOBODYS, NOBODYS);
            assert!(copy.encode().len() < 20_000);
        }
    }
}
