// SPDX-License-Identifier: GPL-2.0

//! A SCSI command, owned by the driver.
//!
//! C header: [`include/scsi/scsi_cmnd.h`](srctree/include/scsi/scsi_cmnd.h)

use super::data::Mapped;
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};
use vmbus::bindings;

/// Where a command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The bus of the adapter.
    pub(crate) channel: u32,
    /// The target on the bus.
    pub(crate) target: u32,
    /// The logical unit of the target.
    pub(crate) lun: u64,
}

/// Which way the data of a command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The device receives data.
    ToDevice,
    /// The device sends data.
    FromDevice,
    /// There is no data.
    None,
}

/// The adapter's part of a command's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum HostStatus {
    /// The SCSI status says everything.
    Ok = bindings::scsi_host_status_DID_OK,
    /// There is no such device, or no more.
    NoConnect = bindings::scsi_host_status_DID_NO_CONNECT,
    /// Failed for a reason that has no better name.
    Error = bindings::scsi_host_status_DID_ERROR,
    /// The result is for who sent the command.
    Passthrough = bindings::scsi_host_status_DID_PASSTHROUGH,
    /// The way to the device was lost; try again where that does no harm.
    Disrupted = bindings::scsi_host_status_DID_TRANSPORT_DISRUPTED,
    /// Try again.
    Requeue = bindings::scsi_host_status_DID_REQUEUE,
}

/// How a command ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion<'a> {
    /// The adapter's status.
    pub(crate) host: HostStatus,
    /// The device's status.
    pub(crate) status: u8,
    /// How many bytes were not transferred.
    pub(crate) residual: u32,
    /// Sense data; what does not fit into the command's buffer is cut off.
    pub(crate) sense: &'a [u8],
}

/// Why a command cannot be taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Busy {
    /// The device is busy.
    Device = bindings::scsi_qc_status_SCSI_MLQUEUE_DEVICE_BUSY,
}

/// A command that went back to the SCSI layer, which will send it again.
#[must_use = "the SCSI layer has to be told that the command was not taken"]
pub(crate) struct Rejected(Busy);

impl Rejected {
    pub(super) fn code(&self) -> bindings::scsi_qc_status {
        // CAST: The discriminants are the C constants.
        self.0 as bindings::scsi_qc_status
    }
}

/// What is kept beside each `struct scsi_cmnd`; the SCSI layer zeroes it before it queues a command
/// for the first time.
///
/// Aligned, because the SCSI layer puts a scatter list right behind it.
#[repr(C, align(8))]
pub(super) struct Private {
    mapped: bool,
}

/// A command that the driver owns.
///
/// # Invariants
///
/// `0` points to a command that was handed to the driver and not given back; no other [`Command`]
/// points to it. Its private data is a [`Private`], and `mapped` says whether its data is mapped
/// for DMA.
pub(crate) struct Command(NonNull<bindings::scsi_cmnd>);

// SAFETY: A command belongs to no thread; it may be ended in any context.
unsafe impl Send for Command {}

impl Command {
    /// Takes a command over.
    ///
    /// # Safety
    ///
    /// The caller must own the command that `raw` points to, and give it up. Its host must have
    /// been made with a template whose private command data is a [`Private`].
    #[inline]
    pub(super) unsafe fn from_raw(raw: NonNull<bindings::scsi_cmnd>) -> Self {
        // INVARIANT: By the safety requirements.
        Self(raw)
    }

    /// Gives the command up without ending it.
    #[inline]
    pub(super) fn into_raw(self) -> NonNull<bindings::scsi_cmnd> {
        ManuallyDrop::new(self).0
    }

    #[inline]
    fn raw(&self) -> *mut bindings::scsi_cmnd {
        self.0.as_ptr()
    }

    #[inline]
    fn private(&self) -> *mut Private {
        self.raw().wrapping_add(1).cast()
    }

