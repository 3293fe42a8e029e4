// SPDX-License-Identifier: GPL-2.0

//! Tests of the card, from single frames to whole conversations.

mod coalesce;
mod conversation;
mod data;
mod driver;
mod function;
mod hostile;
mod objects;
mod segment;

use super::frame::{ETHERNET, Ip, set16};

/// A frame with TCP over IPv4 or IPv6, with right checksums.
fn tcp_frame(v6: bool, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut tcp = vec![0; 20];
    tcp[..2].copy_from_slice(&1000u16.to_be_bytes());
    tcp[2..4].copy_from_slice(&80u16.to_be_bytes());
    tcp[4..8].copy_from_slice(&sequence.to_be_bytes());
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    tcp.extend_from_slice(payload);
    ip_frame(v6, 6, &tcp)
}

/// A frame with a UDP datagram, with right checksums.
fn udp_frame(v6: bool, payload: &[u8]) -> Vec<u8> {
    let mut udp = vec![0x12, 0x34, 0, 7, 0, 0, 0, 0];
    set16(&mut udp, 4, 8 + payload.len() as u16);
    udp.extend_from_slice(payload);
    ip_frame(v6, 17, &udp)
}

fn ip_frame(v6: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2];
    let len = payload.len() as u16;
    if v6 {
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, protocol, 64]);
        frame.extend([0xfd; 16]);
        frame.extend([0xfc; 16]);
        set16(&mut frame, ETHERNET + 4, len);
    } else {
        frame.extend([8, 0, 0x45, 0, 0, 0, 0, 9, 0, 0, 64, protocol, 0, 0]);
        frame.extend([10, 0, 0, 15, 10, 0, 0, 1]);
        set16(&mut frame, ETHERNET + 2, 20 + len);
    }
    frame.extend_from_slice(payload);
    let ip = Ip::find(&frame).unwrap();
    ip.fill_header_checksum(&mut frame);
    ip.fill_checksum(&mut frame);
    frame
}
