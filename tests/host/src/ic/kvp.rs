// SPDX-License-Identifier: GPL-2.0

//! KVP: keys and values in five pools, and the guest's addresses.

mod ip;
pub mod message;

use std::sync::Arc;
use std::time::Duration;

pub use self::ip::IpInfo;
use self::message::{Exchange, Operation};
pub use self::message::{Pool, Value};
use super::link::{Answer, Error, Link, Ticket, Versions};
use super::wire::{Version, guid, kind, status};
use crate::vmbus::device::Guid;

/// The class, a9a0f4e7-5a45-4d96-b827-8a841e8c03e6.
const CLASS: [u8; 16] = guid(
    0xa9a0f4e7,
    0x5a45,
    0x4d96,
    [0xb8, 0x27, 0x8a, 0x84, 0x1e, 0x8c, 0x03, 0xe6],
);
/// The instance that every virtual machine has.
const INSTANCE: [u8; 16] = guid(
    0x242ff919,
    0x07db,
    0x4180,
    [0x9c, 0x2e, 0xb8, 0x6c, 0xb6, 0x8c, 0x8c, 0x55],
);

/// More entries than any pool has; ends an enumeration that the guest does not.
const MAX_ENTRIES: u32 = 4096;

/// See the module.
pub struct Kvp {
    link: Arc<Link>,
}

impl Default for Kvp {
    fn default() -> Self {
        Self::with_instance(INSTANCE)
    }
}

impl Kvp {
    /// The service as another device than the one that every virtual machine has.
    pub fn with_instance(instance: Guid) -> Self {
        let versions = [(1, 0), (3, 0), (4, 0)].map(|(a, b)| Version::new(a, b));
        Self {
            link: Link::new(
                CLASS,
                instance,
                kind::KVP_EXCHANGE,
                Versions::with_messages(&versions),
            ),
        }
    }

    /// The channel.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Sets a value.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn set(&self, pool: Pool, key: &str, value: &Value, limit: Duration) -> Result<(), Error> {
        let body = message::exchange(Operation::Set, pool, 0, key, value);
        self.link.transact(&body, limit).map(drop)
    }

    /// The value of a key; `None` where there is no such key.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn get(&self, pool: Pool, key: &str, limit: Duration) -> Result<Option<String>, Error> {
        let body = message::exchange(Operation::Get, pool, 0, key, &Value::NONE);
        let Some(answer) = more(self.link.transact(&body, limit))? else {
            return Ok(None);
        };
        let exchange = self.exchange(Operation::Get, &answer)?;
        Ok(Some(exchange.value))
    }

    /// Removes a key. Returns whether it was there.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn delete(&self, pool: Pool, key: &str, limit: Duration) -> Result<bool, Error> {
        let body = message::delete(pool, key);
        Ok(more(self.link.transact(&body, limit))?.is_some())
    }

    /// The entry at `index`, key and value; `None` behind the last one.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn enumerate(
        &self,
        pool: Pool,
        index: u32,
        limit: Duration,
    ) -> Result<Option<(String, String)>, Error> {
        let body = message::exchange(Operation::Enumerate, pool, index, "", &Value::NONE);
        let Some(answer) = more(self.link.transact(&body, limit))? else {
            return Ok(None);
        };
        let exchange = self.exchange(Operation::Enumerate, &answer)?;
        Ok(Some((exchange.key, exchange.value)))
    }

    /// All entries of a pool.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn list(&self, pool: Pool, limit: Duration) -> Result<Vec<(String, String)>, Error> {
        let mut entries = Vec::new();
        for index in 0..MAX_ENTRIES {
            match self.enumerate(pool, index, limit)? {
                Some(entry) => entries.push(entry),
                None => return Ok(entries),
            }
        }
        self.link.violation("entries of a pool", MAX_ENTRIES);
        Err(Error::Malformed)
    }

    /// The addresses of the card with the hardware address `mac`, like `00:15:5D:00:00:01`.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn ip_info(&self, mac: &str, limit: Duration) -> Result<IpInfo, Error> {
        let asked = IpInfo {
            adapter: mac.to_owned(),
            ..IpInfo::default()
        };
        let answer = self
            .link
            .transact(&asked.encode(Operation::GetIpInfo), limit)?;
        IpInfo::decode(&answer.body).map_err(|field| {
            self.link.violation(field, "not text");
            Error::Malformed
        })
    }

    /// Gives the card of the VMBus device `{...}` that `info` names new addresses.
    ///
    /// # Errors
    ///
    /// Those of [`Link::transact`].
    pub fn set_ip_info(&self, info: &IpInfo, limit: Duration) -> Result<(), Error> {
        let body = info.encode(Operation::SetIpInfo);
        self.link.transact(&body, limit).map(drop)
    }

    /// Asks for an entry of a pool without waiting for the answer.
    ///
    /// # Errors
    ///
    /// As [`Link::begin`].
    pub fn begin_enumerate(
        &self,
        pool: Pool,
        index: u32,
        limit: Duration,
    ) -> Result<Ticket, Error> {
        let body = message::exchange(Operation::Enumerate, pool, index, "", &Value::NONE);
        self.link.begin(&body, limit)
    }

    fn exchange(&self, operation: Operation, answer: &Answer) -> Result<Exchange, Error> {
        Exchange::decode(operation, &answer.body).map_err(|(field, value)| {
            self.link.violation(field, value);
            Error::Malformed
        })
    }
}

/// `None` where the guest says that there is nothing (more).
fn more(result: Result<Answer, Error>) -> Result<Option<Answer>, Error> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Status(status::CONTINUE)) => Ok(None),
        Err(error) => Err(error),
    }
}
