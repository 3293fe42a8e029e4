// SPDX-License-Identifier: GPL-2.0

//! What the peer serves over TCP, one connection a socket.

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Duration;

use super::exchange::Exchange;
use super::pattern::{self, Crc};

const ECHO: u16 = 7;
const SINK: u16 = 9;
const SOURCE: u16 = 19;
const EXCHANGE: u16 = 20;
const HTTP: u16 = 80;

/// The ports.
pub(super) const PORTS: [u16; 5] = [ECHO, SINK, SOURCE, EXCHANGE, HTTP];
/// How many connections each may have at a time.
pub(super) const CONNECTIONS: usize = 12;

const BUFFER: usize = 128 << 10;
/// The most that is moved at once.
const PIECE: usize = 32 << 10;
/// The longest request.
const MAX_REQUEST: usize = 4096;
/// How long a guest may be silent: one that is asleep, under emulation, is for more than a minute.
const PATIENCE: Duration = Duration::from_secs(600);

/// A service that listens, or serves one connection.
pub(super) struct Service {
    port: u16,
    handle: SocketHandle,
    conversation: Conversation,
    exchange: Exchange,
}

/// How far a connection is.
#[derive(Default)]
struct Conversation {
    taken: u64,
    crc: Crc,
    request: Vec<u8>,
    /// What is to be said.
    answer: Vec<u8>,
    /// The bytes of the pattern that are to follow.
    next: u64,
    until: u64,
    /// Whether the answer is known.
    decided: bool,
}

impl Service {
    pub(super) fn new(port: u16, sockets: &mut SocketSet<'static>) -> Self {
        Self {
            port,
            handle: sockets.add(listening(port)),
            conversation: Conversation::default(),
            exchange: Exchange::default(),
        }
    }

    /// Does what can be done now; returns whether anything was.
    pub(super) fn work(&mut self, sockets: &mut SocketSet<'static>) -> bool {
        let socket = sockets.get_mut::<Socket>(self.handle);
        if matches!(socket.state(), State::Closed | State::TimeWait) {
            // A socket that waits for stray segments would be one less to connect to.
            sockets.remove(self.handle);
            *self = Self::new(self.port, sockets);
            return true;
        }
        match self.port {
            ECHO => echo(socket),
            SINK => self.conversation.sink(socket),
            SOURCE => {
                self.conversation.until = u64::MAX;
                self.conversation.decided = true;
                drain(socket, |_| ()) | self.conversation.speak(socket)
            }
            EXCHANGE => self.exchange.work(socket),
            _ => self.conversation.http(socket),
        }
    }
}

fn listening(port: u16) -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; BUFFER]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_nagle_enabled(false);
    socket.set_keep_alive(Some(Duration::from_secs(5)));
    socket.set_timeout(Some(PATIENCE));
    // A new socket may listen on any port but 0.
    let _ = socket.listen(port);
    socket
}

fn echo(socket: &mut Socket<'_>) -> bool {
    let room = (socket.send_capacity() - socket.send_queue()).min(PIECE);
    let mut bytes = Vec::new();
    if room > 0 && socket.can_recv() {
        let _ = socket.recv(|data| {
            bytes = data[..data.len().min(room)].to_vec();
            (bytes.len(), ())
        });
        let _ = socket.send_slice(&bytes);
    }
    close_after(socket, true);
    !bytes.is_empty()
}

/// Takes everything; returns whether there was anything.
pub(super) fn drain(socket: &mut Socket<'_>, mut take: impl FnMut(&[u8])) -> bool {
    let mut moved = false;
    while socket.can_recv() {
        let _ = socket.recv(|data| {
            moved |= !data.is_empty();
            take(data);
            (data.len(), ())
        });
    }
    moved
}

/// Closes a connection whose other end has said everything, once all is answered.
pub(super) fn close_after(socket: &mut Socket<'_>, answered: bool) {
    if socket.state() == State::CloseWait && answered && socket.recv_queue() == 0 {
        socket.close();
    }
}

impl Conversation {
    fn sink(&mut self, socket: &mut Socket<'_>) -> bool {
        let moved = drain(socket, |data| {
            self.crc.update(data);
            self.taken += data.len() as u64;
        });
        if socket.state() == State::CloseWait && !self.decided {
            self.answer = format!("{} {:08x}\n", self.taken, self.crc.value()).into_bytes();
            self.decided = true;
        }
        moved || self.speak(socket)
    }

    fn http(&mut self, socket: &mut Socket<'_>) -> bool {
        let moved = drain(socket, |data| self.request.extend_from_slice(data));
        let whole = self.request.windows(4).any(|end| end == b"\r\n\r\n");
        if !self.decided && (whole || self.request.len() > MAX_REQUEST) {
            self.decide();
        }
        moved | self.speak(socket)
    }

    /// Finds the answer to an HTTP request.
    fn decide(&mut self) {
        let request = String::from_utf8_lossy(&self.request);
        let path = request.split(' ').nth(1).unwrap_or_default();
        let number = |prefix| {
            path.strip_prefix(prefix)
                .and_then(|it: &str| it.parse().ok())
        };
        let (body, pattern) = match (number("/bytes/"), number("/crc/")) {
            (Some(len), _) => (String::new(), Some(len)),
            (_, Some(len)) => (format!("{:08x}\n", pattern::crc(len)), None),
            _ => (String::new(), None),
        };
        let found = pattern.is_some() || !body.is_empty();
        let status = if found { "200 OK" } else { "404 Not Found" };
        self.until = pattern.unwrap_or(0);
        let len = body.len() as u64 + self.until;
        let head =
            format!("HTTP/1.0 {status}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n");
        self.answer = (head + &body).into_bytes();
        self.decided = true;
    }

    /// Says what is to be said, as far as there is room; closes after the last word.
    fn speak(&mut self, socket: &mut Socket<'_>) -> bool {
        if !self.decided || !socket.may_send() {
            return false;
        }
        let mut said = false;
        while socket.can_send() {
            let sent = if !self.answer.is_empty() {
                let sent = socket.send_slice(&self.answer).unwrap_or(0);
                self.answer.drain(..sent);
                sent
            } else if self.next < self.until {
                let room = socket.send_capacity() - socket.send_queue();
                let len = (self.until - self.next).min(room.min(PIECE) as u64);
                let mut bytes = vec![0; len as usize];
                pattern::fill(&mut bytes, self.next);
                let sent = socket.send_slice(&bytes).unwrap_or(0);
                self.next += sent as u64;
                sent
            } else {
                socket.close();
                return true;
            };
            if sent == 0 {
                break;
            }
            said = true;
        }
        said
    }
}
