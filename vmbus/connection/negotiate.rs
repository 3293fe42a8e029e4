// SPDX-License-Identifier: GPL-2.0

//! The beginning and the end of a connection.

use core::time::Duration;

use kernel::{
    prelude::*,
    sync::{
        atomic::Relaxed,
        Arc, //
    },
    time::{
        delay::udelay,
        Delta, //
    }, //
};
use zerocopy::IntoBytes;

use super::{
    post,
    post_pausing,
    Connection,
    Key,
    State,
    REPLY_LIMIT, //
};
use crate::{
    hv::{
        self,
        Cpus,
        CONNECT_CPU, //
    },
    wire::{
        message::{
            Header,
            InitiateContact,
            MessageType,
            RequestOffers,
            Unload, //
        },
        synic::{
            MessageSlot,
            Status,
            MESSAGE_CONNECTION,
            MESSAGE_CONNECTION_REDIRECT,
            MESSAGE_CONNECTION_V5,
            MESSAGE_SINT, //
        },
        version::Version, //
    }, //
};

/// How long a host may take to end the connection: it writes its caches back first.
const UNLOAD_LIMIT: Duration = Duration::from_secs(100);

/// How often somebody who watches is told that we still wait for that.
const UNLOAD_NOTICE: Duration = Duration::from_secs(5);

/// How long a kernel that panics does not look whether there is an answer.
const UNLOAD_PAUSE: Duration = Duration::from_millis(10);
const PANIC_PAUSE: Delta = Delta::from_millis(10);

/// Where this software runs when the first message is to go to a connection of its own.
const REDIRECTED_VTL: u8 = 2;

impl Connection {
    /// Finds the newest version, not above `max`, that the host speaks, too, and connects.
    ///
    /// # Errors
    ///
    /// `EDOM` when there is none; `ETIMEDOUT` when the host does not answer; `ENOMEM`.
    pub(super) fn connect(&self, max: Version) -> Result {
        self.set_state(State::Connecting);
        let result = self.negotiate(max);
        match &result {
            Ok(version) => {
                self.version.store(version.0, Relaxed);
                self.set_state(State::Connected);
                pr_info!("Vmbus version:{}\n", version);
            }
            Err(_) => {
                self.set_state(State::Disconnected);
                pr_err!("Unable to connect to host\n");
            }
        }
        result.map(|_| ())
    }

    /// Connects again, in the version that was spoken before.
    ///
    /// # Errors
    ///
    /// `EPROTO` when the host does not want that any more; as [`Self::connect`].
    pub(super) fn reconnect(&self) -> Result {
        self.set_state(State::Connecting);
        let result = match self.propose(self.version()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(EPROTO),
            Err(error) => Err(error),
        };
        self.set_state(match result {
            Ok(()) => State::Connected,
            Err(_) => State::Disconnected,
        });
        result
    }

    fn negotiate(&self, max: Version) -> Result<Version> {
        for version in Version::PROPOSED
            .into_iter()
            .filter(|&version| version <= max)
        {
            match self.propose(version) {
                Ok(true) => return Ok(version),
                Err(error) if error == ETIMEDOUT || error == ENOMEM => return Err(error),
                Ok(false) | Err(_) => {}
            }
        }
        pr_err!(
            "Hyper-V host does not support VMBus version {} or higher;\n",
            Version::V4_0
        );
        pr_err!("the host may be an older version no longer supported by Linux\n");
        Err(EDOM)
    }

    /// Proposes a version on the connections on which a host that speaks it may listen.
    fn propose(&self, version: Version) -> Result<bool> {
        if !version.host_names_connection() {
            return self.propose_on(version, MESSAGE_CONNECTION);
        }
        if hv::target_vtl() == REDIRECTED_VTL {
            match self.propose_on(version, MESSAGE_CONNECTION_REDIRECT) {
                Err(error) if error == ENXIO => {}
                result => return result,
            }
        }
        self.propose_on(version, MESSAGE_CONNECTION_V5)
    }

    /// Proposes a version; returns whether the host accepted it.
    ///
    /// # Errors
    ///
    /// `ENXIO` when there is no such connection; others.
    fn propose_on(&self, version: Version, connection: u32) -> Result<bool> {
        let pending = self.expect(Key::Version, None)?;
        let message = self.contact(version);
        match post(connection, message.as_bytes()) {
            Status::SUCCESS => {}
            Status::INVALID_CONNECTION_ID => return Err(ENXIO),
            _ => return Err(EIO),
        }
        let accepted = pending.wait()? == 0;
        if accepted {
            let connection = if version.host_names_connection() {
                self.named_connection.load(Relaxed)
            } else {
                connection
            };
            self.message_connection.store(connection, Relaxed);
        }
        Ok(accepted)
    }

