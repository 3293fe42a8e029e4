// SPDX-License-Identifier: GPL-2.0

//! Which way frames take: the host is told, and sends its own that way.

use super::super::{
    adapter::Adapter,
    net::{
        log::{
            netdev_err,
            netdev_info, //
        },
        rtnl::Held, //
    },
    session::Session,
    wire::nvsp::{
        Answer,
        Message, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::Relaxed,
        Arc, //
    },
};
use vmbus::sync::Atomic;

/// What the host said about a function of the card: that there is one, and how it is called.
pub(super) struct Association(Atomic<u64>);

impl Association {
    const PRESENT: u64 = 1 << 32;

    /// It said nothing.
    pub(super) fn none() -> Self {
        Self(Atomic::new(0))
    }

    fn set(&self, is_present: bool, serial: u32) {
        let present = if is_present { Self::PRESENT } else { 0 };
        self.0.store(present | u64::from(serial), Relaxed);
    }

    fn is_present(&self) -> bool {
        self.0.load(Relaxed) & Self::PRESENT != 0
    }

    /// Whether there is one, of that number.
    pub(super) fn is(&self, serial: u32) -> bool {
        self.0.load(Relaxed) == Self::PRESENT | u64::from(serial)
    }
}

impl Session {
    /// Tells the host which way frames are to take.
    fn switch_path(&self, to_function: bool) -> Result {
        let endpoint = self.endpoint()?;
        match self.ask(&endpoint, &Message::switch_data_path(to_function))? {
            Answer::Empty => Ok(()),
            _ => Err(EPROTO),
        }
    }
}

impl Adapter {
    /// Takes note of what the host says about a function. In softirq context.
    pub(crate) fn function_associated(self: &Arc<Self>, is_present: bool, serial: u32) {
        self.function.association.set(is_present, serial);
        self.follow_function();
    }

    /// Has frames take the function's way if it is up, and the host's if not.
    pub(crate) fn choose_path(&self, held: Held<'_>) {
        let Some(lower) = self.function.lower.share() else {
            return;
        };
        if !lower.device().is_running() {
            self.leave_function(held);
        } else if !self.function.is_chosen.load(Relaxed) {
            self.choose_function(held);
        }
    }

    fn choose_function(&self, held: Held<'_>) {
        let (Some(lower), Ok(session)) = (self.function.lower.share(), self.session()) else {
            return;
        };
        if !self.function.association.is_present() {
            netdev_info!(&self.net, "Waiting for the VF association from host\n");
            return;
        }
        let name = lower.device().name(held);
        if let Err(error) = session.switch_path(true) {
            let errno = error.to_errno();
            netdev_err!(
                &self.net,
                "Data path failed to switch to VF: {}, err: {}\n",
                name,
                errno
            );
            return;
        }
        netdev_info!(&self.net, "Data path switched to VF: {}\n", name);
        self.function
            .segments
            .store(self.net.tso_max_size(), Relaxed);
        self.net
            .set_tso_max_size(lower.device().tso_max_size(), held);
        self.function.is_chosen.store(true, Relaxed);
    }

    /// Has frames go through the host.
    pub(crate) fn leave_function(&self, held: Held<'_>) {
        if !self.forget_path(held) {
            return;
        }
        let (Some(lower), Ok(session)) = (self.function.lower.share(), self.session()) else {
            return;
        };
        let name = lower.device().name(held);
        match session.switch_path(false) {
            Ok(()) => netdev_info!(&self.net, "Data path switched from VF: {}\n", name),
            // The card is gone.
            Err(error) if error == ENODEV => (),
            Err(error) => netdev_err!(
                &self.net,
                "Data path failed to switch from VF: {}, err: {}\n",
                name,
                error.to_errno()
            ),
        }
    }

    /// Has the guest's frames go through the host, where the host is not to be told: it knows nothing
    /// of a function when the channel is opened. Returns whether they took another way.
    pub(crate) fn forget_path(&self, held: Held<'_>) -> bool {
        let was_chosen = self.function.is_chosen.load(Relaxed);
        if was_chosen {
            self.function.is_chosen.store(false, Relaxed);
            let segments = self.function.segments.load(Relaxed);
            self.net.set_tso_max_size(segments, held);
        }
        was_chosen
    }
}
