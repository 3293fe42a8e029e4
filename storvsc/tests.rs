// SPDX-License-Identifier: GPL-2.0

//! Tests of what is between the SCSI layer and the host.

use super::{
    adapter::Adapter,
    controller::Controller,
    idle::Idle,
    scan::Scanner,
    scsi::{
        testing::Fake,
        HostStatus,
        InFlight,
        NewHost,
        Reset, //
    },
    sys::SharedTable,
    wire::{
        Operation,
        Packet,
        SrbStatus,
        PACKET_BYTES, //
    },
};
use core::time::Duration;
use kernel::{
    faux,
    prelude::*,
    sync::{
        atomic::Relaxed,
        rcu,
        Arc, //
    },
};
use pin_init::stack_pin_init;
use vmbus::{
    sync::Atomic,
    testing::{
        Bench,
        Open, //
    },
    wire::packet::Kind,
    CallbackMode, //
};

#[kunit_tests(hv_storvsc_sys)]
mod sys_suite {
    use super::*;

    #[test]
    fn table_of_shared_objects() -> Result {
        let table = KBox::pin_init(SharedTable::<u32>::new(4), GFP_KERNEL)?;
        let by_turns = |entry: usize, objects: &[Arc<u32>]| entry.checked_rem(objects.len());
        let read = |entry| table.get(entry, &rcu::read_lock()).copied();
        assert_eq!((table.len(), read(0)), (4, None));
        let (ten, twenty) = (Arc::new(10, GFP_KERNEL)?, Arc::new(20, GFP_KERNEL)?);
        table.add(ten.clone(), by_turns)?;
        table.add(twenty.clone(), by_turns)?;
        assert_eq!(
            (read(0), read(1), read(3), read(4)),
            (Some(10), Some(20), Some(20), None)
        );
        table.reassign(|_, _| Some(1));
        assert_eq!((read(0), read(1)), (Some(20), Some(20)));
        table.remove(&ten, by_turns);
        assert!(Arc::into_unique_or_drop(ten).is_some());
        assert_eq!((read(0), read(1)), (Some(20), Some(20)));
        assert_eq!(table.first().map(|first| *first), Some(20));
        table.remove(&twenty, by_turns);
        assert_eq!(read(0), None);
        Ok(())
    }

    #[test]
    fn waits_until_idle() {
        stack_pin_init!(let idle = Idle::new());
        let looks = Atomic::new(0u32);
        let patience = Duration::from_millis(30);
        assert!(!idle.wait(patience, || false));
        // Each command that ends makes the waiter look again.
        let is_idle = || {
            idle.notify();
            looks.fetch_add(1u32, Relaxed) == 5
        };
        assert!(idle.wait(patience, is_idle));
        assert_eq!(looks.load(Relaxed), 6);
        // Nobody is told when nobody waits.
        idle.notify();
        assert!(!idle.wait(patience, || false));
    }
}

/// A controller, with a host at the other end of its channel.
struct Rig {
    open: Open,
    controller: Arc<Controller>,
    _device: faux::Registration,
}

impl Rig {
    fn new(bench: &Bench) -> Result<Self> {
        let device = faux::Registration::new(c"hv_storvsc_test", None)?;
        let adapter = NewHost::<Adapter>::alloc()?;
        let scanner = Scanner::new(adapter.host().clone())?;
        let parent: &faux::Device<kernel::device::Bound> = device.as_ref();
        let parent: &kernel::device::Device = parent.as_ref();
        let init = Controller::new(parent.into(), InFlight::new(1, 16)?, scanner);
        let controller = Arc::pin_init(init, GFP_KERNEL)?;
        let channel = bench.offer(1)?;
        let open = bench.open(&channel, CallbackMode::Direct, controller.clone())?;
        Ok(Self {
            open,
            controller,
            _device: device,
        })
    }

    /// Sends a command to the host, as the adapter does; returns by which id.
    fn submit(&self, fake: &Fake) -> Result<u64> {
        let guard = rcu::read_lock();
        let (endpoint, id) = self
            .controller
            .book(fake.command(), &guard)
            .map_err(|_| EBUSY)?;
        let packet = Packet::request(Operation::EXECUTE_SRB);
        let sent = endpoint.send_inband(packet.as_bytes(), id, true);
        self.controller.submitted(id, sent).map_err(|_| EBUSY)?;
        Ok(id)
    }

    /// Has the host answer, and the guest look at it.
    fn answer(&mut self, id: u64, answer: &[u8]) -> Result {
        self.open.send(Kind::COMPLETION, id, &[], answer)?;
        self.open.interrupt();
        Ok(())
    }
}

/// An answer about `len` bytes that went well.
fn success(len: u32) -> Packet {
    let mut answer = Packet::request(Operation::COMPLETE_IO);
    answer.srb.srb_status = SrbStatus::SUCCESS;
    answer.srb.data_transfer_length = len;
    answer
}

#[kunit_tests(hv_storvsc_controller)]
mod controller_suite {
    use super::*;

