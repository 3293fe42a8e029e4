// SPDX-License-Identifier: GPL-2.0

//! What a driver of a host adapter implements, and the way there from the SCSI layer.

use super::{
    command::Private,
    registration::HostData,
    Command,
    Host,
    NewDevice,
    Rejected, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    error::from_result,
    module::this_module,
    prelude::*,
    str::as_char_ptr_in_const_context, //
};
use vmbus::bindings;

/// What all hosts of a driver have in common.
pub(crate) struct Template {
    /// What the driver is called in the log.
    pub(crate) name: &'static CStr,
    /// What the driver is called in `/proc/scsi` and in the host's attribute `proc_name`.
    pub(crate) proc_name: &'static CStr,
    /// The initial queue depth of a device.
    pub(crate) commands_per_device: i16,
    /// Data may have a gap in memory only where an address is a multiple of this.
    pub(crate) gap_alignment: usize,
}

/// The outcome of a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Reset {
    /// All commands have ended.
    Success = bindings::scsi_disposition_SUCCESS,
    /// The reset did not take place.
    Failed = bindings::scsi_disposition_FAILED,
    /// There was no answer in time.
    TimedOut = bindings::scsi_disposition_TIMEOUT_ERROR,
}

/// The geometry that old programs want to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Tracks in a cylinder.
    pub(crate) heads: u16,
    /// Sectors in a track.
    pub(crate) sectors: u16,
    /// Cylinders; the SCSI layer hands on the lower 16 bits.
    pub(crate) cylinders: c_int,
}

