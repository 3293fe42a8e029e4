// SPDX-License-Identifier: GPL-2.0

//! What a controller is to the guest: a SCSI controller, or the fast way to one disk of an IDE
//! controller, of which a guest has two with two disks each.

use super::bus::Address;
use super::controller::ControllerConfig;
use super::protocol::{CLASS, IDE_CLASS};
use crate::vmbus::device::Guid;

/// A disk of an IDE controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdePlace {
    /// The controller, 0 or 1.
    pub controller: u8,
    /// The disk, 0 or 1. It is the target by which the guest asks for it.
    pub disk: u8,
}

/// The kind of a controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A SCSI controller.
    #[default]
    Scsi,
    /// One disk of an IDE controller.
    Ide(IdePlace),
}

impl IdePlace {
    /// The instance of the channel. Linux takes the target from its bytes 4 and 5.
    pub fn instance(self) -> Guid {
        let mut guid = [0; 16];
        guid[0] = self.controller;
        guid[4] = self.disk;
        guid[6..8].copy_from_slice(&0x8899u16.to_le_bytes());
        guid
    }
}

impl Kind {
    /// The class to offer.
    pub(super) fn class(self) -> Guid {
        match self {
            Kind::Scsi => CLASS,
            Kind::Ide(_) => IDE_CLASS,
        }
    }

    /// `user_def` of the offer: for an IDE disk its place, which old Windows drivers look at.
    pub(super) fn user_defined(self) -> [u8; 120] {
        const PATH: usize = 2;
        const TARGET: usize = 3;
        const FLAGS: usize = 8;
        const IS_IDE: u32 = 2;

        let mut bytes = [0; 120];
        if let Kind::Ide(place) = self {
            bytes[PATH] = place.controller;
            bytes[TARGET] = place.disk;
            bytes[FLAGS..FLAGS + 4].copy_from_slice(&IS_IDE.to_le_bytes());
        }
        bytes
    }

    /// Where a request goes. Guests do not agree on the bus of an IDE disk, of which each channel has
    /// one.
    pub(super) fn resolve(self, at: Address) -> Address {
        match self {
            Kind::Scsi => at,
            Kind::Ide(_) => Address { path: 0, ..at },
        }
    }
}

impl ControllerConfig {
    /// The channel of an IDE disk, which is to be added as unit 0 of target `place.disk`.
    pub fn ide(place: IdePlace) -> Self {
        ControllerConfig {
            kind: Kind::Ide(place),
            instance: place.instance(),
            max_sub_channels: 0,
            ..ControllerConfig::default()
        }
    }
}
