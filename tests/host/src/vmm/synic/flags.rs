// SPDX-License-Identifier: GPL-2.0

//! The event flags of SINT2 in an event page (TLFS, "SynIC event flags page").

use std::sync::atomic::{AtomicU64, Ordering};

use vm_memory::{Address, GuestAddress, GuestMemoryBackend, GuestMemoryMmap, VolatileMemory};

use crate::vmm::irq::VMBUS_SINT;

/// The bytes of one SINT's flags.
const AREA: u64 = 256;

/// How many flags a SINT has.
const COUNT: u16 = 2048;

/// Sets `flag` in `page`. Returns whether it was clear before, or nothing if there is no such flag.
pub(super) fn set(memory: &GuestMemoryMmap, page: GuestAddress, flag: u16) -> Option<bool> {
    if flag >= COUNT {
        return None;
    }
    let area = page.checked_add(u64::from(VMBUS_SINT) * AREA)?;
    let view = memory.get_slice(area, AREA as usize).ok()?;
    let word = view
        .get_atomic_ref::<AtomicU64>(usize::from(flag / 64) * size_of::<u64>())
        .ok()?;
    let bit = 1 << (flag % 64);
    Some(word.fetch_or(bit, Ordering::SeqCst) & bit == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vm_memory::Bytes;

    #[test]
    fn sets_once() {
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 0x2000)]).unwrap();
        let page = GuestAddress(0x1000);
        for flag in [0, 7, 64, 2047] {
            assert_eq!(set(&memory, page, flag), Some(true));
            assert_eq!(set(&memory, page, flag), Some(false));
            let at = 0x1200 + u64::from(flag / 8);
            let byte: u8 = memory.read_obj(GuestAddress(at)).unwrap();
            assert_ne!(byte & (1 << (flag % 8)), 0);
        }
    }

    #[test]
    fn refuses_what_is_not_there() {
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 0x2000)]).unwrap();
        assert_eq!(set(&memory, GuestAddress(0x1000), 2048), None);
        assert_eq!(set(&memory, GuestAddress(0x2000), 0), None);
        assert_eq!(set(&memory, GuestAddress(!0xfff), 0), None);
    }
}
