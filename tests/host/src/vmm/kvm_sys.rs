// SPDX-License-Identifier: GPL-2.0

//! The few system calls that the crates do not wrap: the Hyper-V CPUID leaves, the Hyper-V exit,
//! signals to a thread, and advice on huge pages.
//!
//! The ioctl and the layouts are those of Linux' include/uapi/linux/kvm.h.

use std::io;

use kvm_bindings::{
    CpuId, KVM_EXIT_HYPERV_HCALL, KVM_EXIT_HYPERV_SYNIC, KVMIO, kvm_cpuid2, kvm_run,
};
use kvm_ioctls::Kvm;
use libc::c_int;
use vm_memory::GuestMemoryRegion;
use vm_memory::mmap::GuestRegionMmap;
use vmm_sys_util::ioctl::ioctl_with_mut_ptr;
use vmm_sys_util::ioctl_iowr_nr;

ioctl_iowr_nr!(KVM_GET_SUPPORTED_HV_CPUID, KVMIO, 0xc1, kvm_cpuid2);

/// The Hyper-V CPUID leaves that KVM can give a guest, with all the features that it has.
pub(super) fn supported_hv_cpuid(kvm: &Kvm) -> io::Result<CpuId> {
    // KVM has ten leaves in Linux 7.3.
    let mut cpuid = CpuId::new(32).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    // SAFETY: The descriptor is that of /dev/kvm, and the structure says how many entries follow
    // it, so that the kernel writes no more than there are.
    let result = unsafe {
        ioctl_with_mut_ptr(
            kvm,
            KVM_GET_SUPPORTED_HV_CPUID(),
            cpuid.as_mut_fam_struct_ptr(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(cpuid)
}

/// What a KVM_EXIT_HYPERV is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HypervExit {
    /// The guest wrote one of the SynIC's page or control registers; these are their values now.
    Synic {
        control: u64,
        event_page: u64,
        message_page: u64,
    },
    /// The guest made a hypercall that KVM does not handle.
    Hypercall { input: u64, params: [u64; 2] },
    /// Something that was not asked for.
    Other(u32),
}

/// Reads the exit out of the run structure, after `run` returned `VcpuExit::Hyperv`.
pub(super) fn hyperv_exit(run: &kvm_run) -> HypervExit {
    // SAFETY: The exit reason is KVM_EXIT_HYPERV, and every bit pattern is valid for the type.
    let exit = unsafe { run.__bindgen_anon_1.hyperv };
    match exit.type_ {
        KVM_EXIT_HYPERV_SYNIC => {
            // SAFETY: The type says that this member is the one in use.
            let synic = unsafe { exit.u.synic };
            HypervExit::Synic {
                control: synic.control,
                event_page: synic.evt_page,
                message_page: synic.msg_page,
            }
        }
        KVM_EXIT_HYPERV_HCALL => {
            // SAFETY: The type says that this member is the one in use.
            let call = unsafe { exit.u.hcall };
            HypervExit::Hypercall {
                input: call.input,
                params: call.params,
            }
        }
        other => HypervExit::Other(other),
    }
}

/// Answers the hypercall of the last exit.
pub(super) fn set_hypercall_result(run: &mut kvm_run, result: u64) {
    run.__bindgen_anon_1.hyperv.u.hcall.result = result;
}

/// The signal that takes a virtual processor's thread out of the guest.
pub(super) fn kick_signal() -> c_int {
    vmm_sys_util::signal::SIGRTMIN()
}

extern "C" fn ignore(_: c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}

/// Makes the kick signal interrupt a system call and do nothing else.
pub(super) fn install_kick_handler() -> io::Result<()> {
    vmm_sys_util::signal::register_signal_handler(kick_signal(), ignore)
        .map_err(|error| io::Error::from_raw_os_error(error.errno()))
}

/// Asks for huge pages behind `region`: each level of a nested page walk that goes away counts.
pub(super) fn advise_huge_pages(region: &GuestRegionMmap) {
    let Ok(length) = usize::try_from(region.len()) else {
        return;
    };
    // SAFETY: The range is that of one anonymous mapping, and MADV_HUGEPAGE changes no content. A
    // kernel without huge pages refuses, which does no harm.
    unsafe { libc::madvise(region.as_ptr().cast(), length, libc::MADV_HUGEPAGE) };
}
