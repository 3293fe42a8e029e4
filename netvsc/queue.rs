// SPDX-License-Identifier: GPL-2.0

//! A queue: a channel in both directions, and who polls it.
//!
//! What comes in is taken by NAPI; `receive.rs` has what becomes of it. What is sent comes from
//! the stack through `transmit.rs` and `batch.rs`. The two share nothing but the list of packets
//! that the host has not completed.

use super::{
    batch::Batch,
    counter::QueueCounters,
    net::{
        log::{
            netdev_err,
            netdev_info, //
        },
        napi::{
            Completed,
            Poll,
            Polled,
            Round, //
        },
        skb::Skb,
        xdp, //
    },
    receive::Receiving,
    shared::Shared,
    sys::{
        trace,
        InFlight,
        Published,
        TryCell, //
    },
    wire::{
        nvsp::{
            Answer,
            Notice,
            Status, //
        },
        Fault, //
    },
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Full,
            Relaxed, //
        },
        rcu,
        Arc,
        SpinLock, //
    },
};
use vmbus::{
    ratelimit,
    sync::{
        Atomic,
        SetOnce, //
    },
    wire::packet::Kind,
    Endpoint,
    Packet, //
};

/// The transaction ids of messages of the set-up begin here, far beyond those of packets.
pub(crate) const SETUP_TRANSACTIONS: u64 = 1 << 40;

/// How many packets are taken at once.
const MAX_PACKETS: usize = 4096;

/// The share of the ring that is to be free, in percent, for a stopped queue to be woken.
const WAKE_ABOVE: u32 = 20;

/// What is kept of a packet until the host has completed it.
pub(super) struct InHost {
    /// The frame, or the last of them.
    pub(super) skb: Skb,
    /// The section of the send buffer that it is in.
    pub(super) section: Option<u32>,
    /// The number of the queue that the stack gave it to.
    pub(super) queue: u16,
    /// How many frames.
    pub(super) frames: u32,
    /// The bytes of all frames.
    pub(super) bytes: u32,
}

/// A queue.
#[pin_data]
pub(crate) struct Queue {
    pub(super) shared: Arc<Shared>,
    pub(super) index: u16,
    /// The open channel, while there is one.
    pub(super) endpoint: Published<Endpoint>,
    pub(super) in_host: InFlight<InHost>,
    /// How many packets the host has not completed.
    pub(super) outstanding: Atomic<u32>,
    /// How many answers to the host wait.
    pub(super) unanswered: Atomic<u32>,
    receiving: SetOnce<TryCell<Receiving>>,
    /// Where the program sees frames.
    #[pin]
    pub(super) xdp: xdp::RxQueue,
    #[pin]
    pub(super) batch: SpinLock<Option<Batch>>,
}

impl Queue {
    /// Makes a queue without a channel, with room for `packets` that the host has not completed.
    pub(crate) fn new(
        shared: Arc<Shared>,
        index: u16,
        packets: usize,
    ) -> impl PinInit<Self, Error> {
        let net = shared.adapter.net.clone();
        let number = u32::from(index);
        try_pin_init!(Self {
            shared,
            index,
            endpoint: Published::new(),
            in_host: InFlight::new(packets)?,
            outstanding: Atomic::new(0),
            unanswered: Atomic::new(0),
            receiving: SetOnce::new(),
            xdp <- xdp::RxQueue::new(net, number),
            batch <- new_spinlock!(None, "Queue::batch"),
        })
    }

