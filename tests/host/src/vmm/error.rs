// SPDX-License-Identifier: GPL-2.0

//! What can go wrong before a guest runs, in words that say what to do about it.

use std::io;
use std::path::PathBuf;

use super::probe::Reason;

/// A result of this module.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a virtual machine could not be made or started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This machine cannot run Hyper-V guests.
    #[error(transparent)]
    Unusable(#[from] Reason),

    /// The configuration is out of range.
    #[error("{0}")]
    Config(String),

    /// A file named in the configuration could not be read.
    #[error("cannot read the {what} {}: {source}", path.display())]
    File {
        /// The file's part in the boot.
        what: &'static str,
        /// Its name.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The kernel image is of a kind that cannot be booted.
    #[error("{} cannot be booted: {why}", path.display())]
    Kernel {
        /// The image.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },

    /// Kernel and initrd do not fit into memory.
    #[error("the {what} does not fit: it needs {need:#x} bytes, there are {have:#x}; {hint}")]
    TooLarge {
        /// What does not fit.
        what: &'static str,
        /// Its size.
        need: u64,
        /// The room there is.
        have: u64,
        /// What to do about it.
        hint: &'static str,
    },

    /// KVM refused an operation.
    #[error("KVM cannot {what}: {source}")]
    Kvm {
        /// What was asked of it.
        what: &'static str,
        /// Its answer.
        source: io::Error,
    },

    /// KVM lacks Hyper-V features that the configuration asks for.
    #[error("KVM does not offer these bits of CPUID leaf {leaf:#x} {register}: {missing:#x}")]
    MissingFeature {
        /// The Hyper-V CPUID leaf.
        leaf: u32,
        /// The register.
        register: &'static str,
        /// The bits that KVM does not offer.
        missing: u32,
    },

    /// Guest memory could not be allocated or written.
    #[error("guest memory: {0}")]
    Memory(String),

    /// Something of the host system is missing.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err` on a KVM ioctl.
    pub(super) fn kvm(what: &'static str) -> impl FnOnce(kvm_ioctls::Error) -> Self {
        move |error| Self::Kvm {
            what,
            source: io::Error::from_raw_os_error(error.errno()),
        }
    }

    /// For `map_err` on a system call.
    pub(super) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }

    /// For `map_err` on an access to guest memory.
    pub(super) fn memory(error: impl std::fmt::Display) -> Self {
        Self::Memory(error.to_string())
    }
}
