// SPDX-License-Identifier: GPL-2.0

//! SCSI sense data, reduced to what decisions are made on (SPC-4, 4.5).

/// The essence of sense data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sense {
    /// The response code: the format, and whether the error is of an earlier command.
    pub(crate) response: u8,
    /// The sense key.
    pub(crate) key: u8,
    /// The additional sense code.
    pub(crate) asc: u8,
    /// The qualifier of the additional sense code.
    pub(crate) ascq: u8,
}

impl Sense {
    /// The capacity of the device has changed.
    pub(crate) const CAPACITY_CHANGED: (u8, u8) = (0x2a, 0x09);

    const DESCRIPTOR_FORMAT: u8 = 0x72;

    /// Reads sense data of either format; [`None`] if it is of neither. What is missing is 0.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let response = bytes.first()? & 0x7f;
        if response & 0x70 != 0x70 {
            return None;
        }
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let (key, asc, ascq) = if response >= Self::DESCRIPTOR_FORMAT {
            (byte(1), byte(2), byte(3))
        } else {
            let valid = usize::from(byte(7)) + 8;
            let fixed = |at: usize| if at < valid { byte(at) } else { 0 };
            (byte(2), fixed(12), fixed(13))
        };
        Some(Self {
            response,
            key: key & 0xf,
            asc,
            ascq,
        })
    }

    /// Whether the device tells that it is another one than it was: its capacity or its operating
    /// parameters, which is how a changed block size of a virtual disk shows.
    ///
    /// Changed inquiry data (3f/03) and changed logical units (3f/0e) are matters of the SCSI
    /// layer.
    pub(crate) fn is_device_change(&self) -> bool {
        const OPERATING_CONDITIONS: u8 = 0x3f;

        match (self.asc, self.ascq) {
            Self::CAPACITY_CHANGED => true,
            (OPERATING_CONDITIONS, 0x03 | 0x0e) => false,
            (OPERATING_CONDITIONS, _) => true,
            _ => false,
        }
    }
}