    /// Gets ready to receive, once it is known how the receive buffer is divided.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn prepare(&self) -> Result {
        let buffer = self.shared.receive.as_ref().ok_or(EINVAL)?;
        let receiving = Receiving::new(buffer.sections)?;
        self.receiving.populate(TryCell::new(receiving));
        Ok(())
    }

    /// What is counted.
    #[inline]
    pub(super) fn counters(&self) -> Option<&QueueCounters> {
        let counters = &self.shared.adapter.counters;
        counters.get(usize::from(self.index))
    }

    /// Whether neither side waits for the other.
    pub(crate) fn is_drained(&self) -> bool {
        self.outstanding.load(Relaxed) == 0 && self.unanswered.load(Relaxed) == 0
    }

    /// Deals with a packet of the host; returns how many frames there were at most.
    #[inline]
    fn take(
        &self,
        packet: &Packet<'_>,
        receiving: Option<&mut Receiving>,
        round: &Round<'_>,
        endpoint: &Endpoint,
    ) -> u32 {
        trace::nvsp_recv(self.shared.net(), self.index, packet.payload);
        match packet.kind {
            Kind::COMPLETION => self.completed(packet, round, endpoint),
            Kind::TRANSFER_PAGES => {
                if let Some(receiving) = receiving {
                    return self.received(packet, receiving, round, endpoint);
                }
                self.shared.report("early packet", Fault::Sequence);
            }
            Kind::INBAND => self.noticed(packet.payload),
            Kind(other) => self
                .shared
                .report("kind of packet", Fault::Kind(other.into())),
        }
        0
    }

    /// The host completed a packet of ours.
    #[inline]
    fn completed(&self, packet: &Packet<'_>, round: &Round<'_>, endpoint: &Endpoint) {
        let answer = match Answer::parse(packet.payload) {
            Ok(answer) => answer,
            Err(fault) => return self.shared.report("completion", fault),
        };
        match answer {
            Answer::Rndis(status) => self.sent(packet.transaction, status, round, endpoint),
            answer => self.answered(packet.transaction, answer),
        }
    }

    /// The host has sent what was in a packet.
    #[inline]
    fn sent(&self, transaction: u64, status: Status, round: &Round<'_>, endpoint: &Endpoint) {
        if status != Status::SUCCESS {
            self.failed(status);
        }
        if transaction == super::control::CONTROL_TRANSACTION {
            return;
        }
        let Some(packet) = self.in_host.take(transaction) else {
            // CAST: The lower half says enough.
            return self
                .shared
                .report("transaction", Fault::Count(transaction as u32));
        };
        if let (Some(section), Some(buffer)) = (packet.section, self.shared.send.as_ref()) {
            buffer.give_back(section);
        }
        if let Some(counters) = self.counters() {
            counters.tx_packets.add_alone(packet.frames.into());
            counters.tx_bytes.add_alone(packet.bytes.into());
        }
        round.consume(packet.skb);
        let before = self.outstanding.fetch_sub(1, Full);
        self.make_room(packet.queue, before.wrapping_sub(1), endpoint);
    }

    #[cold]
    fn failed(&self, status: Status) {
        if ratelimit::allowed() {
            netdev_err!(
                self.shared.net(),
                "nvsp_rndis_pkt_complete error status: {:x}\n",
                status.0
            );
        }
    }

    /// There may be room for more packets of the stack's queue.
    #[inline]
    fn make_room(&self, queue: u16, outstanding: u32, endpoint: &Endpoint) {
        if self.shared.is_draining() {
            if outstanding == 0 {
                self.shared.drained();
            }
            return;
        }
        let Some(queue) = self.shared.net().tx_queue(queue.into()) else {
            return;
        };
        if queue.is_stopped()
            && self.shared.is_sending()
            && (endpoint.is_send_free_above(WAKE_ABOVE) || outstanding == 0)
        {
            queue.wake();
            self.shared.adapter.totals.wake_queue.increment();
        }
    }

    /// The host has answered a message of the set-up.
    fn answered(&self, transaction: u64, answer: Answer) {
        let id = transaction
            .checked_sub(SETUP_TRANSACTIONS)
            .and_then(|id| u32::try_from(id).ok());
        let is_wanted = id.is_some_and(|id| self.shared.setup.answer(id, || Some(answer)));
        if !is_wanted {
            self.shared
                .report("completion", Fault::Count(id.unwrap_or(0)));
        }
    }

    /// The host says something on its own account.
    fn noticed(&self, payload: &[u8]) {
        match Notice::parse(payload, self.shared.version()) {
            Ok(Notice::SendTable(table)) => {
                let entry = |index| table.get(index).copied().unwrap_or(0);
                self.shared.adapter.set_send_table(entry);
            }
            Ok(Notice::VirtualFunction { present, serial }) => {
                if ratelimit::allowed() {
                    let what = if present { "added" } else { "removed" };
                    netdev_info!(self.shared.net(), "VF slot {} {}\n", serial, what);
                }
                self.shared.adapter.function_associated(present, serial);
            }
            Ok(Notice::Other) => (),
            Err(fault) => self.shared.report("message", fault),
        }
    }

    /// Takes what there is, within the budget. Returns whether answers that could not be sent have room
    /// now.
    #[inline(always)]
    fn take_all(
        &self,
        endpoint: &Endpoint,
        mut receiving: Option<&mut Receiving>,
        round: &mut Round<'_>,
    ) -> bool {
        endpoint.take_packets(|packets| {
            // What is no frame uses nothing up, but does not go on without end either.
            for _ in 0..MAX_PACKETS {
                if round.left() == 0 {
                    break;
                }
                let Some(packet) = packets.next() else { break };
                let frames = self.take(&packet, receiving.as_deref_mut(), round, endpoint);
                round.use_up(frames);
            }
        });
        match receiving {
            Some(receiving) => {
                receiving.tally.settle(self.counters());
                self.answer_or_await(receiving, endpoint)
            }
            None => false,
        }
    }
}

impl Queue {
    /// The same before there is anything to receive with.
    #[cold]
    fn take_early(&self, endpoint: &Endpoint, round: &mut Round<'_>) -> bool {
        self.take_all(endpoint, None, round)
    }
}

impl Poll for Queue {
    fn poll(&self, mut round: Round<'_>) -> Polled {
        let guard = rcu::read_lock();
        let Some(endpoint) = self.endpoint.get(&guard) else {
            return match round.complete() {
                Completed::Idle(idle) => idle.done(),
                Completed::Busy(polled) => polled,
            };
        };
        let again = match self.receiving.as_ref() {
            Some(cell) => cell
                .try_with(|receiving| self.take_all(endpoint, Some(receiving), &mut round))
                .unwrap_or(true),
            None => self.take_early(endpoint, &mut round),
        };
        match round.complete() {
            Completed::Idle(idle) => {
                if (again && endpoint.is_open()) || endpoint.unmask_and_check() {
                    idle.reschedule(|| ());
                }
                idle.done()
            }
            Completed::Busy(polled) => polled,
        }
    }
}
