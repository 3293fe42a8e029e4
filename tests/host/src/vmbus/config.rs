// SPDX-License-Identifier: GPL-2.0

//! What a server is told when it is made.

use std::time::Duration;

use super::wire::Version;

/// Where device code runs when the guest signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoMode {
    /// On the virtual processor that signalled, which waits meanwhile.
    Inline,
    /// On a thread of the server's own.
    Thread,
}

/// What the server can do and how.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The versions that the server accepts.
    pub versions: Vec<Version>,
    /// Where device code runs.
    pub io: IoMode,
    /// Let guests signal through the monitor page, looked at this often.
    pub monitor: Option<Duration>,
    /// The connection id for messages that guests are given from version 5.0 on.
    pub message_connection: u32,
    /// The connection id of relid 0; those of the other channels follow.
    pub event_connection: u32,
    /// Tell guests that event connections belong to one channel each (they always do).
    pub dedicated_interrupts: bool,
    /// How many messages the trace keeps.
    pub trace_entries: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            versions: Version::ALL.to_vec(),
            io: IoMode::Inline,
            monitor: None,
            message_connection: 0x1004,
            event_connection: 0x1_0000,
            dedicated_interrupts: true,
            trace_entries: 4096,
        }
    }
}

impl ServerConfig {
    /// The default with the versions up to `newest`.
    pub fn up_to(newest: Version) -> Self {
        let versions = Version::ALL
            .into_iter()
            .filter(|&version| version <= newest)
            .collect();
        Self {
            versions,
            ..Self::default()
        }
    }
}
