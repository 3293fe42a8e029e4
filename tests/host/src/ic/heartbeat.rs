// SPDX-License-Identifier: GPL-2.0

//! Heartbeat: the guest shows that it is alive by counting on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zerocopy::IntoBytes;
use zerocopy::little_endian::U64;

use super::link::{Answer, Error, Link, Versions};
use super::pulse::Pulse;
use super::wire::{Version, guid, kind, status};

/// The class, 57164f39-9115-4e78-ab55-382f3bd5422d.
const CLASS: [u8; 16] = guid(
    0x57164f39,
    0x9115,
    0x4e78,
    [0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d],
);
/// The instance that every virtual machine has.
const INSTANCE: [u8; 16] = guid(
    0xfd149e91,
    0x82e0,
    0x4a7d,
    [0xaf, 0xa6, 0x2a, 0x41, 0x66, 0xcb, 0xd7, 0xc0],
);

/// The length of `struct heartbeat_msg_data`: the number, and room that nobody uses.
const BODY: usize = 40;

/// How long a periodic beat is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// See the module.
pub struct Heartbeat {
    link: Arc<Link>,
    /// The number that the guest returned last.
    number: Mutex<u64>,
}

impl Default for Heartbeat {
    fn default() -> Self {
        let versions = [(1, 0), (3, 0)].map(|(a, b)| Version::new(a, b));
        Self {
            link: Link::new(
                CLASS,
                INSTANCE,
                kind::HEARTBEAT,
                Versions::with_messages(&versions),
            ),
            number: Mutex::new(0),
        }
    }
}

impl Heartbeat {
    /// The channel.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Sends a number and waits for the next one, which is returned.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`]; [`Error::Malformed`] where the guest does not count.
    pub fn beat(&self, limit: Duration) -> Result<u64, Error> {
        let mut number = self.number.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = self.link.begin(&body(*number), limit)?;
        *number = self.next(*number, &self.link.finish(ticket, limit)?)?;
        Ok(*number)
    }

    /// What an answer to `number` says.
    fn next(&self, number: u64, answer: &Answer) -> Result<u64, Error> {
        if answer.status != status::OK {
            return Err(Error::Status(answer.status));
        }
        let got = answer
            .body
            .first_chunk()
            .map(|bytes| u64::from_le_bytes(*bytes));
        match got {
            Some(got) if got == number.wrapping_add(1) => Ok(got),
            _ => {
                let text = format!("{got:?} after {number}");
                self.link.violation("heartbeat's number", text);
                Err(Error::Malformed)
            }
        }
    }

    /// The number that the guest returned last.
    pub fn number(&self) -> u64 {
        *self.number.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts over from `number`.
    pub fn set_number(&self, number: u64) {
        *self.number.lock().unwrap_or_else(PoisonError::into_inner) = number;
    }

    /// Sends a beat every `interval` while the guest has the service open, until the result is
    /// dropped.
    pub fn every(self: &Arc<Self>, interval: Duration) -> Pulse {
        let heartbeat = Arc::clone(self);
        Pulse::every(interval, move || {
            // What is wrong with an answer is recorded as a violation.
            let _ = heartbeat.beat(PATIENCE);
        })
    }
}

/// The body of a beat.
pub fn body(number: u64) -> Vec<u8> {
    let mut body = U64::new(number).as_bytes().to_vec();
    body.resize(BODY, 0);
    body
}
