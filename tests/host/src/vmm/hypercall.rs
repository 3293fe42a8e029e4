// SPDX-License-Identifier: GPL-2.0

//! The two hypercalls of VMBus (TLFS, "HvCallPostMessage" and "HvCallSignalEvent").

use std::sync::Arc;

use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::counters::Counters;
use crate::hv::Guest;

const POST_MESSAGE: u64 = 0x5c;
const SIGNAL_EVENT: u64 = 0x5d;

/// The call code in the hypercall's input value.
const CODE_MASK: u64 = 0xffff;
/// The parameters are in registers.
const FAST: u64 = 1 << 16;

/// HV_STATUS_INVALID_HYPERCALL_CODE.
const INVALID_CODE: u16 = 2;
/// HV_STATUS_INVALID_HYPERCALL_INPUT.
const INVALID_INPUT: u16 = 3;
/// HV_STATUS_INVALID_ALIGNMENT.
const INVALID_ALIGNMENT: u16 = 4;
/// HV_STATUS_INVALID_PARAMETER.
const INVALID_PARAMETER: u16 = 5;

/// The largest payload of a message.
const MAX_PAYLOAD: usize = 240;

/// Connection, reserved, message type, payload size: the start of HvCallPostMessage's input.
const POST_HEADER: usize = 16;

const PAGE: u64 = 4096;

/// Takes the hypercalls of all processors.
pub(super) struct Hypercalls {
    memory: Arc<GuestMemoryMmap>,
    guest: Arc<dyn Guest>,
    counters: Arc<Counters>,
}

impl Hypercalls {
    pub(super) fn new(
        memory: Arc<GuestMemoryMmap>,
        guest: Arc<dyn Guest>,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            memory,
            guest,
            counters,
        }
    }

    /// Makes the call with `input` and `params` by `vp`, and returns the result value.
    pub(super) fn call(&self, vp: u32, input: u64, params: [u64; 2]) -> u64 {
        let fast = input & FAST != 0;
        let status = match input & CODE_MASK {
            POST_MESSAGE => {
                self.counters.post_messages.add();
                self.post_message(vp, fast, params)
            }
            SIGNAL_EVENT => {
                self.counters.signal_events.add();
                self.signal_event(vp, fast, params)
            }
            _ => {
                self.counters.unknown_hypercalls.add();
                Err(INVALID_CODE)
            }
        };
        status.err().unwrap_or(0).into()
    }

    fn post_message(&self, vp: u32, fast: bool, params: [u64; 2]) -> Result<(), u16> {
        let mut block = [0; POST_HEADER + MAX_PAYLOAD];
        let (header, payload) = block.split_at_mut(POST_HEADER);
        let address = params[0];
        if fast {
            let words = params.iter().flat_map(|word| word.to_le_bytes());
            header
                .iter_mut()
                .zip(words)
                .for_each(|(to, from)| *to = from);
        } else {
            self.read(address, header)?;
        }
        let connection = word(header, 0);
        let kind = word(header, 8);
        let size = word(header, 12) as usize;
        let payload = payload.get_mut(..size).ok_or(INVALID_PARAMETER)?;
        match (fast, size) {
            (_, 0) => {}
            // More than two registers would need the XMM registers, which are not offered.
            (true, _) => return Err(INVALID_INPUT),
            (false, _) => {
                check_block(address, POST_HEADER + size)?;
                self.read(address + POST_HEADER as u64, payload)?;
            }
        }
        status(self.guest.on_post_message(vp, connection, kind, payload))
    }

    fn signal_event(&self, vp: u32, fast: bool, params: [u64; 2]) -> Result<(), u16> {
        let mut input = params[0].to_le_bytes();
        if !fast {
            self.read(params[0], &mut input)?;
        }
        let flag = word(&input, 4);
        let flag = u16::try_from(flag).map_err(|_| INVALID_PARAMETER)?;
        status(self.guest.on_signal_event(vp, word(&input, 0), flag))
    }

    fn read(&self, address: u64, to: &mut [u8]) -> Result<(), u16> {
        check_block(address, to.len())?;
        self.memory
            .read_slice(to, GuestAddress(address))
            .map_err(|_| INVALID_PARAMETER)
    }
}

