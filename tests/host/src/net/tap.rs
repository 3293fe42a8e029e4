// SPDX-License-Identifier: GPL-2.0

//! A network interface of the host's own as the other end of the cable, with everything behind it
//! that a network interface can have. Making one takes privileges.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::{Arc, Mutex, Weak};
use std::thread;

use super::backend::{Backend, Frame};
use super::card::Card;
use super::session::lock;

/// How many frames are delivered at once.
const BATCH: usize = 64;
/// The longest frame.
const MAX_FRAME: usize = 65536 + 18;

/// See the module.
pub struct Tap {
    file: File,
    card: Arc<Mutex<Weak<Card>>>,
    /// Written to end the thread.
    stop: File,
}

impl Tap {
    /// The interface `name`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// Those of opening the tun device and of making an interface.
    pub fn open(name: &str) -> io::Result<Arc<Self>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/net/tun")?;
        attach(&file, name)?;
        // SAFETY: The call takes no pointers.
        let stop = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
        if stop < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: The call returned a new descriptor that nobody else has.
        let stop = unsafe { File::from_raw_fd(stop) };
        let card = Arc::default();
        let reader = Reader {
            file: file.try_clone()?,
            stop: stop.try_clone()?,
            card: Arc::clone(&card),
        };
        thread::spawn(move || reader.run());
        Ok(Arc::new(Self { file, card, stop }))
    }
}

impl Backend for Tap {
    fn attach(&self, card: Weak<Card>) {
        *lock(&self.card) = card;
    }

    fn transmit(&self, frames: Vec<Frame>) {
        for frame in frames {
            // What the interface has no room for is lost, as on any cable.
            let _ = (&self.file).write(&frame);
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let _ = (&self.stop).write(&1u64.to_ne_bytes());
    }
}

/// Makes `file` the other end of interface `name`.
fn attach(file: &File, name: &str) -> io::Result<()> {
    let fits = name.len() < libc::IFNAMSIZ;
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: (libc::IFF_TAP | libc::IFF_NO_PI) as i16,
        },
    };
    if !fits {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    // SAFETY: `request` is an ifreq with a terminated name and lives until the call returns.
    match unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) } {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What the thread has that waits for frames.
struct Reader {
    file: File,
    stop: File,
    card: Arc<Mutex<Weak<Card>>>,
}

impl Reader {
    fn run(mut self) {
        while self.wait() {
            let frames = self.read();
            let card = lock(&self.card).upgrade();
            if let Some(card) = card.filter(|_| !frames.is_empty()) {
                card.deliver(frames);
            }
        }
    }

    /// Waits for frames; false when it is to end.
    fn wait(&self) -> bool {
        let entry = |file: &File| libc::pollfd {
            fd: file.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let mut entries = [entry(&self.file), entry(&self.stop)];
        // SAFETY: `entries` has the two elements that the call is told of.
        let ready = unsafe { libc::poll(entries.as_mut_ptr(), 2, -1) };
        (ready >= 0 || io::Error::last_os_error().kind() == io::ErrorKind::Interrupted)
            && entries[1].revents == 0
    }

    fn read(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut buffer = vec![0; MAX_FRAME];
        while frames.len() < BATCH {
            match self.file.read(&mut buffer) {
                Ok(len) if len > 0 => frames.push(buffer[..len].to_vec()),
                _ => break,
            }
        }
        frames
    }
}
