// SPDX-License-Identifier: GPL-2.0

//! What users set of the card is set of its function, too.

use super::super::{
    adapter::Adapter,
    net::{
        log::netdev_err,
        rtnl::Held,
        xdp,
        Addresses,
        AnyDevice,
        Features,
        MacAddress, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::Relaxed,
        rcu,
        Arc,
        ArcBorrow, //
    },
};

/// Everything is received.
const PROMISCUOUS: u32 = 1;
/// Everything is received that is for many.
const ALL_MULTICAST: u32 = 2;

impl Adapter {
    /// Frames are to have another size: first those of the function, which have the old size again if
    /// that is no size for the card.
    pub(crate) fn change_both_mtus(self: ArcBorrow<'_, Self>, mtu: u32, held: Held<'_>) -> Result {
        let Some(lower) = self.function.lower.share() else {
            return self.change_mtu(mtu, held);
        };
        let old = self.net.mtu();
        lower.device().change_mtu(mtu, held)?;
        self.change_mtu(mtu, held).inspect_err(|_| {
            let _ = lower.device().change_mtu(old, held);
        })
    }

    /// The same for the address.
    pub(crate) fn change_both_addresses(&self, address: &MacAddress, held: Held<'_>) -> Result {
        let session = self.session()?;
        let Some(lower) = self.function.lower.share() else {
            return session.set_address(*address);
        };
        let old = self.net.address(held);
        lower.device().change_address(address, held)?;
        session.set_address(*address).inspect_err(|_| {
            let _ = lower.device().change_address(&old, held);
        })
    }

    /// The function is to have the card's features.
    pub(crate) fn pass_features_on(&self, features: Features, held: Held<'_>) {
        if let Some(lower) = self.function.lower.share() {
            lower.device().want_features(features, held);
        }
    }

    /// The function is to have the card's XDP program.
    ///
    /// # Errors
    ///
    /// Those of its driver.
    pub(crate) fn pass_program_on(&self, reason: &xdp::Reason<'_>, held: Held<'_>) -> Result {
        let Some(lower) = self.function.lower.share() else {
            return Ok(());
        };
        let program = self.xdp.share(held);
        let given = lower.device().give_program(program.as_ref(), held);
        given.inspect_err(|error| {
            netdev_err!(&self.net, "vf_setxdp failed:{}\n", error.to_errno());
            reason.say(c"hv_netvsc: vf_setxdp failed");
        })
    }

    /// The function is to receive what is for these addresses, and soon what the flags want. In atomic
    /// context.
    pub(crate) fn pass_addresses_on(self: &Arc<Self>, addresses: &Addresses<'_>) {
        let guard = rcu::read_lock();
        let Some(lower) = self.function.lower.get(&guard) else {
            return;
        };
        lower.copy_addresses(addresses);
        if self.wanted_flags() != self.function.flags.load(Relaxed) {
            self.follow_function();
        }
    }

    fn wanted_flags(&self) -> u32 {
        let mode = self.net.rx_mode();
        let mut flags = 0;
        if mode.promiscuous {
            flags |= PROMISCUOUS;
        }
        if mode.all_multicast {
            flags |= ALL_MULTICAST;
        }
        flags
    }

    /// Has the function receive what the card is to receive.
    pub(super) fn pass_flags_on(&self, held: Held<'_>) {
        if let Some(lower) = self.function.lower.share() {
            self.set_flags(lower.device(), self.wanted_flags(), held);
        }
    }

    /// Ends that.
    pub(super) fn take_flags_back(&self, device: &AnyDevice, held: Held<'_>) {
        self.set_flags(device, 0, held);
    }

    /// Has the function know as much as is wanted. What fails is tried again with the next change.
    fn set_flags(&self, device: &AnyDevice, wanted: u32, held: Held<'_>) {
        let mut flags = self.function.flags.load(Relaxed);
        for flag in [PROMISCUOUS, ALL_MULTICAST] {
            let more = wanted & flag != 0;
            if (flags & flag != 0) == more {
                continue;
            }
            let counted = match flag {
                PROMISCUOUS => device.count_promiscuous(more, held),
                _ => device.count_all_multicast(more, held),
            };
            if counted.is_ok() {
                flags ^= flag;
            }
        }
        self.function.flags.store(flags, Relaxed);
    }
}
