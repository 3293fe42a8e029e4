// SPDX-License-Identifier: GPL-2.0

//! Packets to and from a peer.

use std::io::{self, Read as _, Write as _};
use std::mem::size_of_val;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::time::Duration;

use crate::Operation;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

fn connected(address: &str, port: &str) -> io::Result<UdpSocket> {
    connected_from(0, address, port)
}

fn connected_from(own: u16, address: &str, port: &str) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, own))?;
    socket.connect(format!("{address}:{port}"))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// A datagram at a time.
pub fn send(address: &str, port: &str, len: usize) -> io::Result<Operation> {
    let (socket, data) = (connected(address, port)?, vec![1; len]);
    Ok(Box::new(move || socket.send(&data).map(|_| ())))
}

/// A datagram and its echo.
pub fn request(address: &str, port: &str, len: usize) -> io::Result<Operation> {
    let (socket, data, mut echo) = (connected(address, port)?, vec![1; len], vec![0; len]);
    Ok(Box::new(move || {
        socket.send(&data)?;
        socket.recv(&mut echo).map(|_| ())
    }))
}

/// What a request to the peer begins with.
fn head(first: usize, second: usize) -> io::Result<[u8; 8]> {
    let [first, second] =
        [first, second].map(|number| u32::try_from(number).map_err(io::Error::other));
    Ok((u64::from(first?) << 32 | u64::from(second?)).to_be_bytes())
}

/// `count` datagrams of the peer, which it sends at once when it is asked to.
pub fn receive(address: &str, port: &str, len: usize, count: usize) -> io::Result<Operation> {
    let (socket, request, mut data) = (connected(address, port)?, head(count, len)?, vec![0; len]);
    Ok(Box::new(move || {
        socket.send(&request)?;
        (0..count).try_for_each(|_| socket.recv(&mut data).map(|_| ()))
    }))
}

/// `count` datagrams of the peer, each of which an XDP program drops because it is short, and then one that
/// is not, so that it is known when they are gone. The peer is asked for all at once, by a [`burst`] of two
/// requests, and answers in their order.
pub fn dropped(address: &str, port: &str, len: usize, count: usize) -> io::Result<Operation> {
    /// The port that the program drops datagrams for.
    const DROPPED: u16 = 9999;
    const LONG: usize = 256;

    let socket = connected_from(DROPPED, address, port)?;
    let requests = [head(count, len)?, head(1, LONG)?];
    cut(&socket, size_of_val(&requests[0]))?;
    let mut data = [0; LONG];
    Ok(Box::new(move || {
        socket.send(requests.as_flattened())?;
        match socket.recv(&mut data)? {
            LONG => Ok(()),
            len => Err(io::Error::other(format!(
                "a datagram of {len} bytes is let through"
            ))),
        }
    }))
}

/// `len` bytes for the peer, which answers with `wanted` when it has them all.
pub fn exchange(address: &str, port: &str, len: usize, wanted: usize) -> io::Result<Operation> {
    let mut stream = stream(address, port)?;
    let (mut request, mut answer) = (vec![1; len], vec![0; wanted]);
    let head = head(len - size_of::<u64>(), wanted)?;
    request[..head.len()].copy_from_slice(&head);
    Ok(Box::new(move || {
        stream.write_all(&request)?;
        stream.read_exact(&mut answer)
    }))
}

/// `count` datagrams with one call: the kernel cuts one buffer into as many, and gives them to the
/// driver together.
pub fn burst(address: &str, port: &str, len: usize, count: usize) -> io::Result<Operation> {
    let (socket, data) = (connected(address, port)?, vec![1; len * count]);
    cut(&socket, len)?;
    Ok(Box::new(move || socket.send(&data).map(|_| ())))
}

/// Has the kernel cut what is sent into datagrams of `len` bytes.
fn cut(socket: &UdpSocket, len: usize) -> io::Result<()> {
    let size = libc::c_int::try_from(len).map_err(io::Error::other)?;
    set_option(socket.as_raw_fd(), libc::SOL_UDP, libc::UDP_SEGMENT, size)
}

/// An echo request of ICMP and its reply.
pub fn ping(address: &str) -> io::Result<Operation> {
    /// Type 8, code 0, the checksum of all of it, no identifier and no number, no data.
    const REQUEST: [u8; 8] = [8, 0, 0xf7, 0xff, 0, 0, 0, 0];

    // SAFETY: No memory is involved.
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: The descriptor was just made, and nothing else owns it. The calls that are used of
    // this type are those that all sockets have.
    let socket = unsafe { UdpSocket::from(OwnedFd::from_raw_fd(fd)) };
    let address: Ipv4Addr = address.parse().map_err(io::Error::other)?;
    socket.connect(SocketAddrV4::new(address, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut reply = [0; 128];
    Ok(Box::new(move || {
        socket.send(&REQUEST)?;
        socket.recv(&mut reply).map(|_| ())
    }))
}

fn stream(address: &str, port: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(format!("{address}:{port}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn set_option(
    fd: libc::c_int,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of_val(&value)).map_err(io::Error::other)?;
    // SAFETY: The value is so long.
    let done = unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), len) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
