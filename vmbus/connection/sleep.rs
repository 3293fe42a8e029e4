// SPDX-License-Identifier: GPL-2.0

//! The connection ends while the system hibernates, and is made again afterwards.
//!
//! Hibernation stops the system twice: for a snapshot, after which it goes on to save that, and, in
//! another kernel that has loaded it, for its being restored. Either time devices are suspended
//! first, by their drivers, which close their channels, and resumed last. In between the bus
//! suspends: the host is told to forget everything. It offers its devices anew when the bus resumes.
//!
//! Devices neither come nor go meanwhile: the queues on which they would stand still from before the
//! first device is suspended until after the last one is resumed. So channels stay what they are,
//! and the host's offers are matched to them; only sub-channels end. A device that is not offered
//! again counts as rescinded. Its driver cannot resume it, and it is removed when the queues go on.

use kernel::prelude::*;

use super::{
    Connection,
    Lease, //
};
use crate::{
    channel::Line,
    hv,
    wire::offer::Offer, //
};

impl Connection {
    /// Ends the connection. Devices have been suspended.
    ///
    /// # Errors
    ///
    /// `ENOMEM`. The connection is as it was then.
    pub(super) fn suspend(&self) -> Result {
        let room = self.relids.room()?;
        self.unload();
        // Offers and rescinds that came before are dropped, and sub-channels do not open any more.
        self.queues.control.flush();
        self.queues.subchannels.flush();
        let _ = self.relids.try_for_each(|channel| {
            if channel.primary().is_some() || channel.is_socket() {
                self.rescind(channel);
            }
            if channel.primary().is_some() {
                channel.remove();
            }
            Ok(())
        });
        self.relids.end_leases(room);
        Ok(())
    }

    /// Connects again, in the same version, and waits for the devices to be offered again. Those
    /// that are not are on their way out when this returns, whatever it returns.
    ///
    /// # Errors
    ///
    /// Those of connecting and of sending messages.
    pub(super) fn resume(&self) -> Result {
        let result = self.reconnect().and_then(|()| self.gather_offers());
        let _ = self.relids.try_for_each(|channel| {
            if !channel.is_rescinded() && self.relids.is_former(channel) {
                pr_err!(
                    "channel {}/{} not present after resume.\n",
                    channel.class(),
                    channel.instance()
                );
                self.rescind(channel);
            }
            Ok(())
        });
        result
    }

    /// Has a channel that the host offers again take the relid of the offer; gives the lease back
    /// where there is no such channel.
    pub(super) fn revive(&self, offer: &Offer, lease: Lease) -> Result<(), Lease> {
        if offer.is_subchannel() || offer.is_socket() {
            return Err(lease);
        }
        let Some(channel) = self.relids.take_former(offer.class, offer.instance) else {
            return Err(lease);
        };
        // The CPU may not have come back.
        let online = hv::cpu::OnlineGuard::new();
        channel.leave_offline_cpu();
        channel.renew(Line::of(offer), lease);
        self.relids.activate(&channel);
        drop(online);
        channel.rename_directory();
        Ok(())
    }
}