    #[inline]
    fn device(&self) -> *const bindings::scsi_device {
        // SAFETY: By the type invariants, the command is valid.
        unsafe { (*self.raw()).device }
    }

    #[inline]
    fn request(&self) -> *mut bindings::request {
        self.raw().cast::<bindings::request>().wrapping_sub(1)
    }

    /// The command descriptor block.
    #[inline]
    pub(crate) fn cdb(&self) -> &[u8] {
        // SAFETY: By the type invariants; the owner is the only one who may change the command.
        let (cdb, length) = unsafe { (&(*self.raw()).cmnd, (*self.raw()).cmd_len) };
        cdb.get(..usize::from(length)).unwrap_or(cdb)
    }

    /// The first byte of the command descriptor block.
    #[inline]
    pub(crate) fn opcode(&self) -> u8 {
        // SAFETY: By the type invariants.
        unsafe { (*self.raw()).cmnd[0] }
    }

    /// Where the command goes.
    #[inline]
    pub(crate) fn address(&self) -> Address {
        let device = self.device();
        // SAFETY: A command keeps its device; the address of a device never changes.
        unsafe {
            Address {
                channel: (*device).channel,
                target: (*device).id,
                lun: (*device).lun,
            }
        }
    }

    /// Whether the device says that it can do tagged queueing.
    #[inline]
    pub(crate) fn is_tagged_queueing_supported(&self) -> bool {
        // SAFETY: A command keeps its device, and the flag was set when the device was found.
        unsafe { bindings::scsi_device::tagged_supported_raw(self.device()) != 0 }
    }

    /// Which way the data goes; [`None`] if it goes both ways.
    #[inline]
    pub(crate) fn direction(&self) -> Option<Direction> {
        // SAFETY: By the type invariants.
        match unsafe { (*self.raw()).sc_data_direction } {
            bindings::dma_data_direction::DMA_TO_DEVICE => Some(Direction::ToDevice),
            bindings::dma_data_direction::DMA_FROM_DEVICE => Some(Direction::FromDevice),
            bindings::dma_data_direction::DMA_NONE => Some(Direction::None),
            _ => None,
        }
    }

    /// How many bytes there are to transfer.
    #[inline]
    pub(crate) fn buffer_len(&self) -> u32 {
        // SAFETY: By the type invariants.
        unsafe { (*self.raw()).sdb.length }
    }

    /// The tag within the hardware queue, as the kernel's log and traces name it.
    pub(crate) fn tag(&self) -> i32 {
        // SAFETY: A started request has a tag, and the command's owner owns the request.
        unsafe { (*self.request()).tag }
    }

    /// The hardware queue and the tag within it.
    #[inline]
    pub(super) fn unique_tag(&self) -> u32 {
        // SAFETY: A started request has a tag, and the command's owner owns the request.
        unsafe { bindings::blk_mq_unique_tag(self.request()) }
    }

    /// Logs sense data on behalf of `driver`, in words.
    pub(crate) fn print_sense(&self, driver: &CStr, sense: &[u8]) {
        let Ok(length) = c_int::try_from(sense.len()) else {
            return;
        };
        let mut header = pin_init::zeroed::<bindings::scsi_sense_hdr>();
        // SAFETY: The bytes are as many as said, and the header is writable.
        let valid =
            unsafe { bindings::scsi_normalize_sense(sense.as_ptr(), length, &raw mut header) };
        if valid {
            // SAFETY: A command keeps its device, and the header was filled in.
            unsafe {
                bindings::scsi_print_sense_hdr(
                    self.device(),
                    driver.as_char_ptr(),
                    &raw const header,
                )
            };
        }
    }

