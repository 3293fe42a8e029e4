// SPDX-License-Identifier: GPL-2.0

//! Signals that ask the program to end: the guest stops, and the terminal is as it was.

use std::io;
use std::thread;

use libc::{SIGHUP, SIGINT, SIGTERM};
use vmm_sys_util::signal::{block_signal, create_sigset};

/// The signals.
const ENDING: [libc::c_int; 3] = [SIGHUP, SIGINT, SIGTERM];

/// Keeps the signals from this thread and those that it starts from now on.
pub(crate) fn block() -> io::Result<()> {
    for signal in ENDING {
        block_signal(signal).map_err(|error| io::Error::other(format!("{error:?}")))?;
    }
    Ok(())
}

/// Calls `stop` once when one of the blocked signals comes.
pub(crate) fn on_ending(stop: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let set =
        create_sigset(&ENDING).map_err(|error| io::Error::from_raw_os_error(error.errno()))?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let mut signal = 0;
            // SAFETY: `set` is an initialized set, and `signal` has room for the answer.
            if unsafe { libc::sigwait(&set, &mut signal) } == 0 {
                stop();
            }
        })?;
    Ok(())
}
