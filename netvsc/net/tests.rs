// SPDX-License-Identifier: GPL-2.0

//! Tests of packets.

use super::{
    skb::Skb,
    testing::physical,
    transmit::{
        IpVersion,
        Offload,
        Segment,
        Target, //
    }, //
};
use core::{
    cell::UnsafeCell,
    mem::MaybeUninit, //
};
use kernel::prelude::*;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const TCP: u8 = 6;

/// An Ethernet frame with IPv4 and TCP, without payload.
const FRAME: [u8; 54] = {
    let mut frame = [0x11; 54];
    frame[12] = 8;
    frame[13] = 0;
    frame[14] = 0x45;
    frame[14 + 9] = TCP;
    frame
};

/// Memory to copy packets to.
struct Memory(UnsafeCell<[u8; 64]>);

// SAFETY: The memory is there as long as the value, and only looked at when all is written.
unsafe impl Target for Memory {
    fn address(&self) -> *mut u8 {
        self.0.get().cast()
    }

    fn len(&self) -> usize {
        64
    }
}

fn segments<'a>(
    skb: &Skb,
    head: u32,
    room: &'a mut [MaybeUninit<Segment>],
) -> Option<&'a [Segment]> {
    skb.segments(head, room)
}

#[kunit_tests(hv_netvsc_skb)]
mod suite {
    use super::*;

    #[test]
    fn grows_into_its_room() -> Result {
        let mut skb = Skb::made_of(&[1; 10], 0)?;
        // SAFETY: There is more room than that, no fragment, and both bytes are written.
        for byte in unsafe { skb.put(2, 2) } {
            byte.write(2);
        }
        assert_eq!(skb.len(), 12);
        assert_eq!(skb.linear()[8..], [1, 1, 2, 2]);
        Ok(())
    }

    #[test]
    fn has_room_in_front() -> Result {
        let mut skb = Skb::made_of(&[7; 10], 0)?;
        skb.head_mut(60)?.fill(3);
        assert_eq!(skb.linear(), [7; 10]);
        // More than there is, and not only for this owner.
        assert_eq!(skb.head_mut(1000)?.len(), 1000);
        assert_eq!(skb.linear(), [7; 10]);
        let other = skb.cloned()?;
        let before = skb.linear().as_ptr();
        skb.head_mut(8)?.fill(4);
        assert!(before != skb.linear().as_ptr());
        assert_eq!(other.linear(), [7; 10]);
        Ok(())
    }

