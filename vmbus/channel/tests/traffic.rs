// SPDX-License-Identifier: GPL-2.0

//! Packets in both directions, and interrupts.

use super::{
    super::*,
    count,
    open,
    Counting,
    Open, //
};
use crate::{
    connection::testing::Bench,
    ring::{
        shared::{
            Shared,
            Word, //
        },
        testing::HostRing,
        writer::Writer, //
    },
    wire::packet::Kind, //
};
use kernel::{
    sync::{
        atomic::Relaxed,
        rcu, //
    }, //
};

/// A driver whose host sends one more packet when the driver has found no more.
#[pin_data]
struct Hasty {
    #[pin]
    host: SpinLockIrq<Option<Writer<HostRing>>>,
    packets: Atomic<u32>,
}

impl Handler for Hasty {
    fn on_event(&self, _endpoint: &Endpoint, receiver: &mut Receiver<'_>) -> Progress {
        while receiver.next().is_some() {
            self.packets.add(1u32, Relaxed);
        }
        if let Some(mut host) = self.host.lock().take() {
            let _ = host.send_inband(&[1; 8], 2, false);
        }
        Progress::Done
    }
}

#[kunit_tests(hv_vmbus_endpoint)]
mod endpoint_suite {
    use super::*;

    /// Sends some packets; returns whether one of them was to interrupt.
    fn send(open: &mut Open, packets: u64) -> Result<bool> {
        let mut interrupt = false;
        for transaction in 0..packets {
            interrupt |= open.send(Kind::INBAND, transaction, &[], &[1; 8])?;
        }
        Ok(interrupt)
    }

    #[test]
    fn what_came_before_is_found() -> Result {
        let bench = Bench::new()?;
        let handler = Counting::new(10)?;
        let open = open(&bench, CallbackMode::Direct, &handler)?;
        // Publishing had the handler look.
        open.endpoint().tasklet.kill();
        assert_eq!(count(&handler.events), 1);
        assert_eq!(count(&handler.packets), 0);
        Ok(())
    }

    #[test]
    fn direct() -> Result {
        let bench = Bench::new()?;
        let handler = Counting::new(10)?;
        let mut open = open(&bench, CallbackMode::Direct, &handler)?;
        assert!(send(&mut open, 5)?);
        open.interrupt();
        assert_eq!(count(&handler.packets), 5);
        assert_eq!(open.incoming().load(Word::InterruptMask), 0);
        // The host got the room back.
        let ring = open.incoming();
        assert_eq!(ring.load(Word::ReadIndex), ring.load(Word::WriteIndex));
        assert_eq!(open.endpoint().channel().stats().interrupts.get(), 1);
        Ok(())
    }

    #[test]
    fn direct_goes_on_while_there_is_more() -> Result {
        let bench = Bench::new()?;
        let handler = Counting::new(2)?;
        let mut open = open(&bench, CallbackMode::Direct, &handler)?;
        send(&mut open, 9)?;
        open.interrupt();
        for _ in 0..9 {
            open.endpoint().tasklet.kill();
        }
        assert_eq!(count(&handler.packets), 9);
        Ok(())
    }

    /// To the host the ring is not empty until it has got the room back, so that it does not signal.
    #[test]
    fn direct_looks_again_when_room_was_given_back() -> Result {
        let bench = Bench::new()?;
        let init = pin_init!(Hasty {
            host <- new_spinlock_irq!(None, "Hasty::host"),
            packets: Atomic::new(0),
        });
        let handler = Arc::pin_init(init, GFP_KERNEL)?;
        let channel = bench.offer(3)?;
        let open = bench.open(&channel, CallbackMode::Direct, handler.clone())?;
        open.endpoint().tasklet.kill();
        let mut host = Writer::new(open.incoming().again()?);
        assert!(host.send_inband(&[1; 8], 1, false)?.is_needed());
        *handler.host.lock() = Some(host);
        open.interrupt();
        open.endpoint().tasklet.kill();
        assert_eq!(count(&handler.packets), 2);
        Ok(())
    }

