// SPDX-License-Identifier: GPL-2.0

//! The guest's end of every scenario.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::machine::{Lab, Setup};

/// No answer is lost while processes end whose parents are gone. Where one is not to be had, the
/// console tells what each task waits for.
pub fn agent(lab: &Lab) -> Result<()> {
    let mut machine = lab.boot(Setup {
        cpus: 2,
        ..Setup::default()
    })?;
    machine.sh("(while :; do (usleep 1000 &); done &) >/dev/null 2>&1")?;
    for round in 0..300 {
        let answer = machine.sh(&format!("echo {round}"))?;
        ensure!(answer == round.to_string(), "'{answer}' in round {round}");
    }
    machine.sh("mkfifo /tmp/never")?;
    let answer = machine.run_for("cat /tmp/never", Duration::from_secs(1));
    ensure!(answer.is_err(), "there was an answer: {answer:?}");
    let console = machine.vm.console().text();
    for told in ["task:cat", "fifo_open", "NMI: Not continuing"] {
        ensure!(console.contains(told), "no '{told}' on the console");
    }
    Ok(())
}