    #[test]
    fn is_in_segments() -> Result {
        let mut room = [const { MaybeUninit::uninit() }; 4];
        let mut skb = Skb::made_of(&[7; 100], 40)?;
        let start = physical(skb.head_mut(8)?);
        let linear = physical(skb.linear());
        let found = segments(&skb, 8, &mut room).ok_or(EIO)?;
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].address, found[0].len), (start, 8));
        assert_eq!((found[1].address, found[1].len), (linear, 60));
        assert_eq!((found[2].address % 4096, found[2].len), (0, 40));
        assert_eq!(segments(&skb, 0, &mut room).map(<[Segment]>::len), Some(2));
        assert!(segments(&skb, 8, &mut room[..2]).is_none());
        assert!(segments(&skb, 1 << 20, &mut room).is_none());
        skb.linearize()?;
        assert_eq!(skb.linear(), [7; 100]);
        assert_eq!(segments(&skb, 0, &mut room).map(<[Segment]>::len), Some(1));
        Ok(())
    }

    #[test]
    fn is_copied_with_its_fragments() -> Result {
        let mut bytes = [0; 20];
        for (byte, value) in bytes.iter_mut().zip(0..) {
            *byte = value;
        }
        let skb = Skb::made_of(&bytes, 8)?;
        let target = Memory(UnsafeCell::new([0xff; 64]));
        skb.copy_to(4, 14, &target, 3)?;
        assert_eq!(skb.copy_to(4, 17, &target, 3), Err(EINVAL));
        assert_eq!(skb.copy_to(u32::MAX, 2, &target, 3), Err(EINVAL));
        assert_eq!(skb.copy_to(0, 20, &target, 45), Err(EINVAL));
        assert_eq!(skb.copy_to(0, 20, &target, usize::MAX), Err(EINVAL));
        let copy = target.0.into_inner();
        assert_eq!(copy[3..17], bytes[4..18]);
        assert!(copy[2] == 0xff && copy[17] == 0xff);
        Ok(())
    }

    #[test]
    fn says_what_is_to_be_offloaded() -> Result {
        let mut skb = Skb::made_of(&FRAME, 0)?;
        skb.set_headers(IPV4, 14, 34);
        assert_eq!(skb.transport(), Some((IpVersion::V4, TCP)));
        assert_eq!(skb.offload(), Offload::None);
        skb.want_checksum();
        let ip = Some(IpVersion::V4);
        let wanted = Offload::Checksum {
            ip,
            protocol: TCP,
            transport: 34,
        };
        assert_eq!(skb.offload(), wanted);
        skb.want_segments(1400);
        let ip = IpVersion::V4;
        let wanted = Offload::Segments {
            ip,
            transport: 34,
            size: 1400,
        };
        assert_eq!(skb.offload(), wanted);
        Ok(())
    }

    #[test]
    fn other_protocols_and_short_packets() -> Result {
        let mut skb = Skb::made_of(&FRAME, 0)?;
        skb.set_headers(IPV6, 14, 54);
        assert_eq!(skb.transport(), Some((IpVersion::V6, FRAME[20])));
        skb.set_headers(0x0806, 14, 34);
        assert_eq!(skb.transport(), None);
        skb.want_checksum();
        let wanted = Offload::Checksum {
            ip: None,
            protocol: 0,
            transport: 34,
        };
        assert_eq!(skb.offload(), wanted);
        let mut short = Skb::made_of(&FRAME[..20], 0)?;
        short.set_headers(IPV4, 14, 34);
        assert_eq!(short.transport(), None);
        Ok(())
    }

    #[test]
    fn vlan_tags_are_taken_out() -> Result {
        let mut tagged = [0x22; 70];
        tagged[12..18].copy_from_slice(&[0x81, 0, 0x2f, 0xff, 8, 0]);
        let mut skb = Skb::made_of(&tagged, 0)?;
        skb.set_headers(0x8100, 14, 34);
        assert_eq!(skb.take_vlan()?, Some(0x2fff));
        assert_eq!(skb.len(), 66);
        assert_eq!(skb.linear()[12..14], [8, 0]);
        assert_eq!(skb.take_vlan()?, None);
        assert_eq!(skb.vlan(), None);
        skb.set_vlan(0x123);
        assert_eq!(skb.vlan(), Some(0x123));
        Ok(())
    }

    #[test]
    fn checksums_of_ipv4() -> Result {
        let mut skb = Skb::made_of(&FRAME[14..], 0)?;
        skb.compute_ip_checksum()?;
        let words = skb.linear()[..20].chunks_exact(2);
        let sum: u32 = words
            .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]))
            .sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
        assert_eq!(
            Skb::made_of(&FRAME[14..30], 0)?.compute_ip_checksum(),
            Err(EINVAL)
        );
        assert_eq!(
            Skb::made_of(&[0x44; 40], 0)?.compute_ip_checksum(),
            Err(EINVAL)
        );
        Ok(())
    }

    #[test]
    fn what_was_found_about_a_flow() -> Result {
        let mut skb = Skb::made_of(&FRAME, 0)?;
        assert_eq!(skb.known_hash(), 0);
        skb.set_hash(0xabcd);
        assert_eq!(skb.known_hash(), 0xabcd);
        skb.set_rx_queue(3);
        assert_eq!(skb.queue(), 4);
        Ok(())
    }
}
