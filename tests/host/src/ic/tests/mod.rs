// SPDX-License-Identifier: GPL-2.0

//! The services against a guest in memory.

mod guest;
mod hostile;
mod kvp;
mod negotiation;
mod services;

use std::time::Duration;

/// How long to wait for a guest that answers in microseconds.
const SOON: Duration = Duration::from_secs(5);
/// How long to wait for what does not come.
const NEVER: Duration = Duration::from_millis(20);
