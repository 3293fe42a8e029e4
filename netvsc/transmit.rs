// SPDX-License-Identifier: GPL-2.0

//! Frames of the stack, on their way to the host.

use super::{
    batch::Unsent,
    flow::{
        IPPROTO_TCP,
        IPPROTO_UDP, //
    },
    net::{
        skb::Skb,
        IpVersion,
        Offload,
        Sent,
        Way, //
    },
    queue::Queue,
    wire::{
        frame::Start,
        info::{
            self,
            Info,
            InfoType,
            Transports,
            VlanTag, //
        },
    },
};
use vmbus::Endpoint;

const ETH_P_8021Q: u16 = 0x8100;

impl Queue {
    /// Sends a frame.
    #[inline]
    pub(crate) fn transmit(&self, mut skb: Skb, way: Way<'_>, endpoint: &Endpoint) -> Sent {
        let totals = &self.shared.adapter.totals;
        let Some(mut start) = self.start_of(&mut skb) else {
            totals.tx_dropped.increment();
            return Sent::Taken;
        };
        match self.send(skb, &mut start, way, endpoint) {
            Ok(()) => Sent::Taken,
            Err(Unsent::Busy(skb)) => {
                totals.tx_busy.increment();
                Sent::Busy(skb)
            }
            Err(Unsent::Dropped) => {
                totals.tx_dropped.increment();
                Sent::Taken
            }
        }
    }

    /// What goes before a frame; [`None`] if the frame cannot be sent.
    #[inline(always)]
    fn start_of(&self, skb: &mut Skb) -> Option<Start> {
        let totals = &self.shared.adapter.totals;
        if skb.protocol() == ETH_P_8021Q {
            // The host wants the tag beside the frame.
            match skb.take_vlan() {
                Ok(Some(tci)) => skb.set_vlan(tci),
                Ok(None) => (),
                Err(_) => {
                    totals.vlan_error.increment();
                    return None;
                }
            }
        }
        let work = self.work_of(skb)?;
        let mut start = Start::new(skb.len());
        let hash = skb.known_hash();
        if hash != 0 && self.shared.net().tx_queues() > 1 {
            start.push(Info::new(InfoType::HASH, hash));
        }
        if let Some(tci) = skb.vlan() {
            start.push(Info::new(InfoType::VLAN, VlanTag::from_tci(tci).0));
        }
        if let Some(info) = work {
            start.push(info);
        }
        Some(start)
    }

    /// What the host is to do to a frame; what it cannot do is done here. [`None`] if the frame
    /// cannot be sent.
    #[inline(always)]
    fn work_of(&self, skb: &mut Skb) -> Option<Option<Info>> {
        match skb.offload() {
            Offload::None => Some(None),
            Offload::Segments {
                ip,
                transport,
                size,
            } => {
                skb.prepare_segmentation().ok()?;
                let is_ipv6 = ip == IpVersion::V6;
                info::large_send(is_ipv6, size.into(), transport.into()).map(Some)
            }
            Offload::Checksum {
                ip,
                protocol,
                transport,
            } => {
                let found = transport_of(ip, protocol);
                let able = self.shared.offloads.as_ref().map(|able| able.checksums);
                match found.filter(|&found| able.is_some_and(|able| able.contains(found))) {
                    Some(found) => info::checksum(found, transport.into()).map(Some),
                    None => skb.compute_checksum().ok().map(|()| None),
                }
            }
        }
    }
}

fn transport_of(ip: Option<IpVersion>, protocol: u8) -> Option<Transports> {
    Some(match (ip?, protocol) {
        (IpVersion::V4, IPPROTO_TCP) => Transports::TCP4,
        (IpVersion::V4, IPPROTO_UDP) => Transports::UDP4,
        (IpVersion::V6, IPPROTO_TCP) => Transports::TCP6,
        (IpVersion::V6, IPPROTO_UDP) => Transports::UDP6,
        _ => return None,
    })
}
