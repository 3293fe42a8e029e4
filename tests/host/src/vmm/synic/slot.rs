// SPDX-License-Identifier: GPL-2.0

//! The message slot of SINT2 in a message page (TLFS, "SynIC message page").
//!
//! A slot is free while its message type is zero. Who finds it taken sets the message-pending
//! flag; a guest that frees the slot and sees the flag writes the EOM register.

use std::sync::atomic::{AtomicU32, Ordering, fence};

use vm_memory::{
    Address, Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryMmap, VolatileMemory,
};

use crate::hv::Forged;
use crate::vmm::irq::VMBUS_SINT;

/// The size of a slot, and of the page that has sixteen.
const SLOT: u64 = 256;

/// The most bytes of a payload.
const MAX_PAYLOAD: usize = 240;

/// The port that Linux expects VMBus messages from.
const PORT: u64 = 1;

/// The offsets of a slot's fields; the type comes first.
const PAYLOAD_SIZE: u64 = 4;
const FLAGS: u64 = 5;
const SENDER: u64 = 8;
const PAYLOAD: u64 = 16;

/// The flag that asks for an EOM.
const PENDING: u8 = 1;

/// A message that may wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    header: Forged,
    payload: Box<[u8]>,
}

impl Message {
    /// A message with `payload`, unless that is too long.
    pub(super) fn new(payload: &[u8]) -> Option<Self> {
        Self::forged(Forged::honest(payload.len()), payload)
    }

    /// The same with any header.
    pub(super) fn forged(header: Forged, payload: &[u8]) -> Option<Self> {
        (payload.len() <= MAX_PAYLOAD).then(|| Self {
            header,
            payload: payload.into(),
        })
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is in the slot: raise the interrupt.
    Delivered,
    /// The slot is taken: the guest will write the EOM register.
    Taken,
}

/// Puts `message` into the slot of `page`; `more` says that another one waits.
pub(super) fn put(
    memory: &GuestMemoryMmap,
    page: GuestAddress,
    message: &Message,
    more: bool,
) -> Result<Outcome, vm_memory::GuestMemoryError> {
    let slot = page.unchecked_add(u64::from(VMBUS_SINT) * SLOT);
    let view = memory.get_slice(slot, SLOT as usize)?;
    let kind = view.get_atomic_ref::<AtomicU32>(0)?;
    if kind.load(Ordering::Acquire) != 0 {
        memory.write_obj(PENDING, slot.unchecked_add(FLAGS))?;
        // Either the guest, having freed the slot, sees the flag, or we see the free slot.
        fence(Ordering::SeqCst);
        if kind.load(Ordering::Acquire) != 0 {
            return Ok(Outcome::Taken);
        }
    }
    let Message { header, payload } = message;
    memory.write_slice(payload, slot.unchecked_add(PAYLOAD))?;
    memory.write_obj(PORT, slot.unchecked_add(SENDER))?;
    memory.write_obj(header.len, slot.unchecked_add(PAYLOAD_SIZE))?;
    memory.write_obj(if more { PENDING } else { 0 }, slot.unchecked_add(FLAGS))?;
    kind.store(header.kind, Ordering::Release);
    Ok(Outcome::Delivered)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: GuestAddress = GuestAddress(0x1000);
    const SLOT2: u64 = 0x1200;

    fn memory() -> GuestMemoryMmap {
        GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 0x3000)]).unwrap()
    }

    fn send(memory: &GuestMemoryMmap, payload: &[u8], more: bool) -> Outcome {
        put(memory, PAGE, &Message::new(payload).unwrap(), more).unwrap()
    }

    fn read<const N: usize>(memory: &GuestMemoryMmap, at: u64) -> [u8; N] {
        let mut bytes = [0; N];
        memory
            .read_slice(&mut bytes, GuestAddress(SLOT2 + at))
            .unwrap();
        bytes
    }

    #[test]
    fn free_slot_takes_a_message() {
        let memory = memory();
        assert_eq!(send(&memory, b"hello", false), Outcome::Delivered);
        assert_eq!(read(&memory, 0), [1, 0, 0, 0, 5, 0, 0, 0]);
        assert_eq!(read(&memory, 16), *b"hello");
    }

    #[test]
    fn taken_slot_gets_the_flag_and_nothing_else() {
        let memory = memory();
        send(&memory, b"first", false);
        assert_eq!(send(&memory, b"other", false), Outcome::Taken);
        assert_eq!(read(&memory, 0), [1, 0, 0, 0, 5, PENDING, 0, 0]);
        assert_eq!(read(&memory, 16), *b"first");

        memory.write_obj(0_u32, GuestAddress(SLOT2)).unwrap();
        assert_eq!(send(&memory, b"other", false), Outcome::Delivered);
        assert_eq!(read(&memory, 0), [1, 0, 0, 0, 5, 0, 0, 0]);
    }

    #[test]
    fn more_to_come_is_flagged_at_once() {
        let memory = memory();
        send(&memory, b"first", true);
        assert_eq!(read(&memory, 5), [PENDING]);
    }

    #[test]
    fn limits() {
        assert!(Message::new(&[0; 240]).is_some());
        assert!(Message::new(&[0; 241]).is_none());
        let message = Message::new(b"x").unwrap();
        assert!(put(&memory(), GuestAddress(0x3000), &message, false).is_err());
    }
}
