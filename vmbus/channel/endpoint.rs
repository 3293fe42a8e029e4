// SPDX-License-Identifier: GPL-2.0

//! Endpoints: channels that are open.

use kernel::{
    new_mutex,
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Relaxed, //
        },
        Arc,
        Mutex,
        SpinLockIrq, //
    }, //
};

use super::{
    gpadl::SharedRings,
    send::Sender,
    CallbackMode,
    Channel,
    ChannelState,
    Direction,
    Handler,
    Line,
    OpenConfig,
    Packet,
    Progress,
    RingDebug, //
};
use crate::{
    ring::{
        Incoming,
        RingPages, //
    },
    sync::{
        Atomic,
        Exclusive,
        Tasklet, //
    },
    wire::message::CloseChannel,
};

/// A channel that is open.
///
/// An endpoint may outlive its channel's being open, and then sends nothing. References to it are
/// given up in process context, at the latest in [`Handler::closing`].
#[pin_data]
pub struct Endpoint {
    pub(super) channel: Arc<Channel>,
    pub(super) line: Line,
    handler: Arc<dyn Handler>,
    mode: CallbackMode,
    pub(super) rings: RingPages,
    closing: Atomic<bool>,
    /// Whether events are delivered.
    pub(super) published: Atomic<bool>,
    #[pin]
    pub(super) outgoing: SpinLockIrq<Option<Sender>>,
    pub(super) incoming: Exclusive<Option<Incoming>>,
    #[pin]
    shared: Mutex<Option<SharedRings>>,
    #[pin]
    pub(super) tasklet: Tasklet,
}

/// The receiving end of a channel, lent to its handler.
pub struct Receiver<'a>(pub(super) &'a mut Incoming);

impl Receiver<'_> {
    /// Takes the next packet; [`None`] when there are no more.
    #[expect(
        clippy::should_implement_trait,
        reason = "a packet borrows from the receiver"
    )]
    #[inline]
    pub fn next(&mut self) -> Option<Packet<'_>> {
        self.0.next()
    }
}

impl Endpoint {
    /// Opens a channel and tells the handler. The caller then has interrupts find the endpoint.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the channel is open already, or a size is wrong; `ENODEV` when it is
    /// rescinded; `EAGAIN` when the host does not want it opened, `ETIMEDOUT` when it does not
    /// answer; `ENOMEM`.
    pub(super) fn open(
        channel: &Arc<Channel>,
        config: &OpenConfig,
        handler: Arc<dyn Handler>,
    ) -> Result<Arc<Self>> {
        {
            // From here on, the CPU that is to be interrupted does not change.
            let _endpoint = channel.endpoint.lock();
            channel.change_state(ChannelState::Closed, ChannelState::Opening)?;
        }
        let result = Self::set_up(channel, config, handler);
        if result.is_err() {
            channel.set_state(ChannelState::Closed);
        }
        let endpoint = result?;
        {
            let mut current = channel.endpoint.lock();
            *current = Some(endpoint.clone());
            channel.set_state(ChannelState::Opened);
        }
        endpoint.handler.opened(&endpoint);
        Ok(endpoint)
    }

    fn set_up(
        channel: &Arc<Channel>,
        config: &OpenConfig,
        handler: Arc<dyn Handler>,
    ) -> Result<Arc<Self>> {
        let node = channel.numa_node();
        let rings = RingPages::allocate(config.send_ring, config.receive_ring, node)?;
        let max_packet = usize::try_from(config.max_packet)?;
        let line = channel.line();
        let (outgoing, incoming) = rings.rings(line.relid, max_packet)?;
        let shared = SharedRings::share(channel, &rings)?;
        let init = pin_init!(Self {
            channel: channel.clone(),
            line,
            handler,
            mode: config.mode,
            rings,
            closing: Atomic::new(false),
            published: Atomic::new(false),
            outgoing <- new_spinlock_irq!(
                Some(Sender::new(outgoing)), "Endpoint::outgoing"
            ),
            incoming: Exclusive::new(Some(incoming)),
            shared <- new_mutex!(None, "Endpoint::shared"),
            tasklet <- Tasklet::new::<Self>(),
        });
        let endpoint = Arc::pin_init(init, GFP_KERNEL)?;
        shared.open(&config.user_data)?;
        *endpoint.shared.lock() = Some(shared);
        Ok(endpoint)
    }

    /// The channel.
    #[inline]
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The number by which host and guest refer to the channel.
    #[inline]
    pub fn relid(&self) -> u32 {
        self.line.relid
    }

    /// The driver.
    #[inline]
    pub(super) fn handler(&self) -> &dyn Handler {
        &*self.handler
    }

    /// The CPU that the host interrupts.
    #[inline]
    pub fn target_cpu(&self) -> u32 {
        self.channel.target_cpu()
    }

    /// Whether packets can still be sent.
    #[inline]
    pub fn is_open(&self) -> bool {
        !self.is_closing() && !self.channel.is_rescinded()
    }

    /// A look at one of the rings.
    pub(super) fn ring_debug(&self, direction: Direction) -> RingDebug {
        self.rings.debug(direction)
    }

    /// The host interrupted for this channel. Runs in a hard interrupt.
    #[inline]
    pub(super) fn interrupt(&self) {
        self.channel.stats().interrupts.increment();
        match self.mode {
            CallbackMode::Batched => {
                self.rings.mask_incoming();
                self.schedule();
            }
            CallbackMode::Direct => self.schedule(),
            CallbackMode::Isr => self.receive(),
            CallbackMode::Polled => self.tell(),
        }
    }

    /// Lets the handler look at what came in. Runs in a softirq or a hard interrupt.
    pub(super) fn receive(&self) {
        if self.mode == CallbackMode::Polled {
            return self.tell();
        }
        self.incoming.run(|incoming| {
            let Some(incoming) = incoming else { return };
            let progress = self.handler.on_event(self, &mut Receiver(incoming));
            let took = incoming.owes_room();
            self.give_back(incoming);
            let again = match (progress, self.mode) {
                (Progress::More, _) => true,
                (Progress::Done, CallbackMode::Batched) => {
                    // Packets that came in since the last look need no further interrupts.
                    let more = incoming.unmask_and_check();
                    if more {
                        incoming.mask();
                    }
                    more
                }
                // The host does not signal what it adds to a ring that is not empty, as this one was
                // until the room was given back.
                (Progress::Done, _) => took && incoming.look_again(),
            };
            if again && !self.is_closing() {
                self.schedule();
            }
        });
    }

    #[inline]
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Relaxed)
    }

    /// Keeps the tasklet from going on for ever.
    pub(super) fn begin_close(&self) {
        self.closing.store(true, Relaxed);
    }

    /// Closes the channel. Interrupts do not find the endpoint any more, and its tasklet is dead.
    pub(super) fn close(self: &Arc<Self>) {
        let channel = &self.channel;
        *channel.endpoint.lock() = None;
        let outgoing = self.outgoing.lock().take();
        drop(outgoing);
        self.handler.closing(self);
        // At once, since nobody receives any more.
        self.incoming.run(|incoming| drop(incoming.take()));
        channel.set_state(ChannelState::Closed);
        let shared = self.shared.lock().take();
        // When it is rescinded, too: until then the host may still use the rings.
        let message = CloseChannel::new(self.relid());
        if let Err(error) = channel.connection.post(&message) {
            let error = error.to_errno();
            pr_err!("Close failed: close post msg return is {}\n", error);
        }
        // Ends the sharing of the rings, now that the host knows that it is not to use them.
        drop(shared);
    }
}
