// SPDX-License-Identifier: GPL-2.0

//! The host adapter as the SCSI layer sees it: how commands become requests to the host.
//!
//! The numbers of the page frames that hold the data of a command are needed only until they have
//! been copied to the ring. So they are kept with no command: those of a small command are on the
//! stack, those of a large one in a buffer of the CPU. Nothing is allocated on the way.

use super::{
    controller::Controller,
    scsi::{
        self,
        Busy,
        Command,
        Direction,
        Geometry,
        HostStatus,
        NewDevice,
        Rejected,
        Reset,
        Template, //
    },
    wire::{
        DataIn,
        Operation,
        Packet,
        ProtocolVersion,
        Srb,
        SrbFlags,
        SENSE_BYTES, //
    },
};
use core::mem::MaybeUninit;
use kernel::{
    cpu, new_spinlock,
    prelude::*,
    sync::{
        rcu,
        Arc,
        SpinLock, //
    },
    time::Msecs,
};
use vmbus::{
    ratelimit,
    wire::packet::GpaRange, //
};

/// The binary logarithm of the size of a page frame as Hyper-V counts them.
pub(crate) const FRAME_SHIFT: u32 = 12;

/// How many page frames a small command has at most.
const SMALL: usize = 32;

/// How long a command takes before the SCSI layer looks after it, in milliseconds.
const REQUEST_TIMEOUT: Msecs = 180_000;

/// A buffer for the numbers of page frames.
type Buffer = SpinLock<KVVec<MaybeUninit<u64>>>;

/// A host adapter.
pub(crate) struct Adapter {
    controller: Arc<Controller>,
    version: ProtocolVersion,
    /// The number by which the host knows the adapter.
    port: u8,
    /// A buffer of each CPU for the page frames of a large command.
    frames: KVec<Pin<KBox<Buffer>>>,
}

impl Adapter {
    /// Makes an adapter whose commands have at most `frames` page frames.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(
        controller: Arc<Controller>,
        version: ProtocolVersion,
        port: u8,
        frames: usize,
    ) -> Result<Self> {
        let mut buffers = KVec::new();
        for _ in 0..cpu::nr_cpu_ids() {
            let buffer = KVVec::from_elem(MaybeUninit::uninit(), frames, GFP_KERNEL)?;
            let buffer = KBox::pin_init(new_spinlock!(buffer), GFP_KERNEL)?;
            buffers.push(buffer, GFP_KERNEL)?;
        }
        Ok(Self {
            controller,
            version,
            port,
            frames: buffers,
        })
    }

    /// Writes the request for a command; [`None`] if the protocol cannot express it.
    #[inline]
    fn request(&self, command: &Command, srb: &mut Srb) -> Option<()> {
        let (data_in, direction) = match command.direction()? {
            Direction::ToDevice => (DataIn::WRITE, SrbFlags::DATA_OUT),
            Direction::FromDevice => (DataIn::READ, SrbFlags::DATA_IN),
            Direction::None => (DataIn::UNKNOWN, SrbFlags::default()),
        };
        let address = command.address();
        *srb = Srb {
            length: Srb::BYTES,
            port: self.port,
            path: u8::try_from(address.channel).ok()?,
            target: u8::try_from(address.target).ok()?,
            lun: u8::try_from(address.lun).ok()?,
            // CAST: A small constant.
            sense_length: SENSE_BYTES as u8,
            data_in,
            data_transfer_length: command.buffer_len(),
            flags: SrbFlags::DISABLE_SYNCH_TRANSFER | direction,
            timeout: Srb::TIMEOUT_SECONDS,
            ..Srb::default()
        };
        if command.is_tagged_queueing_supported() {
            srb.flags = srb.flags | SrbFlags::QUEUE_ACTION | SrbFlags::NO_QUEUE_FREEZE;
            srb.queue_tag = Srb::UNTAGGED;
            srb.queue_action = Srb::SIMPLE_TAG_REQUEST;
        }
        srb.set_cdb(command.cdb()).then_some(())
    }

    /// Sends a command without data.
    #[inline(never)]
    fn send_plain(&self, command: Command, packet: &Packet) -> Result<(), Rejected> {
        let guard = rcu::read_lock();
        let (endpoint, id) = match self.controller.book(command, &guard) {
            Ok(booked) => booked,
            Err(ended) => return ended,
        };
        let sent = endpoint.send_inband(packet.as_bytes(), id, true);
        self.controller.submitted(id, sent)
    }

    /// Sends a command with its data, which is in `range`.
    #[inline(always)]
    fn send_range(
        &self,
        command: Command,
        packet: &Packet,
        range: Option<GpaRange<'_>>,
    ) -> Result<(), Rejected> {
        let Some(range) = range else {
            return self.refuse(command, "its data has gaps");
        };
        let guard = rcu::read_lock();
        let (endpoint, id) = match self.controller.book(command, &guard) {
            Ok(booked) => booked,
            Err(ended) => return ended,
        };
        let sent = endpoint.send_gpa_direct(&range, packet.as_bytes(), id);
        self.controller.submitted(id, sent)
    }

    /// Sends a command whose page frames may be too many for the stack.
    #[inline(never)]
    fn send_large(&self, mut command: Command, packet: &Packet) -> Result<(), Rejected> {
        // CAST: Widening.
        let cpu = cpu::CpuId::current().as_u32() as usize;
        let Some(buffer) = self.frames.get(cpu) else {
            return self.refuse(command, "no buffer for its page frames");
        };
        // Only a task that is moved to another CPU right here finds this lock taken.
        let mut buffer = buffer.lock();
        let length = command.buffer_len();
        let Ok(data) = command.map() else {
            return Err(command.reject(Busy::Device));
        };
        let offset = data.offset(FRAME_SHIFT);
        let frames = data.write_frames(FRAME_SHIFT, &mut buffer);
        self.send_range(command, packet, range_of(frames, offset, length))
    }

    #[cold]
    fn refuse(&self, command: Command, why: &str) -> Result<(), Rejected> {
        if ratelimit::allowed() {
            let opcode = command.opcode();
            dev_err!(
                self.controller.device(),
                "cmd 0x{:x} cannot be sent: {}\n",
                opcode,
                why
            );
        }
        command.fail(HostStatus::Error);
        Ok(())
    }
}

