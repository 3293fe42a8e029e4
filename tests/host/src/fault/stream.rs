// SPDX-License-Identifier: GPL-2.0

//! What goes to one place of the guest: honest packets pass through, and are kept to make spoilt ones of.

use std::collections::VecDeque;
use std::sync::Arc;

use super::packet::{self, Ids};
use super::plan::{Plan, Target};
use super::random::Random;
use super::tally::Counts;
use crate::vmbus::channel::Outgoing;

/// How many honest ones are kept.
const KEPT: usize = 48;

/// The last honest ones.
#[derive(Debug)]
pub(super) struct Corpus<T>(VecDeque<T>);

impl<T> Default for Corpus<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Clone> Corpus<T> {
    pub(super) fn keep(&mut self, item: T) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(item);
    }

    pub(super) fn pick(&self, random: &mut Random) -> Option<T> {
        self.0.get(random.below(self.0.len())).cloned()
    }

    /// One of the newest, more likely than an older one.
    pub(super) fn recent(&self, random: &mut Random) -> Option<T> {
        let back = random.below(self.0.len()).min(random.below(self.0.len()));
        self.0.get(self.0.len().checked_sub(1 + back)?).cloned()
    }
}

/// The packets of one device.
pub(super) struct Packets {
    target: Target,
    random: Random,
    plan: Plan,
    counts: Arc<Counts>,
    corpus: Corpus<Outgoing>,
    held: Option<Outgoing>,
    /// Which requests spoilt copies may answer.
    pub(super) ids: Ids,
}

impl Packets {
    pub(super) fn new(target: Target, stream: u64, plan: &Plan, counts: &Arc<Counts>) -> Self {
        Self {
            target,
            random: Random::stream(plan.seed, stream),
            plan: plan.clone(),
            counts: Arc::clone(counts),
            corpus: Corpus::default(),
            held: None,
            ids: Ids::Nobodys,
        }
    }

    /// An honest packet is about to leave: what leaves instead.
    pub(super) fn meet(&mut self, honest: Outgoing) -> Vec<Outgoing> {
        self.corpus.keep(honest.clone());
        let mut leaving = Vec::with_capacity(3);
        if self.random.one_in(self.plan.beside) {
            let copies = 1 + self.random.below(2);
            leaving.extend((0..copies).filter_map(|_| self.spoilt()));
        }
        if self.random.one_in(self.plan.replace) {
            self.instead(honest, &mut leaving);
        } else {
            leaving.push(honest);
            leaving.extend(self.held.take());
        }
        leaving
    }

    /// Replaces, loses, doubles or holds back an honest packet.
    fn instead(&mut self, honest: Outgoing, leaving: &mut Vec<Outgoing>) {
        self.count("instead", &honest);
        match (self.random.below(6), self.ids) {
            (0, _) => {}
            (1, Ids::Any) => leaving.extend([honest.clone(), honest]),
            (2, Ids::Any) => leaving.extend(self.held.replace(honest)),
            _ => {
                let mut changed = honest;
                let other = self.other(&changed);
                packet::change(&mut self.random, &mut changed, &other);
                leaving.push(changed);
            }
        }
    }

    /// A spoilt copy of an earlier packet.
    pub(super) fn spoilt(&mut self) -> Option<Outgoing> {
        let of = self.corpus.recent(&mut self.random)?;
        let other = self.other(&of);
        let spoilt = packet::copy(&mut self.random, &of, &other, self.ids);
        self.count("beside", &spoilt);
        Some(spoilt)
    }

    /// The most packets of a burst.
    pub(super) fn burst_limit(&self) -> u32 {
        self.plan.burst
    }

    pub(super) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    fn other(&mut self, fallback: &Outgoing) -> Outgoing {
        let other = self.corpus.pick(&mut self.random);
        other.unwrap_or_else(|| fallback.clone())
    }

    fn count(&self, how: &str, packet: &Outgoing) {
        self.counts.spoilt(self.target);
        let target = self.target;
        self.counts.remember(|| {
            let shown = packet.payload.get(..64).unwrap_or(&packet.payload);
            format!(
                "{target} {how}: kind {:#x} flags {:#x} transaction {:#x} header {:02x?} len8 {:?} offset8 {:?} payload of {} {shown:02x?}",
                packet.kind,
                packet.flags,
                packet.transaction,
                packet.header,
                packet.forged_len8,
                packet.forged_offset8,
                packet.payload.len(),
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(plan: &Plan) -> (Packets, Arc<Counts>) {
        let counts = Arc::default();
        (Packets::new(Target::Storage, 1, plan, &counts), counts)
    }

    fn honest(number: u64) -> Outgoing {
        Outgoing {
            transaction: number,
            payload: vec![number as u8; 64],
            ..Outgoing::default()
        }
    }

    #[test]
    fn the_same_plan_spoils_the_same() {
        let run = || {
            let (mut packets, counts) = packets(&Plan::new(11));
            packets.ids = Ids::Any;
            let sent: Vec<_> = (0..2000).flat_map(|n| packets.meet(honest(n))).collect();
            (sent, counts.tally())
        };
        let (first, tally) = run();
        assert_eq!((first, tally), run());
        assert!(tally.spoilt(Target::Storage) > 500);
    }

    #[test]
    fn without_rates_nothing_is_spoilt() {
        let plan = Plan {
            replace: 0,
            beside: 0,
            ..Plan::new(1)
        };
        let (mut packets, counts) = packets(&plan);
        assert!((0..100).all(|n| packets.meet(honest(n)) == [honest(n)]));
        assert_eq!(counts.tally().spoilt(Target::Storage), 0);
        assert!(packets.spoilt().is_some());
    }
}
