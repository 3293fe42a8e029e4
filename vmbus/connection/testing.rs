// SPDX-License-Identifier: GPL-2.0

//! A connection to a host that is a part of the test.
//!
//! The host answers messages as they are posted, and knows of the guest what these say. Its
//! messages are written here once more, by offsets, so that they do not come from the code that is
//! tested.

use super::Connection;
use crate::{
    bus,
    guid::Guid,
    hv::{
        testing::{
            Hypervisor,
            Installed, //
        },
        Root,
        Sink, //
    },
    sync::Atomic,
    wire::{
        message::{
            MessageType,
            MAX_LEN, //
        },
        synic::{
            MessageSlot,
            PostMessage,
            Status, //
        },
        version::Version, //
    },
};
use kernel::{
    device,
    faux,
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::Relaxed,
        Arc,
        SpinLockIrq, //
    }, //
};
use zerocopy::FromBytes;

/// What the host does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Mood {
    /// What it is asked.
    Obliging,
    /// Answers that it does not want to.
    Refusing,
    /// Takes channels back instead of answering.
    Rescinding,
    /// Has no room for the next message.
    Busy,
}

/// A message of the guest.
#[derive(Clone, Copy)]
pub(crate) struct Posted {
    pub(crate) kind: MessageType,
    bytes: [u8; MAX_LEN],
    len: usize,
}

impl Posted {
    /// The 32-bit number at an offset.
    pub(crate) fn word(&self, at: usize) -> u32 {
        let bytes = self.bytes.get(at..).and_then(<[u8]>::first_chunk);
        bytes.copied().map_or(0, u32::from_le_bytes)
    }

    /// The page numbers from an offset on.
    fn pfns(&self, at: usize) -> impl Iterator<Item = u64> + '_ {
        let bytes = self.bytes.get(at..self.len).unwrap_or_default();
        bytes.chunks_exact(8).filter_map(|bytes| {
            let bytes = bytes.first_chunk().copied()?;
            Some(u64::from_le_bytes(bytes))
        })
    }
}

/// A message of the host.
pub(crate) struct Answer {
    bytes: [u8; MAX_LEN],
    len: usize,
}

impl Answer {
    /// One without contents, of `len` bytes.
    pub(crate) fn new(kind: u32, len: usize) -> Self {
        let bytes = [0; MAX_LEN];
        Self { bytes, len }.with(0, &kind.to_le_bytes())
    }

    /// With some bytes at an offset.
    pub(crate) fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        if let Some(room) = self.bytes.get_mut(at..at + bytes.len()) {
            room.copy_from_slice(bytes);
        }
        self
    }

    /// With a number at an offset.
    pub(crate) fn word(self, at: usize, value: u32) -> Self {
        self.with(at, &value.to_le_bytes())
    }
}

/// The host's end of the connection.
#[pin_data]
pub(crate) struct Host {
    connection: Arc<Connection>,
    mood: Atomic<u32>,
    signals: Atomic<u32>,
    #[pin]
    posted: SpinLockIrq<KVec<Posted>>,
}

impl Host {
    /// Sends a message.
    pub(crate) fn send(&self, message: &Answer) {
        // CAST: A message is not longer than a slot.
        self.send_as(1, message.len as u8, message);
    }

    /// Sends a message in a slot of type `kind`, which is said to have `len` bytes.
    pub(crate) fn send_as(&self, kind: u32, len: u8, message: &Answer) {
        let mut slot = [0; size_of::<MessageSlot>()];
        slot[..4].copy_from_slice(&kind.to_le_bytes());
        slot[4] = len;
        slot[16..].copy_from_slice(&message.bytes);
        if let Ok(slot) = MessageSlot::read_from_bytes(&slot) {
            let _ = Connection::on_message(&self.connection, 0, &slot);
        }
    }

    /// Offers a channel of a device.
    pub(crate) fn offer(&self, relid: u32, instance: Guid, subchannel: u16) {
        let connection = relid + 0x1000;
        let offer = Answer::new(1, 196)
            .with(8, CLASS.as_bytes())
            .with(24, instance.as_bytes())
            .with(180, &subchannel.to_le_bytes())
            .word(184, relid)
            .with(190, &1u16.to_le_bytes())
            .word(192, connection);
        self.send(&offer);
    }

    /// Takes the offer of a channel back.
    pub(crate) fn rescind(&self, relid: u32) {
        self.send(&Answer::new(2, 12).word(8, relid));
    }

    /// What it does next.
    pub(crate) fn set_mood(&self, mood: Mood) {
        self.mood.store(mood as u32, Relaxed);
    }

    fn is(&self, mood: Mood) -> bool {
        self.mood.load(Relaxed) == mood as u32
    }

