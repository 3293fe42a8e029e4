// SPDX-License-Identifier: GPL-2.0

//! The console: what the guest writes to its first serial port.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::config::ConsoleMode;
use super::error::{Error, Result};
use super::queue::ByteQueue;

/// How much output is kept; the oldest half goes when there is more.
const KEPT: usize = 4 << 20;

/// How much output may wait for a slow terminal or file.
const BACKLOG: usize = 1 << 20;

/// How long output is gathered before it is written: a guest writes byte by byte.
const GATHER: Duration = Duration::from_millis(5);

/// The guest's console output, kept in memory.
#[derive(Clone, Default)]
pub struct Console {
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    state: Mutex<State>,
    found: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    closed: bool,
    /// What somebody waits for.
    needles: Vec<Vec<u8>>,
}

impl Console {
    /// All output, or the newest part of a long one.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().bytes).into_owned()
    }

    /// Waits until the output contains `needle`, at most for `timeout` and at most until the guest
    /// ends. Returns whether it does.
    pub fn wait_for(&self, needle: &str, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let needle = needle.as_bytes();
        let mut state = self.lock();
        state.needles.push(needle.to_vec());
        let found = loop {
            if contains(&state.bytes, needle) {
                break true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.closed || left.is_zero() {
                break false;
            }
            state = self
                .log
                .found
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        };
        if let Some(at) = state.needles.iter().position(|other| other == needle) {
            state.needles.swap_remove(at);
        }
        found
    }

    /// The guest writes `bytes`.
    fn push(&self, bytes: &[u8]) {
        let mut state = self.lock();
        for &byte in bytes {
            state.bytes.push(byte);
            if state
                .needles
                .iter()
                .any(|needle| state.bytes.ends_with(needle))
            {
                self.log.found.notify_all();
            }
        }
        if state.bytes.len() > KEPT {
            state.bytes.drain(..KEPT / 2);
        }
    }

    /// Nothing more will come.
    fn close(&self) {
        self.lock().closed = true;
        self.log.found.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.log
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || bytes.windows(needle.len()).any(|window| window == needle)
}

/// Where the serial port writes: to the [`Console`], and to a thread that writes on.
pub(super) struct ConsoleOutput {
    console: Console,
    backlog: Option<Arc<ByteQueue>>,
}

impl Write for ConsoleOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.console.push(bytes);
        if let Some(backlog) = &self.backlog {
            backlog.push(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread that writes the console's output to a terminal or a file.
pub(super) struct ConsoleWriter {
    console: Console,
    backlog: Option<Arc<ByteQueue>>,
    thread: Option<JoinHandle<()>>,
}

/// Makes the console for `mode`.
pub(super) fn open(mode: &ConsoleMode) -> Result<(ConsoleOutput, ConsoleWriter)> {
    let target: Option<Box<dyn Write + Send>> = match mode {
        ConsoleMode::Capture => None,
        ConsoleMode::Tee(path) => Some(Box::new(File::create(path).map_err(|source| {
            Error::File {
                what: "console log",
                path: path.clone(),
                source,
            }
        })?)),
        ConsoleMode::Stdio => Some(Box::new(io::stdout())),
    };
    let console = Console::default();
    let backlog = target.is_some().then(|| Arc::new(ByteQueue::new(BACKLOG)));
    let thread = match target.zip(backlog.clone()) {
        None => None,
        Some((target, backlog)) => Some(
            thread::Builder::new()
                .name("console".to_owned())
                .spawn(move || write_on(&backlog, target))
                .map_err(Error::system("start a thread"))?,
        ),
    };
    let output = ConsoleOutput {
        console: console.clone(),
        backlog: backlog.clone(),
    };
    Ok((
        output,
        ConsoleWriter {
            console,
            backlog,
            thread,
        },
    ))
}

fn write_on(backlog: &ByteQueue, mut target: impl Write) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let Some(count) = backlog.read(&mut buffer, None) else {
            continue;
        };
        if count == 0 {
            return;
        }
        let (bytes, _) = buffer.split_at(count);
        if let Err(error) = target.write_all(bytes).and_then(|()| target.flush()) {
            tracing::warn!(%error, "the console's output goes nowhere from here on");
            return;
        }
        thread::sleep(GATHER);
    }
}

impl ConsoleWriter {
    /// What the guest wrote.
    pub(super) fn console(&self) -> &Console {
        &self.console
    }

    /// Says that the guest writes no more.
    pub(super) fn close(&self) {
        self.console.close();
        if let Some(backlog) = &self.backlog {
            backlog.close();
        }
    }
}

impl Drop for ConsoleWriter {
    fn drop(&mut self) {
        self.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by itself.
            thread.join().ok();
        }
        let lost = self.backlog.as_ref().map_or(0, |backlog| backlog.lost());
        if lost > 0 {
            tracing::warn!(lost, "bytes of console output were not written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_comes() {
        let console = Console::default();
        console.push(b"login");
        assert!(console.wait_for("login", Duration::ZERO));
        assert!(!console.wait_for("login: ", Duration::from_millis(1)));
        thread::scope(|scope| {
            let waiter = scope.spawn(|| console.wait_for("login: ", Duration::from_secs(60)));
            console.push(b": ");
            assert!(waiter.join().unwrap());
        });
        console.close();
        assert!(!console.wait_for("never", Duration::from_secs(60)));
    }

    #[test]
    fn keeps_the_newest() {
        let console = Console::default();
        console.push(&vec![b'a'; KEPT]);
        console.push(b"end");
        let text = console.text();
        assert!(text.len() <= KEPT && text.ends_with("end"));
    }

    #[test]
    fn file_has_everything() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mode = ConsoleMode::Tee(file.path().to_owned());
        let (mut output, writer) = open(&mode).unwrap();
        output.write_all(b"one\ntwo\n").unwrap();
        assert_eq!(writer.console().text(), "one\ntwo\n");
        drop(writer);
        assert_eq!(std::fs::read(file.path()).unwrap(), b"one\ntwo\n");
    }
}