/// Input parameters must be aligned and within one page.
fn check_block(address: u64, length: usize) -> Result<(), u16> {
    if !address.is_multiple_of(8) {
        return Err(INVALID_ALIGNMENT);
    }
    if address % PAGE + length as u64 > PAGE {
        return Err(INVALID_PARAMETER);
    }
    Ok(())
}

fn status(status: crate::hv::HvStatus) -> Result<(), u16> {
    match status as u16 {
        0 => Ok(()),
        code => Err(code),
    }
}

/// The little-endian word at `offset`, or 0 past the end.
fn word(bytes: &[u8], offset: usize) -> u32 {
    bytes
        .get(offset..)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hv::HvStatus;
    use std::sync::Mutex;

    type Call = (u32, u32, u32, Vec<u8>);

    #[derive(Default)]
    struct Record(Mutex<Vec<Call>>);

    impl Guest for Record {
        fn on_post_message(&self, vp: u32, connection: u32, kind: u32, data: &[u8]) -> HvStatus {
            self.0
                .lock()
                .unwrap()
                .push((vp, connection, kind, data.to_vec()));
            HvStatus::Success
        }

        fn on_signal_event(&self, vp: u32, connection: u32, flag: u16) -> HvStatus {
            self.0
                .lock()
                .unwrap()
                .push((vp, connection, flag.into(), Vec::new()));
            HvStatus::InvalidConnectionId
        }

        fn on_reset(&self) {}
    }

    fn machine() -> (Arc<Record>, Arc<GuestMemoryMmap>, Hypercalls) {
        let memory = Arc::new(GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 0x4000)]).unwrap());
        let record = Arc::new(Record::default());
        let calls = Hypercalls::new(memory.clone(), record.clone(), Arc::default());
        (record, memory, calls)
    }

    fn message(memory: &GuestMemoryMmap, at: u64, size: u32) {
        for (i, value) in [1, 0, 7, size].into_iter().enumerate() {
            memory
                .write_obj(value, GuestAddress(at + 4 * i as u64))
                .unwrap();
        }
    }

    #[test]
    fn message_from_memory() {
        let (record, memory, calls) = machine();
        message(&memory, 0x1000, 3);
        memory.write_slice(b"abc", GuestAddress(0x1010)).unwrap();
        assert_eq!(calls.call(2, POST_MESSAGE, [0x1000, 0]), 0);
        assert_eq!(*record.0.lock().unwrap(), [(2, 1, 7, b"abc".to_vec())]);
    }

    #[test]
    fn bad_messages() {
        let (record, memory, calls) = machine();
        message(&memory, 0x1000, 241);
        assert_eq!(
            calls.call(0, POST_MESSAGE, [0x1000, 0]),
            u64::from(INVALID_PARAMETER)
        );
        message(&memory, 0x1ff0, 8);
        assert_eq!(
            calls.call(0, POST_MESSAGE, [0x1ff0, 0]),
            u64::from(INVALID_PARAMETER)
        );
        assert_eq!(
            calls.call(0, POST_MESSAGE, [0x1004, 0]),
            u64::from(INVALID_ALIGNMENT)
        );
        assert_eq!(
            calls.call(0, POST_MESSAGE, [0x10_0000, 0]),
            u64::from(INVALID_PARAMETER)
        );
        assert_eq!(
            calls.call(0, POST_MESSAGE, [!7, 0]),
            u64::from(INVALID_PARAMETER)
        );
        let fast = [1, 7 | (8 << 32)];
        assert_eq!(
            calls.call(0, POST_MESSAGE | FAST, fast),
            u64::from(INVALID_INPUT)
        );
        assert!(record.0.lock().unwrap().is_empty());
    }

    #[test]
    fn signal_both_ways() {
        let (record, memory, calls) = machine();
        let refused = u64::from(HvStatus::InvalidConnectionId as u16);
        assert_eq!(
            calls.call(1, SIGNAL_EVENT | FAST, [9 | (3 << 32), 0]),
            refused
        );
        memory
            .write_obj(9_u64 | (4 << 32), GuestAddress(0x2000))
            .unwrap();
        assert_eq!(calls.call(1, SIGNAL_EVENT, [0x2000, 0]), refused);
        let seen: Vec<_> = record
            .0
            .lock()
            .unwrap()
            .iter()
            .map(|r| (r.1, r.2))
            .collect();
        assert_eq!(seen, [(9, 3), (9, 4)]);
        assert_eq!(calls.call(1, 0x5e, [0, 0]), u64::from(INVALID_CODE));
    }
}
