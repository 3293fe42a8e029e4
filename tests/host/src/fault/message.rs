// SPDX-License-Identifier: GPL-2.0

//! Ways to spoil a control message and the slot that it is in.

use super::bytes::spoil;
use super::random::Random;
use crate::hv::Forged;
use crate::vmbus::wire::{MAX_MESSAGE, MAX_RELIDS, kind, relid_of, split};

/// Kinds that the guest makes something of. Offers and rescinds are rarer than the others, because
/// each makes or ends a device.
const ANSWERS: [u32; 7] = [
    kind::OPEN_RESULT,
    kind::GPADL_CREATED,
    kind::GPADL_TORNDOWN,
    kind::VERSION_RESPONSE,
    kind::MODIFY_CHANNEL_RESPONSE,
    kind::ALL_OFFERS_DELIVERED,
    kind::UNLOAD_RESPONSE,
];

/// Messages of slots that are not VMBus's: none, timers, unknown ones.
const SLOT_KINDS: [u32; 5] = [0, 0x8000_0010, 0x8000_0000, 2, u32::MAX];

/// Changes a message.
pub(super) fn change(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    match random.below(10) {
        0 => set_kind(random, bytes),
        1 => bytes.truncate(random.below(bytes.len() + 1)),
        2 => {
            let names = [0, 1, random.below(64), random.below(1 << 16)];
            let name = names[random.below(4)] as u32;
            if let Some(place) = bytes.get_mut(8..12) {
                place.copy_from_slice(&name.to_le_bytes());
            }
        }
        _ => {
            let mut body = bytes.split_off(bytes.len().min(8));
            spoil(random, &mut body, other.get(8..).unwrap_or_default());
            bytes.append(&mut body);
        }
    }
    bytes.truncate(MAX_MESSAGE);
}

fn set_kind(random: &mut Random, bytes: &mut [u8]) {
    let number = match random.below(4) {
        0 => random.below(30) as u32,
        1 => random.number() as u32,
        _ => random.pick(&ANSWERS).copied().unwrap_or_default(),
    };
    if let Some(place) = bytes.get_mut(..4) {
        place.copy_from_slice(&number.to_le_bytes());
    }
}

/// Some messages sit in a slot whose header is wrong.
pub(super) fn slot(random: &mut Random, len: usize) -> Forged {
    let honest = Forged::honest(len);
    match random.below(40) {
        0 => Forged {
            kind: random.pick(&SLOT_KINDS).copied().unwrap_or_default(),
            ..honest
        },
        1 => Forged {
            len: random.number() as u8,
            ..honest
        },
        2 => Forged {
            len: 240 + random.below(16) as u8,
            ..honest
        },
        _ => honest,
    }
}

/// The relid that a message offers, if it is an offer that a guest would take.
pub(super) fn offered(bytes: &[u8]) -> Option<u32> {
    let (number, body) = split(bytes)?;
    let relid = relid_of(number, body).filter(|_| number == kind::OFFER_CHANNEL)?;
    (1..MAX_RELIDS).contains(&relid).then_some(relid)
}

/// The relid that a message takes back.
pub(super) fn rescinded(bytes: &[u8]) -> Option<u32> {
    let (number, body) = split(bytes)?;
    relid_of(number, body).filter(|_| number == kind::RESCIND_OFFER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_short_enough() {
        let mut random = Random::new(6);
        for _ in 0..2000 {
            let mut bytes = vec![1; 100];
            change(&mut random, &mut bytes, &[2; 50]);
            assert!(bytes.len() <= MAX_MESSAGE);
        }
    }

    #[test]
    fn offers_are_recognized() {
        let mut offer = vec![0; 8 + 188];
        offer[0] = kind::OFFER_CHANNEL as u8;
        assert_eq!(offered(&offer), None);
        offer[8 + 176] = 9;
        assert_eq!(offered(&offer), Some(9));
        assert_eq!(rescinded(&[2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0]), Some(5));
        assert_eq!(rescinded(&offer), None);
    }
}
