// SPDX-License-Identifier: GPL-2.0

//! Guest and host on two threads. Both sleep whenever the rules allow it, so a signal too few hangs
//! the test; a signal too many is counted.

use std::{
    sync::{
        mpsc::{channel, Receiver, Sender},
        Arc,
    },
    thread,
    time::Duration,
};
use wire_tests::{
    host::{HostPacket, HostReader, HostWriter},
    memory::Memory,
    ring::{
        reader::Reader,
        writer::{SendError, Writer},
    },
};

const PACKETS: u64 = 100_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Sleeps until the other end signals.
fn sleep(signals: &Receiver<()>) {
    signals.recv_timeout(PATIENCE).expect("a signal");
}

/// A payload that says which packet it is.
fn payload(number: u64) -> Vec<u8> {
    vec![number as u8; (number % 13 * 8) as usize]
}

fn host_reads(mut host: HostReader, interrupts: Receiver<()>, guest: Sender<()>) {
    let mut number = 0;
    while number < PACKETS {
        host.mask();
        // In batches, so that the ring runs full at times.
        for _ in 0..number % 7 + 1 {
            let Some(packet) = host.take() else { break };
            assert_eq!(
                (packet.transaction, packet.payload),
                (number, payload(number))
            );
            number += 1;
        }
        if host.release() {
            let _ = guest.send(());
        }
        if !host.unmask() && number < PACKETS {
            sleep(&interrupts);
        }
    }
}

#[test]
fn guest_writes() {
    let memory = Arc::new(Memory::new(4096));
    let (mut writer, host) = (Writer::new(memory.clone()), HostReader::new(memory));
    let (to_host, host_signals) = channel();
    let (to_guest, guest_signals) = channel();
    let host = thread::spawn(move || host_reads(host, host_signals, to_guest));
    for number in 0..PACKETS {
        let bytes = payload(number);
        loop {
            match writer.send_inband(&bytes, number, false) {
                Ok(signal) => {
                    if signal.is_needed() {
                        let _ = to_host.send(());
                    }
                    break;
                }
                Err(SendError::Full) => {
                    let enough = bytes.len() as u32 + 24;
                    if !writer.set_pending_send(enough).unwrap() {
                        sleep(&guest_signals);
                    }
                    let _ = writer.set_pending_send(0);
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    host.join().unwrap();
    assert!(writer.counters().signals <= PACKETS);
}

fn host_writes(mut host: HostWriter, room: Receiver<()>, guest: Sender<()>) {
    for number in 0..PACKETS {
        let packet = HostPacket {
            kind: 6,
            transaction: number,
            payload: payload(number),
            ..Default::default()
        };
        loop {
            if let Some(interrupt) = host.send(&packet) {
                if interrupt {
                    let _ = guest.send(());
                }
                break;
            }
            if !host.wait_for(packet.encode(0).len() as u32) {
                sleep(&room);
            }
            host.wait_for(0);
        }
    }
}

/// The guest takes packets, with the host's signals masked while it does so, or all the time on.
fn guest_reads(masks: bool) {
    let memory = Arc::new(Memory::new(4096));
    let (mut reader, host) = (
        Reader::new(memory.clone(), vec![0; 256]),
        HostWriter::new(memory),
    );
    let (to_host, host_signals) = channel();
    let (to_guest, guest_signals) = channel();
    let host = thread::spawn(move || host_writes(host, host_signals, to_guest));
    let mut number = 0;
    while number < PACKETS {
        if masks {
            reader.mask();
        }
        for _ in 0..number % 7 + 1 {
            let Some(found) = reader.advance().unwrap() else {
                break;
            };
            let packet = reader.packet(found);
            assert_eq!(
                (packet.transaction, packet.payload),
                (number, &payload(number)[..])
            );
            number += 1;
        }
        if reader.finish().is_needed() {
            let _ = to_host.send(());
        }
        let more = if masks {
            reader.unmask_and_check()
        } else {
            reader.look_again()
        };
        if !more && number < PACKETS {
            sleep(&guest_signals);
        }
    }
    host.join().unwrap();
    assert_eq!(reader.counters().faults, 0);
}

#[test]
fn guest_reads_in_batches() {
    guest_reads(true);
}

#[test]
fn guest_reads_with_signals_on() {
    guest_reads(false);
}