/// A driver of SCSI host adapters.
///
/// A command that takes too long is only waited for longer: the device promises to answer each
/// command, or the driver ends those that it cannot answer any more.
#[vtable]
pub(crate) trait Driver: Sized + 'static {
    /// What a registered host has at hand.
    type Data: Send + Sync + 'static;

    /// What all hosts have in common.
    const TEMPLATE: Template;

    /// Starts a command. May be called on several CPUs at once, in atomic context.
    ///
    /// # Errors
    ///
    /// The command was given back and is to be sent again later.
    fn queue(data: &Self::Data, command: Command) -> Result<(), Rejected>;

    /// Resets the adapter and waits until it is done with all commands. May sleep, and may be
    /// called while the host is being removed or after that.
    fn reset(data: &Self::Data) -> Reset;

    /// A device is about to be asked what it is.
    fn found(device: &mut NewDevice<'_>);

    /// A device said what it is.
    ///
    /// # Errors
    ///
    /// The device is not to be used.
    fn configure(data: &Self::Data, device: &mut NewDevice<'_>) -> Result;

    /// The geometry of a disk of this many sectors.
    fn geometry(sectors: u64) -> Geometry;
}

/// The callbacks of the SCSI layer.
pub(super) struct Callbacks<T>(PhantomData<T>);

impl<T: Driver> Callbacks<T> {
    /// The bit of `track_queue_depth` in the template's bit-field: the second of its first byte.
    const TRACK_QUEUE_DEPTH: u8 = 1 << 1;

    /// The template of the driver's hosts.
    pub(super) const TEMPLATE: bindings::scsi_host_template = bindings::scsi_host_template {
        module: this_module::<T::OwnerModule>().as_ptr(),
        name: as_char_ptr_in_const_context(T::TEMPLATE.name),
        proc_name: as_char_ptr_in_const_context(T::TEMPLATE.proc_name),
        // CAST: A few bytes.
        cmd_size: size_of::<Private>() as u32,
        cmd_per_lun: T::TEMPLATE.commands_per_device,
        // CAST: An address.
        virt_boundary_mask: (T::TEMPLATE.gap_alignment - 1) as c_ulong,
        this_id: -1,
        can_queue: 1,
        _bitfield_1: bindings::__BindgenBitfieldUnit::new([Self::TRACK_QUEUE_DEPTH, 0]),
        queuecommand: Some(Self::queue_command),
        eh_host_reset_handler: Some(Self::reset_host),
        eh_timed_out: Some(Self::timed_out),
        sdev_init: Some(Self::init_device),
        sdev_configure: Some(Self::configure_device),
        change_queue_depth: Some(Self::change_queue_depth),
        bios_param: Some(Self::bios_param),
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// `host` must be a registered host of this driver for `'a`.
    #[inline]
    unsafe fn data<'a>(host: *mut bindings::Scsi_Host) -> &'a T::Data {
        // SAFETY: By the safety requirements.
        unsafe { (*HostData::<T>::of(host)).borrow() }
    }

    /// # Safety
    ///
    /// `host` must be a registered host of this driver, and `command` one of its commands that the
    /// SCSI layer gives to the driver.
    unsafe extern "C" fn queue_command(
        host: *mut bindings::Scsi_Host,
        command: *mut bindings::scsi_cmnd,
    ) -> bindings::scsi_qc_status {
        // SAFETY: By the safety requirements; commands are never null.
        let command = unsafe { Command::from_raw(NonNull::new_unchecked(command)) };
        // SAFETY: By the safety requirements; a host has no more commands when it is removed.
        match T::queue(unsafe { Self::data(host) }, command) {
            Ok(()) => 0,
            Err(rejected) => rejected.code(),
        }
    }

    /// # Safety
    ///
    /// `command` must be a command of a host of this driver.
    unsafe extern "C" fn reset_host(command: *mut bindings::scsi_cmnd) -> c_int {
        // SAFETY: A command holds its device, and that holds its host.
        let host = unsafe { (*(*command).device).host };
        // SAFETY: The host is one of this driver, and `alloc()` set its data up.
        let data = unsafe { (*HostData::<T>::of(host)).share() };
        let outcome = data.map_or(Reset::Failed, |data| T::reset(&data));
        // CAST: The discriminants are the C constants.
        outcome as c_int
    }

    extern "C" fn timed_out(_command: *mut bindings::scsi_cmnd) -> bindings::scsi_timeout_action {
        bindings::scsi_timeout_action_SCSI_EH_RESET_TIMER
    }

    /// # Safety
    ///
    /// `device` must be a device that is being set up.
    unsafe extern "C" fn init_device(device: *mut bindings::scsi_device) -> c_int {
        // SAFETY: By the safety requirements.
        T::found(&mut unsafe { NewDevice::from_raw(device) });
        0
    }

    /// # Safety
    ///
    /// `device` must be a device that is being set up, on a registered host of this driver.
    unsafe extern "C" fn configure_device(
        device: *mut bindings::scsi_device,
        _limits: *mut bindings::queue_limits,
    ) -> c_int {
        // SAFETY: By the safety requirements; a host is removed only after its scans.
        let data = unsafe { Self::data((*device).host) };
        // SAFETY: By the safety requirements.
        let mut device = unsafe { NewDevice::from_raw(device) };
        from_result(|| T::configure(data, &mut device).map(|()| 0))
    }

    /// # Safety
    ///
    /// `device` must be a device of a host.
    unsafe extern "C" fn change_queue_depth(
        device: *mut bindings::scsi_device,
        depth: c_int,
    ) -> c_int {
        // SAFETY: By the safety requirements; a device holds its host.
        let host: &Host = unsafe { Host::from_raw((*device).host) };
        // SAFETY: By the safety requirements.
        unsafe { bindings::scsi_change_queue_depth(device, depth.min(host.can_queue())) }
    }

    /// # Safety
    ///
    /// `geometry` must have room for three numbers.
    unsafe extern "C" fn bios_param(
        _device: *mut bindings::scsi_device,
        _disk: *mut bindings::gendisk,
        sectors: bindings::sector_t,
        geometry: *mut c_int,
    ) -> c_int {
        let Geometry {
            heads,
            sectors,
            cylinders,
        } = T::geometry(sectors);
        let values = [heads.into(), sectors.into(), cylinders];
        // SAFETY: By the safety requirements.
        unsafe { geometry.cast::<[c_int; 3]>().write_unaligned(values) };
        0
    }
}
