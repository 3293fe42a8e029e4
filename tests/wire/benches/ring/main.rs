// SPDX-License-Identifier: GPL-2.0

//! What a ring costs beside the copying: packets written and read back by the drivers' own ends, and
//! as many bytes copied in and out of a buffer of the ring's size by memcpy.
//!
//! Prints a line for each run, in the form of the benchmark's figures: side, place in the table, load,
//! length, nanoseconds.

mod memory;

use std::{hint::black_box, rc::Rc, time::Instant};

use memory::Bytes;
use wire_tests::{
    memory::Memory,
    ring::{reader::Reader, writer::Writer},
    wire::packet::{DESCRIPTOR_LEN, TRAILER_LEN, UNIT},
};

/// The size of the ring, without its header: about that of a disk's.
const SIZE: usize = 128 << 10;

const LENGTHS: [usize; 6] = [16, 64, 256, 1024, 4096, 16384];
const LONGEST: usize = LENGTHS[LENGTHS.len() - 1];

/// How many figures there are of each side, in turn.
const RUNS: usize = 7;

/// How many times each of them is the median of.
const TIMES: usize = 21;

/// How many bytes are timed at once, and how many packets at most: so short a time that the
/// processor is seldom lost meanwhile.
const BYTES: usize = 4 << 20;
const PACKETS: usize = 10_000;

/// A way to get bytes from one place to another.
trait Way {
    const NAME: &'static str;

    /// Takes the bytes there; returns them as they arrive.
    fn pass(&mut self, payload: &[u8]) -> &[u8];
}

/// A ring, with both ends of the guest's.
struct Ring {
    writer: Writer<Rc<Memory<Bytes>>>,
    reader: Reader<Rc<Memory<Bytes>>, Vec<u8>>,
}

impl Ring {
    fn new() -> Self {
        let memory = Rc::new(Memory::with_data(SIZE, Bytes::new(SIZE)));
        Self {
            writer: Writer::new(memory.clone()),
            reader: Reader::new(memory, vec![0; LONGEST]),
        }
    }
}

impl Way for Ring {
    const NAME: &'static str = "ring";

    fn pass(&mut self, payload: &[u8]) -> &[u8] {
        let sent = self.writer.send_inband(payload, 1, false);
        let _ = black_box(sent.expect("room in the ring"));
        let found = self.reader.advance().expect("no fault").expect("a packet");
        let _ = black_box(self.reader.finish());
        self.reader.packet(found).payload
    }
}

/// A buffer that is walked through like a ring.
struct Buffer {
    bytes: Vec<u8>,
    at: usize,
    copy: Vec<u8>,
}

impl Buffer {
    fn new() -> Self {
        Self {
            bytes: vec![0; 2 * SIZE],
            at: 0,
            copy: vec![0; LONGEST],
        }
    }
}

impl Way for Buffer {
    const NAME: &'static str = "memcpy";

    fn pass(&mut self, payload: &[u8]) -> &[u8] {
        let len = payload.len();
        let (place, copy) = (self.at..self.at + len, &mut self.copy[..len]);
        black_box(&mut self.bytes)[place.clone()].copy_from_slice(payload);
        copy.copy_from_slice(&black_box(&mut self.bytes)[place]);
        self.at += DESCRIPTOR_LEN + len.next_multiple_of(UNIT) + TRAILER_LEN;
        if self.at >= SIZE {
            self.at -= SIZE;
        }
        copy
    }
}

/// Whether everything arrives, across the end of the ring too.
fn check(way: &mut impl Way, len: usize) {
    for number in 0..2 * SIZE / len {
        let payload = vec![number as u8; len];
        assert_eq!(way.pass(&payload), payload);
    }
}

/// How long a packet takes, in nanoseconds.
fn time(way: &mut impl Way, payload: &[u8]) -> f64 {
    let count = (BYTES / payload.len()).min(PACKETS);
    let start = Instant::now();
    for _ in 0..count {
        black_box(way.pass(black_box(payload)));
    }
    start.elapsed().as_nanos() as f64 / count as f64
}

fn show<W: Way>(way: &mut W, place: usize, payload: &[u8]) {
    let mut times: Vec<f64> = (0..TIMES).map(|_| time(way, payload)).collect();
    let (_, median, _) = times.select_nth_unstable_by(TIMES / 2, f64::total_cmp);
    let (name, len) = (W::NAME, payload.len());
    println!("{name}\t{place}\ta packet, in nanoseconds\t{len} bytes\t{median}");
}

fn main() {
    let (mut ring, mut buffer) = (Ring::new(), Buffer::new());
    for (place, len) in LENGTHS.into_iter().enumerate() {
        check(&mut ring, len);
        check(&mut buffer, len);
        let payload = vec![1; len];
        for _ in 0..RUNS {
            show(&mut buffer, place, &payload);
            show(&mut ring, place, &payload);
        }
    }
}
