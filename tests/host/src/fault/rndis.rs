// SPDX-License-Identifier: GPL-2.0

//! RNDIS messages on their way into the receive buffer of a network card.

use std::sync::Arc;

use super::bytes::spoil;
use super::plan::{Plan, Target};
use super::random::Random;
use super::stream::Corpus;
use super::tally::Counts;
use crate::net::{Card, Indication};

/// Marks the indications of a burst on their way through the hook.
const OURS: u32 = 0x4000_0000;

/// The indications of one card.
pub(super) struct Indications {
    random: Random,
    plan: Plan,
    counts: Arc<Counts>,
    corpus: Corpus<(u32, Vec<u8>)>,
}

impl Indications {
    pub(super) fn new(stream: u64, plan: &Plan, counts: &Arc<Counts>) -> Self {
        Self {
            random: Random::stream(plan.seed, stream),
            plan: plan.clone(),
            counts: Arc::clone(counts),
            corpus: Corpus::default(),
        }
    }

    /// The hook of the card.
    pub(super) fn meet(&mut self, it: &mut Indication) {
        if it.channel & OURS != 0 {
            it.channel &= !OURS;
            return;
        }
        for message in &it.messages {
            self.corpus.keep((it.channel, message.clone()));
        }
        if self.random.one_in(self.plan.beside) {
            let spoilt = self.spoilt().map(|(_, message)| message);
            it.messages.extend(spoilt);
        }
        if self.random.one_in(self.plan.replace) {
            let at = self.random.below(it.messages.len());
            if let Some(message) = it.messages.get_mut(at) {
                spoil(&mut self.random, message, &[]);
                self.counts.spoilt(Target::Network);
            }
        }
    }

    fn spoilt(&mut self) -> Option<(u32, Vec<u8>)> {
        let (channel, mut message) = self.corpus.recent(&mut self.random)?;
        let other = self.corpus.pick(&mut self.random).map(|(_, other)| other);
        spoil(&mut self.random, &mut message, &other.unwrap_or_default());
        self.counts.spoilt(Target::Network);
        self.counts.remember(|| {
            let shown = message.get(..80).unwrap_or(&message);
            format!("RNDIS message of {} bytes: {shown:02x?}", message.len())
        });
        Some((channel, message))
    }

    /// Spoilt indications of at most `most` messages each.
    pub(super) fn burst(&mut self, count: usize, most: usize) -> Vec<Indication> {
        let indication = |this: &mut Self| {
            let messages = 1 + this.random.below(most);
            let messages: Vec<_> = (0..messages).filter_map(|_| this.spoilt()).collect();
            let (mut channel, _) = *messages.first()?;
            if this.random.one_in(20) {
                channel = this.random.below(5) as u32;
            }
            let messages = messages.into_iter().map(|(_, message)| message).collect();
            Some(Indication { channel, messages })
        };
        (0..count).filter_map(|_| indication(self)).collect()
    }
}

/// Sends indications as they are.
pub(super) fn send(card: &Card, indications: Vec<Indication>) {
    for it in indications {
        card.indicate(0, it.channel | OURS, it.messages);
    }
}
