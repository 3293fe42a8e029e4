// SPDX-License-Identifier: GPL-2.0

//! The agent port: a pipe of bytes to whatever listens on the guest's second serial port.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use super::ports::SerialPort;
use super::queue::ByteQueue;

/// How much the guest may write before somebody reads; what is more is lost.
const CAPACITY: usize = 1 << 20;

/// The host's end of the agent port.
///
/// Reading waits for the guest, and returns no bytes once the guest has ended. Writing never
/// waits. Clones share the port.
#[derive(Clone)]
pub struct Agent {
    port: Arc<SerialPort>,
    output: Arc<ByteQueue>,
    timeout: Option<Duration>,
}

impl Agent {
    pub(super) fn new(port: Arc<SerialPort>, output: AgentOutput) -> Self {
        Self {
            port,
            output: output.0,
            timeout: None,
        }
    }

    /// Limits how long a read waits; a read that takes longer is an error of kind `TimedOut`.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// How many bytes of the guest were lost because nobody read.
    pub fn lost(&self) -> u64 {
        self.output.lost()
    }

    /// The guest writes no more.
    pub(super) fn close(&self) {
        self.output.close();
    }
}

impl Read for Agent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.output
            .read(buffer, self.timeout)
            .ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}

impl Write for Agent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.port.input(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the serial port writes.
#[derive(Clone)]
pub(super) struct AgentOutput(Arc<ByteQueue>);

impl AgentOutput {
    pub(super) fn new() -> Self {
        Self(Arc::new(ByteQueue::new(CAPACITY)))
    }
}

impl Write for AgentOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
