// SPDX-License-Identifier: GPL-2.0

//! The connection to the host: which version is spoken, what the host offers, who waits for what.
//!
//! # Where what happens
//!
//! Messages come in on one CPU, one at a time, in a softirq. Answers are handed over to who waits
//! for them there and then. Offers and rescinds go through the [`inbox`] to the queue `control`,
//! which handles them one by one in the order of the host. Nothing on that queue waits for the
//! host or for a driver, so a rescind is noticed at once, whatever a driver is busy with, and there
//! is no need to find out which offers came before it.
//!
//! What takes longer is done elsewhere:
//!
//! - Devices are registered, and most drivers probe them, on the ordered queue `primary`: in the
//!   order of the offers, so that names like `eth0` do not change from boot to boot.
//! - Sub-channels are opened on the queue `subchannels`, several at a time. A probe, which occupies
//!   `primary`, can thus wait for them.
//! - Rescinded channels are removed on the queue `removal`, several at a time, so that a driver
//!   that is slow to let go of one device does not delay the removal of another. Removal of a
//!   device waits for its own probe only, which a rescind makes fail soon.
//!
//! While the system hibernates, `primary` and `removal` stand still; see [`sleep`].
//!
//! Each wait for the host ends after [`REPLY_LIMIT`], and at once when the channel in question is
//! rescinded.
//!
//! # Relids
//!
//! A relid belongs to a channel from the offer until the last reference to the [`Channel`] is gone;
//! only then the host is told that it may use it again ([`relid`]). A second offer for a relid that
//! belongs to a channel is refused, and so is a second rescind.

mod dispatch;
mod inbox;
mod negotiate;
mod offer;
mod relid;
mod request;
mod session;
mod sleep;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
pub(crate) mod testing;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
mod tests;

pub(crate) use self::{
    relid::Lease,
    request::{
        Key,
        Pending, //
    }, //
};
pub use session::Session;

use core::time::Duration;

use crate::{
    channel::EventTable,
    hv::{
        self,
        Affinity,
        Root,
        SharedPage, //
    },
    ring::Direction,
    sync::{
        Atomic,
        Completion,
        Concurrency::{
            Ordered,
            Parallel, //
        },
        OwnedQueue,
        Shortage, //
    },
    wire::{
        gpadl::FIRST_HANDLE,
        message::Message,
        monitor::MonitorId,
        synic::{
            PostMessage,
            Status,
            MESSAGE_CONNECTION, //
        },
        version::Version, //
        HV_PAGE_SIZE,
    }, //
};
use kernel::{
    impl_has_work,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Full,
            Relaxed,
            Release, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    workqueue::{
        new_work,
        Work, //
    }, //
};

/// How long the host may take for an answer.
pub(crate) const REPLY_LIMIT: Duration = Duration::from_secs(60);

/// How often a message is posted before the host is given up.
const POST_ATTEMPTS: u32 = 100;

/// After how many attempts the pause between them does not get longer.
const POST_DOUBLINGS: u32 = 21;

/// Where in the interrupt page the bits for signals to the host are.
const SEND_BITS: usize = HV_PAGE_SIZE / 2;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum State {
    Disconnected,
    Connecting,
    Connected,
}

/// The queues; see the documentation of the module.
struct Queues {
    control: OwnedQueue,
    primary: OwnedQueue,
    subchannels: OwnedQueue,
    removal: OwnedQueue,
}

impl Queues {
    fn new() -> Result<Self> {
        Ok(Self {
            control: OwnedQueue::new(c"hv_vmbus_con", Ordered, Shortage::GoesOn)?,
            primary: OwnedQueue::freezable(c"hv_pri_chan", Ordered, Shortage::Waits)?,
            subchannels: OwnedQueue::new(c"hv_sub_chan", Parallel, Shortage::Waits)?,
            removal: OwnedQueue::freezable(c"hv_vmbus_rescind", Parallel, Shortage::Waits)?,
        })
    }
}

/// The connection to the host.
#[pin_data]
pub(crate) struct Connection {
    root: Root,
    state: Atomic<u32>,
    version: Atomic<u32>,
    message_connection: Atomic<u32>,
    /// The connection for messages that the host named last.
    named_connection: Atomic<u32>,
    next_gpadl: Atomic<u32>,
    interrupt_page: SharedPage,
    monitor_pages: [SharedPage; 2],
    affinity: Arc<Affinity>,
    events: EventTable,
    #[pin]
    relids: relid::Table,
    #[pin]
    requests: request::Requests,
    #[pin]
    inbox: inbox::Inbox,
    #[pin]
    all_offered: Completion,
    #[pin]
    unloaded: Completion,
    #[pin]
    inbox_work: Work<Connection, { inbox::WORK }>,
    #[pin]
    release_work: Work<Connection, { relid::WORK }>,
    queues: Queues,
}

impl_has_work! {
    impl HasWork<Self, { inbox::WORK }> for Connection { self.inbox_work }
    impl HasWork<Self, { relid::WORK }> for Connection { self.release_work }
}

