// SPDX-License-Identifier: GPL-2.0

//! The conversation with one guest, without channel and locks: what was asked, and what may be
//! answered.

use std::collections::BTreeMap;

use zerocopy::{FromBytes, IntoBytes};

use super::link::{Agreed, Answer, Versions};
use super::violation::Violation;
use super::wire::{self, Header, Negotiate, REQUEST_FLAGS, RESPONSE_FLAGS, Version, kind};
use crate::vmbus::channel::{INBAND, Packet};

/// How far the conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is no channel.
    Closed,
    /// The guest was told the host's versions.
    Negotiating,
    /// The guest has chosen.
    Ready(Agreed),
    /// The guest knows none of the host's versions.
    Refused,
}

/// How strictly an answer is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Negotiation,
    Request,
    /// Sent by a test, of any content: an answer need not come, and repeats what it was asked with.
    Injected,
}

#[derive(Clone, Debug)]
struct Outstanding {
    id: u64,
    sort: Sort,
    payload: Vec<u8>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) phase: Phase,
    /// Counts the times that the guest opened the channel.
    pub(super) opens: u64,
    /// How many answers to requests came since the beginning.
    pub(super) answered: u64,
    versions: Versions,
    outstanding: Vec<Outstanding>,
    answers: BTreeMap<u64, Answer>,
    sent: u64,
}

/// Request ids are unlike anything that a guest would make up, and never repeat.
const FIRST_ID: u64 = 0x4943_0000_0000_0001;

impl Exchange {
    pub(super) fn new(versions: Versions) -> Self {
        Self {
            phase: Phase::Closed,
            opens: 0,
            answered: 0,
            versions,
            outstanding: Vec::new(),
            answers: BTreeMap::new(),
            sent: 0,
        }
    }

    /// What the host offers from the next negotiation on.
    pub(super) fn set_versions(&mut self, versions: Versions) {
        self.versions = versions;
    }

    /// Begins a conversation: the id and payload of the negotiation.
    pub(super) fn open(&mut self) -> (u64, Vec<u8>) {
        self.close();
        self.opens += 1;
        self.phase = Phase::Negotiating;
        let oldest = |versions: &[Version]| versions.first().copied().unwrap_or(Version::new(1, 0));
        let body = wire::negotiation(&self.versions.framework, &self.versions.message);
        let header = self.header(
            kind::NEGOTIATE,
            Agreed {
                framework: oldest(&self.versions.framework),
                message: oldest(&self.versions.message),
            },
        );
        self.push(Sort::Negotiation, wire::encode(header, &body))
    }

    /// The channel is gone, and with it what was asked.
    pub(super) fn close(&mut self) {
        self.phase = Phase::Closed;
        self.outstanding.clear();
        self.answers.clear();
    }

    /// Whether nothing of the host's own waits for an answer.
    pub(super) fn is_idle(&self) -> bool {
        self.outstanding
            .iter()
            .all(|asked| asked.sort == Sort::Injected)
    }

    /// Enters a request; its id and payload.
    pub(super) fn request(&mut self, kind: u16, agreed: Agreed, body: &[u8]) -> (u64, Vec<u8>) {
        let header = self.header(kind, agreed);
        self.push(Sort::Request, wire::encode(header, body))
    }

    /// Enters any payload; its id.
    pub(super) fn inject(&mut self, payload: Vec<u8>) -> u64 {
        self.push(Sort::Injected, payload).0
    }

    /// A header for a message that is sent next.
    pub(super) fn header(&self, kind: u16, agreed: Agreed) -> Header {
        Header {
            framework: agreed.framework,
            kind: kind.into(),
            message: agreed.message,
            size: 0.into(),
            status: 0.into(),
            transaction: self.sent as u8,
            flags: REQUEST_FLAGS,
            reserved: [0; 2],
        }
    }

    fn push(&mut self, sort: Sort, payload: Vec<u8>) -> (u64, Vec<u8>) {
        let id = FIRST_ID + self.sent;
        self.sent += 1;
        self.outstanding.push(Outstanding {
            id,
            sort,
            payload: payload.clone(),
        });
        (id, payload)
    }

