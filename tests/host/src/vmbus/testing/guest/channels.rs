// SPDX-License-Identifier: GPL-2.0

//! How the guest shares memory, and opens, moves and closes channels.

use std::sync::Arc;

use zerocopy::IntoBytes as _;

use super::{FakeGuest, OfferSeen};
use crate::vmbus::testing::channel::GuestChannel;
use crate::vmbus::testing::ring::GuestRing;
use crate::vmbus::wire::{self, kind};

impl FakeGuest {
    /// Shares pages under a new handle.
    ///
    /// # Errors
    ///
    /// The status that the host refused with.
    pub fn share(&mut self, relid: u32, pfns: &[u64]) -> Result<u32, u32> {
        let gpadl = self.next_gpadl;
        self.next_gpadl += 1;
        self.post_gpadl(relid, gpadl, pfns);
        let created = self.wait_message::<wire::GpadlCreated>(kind::GPADL_CREATED);
        let created = created.expect("an answer to the GPADL");
        assert_eq!((created.relid.get(), created.gpadl.get()), (relid, gpadl));
        match created.status.get() {
            0 => Ok(gpadl),
            status => Err(status),
        }
    }

    /// Posts the messages of a GPADL.
    pub fn post_gpadl(&self, relid: u32, gpadl: u32, pfns: &[u64]) {
        let (first, mut rest) = pfns.split_at(pfns.len().min(wire::PFNS_IN_HEADER));
        let header = wire::GpadlHeader {
            relid: relid.into(),
            gpadl: gpadl.into(),
            range_bytes: ((8 + 8 * pfns.len()) as u16).into(),
            range_count: 1.into(),
            byte_count: (4096 * pfns.len() as u32).into(),
            byte_offset: 0.into(),
        };
        self.post(
            kind::GPADL_HEADER,
            &[header.as_bytes(), first.as_bytes()].concat()[..],
        );
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(wire::PFNS_IN_BODY));
            let body = wire::GpadlBody {
                number: 0.into(),
                gpadl: gpadl.into(),
            };
            self.post(
                kind::GPADL_BODY,
                &[body.as_bytes(), now.as_bytes()].concat()[..],
            );
            rest = later;
        }
    }

    /// Ends the sharing of pages.
    pub fn unshare(&mut self, relid: u32, gpadl: u32) {
        let teardown = wire::GpadlTeardown {
            relid: relid.into(),
            gpadl: gpadl.into(),
        };
        self.post(kind::GPADL_TEARDOWN, &teardown);
        let torndown = self.wait_message::<wire::GpadlTorndown>(kind::GPADL_TORNDOWN);
        assert_eq!(
            torndown.expect("an answer to the teardown").gpadl.get(),
            gpadl
        );
    }

    /// Opens a channel with rings of [`Self::ring_pages`] pages.
    ///
    /// # Errors
    ///
    /// The status that the host refused with.
    pub fn open(&mut self, offer: &OfferSeen) -> Result<GuestChannel, u32> {
        let pages = self.allocate(2 * self.ring_pages);
        let gpadl = self.share(offer.relid, &pages)?;
        self.open_with(offer, gpadl, &pages)
    }

    /// Opens a channel over pages that are shared already.
    ///
    /// # Errors
    ///
    /// The status that the host refused with.
    pub fn open_with(
        &mut self,
        offer: &OfferSeen,
        gpadl: u32,
        pages: &[u64],
    ) -> Result<GuestChannel, u32> {
        let (to_host, to_guest) = pages.split_at(pages.len() / 2);
        let ring = |pages: &[u64]| GuestRing::new(Arc::clone(&self.memory), pages.to_vec());
        let (outgoing, incoming) = (ring(to_host), ring(to_guest));
        let open = wire::OpenChannel {
            relid: offer.relid.into(),
            open_id: offer.relid.into(),
            gpadl: gpadl.into(),
            target_vp: self.target_vp.into(),
            downstream_page: (to_host.len() as u32).into(),
            user_data: [0x5a; wire::USER_DATA],
        };
        self.post(kind::OPEN_CHANNEL, &open);
        let result = self.wait_message::<wire::OpenResult>(kind::OPEN_RESULT);
        let result = result.expect("an answer to the open");
        assert_eq!(result.relid.get(), offer.relid);
        if result.status.get() != 0 {
            return Err(result.status.get());
        }
        Ok(GuestChannel {
            relid: offer.relid,
            gpadl,
            outgoing,
            incoming,
            connection: offer.message.connection.get(),
            monitor: (offer.message.monitor_allocated & 1 != 0).then_some(offer.message.monitor_id),
        })
    }

    /// Closes a channel and ends the sharing of its rings.
    pub fn close(&mut self, channel: &GuestChannel) {
        self.post(
            kind::CLOSE_CHANNEL,
            &wire::Relid {
                relid: channel.relid.into(),
            },
        );
        self.unshare(channel.relid, channel.gpadl);
    }

    /// Releases a relid.
    pub fn release(&self, relid: u32) {
        self.post(
            kind::RELID_RELEASED,
            &wire::Relid {
                relid: relid.into(),
            },
        );
    }

    /// Moves a channel's interrupts. Returns the status where the version has an answer.
    pub fn modify(&mut self, relid: u32, vp: u32) -> Option<u32> {
        let modify = wire::ModifyChannel {
            relid: relid.into(),
            target_vp: vp.into(),
        };
        self.post(kind::MODIFY_CHANNEL, &modify);
        if !self.has_message(kind::MODIFY_CHANNEL_RESPONSE) {
            return None;
        }
        let response =
            self.wait_message::<wire::ModifyChannelResponse>(kind::MODIFY_CHANNEL_RESPONSE)?;
        Some(response.status.get())
    }
}
