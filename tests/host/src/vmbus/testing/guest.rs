// SPDX-License-Identifier: GPL-2.0

//! A guest that does what a test tells it to.

mod channels;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use vm_memory::{Bytes as _, GuestAddress, GuestMemoryMmap};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::hypervisor::FakeHypervisor;
use crate::hv::{Guest as _, HvStatus};
use crate::vmbus::channel::GpaRange;
use crate::vmbus::device::Guid;
use crate::vmbus::server::{Server, ServerConfig};
use crate::vmbus::wire::{self, OfferChannel, Version, kind};

/// How long to wait for the host; it answers in microseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How much memory the guest has.
const MEMORY_PAGES: u64 = 16384;
/// The pages at the start that are not handed out; the monitor page for the host is one of them.
const FIRST_PAGE: u64 = 16;
/// The page with the guest's triggers.
const MONITOR_PAGE: u64 = 2;

/// An offer as the guest got it.
#[derive(Clone, Copy, Debug)]
pub struct OfferSeen {
    /// The channel.
    pub relid: u32,
    /// 0 for a primary channel.
    pub index: u16,
    /// The device.
    pub instance: Guid,
    /// The whole message.
    pub message: OfferChannel,
}

/// See the module.
pub struct FakeGuest {
    hypervisor: Arc<FakeHypervisor>,
    memory: Arc<GuestMemoryMmap>,
    server: Arc<Server>,
    inbox: VecDeque<Vec<u8>>,
    connection: u32,
    next_page: u64,
    next_gpadl: u32,
    /// How many pages each ring of the next open has, header included.
    pub ring_pages: u64,
    /// The virtual processor that the next open names.
    pub target_vp: u32,
}

