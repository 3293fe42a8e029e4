// SPDX-License-Identifier: GPL-2.0

//! Moving a channel to another CPU.

use kernel::{
    prelude::*,
    sync::Arc, //
};

use super::{
    Channel,
    ChannelState,
    Endpoint, //
};
use crate::{
    connection::Key,
    hv,
    wire::message::ModifyChannel, //
};

impl Channel {
    /// Has the host interrupt another CPU. For a short while, interrupts may go on to come to the
    /// CPU where they came so far.
    ///
    /// # Errors
    ///
    /// `EIO` when the channel is not open, or the host cannot or does not want to; `EINVAL` when
    /// there is no such CPU online, or interrupts are to leave it alone.
    pub fn set_target_cpu(&self, cpu: u32) -> Result {
        let _online = hv::cpu::OnlineGuard::new();
        if !self.connection.version().can_move_channels() {
            return Err(EIO);
        }
        if !hv::cpu::is_housekeeping(cpu) || !hv::cpu::is_online(cpu) {
            return Err(EINVAL);
        }
        let endpoint = self.endpoint.lock();
        let endpoint = endpoint.as_ref().ok_or(EIO)?;
        self.move_endpoint(endpoint, cpu)
    }

    /// Moves the channel away from a CPU that is going offline. The caller is what holds up changes
    /// of the set of online CPUs.
    ///
    /// # Errors
    ///
    /// `EBUSY` when that is not possible without losing interrupts; `EIO`.
    pub(crate) fn evacuate(&self, cpu: u32) -> Result {
        let endpoint = self.endpoint.lock();
        if self.target_cpu() != cpu {
            return Ok(());
        }
        let new = self.connection.affinity().alternative(cpu);
        match endpoint.as_ref() {
            // The host is being told the old CPU.
            None if self.state() == ChannelState::Opening => Err(EBUSY),
            None => {
                self.cpu.replace(new);
                Ok(())
            }
            // Without the host's answer, there is no telling when the old CPU gets no more.
            Some(_) if !self.connection.version().acknowledges_moves() => Err(EBUSY),
            Some(endpoint) => self.move_endpoint(endpoint, new),
        }
    }

    /// Has the channel, which is not open, choose another CPU if its own is offline. The caller is
    /// what holds up changes of the set of online CPUs.
    pub(crate) fn leave_offline_cpu(&self) {
        let cpu = self.target_cpu();
        if !hv::cpu::is_online(cpu) {
            self.cpu
                .replace(self.connection.affinity().alternative(cpu));
        }
    }

    fn move_endpoint(&self, endpoint: &Arc<Endpoint>, cpu: u32) -> Result {
        if cpu == self.target_cpu() {
            return Ok(());
        }
        self.ask_host(hv::cpu::virtual_processor(cpu))
            .map_err(|_| EIO)?;
        let old = self.cpu.replace(cpu);
        endpoint.handler().target_cpu_changed(endpoint, old, cpu);
        Ok(())
    }

    /// Has the host interrupt virtual processor `vp`, and waits until it does where it says so.
    fn ask_host(&self, vp: u32) -> Result {
        let message = ModifyChannel::new(self.relid(), vp);
        if !self.connection.version().acknowledges_moves() {
            return self.connection.post(&message);
        }
        let pending = self.expect(Key::Modified(self.relid()))?;
        self.connection.post(&message)?;
        match pending.wait()? {
            0 => Ok(()),
            _ => Err(EAGAIN),
        }
    }
}
