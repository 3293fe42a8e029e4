// SPDX-License-Identifier: GPL-2.0

//! One network of the peer: addresses, sockets, services.

use std::collections::VecDeque;
use std::time::Duration;

use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::udp;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address, Ipv6Address};

use super::link::Link;
use super::services::{CONNECTIONS, PORTS, Service};
use super::{dhcp, exchange};
use crate::net::backend::Frame;

const UDP_ECHO: u16 = 7;
const UDP_SINK: u16 = 9;
const UDP_EXCHANGE: u16 = 20;
/// How many datagrams, and bytes of them, a socket keeps.
const DATAGRAMS: usize = 256;
const DATAGRAM_BYTES: usize = 512 << 10;

/// See the module.
pub(super) struct Stack {
    link: Link,
    interface: Interface,
    sockets: SocketSet<'static>,
    services: Vec<Service>,
    echo: SocketHandle,
    sink: SocketHandle,
    exchange: SocketHandle,
    dhcp: dhcp::Server,
}

impl Stack {
    pub(super) fn new(mac: [u8; 6], mtu: usize, network: u8) -> Self {
        let mut link = Link {
            arrived: VecDeque::new(),
            leaving: Vec::new(),
            mtu,
        };
        let mac = EthernetAddress(mac);
        let mut config = Config::new(mac.into());
        config.random_seed = u64::from(network) + 1;
        let mut interface = Interface::new(config, &mut link, Instant::ZERO);
        let address = Ipv4Address::new(10, 0, network, 1);
        interface.update_ip_addrs(|addresses| {
            let v6 = Ipv6Address::new(0xfd00, network.into(), 0, 0, 0, 0, 0, 1);
            // There is room for two.
            let _ = addresses.push(IpCidr::new(address.into(), 24));
            let _ = addresses.push(IpCidr::new(v6.into(), 64));
        });
        let mut sockets = SocketSet::new(Vec::new());
        let services = PORTS
            .into_iter()
            .flat_map(|port| [port; CONNECTIONS])
            .map(|port| Service::new(port, &mut sockets))
            .collect();
        Self {
            echo: sockets.add(udp_socket(UDP_ECHO)),
            sink: sockets.add(udp_socket(UDP_SINK)),
            exchange: sockets.add(udp_socket(UDP_EXCHANGE)),
            dhcp: dhcp::Server {
                mac,
                address,
                given: Ipv4Address::new(10, 0, network, 15),
            },
            link,
            interface,
            sockets,
            services,
        }
    }

    /// Takes a frame from the guest.
    pub(super) fn take(&mut self, frame: Frame) {
        match self.dhcp.answer(&frame) {
            Some(answer) => self.link.leaving.push(answer),
            None => self.link.arrived.push_back(frame),
        }
    }

    /// Does what is due, and returns the frames for the guest: all of them, as a host hands over
    /// together what it has, although a socket sends one each time that it is asked.
    pub(super) fn work(&mut self, now: Duration) -> Vec<Frame> {
        let now = instant(now);
        loop {
            let polled = self.interface.poll(now, &mut self.link, &mut self.sockets);
            let mut moved = polled == PollResult::SocketStateChanged;
            moved |= self.echo_datagrams();
            for service in &mut self.services {
                moved |= service.work(&mut self.sockets);
            }
            if !moved {
                break;
            }
        }
        std::mem::take(&mut self.link.leaving)
    }

    /// How long until something is due.
    pub(super) fn delay(&mut self, now: Duration) -> Option<Duration> {
        let delay = self.interface.poll_delay(instant(now), &self.sockets);
        delay.map(Duration::from)
    }

    fn echo_datagrams(&mut self) -> bool {
        let mut moved = false;
        let echo = self.sockets.get_mut::<udp::Socket>(self.echo);
        while echo.can_recv() && echo.can_send() {
            if let Ok((data, from)) = echo.recv() {
                let data = data.to_vec();
                moved |= echo.send_slice(&data, from.endpoint).is_ok();
            }
        }
        let sink = self.sockets.get_mut::<udp::Socket>(self.sink);
        while sink.recv().is_ok() {
            moved = true;
        }
        moved | exchange::answer(self.sockets.get_mut::<udp::Socket>(self.exchange))
    }
}

fn udp_socket(port: u16) -> udp::Socket<'static> {
    let buffer = || {
        let metadata = vec![udp::PacketMetadata::EMPTY; DATAGRAMS];
        udp::PacketBuffer::new(metadata, vec![0; DATAGRAM_BYTES])
    };
    let mut socket = udp::Socket::new(buffer(), buffer());
    // A new socket may be bound to any port but 0.
    let _ = socket.bind(port);
    socket
}

fn instant(now: Duration) -> Instant {
    Instant::from_micros(now.as_micros() as i64)
}
