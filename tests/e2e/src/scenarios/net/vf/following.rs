// SPDX-License-Identifier: GPL-2.0

//! What a virtual function does, and what is set of the card: each follows the other.

use anyhow::{Result, ensure};

use super::super::configure;
use super::{Accelerated, Way, mac};
use crate::machine::Driver;

impl Accelerated {
    /// What the function carries is counted apart, and in the interface's sum.
    pub(super) fn counters(&mut self) -> Result<()> {
        let eth = self.eth.clone();
        let names = "vf_rx_packets vf_rx_bytes vf_tx_packets vf_tx_bytes";
        let read = format!(
            "for n in {names}; do ethtool -S {eth} | sed -n \"s/^ *$n: //p\"; done; \
             cd /sys/class/net/{eth}/statistics && cat rx_packets rx_bytes tx_packets tx_bytes"
        );
        let before = self.machine.sh(&read)?;
        self.machine.sh("ping -c 1 -s 1000 -W 10 10.0.0.1")?;
        let after = self.machine.sh(&read)?;
        let number = |line: &str| line.parse().unwrap_or(0u64);
        let growth: Vec<u64> = after
            .lines()
            .zip(before.lines())
            .map(|(after, before)| number(after) - number(before))
            .collect();
        let right = |growth: &[u64]| {
            growth[0] >= 1 && growth[1] >= 1000 && growth[2] >= 1 && growth[3] >= 1000
        };
        ensure!(
            growth.len() == 8 && growth.chunks(4).all(right),
            "{names}, and the same without vf_, grew by {growth:?}"
        );
        let dropped = self.machine.counter(&eth, "vf_tx_dropped")?;
        ensure!(dropped == 0, "{dropped} frames were dropped");
        Ok(())
    }

    /// Without a carrier the function sends nothing, though the host is told nothing.
    pub(super) fn carrier(&mut self) -> Result<()> {
        self.machine.sh("echo 0 >/sys/class/net/vf0/carrier")?;
        self.expect(Way::Card, Way::Function)?;
        self.machine.sh("echo 1 >/sys/class/net/vf0/carrier")?;
        self.machine.until(
            "[ $(cat /sys/class/net/vf0/operstate) = up ]",
            "the carrier comes back",
        )?;
        self.expect(Way::Function, Way::Function)
    }

    /// The function goes down and up, alone and with the interface.
    pub(super) fn up_and_down(&mut self) -> Result<()> {
        for interface in ["vf0", &self.eth.clone()] {
            let switches = self.card.stats().switches;
            self.machine
                .sh(&format!("/bin/ip link set {interface} down"))?;
            self.machine
                .sh("[ $(( $(cat /sys/class/net/vf0/flags) & 1 )) = 0 ]")?;
            ensure!(!self.card.vf_path(), "the host does not know");
            if interface == "vf0" {
                self.expect(Way::Card, Way::Card)?;
            }
            self.machine
                .sh(&format!("/bin/ip link set {interface} up"))?;
            self.paired()?;
            let switches = self.card.stats().switches - switches;
            ensure!(switches == 2, "{switches} switches");
        }
        Ok(())
    }

