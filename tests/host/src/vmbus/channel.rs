// SPDX-License-Identifier: GPL-2.0

//! An open channel, as a device sees it.
//!
//! A [`Channel`] lives from one open to the next close; the device gets a new one when the guest
//! opens the same offer again. After the close its methods do nothing: the rings belong to the
//! guest again.

mod lifecycle;
mod memory;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock, Weak};

use vm_memory::GuestMemoryMmap;

use super::device::{Device, Guid};
use super::gate::Gate;
pub use super::gpa::{GpaRange, MemoryError};
pub use super::packet::{
    COMPLETION, COMPLETION_REQUESTED, GPA_DIRECT, INBAND, Outgoing, Packet, TRANSFER_PAGES,
};
use super::ring::{Field, Reader, RingError, RingMemory, Writer};
use super::server::{Server, Services};
pub use super::shared::SharedMemory;
use super::stats::{Counters, add, count};
use super::sync::lock;
use super::tamper::{Ring, Slot};
use super::violation::{Fault, Violation};

/// With this many packets waiting for room nothing is taken from the guest any more, so that a
/// guest that does not read its answers cannot make the host's queue grow without bound.
const MAX_QUEUED: usize = 1024;

/// Everything about a channel that is known before its rings are.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) relid: u32,
    pub(super) index: u16,
    pub(super) instance: Guid,
    pub(super) target_vp: u32,
}

/// See the module.
pub struct Channel {
    relid: u32,
    index: u16,
    instance: Guid,
    target_vp: AtomicU32,
    device: Arc<dyn Device>,
    services: Arc<Services>,
    server: Weak<Server>,
    counters: Arc<Counters>,
    tamper: Arc<Slot<Outgoing>>,
    reader: Mutex<Option<Reader>>,
    writer: Mutex<Option<Writer>>,
    /// Packets waiting in the writer's queue.
    queued: AtomicUsize,
    /// Whether packets of the guest were left in the ring because of that.
    held_back: AtomicBool,
    /// Whether guest buffers may be accessed.
    open: RwLock<bool>,
    broken: AtomicBool,
    gate: Gate,
    announced: Mutex<Announced>,
    /// Whether the device accepted the open, and so is to hear of the close.
    accepted: AtomicBool,
    /// Whether the channel waits for the worker thread.
    scheduled: AtomicBool,
}

/// Whether the guest knows that the channel is open; it is not signalled before.
#[derive(Debug, Default)]
struct Announced {
    done: bool,
    owed: bool,
}

impl Channel {
    /// A channel over rings in guest memory: `from_guest` and `to_guest` are their pages.
    pub(super) fn new(
        identity: Identity,
        device: Arc<dyn Device>,
        (services, server): (Arc<Services>, Weak<Server>),
        (counters, tamper): (Arc<Counters>, Arc<Slot<Outgoing>>),
        (from_guest, to_guest): (&[u64], &[u64]),
    ) -> Result<Arc<Self>, RingError> {
        let memory = services.memory();
        let reader = Reader::new(RingMemory::new(Arc::clone(memory), from_guest)?)?;
        let writer = Writer::new(RingMemory::new(Arc::clone(memory), to_guest)?)?;
        Ok(Arc::new(Self {
            relid: identity.relid,
            index: identity.index,
            instance: identity.instance,
            target_vp: AtomicU32::new(identity.target_vp),
            device,
            services,
            server,
            counters,
            tamper,
            reader: Mutex::new(Some(reader)),
            writer: Mutex::new(Some(writer)),
            queued: AtomicUsize::new(0),
            held_back: AtomicBool::new(false),
            open: RwLock::new(true),
            broken: AtomicBool::new(false),
            gate: Gate::default(),
            announced: Mutex::default(),
            accepted: AtomicBool::new(false),
            scheduled: AtomicBool::new(false),
        }))
    }

    /// The number by which guest and host name the channel.
    pub fn relid(&self) -> u32 {
        self.relid
    }