    #[test]
    fn batched_masks_while_it_works() -> Result {
        let bench = Bench::new()?;
        let handler = Counting::new(100)?;
        let mut open = open(&bench, CallbackMode::Batched, &handler)?;
        open.endpoint().tasklet.kill();
        assert!(send(&mut open, 1)?);
        open.endpoint().rings.mask_incoming();
        assert!(!send(&mut open, 4)?);
        open.interrupt();
        assert_eq!(count(&handler.packets), 5);
        assert_eq!(open.incoming().load(Word::InterruptMask), 0);
        Ok(())
    }

    #[test]
    fn isr() -> Result {
        let bench = Bench::new()?;
        let handler = Counting::new(10)?;
        let mut open = open(&bench, CallbackMode::Isr, &handler)?;
        open.endpoint().tasklet.kill();
        send(&mut open, 3)?;
        let events = bench.connection().events();
        events.deliver(3, &rcu::read_lock());
        assert_eq!(count(&handler.packets), 3);
        // Others are for nobody.
        events.deliver(0, &rcu::read_lock());
        events.deliver(4, &rcu::read_lock());
        events.deliver(u32::MAX, &rcu::read_lock());
        assert_eq!(count(&handler.events), 2);
        Ok(())
    }

    #[test]
    fn polled() -> Result {
        let bench = Bench::new()?;
        let handler = Counting::new(10)?;
        let mut open = open(&bench, CallbackMode::Polled, &handler)?;
        open.endpoint().tasklet.kill();
        assert_eq!(count(&handler.interrupts), 1);
        send(&mut open, 3)?;
        open.interrupt();
        assert_eq!((count(&handler.interrupts), count(&handler.events)), (2, 0));
        assert_eq!(open.incoming().load(Word::InterruptMask), 1);
        let taken = open.endpoint().take_packets(|receiver| {
            let _ = receiver.next();
            receiver.next().map(|packet| packet.transaction)
        });
        assert_eq!(taken, Some(Some(1)));
        assert!(open.endpoint().unmask_and_check());
        assert_eq!(open.incoming().load(Word::InterruptMask), 1);
        let taken = open
            .endpoint()
            .take_packets(|receiver| receiver.next().is_some());
        assert_eq!(taken, Some(true));
        assert!(!open.endpoint().unmask_and_check());
        assert_eq!(open.incoming().load(Word::InterruptMask), 0);
        assert!(open.endpoint().is_idle());
        Ok(())
    }

    #[test]
    fn closed_endpoints_are_left_alone() -> Result {
        let bench = Bench::new()?;
        let handler = Counting::new(10)?;
        let open = open(&bench, CallbackMode::Isr, &handler)?;
        let endpoint = open.endpoint().clone();
        drop(open);
        let heard = || {
            let interrupts = endpoint.channel().stats().interrupts.get();
            (count(&handler.events), interrupts)
        };
        let before = heard();
        let events = bench.connection().events();
        events.deliver(3, &rcu::read_lock());
        endpoint.poll();
        endpoint.tasklet.kill();
        assert_eq!(heard(), before);
        assert_eq!(
            endpoint.send_inband(&[0; 8], 1, false),
            Err(SendError::Closed)
        );
        assert_eq!(endpoint.set_pending_send(1), Err(SendError::Closed));
        assert!(endpoint.send_together(|_| ()).is_err());
        assert!(endpoint.take_packets(|_| ()).is_none());
        assert!(!endpoint.unmask_and_check());
        Ok(())
    }

