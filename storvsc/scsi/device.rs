// SPDX-License-Identifier: GPL-2.0

//! A SCSI device that is being set up.
//!
//! C header: [`include/scsi/scsi_device.h`](srctree/include/scsi/scsi_device.h)

use core::marker::PhantomData;
use kernel::{
    prelude::*,
    time::{
        msecs_to_jiffies,
        Msecs, //
    },
};
use vmbus::bindings;

/// A device that is being set up, for the duration of a callback.
///
/// # Invariants
///
/// The pointer is valid for `'a`, and nobody else changes the device in that time.
pub(crate) struct NewDevice<'a>(*mut bindings::scsi_device, PhantomData<&'a mut ()>);

impl NewDevice<'_> {
    /// # Safety
    ///
    /// `raw` must be valid, and nobody else may change the device, for as long as the result
    /// lives.
    pub(super) unsafe fn from_raw(raw: *mut bindings::scsi_device) -> Self {
        // INVARIANT: By the safety requirements.
        Self(raw, PhantomData)
    }

    /// Whether the inquiry data names a vendor that starts like this.
    pub(crate) fn is_vendor(&self, prefix: &[u8]) -> bool {
        // SAFETY: By the type invariants; the vendor is an array within the device.
        let vendor = unsafe { (*self.0).vendor };
        let mut known = vendor.iter().map(|byte| byte.to_ne_bytes()[0]);
        prefix.iter().all(|&byte| known.next() == Some(byte))
    }

    /// Uses REPORT LUNS whatever the device claims to conform to, and asks it for its vital product
    /// data.
    pub(crate) fn use_report_luns_and_vpd_pages(&mut self) {
        // SAFETY: By the type invariants.
        unsafe {
            (*self.0).sdev_bflags = bindings::BLIST_REPORTLUN2 | bindings::BLIST_TRY_VPD_PAGES
        };
    }

    /// Gives each request this time.
    pub(crate) fn set_request_timeout(&mut self, time: Msecs) {
        let jiffies = u32::try_from(msecs_to_jiffies(time)).unwrap_or(u32::MAX);
        // SAFETY: By the type invariants; the queue of a device exists before it is configured.
        unsafe { bindings::blk_queue_rq_timeout((*self.0).request_queue, jiffies) };
    }

    /// Does not ask the device which commands it supports.
    pub(crate) fn disable_report_opcodes(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::scsi_device::set_no_report_opcodes_raw(self.0, 1) };
    }

    /// Does not use WRITE SAME.
    pub(crate) fn disable_write_same(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::scsi_device::set_no_write_same_raw(self.0, 1) };
    }

    /// Takes the device for one that conforms to SPC-3.
    pub(crate) fn assume_spc_3(&mut self) {
        // CAST: A small number.
        let level = bindings::SCSI_SPC_3 as c_char;
        // SAFETY: By the type invariants.
        unsafe { (*self.0).scsi_level = level };
    }
}
