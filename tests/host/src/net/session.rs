// SPDX-License-Identifier: GPL-2.0

//! What the guest has set up: from the first NVSP message to the packet filter.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::config::CardConfig;
use super::frame::ETHERNET;
use super::nvsp::{NO_SECTION, Version, capability};
use super::offload::Enabled;
use super::receive::{Group, Hook, ReceiveBuffer};
use super::rss::Rss;
use super::stats::Stats;
use super::violation::Violation;
use crate::vmbus::channel::{Channel, SharedMemory};

/// What RNDIS and its per-packet information add to a frame, generously.
const RNDIS_ROOM: u32 = 200;
/// Sections of the receive buffer are multiples of this long.
const SECTION_UNIT: u32 = 64;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The buffer from which the card takes packets.
#[derive(Debug)]
pub(super) struct SendBuffer {
    memory: SharedMemory,
    section: u32,
    /// The sections of messages that are not completed yet.
    in_use: BTreeSet<u32>,
}

impl SendBuffer {
    /// Copies `len` bytes of a section that is not in use.
    pub(super) fn read(&self, section: u32, len: u32) -> Result<Vec<u8>, Violation> {
        let wrong = Violation::Section(section, len);
        let at = section as usize * self.section as usize;
        let exists = (section as usize) < self.memory.len() / self.section as usize;
        if !exists || len > self.section || len == 0 || self.in_use.contains(&section) {
            return Err(wrong);
        }
        let mut bytes = vec![0; len as usize];
        self.memory.read(at, &mut bytes).map_err(|_| wrong)?;
        Ok(bytes)
    }
}

/// A message of the guest whose completion a test holds back.
pub(super) struct Held {
    pub(super) channel: Arc<Channel>,
    pub(super) transaction: u64,
    pub(super) status: u32,
}

/// See the module.
pub(super) struct Session {
    pub(super) version: Option<Version>,
    pub(super) capabilities: u64,
    pub(super) mtu: u32,
    /// Whether the configuration was sent.
    pub(super) configured: bool,
    /// Major and minor version of NDIS.
    pub(super) ndis: Option<(u32, u32)>,
    pub(super) send: Option<SendBuffer>,
    pub(super) receive: Option<ReceiveBuffer>,
    /// Whether RNDIS was initialized, and not halted since.
    pub(super) initialized: bool,
    /// Whether it was halted; packets may still be on their way then, and are lost.
    pub(super) halted: bool,
    pub(super) filter: u32,
    pub(super) enabled: Enabled,
    pub(super) rss: Option<Rss>,
    /// Open channels by queue.
    pub(super) channels: Vec<Option<Arc<Channel>>>,
    pub(super) sub_channels: u32,
    /// Whether the guest's data take the way of a virtual function.
    pub(super) vf_path: bool,
    /// What waits for room in the receive buffer, by queue.
    pub(super) backlog: Vec<VecDeque<Group>>,
    /// Completions held back, where a test wants that.
    pub(super) held: Option<Vec<Held>>,
    // What outlives the guest's driver.
    pub(super) mac: [u8; 6],
    pub(super) link: bool,
    pub(super) speed: u32,
    pub(super) stats: Stats,
    pub(super) hook: Option<Hook>,
    /// Whether nothing is taken from the rings.
    pub(super) paused: bool,
}

impl Session {
    pub(super) fn new(config: &CardConfig) -> Self {
        let queues = usize::from(config.queues.max(1));
        Self {
            version: None,
            capabilities: 0,
            mtu: 1500,
            configured: false,
            ndis: None,
            send: None,
            receive: None,
            initialized: false,
            halted: false,
            filter: 0,
            enabled: Enabled::default(),
            rss: None,
            channels: vec![None; queues],
            sub_channels: 0,
            vf_path: false,
            backlog: (0..queues).map(|_| VecDeque::new()).collect(),
            held: None,
            mac: config.mac,
            link: config.link,
            speed: config.speed,
            stats: Stats::new(config.queues),
            hook: None,
            paused: false,
        }
    }

    /// The primary channel was opened or closed: the guest starts from the beginning.
    pub(super) fn restart(&mut self, config: &CardConfig) {
        let fresh = Self::new(config);
        let old = std::mem::replace(self, fresh);
        self.mac = old.mac;
        self.link = old.link;
        self.speed = old.speed;
        self.stats = old.stats;
        self.hook = old.hook;
        self.paused = old.paused;
        self.held = old.held.map(|_| Vec::new());
    }

    /// Whether RNDIS messages may travel.
    pub(super) fn is_connected(&self) -> bool {
        self.send.is_some() && self.receive.is_some()
    }

    /// Whether frames may be coalesced for the guest.
    pub(super) fn coalescing(&self) -> [bool; 2] {
        let agreed =
            self.version >= Some(Version::V6_1) && self.capabilities & capability::RSC != 0;
        self.enabled.coalescing.map(|enabled| enabled && agreed)
    }

    /// The longest frame without a tag.
    pub(super) fn frame_len(&self) -> usize {
        self.mtu as usize + ETHERNET
    }

    /// Takes the send buffer; returns the size of its sections.
    pub(super) fn set_send_buffer(&mut self, memory: SharedMemory, config: &CardConfig) -> u32 {
        let section = config.send_section;
        self.send = Some(SendBuffer {
            memory,
            section,
            in_use: BTreeSet::new(),
        });
        section
    }

    /// Takes the receive buffer; returns the size of its sections and how many there are.
    pub(super) fn set_receive_buffer(
        &mut self,
        memory: SharedMemory,
        id: u16,
        config: &CardConfig,
    ) -> (u32, u32) {
        let wanted = self.mtu + ETHERNET as u32 + RNDIS_ROOM;
        let section = config
            .receive_section
            .unwrap_or(wanted.next_multiple_of(SECTION_UNIT));
        let count = (memory.len() / section as usize) as u32;
        self.receive = Some(ReceiveBuffer::new(memory, id, section, count));
        (section, count)
    }

    /// Whether a message with this transaction is not completed yet.
    pub(super) fn is_held(&self, channel: &Arc<Channel>, transaction: u64) -> bool {
        let held = self.held.iter().flatten();
        held.into_iter()
            .any(|it| it.transaction == transaction && Arc::ptr_eq(&it.channel, channel))
    }

    /// Holds a completion back, and the section with it, if a test wants that. Returns whether it
    /// does.
    pub(super) fn hold(
        &mut self,
        channel: &Arc<Channel>,
        transaction: u64,
        section: u32,
        status: u32,
    ) -> bool {
        let Some(held) = &mut self.held else {
            return false;
        };
        held.push(Held {
            channel: Arc::clone(channel),
            transaction,
            status,
        });
        if let Some(send) = self.send.as_mut().filter(|_| section != NO_SECTION) {
            send.in_use.insert(section);
        }
        true
    }

    /// Ends holding back.
    pub(super) fn take_held(&mut self) -> Vec<Held> {
        let held = self.held.take().unwrap_or_default();
        if let Some(send) = &mut self.send {
            send.in_use.clear();
        }
        held
    }
}