    #[test]
    fn sent_to_the_host() -> Result {
        let bench = Bench::new()?;
        let mut open = open(&bench, CallbackMode::Direct, &Counting::new(10)?)?;
        let endpoint = open.endpoint().clone();
        endpoint.send_inband(&[1; 12], 7, true)?;
        assert_eq!(open.signals(), 1);
        let range = GpaRange {
            len: 5000,
            offset: 8,
            pfns: &[0x11, 0x22],
        };
        endpoint.send_gpa_direct(&range, &[2; 8], 8)?;
        let mut list = GpaList::new();
        assert!(list.push(0x33, 0, 4096).is_some());
        endpoint.send_gpa_list(&list, &[3; 8], 9)?;
        // The host is at work already.
        assert_eq!(open.signals(), 1);
        let packet = open.take().ok_or(EIO)?;
        assert_eq!(
            (packet.kind, packet.transaction, packet.flags),
            (Kind::INBAND, 7, 1)
        );
        assert!(packet.payload[..12] == [1; 12] && packet.payload.len() == 16);
        let packet = open.take().ok_or(EIO)?;
        assert_eq!((packet.kind, packet.transaction), (Kind::GPA_DIRECT, 8));
        assert!(
            packet.header[16] == 0x11 && packet.header[24] == 0x22 && packet.header.len() == 32
        );
        let packet = open.take().ok_or(EIO)?;
        assert_eq!((packet.transaction, packet.header.len()), (9, 24));
        assert!(open.take().is_none());
        Ok(())
    }

    #[test]
    fn together_with_one_signal() -> Result {
        let bench = Bench::new()?;
        let mut open = open(&bench, CallbackMode::Direct, &Counting::new(10)?)?;
        let sent = open.endpoint().send_together(|together| {
            (1..=3).try_for_each(|transaction| together.send_completion(&[5; 8], transaction))
        });
        assert_eq!(sent, Ok(Ok(())));
        assert_eq!(open.signals(), 1);
        for transaction in 1..=3 {
            let packet = open.take().ok_or(EIO)?;
            assert_eq!(
                (packet.kind, packet.transaction),
                (Kind::COMPLETION, transaction)
            );
        }
        assert_eq!(open.endpoint().send_together(|_| 6), Ok(6));
        assert_eq!(open.signals(), 1);
        Ok(())
    }

    #[test]
    fn full_rings_are_counted() -> Result {
        let bench = Bench::new()?;
        let mut open = open(&bench, CallbackMode::Direct, &Counting::new(10)?)?;
        let endpoint = open.endpoint().clone();
        let mut sent = 0;
        while endpoint.send_inband(&[0; 1000], sent, false).is_ok() {
            sent += 1;
        }
        // 12288 bytes of data, 1024 for each packet, and the ring is never filled to the last byte.
        assert_eq!(sent, 11);
        assert!(endpoint.send_inband(&[0; 1000], 1, false) == Err(SendError::Full));
        let stats = endpoint.channel().stats();
        assert_eq!(
            (stats.out_full_first.get(), stats.out_full_total.get()),
            (1, 2)
        );
        assert_eq!(endpoint.set_pending_send(2000), Ok(false));
        assert_eq!(open.outgoing().load(Word::PendingSend), 2000);
        assert_eq!(stats.out_full_total.get(), 3);
        assert!(!endpoint.is_send_free_above(10));
        assert!(open.take().is_some() && open.take().is_some());
        assert_eq!(endpoint.set_pending_send(0), Ok(true));
        assert!(endpoint.send_inband(&[0; 1000], 1, false).is_ok());
        Ok(())
    }

    /// The host waits for room, which the guest makes by receiving.
    #[test]
    fn the_host_is_told_of_room() -> Result {
        let bench = Bench::new()?;
        let mut open = open(&bench, CallbackMode::Direct, &Counting::new(100)?)?;
        open.endpoint().tasklet.kill();
        while open.send(Kind::INBAND, 1, &[], &[0; 1000]).is_ok() {}
        open.incoming().store(Word::PendingSend, 4000);
        assert_eq!(open.signals(), 0);
        open.interrupt();
        assert_eq!(open.signals(), 1);
        assert_eq!(open.endpoint().channel().stats().intr_in_full.get(), 1);
        Ok(())
    }
}
