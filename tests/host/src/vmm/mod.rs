// SPDX-License-Identifier: GPL-2.0

//! A small virtual machine monitor on KVM, with as much of a PC and of Hyper-V as Linux needs to
//! boot and to find a VMBus.
//!
//! KVM emulates the interrupt controllers, the timer, the SynIC registers, the synthetic timers
//! and the reference time. This module adds guest memory, the boot protocol, ACPI tables, two
//! serial ports, the SynIC's message and event pages, and the two hypercalls of VMBus. What
//! travels over VMBus is none of its business: it calls a [`Guest`](crate::hv::Guest), and is
//! called as a [`Hypervisor`](crate::hv::Hypervisor).
//!
//! ```no_run
//! use std::sync::Arc;
//! use vmbus_host::{hv::Guest, vmm::{Vm, VmConfig}};
//!
//! fn boot(server: impl FnOnce(&Vm) -> Arc<dyn Guest>) -> anyhow::Result<()> {
//!     let mut vm = Vm::new(&VmConfig::new("/boot/vmlinuz"))?;
//!     vm.start(server(&vm))?;
//!     println!("{}", vm.wait());
//!     Ok(())
//! }
//! ```

mod acpi;
mod agent;
mod boot;
mod config;
mod console;
mod counters;
mod cpuid;
mod error;
mod exit;
mod hypercall;
mod irq;
mod kvm_sys;
mod layout;
mod memory;
mod ports;
mod probe;
mod prompt;
mod queue;
mod run;
mod synic;
mod terminal;
mod tsc;
mod vcpu;
mod vm;

pub use agent::Agent;
pub use config::{ConsoleMode, MAX_CPUS, MIN_MEMORY, VmConfig};
pub use console::Console;
pub use counters::CounterSnapshot;
pub use error::{Error, Result};
pub use exit::{CrashReport, ExitReason};
pub use probe::{Reason, kvm_has_hyperv};
pub use prompt::Commands;
pub use tsc::tsc_khz;
pub use vm::Vm;
