// SPDX-License-Identifier: GPL-2.0

//! The answers to the guest's control messages.
//!
//! A handler changes the state and fills the outbox under the state's lock. Where a channel ends,
//! the lock is given up first, the device gets rid of the channel, and only then the guest is told.

mod open;
mod sharing;

use vm_memory::{GuestAddress, GuestMemoryBackend as _};
use zerocopy::FromBytes;
use zerocopy::little_endian::{U32, U64};

use super::gpa::PAGE_SIZE;
use super::server::Server;
use super::state::Connection;
use super::violation::Fault;
use super::wire::{self, Version, kind};
use crate::hv::HvStatus;

/// The status of a request that was refused (STATUS_UNSUCCESSFUL).
const REFUSED: u32 = 0xc000_0001;
/// The status of a request with wrong parameters (STATUS_INVALID_PARAMETER).
const INVALID: u32 = 0xc000_000d;
/// The message SINT that guests use.
const SINT: u8 = 2;

impl Server {
    pub(super) fn on_message(&self, vp: u32, connection: u32, message: &[u8]) -> HvStatus {
        let Some((number, body)) = wire::split(message) else {
            self.violation(
                None,
                Fault::Malformed {
                    kind: 0,
                    len: message.len(),
                },
            );
            return HvStatus::Success;
        };
        if !self.accepts(connection) {
            // Guests try connection ids to find out what the host is.
            if number != kind::INITIATE_CONTACT {
                self.violation(None, Fault::Connection(connection));
            }
            return HvStatus::InvalidConnectionId;
        }
        if self.handle(vp, connection, number, body).is_none() {
            self.violation(
                None,
                Fault::Malformed {
                    kind: number,
                    len: message.len(),
                },
            );
        }
        HvStatus::Success
    }

    /// Whether messages may come on `connection` at all.
    fn accepts(&self, connection: u32) -> bool {
        let new = self
            .config()
            .versions
            .iter()
            .any(|&version| version >= Version::V5_0);
        match connection {
            wire::CONNECTION_OLD => true,
            wire::CONNECTION_CONTACT => new,
            id => {
                let version = self.lock_state().version();
                id == self.config().message_connection && version >= Some(Version::V5_0)
            }
        }
    }

    /// `None` where the body is too short or the kind is unknown.
    fn handle(&self, vp: u32, connection: u32, number: u32, body: &[u8]) -> Option<()> {
        if number == kind::INITIATE_CONTACT {
            self.contact(vp, connection, &prefix(body)?.0);
            return Some(());
        }
        let Some(version) = self.lock_state().version() else {
            self.without_connection(vp, number);
            return Some(());
        };
        let expected = match version >= Version::V5_0 {
            true => self.config().message_connection,
            false => wire::CONNECTION_OLD,
        };
        if connection != expected {
            self.violation(None, Fault::Connection(connection));
        }
        match number {
            kind::REQUEST_OFFERS => self.request_offers(),
            kind::OPEN_CHANNEL => self.open(&prefix(body)?.0),
            kind::CLOSE_CHANNEL => self.close(relid(body)?),
            kind::GPADL_HEADER => {
                let (header, pfns) = prefix::<wire::GpadlHeader>(body)?;
                self.gpadl(|server, state| {
                    state
                        .gpadls
                        .start(server.memory(), &header, &parse_pfns(pfns))
                });
            }
            kind::GPADL_BODY => {
                let (header, pfns) = prefix::<wire::GpadlBody>(body)?;
                self.gpadl(|server, state| {
                    state
                        .gpadls
                        .body(server.memory(), &header, &parse_pfns(pfns))
                });
            }
            kind::GPADL_TEARDOWN => self.gpadl_teardown(&prefix(body)?.0),
            kind::RELID_RELEASED => self.relid_released(relid(body)?),
            kind::UNLOAD => self.unload(),
            kind::MODIFY_CHANNEL => self.modify(version, &prefix(body)?.0),
            // There are no sockets behind this host.
            kind::TL_CONNECT_REQUEST => {}
            _ => return None,
        }
        Some(())
    }

    fn without_connection(&self, vp: u32, number: u32) {
        match number {
            // A crashing guest unloads whatever its state is, and waits for the answer.
            kind::UNLOAD => self.post_to(vp, kind::UNLOAD_RESPONSE, &[0u8; 0]),
            _ => self.violation(None, Fault::NotConnected(number)),
        }
    }

