// SPDX-License-Identifier: GPL-2.0

//! Sense data (SPC-4, section 4.5): why a command ended with CHECK CONDITION.

/// A sense key with its additional sense code and qualifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sense {
    /// The sense key.
    pub key: u8,
    /// The additional sense code.
    pub asc: u8,
    /// The additional sense code qualifier.
    pub ascq: u8,
}

impl Sense {
    /// Key ILLEGAL REQUEST.
    pub const ILLEGAL_REQUEST: u8 = 0x5;
    /// Key UNIT ATTENTION.
    pub const UNIT_ATTENTION: u8 = 0x6;

    /// Nothing to report.
    pub const NONE: Sense = Sense::new(0x0, 0x00, 0x00);
    /// There is no disc in the drive.
    pub const NO_MEDIUM: Sense = Sense::new(0x2, 0x3a, 0x00);
    /// The medium could not be written.
    pub const WRITE_ERROR: Sense = Sense::new(0x3, 0x0c, 0x00);
    /// The medium could not be read.
    pub const READ_ERROR: Sense = Sense::new(0x3, 0x11, 0x00);
    /// The parameter list is shorter than its header.
    pub const PARAMETER_LIST_LENGTH: Sense = Sense::new(0x5, 0x1a, 0x00);
    /// There is no such command.
    pub const INVALID_OPCODE: Sense = Sense::new(0x5, 0x20, 0x00);
    /// The command goes beyond the last block.
    pub const LBA_OUT_OF_RANGE: Sense = Sense::new(0x5, 0x21, 0x00);
    /// A field of the command has a value that is not supported.
    pub const INVALID_FIELD: Sense = Sense::new(0x5, 0x24, 0x00);
    /// A field of the parameter list has a value that is not supported.
    pub const INVALID_PARAMETER: Sense = Sense::new(0x5, 0x26, 0x00);
    /// There are no saved mode pages.
    pub const NO_SAVED_PAGES: Sense = Sense::new(0x5, 0x39, 0x00);
    /// The guest forbade to take the disc out.
    pub const REMOVAL_PREVENTED: Sense = Sense::new(0x5, 0x53, 0x02);
    /// The disc may be another one.
    pub const MEDIUM_CHANGED: Sense = Sense::new(0x6, 0x28, 0x00);
    /// The capacity changed.
    pub const CAPACITY_CHANGED: Sense = Sense::new(0x6, 0x2a, 0x09);
    /// The logical units of this target changed.
    pub const LUNS_CHANGED: Sense = Sense::new(0x6, 0x3f, 0x0e);
    /// The disk may not be written.
    pub const WRITE_PROTECTED: Sense = Sense::new(0x7, 0x27, 0x00);
    /// VERIFY found other data on the medium.
    pub const MISCOMPARE: Sense = Sense::new(0xe, 0x1d, 0x00);

    /// The length of fixed-format sense data.
    pub const FIXED_LEN: usize = 18;

    /// A sense value from its three codes.
    pub const fn new(key: u8, asc: u8, ascq: u8) -> Self {
        Sense { key, asc, ascq }
    }

    /// Fixed-format sense data of a current error.
    pub fn to_fixed(self) -> [u8; Self::FIXED_LEN] {
        let mut bytes = [0; Self::FIXED_LEN];
        bytes[0] = 0x70;
        bytes[2] = self.key;
        bytes[7] = Self::FIXED_LEN as u8 - 8;
        bytes[12] = self.asc;
        bytes[13] = self.ascq;
        bytes
    }
}
