// SPDX-License-Identifier: GPL-2.0

//! A DHCP server with one address, on whole frames.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use crate::net::backend::Frame;

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
/// How long an address may be used, in seconds.
const LEASE: u32 = 86400;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    pub(super) mac: EthernetAddress,
    pub(super) address: Ipv4Address,
    /// The address that it gives.
    pub(super) given: Ipv4Address,
}

impl Server {
    /// The answer to a frame, if that is a request.
    pub(super) fn answer(&self, frame: &[u8]) -> Option<Frame> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        if ethernet.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
        if ip.next_header() != IpProtocol::Udp {
            return None;
        }
        let udp = UdpPacket::new_checked(ip.payload()).ok()?;
        if udp.dst_port() != SERVER_PORT {
            return None;
        }
        let packet = DhcpPacket::new_checked(udp.payload()).ok()?;
        let request = DhcpRepr::parse(&packet).ok()?;
        let kind = match request.message_type {
            DhcpMessageType::Discover => DhcpMessageType::Offer,
            DhcpMessageType::Request => DhcpMessageType::Ack,
            _ => return None,
        };
        Some(self.frame(ethernet.src_addr(), &self.reply(&request, kind)))
    }

    fn reply<'a>(&self, request: &DhcpRepr<'a>, kind: DhcpMessageType) -> DhcpRepr<'a> {
        DhcpRepr {
            message_type: kind,
            transaction_id: request.transaction_id,
            secs: 0,
            client_hardware_address: request.client_hardware_address,
            client_ip: Ipv4Address::UNSPECIFIED,
            your_ip: self.given,
            server_ip: self.address,
            router: Some(self.address),
            subnet_mask: Some(Ipv4Address::new(255, 255, 255, 0)),
            relay_agent_ip: Ipv4Address::UNSPECIFIED,
            broadcast: request.broadcast,
            requested_ip: None,
            client_identifier: None,
            server_identifier: Some(self.address),
            parameter_request_list: None,
            dns_servers: None,
            max_size: None,
            lease_duration: Some(LEASE),
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        }
    }

    fn frame(&self, to: EthernetAddress, dhcp: &DhcpRepr<'_>) -> Frame {
        let checksums = ChecksumCapabilities::default();
        let udp = UdpRepr {
            src_port: SERVER_PORT,
            dst_port: CLIENT_PORT,
        };
        let ip = Ipv4Repr {
            src_addr: self.address,
            dst_addr: Ipv4Address::BROADCAST,
            next_header: IpProtocol::Udp,
            payload_len: udp.header_len() + dhcp.buffer_len(),
            hop_limit: 64,
        };
        let ethernet = EthernetRepr {
            src_addr: self.mac,
            dst_addr: to,
            ethertype: EthernetProtocol::Ipv4,
        };
        let mut bytes = vec![0; ethernet.buffer_len() + ip.buffer_len() + ip.payload_len];
        let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
        ethernet.emit(&mut frame);
        let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
        ip.emit(&mut packet, &checksums);
        let mut datagram = UdpPacket::new_unchecked(packet.payload_mut());
        udp.emit(
            &mut datagram,
            &ip.src_addr.into(),
            &ip.dst_addr.into(),
            dhcp.buffer_len(),
            |payload| {
                // The buffer has the length that the message asked for.
                let _ = dhcp.emit(&mut DhcpPacket::new_unchecked(payload));
            },
            &checksums,
        );
        bytes
    }
}
