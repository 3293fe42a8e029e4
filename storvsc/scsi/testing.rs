// SPDX-License-Identifier: GPL-2.0

//! Commands for tests, which no block layer knows.

use super::{
    command::Private,
    Command, //
};
use core::{
    mem::MaybeUninit,
    ptr::NonNull, //
};
use kernel::prelude::*;
use vmbus::bindings;

/// What a command ends with before it does.
const PENDING: c_int = -1;

/// A command with what it refers to, laid out as by the block layer.
#[repr(C)]
struct Memory {
    request: bindings::request,
    command: bindings::scsi_cmnd,
    private: Private,
    queue: bindings::blk_mq_hw_ctx,
    device: bindings::scsi_device,
    sense: [u8; bindings::SCSI_SENSE_BUFFERSIZE as usize],
}

/// A command that can be looked at when it has ended.
///
/// # Invariants
///
/// The memory is initialised: zero is a valid value of everything in it.
pub(crate) struct Fake(KBox<MaybeUninit<Memory>>);

impl Fake {
    /// A command with this tag of a hardware queue, for `length` bytes of data.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(queue: u32, tag: i32, length: u32) -> Result<Self> {
        let mut memory = KBox::<Memory>::new_uninit(GFP_KERNEL)?;
        let raw = memory.as_mut_ptr();
        // SAFETY: This is all of the box, which nobody else knows.
        unsafe { raw.write_bytes(0, 1) };
        // SAFETY: As above. What is pointed to is in the same box.
        unsafe {
            (*raw).queue.queue_num = queue;
            (*raw).request.mq_hctx = &raw mut (*raw).queue;
            (*raw).request.tag = tag;
            (*raw).device.lun = 7;
            (*raw).command.device = &raw mut (*raw).device;
            (*raw).command.sense_buffer = (&raw mut (*raw).sense).cast();
            (*raw).command.sdb.length = length;
            (*raw).command.result = PENDING;
            // The SCSI layer leaves such a command alone when it has ended.
            (*raw).command.submitter = bindings::scsi_cmnd_submitter_SUBMITTED_BY_SCSI_RESET_IOCTL;
        }
        // INVARIANT: Zeroed, and partly written.
        Ok(Self(memory))
    }

    /// Hands the command over. The fake has to live until it has ended.
    pub(crate) fn command(&self) -> Command {
        // SAFETY: By the type invariant; tests call this again only when the command has ended.
        let command = unsafe { &raw const (*self.0.as_ptr()).command };
        // SAFETY: As above. Its private data follows it.
        unsafe { Command::from_raw(NonNull::new_unchecked(command.cast_mut())) }
    }

    fn raw(&self) -> *const bindings::scsi_cmnd {
        // SAFETY: By the type invariant.
        unsafe { &raw const (*self.0.as_ptr()).command }
    }

    /// The status of the adapter and that of the device, once the command has ended.
    pub(crate) fn result(&self) -> Option<(u32, u8)> {
        // SAFETY: By the type invariant. The command may be ended by a softirq.
        let result = unsafe { (&raw const (*self.raw()).result).read_volatile() };
        // CAST: The parts of the result.
        (result != PENDING).then_some((result as u32 >> 16, result as u8))
    }

    /// How many bytes were not transferred.
    pub(crate) fn residual(&self) -> u32 {
        // SAFETY: By the type invariant.
        unsafe { (*self.raw()).resid_len }
    }

    /// The sense data.
    pub(crate) fn sense(&self) -> [u8; bindings::SCSI_SENSE_BUFFERSIZE as usize] {
        // SAFETY: By the type invariant.
        unsafe { (*self.0.as_ptr()).sense }
    }

    /// Has the command not have ended.
    pub(crate) fn renew(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { (*self.0.as_mut_ptr()).command.result = PENDING };
    }
}
