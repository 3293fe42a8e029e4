// SPDX-License-Identifier: GPL-2.0

//! Tests of channels, and the driver that has them open.

mod lifecycle;
mod traffic;

use super::{
    testing::Open,
    *, //
};
use crate::connection::testing::Bench;
use kernel::sync::atomic::Relaxed;

/// A driver that counts what it is told, and takes so many packets at a time.
struct Counting {
    at_a_time: usize,
    packets: Atomic<u32>,
    events: Atomic<u32>,
    interrupts: Atomic<u32>,
    closings: Atomic<u32>,
    rescinds: Atomic<u32>,
}

impl Counting {
    fn new(at_a_time: usize) -> Result<Arc<Self>> {
        let this = Self {
            at_a_time,
            packets: Atomic::new(0),
            events: Atomic::new(0),
            interrupts: Atomic::new(0),
            closings: Atomic::new(0),
            rescinds: Atomic::new(0),
        };
        Ok(Arc::new(this, GFP_KERNEL)?)
    }
}

fn count(counter: &Atomic<u32>) -> u32 {
    counter.load(Relaxed)
}

impl Handler for Counting {
    fn on_event(&self, _endpoint: &Endpoint, receiver: &mut Receiver<'_>) -> Progress {
        self.events.add(1u32, Relaxed);
        for _ in 0..self.at_a_time {
            if receiver.next().is_none() {
                return Progress::Done;
            }
            self.packets.add(1u32, Relaxed);
        }
        Progress::More
    }

    fn on_interrupt(&self, _endpoint: &Endpoint) {
        self.interrupts.add(1u32, Relaxed);
    }

    fn closing(&self, _endpoint: &Arc<Endpoint>) {
        self.closings.add(1u32, Relaxed);
    }

    fn rescinded(&self, _endpoint: &Arc<Endpoint>) {
        self.rescinds.add(1u32, Relaxed);
    }
}

/// Opens channel 3.
fn open(bench: &Bench, mode: CallbackMode, handler: &Arc<Counting>) -> Result<Open> {
    let channel = bench.offer(3)?;
    bench.open(&channel, mode, handler.clone())
}
