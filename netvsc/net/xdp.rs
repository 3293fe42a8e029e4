// SPDX-License-Identifier: GPL-2.0

//! XDP: programs that see packets before the network stack does.
//!
//! C header: [`include/net/xdp.h`](srctree/include/net/xdp.h)

mod buffer;
mod frames;
mod program;

use core::ops::BitOr;
use vmbus::bindings;

pub(crate) use buffer::{
    RxQueue,
    Verdict, //
};
pub(crate) use frames::Frames;
pub(super) use program::Setup;
pub(crate) use program::{
    Program,
    Reason,
    Slot, //
};

/// Which parts of XDP a driver has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Support(pub(super) u32);

impl Support {
    /// Programs may pass, drop and send back packets.
    pub(crate) const BASIC: Self = Self(bindings::netdev_xdp_act_NETDEV_XDP_ACT_BASIC);
    /// Programs may redirect packets to other devices.
    pub(crate) const REDIRECT: Self = Self(bindings::netdev_xdp_act_NETDEV_XDP_ACT_REDIRECT);
    /// Packets can be redirected to this device.
    pub(crate) const TRANSMIT: Self = Self(bindings::netdev_xdp_act_NETDEV_XDP_ACT_NDO_XMIT);
}

impl BitOr for Support {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