    #[test]
    fn answered_by_the_host() -> Result {
        let bench = Bench::new()?;
        let fake = Fake::new(0, 3, 4096)?;
        let mut rig = Rig::new(&bench)?;
        let id = rig.submit(&fake)?;
        let packet = rig.open.take().ok_or(EIO)?;
        assert_eq!(
            (packet.transaction, packet.payload.len()),
            (id, PACKET_BYTES)
        );
        rig.answer(id, success(4000).as_bytes())?;
        assert_eq!((fake.result(), fake.residual()), (Some((0, 0)), 96));
        Ok(())
    }

    #[test]
    fn answers_that_make_no_sense() -> Result {
        let bench = Bench::new()?;
        let fake = Fake::new(0, 3, 4096)?;
        let mut rig = Rig::new(&bench)?;
        let id = rig.submit(&fake)?;
        let answer = success(4096);
        for wrong in [
            0,
            1,
            id + 1,
            id | 1 << 40,
            u64::MAX,
            u64::MAX - 2,
            u64::MAX - 3,
        ] {
            rig.answer(wrong, answer.as_bytes())?;
        }
        rig.answer(id, &answer.as_bytes()[..PACKET_BYTES - 8])?;
        rig.answer(id, Packet::request(Operation::ENUMERATE_BUS).as_bytes())?;
        assert_eq!(fake.result(), None);
        // More than was asked for.
        rig.answer(id, success(5000).as_bytes())?;
        assert_eq!((fake.result(), fake.residual()), (Some((0, 0)), 0));
        Ok(())
    }

    #[test]
    fn failed_with_sense() -> Result {
        let bench = Bench::new()?;
        let fake = Fake::new(0, 3, 4096)?;
        let mut rig = Rig::new(&bench)?;
        let id = rig.submit(&fake)?;
        let mut answer = success(0);
        answer.srb.srb_status = SrbStatus(SrbStatus::ERROR.0 | 0x80);
        answer.srb.scsi_status = 2;
        answer.srb.sense_length = 18;
        answer.srb.cdb_or_sense[..3].copy_from_slice(&[0x70, 0, 5]);
        rig.answer(id, answer.as_bytes())?;
        assert_eq!(fake.result(), Some((HostStatus::Ok as u32, 2)));
        assert_eq!(fake.sense()[..3], [0x70, 0, 5]);
        Ok(())
    }

    /// A second answer to a command is none to the next one with its tag.
    #[test]
    fn answered_twice() -> Result {
        let bench = Bench::new()?;
        let mut fake = Fake::new(0, 3, 512)?;
        let mut rig = Rig::new(&bench)?;
        let first = rig.submit(&fake)?;
        rig.answer(first, success(512).as_bytes())?;
        assert_eq!(fake.result(), Some((0, 0)));
        fake.renew();
        let second = rig.submit(&fake)?;
        rig.answer(first, success(512).as_bytes())?;
        assert_eq!(fake.result(), None);
        rig.answer(second, success(512).as_bytes())?;
        assert_eq!(fake.result(), Some((0, 0)));
        assert_eq!(rig.controller.drain(), Ok(()));
        Ok(())
    }

    #[test]
    fn sent_again_when_the_channel_closes() -> Result {
        let bench = Bench::new()?;
        let (fake, next) = (Fake::new(0, 3, 512)?, Fake::new(0, 4, 512)?);
        let rig = Rig::new(&bench)?;
        rig.submit(&fake)?;
        let Rig {
            open,
            controller,
            _device,
        } = rig;
        drop(open);
        assert_eq!(fake.result(), Some((HostStatus::Disrupted as u32, 0)));
        assert_eq!(controller.drain(), Ok(()));
        // There may be another one soon.
        let guard = rcu::read_lock();
        assert!(matches!(
            controller.book(next.command(), &guard),
            Err(Err(_))
        ));
        assert_eq!(next.result(), None);
        Ok(())
    }

    #[test]
    fn ended_when_the_device_goes() -> Result {
        let bench = Bench::new()?;
        let (fake, next) = (Fake::new(0, 3, 512)?, Fake::new(0, 4, 512)?);
        let rig = Rig::new(&bench)?;
        rig.submit(&fake)?;
        bench.rescind(1);
        let gone = Some((HostStatus::NoConnect as u32, 0));
        assert_eq!(fake.result(), gone);
        assert!(rig.submit(&next).is_err());
        assert_eq!(next.result(), gone);
        let reset = rig.controller.reset_bus();
        assert!(matches!(reset, Reset::Failed));
        Ok(())
    }

    #[test]
    fn given_back_when_the_ring_is_full() -> Result {
        let bench = Bench::new()?;
        let fake = Fake::new(0, 3, 512)?;
        let rig = Rig::new(&bench)?;
        while rig.open.endpoint().send_inband(&[0; 64], 1, false).is_ok() {}
        assert!(rig.submit(&fake).is_err());
        assert_eq!(fake.result(), None);
        assert_eq!(rig.controller.drain(), Ok(()));
        Ok(())
    }
}
