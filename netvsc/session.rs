// SPDX-License-Identifier: GPL-2.0

//! One opening of the channel: the conversation with the host, from its beginning to its end.

use super::{
    adapter::{
        Adapter,
        Settings, //
    },
    net::{
        log::{
            netdev_err,
            netdev_warn, //
        },
        napi::{
            Enabled,
            Napi, //
        },
        rtnl::Held,
        skb::Skb,
        Sent,
        Way, //
    },
    patience::patiently,
    queue::{
        Queue,
        SETUP_TRANSACTIONS, //
    },
    shared::Shared,
    sys::{
        parameters,
        trace, //
    },
    wire::{
        nvsp::{
            Answer,
            Message,
            MAX_PACKET, //
        },
        request::Filter,
    },
};
use core::time::Duration;
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Relaxed, //
        },
        rcu, Arc,
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};
use vmbus::{
    ring,
    sync::{
        Atomic,
        Completion, //
        SetOnce,
    },
    wire::USER_DATA_LEN,
    CallbackMode,
    Endpoint,
    OpenConfig, //
};

/// The ring space of the smallest packet, by which the number of packets is reckoned.
const SMALLEST_PACKET: usize = 56;

/// How long it may take to complete what it was sent before the session ends.
const DRAIN_PATIENCE: Duration = Duration::from_millis(250);
const DRAIN_ATTEMPTS: usize = 40;

/// How long it may take to take what is in a ring.
const EMPTY_ATTEMPTS: usize = 2000;
const EMPTY_PAUSE: Delta = Delta::from_millis(5);

/// One opening of the channel.
///
/// Fields in the order of teardown: queues are not polled any more when what they share goes, and
/// with that the buffers.
#[pin_data]
pub(crate) struct Session {
    primary: Enabled<Queue>,
    pub(super) others: SetOnce<KVec<Enabled<Queue>>>,
    /// How many channels are open.
    pub(super) open: Atomic<u32>,
    #[pin]
    pub(super) opened: Completion,
    /// How many queues are in use, and how many could be.
    pub(super) queues: Atomic<u32>,
    max_queues: Atomic<u32>,
    shared: Arc<Shared>,
}

/// Makes a queue, and lets it be polled.
pub(super) fn new_queue(shared: &Arc<Shared>, index: u16) -> Result<Enabled<Queue>> {
    let ring = ring::ring_bytes(parameters::ring_payload());
    let queue = Queue::new(shared.clone(), index, ring / SMALLEST_PACKET);
    let napi = Napi::new::<Error>(shared.adapter.net.clone(), queue);
    Arc::pin_init(napi, GFP_KERNEL)?.enable()
}

impl Session {
    fn new(adapter: Arc<Adapter>) -> Result<Arc<Self>> {
        let shared = Arc::pin_init(Shared::new(adapter), GFP_KERNEL)?;
        let init = try_pin_init!(Self {
            primary: new_queue(&shared, 0)?,
            others: SetOnce::new(),
            open: Atomic::new(0),
            opened <- Completion::new(),
            queues: Atomic::new(1),
            max_queues: Atomic::new(1),
            shared,
        }? Error);
        Arc::pin_init(init, GFP_KERNEL)
    }

    /// Opens the channel and sets everything up. From the return of this on, frames can be sent.
    ///
    /// # Errors
    ///
    /// Those of opening a channel, of sharing memory, and of talking to the host. Nothing is left
    /// then.
    pub(crate) fn begin(
        adapter: &Arc<Adapter>,
        settings: &mut Settings,
        held: Held<'_>,
    ) -> Result<Arc<Self>> {
        let session = Self::new(adapter.clone())?;
        let endpoint = adapter
            .port
            .open(Self::config(), session.clone())
            .inspect_err(|error| {
                netdev_err!(
                    &adapter.net,
                    "unable to open channel: {}\n",
                    error.to_errno()
                );
            })?;
        let result = session.set_up(&endpoint, settings, held);
        drop(endpoint);
        match result {
            Ok(()) => {
                let old = adapter.session.replace(Some(session.clone()));
                debug_assert!(old.is_none());
                Ok(session)
            }
            Err(error) => {
                session.end(held);
                Err(error)
            }
        }
    }

    fn config() -> OpenConfig {
        let ring = ring::ring_bytes(parameters::ring_payload());
        OpenConfig {
            send_ring: ring,
            receive_ring: ring,
            // CAST: A small constant.
            max_packet: MAX_PACKET as u32,
            mode: CallbackMode::Polled,
            user_data: [0; USER_DATA_LEN],
            subchannels: true,
        }
    }

    fn set_up(&self, endpoint: &Endpoint, settings: &mut Settings, held: Held<'_>) -> Result {
        self.connect(endpoint, settings).inspect_err(|error| {
            let errno = error.to_errno();
            netdev_err!(
                self.shared.net(),
                "unable to connect to NetVSP - {}\n",
                errno
            );
        })?;
        self.start_rndis(endpoint, held)?;
        self.start_queues(endpoint, settings, held)
    }

