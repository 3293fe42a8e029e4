// SPDX-License-Identifier: GPL-2.0

//! Clients that say how much they send and how much they want, so that it is known how many packets
//! that takes.
//!
//! A request begins with two numbers of 32 bits, the more significant byte first.

use smoltcp::socket::tcp::Socket;
use smoltcp::socket::udp;

use super::services::{close_after, drain};

/// The length of what a request begins with.
const HEAD: usize = 8;

/// What is sent is of no interest.
static BYTES: [u8; 32 << 10] = [0; 32 << 10];

/// The two numbers at the beginning of a request.
fn head(request: &[u8]) -> Option<[u32; 2]> {
    let (bytes, _) = request.split_first_chunk::<HEAD>()?;
    let number = u64::from_be_bytes(*bytes);
    Some([(number >> 32) as u32, number as u32])
}

/// Answers each datagram with as many, of as many bytes, as it says. Returns whether there was one.
pub(super) fn answer(socket: &mut udp::Socket<'_>) -> bool {
    let mut moved = false;
    while let Ok((request, from)) = socket.recv() {
        moved = true;
        let [count, len] = head(request).unwrap_or_default();
        let bytes = BYTES.get(..len as usize).unwrap_or_default();
        for _ in 0..count {
            // What there is no room for is lost, as datagrams may be.
            if socket.send_slice(bytes, from.endpoint).is_err() {
                break;
            }
        }
    }
    moved
}

/// A connection on which so many bytes more than the head are a request, and so many its answer.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    head: Vec<u8>,
    /// What is missing of the request.
    more: usize,
    /// The length of its answer.
    wanted: u64,
    /// What is to be sent.
    due: u64,
}

impl Exchange {
    /// Takes what the client sent.
    fn take(&mut self, mut data: &[u8]) {
        while let Some((&byte, rest)) = data.split_first() {
            if self.more > 0 {
                let len = data.len().min(self.more);
                self.more -= len;
                data = &data[len..];
            } else {
                self.head.push(byte);
                data = rest;
                if let Some([more, wanted]) = head(&self.head) {
                    self.head.clear();
                    (self.more, self.wanted) = (more as usize, wanted.into());
                }
            }
            if self.more == 0 {
                self.due += std::mem::take(&mut self.wanted);
            }
        }
    }

    /// Does what can be done now; returns whether anything was.
    pub(super) fn work(&mut self, socket: &mut Socket<'_>) -> bool {
        let mut moved = drain(socket, |data| self.take(data));
        while self.due > 0 && socket.can_send() {
            let len = self.due.min(BYTES.len() as u64) as usize;
            let sent = socket.send_slice(&BYTES[..len]).unwrap_or(0);
            if sent == 0 {
                break;
            }
            self.due -= sent as u64;
            moved = true;
        }
        close_after(socket, self.due == 0);
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(more: u32, wanted: u32) -> Vec<u8> {
        let head = [more.to_be_bytes(), wanted.to_be_bytes()].concat();
        [head, vec![0xff; more as usize]].concat()
    }

    #[test]
    fn requests_in_pieces() {
        let all = [request(0, 5), request(3, 0), request(10, 7)].concat();
        for size in 1..=all.len() {
            let mut exchange = Exchange::default();
            all.chunks(size).for_each(|piece| exchange.take(piece));
            assert_eq!(exchange.due, 12, "in pieces of {size}");
            assert_eq!((exchange.more, exchange.head.len()), (0, 0));
        }
    }

    #[test]
    fn nothing_is_due_before_the_end() {
        let mut exchange = Exchange::default();
        let request = request(3, 4);
        let (last, first) = request.split_last().unwrap();
        exchange.take(first);
        assert_eq!(exchange.due, 0);
        exchange.take(&[*last]);
        assert_eq!(exchange.due, 4);
    }
}
