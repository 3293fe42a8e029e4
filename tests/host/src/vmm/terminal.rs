// SPDX-License-Identifier: GPL-2.0

//! The terminal as the guest's console: raw mode, input until `Ctrl-A x`, and the host's own prompt
//! on `Ctrl-A c`.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use vmm_sys_util::eventfd::EventFd;

use super::exit::{EndState, ExitReason};
use super::ports::SerialPort;
use super::prompt::{Commands, Prompt};

/// Ctrl-A, after which the next key is for the VMM.
const ESCAPE: u8 = 1;

/// Standard input as the guest's keyboard, until it is dropped.
pub(super) struct Keyboard {
    stop: EventFd,
    thread: Option<JoinHandle<()>>,
    _mode: Option<RawMode>,
}

impl Keyboard {
    /// Sends standard input to `port`; `Ctrl-A x` stops the guest. After `Ctrl-A c` it goes to
    /// `commands`, if there are some.
    pub(super) fn open(
        port: Arc<SerialPort>,
        end: Arc<EndState>,
        commands: Option<Commands>,
    ) -> io::Result<Self> {
        let prompt = commands.map(Prompt::start).transpose()?;
        let mode = RawMode::enter()?;
        let stop = EventFd::new(libc::EFD_NONBLOCK)?;
        let stopped = stop.try_clone()?;
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let thread = thread::Builder::new()
            .name("keyboard".to_owned())
            .spawn(move || {
                if let Err(error) = pass_on(input, &stopped, &port, &end, prompt) {
                    tracing::warn!(%error, "the guest gets no more input");
                }
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
            _mode: mode,
        })
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.stop.write(1).ok();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by itself.
            thread.join().ok();
        }
    }
}

fn pass_on(
    mut input: File,
    stop: &EventFd,
    port: &SerialPort,
    end: &EndState,
    mut prompt: Option<Prompt>,
) -> io::Result<()> {
    let mut keys = Keys::default();
    let mut buffer = [0; 1024];
    while wait_for_input(&input, stop)? {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let (typed, _) = buffer.split_at(count);
        for &typed in typed {
            match keys.key(typed, &mut prompt) {
                // A guest that does not listen misses what is typed.
                Key::Guest(byte) => drop(port.input(&[byte])),
                Key::Host => {}
                Key::Quit => {
                    end.record(ExitReason::Stopped);
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Waits for input. Returns whether there is some, as opposed to `stop`.
fn wait_for_input(input: &File, stop: &EventFd) -> io::Result<bool> {
    let wanted = |fd| libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    let mut fds = [wanted(input.as_raw_fd()), wanted(stop.as_raw_fd())];
    loop {
        // SAFETY: `fds` is an array of two.
        let result = unsafe { libc::poll(fds.as_mut_ptr(), 2, -1) };
        if result >= 0 {
            return Ok(fds[1].revents == 0);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Whom a key is for.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    Guest(u8),
    Host,
    Quit,
}

/// Looks for the escape key, and knows whether the prompt is there.
#[derive(Default)]
struct Keys {
    escaped: bool,
    prompted: bool,
}

impl Keys {
    /// The user types `key`.
    fn key(&mut self, key: u8, prompt: &mut Option<Prompt>) -> Key {
        match (std::mem::take(&mut self.escaped), key, prompt) {
            (true, b'x', _) => return Key::Quit,
            (false, ESCAPE, _) => self.escaped = true,
            (true, b'c', Some(prompt)) if !self.prompted => {
                self.prompted = true;
                prompt.enter();
            }
            (true, b'c', Some(_)) => self.prompted = false,
            (_, key, Some(prompt)) if self.prompted => self.prompted = prompt.key(key),
            (_, key, _) => return Key::Guest(key),
        }
        Key::Host
    }
}

/// Standard input in raw mode. Dropped, also by a panic, it is as it was.
struct RawMode {
    terminal: OwnedFd,
    saved: libc::termios,
}

impl RawMode {
    /// Sets raw mode if standard input is a terminal.
    fn enter() -> io::Result<Option<Self>> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return Ok(None);
        }
        let terminal = stdin.as_fd().try_clone_to_owned()?;
        let mut saved = MaybeUninit::<libc::termios>::uninit();
        // SAFETY: `saved` has room for a termios structure.
        if unsafe { libc::tcgetattr(terminal.as_raw_fd(), saved.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: tcgetattr() has filled it in.
        let saved = unsafe { saved.assume_init() };
        let mut raw = saved;
        // SAFETY: `raw` is a valid termios structure.
        unsafe { libc::cfmakeraw(&mut raw) };
        // The VMM's own lines are to start at the left.
        raw.c_oflag = saved.c_oflag;
        set(&terminal, &raw)?;
        Ok(Some(Self { terminal, saved }))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // There is nobody left to tell.
        set(&self.terminal, &self.saved).ok();
    }
}

fn set(terminal: &OwnedFd, mode: &libc::termios) -> io::Result<()> {
    // SAFETY: `mode` is a valid termios structure.
    match unsafe { libc::tcsetattr(terminal.as_raw_fd(), libc::TCSANOW, mode) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of `typed` is for the guest, and whether the user wants to leave.
    fn filter(typed: &[u8], prompt: &mut Option<Prompt>) -> (Vec<u8>, bool) {
        let (mut keys, mut bytes) = (Keys::default(), Vec::new());
        for &key in typed {
            match keys.key(key, prompt) {
                Key::Guest(byte) => bytes.push(byte),
                Key::Host => {}
                Key::Quit => return (bytes, true),
            }
        }
        (bytes, false)
    }

    #[test]
    fn escape() {
        assert_eq!(filter(b"ab\x01", &mut None), (b"ab".to_vec(), false));
        let twice = filter(b"\x01\x01\x01c", &mut None);
        assert_eq!(twice, (b"\x01c".to_vec(), false));
        assert_eq!(filter(b"d\x01xe", &mut None), (b"d".to_vec(), true));
    }

    #[test]
    fn prompt() {
        let (sender, lines) = std::sync::mpsc::channel();
        let commands: Commands = Box::new(move |line| {
            sender.send(line.to_owned()).unwrap();
            String::new()
        });
        let mut prompt = Some(Prompt::start(commands).unwrap());
        let typed = b"a\x01cone\rtwo\r\x04b\x01cthree\x01cc\x01x";
        assert_eq!(filter(typed, &mut prompt), (b"abc".to_vec(), true));
        drop(prompt);
        assert_eq!(lines.iter().collect::<Vec<_>>(), ["one", "two"]);
    }
}
