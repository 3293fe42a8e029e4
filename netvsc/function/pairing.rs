// SPDX-License-Identifier: GPL-2.0

//! A virtual function is taken, set up, and let go.

use super::{
    super::{
        adapter::{
            Adapter,
            FUNCTION, //
        },
        net::{
            log::{
                netdev_err,
                netdev_info,
                netdev_warn, //
            },
            rtnl::{
                self,
                Held, //
            },
            AnyDevice,
            Lower, //
        },
        wire::frame::HEADROOM,
    },
    watch, //
};
use core::time::Duration;
use kernel::{
    sync::{
        atomic::{
            Full,
            Relaxed, //
        },
        Arc, //
    },
    workqueue::WorkItem,
};

/// How long user space has to give the function's interface another name, which it cannot have while
/// it is up.
const NAMING: Duration = Duration::from_millis(100);

impl Adapter {
    /// Takes a function that has come. It is set up a little later.
    pub(super) fn take_function(self: &Arc<Self>, device: &AnyDevice, held: Held<'_>) {
        if device.is_beside(&self.net, held) {
            self.join(device, held);
        }
        self.follow_function();
    }

    /// Has the function be what it is to be, soon. In any context.
    pub(crate) fn follow_function(self: &Arc<Self>) {
        let _ = self.queue.enqueue::<_, FUNCTION>(self.clone());
    }

    fn join(self: &Arc<Self>, device: &AnyDevice, held: Held<'_>) {
        if self.session().is_err() || self.function.lower.share().is_some() {
            return;
        }
        netdev_info!(&self.net, "VF registering: {}\n", device.name(held));
        match Lower::join(self.net.clone(), device, self.clone(), held) {
            Ok(lower) => {
                netdev_info!(device, "joined to {}\n", self.net.name(held));
                // CAST: A small constant.
                let headroom = device.needed_headroom().max(HEADROOM as u16);
                self.net.set_needed_headroom(headroom, held);
                self.function.is_set_up.store(false, Relaxed);
                self.function.lower.replace(Some(lower));
            }
            Err(error) => netdev_err!(
                device,
                "can not be joined to {} (err = {})\n",
                self.net.name(held),
                error.to_errno()
            ),
        }
    }

    /// Takes the function that there is already, if there is one, and sets it up.
    pub(crate) fn look_for_function(self: &Arc<Self>, held: Held<'_>) {
        if self.function.lower.share().is_some() {
            return;
        }
        let is_ours = |device: &AnyDevice| {
            watch::card_of(device, held).is_some_and(|card| Arc::ptr_eq(&card, self))
        };
        let Some(device) = AnyDevice::find(is_ours, held) else {
            return;
        };
        if device.is_beside(&self.net, held) {
            device.mark_lower(held);
            self.join(&device, held);
            self.set_up_function(held);
        } else {
            self.bring_here(&device, held);
        }
    }

    /// Moves a function to the card's namespace, where it is heard of as if it came.
    fn bring_here(&self, device: &AnyDevice, held: Held<'_>) {
        match device.move_beside(&self.net, held) {
            Ok(()) => netdev_info!(
                device,
                "Moved VF to namespace with: {}\n",
                self.net.name(held)
            ),
            Err(error) => netdev_err!(
                device,
                "Cannot move to same namespace as {}: {}\n",
                self.net.name(held),
                error.to_errno()
            ),
        }
    }

    /// Sets the function up as the card is, once.
    pub(crate) fn set_up_function(&self, held: Held<'_>) {
        let Some(lower) = self.function.lower.share() else {
            return;
        };
        if self.function.is_set_up.xchg(true, Full) {
            return;
        }
        let device = lower.device();
        let mtu = self.net.mtu();
        if device.change_mtu(mtu, held).is_err() {
            netdev_warn!(device, "unable to change mtu to {}\n", mtu);
        }
        device.want_features(self.net.features(), held);
        if device
            .give_program(self.xdp.share(held).as_ref(), held)
            .is_err()
        {
            netdev_warn!(device, "unable to have the XDP program\n");
        }
        self.net
            .with_addresses(|addresses| lower.copy_addresses(addresses));
        self.pass_flags_on(held);
        if self.net.is_running() {
            self.open_function(held);
        } else {
            device.close(held);
        }
    }

    /// Has the function go up with the card.
    pub(crate) fn open_function(&self, held: Held<'_>) {
        if let Some(lower) = self.function.lower.share() {
            // Without it frames go through the host.
            if let Err(error) = lower.device().open(held) {
                netdev_warn!(lower.device(), "unable to open: {}\n", error.to_errno());
            }
        }
    }

    /// Has the function go down with the card.
    pub(crate) fn close_function(&self, held: Held<'_>) {
        if let Some(lower) = self.function.lower.share() {
            lower.device().close(held);
        }
    }

    /// Lets the function go, if there is one.
    pub(crate) fn let_go(&self, held: Held<'_>) {
        self.leave_function(held);
        let Some(lower) = self.function.lower.replace(None) else {
            return;
        };
        let name = lower.device().name(held);
        netdev_info!(&self.net, "VF unregistering: {}\n", name);
        self.take_flags_back(lower.device(), held);
        if self.has_xdp(held) && lower.device().give_program(None, held).is_err() {
            netdev_warn!(lower.device(), "unable to lose the XDP program\n");
        }
        lower.remove_addresses(held);
        lower.leave(held);
        // CAST: A small constant.
        self.net.set_needed_headroom(HEADROOM as u16, held);
    }
}

impl WorkItem<FUNCTION> for Adapter {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        if this.going.wait_timeout(NAMING) {
            return;
        }
        let rtnl = rtnl::lock();
        let held = rtnl.held();
        match this.function.lower.share() {
            None => this.look_for_function(held),
            Some(lower) if !lower.device().is_beside(&this.net, held) => {
                this.bring_here(lower.device(), held);
            }
            Some(_) => {
                this.set_up_function(held);
                this.pass_flags_on(held);
            }
        }
        this.choose_path(held);
    }
}