    /// 0 for the device's primary channel.
    pub fn subchannel_index(&self) -> u16 {
        self.index
    }

    /// The device instance that the channel belongs to.
    pub fn instance(&self) -> Guid {
        self.instance
    }

    /// The guest's memory.
    pub fn memory(&self) -> &Arc<GuestMemoryMmap> {
        self.services.memory()
    }

    /// The guest's reference time, in units of 100 ns.
    pub fn reference_time(&self) -> u64 {
        self.services.reference_time()
    }

    /// The virtual processor that is signalled.
    pub fn target_vp(&self) -> u32 {
        self.target_vp.load(Ordering::Relaxed)
    }

    /// Whether a ring turned out to be malformed; then nothing moves any more.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Takes the next packet of the guest.
    ///
    /// `None` when there is none, when too many answers wait for room, or when the channel is
    /// closed or broken. A ring found malformed breaks the channel and is reported once.
    pub fn receive(&self) -> Option<Packet> {
        if self.is_broken() || self.is_held_back() {
            return None;
        }
        let mut signal = false;
        let taken = self.take(&mut signal);
        if signal {
            self.interrupt();
        }
        let packet = self.checked(taken).flatten()?;
        for counters in [&*self.counters, self.services.totals()] {
            count(&counters.packets_in);
            add(&counters.payload_in, packet.payload.len());
        }
        Some(packet)
    }

    /// Whether too many answers wait. The guest may make room for them without a reason to signal,
    /// so somebody has to look again.
    fn is_held_back(&self) -> bool {
        let full = self.queued.load(Ordering::Relaxed) >= MAX_QUEUED;
        if full
            && !self.held_back.swap(true, Ordering::Relaxed)
            && let Some(server) = self.server.upgrade()
        {
            server.poller().decide(|| true);
        }
        full
    }

    fn take(&self, signal: &mut bool) -> Result<Option<Packet>, RingError> {
        let mut guard = lock(&self.reader);
        let Some(reader) = guard.as_mut() else {
            return Ok(None);
        };
        let Some(raw) = reader.next(signal)? else {
            return Ok(None);
        };
        if reader.should_publish() {
            *signal |= reader.publish()?;
        }
        drop(guard);
        if !raw.trailer_ok {
            self.report(Fault::Trailer);
        }
        Packet::parse(raw).map(Some)
    }

    /// Sends a packet. The guest sees it after [`Self::flush`]. Where the ring is full it waits in
    /// the host, in order, until the guest makes room.
    pub fn send(&self, kind: u16, flags: u16, transaction: u64, payload: &[u8]) {
        let payload = payload.to_vec();
        self.send_packet(Outgoing {
            kind,
            flags,
            transaction,
            payload,
            ..Outgoing::default()
        });
    }

    /// As [`Self::send`], for packets with a further header.
    pub fn send_packet(&self, packet: Outgoing) {
        let mut guard = lock(&self.writer);
        let Some(writer) = guard.as_mut().filter(|_| !self.is_broken()) else {
            return;
        };
        let blocked = writer.blocked();
        let mut written = Ok(());
        for packet in self.tamper.apply(packet) {
            for counters in [&*self.counters, self.services.totals()] {
                count(&counters.packets_out);
                add(&counters.payload_out, packet.payload.len());
            }
            written = written.and_then(|()| writer.push(packet.encode()));
        }
        let blocked = writer.blocked() - blocked;
        self.queued.store(writer.queued(), Ordering::Relaxed);
        drop(guard);
        for counters in [&*self.counters, self.services.totals()] {
            add(&counters.ring_full, blocked as usize);
        }
        self.checked(written);
    }

    /// Writes `bytes`, padded to eight, into the ring as they are, and flushes. For tests: neither
    /// a hook nor a check is in the way.
    pub fn inject(&self, bytes: &[u8]) {
        self.inject_all([bytes.to_vec()]);
    }

