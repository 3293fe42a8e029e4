// SPDX-License-Identifier: GPL-2.0

//! Protocol versions of the bus.

use core::fmt;

open_enum! {
    /// A protocol version: the major number in the upper half, the minor in the lower.
    pub struct Version(u32) {
        /// Windows Server 2016.
        V4_0 = 0x4_0000,
        /// A channel can be moved to another virtual processor.
        V4_1 = 0x4_0001,
        /// The host chooses the connection for messages.
        V5_0 = 0x5_0000,
        /// Windows 10 1803.
        V5_1 = 0x5_0001,
        /// Windows Server 2019; the oldest that an isolated guest accepts.
        V5_2 = 0x5_0002,
        /// Windows Server 2022; moving a channel is acknowledged.
        V5_3 = 0x5_0003,
        /// Confidential channels.
        V6_0 = 0x6_0000,
    }
}

impl Version {
    /// The versions that we speak, in the order in which they are proposed.
    pub const PROPOSED: [Self; 7] = [
        Self::V6_0,
        Self::V5_3,
        Self::V5_2,
        Self::V5_1,
        Self::V5_0,
        Self::V4_1,
        Self::V4_0,
    ];

    /// The major number.
    pub const fn major(self) -> u32 {
        self.0 >> 16
    }

    /// The minor number.
    pub const fn minor(self) -> u32 {
        self.0 & 0xffff
    }

    /// Whether the host names the connection on which it wants messages.
    pub fn host_names_connection(self) -> bool {
        self >= Self::V5_0
    }

    /// Whether a channel can be moved to another virtual processor.
    pub fn can_move_channels(self) -> bool {
        self >= Self::V4_1
    }

    /// Whether the host answers a request to move a channel.
    pub fn acknowledges_moves(self) -> bool {
        self >= Self::V5_3
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major(), self.minor())
    }
}
