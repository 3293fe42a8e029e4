// SPDX-License-Identifier: GPL-2.0

//! RNDIS requests: initialize, query, set, reset, keepalive, halt.

use super::card::Card;
use super::oid;
use super::rndis::{self, COMPLETION, kind, status};
use super::session::Session;
use super::violation::Violation;
use crate::vmbus::channel::Channel;

/// The length of the fields before a request's value, which is also where the value may start.
const REQUEST: usize = 20;

impl Card {
    /// Takes a request and appends the answer to `replies`, where there is one.
    pub(super) fn request(
        &self,
        session: &mut Session,
        channel: &Channel,
        bytes: &[u8],
        replies: &mut Vec<Vec<u8>>,
    ) -> Result<(), Violation> {
        let (kind, body, _) = rndis::split(bytes)?;
        if channel.subchannel_index() != 0 {
            return Err(Violation::RndisKind(kind));
        }
        let field = |index: usize| {
            let at = body.get(4 * index..4 * index + 4);
            let field = at.and_then(|at| at.try_into().ok().map(u32::from_le_bytes));
            field.ok_or(Violation::RndisLength(bytes.len()))
        };
        session.stats.requests += 1;
        let id = field(0)?;
        if !session.initialized && !matches!(kind, kind::INITIALIZE | kind::HALT) {
            return Err(Violation::RndisOutOfTurn(kind));
        }
        let reply = |words: &[u32]| rndis::words(kind | COMPLETION, words);
        match kind {
            kind::INITIALIZE => {
                let (major, minor) = (field(1)?, field(2)?);
                replies.push(reply(&self.initialize(session, id, major, minor)?));
            }
            kind::QUERY => {
                let answer = oid::query(session, &self.config, field(1)?, value(body, &field)?);
                let (status, value) = match answer {
                    Ok(value) => (status::SUCCESS, value),
                    Err((status, violation)) => {
                        self.violations.add(violation);
                        (status, Vec::new())
                    }
                };
                let offset = if value.is_empty() { 0 } else { 16 };
                let words = [id, status, value.len() as u32, offset];
                let mut body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                body.extend(value);
                replies.push(rndis::message(kind | COMPLETION, &body));
            }
            kind::SET => {
                let done = oid::set(session, &self.config, field(1)?, value(body, &field)?);
                let status = match done {
                    Ok(status) => status,
                    Err((status, violation)) => {
                        self.violations.add(violation);
                        status
                    }
                };
                replies.push(reply(&[id, status]));
            }
            kind::RESET => replies.push(reply(&[status::SUCCESS, 0])),
            kind::KEEPALIVE => replies.push(reply(&[id, status::SUCCESS])),
            kind::HALT => {
                session.halted |= session.initialized;
                session.initialized = false;
                session.filter = 0;
            }
            other => return Err(Violation::RndisKind(other)),
        }
        Ok(())
    }

    fn initialize(
        &self,
        session: &mut Session,
        id: u32,
        major: u32,
        minor: u32,
    ) -> Result<[u32; 11], Violation> {
        const CONNECTIONLESS: u32 = 1;
        const MAX_TRANSFER: u32 = 0x4000;
        if session.initialized || (major, minor) != (1, 0) {
            return Err(Violation::RndisOutOfTurn(kind::INITIALIZE));
        }
        session.initialized = true;
        session.stats.initialized += 1;
        Ok([
            id,
            status::SUCCESS,
            major,
            minor,
            CONNECTIONLESS,
            0,
            self.config.max_packets,
            MAX_TRANSFER,
            self.config.alignment_shift,
            0,
            0,
        ])
    }
}

/// The value of a query or set request, by its length and offset.
fn value<'a>(
    body: &'a [u8],
    field: &impl Fn(usize) -> Result<u32, Violation>,
) -> Result<&'a [u8], Violation> {
    let (len, offset) = (field(2)? as usize, field(3)? as usize);
    if len == 0 {
        return Ok(&[]);
    }
    let end = offset.checked_add(len).filter(|_| offset >= REQUEST);
    end.and_then(|end| body.get(offset..end))
        .ok_or(Violation::RndisPacket("value"))
}
