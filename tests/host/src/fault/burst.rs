// SPDX-License-Identifier: GPL-2.0

//! Many spoilt packets at once, and memory that changes while the guest reads it.

use std::sync::Arc;

use super::random::Random;
use super::rndis;
use super::tally::{Counts, add};
use super::victim::{Part, Victim};
use crate::net::Card;
use crate::vmbus::channel::Channel;
use crate::vmbus::ring::Field;
use crate::vmbus::sync::lock;
use crate::vmbus::tamper::Ring;

/// The most bytes of a burst, as a share of the ring.
const SHARE: u32 = 2;
/// How often memory is written to after a burst.
const WRITES: usize = 48;
/// The most messages in one packet of a card.
const MESSAGES: usize = 6;
/// What follows a packet in the ring.
const TRAILER: usize = 8;
/// One burst in so many comes with a wrong value in the header of a ring.
const POKE_EVERY: u32 = 100;

const FIELDS: [Field; 5] = [
    Field::WriteIndex,
    Field::ReadIndex,
    Field::InterruptMask,
    Field::PendingSend,
    Field::Features,
];

/// Whether the guest has read all there is.
pub(super) fn is_drained(channel: &Channel) -> bool {
    channel.peek(Ring::ToGuest, Field::ReadIndex) == channel.peek(Ring::ToGuest, Field::WriteIndex)
}

/// Sends a burst to `victim` on `channel`, and disturbs the guest while it reads.
pub(super) fn send(victim: &Victim, channel: &Arc<Channel>, counts: &Counts) {
    let mut packets = lock(&victim.packets);
    let most = packets.burst_limit() as usize;
    if most == 0 {
        return;
    }
    let count = 1 + packets.random().below(most);
    let mut random = Random::new(packets.random().number());
    let through_buffer = random.one_in(2);
    match &victim.part {
        Part::Card(card, indications) if through_buffer => {
            drop(packets);
            let burst = lock(indications).burst(count / 2, MESSAGES);
            rndis::send(card, burst);
        }
        _ => {
            let room = channel.ring_size() / SHARE;
            let mut used = 0;
            let burst: Vec<_> = std::iter::from_fn(|| packets.spoilt())
                .take(count)
                .map(|packet| packet.encode())
                .take_while(|bytes| {
                    used += bytes.len() + TRAILER;
                    used < room as usize
                })
                .collect();
            drop(packets);
            channel.inject_all(burst);
        }
    }
    if random.one_in(POKE_EVERY) {
        poke(&mut random, channel);
        add(&counts.indices);
    }
    disturb(&mut random, victim, channel, counts);
}

/// Writes into what the guest is reading, for as long as it does.
fn disturb(random: &mut Random, victim: &Victim, channel: &Channel, counts: &Counts) {
    let sections = match &victim.part {
        Part::Card(card, _) => card.sections_in_use(),
        _ => Vec::new(),
    };
    for _ in 0..random.below(WRITES) {
        let index = |field| channel.peek(Ring::ToGuest, field);
        let (Some(read), Some(write)) = (index(Field::ReadIndex), index(Field::WriteIndex)) else {
            return;
        };
        if read == write {
            return;
        }
        let value = random.number().to_le_bytes();
        let value = &value[..[1, 2, 4, 8][random.below(4)]];
        match &victim.part {
            Part::Card(card, _) if random.one_in(2) => section(random, card, &sections, value),
            _ => {
                let size = channel.ring_size().max(8);
                let unread = write.wrapping_add(size).wrapping_sub(read) % size;
                // Payloads rather than descriptors: a wrong length makes the guest skip the rest.
                let at = random.below(unread as usize) as u32;
                let at = if random.one_in(8) { at } else { at | 4 };
                channel.scribble(read.wrapping_add(at), value);
            }
        }
        counts.scribbled();
    }
}

fn section(random: &mut Random, card: &Card, sections: &[(usize, usize)], value: &[u8]) {
    if let Some(&(at, len)) = random.pick(sections) {
        let reach = if random.one_in(4) { len - 8 } else { 64 };
        let near = random.below(reach);
        card.scribble(at + near / 4 * 4, value);
    }
}

/// Puts a wrong value into the header of a ring. What is the host's to write is as before soon, so that not
/// every one is the end of the channel.
fn poke(random: &mut Random, channel: &Channel) {
    let ring = [Ring::ToGuest, Ring::FromGuest][random.below(2)];
    let field = *random.pick(&FIELDS).unwrap_or(&Field::WriteIndex);
    let Some(before) = channel.peek(ring, field) else {
        return;
    };
    let size = channel.ring_size();
    let value = match random.below(6) {
        0 => 0,
        1 => u32::MAX,
        2 => size.wrapping_sub(8),
        3 => size,
        4 => before.wrapping_add(random.below(64) as u32),
        _ => random.number() as u32,
    };
    channel.poke(ring, field, value);
    let ours = matches!(
        (ring, field),
        (Ring::ToGuest, Field::WriteIndex) | (Ring::FromGuest, Field::ReadIndex)
    );
    if ours {
        for _ in 0..random.below(2000) {
            std::hint::spin_loop();
        }
        channel.poke(ring, field, before);
    }
}