    /// Takes the answer to a request, if it is there.
    pub(super) fn take_answer(&mut self, id: u64) -> Option<Answer> {
        self.answers.remove(&id)
    }

    /// A packet of the guest. What is wrong with it is in the list; it counts as the answer anyhow
    /// where it names a request.
    pub(super) fn packet(&mut self, packet: &Packet) -> Vec<Violation> {
        let mut wrong = Vec::new();
        if packet.kind != INBAND || packet.flags != 0 {
            wrong.push(Violation::PacketKind {
                kind: packet.kind,
                flags: packet.flags,
            });
        }
        let place = |asked: &Outstanding| asked.id == packet.transaction;
        let Some(at) = self.outstanding.iter().position(place) else {
            wrong.push(Violation::Unasked(packet.transaction));
            return wrong;
        };
        let asked = self.outstanding.remove(at);
        let wanted = asked.payload.len().next_multiple_of(8);
        if packet.payload.len() != wanted {
            wrong.push(Violation::Length {
                got: packet.payload.len(),
                wanted,
            });
        }
        let answer = answer(&asked, &packet.payload, &mut wrong);
        match asked.sort {
            Sort::Negotiation => self.negotiated(answer.as_ref(), &mut wrong),
            Sort::Request => self.answered += 1,
            Sort::Injected => {}
        }
        if asked.sort != Sort::Negotiation {
            self.answers.insert(asked.id, answer.unwrap_or_default());
        }
        wrong
    }

    /// The guest has chosen versions, or said that it knows none.
    fn negotiated(&mut self, answer: Option<&Answer>, wrong: &mut Vec<Violation>) {
        self.phase = Phase::Refused;
        let Some((counts, rest)) =
            answer.and_then(|answer| Negotiate::read_from_prefix(&answer.body).ok())
        else {
            return;
        };
        match (counts.frameworks.get(), counts.messages.get()) {
            (1, 1) => {}
            (0, 0) => return,
            (frameworks, messages) => {
                return wrong.push(Violation::Counts(frameworks, messages));
            }
        }
        let Ok(([framework, message], _)) = <[Version; 2]>::read_from_prefix(rest) else {
            return wrong.push(Violation::Counts(1, 1));
        };
        let offered = &self.versions;
        if offered.framework.contains(&framework) && offered.message.contains(&message) {
            self.phase = Phase::Ready(Agreed { framework, message });
        } else {
            wrong.push(Violation::Version(
                framework.to_string(),
                message.to_string(),
            ));
        }
    }
}

/// Compares the headers of an answer with those of its request.
fn answer(asked: &Outstanding, payload: &[u8], wrong: &mut Vec<Violation>) -> Option<Answer> {
    let mut compare = |field, got: u64, wanted: u64| {
        if got != wanted {
            wrong.push(Violation::Header { field, got, wanted });
        }
    };
    let (pipe, header, body) = wire::decode(payload)?;
    compare("flags", header.flags.into(), RESPONSE_FLAGS.into());
    let (sent_pipe, sent, sent_body) = wire::decode(&asked.payload)?;
    if asked.sort != Sort::Injected {
        compare("pipe flags", word(pipe.flags), word(sent_pipe.flags));
        compare("pipe size", word(pipe.size), word(sent_pipe.size));
        compare("type", half(header.kind), half(sent.kind));
        compare(
            "transaction",
            header.transaction.into(),
            sent.transaction.into(),
        );
        let size = match asked.sort {
            Sort::Negotiation => wire::NEGOTIATED_SIZE,
            _ => sent.size.get(),
        };
        compare("size", half(header.size), size.into());
        let same = (header.framework, header.message) == (sent.framework, sent.message);
        compare("same versions", same.into(), 1);
        compare("same reserved", half(header.reserved), half(sent.reserved));
    }
    Some(Answer {
        status: header.status.get(),
        body: body.get(..sent_body.len()).unwrap_or(body).to_vec(),
    })
}

fn word(value: zerocopy::little_endian::U32) -> u64 {
    value.get().into()
}

fn half(value: impl IntoBytes + zerocopy::Immutable) -> u64 {
    value
        .as_bytes()
        .iter()
        .rev()
        .fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}
