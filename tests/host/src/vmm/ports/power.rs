// SPDX-License-Identifier: GPL-2.0

//! Power-off and reset: the ACPI power management registers (ACPI specification, section 4.8.3),
//! the reset register, and the keyboard controller's reset line.

use crate::vmm::exit::ExitReason;

/// The power management event registers, status and enable.
pub(in crate::vmm) const EVENT_PORT: u16 = 0x600;
/// Their length.
pub(in crate::vmm) const EVENT_LENGTH: u8 = 4;
/// The power management control register.
pub(in crate::vmm) const CONTROL_PORT: u16 = 0x604;
/// Its length.
pub(in crate::vmm) const CONTROL_LENGTH: u8 = 2;
/// The sleep type of soft-off, as in the DSDT's \_S5.
pub(in crate::vmm) const SLEEP_TYPE_OFF: u8 = 5;
/// The sleep type of suspend to disk, as in the DSDT's \_S4.
pub(in crate::vmm) const SLEEP_TYPE_DISK: u8 = 4;
/// The reset register.
pub(in crate::vmm) const RESET_PORT: u16 = 0xcf9;
/// What resets when written there.
pub(in crate::vmm) const RESET_VALUE: u8 = 6;

/// The enable half of the event registers.
const ENABLE_PORT: u16 = EVENT_PORT + 2;

/// The control register says that the hardware is in ACPI mode.
const SCI_ENABLED: u16 = 1 << 0;
const SLEEP_ENABLE: u16 = 1 << 13;

/// The keyboard controller's command and status port, and its command "pulse the reset line".
const KEYBOARD_PORT: u16 = 0x64;
const KEYBOARD_RESET: u8 = 0xfe;

/// The registers.
#[derive(Debug, Default)]
pub(super) struct Power {
    enable: u16,
}

impl Power {
    /// The guest writes `data` to `port`.
    pub(super) fn write(&mut self, port: u16, data: &[u8]) -> Option<ExitReason> {
        let byte = data.first().copied()?;
        let word = u16::from_le_bytes([byte, data.get(1).copied().unwrap_or(0)]);
        match port {
            ENABLE_PORT => self.enable = word,
            CONTROL_PORT if word & SLEEP_ENABLE != 0 => {
                let sleep_type = (word >> 10 & 7) as u8;
                let off = matches!(sleep_type, SLEEP_TYPE_OFF | SLEEP_TYPE_DISK);
                return off.then_some(ExitReason::PowerOff);
            }
            RESET_PORT if byte == RESET_VALUE => return Some(ExitReason::Reset),
            KEYBOARD_PORT if byte == KEYBOARD_RESET => return Some(ExitReason::Reset),
            _ => {}
        }
        None
    }

    /// The guest reads from `port`.
    pub(super) fn read(&self, port: u16, data: &mut [u8]) {
        let value = match port {
            EVENT_PORT => 0,
            ENABLE_PORT => self.enable,
            CONTROL_PORT => SCI_ENABLED,
            KEYBOARD_PORT => 0,
            _ => return,
        };
        for (to, from) in data.iter_mut().zip(value.to_le_bytes()) {
            *to = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_out() {
        let mut power = Power::default();
        let off = (u16::from(SLEEP_TYPE_OFF) << 10 | SLEEP_ENABLE).to_le_bytes();
        assert_eq!(power.write(CONTROL_PORT, &off), Some(ExitReason::PowerOff));
        assert_eq!(
            power.write(CONTROL_PORT, &[0, 0x14]),
            None,
            "without the enable bit"
        );
        assert_eq!(power.write(RESET_PORT, &[6]), Some(ExitReason::Reset));
        assert_eq!(power.write(KEYBOARD_PORT, &[0xfe]), Some(ExitReason::Reset));
        assert_eq!(power.write(KEYBOARD_PORT, &[0xd1]), None);
        assert_eq!(power.write(0x80, &[]), None);
    }
}