    /// Whether the guest has a connection.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.is_connected()
    }

    /// How often it was signalled.
    pub(crate) fn signals(&self) -> u32 {
        self.signals.load(Relaxed)
    }

    /// How many messages of a type the guest has posted.
    pub(crate) fn count(&self, kind: MessageType) -> usize {
        let posted = self.posted.lock();
        posted.iter().filter(|message| message.kind == kind).count()
    }

    /// The last message of a type.
    pub(crate) fn last(&self, kind: MessageType) -> Option<Posted> {
        let posted = self.posted.lock();
        let mut messages = posted.iter().rev();
        messages.find(|message| message.kind == kind).copied()
    }

    /// The pages of a piece of memory that the guest has shared, as its messages said.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn pages(&self, gpadl: u32) -> Result<KVec<u64>> {
        let mut pages = KVec::new();
        let posted = self.posted.lock();
        for message in posted.iter().filter(|message| message.word(12) == gpadl) {
            let at = match message.kind {
                MessageType::GPADL_HEADER => 28,
                MessageType::GPADL_BODY => 16,
                _ => continue,
            };
            for pfn in message.pfns(at) {
                pages.push(pfn, GFP_ATOMIC)?;
            }
        }
        Ok(pages)
    }

    /// Whether all messages about a piece of memory have come.
    fn is_complete(&self, gpadl: u32) -> bool {
        let headers = self.last(MessageType::GPADL_HEADER);
        // CAST: Widening.
        let wanted = headers.map_or(0, |header| header.word(20) as usize / 4096);
        self.pages(gpadl).is_ok_and(|pages| pages.len() == wanted)
    }

    fn answer(&self, message: &Posted) {
        let (relid, gpadl) = (message.word(8), message.word(12));
        let status = u32::from(self.is(Mood::Refusing));
        match message.kind {
            MessageType::INITIATE_CONTACT => {
                self.send(&Answer::new(15, 16).with(8, &[1, 0]).word(12, 0x77));
            }
            MessageType::UNLOAD => self.send(&Answer::new(17, 8)),
            _ if self.is(Mood::Rescinding) => self.rescind(relid),
            MessageType::REQUEST_OFFERS => self.send(&Answer::new(4, 8)),
            MessageType::OPEN_CHANNEL => {
                let result = Answer::new(6, 20).word(8, relid).word(12, relid);
                self.send(&result.word(16, status));
            }
            MessageType::GPADL_HEADER | MessageType::GPADL_BODY if self.is_complete(gpadl) => {
                let created = Answer::new(10, 20).word(8, relid).word(12, gpadl);
                self.send(&created.word(16, status));
            }
            MessageType::GPADL_TEARDOWN => self.send(&Answer::new(12, 12).word(8, gpadl)),
            MessageType::MODIFY_CHANNEL => {
                self.send(&Answer::new(24, 16).word(8, relid).word(12, status));
            }
            _ => {}
        }
    }
}

impl Hypervisor for Host {
    fn post(&self, message: &PostMessage) -> Status {
        if self.is(Mood::Busy) {
            self.set_mood(Mood::Obliging);
            return Status::INSUFFICIENT_BUFFERS;
        }
        let mut posted = Posted {
            kind: MessageType(0),
            bytes: message.payload,
            // CAST: Widening.
            len: message.len as usize,
        };
        posted.kind = MessageType(posted.word(0));
        // Interrupts are off.
        let kept = self.posted.lock().push(posted, GFP_ATOMIC);
        assert!(kept.is_ok());
        self.answer(&posted);
        Status::SUCCESS
    }

    fn signal(&self, _connection: u32) {
        self.signals.add(1u32, Relaxed);
    }
}

/// The class of the devices that the host offers: one that no driver is for.
const CLASS: Guid = crate::guid::guid!("6d1a0bc4-0c5c-4d33-b4a9-6a1d2f9e7c10");

/// A connection, with a host at its other end, until it is dropped.
pub struct Bench {
    pub(crate) host: Arc<Host>,
    _installed: Installed,
    _bus: bus::Registration,
    _root: faux::Registration,
}

impl Bench {
    /// Connects.
    ///
    /// # Errors
    ///
    /// `EBUSY` on a real Hyper-V; those of connecting.
    pub fn new() -> Result<Self> {
        let root = faux::Registration::new(c"hv_vmbus_test", None)?;
        let bus = bus::register()?;
        let device: &faux::Device<device::Bound> = root.as_ref();
        let connection = Connection::new(Root::instead(device.as_ref()))?;
        let init = pin_init!(Host {
            connection,
            mood: Atomic::new(Mood::Obliging as u32),
            signals: Atomic::new(0),
            posted <- new_spinlock_irq!(KVec::new(), "Host::posted"),
        });
        let host = Arc::pin_init(init, GFP_KERNEL)?;
        let this = Self {
            _installed: Installed::new(host.clone())?,
            host,
            _bus: bus,
            _root: root,
        };
        this.connection().connect(Version::V5_3)?;
        Ok(this)
    }

    /// The guest's end.
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.host.connection
    }

    /// What the host does next.
    pub fn set_mood(&self, mood: Mood) {
        self.host.set_mood(mood);
    }

    /// Waits until everything that follows from the host's messages has been done.
    pub(crate) fn settle(&self) {
        let queues = &self.connection().queues;
        for queue in [
            &queues.control,
            &queues.primary,
            &queues.subchannels,
            &queues.removal,
        ] {
            queue.flush();
        }
        // Channels that are gone give their relids back.
        queues.control.flush();
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.set_mood(Mood::Obliging);
        self.connection().unload();
        self.connection().remove_channels();
    }
}