    fn contact(&self, version: Version) -> InitiateContact {
        let [from_host, to_host] = &self.monitor_pages;
        let monitor_pages = [from_host, to_host].map(|page| hv::address_of_shared(page.address()));
        let processor = hv::cpu::virtual_processor(CONNECT_CPU);
        let message = InitiateContact::new(version, processor, monitor_pages);
        if version.host_names_connection() {
            message.with_target(MESSAGE_SINT, hv::target_vtl(), 0)
        } else {
            message.with_interrupt_page(self.interrupt_page.address())
        }
    }

    /// Asks for the offers of the devices that the machine has now, and waits until these are on
    /// the bus.
    ///
    /// # Errors
    ///
    /// Errors of sending messages. Offers that do not come are not an error.
    pub(super) fn request_offers(&self) -> Result {
        self.gather_offers()?;
        self.queues.primary.flush();
        Ok(())
    }

    /// Asks for the offers of the devices that the machine has now, and waits until these have
    /// channels.
    ///
    /// # Errors
    ///
    /// As [`Self::request_offers`].
    pub(super) fn gather_offers(&self) -> Result {
        self.all_offered.reinit();
        self.post(&RequestOffers::new())?;
        if !self.all_offered.wait_timeout(REPLY_LIMIT) {
            pr_warn!("timed out waiting for all boot-time offers to be delivered.\n");
        }
        self.queues.control.flush();
        Ok(())
    }

    /// Ends the connection, if there is one: the host will not touch our memory any more.
    pub(super) fn unload(&self) {
        if !self.disconnect() {
            return;
        }
        self.requests.abort_all();
        self.unloaded.reinit();
        let connection = self.message_connection.load(Relaxed);
        post(connection, Unload::new().as_bytes());
        let mut waited = Duration::ZERO;
        while !self.unloaded.wait_timeout(UNLOAD_NOTICE) {
            waited += UNLOAD_NOTICE;
            if waited >= UNLOAD_LIMIT {
                pr_err!("Continuing even though VMBus UNLOAD did not complete\n");
                return;
            }
            pr_notice!("Waiting for VMBus UNLOAD to complete\n");
        }
    }

    /// The same in a kernel that panics: `cpus` has the messages that come in.
    pub(super) fn unload_in_panic(&self, cpus: &Cpus<Self>) {
        if !self.disconnect() {
            return;
        }
        self.unloaded.reinit();
        let connection = self.message_connection.load(Relaxed);
        post_pausing(connection, Unload::new().as_bytes(), spin);
        let mut waited = Duration::ZERO;
        // Messages may also be taken in the ordinary way, by a CPU that still runs.
        while !self.unloaded.is_done() {
            let mut answered = false;
            cpus.drain_messages(|slot| answered |= is_unload_response(slot));
            if answered {
                break;
            }
            if waited >= UNLOAD_LIMIT {
                pr_err!("Continuing even though VMBus UNLOAD did not complete\n");
                break;
            }
            spin(PANIC_PAUSE);
            waited += UNLOAD_PAUSE;
            if waited.as_millis() % UNLOAD_NOTICE.as_millis() == 0 {
                pr_notice!("Waiting for VMBus UNLOAD to complete\n");
            }
        }
        // A kernel that comes after this one is to get messages.
        cpus.clear_messages();
    }

    /// Removes all channels, after the end of the connection, and waits until they are gone.
    pub(super) fn remove_channels(self: &Arc<Self>) {
        self.queues.control.flush();
        let _ = self.relids.try_for_each(|channel| {
            channel.set_rescinded();
            channel.give_up();
            Ok(())
        });
        self.queues.primary.flush();
        self.queues.subchannels.flush();
        let _ = self.relids.try_for_each(|channel| {
            channel.remove();
            Ok(())
        });
        self.queues.removal.flush();
        self.relids.wait_until_idle();
        self.queues.control.flush();
    }
}

fn is_unload_response(slot: &MessageSlot) -> bool {
    let header = slot
        .payload()
        .and_then(|message| Header::parse(message).ok());
    header.is_some_and(|header| header.kind == MessageType::UNLOAD_RESPONSE)
}

/// Waits without sleeping.
fn spin(delta: Delta) {
    for _ in 0..delta.as_millis() {
        udelay(Delta::from_millis(1));
    }
    udelay(Delta::from_micros(delta.as_micros_ceil() % 1000));
}
