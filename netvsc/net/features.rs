// SPDX-License-Identifier: GPL-2.0

//! What a network device can do for the network stack.
//!
//! C header: [`include/linux/netdev_features.h`](srctree/include/linux/netdev_features.h)

use core::ops::{
    BitAnd,
    BitOr,
    BitXor, //
};
use vmbus::bindings;

/// A set of features, each of which can be on or off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Features(pub(super) u64);

impl Features {
    /// Scattered data can be sent.
    pub(crate) const SG: Self = Self(1 << bindings::NETIF_F_SG_BIT);
    /// The checksums of TCP and UDP over IPv4 are made by the device.
    pub(crate) const IP_CSUM: Self = Self(1 << bindings::NETIF_F_IP_CSUM_BIT);
    /// The checksums of TCP and UDP over IPv6 are made by the device.
    pub(crate) const IPV6_CSUM: Self = Self(1 << bindings::NETIF_F_IPV6_CSUM_BIT);
    /// Data may be in high memory.
    pub(crate) const HIGHDMA: Self = Self(1 << bindings::NETIF_F_HIGHDMA_BIT);
    /// The device inserts VLAN tags.
    pub(crate) const VLAN_TX: Self = Self(1 << bindings::NETIF_F_HW_VLAN_CTAG_TX_BIT);
    /// The device removes VLAN tags.
    pub(crate) const VLAN_RX: Self = Self(1 << bindings::NETIF_F_HW_VLAN_CTAG_RX_BIT);
    /// The device joins received packets of a connection.
    pub(crate) const LRO: Self = Self(1 << bindings::NETIF_F_LRO_BIT);
    /// The device cuts TCP over IPv4 into segments.
    pub(crate) const TSO: Self = Self(1 << bindings::NETIF_F_TSO_BIT);
    /// The device cuts TCP over IPv6 into segments.
    pub(crate) const TSO6: Self = Self(1 << bindings::NETIF_F_TSO6_BIT);
    /// The device says what a received packet hashes to.
    pub(crate) const RXHASH: Self = Self(1 << bindings::NETIF_F_RXHASH_BIT);
    /// The device checks checksums.
    pub(crate) const RXCSUM: Self = Self(1 << bindings::NETIF_F_RXCSUM_BIT);

    /// Whether all of `other` are in the set.
    #[inline]
    pub(crate) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The set without those of `other`.
    #[inline]
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Features {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Features {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitXor for Features {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}