    /// What is set of the interface is set of the function.
    pub(super) fn settings(&mut self) -> Result<()> {
        let eth = self.eth.clone();
        for (set, holds) in [
            ("/bin/ip link set ETH mtu 1400", "[ $(cat vf0/mtu) = 1400 ]"),
            ("/bin/ip link set ETH mtu 1500", "[ $(cat vf0/mtu) = 1500 ]"),
            (
                "/bin/ip link set ETH promisc on",
                "[ $(( $(cat vf0/flags) & 256 )) != 0 ]",
            ),
            (
                "/bin/ip link set ETH promisc off",
                "[ $(( $(cat vf0/flags) & 256 )) = 0 ]",
            ),
            (
                "/bin/ip link set ETH allmulticast on",
                "[ $(( $(cat vf0/flags) & 512 )) != 0 ]",
            ),
            (
                "/bin/ip link set ETH allmulticast off",
                "[ $(( $(cat vf0/flags) & 512 )) = 0 ]",
            ),
            (
                "/bin/ip maddr add 01:00:5e:01:02:03 dev ETH",
                "/bin/ip maddr show vf0 | grep -q 01:00:5e:01:02:03",
            ),
            (
                "/bin/ip maddr del 01:00:5e:01:02:03 dev ETH",
                "! /bin/ip maddr show vf0 | grep -q 01:00:5e:01:02:03",
            ),
            (
                "bridge fdb add 02:00:00:00:00:77 dev ETH self",
                "bridge fdb show dev vf0 | grep -q 02:00:00:00:00:77",
            ),
            (
                "bridge fdb del 02:00:00:00:00:77 dev ETH self",
                "! bridge fdb show dev vf0 | grep -q 02:00:00:00:00:77",
            ),
            (
                "ethtool -K ETH rx off",
                "ethtool -k vf0 | grep -q '^rx-checksumming: off'",
            ),
            (
                "ethtool -K ETH rx on",
                "ethtool -k vf0 | grep -q '^rx-checksumming: on'",
            ),
        ] {
            let set = set.replace("ETH", &eth);
            self.machine.sh(&set)?;
            self.machine
                .until(&format!("cd /sys/class/net && {{ {holds}; }}"), &set)?;
        }
        // Another MTU is another opening of the channel. With the C driver the host does not learn
        // that the function is still there.
        if self.machine.driver == Driver::Rust {
            self.wait_for_way(Way::Function)?;
            self.expect(Way::Function, Way::Function)?;
        }
        Ok(())
    }

    /// The function has no feature that cannot be switched off again. With the C driver it has all that
    /// the card has, and the kernel warns when forwarding needs one off.
    pub(super) fn features(&mut self) -> Result<()> {
        let (lro, forwarding) = match self.machine.driver {
            Driver::C => ("on", ""),
            Driver::Rust => ("off", "1 0"),
        };
        self.machine.sh(&format!(
            "ethtool -k vf0 | grep -q '^large-receive-offload: {lro}' && \
             for i in {forwarding}; do echo $i >/proc/sys/net/ipv4/ip_forward; done"
        ))?;
        Ok(())
    }

    /// The link that users see and set is the function's.
    pub(super) fn link(&mut self) -> Result<()> {
        let eth = &self.eth;
        self.machine.sh(&format!(
            "has() {{ ethtool $1 | grep -q \"$2\"; }}; has {eth} 'Speed: 40000Mb/s' && has {eth} 'Port: FIBRE' && \
             ethtool -s {eth} speed 25000 && has vf0 'Speed: 25000Mb/s' && has {eth} 'Speed: 25000Mb/s'"
        ))?;
        Ok(())
    }

    /// The function gets the address that the interface gets, which is down then.
    pub(super) fn address(&mut self) -> Result<()> {
        let eth = self.eth.clone();
        let own = mac(&self.card);
        for address in ["02:12:34:56:78:9a", own.as_str()] {
            self.machine.sh(&format!(
                "/bin/ip link set {eth} down && /bin/ip link set {eth} address {address} && \
                 grep -q {address} /sys/class/net/vf0/address && /bin/ip link set {eth} up"
            ))?;
            self.paired()?;
        }
        Ok(())
    }

    /// The function goes with the interface into another namespace, and comes back with it.
    pub(super) fn namespace(&mut self) -> Result<()> {
        let eth = self.eth.clone();
        self.machine.sh(&format!(
            "mkdir -p /var/run && /bin/ip netns add other && /bin/ip link set {eth} netns other"
        ))?;
        self.machine.until(
            &format!("/bin/ip -n other link show vf0 2>/dev/null | grep -q 'master {eth}'"),
            "the function follows",
        )?;
        self.machine
            .sh(&format!("/bin/ip -n other link set {eth} netns 1"))?;
        configure(&mut self.machine, &eth, 0)?;
        self.machine.until(
            &format!("/bin/ip link show vf0 2>/dev/null | grep -q 'master {eth}'"),
            "the function comes back",
        )?;
        self.paired()?;
        self.machine.sh("/bin/ip netns del other")?;
        Ok(())
    }
}
