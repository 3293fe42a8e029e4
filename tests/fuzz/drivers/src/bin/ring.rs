// SPDX-License-Identifier: GPL-2.0

//! Both ends of a ring whose memory the host changes as it likes between any two steps.

#![no_main]

use fuzz_drivers::Input;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use wire_tests::{
    memory::Memory,
    ring::{
        reader::Reader,
        shared::{Shared, Word},
        writer::Writer,
    },
};

const SIZE: usize = 4096;
const LONGEST: usize = 1024;
const WORDS: [Word; 5] = [
    Word::WriteIndex,
    Word::ReadIndex,
    Word::InterruptMask,
    Word::PendingSend,
    Word::Features,
];

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let (from_host, to_host) = (Arc::new(Memory::new(SIZE)), Arc::new(Memory::new(SIZE)));
    let mut reader = Reader::new(from_host.clone(), vec![0; LONGEST - 16]);
    let mut writer = Writer::new(to_host.clone());
    while !input.is_empty() {
        match input.byte() % 10 {
            0..=2 => {
                let at = input.word() % SIZE as u32;
                let len = usize::from(input.byte());
                from_host.write(at, input.take(len));
            }
            3 => poke(&mut input, &from_host),
            4 => poke(&mut input, &to_host),
            5 | 6 => read(&mut reader),
            7 => {
                let _ = reader.finish();
                reader.mask();
                reader.unmask_and_check();
            }
            8 => {
                let (transaction, flags) = (input.long(), input.byte());
                let len = usize::from(input.byte()) * 20;
                let _ = writer.send_inband(input.take(len), transaction, flags % 2 == 1);
            }
            _ => {
                let _ = writer.free_bytes();
                let _ = writer.set_pending_send(input.word());
            }
        }
    }
});

fn poke(input: &mut Input<'_>, memory: &Memory) {
    let word = WORDS[usize::from(input.byte()) % WORDS.len()];
    let value = input.word();
    // Mostly an index that could be.
    let value = match value >> 30 {
        0 => value,
        _ => value % SIZE as u32 & !7,
    };
    memory.poke(word, value);
}

fn read<S: Shared>(reader: &mut Reader<S, Vec<u8>>) {
    for _ in 0..SIZE {
        match reader.advance() {
            Ok(None) => return,
            Ok(Some(found)) => {
                let packet = reader.packet(found);
                assert!(packet.header.len() + packet.payload.len() <= LONGEST - 16);
            }
            // There is no progress from an index that cannot be; all others lead on.
            Err(_) => {}
        }
    }
}
