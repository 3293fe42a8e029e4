// SPDX-License-Identifier: GPL-2.0

//! The I/O ports that KVM does not emulate itself.

pub(super) mod power;
mod rtc;
mod serial;

use std::sync::{Arc, Mutex, PoisonError};

pub(super) use self::serial::{SerialPlace, SerialPort};
use self::{power::Power, rtc::Rtc};
use super::exit::ExitReason;

/// All ports.
pub(super) struct Ports {
    console: Arc<SerialPort>,
    agent: Option<Arc<SerialPort>>,
    power: Mutex<Power>,
    rtc: Mutex<Rtc>,
}

impl Ports {
    pub(super) fn new(console: Arc<SerialPort>, agent: Option<Arc<SerialPort>>) -> Self {
        Self {
            console,
            agent,
            power: Mutex::default(),
            rtc: Mutex::default(),
        }
    }

    /// The guest writes `data` to `port`. Returns why it ends if that makes it.
    pub(super) fn write(&self, port: u16, data: &[u8]) -> Option<ExitReason> {
        if let Some((serial, offset)) = self.serial(port) {
            data.iter().for_each(|&byte| serial.write(offset, byte));
            return None;
        }
        match port {
            rtc::INDEX_PORT | rtc::DATA_PORT => {
                let mut rtc = self.rtc.lock().unwrap_or_else(PoisonError::into_inner);
                data.iter().for_each(|&byte| rtc.write(port, byte));
                None
            }
            _ => self
                .power
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .write(port, data),
        }
    }

    /// The guest reads from `port`.
    pub(super) fn read(&self, port: u16, data: &mut [u8]) {
        // Nobody there pulls the bus down.
        data.fill(0xff);
        if let Some((serial, offset)) = self.serial(port) {
            data.iter_mut().for_each(|byte| *byte = serial.read(offset));
            return;
        }
        match port {
            rtc::INDEX_PORT | rtc::DATA_PORT => {
                let rtc = self.rtc.lock().unwrap_or_else(PoisonError::into_inner);
                data.iter_mut().for_each(|byte| *byte = rtc.read(port));
            }
            _ => self
                .power
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .read(port, data),
        }
    }

    /// The serial port at `port`, and the register.
    fn serial(&self, port: u16) -> Option<(&SerialPort, u8)> {
        let agent = self
            .agent
            .as_deref()
            .map(|serial| (&SerialPlace::AGENT, serial));
        [Some((&SerialPlace::CONSOLE, &*self.console)), agent]
            .into_iter()
            .flatten()
            .find_map(|(place, serial)| Some((serial, place.register(port)?)))
    }
}
