// SPDX-License-Identifier: GPL-2.0

//! Commands for the agent in the guest (`tests/guest/agent`).
//!
//! A command is one line. The answer is its output, a record separator, the exit status and a
//! newline.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// What ends the output of a command.
const SEPARATOR: u8 = 0x1e;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The exit status of the shell.
    pub status: i32,
    /// Standard output and standard error, without the last newline.
    pub text: String,
}

/// A stream with a limit on how long a read waits.
pub trait Port: Read + Write {
    /// Sets that limit.
    fn limit(&mut self, timeout: Duration);
}

impl Port for vmbus_host::vmm::Agent {
    fn limit(&mut self, timeout: Duration) {
        self.set_read_timeout(Some(timeout));
    }
}

/// The agent's port.
pub struct Shell<P: Port> {
    port: P,
    pending: Vec<u8>,
}

impl<P: Port> Shell<P> {
    /// Waits until the agent says that it is there.
    pub fn connect(port: P, timeout: Duration) -> Result<Self> {
        let mut shell = Self {
            port,
            pending: Vec::new(),
        };
        let (_, ready) = shell
            .answer(Instant::now() + timeout)
            .context("waiting for the agent in the guest")?;
        ensure!(
            ready == "ready",
            "the agent said '{ready}' instead of 'ready'"
        );
        Ok(shell)
    }

    /// Starts a command without waiting for it; [`Shell::finish`] must follow.
    pub fn start(&mut self, command: &str) -> Result<()> {
        ensure!(!command.contains('\n'), "a command is one line");
        self.port.write_all(command.as_bytes())?;
        self.port.write_all(b"\n")?;
        Ok(())
    }

    /// Waits for the command that was started.
    pub fn finish(&mut self, timeout: Duration) -> Result<Output> {
        let (text, status) = self.answer(Instant::now() + timeout)?;
        let status = status
            .parse()
            .with_context(|| format!("'{status}' is not an exit status"))?;
        Ok(Output {
            status,
            text: text.trim_end_matches('\n').to_owned(),
        })
    }

    /// Everything up to a separator, and the line that follows it.
    fn answer(&mut self, deadline: Instant) -> Result<(String, String)> {
        loop {
            if let Some(at) = self.pending.iter().position(|&byte| byte == SEPARATOR)
                && let Some(len) = self.pending[at..].iter().position(|&byte| byte == b'\n')
            {
                let text = String::from_utf8_lossy(&self.pending[..at]).replace('\r', "");
                let line = String::from_utf8_lossy(&self.pending[at + 1..at + len])
                    .trim()
                    .to_owned();
                self.pending.drain(..=at + len);
                return Ok((text, line));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!(
                    "no answer in time; so far: '{}'",
                    String::from_utf8_lossy(&self.pending)
                );
            }
            self.port.limit(left);
            let mut bytes = [0; 4096];
            match self.port.read(&mut bytes) {
                Ok(0) => bail!("the guest has ended"),
                Ok(len) => self.pending.extend_from_slice(&bytes[..len]),
                Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::io;

    /// Answers with what it was given, a few bytes at a time.
    struct Script(VecDeque<Vec<u8>>);

    impl Read for Script {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some(bytes) = self.0.pop_front() else {
                return Ok(0);
            };
            buffer[..bytes.len()].copy_from_slice(&bytes);
            Ok(bytes.len())
        }
    }

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Port for Script {
        fn limit(&mut self, _: Duration) {}
    }

    #[test]
    fn answers_in_pieces() {
        let pieces: [&[u8]; 5] = [
            b"noise\x1erea",
            b"dy\nhel",
            b"lo\r\n",
            b"\x1e",
            b"3\n\x1e0\n",
        ];
        let port = Script(pieces.iter().map(|piece| piece.to_vec()).collect());
        let second = Duration::from_secs(1);
        let mut shell = Shell::connect(port, second).unwrap();
        shell.start("false").unwrap();
        assert_eq!(
            shell.finish(second).unwrap(),
            Output {
                status: 3,
                text: "hello".into()
            }
        );
        assert_eq!(
            shell.finish(second).unwrap(),
            Output {
                status: 0,
                text: String::new()
            }
        );
        assert!(shell.finish(second).is_err(), "the guest has ended");
    }
}