    /// What its queues share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// How many queues are in use.
    pub(crate) fn queues(&self) -> u32 {
        self.queues.load(Relaxed)
    }

    /// How many could be.
    pub(crate) fn max_queues(&self) -> u32 {
        self.max_queues.load(Relaxed)
    }

    /// Sets how many could be.
    pub(super) fn set_max_queues(&self, queues: u32) {
        self.max_queues.store(queues, Relaxed);
    }

    #[inline]
    pub(super) fn enabled(&self, index: usize) -> Option<&Enabled<Queue>> {
        match index.checked_sub(1) {
            None => Some(&self.primary),
            Some(index) => self.others.as_ref()?.get(index),
        }
    }

    /// All queues, in use or not.
    pub(super) fn all(&self) -> impl Iterator<Item = &Enabled<Queue>> {
        let others = self.others.as_ref().into_iter().flatten();
        Iterator::chain(core::iter::once(&self.primary), others)
    }

    #[inline]
    pub(super) fn queue(&self, index: usize) -> Option<&Queue> {
        Some(self.enabled(index)?.napi().queue())
    }

    /// The CPU that a queue's interrupts come to.
    pub(crate) fn target_cpu(&self, index: usize) -> Option<u32> {
        let guard = rcu::read_lock();
        let endpoint = self.queue(index)?.endpoint.get(&guard)?;
        Some(endpoint.target_cpu())
    }

    /// The primary channel.
    ///
    /// # Errors
    ///
    /// `ENODEV` when it is closed.
    pub(super) fn endpoint(&self) -> Result<Arc<Endpoint>> {
        let queue = self.primary.napi().queue();
        queue.endpoint.share().ok_or(ENODEV)
    }

    /// Has the primary queue receive.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn prepare_primary(&self) -> Result {
        self.primary.napi().queue().prepare()
    }

    /// Sends a message of the set-up, and waits for the answer.
    pub(super) fn ask(&self, endpoint: &Endpoint, message: &Message) -> Result<Answer> {
        trace::nvsp_send(self.shared.net(), message.kind);
        self.shared.setup.execute(|id| {
            let transaction = SETUP_TRANSACTIONS + u64::from(id);
            patiently(|| endpoint.send_inband(message.as_bytes(), transaction, true))
        })
    }

    /// Sends a message that has no answer.
    pub(super) fn tell(&self, endpoint: &Endpoint, message: &Message) -> Result {
        trace::nvsp_send(self.shared.net(), message.kind);
        patiently(|| endpoint.send_inband(message.as_bytes(), 0, false))
    }

    /// Says which frames are to be let through.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the channel is closed, and those of requests.
    pub(crate) fn set_filter(&self, filter: Filter) -> Result {
        let endpoint = self.endpoint()?;
        self.shared.control.set_filter(&endpoint, filter)
    }

    /// Sends a frame of the stack.
    #[inline]
    pub(crate) fn transmit(&self, skb: Skb, way: Way<'_>, guard: &rcu::Guard) -> Sent {
        for index in [usize::from(way.index), 0] {
            let Some(queue) = self.queue(index) else {
                continue;
            };
            // A sub-channel may be gone; the primary one does its work then.
            if let Some(endpoint) = queue.endpoint.get(guard) {
                return queue.transmit(skb, way, endpoint);
            }
        }
        self.shared.adapter.totals.tx_dropped.increment();
        drop(skb);
        Sent::Taken
    }

    /// Waits until the rings are empty, for some time. May sleep.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` if they were not.
    pub(crate) fn wait_until_empty(&self) -> Result {
        for _ in 0..EMPTY_ATTEMPTS {
            if self.shared.is_gone() || self.are_rings_empty() {
                return Ok(());
            }
            fsleep(EMPTY_PAUSE);
        }
        Err(ETIMEDOUT)
    }

    fn are_rings_empty(&self) -> bool {
        let guard = rcu::read_lock();
        self.all().all(|queue| {
            let endpoint = queue.napi().queue().endpoint.get(&guard);
            endpoint.is_none_or(Endpoint::is_idle)
        })
    }

    /// Ends the session: tells the host, waits until nothing is under way, closes the channel.
    /// Nobody sends any more.
    pub(crate) fn end(&self, held: Held<'_>) {
        if let Ok(endpoint) = self.endpoint() {
            // The host need not have got as far as there being something to halt.
            let _ = self.shared.control.halt(&endpoint);
            self.drain();
            let _ = self.revoke(&endpoint);
        }
        for queue in self.all() {
            queue.hide(held);
        }
        self.shared.adapter.port.close();
    }

    fn drain(&self) {
        self.shared.drain();
        for _ in 0..DRAIN_ATTEMPTS {
            let is_drained = self.all().all(|queue| queue.napi().queue().is_drained());
            if is_drained || self.shared.is_gone() {
                return;
            }
            self.shared.wait_drained(DRAIN_PATIENCE);
        }
        netdev_warn!(
            self.shared.net(),
            "the host has not completed all packets\n"
        );
    }
}