/// How many page frames hold `length` bytes that begin at `offset` in the first one.
#[inline]
fn frames_of(offset: u32, length: u32) -> usize {
    // CAST: At most 2^20 + 1.
    ((u64::from(offset) + u64::from(length)).div_ceil(1 << FRAME_SHIFT)) as usize
}

/// The range of `frames`, if these hold all of the data.
#[inline]
fn range_of(frames: Option<&[u64]>, offset: u32, length: u32) -> Option<GpaRange<'_>> {
    let pfns = frames.filter(|frames| frames.len() == frames_of(offset, length))?;
    Some(GpaRange {
        len: length,
        offset,
        pfns,
    })
}

#[vtable]
impl scsi::Driver for Adapter {
    type Data = Self;

    const TEMPLATE: Template = Template {
        name: c"storvsc_host_t",
        proc_name: c"storvsc_host",
        commands_per_device: 2048,
        gap_alignment: 1 << FRAME_SHIFT,
    };

    #[inline]
    fn queue(this: &Self, mut command: Command) -> Result<(), Rejected> {
        let mut packet = Packet::request(Operation::EXECUTE_SRB);
        if this.request(&command, &mut packet.srb).is_none() {
            return this.refuse(command, "the protocol does not know such");
        }
        let length = command.buffer_len();
        if length as usize > (SMALL - 1) << FRAME_SHIFT {
            return this.send_large(command, &packet);
        }
        let Ok(data) = command.map() else {
            return Err(command.reject(Busy::Device));
        };
        if data.is_empty() {
            return this.send_plain(command, &packet);
        }
        let offset = data.offset(FRAME_SHIFT);
        let mut room = [const { MaybeUninit::uninit() }; SMALL];
        let frames = data.write_frames(FRAME_SHIFT, &mut room);
        this.send_range(command, &packet, range_of(frames, offset, length))
    }

    fn reset(this: &Self) -> Reset {
        this.controller.reset_bus()
    }

    fn found(device: &mut NewDevice<'_>) {
        // Virtual disks claim to be of SPC-2 and have the vital product data of later standards;
        // DVD drives claim to be of no standard and still know REPORT LUNS.
        device.use_report_luns_and_vpd_pages();
    }

    fn configure(this: &Self, device: &mut NewDevice<'_>) -> Result {
        device.set_request_timeout(REQUEST_TIMEOUT);
        // Hosts do not know MAINTENANCE IN.
        device.disable_report_opcodes();
        // They need not know WRITE SAME either, and say nothing about it.
        device.disable_write_same();
        if device.is_vendor(b"Msft") && this.version == ProtocolVersion::V6_0 {
            device.assume_spc_3();
        }
        Ok(())
    }

    fn geometry(sectors: u64) -> Geometry {
        const HEADS: u16 = 255;
        const SECTORS: u16 = 63;

        let cylinders = sectors / (u64::from(HEADS) * u64::from(SECTORS));
        Geometry {
            heads: HEADS,
            sectors: SECTORS,
            cylinders: c_int::try_from(cylinders).unwrap_or(c_int::MAX),
        }
    }
}