impl FakeGuest {
    /// A guest with two virtual processors, 64 MiB, and a server of its own.
    pub fn new(config: ServerConfig) -> Self {
        let size = (MEMORY_PAGES * 4096) as usize;
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), size)]);
        let memory = Arc::new(memory.expect("anonymous memory"));
        let hypervisor = FakeHypervisor::new(2);
        let server = Server::new(Arc::clone(&hypervisor) as _, Arc::clone(&memory), config);
        Self {
            hypervisor,
            memory,
            server,
            inbox: VecDeque::new(),
            connection: wire::CONNECTION_OLD,
            next_page: FIRST_PAGE,
            next_gpadl: 0xe1e10,
            ring_pages: 4,
            target_vp: 0,
        }
    }

    /// The server.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// The hypervisor.
    pub fn hypervisor(&self) -> &Arc<FakeHypervisor> {
        &self.hypervisor
    }

    /// The guest's memory.
    pub fn memory(&self) -> &Arc<GuestMemoryMmap> {
        &self.memory
    }

    /// Hands out `count` pages, contiguous where possible. They start over when used up.
    pub fn allocate(&mut self, count: u64) -> Vec<u64> {
        if self.next_page + count > MEMORY_PAGES {
            self.next_page = FIRST_PAGE;
        }
        let first = self.next_page;
        self.next_page += count;
        (first..first + count).collect()
    }

    /// A buffer of `len` bytes at `offset` into its first page, with `content`, whose pages do not
    /// follow each other.
    pub fn buffer(&mut self, offset: u32, len: u32, content: &[u8]) -> GpaRange {
        let pages = GpaRange::page_count(offset, len);
        let mut pfns: Vec<_> = self.allocate(2 * pages).into_iter().step_by(2).collect();
        pfns.reverse();
        let range = GpaRange { len, offset, pfns };
        crate::vmbus::gpa::write(&self.memory, std::slice::from_ref(&range), 0, content)
            .expect("the buffer is memory");
        range
    }

    /// What is in a buffer.
    pub fn content(&self, range: &GpaRange) -> Vec<u8> {
        let mut content = vec![0; range.len as usize];
        crate::vmbus::gpa::read(&self.memory, std::slice::from_ref(range), 0, &mut content)
            .expect("the buffer is memory");
        content
    }

    /// Posts a message on the agreed connection.
    pub fn post(&self, kind: u32, body: &(impl IntoBytes + Immutable + ?Sized)) -> HvStatus {
        self.post_on(self.connection, kind, body)
    }

    /// Posts a message on a connection of the caller's choice.
    pub fn post_on(
        &self,
        connection: u32,
        kind: u32,
        body: &(impl IntoBytes + Immutable + ?Sized),
    ) -> HvStatus {
        self.server
            .on_post_message(0, connection, 1, &wire::message(kind, body))
    }

    /// Waits for a message of `kind` that `wanted` accepts; others stay for later calls.
    pub fn wait_message_if(
        &mut self,
        kind: u32,
        wanted: impl Fn(&[u8]) -> bool,
        patience: Duration,
    ) -> Option<Vec<u8>> {
        let matches = |message: &Vec<u8>| {
            wire::split(message).is_some_and(|(found, body)| found == kind && wanted(body))
        };
        loop {
            if let Some(position) = self.inbox.iter().position(matches) {
                return self
                    .inbox
                    .remove(position)
                    .map(|message| message[8..].to_vec());
            }
            let (_, message) = self.hypervisor.take_message(patience)?;
            self.inbox.push_back(message);
        }
    }

    /// Waits for a message of `kind` and parses its body.
    pub fn wait_message<T: FromBytes>(&mut self, kind: u32) -> Option<T> {
        let body = self.wait_message_if(kind, |_| true, PATIENCE)?;
        T::read_from_prefix(&body).ok().map(|(body, _)| body)
    }

    /// Whether a message of `kind` is there. Does not wait.
    pub fn has_message(&mut self, kind: u32) -> bool {
        while let Some((_, message)) = self.hypervisor.take_message(Duration::ZERO) {
            self.inbox.push_back(message);
        }
        self.inbox
            .iter()
            .any(|message| wire::split(message).is_some_and(|it| it.0 == kind))
    }

    /// Proposes `version` the way Linux does. Returns whether the host took it, or the error of
    /// the hypercall.
    ///
    /// # Errors
    ///
    /// The status of the hypercall, where it failed.
    pub fn connect(&mut self, version: Version) -> Result<bool, HvStatus> {
        let new = version >= Version::V5_0;
        let contact = wire::InitiateContact {
            version: version.0.into(),
            interrupt: if new { 2 } else { 4096 }.into(),
            monitor_to_guest: ((MONITOR_PAGE - 1) * 4096).into(),
            monitor_to_host: (MONITOR_PAGE * 4096).into(),
            ..wire::zeroed()
        };
        let id = if new {
            wire::CONNECTION_CONTACT
        } else {
            wire::CONNECTION_OLD
        };
        match self.post_on(id, kind::INITIATE_CONTACT, &contact) {
            HvStatus::Success => {}
            status => return Err(status),
        }
        let response = self.wait_message::<wire::VersionResponse>(kind::VERSION_RESPONSE);
        let response = response.expect("a version response");
        let supported = response.supported != 0;
        if supported {
            self.connection = if new { response.connection.get() } else { id };
        }
        Ok(supported)
    }

    /// Proposes versions from the newest on until the host takes one.
    pub fn negotiate(&mut self) -> Option<Version> {
        let newest_first = Version::ALL.into_iter().rev();
        newest_first
            .into_iter()
            .find(|&version| self.connect(version) == Ok(true))
    }

    /// Asks for the offers and returns them.
    pub fn request_offers(&mut self) -> Vec<OfferSeen> {
        self.post(kind::REQUEST_OFFERS, &[0u8; 0]);
        let end = self.wait_message_if(kind::ALL_OFFERS_DELIVERED, |_| true, PATIENCE);
        end.expect("the end of the offers");
        let mut offers = Vec::new();
        while self.has_message(kind::OFFER_CHANNEL) {
            offers.extend(self.next_offer());
        }
        offers
    }

    /// Negotiates, and asks for the offers.
    pub fn connect_and_request_offers(&mut self) -> Vec<OfferSeen> {
        self.negotiate().expect("a common version");
        self.request_offers()
    }

    /// Waits for an offer.
    pub fn next_offer(&mut self) -> Option<OfferSeen> {
        let message = self.wait_message::<OfferChannel>(kind::OFFER_CHANNEL)?;
        Some(OfferSeen {
            relid: message.relid.get(),
            index: message.subchannel_index.get(),
            instance: message.instance,
            message,
        })
    }

    /// Waits for the rescind of `relid`. Returns whether it came.
    pub fn wait_rescind(&mut self, relid: u32) -> bool {
        let mine = |body: &[u8]| body.starts_with(&relid.to_le_bytes());
        self.wait_message_if(kind::RESCIND_OFFER, mine, PATIENCE)
            .is_some()
    }

    /// Ends the connection.
    pub fn unload(&mut self) {
        self.post(kind::UNLOAD, &[0u8; 0]);
        let response = self.wait_message_if(kind::UNLOAD_RESPONSE, |_| true, PATIENCE);
        response.expect("an answer to the unload");
        self.inbox.clear();
    }

    /// Sets the trigger bit of `monitor` in the monitor page.
    pub(super) fn trigger(&self, monitor: u8) {
        let group = u64::from(monitor / 32);
        let at = GuestAddress(MONITOR_PAGE * 4096 + 8 + 8 * group);
        let bits: u32 = self.memory.read_obj(at).expect("the page is memory");
        self.memory
            .write_obj(bits | 1 << (monitor % 32), at)
            .expect("the page is memory");
    }
}
