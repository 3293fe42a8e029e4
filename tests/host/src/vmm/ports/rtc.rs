// SPDX-License-Identifier: GPL-2.0

//! The clock of the CMOS (Motorola MC146818): the host's time, in UTC and BCD. It cannot be set.

use std::time::{SystemTime, UNIX_EPOCH};

/// The ports that select and that access a register.
pub(super) const INDEX_PORT: u16 = 0x70;
pub(super) const DATA_PORT: u16 = 0x71;

/// Status B: 24 hours, BCD. Status D: the battery is good.
const STATUS_B: u8 = 1 << 1;
const STATUS_D: u8 = 1 << 7;

/// Status A: the divider of a 32 kHz crystal, and no update in progress.
const STATUS_A: u8 = 0x26;

const DAY: u64 = 24 * 60 * 60;

/// The clock.
#[derive(Debug, Default)]
pub(super) struct Rtc {
    index: u8,
}

impl Rtc {
    /// The guest writes `value` to `port`.
    pub(super) fn write(&mut self, port: u16, value: u8) {
        if port == INDEX_PORT {
            self.index = value & 0x7f;
        }
    }

    /// The guest reads from `port`.
    pub(super) fn read(&self, port: u16) -> u8 {
        if port == INDEX_PORT {
            return 0xff;
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        register(self.index, now)
    }
}

/// Register `index` at `now`, in seconds since 1970.
fn register(index: u8, now: u64) -> u8 {
    let date = Date::from_days(now / DAY);
    let value = match index {
        0x00 => now % 60,
        0x02 => now / 60 % 60,
        0x04 => now / 3600 % 24,
        // 1970 began on a Thursday; Sunday is 1.
        0x06 => (now / DAY + 4) % 7 + 1,
        0x07 => date.day,
        0x08 => date.month,
        0x09 => date.year % 100,
        0x32 => date.year / 100,
        0x0a => return STATUS_A,
        0x0b => return STATUS_B,
        0x0d => return STATUS_D,
        _ => return 0,
    };
    (value / 10 % 10 * 16 + value % 10) as u8
}

/// A day of the Gregorian calendar.
#[derive(Debug, PartialEq, Eq)]
struct Date {
    year: u64,
    month: u64,
    day: u64,
}

impl Date {
    /// The date `days` after 1 January 1970.
    fn from_days(mut days: u64) -> Self {
        let mut year = 1970;
        while days >= 365 + leap(year) {
            days -= 365 + leap(year);
            year += 1;
        }
        let lengths = [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut month = 1;
        for length in lengths {
            if days < length {
                break;
            }
            days -= length;
            month += 1;
        }
        Self {
            year,
            month,
            day: days + 1,
        }
    }
}

/// One day more in a leap year.
fn leap(year: u64) -> u64 {
    let by = |divisor| year.is_multiple_of(divisor);
    u64::from(by(4) && (!by(100) || by(400)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let date = |year, month, day| Date { year, month, day };
        assert_eq!(Date::from_days(0), date(1970, 1, 1));
        assert_eq!(Date::from_days(11_016), date(2000, 2, 29));
        assert_eq!(Date::from_days(11_017), date(2000, 3, 1));
        assert_eq!(Date::from_days(20_453), date(2025, 12, 31));
    }

    #[test]
    fn registers() {
        // Thursday, 29 February 2024, 23:59:58.
        let now = 1_709_251_198;
        let all = [0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, 0x32].map(|i| register(i, now));
        assert_eq!(all, [0x58, 0x59, 0x23, 5, 0x29, 0x02, 0x24, 0x20]);
    }
}
