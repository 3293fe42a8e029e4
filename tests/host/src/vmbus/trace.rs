// SPDX-License-Identifier: GPL-2.0

//! The record of control messages: the last ones in memory, all of them in a file if wanted.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::sync::lock;
use super::wire::{kind_name, relid_of, split};

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the guest.
    In,
    /// To the guest.
    Out,
    /// Something that happened in the host.
    Note,
}

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, since the server was made.
    pub at: Duration,
    /// Which way.
    pub direction: Direction,
    /// The virtual processor that sent or got it.
    pub vp: u32,
    /// The message's kind; 0 for a note.
    pub kind: u32,
    /// The channel it is about.
    pub relid: Option<u32>,
    /// The body in hexadecimal, or the note.
    pub text: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:10.6} ", self.at.as_secs_f64())?;
        match self.direction {
            Direction::In => write!(f, "vp{} -> {}", self.vp, kind_name(self.kind))?,
            Direction::Out => write!(f, "vp{} <- {}", self.vp, kind_name(self.kind))?,
            Direction::Note => write!(f, "--")?,
        }
        if let Some(relid) = self.relid {
            write!(f, " relid {relid}")?;
        }
        write!(f, " {}", self.text)
    }
}

/// See the module.
pub struct Trace {
    started: Instant,
    inner: Mutex<Inner>,
}

struct Inner {
    entries: VecDeque<Entry>,
    capacity: usize,
    file: Option<Box<dyn Write + Send>>,
}

impl Trace {
    pub(super) fn new(capacity: usize) -> Self {
        let inner = Inner {
            entries: VecDeque::new(),
            capacity,
            file: None,
        };
        Self {
            started: Instant::now(),
            inner: Mutex::new(inner),
        }
    }

    /// Also writes each entry as a line to `file`, from now on. An error ends that silently.
    pub fn tee(&self, file: Box<dyn Write + Send>) {
        lock(&self.inner).file = Some(file);
    }

    /// The last entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.inner).entries.iter().cloned().collect()
    }

    pub(super) fn message(&self, direction: Direction, vp: u32, message: &[u8]) {
        let (kind, body) = split(message).unwrap_or((0, message));
        let text = body.iter().map(|byte| format!("{byte:02x}")).collect();
        self.add(Entry {
            at: self.started.elapsed(),
            direction,
            vp,
            kind,
            relid: relid_of(kind, body),
            text,
        });
    }

    pub(super) fn note(&self, text: impl fmt::Display) {
        self.add(Entry {
            at: self.started.elapsed(),
            direction: Direction::Note,
            vp: 0,
            kind: 0,
            relid: None,
            text: text.to_string(),
        });
    }

    fn add(&self, entry: Entry) {
        let mut inner = lock(&self.inner);
        if let Some(file) = inner.file.as_mut()
            && writeln!(file, "{entry}").is_err()
        {
            inner.file = None;
        }
        while inner.entries.len() >= inner.capacity && !inner.entries.is_empty() {
            inner.entries.pop_front();
        }
        if inner.capacity > 0 {
            inner.entries.push_back(entry);
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries()
            .iter()
            .try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").finish_non_exhaustive()
    }
}