impl Connection {
    /// A connection that has yet to be made.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    fn new(root: Root) -> Result<Arc<Self>> {
        let init = try_pin_init!(Self {
            root,
            state: Atomic::new(State::Disconnected as u32),
            version: Atomic::new(0),
            message_connection: Atomic::new(MESSAGE_CONNECTION),
            named_connection: Atomic::new(MESSAGE_CONNECTION),
            next_gpadl: Atomic::new(FIRST_HANDLE),
            interrupt_page: SharedPage::new()?,
            monitor_pages: [SharedPage::new()?, SharedPage::new()?],
            affinity: Arc::new(Affinity::new()?, GFP_KERNEL)?,
            events: EventTable::new()?,
            relids <- relid::Table::new(),
            requests <- request::Requests::new(),
            inbox <- inbox::Inbox::new(),
            all_offered <- Completion::new(),
            unloaded <- Completion::new(),
            inbox_work <- new_work!("Connection::inbox"),
            release_work <- new_work!("Connection::release"),
            queues: Queues::new()?,
        }? Error);
        Arc::pin_init(init, GFP_KERNEL)
    }

    /// The device that all others are children of.
    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// The version that is spoken.
    pub(crate) fn version(&self) -> Version {
        Version(self.version.load(Relaxed))
    }

    /// Whether the host listens.
    pub(crate) fn is_connected(&self) -> bool {
        self.state.load(Acquire) == State::Connected as u32
    }

    fn set_state(&self, state: State) {
        self.state.store(state as u32, Release);
    }

    /// Notes that the host is not to be talked to any more; returns whether it was.
    fn disconnect(&self) -> bool {
        self.state.xchg(State::Disconnected as u32, Full) == State::Connected as u32
    }

    /// Which channels interrupt which CPU.
    pub(crate) fn affinity(&self) -> &Arc<Affinity> {
        &self.affinity
    }

    /// Where events go to.
    pub(crate) fn events(&self) -> &EventTable {
        &self.events
    }

    /// Which relid belongs to which channel.
    pub(crate) fn relids(&self) -> &relid::Table {
        &self.relids
    }

    /// Who waits for an answer.
    pub(crate) fn requests(&self) -> &request::Requests {
        &self.requests
    }

    /// A name for memory to share, not used before.
    pub(crate) fn new_gpadl(&self) -> u32 {
        self.next_gpadl.fetch_add(1u32, Relaxed)
    }

    /// The monitor page for signals of a direction.
    pub(crate) fn monitor_page(&self, direction: Direction) -> &SharedPage {
        let [from_host, to_host] = &self.monitor_pages;
        match direction {
            Direction::Incoming => from_host,
            Direction::Outgoing => to_host,
        }
    }

    /// Signals the host by hypercall. It looks at the bit of channel `shared` in the interrupt
    /// page, too, unless the event is for one channel only.
    #[inline]
    pub(crate) fn signal(&self, shared: Option<u32>, connection: u32) {
        if let Some(relid) = shared {
            self.set_send_bit(relid);
        }
        // Fails where the host has rescinded the channel, which it also says by message.
        hv::signal_event(connection);
    }

    /// Signals the host through the monitor page.
    #[inline]
    pub(crate) fn trigger(&self, relid: u32, monitor: MonitorId) {
        self.set_send_bit(relid);
        self.monitor_page(Direction::Outgoing)
            .set_bit(monitor.pending_offset(), monitor.trigger());
    }

    #[inline]
    fn set_send_bit(&self, relid: u32) {
        // CAST: To a wider type.
        self.interrupt_page.set_bit(SEND_BITS, relid as usize);
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// See [`Self::post_bytes`].
    pub(crate) fn post<M: Message>(&self, message: &M) -> Result {
        self.post_bytes(message.as_bytes())
    }

    /// Sends a message. May sleep.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the connection is closed; `EAGAIN` or `ENOBUFS` when the hypervisor does not
    /// take it in spite of all patience; `EINVAL` when it never will.
    pub(crate) fn post_bytes(&self, message: &[u8]) -> Result {
        if !self.is_connected() {
            return Err(ENODEV);
        }
        let connection = self.message_connection.load(Relaxed);
        let mut status = post(connection, message);
        // A host that gets too many messages at a time may claim that there is no connection.
        for _ in 0..POST_ATTEMPTS {
            if status != Status::INVALID_CONNECTION_ID {
                break;
            }
            fsleep(Delta::from_millis(100));
            status = post(connection, message);
        }
        match status {
            Status::SUCCESS => Ok(()),
            Status::INVALID_CONNECTION_ID => Err(EAGAIN),
            status if status.is_transient() => Err(ENOBUFS),
            _ => Err(EINVAL),
        }
    }
}

/// Posts a message, again and again while the host has no room for it. Returns the last status.
fn post(connection: u32, message: &[u8]) -> Status {
    post_pausing(connection, message, fsleep)
}

/// The same, with another way to wait.
fn post_pausing(connection: u32, message: &[u8], pause: fn(Delta)) -> Status {
    let Some(message) = PostMessage::new(connection, message) else {
        return Status::INVALID_PARAMETER;
    };
    let mut status = Status::SUCCESS;
    for attempt in 0..POST_ATTEMPTS {
        status = hv::post_message(&message);
        if !status.is_transient() {
            break;
        }
        pause(Delta::from_micros(1 << attempt.min(POST_DOUBLINGS)));
    }
    if status != Status::SUCCESS && status != Status::INVALID_CONNECTION_ID {
        pr_err!("hv_post_msg() failed; error code:{}\n", status.0);
    }
    status
}
