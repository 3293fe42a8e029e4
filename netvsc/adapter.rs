// SPDX-License-Identifier: GPL-2.0

//! What a network device has at hand for as long as it is registered.
//!
//! The channel is opened and closed while the device stays: for another size of frames, other
//! buffers, another number of queues. What belongs to one opening is a [`Session`].

use super::{
    buffers::Wanted,
    counter::{
        self,
        QueueCounters,
        Totals, //
    },
    function::Function,
    link::LinkState,
    net::{
        self,
        rtnl::Held,
        xdp, //
    },
    session::Session,
    sys::Published,
    wire::{
        nvsp::SEND_TABLE_LEN,
        request::Filter,
        rss, //
    },
};
use core::array;
use kernel::{
    impl_has_work, new_mutex, new_spinlock_irq, new_work,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Relaxed, //
        },
        Arc,
        Mutex,
        SpinLockIrq, //
    },
    workqueue::Work,
};
use vmbus::{
    sync::{
        Atomic,
        Completion,
        Concurrency,
        OwnedQueue,
        Shortage, //
    },
    PortHandle, //
};

/// The most queues of a device.
pub(crate) const MAX_QUEUES: u32 = 64;

/// How many queues a device has at most unless a user wants more.
const DEFAULT_QUEUES: u32 = 16;

/// The number of the work item for events of the link.
pub(crate) const LINK: u64 = 0;

/// The number of the work item for other frames to be let through.
pub(crate) const FILTER: u64 = 1;

/// The number of the work item for the virtual function.
pub(crate) const FUNCTION: u64 = 2;

/// How a session is to be.
pub(crate) struct Settings {
    /// How many queues.
    pub(crate) queues: u32,
    /// How large a receive buffer.
    pub(crate) receive: Wanted,
    /// How large a send buffer.
    pub(crate) send: Wanted,
    /// How the host spreads flows.
    pub(crate) spread: Spread,
}

/// How the host spreads flows over queues.
pub(crate) struct Spread {
    /// The key of the hash function.
    pub(crate) key: rss::Key,
    /// From hashes to queues. Empty where the host does not spread.
    pub(crate) table: KVec<u16>,
}

impl Settings {
    fn new() -> Self {
        Self {
            queues: DEFAULT_QUEUES.max(net::default_rss_queues()),
            receive: Wanted::RECEIVE,
            send: Wanted::SEND,
            spread: Spread {
                key: rss::DEFAULT_KEY,
                table: KVec::new(),
            },
        }
    }
}

/// A network device, for the driver.
///
/// Locks, in the order of taking: the RTNL, `settings`, `filtering`, those of a session. `link` is
/// held for a moment only.
#[pin_data]
pub(crate) struct Adapter {
    /// The device, for the stack.
    pub(crate) net: ARef<net::Device>,
    /// The channel.
    pub(crate) port: PortHandle,
    /// The session, unless there is none. Changes under the RTNL.
    pub(crate) session: Published<Session>,
    /// How the next session is to be.
    #[pin]
    pub(crate) settings: Mutex<Settings>,
    /// What is counted.
    pub(crate) totals: Totals,
    /// What is counted of each queue.
    pub(crate) counters: KVec<QueueCounters>,
    /// The virtual function.
    pub(crate) function: Function,
    /// The program that sees frames before the stack does.
    pub(crate) xdp: xdp::Slot,
    /// Which queue a flow is sent on.
    pub(crate) send_table: [Atomic<u32>; SEND_TABLE_LEN],
    /// For which transports ports are part of a flow, as bits of [`Transports`](super::flow).
    pub(crate) port_hash: Atomic<u32>,
    /// The link.
    #[pin]
    pub(crate) link: SpinLockIrq<LinkState>,
    /// The speed of the link in Mbit/s, and whether it is full duplex, for users to see.
    pub(crate) speed: Atomic<u32>,
    /// See `speed`.
    pub(crate) duplex: Atomic<u32>,
    /// Which frames are to be let through.
    pub(crate) filter: Atomic<u32>,
    /// Whether any are.
    #[pin]
    pub(crate) filtering: Mutex<bool>,
    /// The device is about to go.
    #[pin]
    pub(crate) going: Completion,
    pub(crate) queue: OwnedQueue,
    #[pin]
    link_work: Work<Self, LINK>,
    #[pin]
    filter_work: Work<Self, FILTER>,
    #[pin]
    function_work: Work<Self, FUNCTION>,
}

impl_has_work! {
    impl HasWork<Self, LINK> for Adapter { self.link_work }
    impl HasWork<Self, FILTER> for Adapter { self.filter_work }
    impl HasWork<Self, FUNCTION> for Adapter { self.function_work }
}

impl Adapter {
    const SPEED_UNKNOWN: u32 = u32::MAX;
    const DUPLEX_FULL: u32 = 1;

    /// Makes an adapter without a session.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(net: ARef<net::Device>, port: PortHandle) -> Result<Arc<Self>> {
        // CAST: Widening.
        let counters = counter::for_queues(MAX_QUEUES as usize)?;
        let function = Function::new()?;
        let queue = OwnedQueue::new(c"hv_netvsc", Concurrency::Parallel, Shortage::Waits)?;
        let init = pin_init!(Self {
            net,
            port,
            session: Published::new(),
            settings <- new_mutex!(Settings::new(), "Adapter::settings"),
            totals: Totals::default(),
            counters,
            function,
            xdp: xdp::Slot::new(None),
            send_table: array::from_fn(|_| Atomic::new(0)),
            port_hash: Atomic::new(super::flow::ALL_TRANSPORTS),
            link <- new_spinlock_irq!(LinkState::new(), "Adapter::link"),
            speed: Atomic::new(Self::SPEED_UNKNOWN),
            duplex: Atomic::new(Self::DUPLEX_FULL),
            filter: Atomic::new(Filter::NONE.0),
            filtering <- new_mutex!(false, "Adapter::filtering"),
            going <- Completion::new(),
            queue,
            link_work <- new_work!("Adapter::link_work"),
            filter_work <- new_work!("Adapter::filter_work"),
            function_work <- new_work!("Adapter::function_work"),
        });
        Arc::pin_init(init, GFP_KERNEL)
    }

    /// The session.
    ///
    /// # Errors
    ///
    /// `ENODEV` if there is none.
    pub(crate) fn session(&self) -> Result<Arc<Session>> {
        self.session.share().ok_or(ENODEV)
    }

    /// Which queue the flows of entry `index` are sent on.
    #[inline]
    pub(crate) fn send_queue(&self, index: usize) -> u32 {
        self.send_table
            .get(index % SEND_TABLE_LEN)
            .map_or(0, |entry| entry.load(Relaxed))
    }

    /// Sets which queue flows are sent on.
    pub(crate) fn set_send_table(&self, table: impl Fn(usize) -> u32) {
        for (index, entry) in self.send_table.iter().enumerate() {
            entry.store(table(index), Relaxed);
        }
    }

    /// Stops sending, and ends the session.
    pub(crate) fn disconnect(&self, held: Held<'_>) {
        self.forget_path(held);
        if let Some(session) = self.session.replace(None) {
            session.end(held);
        }
    }
}
