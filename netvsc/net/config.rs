// SPDX-License-Identifier: GPL-2.0

//! What is configured of a network device: sizes, features, addresses, names.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    device::MacAddress,
    rtnl::Held,
    xdp::Support,
    Device,
    Features, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};
use vmbus::bindings;

impl Device {
    /// The largest payload of a frame, in bytes.
    #[inline]
    pub(crate) fn mtu(&self) -> u32 {
        // SAFETY: The device is valid; the value changes at any time, hence the volatile read.
        unsafe { (&raw const (*self.as_raw()).mtu).read_volatile() }
    }

    /// Sets the largest payload of a frame, without asking the driver.
    pub(crate) fn set_mtu(&self, mtu: u32, _held: Held<'_>) {
        // SAFETY: The device is valid; changed under the RTNL and read at any time.
        unsafe { (&raw mut (*self.as_raw()).mtu).write_volatile(mtu) };
    }

    /// Sets what the payload of a frame may be set to.
    pub(crate) fn set_mtu_range(&self, min: u32, max: u32, _held: Held<'_>) {
        // SAFETY: The device is valid; used under the RTNL.
        unsafe { (*self.as_raw()).min_mtu = min };
        // SAFETY: As above.
        unsafe { (*self.as_raw()).max_mtu = max };
    }

    /// The features that are on.
    #[inline]
    pub(crate) fn features(&self) -> Features {
        // SAFETY: The device is valid; the value changes at any time, hence the volatile read.
        Features(unsafe { (&raw const (*self.as_raw()).features).read_volatile() })
    }

    /// Sets which features are on, without asking the driver.
    pub(crate) fn set_features(&self, features: Features, _held: Held<'_>) {
        // SAFETY: The device is valid; changed under the RTNL and read at any time.
        unsafe { (&raw mut (*self.as_raw()).features).write_volatile(features.0) };
    }

    /// The features that users may turn on and off.
    pub(crate) fn hw_features(&self, _held: Held<'_>) -> Features {
        // SAFETY: The device is valid; used under the RTNL.
        Features(unsafe { (*self.as_raw()).hw_features })
    }

    /// Sets which features users may turn on and off.
    pub(crate) fn set_hw_features(&self, features: Features, _held: Held<'_>) {
        // SAFETY: The device is valid; used under the RTNL.
        unsafe { (*self.as_raw()).hw_features = features.0 };
    }

    /// Sets the features of VLANs on this device.
    pub(crate) fn set_vlan_features(&self, features: Features, _held: Held<'_>) {
        // SAFETY: The device is valid; used under the RTNL.
        unsafe { (*self.as_raw()).vlan_features = features.0 };
    }

    /// Says which parts of XDP the driver has.
    pub(crate) fn set_xdp_features(&self, features: Support, _held: Held<'_>) {
        // SAFETY: The device is valid; used under the RTNL.
        unsafe { (*self.as_raw()).xdp_features = features.0 };
    }

    /// Sets how large a packet the device cuts into segments.
    pub(crate) fn set_tso_max_size(&self, bytes: u32, _held: Held<'_>) {
        // SAFETY: The device is valid, and the RTNL is held.
        unsafe { bindings::netif_set_tso_max_size(self.as_raw(), bytes) };
    }

    /// Sets how much room the driver wants in front of the data of packets to be sent.
    pub(crate) fn set_needed_headroom(&self, bytes: u16, _held: Held<'_>) {
        // SAFETY: The device is valid; changed under the RTNL and read at any time.
        unsafe { (&raw mut (*self.as_raw()).needed_headroom).write_volatile(bytes) };
    }

    /// Sets the device's address, without asking the driver.
    pub(crate) fn set_address(&self, address: &MacAddress, _held: Held<'_>) {
        // SAFETY: The address of an Ethernet device has this length and changes under the RTNL.
        unsafe { bindings::dev_addr_mod(self.as_raw(), 0, address.as_ptr().cast(), address.len()) };
    }

    /// Whether there is a description.
    pub(crate) fn has_alias(&self, _held: Held<'_>) -> bool {
        // SAFETY: The device is valid; only whether there is one is looked at.
        !unsafe { (&raw const (*self.as_raw()).ifalias).read_volatile() }.is_null()
    }

    /// Sets the description that users see.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is too long, and `ENOMEM`.
    pub(crate) fn set_alias(&self, alias: &[u8]) -> Result {
        // SAFETY: The device is valid, and so are as many bytes.
        let set =
            unsafe { bindings::dev_set_alias(self.as_raw(), alias.as_ptr().cast(), alias.len()) };
        to_result(set.min(0))
    }
}
