// SPDX-License-Identifier: GPL-2.0

//! XDP programs: the function has the one of the card, and sends what others redirect to the card.

use anyhow::{Result, ensure};

use super::super::SOON;
use super::super::xdp::{FRAMES, attach, frames};
use super::Accelerated;
use crate::machine::{Driver, show_counter, wait_until};

/// What the function says of itself.
const PARAMETERS: &str = "/sys/module/virtual_function/parameters";

/// An address that the card is to receive, too.
const OTHER_ADDRESS: &str = "02:00:00:00:00:77";

impl Accelerated {
    /// The card gets a program, and the function with it.
    pub(super) fn set_program(&mut self) -> Result<()> {
        let (eth, attach) = (&self.eth, attach(&self.eth, "drop"));
        self.machine
            .sh(&format!("ethtool -K {eth} lro off && {attach}"))?;
        self.machine
            .sh(&format!("grep -q Y {PARAMETERS}/has_program"))?;
        Ok(())
    }

    /// The function has none, though it is there still.
    pub(super) fn lost_program(&mut self) -> Result<()> {
        self.machine
            .sh(&format!("grep -q N {PARAMETERS}/has_program"))?;
        Ok(())
    }

    /// What comes in by the function its program sees as well.
    pub(super) fn program(&mut self) -> Result<()> {
        self.set_program()?;
        self.expect_dropped(true)?;
        self.refused()
    }

    /// A program that the function refuses is none for the card, either, which keeps the one that it
    /// has. (The C driver gives up references that are not its own.)
    fn refused(&mut self) -> Result<()> {
        if self.machine.driver == Driver::C {
            return Ok(());
        }
        let eth = &self.eth;
        let attach = attach(eth, "pass");
        let refused = self
            .machine
            .run(&format!("echo 1 >{PARAMETERS}/refuse && {attach}"))?;
        ensure!(
            refused.status != 0 && refused.text.contains("vf_setxdp failed"),
            "the function refuses: {}",
            refused.text
        );
        self.expect_dropped(true)
    }

    /// The card has its program still without a function, and another address.
    pub(super) fn set_before(&mut self) -> Result<()> {
        let eth = self.eth.clone();
        self.machine
            .sh(&format!("bridge fdb add {OTHER_ADDRESS} dev {eth} self"))?;
        let name = "rx_queue_0_xdp_drop";
        let wanted = self.machine.counter(&eth, name)? + FRAMES as u64;
        self.card.deliver(frames(&self.card));
        let what = "the card drops what its program drops";
        self.machine.until_counted(&eth, name, wanted, what)
    }

    /// The function that came has both; then neither.
    pub(super) fn is_set(&mut self) -> Result<()> {
        let eth = self.eth.clone();
        let has_address = format!("bridge fdb show dev vf0 | grep -q {OTHER_ADDRESS}");
        self.machine.sh(&has_address)?;
        self.expect_dropped(true)?;
        self.machine.sh(&format!(
            "bridge fdb del {OTHER_ADDRESS} dev {eth} self && /bin/ip link set {eth} xdp off"
        ))?;
        self.machine.until(
            &format!("! {has_address}"),
            "the function loses the address",
        )?;
        self.expect_dropped(false)
    }

    /// Whether a program drops what comes in by the function, or the card receives it.
    fn expect_dropped(&mut self, is_dropped: bool) -> Result<()> {
        let dropped = "cat /sys/class/net/vf0/statistics/rx_dropped".to_string();
        let received = show_counter(&self.eth, "vf_rx_packets");
        let (grows, stays) = if is_dropped {
            (dropped, received)
        } else {
            (received, dropped)
        };
        let wanted = self.machine.sh(&grows)?.parse::<usize>()? + FRAMES;
        let before: usize = self.machine.sh(&stays)?.parse()?;
        self.lower.deliver(frames(&self.card));
        self.machine.until(
            &format!("[ $({grows}) -ge {wanted} ]"),
            "frames come in by the function",
        )?;
        // Frames of before may still have been on their way.
        let after: usize = self.machine.sh(&stays)?.parse()?;
        ensure!(
            after < before + FRAMES,
            "dropped: {is_dropped}, but {before} became {after}"
        );
        Ok(())
    }

    /// What a program redirects to the card the function sends, as long as there is a carrier.
    pub(super) fn redirected(&mut self) -> Result<()> {
        let lower = self.machine.interface(&self.lower)?;
        let attach = attach(&lower, "redirect");
        self.machine
            .sh(&format!("ethtool -K {lower} lro off && {attach}"))?;
        for (carrier, by_function) in [(1, FRAMES), (0, 0), (1, FRAMES)] {
            self.machine
                .sh(&format!("echo {carrier} >/sys/class/net/vf0/carrier"))?;
            self.redirect(by_function)?;
        }
        self.machine
            .sh(&format!("/bin/ip link set {lower} xdp off"))?;
        self.machine.until(
            "[ $(cat /sys/class/net/vf0/operstate) = up ]",
            "the carrier is back",
        )
    }

    /// Redirects frames, of which so many are to be given to the function, and the others to the host,
    /// between whatever else is sent.
    fn redirect(&mut self, by_function: usize) -> Result<()> {
        let given = format!("cat {PARAMETERS}/redirected");
        let before = self.machine.sh(&given)?.parse::<usize>()?;
        let sent = [&self.lower, &self.card].map(|card| card.stats().tx_frames());
        self.lower.deliver(frames(&self.lower));
        let wanted = [by_function, FRAMES - by_function];
        wait_until("redirected frames are sent", SOON, || {
            let now = [&self.lower, &self.card].map(|card| card.stats().tx_frames());
            (0..2).all(|way| now[way] >= sent[way] + wanted[way] as u64)
        })?;
        let given = self.machine.sh(&given)?.parse::<usize>()? - before;
        ensure!(given == by_function, "{given} frames given to the function");
        Ok(())
    }
}