    /// Maps the data for the device, until the driver gives the command up. The mapping is empty if
    /// there is no data.
    ///
    /// # Errors
    ///
    /// Whatever the DMA layer returns when it is out of resources.
    #[inline]
    pub(crate) fn map(&mut self) -> Result<Mapped<'_>> {
        self.unmap();
        // SAFETY: By the type invariants, the command is ours and its data is not mapped.
        let entries = unsafe { bindings::scsi_dma_map(self.raw()) };
        if entries <= 0 {
            return to_result(entries).map(|()| Mapped::empty());
        }
        // INVARIANT: The data was mapped just now.
        // SAFETY: By the type invariants, the private data is ours.
        unsafe { (*self.private()).mapped = true };
        // SAFETY: By the type invariants.
        let list = unsafe { (*self.raw()).sdb.table.sgl };
        // SAFETY: `scsi_dma_map()` mapped `entries` entries of the list, and they stay mapped until
        // `unmap()`, which wants the command as a whole.
        Ok(unsafe { Mapped::new(list, entries.unsigned_abs()) })
    }

    /// Copies the beginning of the data, as much as there is room for, and returns it. The data stops
    /// being the device's.
    pub(crate) fn read_data<'b>(&mut self, room: &'b mut [u8]) -> &'b [u8] {
        self.unmap();
        // SAFETY: By the type invariants.
        let list = unsafe { &(*self.raw()).sdb.table };
        // SAFETY: The list is that of the command's buffer, which is the command owner's as it is not
        // mapped. The room is as large as said.
        let copied = unsafe {
            bindings::sg_copy_to_buffer(list.sgl, list.nents, room.as_mut_ptr().cast(), room.len())
        };
        room.get(..copied).unwrap_or_default()
    }

    #[inline]
    fn unmap(&mut self) {
        // SAFETY: By the type invariants, the private data is ours.
        let mapped = unsafe { &mut (*self.private()).mapped };
        // INVARIANT: The data is unmapped right below.
        if core::mem::take(mapped) {
            // SAFETY: By the type invariants, the data is mapped.
            unsafe { bindings::scsi_dma_unmap(self.raw()) };
        }
    }

    /// Gives the command back; the SCSI layer will send it again.
    #[inline]
    pub(crate) fn reject(mut self, busy: Busy) -> Rejected {
        self.unmap();
        self.into_raw();
        Rejected(busy)
    }

    /// Ends the command: the device has done it, but for `residual` bytes of its data.
    #[inline]
    pub(crate) fn succeed(self, residual: u32) {
        self.finish(0, residual);
    }

    /// Ends the command.
    pub(crate) fn done(mut self, completion: Completion<'_>) {
        self.set_sense(completion.sense);
        // CAST: The host status has its place in bits 16 to 23.
        let result = (completion.host as u32) << 16 | u32::from(completion.status);
        self.finish(result, completion.residual);
    }

    #[inline]
    fn finish(mut self, result: u32, residual: u32) {
        self.unmap();
        let raw = self.into_raw().as_ptr();
        // SAFETY: The command was ours till now.
        unsafe { (*raw).resid_len = residual };
        // CAST: C's result is signed.
        // SAFETY: As above.
        unsafe { (*raw).result = result as c_int };
        // SAFETY: As above; this gives it up.
        unsafe { bindings::scsi_done(raw) };
    }

    /// Ends the command with an error of the adapter.
    pub(crate) fn fail(self, host: HostStatus) {
        let residual = self.buffer_len();
        self.done(Completion {
            host,
            status: 0,
            residual,
            sense: &[],
        });
    }

    #[inline]
    fn set_sense(&mut self, sense: &[u8]) {
        // CAST: A small constant.
        let length = sense.len().min(bindings::SCSI_SENSE_BUFFERSIZE as usize);
        if length == 0 {
            return;
        }
        // SAFETY: By the type invariants; the sense buffer of a command has room for
        // `SCSI_SENSE_BUFFERSIZE` bytes and is no part of anything that Rust has a reference to.
        unsafe {
            core::ptr::copy_nonoverlapping(sense.as_ptr(), (*self.raw()).sense_buffer, length)
        };
    }
}

impl Drop for Command {
    fn drop(&mut self) {
        // INVARIANT: `self` is not used any more.
        Self(self.0).fail(HostStatus::Error);
    }
}
