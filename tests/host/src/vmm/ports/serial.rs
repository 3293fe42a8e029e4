// SPDX-License-Identifier: GPL-2.0

//! The serial ports: 16550 with an interrupt.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use vm_superio::Serial;
use vm_superio::serial::NoEvents;

use crate::vmm::irq::IrqLine;

/// Registers, and the bits of them that decide whether the guest listens.
const DATA: u8 = 0;
const INTERRUPT_ENABLE: u8 = 1;
const LINE_CONTROL: u8 = 3;
const RECEIVE_INTERRUPT: u8 = 1 << 0;
const DIVISOR_LATCH: u8 = 1 << 7;

/// How much input may wait for the guest.
const MAX_INPUT: usize = 1 << 20;

/// Where a serial port is in the guest.
pub(in crate::vmm) struct SerialPlace {
    /// Its name in the DSDT.
    pub(in crate::vmm) name: &'static str,
    /// Its number.
    pub(in crate::vmm) unit: u8,
    /// Its first I/O port.
    pub(in crate::vmm) port: u16,
    /// Its ISA interrupt.
    pub(in crate::vmm) irq: u32,
}

impl SerialPlace {
    /// The number of registers.
    pub(in crate::vmm) const LENGTH: u8 = 8;

    /// The port that the console is on, ttyS0.
    pub(in crate::vmm) const CONSOLE: Self = Self {
        name: "COM1",
        unit: 0,
        port: 0x3f8,
        irq: 4,
    };

    /// The port for the agent, ttyS1.
    pub(in crate::vmm) const AGENT: Self = Self {
        name: "COM2",
        unit: 1,
        port: 0x2f8,
        irq: 3,
    };

    /// The register at I/O port `port`.
    pub(super) fn register(&self, port: u16) -> Option<u8> {
        port.checked_sub(self.port)
            .and_then(|offset| u8::try_from(offset).ok())
            .filter(|&offset| offset < Self::LENGTH)
    }
}

/// A serial port.
pub(in crate::vmm) struct SerialPort {
    state: Mutex<State>,
}

struct State {
    uart: Serial<IrqLine, NoEvents, Box<dyn Write + Send>>,
    /// Input that has not been in the FIFO yet.
    input: VecDeque<u8>,
}

impl SerialPort {
    /// A port that raises `line` and writes to `output`.
    pub(in crate::vmm) fn new(line: IrqLine, output: impl Write + Send + 'static) -> Self {
        let uart = Serial::new(line, Box::new(output) as Box<dyn Write + Send>);
        Self {
            state: Mutex::new(State {
                uart,
                input: VecDeque::new(),
            }),
        }
    }

    /// Sends `bytes` to the guest, which gets them as its FIFO allows.
    pub(in crate::vmm) fn input(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.lock();
        let room = MAX_INPUT.saturating_sub(state.input.len()).min(bytes.len());
        let (fit, _) = bytes.split_at(room);
        if fit.is_empty() && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.input.extend(fit);
        state.fill_fifo();
        Ok(room)
    }

    /// The guest writes a register.
    pub(super) fn write(&self, register: u8, value: u8) {
        let mut state = self.lock();
        if let Err(error) = state.uart.write(register, value) {
            tracing::warn!(?error, "a serial port failed");
        }
        if register != DATA {
            state.fill_fifo();
        }
    }

    /// The guest reads a register.
    pub(super) fn read(&self, register: u8) -> u8 {
        let mut state = self.lock();
        let value = state.uart.read(register);
        if register == DATA {
            state.fill_fifo();
        }
        value
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Moves input to an empty FIFO, once the guest takes receive interrupts: one interrupt for
    /// as many bytes as there is room.
    fn fill_fifo(&mut self) {
        let capacity = self.uart.fifo_capacity();
        if self.input.is_empty() || capacity < FIFO || !self.listens() {
            return;
        }
        let count = capacity.min(self.input.len());
        let bytes: Vec<u8> = self.input.iter().copied().take(count).collect();
        match self.uart.enqueue_raw_bytes(&bytes) {
            Ok(taken) => drop(self.input.drain(..taken)),
            Err(error) => tracing::warn!(?error, "a serial port failed"),
        }
    }

    fn listens(&mut self) -> bool {
        self.uart.read(LINE_CONTROL) & DIVISOR_LATCH == 0
            && self.uart.read(INTERRUPT_ENABLE) & RECEIVE_INTERRUPT != 0
    }
}

/// The capacity of the FIFO.
const FIFO: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers() {
        assert_eq!(SerialPlace::CONSOLE.register(0x3f8), Some(0));
        assert_eq!(SerialPlace::CONSOLE.register(0x3ff), Some(7));
        assert_eq!(SerialPlace::CONSOLE.register(0x400), None);
        assert_eq!(SerialPlace::CONSOLE.register(0x2f8), None);
        assert_eq!(SerialPlace::AGENT.register(0x2f9), Some(1));
    }
}
