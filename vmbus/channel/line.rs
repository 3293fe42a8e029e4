// SPDX-License-Identifier: GPL-2.0

//! How host and guest refer to a channel.
//!
//! What is here comes with an offer and lasts as long as the connection. After hibernation the host
//! offers the channel again, and most of it is different then; the channel is the same.

use super::Channel;
use crate::{
    connection::Lease,
    wire::{
        monitor::MonitorId,
        offer::{
            Offer,
            INVALID_RELID, //
        }, //
    }, //
};

/// How host and guest refer to a channel.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    /// The number of the channel.
    pub(crate) relid: u32,
    /// The connection that signals to the host go to.
    pub(crate) connection: u32,
    /// Whether signals need no bit in the interrupt page.
    pub(crate) dedicated: bool,
    /// The trigger in the monitor page, where the host is signalled through that.
    pub(crate) monitor: Option<MonitorId>,
}

impl Line {
    /// That of an offer.
    pub(crate) fn of(offer: &Offer) -> Self {
        Self {
            relid: offer.relid,
            connection: offer.connection_id,
            dedicated: offer.dedicated_interrupt,
            monitor: offer.monitor,
        }
    }
}

/// A line, and the right to its relid.
pub(super) struct Claim {
    line: Line,
    _lease: Lease,
}

impl Claim {
    /// The claim of a channel that is offered by `line`.
    pub(super) fn new(line: Line, lease: Lease) -> Self {
        Self {
            line,
            _lease: lease,
        }
    }
}

impl Channel {
    /// How host and guest refer to the channel.
    pub(crate) fn line(&self) -> Line {
        self.claim.lock().line
    }

    /// The connection has ended, and with it the line.
    pub(crate) fn hang_up(&self) {
        self.claim.lock().line = Line {
            relid: INVALID_RELID,
            connection: 0,
            dedicated: true,
            monitor: None,
        };
    }

    /// The host offers the channel again.
    pub(crate) fn renew(&self, line: Line, lease: Lease) {
        let mut claim = self.claim.lock();
        let old = core::mem::replace(&mut *claim, Claim::new(line, lease));
        drop(claim);
        drop(old);
    }
}
