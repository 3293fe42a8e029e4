// SPDX-License-Identifier: GPL-2.0

//! What many rounds of the same thing leave behind in a guest's memory.

use anyhow::{Context as _, Result, ensure};

use crate::machine::Machine;

/// Memory in use, but for what caches can give back.
pub struct InUse {
    kb: i64,
}

impl InUse {
    /// As it is now.
    pub fn look(machine: &mut Machine) -> Result<Self> {
        let kb = machine
            .sh("awk '/^MemTotal/ { n += $2 } /^MemFree|^Cached|^Buffers/ { n -= $2 } END { print n }' /proc/meminfo")?
            .parse()
            .context("memory in use")?;
        Ok(Self { kb })
    }

    /// That it has grown by less than `limit` kB. Kernels that find leaks by themselves do so when the
    /// guest ends, and keep back what was freed, to see whether it is used.
    pub fn ensure_grown_less(&self, limit: i64, machine: &mut Machine) -> Result<()> {
        let grown = Self::look(machine)?.kb - self.kb;
        ensure!(
            grown < limit || machine.kernel.finds_leaks(),
            "{grown} kB more are in use after all rounds"
        );
        Ok(())
    }
}
