// SPDX-License-Identifier: GPL-2.0

//! The thread of a virtual processor: runs the guest, and handles its exits.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use kvm_bindings::{KVM_SYSTEM_EVENT_CRASH, KVM_SYSTEM_EVENT_RESET, KVM_SYSTEM_EVENT_SHUTDOWN};
use kvm_bindings::{Msrs, kvm_msr_entry};
use kvm_ioctls::{VcpuExit, VcpuFd};

use super::counters::Counters;
use super::exit::{CrashReport, EndState, ExitReason};
use super::hypercall::Hypercalls;
use super::kvm_sys::{self, HypervExit};
use super::ports::Ports;
use super::synic::Synic;
use crate::hv::Guest;

/// HV_X64_MSR_CRASH_P0, the first of five.
const MSR_CRASH_P0: u32 = 0x4000_0100;

/// What the virtual processors share.
pub(super) struct Machine {
    pub(super) ports: Arc<Ports>,
    pub(super) synic: Arc<Synic>,
    pub(super) hypercalls: Hypercalls,
    pub(super) guest: Arc<dyn Guest>,
    pub(super) counters: Arc<Counters>,
    pub(super) end: Arc<EndState>,
    pub(super) crash: Arc<Mutex<Option<CrashReport>>>,
}

impl Machine {
    /// Runs `vcpu`, which is processor `vp`, until the guest ends.
    pub(super) fn run(&self, vp: u32, mut vcpu: VcpuFd) {
        while !self.end.is_ending() {
            if let Some(reason) = self.run_once(vp, &mut vcpu) {
                self.end.record(reason);
            }
        }
    }

    /// Enters the guest once. Returns why it ends, if it does.
    fn run_once(&self, vp: u32, vcpu: &mut VcpuFd) -> Option<ExitReason> {
        let exit = match vcpu.run() {
            Ok(exit) => exit,
            Err(error) => return self.refused(error.errno()),
        };
        match exit {
            VcpuExit::IoOut(port, data) => {
                self.counters.exits_io.add();
                self.ports.write(port, data)
            }
            VcpuExit::IoIn(port, data) => {
                self.counters.exits_io.add();
                self.ports.read(port, data);
                None
            }
            VcpuExit::MmioRead(_, data) => {
                self.counters.exits_mmio.add();
                data.fill(0xff);
                None
            }
            VcpuExit::MmioWrite(..) => {
                self.counters.exits_mmio.add();
                None
            }
            VcpuExit::Hyperv => {
                self.hyperv(vp, vcpu);
                None
            }
            VcpuExit::SystemEvent(kind, _) => self.system_event(kind, vcpu),
            VcpuExit::Shutdown => Some(ExitReason::TripleFault),
            VcpuExit::FailEntry(reason, cpu) => Some(ExitReason::Failed(format!(
                "the processor refuses to enter the guest: reason {reason:#x} on CPU {cpu}"
            ))),
            VcpuExit::InternalError => Some(ExitReason::Failed(internal_error(vp, vcpu))),
            other => {
                tracing::warn!(vp, exit = ?other, "an exit that was not asked for");
                self.counters.exits_other.add();
                None
            }
        }
    }

    /// KVM did not run the processor.
    fn refused(&self, errno: i32) -> Option<ExitReason> {
        match errno {
            libc::EINTR | libc::EAGAIN => {
                self.counters.exits_signal.add();
                None
            }
            _ => Some(ExitReason::Failed(
                io::Error::from_raw_os_error(errno).to_string(),
            )),
        }
    }

    fn hyperv(&self, vp: u32, vcpu: &mut VcpuFd) {
        match kvm_sys::hyperv_exit(vcpu.get_kvm_run()) {
            HypervExit::Synic {
                control,
                event_page,
                message_page,
            } => {
                self.counters.exits_synic.add();
                if self.synic.update(vp, control, event_page, message_page) {
                    self.guest.on_reset();
                }
            }
            HypervExit::Hypercall { input, params } => {
                self.counters.exits_hypercall.add();
                let result = self.hypercalls.call(vp, input, params);
                kvm_sys::set_hypercall_result(vcpu.get_kvm_run(), result);
            }
            HypervExit::Other(kind) => {
                tracing::warn!(vp, kind, "a Hyper-V exit that was not asked for");
                self.counters.exits_other.add();
            }
        }
    }

    fn system_event(&self, kind: u32, vcpu: &VcpuFd) -> Option<ExitReason> {
        self.counters.exits_other.add();
        match kind {
            KVM_SYSTEM_EVENT_SHUTDOWN => Some(ExitReason::PowerOff),
            KVM_SYSTEM_EVENT_RESET => Some(ExitReason::Reset),
            KVM_SYSTEM_EVENT_CRASH => {
                let report = crash_report(vcpu);
                tracing::info!(?report, "the guest reports a crash");
                *self.crash.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
                None
            }
            other => Some(ExitReason::Failed(format!("unknown system event {other}"))),
        }
    }
}

/// Reads the crash registers.
fn crash_report(vcpu: &VcpuFd) -> CrashReport {
    let mut report = CrashReport::default();
    let entries = [0, 1, 2, 3, 4].map(|i| kvm_msr_entry {
        index: MSR_CRASH_P0 + i,
        ..Default::default()
    });
    let Ok(mut msrs) = Msrs::from_entries(&entries) else {
        return report;
    };
    if let Err(error) = vcpu.get_msrs(&mut msrs) {
        tracing::warn!(%error, "cannot read the crash registers");
        return report;
    }
    for (to, from) in report.parameters.iter_mut().zip(msrs.as_slice()) {
        *to = from.data;
    }
    report
}

/// What KVM says about an error of its own.
fn internal_error(vp: u32, vcpu: &mut VcpuFd) -> String {
    let rip = vcpu.get_regs().map_or(0, |registers| registers.rip);
    // SAFETY: The exit reason is KVM_EXIT_INTERNAL_ERROR, and every bit pattern is valid.
    let suberror = unsafe { vcpu.get_kvm_run().__bindgen_anon_1.internal }.suberror;
    format!("internal error {suberror} on virtual processor {vp} at {rip:#x}")
}
