// SPDX-License-Identifier: GPL-2.0

//! Control messages: honest ones on their way, and spoilt ones in bursts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::message::{change, offered, rescinded, slot};
use super::plan::{Plan, Target};
use super::random::Random;
use super::stream::Corpus;
use super::tally::Counts;
use crate::hv::Forged;
use crate::vmbus::server::Server;
use crate::vmbus::status::Status;
use crate::vmbus::tamper::OutMessage;
use crate::vmbus::wire::{kind, message, split};

/// How many devices that are not there a guest has at once.
const PHANTOMS: usize = 6;
/// How many messages may still wait when a burst is made.
const WAITING: usize = 2;

/// See the module.
pub(super) struct Messages {
    random: Random,
    plan: Plan,
    counts: Arc<Counts>,
    corpus: BTreeMap<u32, Corpus<Vec<u8>>>,
    /// Relids that were offered and are nobody's, oldest first.
    phantoms: VecDeque<u32>,
}

impl Messages {
    pub(super) fn new(plan: &Plan, counts: &Arc<Counts>) -> Self {
        Self {
            random: Random::stream(plan.seed, 0),
            plan: plan.clone(),
            counts: Arc::clone(counts),
            corpus: BTreeMap::new(),
            phantoms: VecDeque::new(),
        }
    }

    /// The hook: what leaves instead of an honest message.
    pub(super) fn meet(&mut self, honest: OutMessage) -> Vec<OutMessage> {
        let kept = self.corpus.entry(honest.kind()).or_default();
        kept.keep(honest.bytes.clone());
        let vp = honest.vp;
        let mut leaving = Vec::with_capacity(2);
        if self.random.one_in(self.plan.beside)
            && let Some(bytes) = self.spoilt(&[])
        {
            leaving.push(OutMessage { vp, bytes });
        }
        if self.random.one_in(self.plan.replace) {
            self.counts.spoilt(Target::Bus);
            let mut bytes = honest.bytes;
            match self.random.below(4) {
                0 => return leaving,
                1 => leaving.push(OutMessage {
                    vp,
                    bytes: bytes.clone(),
                }),
                _ => change(&mut self.random, &mut bytes, &[]),
            }
            leaving.push(OutMessage { vp, bytes });
        } else {
            leaving.push(honest);
        }
        leaving
    }

    /// A spoilt message that leaves alone the `live` channels, mostly.
    fn spoilt(&mut self, live: &[u32]) -> Option<Vec<u8>> {
        let devices = self.random.one_in(self.plan.devices);
        let is_device = |number: u32| matches!(number, kind::OFFER_CHANNEL | kind::RESCIND_OFFER);
        let kinds: Vec<u32> = self.corpus.keys().copied().collect();
        let wanted: Vec<u32> = kinds
            .into_iter()
            .filter(|&number| is_device(number) == devices)
            .collect();
        let number = self.random.pick(&wanted)?;
        let corpus = self.corpus.get(number)?;
        let mut bytes = corpus.recent(&mut self.random)?;
        let other = corpus.pick(&mut self.random).unwrap_or_default();
        change(&mut self.random, &mut bytes, &other);
        let harmful = rescinded(&bytes).is_some_and(|relid| live.contains(&relid));
        if harmful && !self.random.one_in(16) {
            return None;
        }
        if let Some(relid) = offered(&bytes).filter(|relid| !live.contains(relid)) {
            if self.phantoms.len() >= PHANTOMS {
                return None;
            }
            self.phantoms.push_back(relid);
        }
        self.counts.spoilt(Target::Bus);
        self.counts.remember(|| format!("bus: {}", show(&bytes)));
        Some(bytes)
    }

    /// Sends a burst, unless messages wait already.
    pub(super) fn burst(&mut self, server: &Server, status: &Status) {
        let vps = server.processors();
        if self.plan.burst == 0 || (0..vps).any(|vp| server.waiting_messages(vp) > WAITING) {
            return;
        }
        let live: Vec<u32> = status.channels.iter().map(|it| it.relid).collect();
        for _ in 0..1 + self.random.below(self.plan.burst as usize / 2) {
            if let Some(bytes) = self.spoilt(&live) {
                let header = slot(&mut self.random, bytes.len());
                let vp = self.random.below(vps as usize) as u32;
                server.forge_message(vp, header, &bytes);
            }
        }
        if self.phantoms.len() >= PHANTOMS / 2
            && let Some(relid) = self.phantoms.pop_front().filter(|it| !live.contains(it))
        {
            let rescind = message(kind::RESCIND_OFFER, &relid.to_le_bytes());
            server.forge_message(0, Forged::honest(rescind.len()), &rescind);
        }
    }
}

fn show(bytes: &[u8]) -> String {
    let (number, body) = split(bytes).unwrap_or((0, bytes));
    let shown = body.get(..48).unwrap_or(body);
    format!(
        "message of kind {number}, {} bytes: {shown:02x?}",
        bytes.len()
    )
}