    /// The same with several packets, which the guest sees all at once.
    pub fn inject_all(&self, packets: impl IntoIterator<Item = Vec<u8>>) {
        let mut written = Ok(());
        if let Some(writer) = lock(&self.writer).as_mut() {
            for mut bytes in packets {
                bytes.resize(bytes.len().next_multiple_of(8), 0);
                written = written.and_then(|()| writer.push(bytes));
            }
        }
        self.checked(written);
        self.flush();
    }

    /// Shows the guest what was sent, and signals it at most once and only where the ring's rules
    /// ask for it.
    pub fn flush(&self) {
        let mut guard = lock(&self.writer);
        let Some(writer) = guard.as_mut().filter(|_| !self.is_broken()) else {
            return;
        };
        let published = writer.publish();
        self.queued.store(writer.queued(), Ordering::Relaxed);
        drop(guard);
        if self.checked(published) == Some(true) {
            self.interrupt();
        }
    }

    /// Offers the sub-channels 1 to `count` of this device; those already offered stay. Returns
    /// whether all of them are offered now: not on a sub-channel or a closed channel, and not
    /// where the bus has no more relids.
    pub fn offer_subchannels(&self, count: u16) -> bool {
        let server = self.server.upgrade().filter(|_| self.index == 0);
        server.is_some_and(|server| server.offer_subchannels(self, count))
    }

    /// Reads a field of a ring's header.
    pub fn peek(&self, ring: Ring, field: Field) -> Option<u32> {
        self.with_ring(ring, |memory| memory.load(field))
            .ok()
            .flatten()
    }

    /// Overwrites a field of a ring's header, whoever owns it. For tests.
    pub fn poke(&self, ring: Ring, field: Field, value: u32) -> bool {
        matches!(
            self.with_ring(ring, |memory| memory.store(field, value)),
            Ok(Some(()))
        )
    }

    /// Overwrites data of the ring that the guest reads, at byte `at` of them. For tests.
    pub fn scribble(&self, at: u32, bytes: &[u8]) -> bool {
        let written = self.with_ring(Ring::ToGuest, |memory| memory.scribble(at, bytes));
        matches!(written, Ok(Some(())))
    }

    /// How many bytes of data the ring that the guest reads has room for.
    pub fn ring_size(&self) -> u32 {
        let size = self.with_ring(Ring::ToGuest, |memory| Ok(memory.size()));
        size.ok().flatten().unwrap_or(0)
    }

    fn with_ring<T>(
        &self,
        ring: Ring,
        access: impl FnOnce(&RingMemory) -> Result<T, RingError>,
    ) -> Result<Option<T>, RingError> {
        match ring {
            Ring::FromGuest => lock(&self.reader)
                .as_ref()
                .map(|it| access(it.ring()))
                .transpose(),
            Ring::ToGuest => lock(&self.writer)
                .as_ref()
                .map(|it| access(it.ring()))
                .transpose(),
        }
    }

    /// Unwraps what a ring returned; an error breaks the channel.
    fn checked<T>(&self, result: Result<T, RingError>) -> Option<T> {
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        if !self.broken.swap(true, Ordering::Relaxed) {
            self.report(error.into());
        }
        None
    }

    fn report(&self, fault: Fault) {
        self.services.violation(Violation {
            relid: Some(self.relid),
            fault,
        });
    }

    /// Signals the guest, or remembers to once it knows that the channel is open.
    pub fn interrupt(&self) {
        let mut announced = lock(&self.announced);
        if announced.done {
            drop(announced);
            self.signal_guest();
        } else {
            announced.owed = true;
        }
    }

    fn signal_guest(&self) {
        let raised = self.services.signal(self.target_vp(), self.relid);
        for counters in [&*self.counters, self.services.totals()] {
            count(&counters.signals_out);
            if !raised {
                count(&counters.signals_merged);
            }
        }
    }
}