    fn contact(&self, vp: u32, connection: u32, contact: &wire::InitiateContact) {
        let version = Version(contact.version.get());
        let new = version >= Version::V5_0;
        if (connection == wire::CONNECTION_CONTACT) != new {
            self.violation(None, Fault::Connection(connection));
        }
        let sint = contact.interrupt.get().to_le_bytes()[0];
        if new && sint != SINT {
            self.violation(None, Fault::Sint(sint));
        }
        let target_vp = contact.target_vp.get();
        let valid_vp = target_vp < self.vp_count();
        if !valid_vp {
            self.violation(None, Fault::Processor(target_vp));
        }
        self.drop_old_connection();
        let supported = valid_vp && self.config().versions.contains(&version);
        let mut state = self.lock_state();
        state.contacts += 1;
        if supported {
            state.connection = Some(Connection {
                version,
                target_vp,
                monitor_page: self.monitor_page(contact),
                interrupt_page: (!new).then_some(contact.interrupt.get()),
                offers_requested: false,
            });
        }
        let message_connection = if supported && new {
            self.config().message_connection
        } else {
            0
        };
        let response = wire::VersionResponse {
            supported: supported.into(),
            connection: message_connection.into(),
            ..wire::zeroed()
        };
        let answer_to = if valid_vp { target_vp } else { vp };
        self.post_to(answer_to, kind::VERSION_RESPONSE, &response);
    }

    /// A guest that starts over without having unloaded loses everything.
    fn drop_old_connection(&self) {
        let channels = {
            let mut state = self.lock_state();
            if state.connection.is_none() {
                return;
            }
            state.disconnect()
        };
        self.violation(None, Fault::ContactWhileConnected);
        self.end(&channels);
        self.after_change();
    }

    /// The page with the guest's triggers, 0 where it is not memory.
    fn monitor_page(&self, contact: &wire::InitiateContact) -> u64 {
        let page = contact.monitor_to_host.get();
        let usable = page.is_multiple_of(PAGE_SIZE as u64)
            && self.memory().check_range(GuestAddress(page), PAGE_SIZE);
        if usable { page } else { 0 }
    }

    fn request_offers(&self) {
        let mut state = self.lock_state();
        let again = match state.connection.as_mut() {
            Some(connection) => std::mem::replace(&mut connection.offers_requested, true),
            None => return,
        };
        if again {
            drop(state);
            return self.violation(None, Fault::OffersRequestedTwice);
        }
        let instances: Vec<_> = state.devices.iter().map(|it| it.offer.instance).collect();
        for instance in instances {
            self.offer(&mut state, instance, 0);
        }
        self.post(&state, kind::ALL_OFFERS_DELIVERED, &[0u8; 0]);
    }

    fn relid_released(&self, relid: u32) {
        let mut state = self.lock_state();
        let Some(mut offer) = state.remove_offer(relid) else {
            drop(state);
            return self.violation(relid, Fault::UnknownRelid(kind::RELID_RELEASED));
        };
        state.releases += 1;
        drop(state);
        if let Some(channel) = offer.take_channel() {
            if !offer.revoked {
                self.violation(relid, Fault::ReleasedWhileOpen);
            }
            self.end(&[channel]);
            self.after_change();
        }
    }

    fn unload(&self) {
        let (channels, vp) = {
            let mut state = self.lock_state();
            let vp = state
                .connection
                .as_ref()
                .map_or(0, |connection| connection.target_vp);
            state.unloads += 1;
            (state.disconnect(), vp)
        };
        self.end(&channels);
        self.after_change();
        self.post_to(vp, kind::UNLOAD_RESPONSE, &[0u8; 0]);
    }
}

fn prefix<T: FromBytes>(body: &[u8]) -> Option<(T, &[u8])> {
    T::read_from_prefix(body).ok()
}

fn relid(body: &[u8]) -> Option<u32> {
    prefix::<U32>(body).map(|(relid, _)| relid.get())
}

fn parse_pfns(bytes: &[u8]) -> Vec<u64> {
    let pfns = bytes.chunks_exact(size_of::<U64>());
    pfns.filter_map(|pfn| U64::read_from_bytes(pfn).ok())
        .map(U64::get)
        .collect()
}
