// SPDX-License-Identifier: GPL-2.0

//! For how long the host is waited for.

use core::time::Duration;
use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
};
use vmbus::SendError;

/// How long the host may take to answer a request.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often, and after which pause, a full ring is tried again.
const ATTEMPTS: usize = 200;
const PAUSE: Delta = Delta::from_millis(5);

/// Sends something, and tries again for some time if there is no room in the ring. May sleep.
///
/// # Errors
///
/// Those of `send`; `EAGAIN` if there was never room.
pub(crate) fn patiently(mut send: impl FnMut() -> Result<(), SendError>) -> Result {
    for _ in 0..ATTEMPTS {
        match send() {
            Err(SendError::Full) => fsleep(PAUSE),
            other => return Ok(other?),
        }
    }
    Err(EAGAIN)
}
