// SPDX-License-Identifier: GPL-2.0

//! Heartbeat and time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use vmbus_host::ic::TimeSync;
use vmbus_host::ic::heartbeat;
use vmbus_host::ic::timesync::{SAMPLE, SYNC};
use vmbus_host::scsi::Disk;

use super::{SOON, Util};
use crate::machine::{Lab, Machine, Setup};

/// Beats under load.
const BEATS: u64 = 100;
/// Beats that do not wait for each other, and how many times so many are sent.
const BURST: u64 = 8;
const BURSTS: u64 = 5000;
/// No clock of the guest runs to this day by itself.
const FAR: Duration = Duration::from_secs(100 * 24 * 3600);
/// What two clocks in the guest may be apart when they were set alike, and less than what they are
/// apart when not. An emulated guest reads them far apart.
const CLOSE: f64 = 0.5;
const OFF: Duration = Duration::from_secs(2);
/// What a guest that was paused has missed.
const PAUSE: Duration = Duration::from_secs(600);
/// A correction that is smaller than any threshold could be.
const MOMENT: Duration = Duration::from_millis(50);
/// How close the best of so many tries with so many readings each is, in seconds.
const PRECISE: f64 = 0.002;
const TRIES: usize = 10;
const READINGS: usize = 5;

/// The heartbeat counts on under load. The clock is set when the host says so and only then, and the PTP
/// clock follows the samples.
pub fn clock(lab: &Lab) -> Result<()> {
    let mut util = Util::boot(lab)?;
    util.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
    util.load_until("sda")?;
    util.load()?;
    beats(&mut util)?;
    bursts(&util)?;

    let timesync = util.services.timesync.clone();
    let mut clock = Clock::new(&mut util.machine, &timesync)?;
    clock.steps()?;
    clock.pause()?;
    clock.moment()?;
    clock.implicit()?;
    clock.follows()?;
    clock.cannot_be_set()?;
    util.end()
}

/// Beats while the disk is read all the time; each is the number after the last.
fn beats(util: &mut Util) -> Result<()> {
    let load = "(while dd if=/dev/sda of=/dev/null bs=64k count=200 iflag=direct; do :; done >/dev/null 2>&1 & echo $! >/tmp/load)";
    util.sh(load)?;
    let heartbeat = util.services.heartbeat.clone();
    heartbeat.set_number((1 << 32) - BEATS / 2);
    for _ in 0..BEATS {
        heartbeat.beat(SOON)?;
    }
    ensure!(
        heartbeat.number() == (1 << 32) + BEATS / 2,
        "the heartbeat is at {}",
        heartbeat.number()
    );
    util.sh("kill $(cat /tmp/load)")?;
    Ok(())
}

/// Beats that come while the guest is about to be done with the one before: a little later in each burst.
/// Where it then believes that a signal will follow, and the host that none is needed, the rest is
/// never answered.
fn bursts(util: &Util) -> Result<()> {
    let link = util.services.heartbeat.link();
    for burst in 0..BURSTS {
        let mut tickets = Vec::new();
        for number in 0..BURST {
            tickets.push(link.post(&heartbeat::body(number))?);
            let sent = Instant::now();
            while sent.elapsed() < Duration::from_micros(burst % 200) {
                std::hint::spin_loop();
            }
        }
        for ticket in tickets {
            link.finish(ticket, SOON)
                .with_context(|| format!("burst {burst}"))?;
        }
    }
    Ok(())
}

/// The guest's clocks, and the host that sets them.
struct Clock<'a> {
    machine: &'a mut Machine,
    timesync: &'a TimeSync,
    /// The PTP clock's device.
    ptp: String,
    /// A time, and when it was that.
    base: (SystemTime, Instant),
}

impl<'a> Clock<'a> {
    fn new(machine: &'a mut Machine, timesync: &'a TimeSync) -> Result<Self> {
        let name = machine.sh("cd /sys/class/ptp && grep -lx hyperv */clock_name")?;
        let ptp = name.split('/').next().context("a PTP clock")?;
        Ok(Self {
            ptp: format!("/dev/{ptp}"),
            machine,
            timesync,
            base: (SystemTime::now() + FAR, Instant::now()),
        })
    }

    /// What the host says that it is now.
    fn now(&self) -> SystemTime {
        self.base.0 + self.base.1.elapsed()
    }

    /// The guest's clock, in seconds after the host's.
    fn ahead(&mut self) -> Result<f64> {
        let text = self.machine.sh("date +%s")?;
        let guest: f64 = text.parse().with_context(|| format!("the date: {text}"))?;
        Ok(guest - seconds(self.now()))
    }

    /// The PTP clock, in seconds after the host's.
    fn ptp_ahead(&mut self) -> Result<f64> {
        let text = self.machine.sh(&format!("phc_ctl {} get", self.ptp))?;
        let (_, rest) = text.split_once("clock time is ").context(text.clone())?;
        let number = rest.split(' ').next().unwrap_or_default();
        Ok(number.parse::<f64>()? - seconds(self.now()))
    }

    /// How far the PTP clock and the guest's are apart, in seconds.
    fn apart(&mut self) -> Result<f64> {
        let text = self.machine.sh(&format!("phc_ctl {} cmp", self.ptp))?;
        let (_, rest) = text
            .split_once("offset from CLOCK_REALTIME is ")
            .context(text.clone())?;
        let number = rest.split("ns").next().unwrap_or_default();
        Ok((number.parse::<f64>()? / 1e9).abs())
    }

    /// Sets the guest's clock `off` seconds after the host's.
    fn set(&mut self, off: f64) -> Result<()> {
        let time = (seconds(self.now()) + off) as i64;
        self.machine.sh(&format!("date -s @{time}"))?;
        Ok(())
    }

    /// Waits until the guest's clock is right. A second is what `date` cuts off, two are for a busy
    /// machine.
    fn right(&mut self, what: &str) -> Result<()> {
        let deadline = Instant::now() + SOON;
        loop {
            let ahead = self.ahead()?;
            if ahead.abs() < 3.0 {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{what}: the clock is still off by {ahead} s"
            );
        }
    }

    /// Checks that the guest's clock is still about `off` seconds after the host's.
    fn still(&mut self, what: &str, off: f64) -> Result<()> {
        let ahead = self.ahead()?;
        ensure!(
            (ahead - off).abs() < off.abs() / 2.0,
            "{what}: the clock is off by {ahead} s instead of {off} s"
        );
        Ok(())
    }

    /// An hour slow, a day fast: samples change nothing, SYNC does.
    fn steps(&mut self) -> Result<()> {
        for off in [-3600.0, 86400.0] {
            let what = format!("{off} s");
            self.set(off)?;
            self.timesync.sample(self.now(), SOON)?;
            self.still(&what, off)?;
            self.timesync.sync(self.now(), SOON)?;
            self.right(&what)?;
        }
        // The last one counts, also if the guest finds several at once.
        self.set(-3600.0)?;
        let times = [self.now() - FAR, self.now() + FAR, self.now()];
        for time in times {
            let _ = self.timesync.post(time, Duration::ZERO, SYNC)?;
        }
        self.right("the last of three")?;
        // A moment: set to the sample, and not by a fraction less or more.
        self.timesync.sample(self.now() + OFF, SOON)?;
        let apart = self.apart()?;
        ensure!(
            (apart - OFF.as_secs_f64()).abs() < CLOSE,
            "a sample moved the clock: it is {apart} s off"
        );
        self.timesync.sync(self.now() + OFF, SOON)?;
        self.machine.until(
            &format!(
                "phc_ctl {} cmp | sed 's/.* is -*\\([0-9]*\\)ns.*/\\1/' | awk '{{ exit $1 > 500000000 }}'",
                self.ptp
            ),
            "the clock is set to the sample",
        )?;
        let apart = self.apart()?;
        ensure!(apart < CLOSE, "after SYNC the clock is {apart} s off");
        Ok(())
    }

    /// The guest's processors and its reference time stand still in a pause: all that it can see of one is
    /// that the host's clock has gone on.
    fn pause(&mut self) -> Result<()> {
        self.timesync.sync(self.now(), SOON)?;
        self.right("before the pause")?;
        self.base.0 += PAUSE;
        self.timesync.sample(self.now(), SOON)?;
        self.still("a sample after the pause", -PAUSE.as_secs_f64())?;
        self.timesync.sync(self.now(), SOON)?;
        self.right("after the pause")
    }

    /// A twentieth of a second: SYNC corrects it, a sample does not.
    fn moment(&mut self) -> Result<()> {
        self.settles("after SYNC", Duration::ZERO, SYNC, 0.0)?;
        self.settles("after a sample", MOMENT, SAMPLE, MOMENT.as_secs_f64())?;
        self.settles("after SYNC again", MOMENT, SYNC, 0.0)
    }

    /// Tells the guest a time that is `later` than it is, until the clocks are `wanted` seconds apart.
    /// Nothing is in the way of that being exact but a processor that has something else to do while
    /// the guest sets its clock, or while it reads them: some of many tries are good.
    fn settles(&mut self, what: &str, later: Duration, flags: u8, wanted: f64) -> Result<()> {
        let mut all = Vec::new();
        for _ in 0..TRIES {
            let time = self.now() + later;
            self.timesync.tell(time, Duration::ZERO, flags, SOON)?;
            for _ in 0..READINGS {
                let apart = self.apart()?;
                if (apart - wanted).abs() < PRECISE {
                    return Ok(());
                }
                all.push(apart);
            }
        }
        bail!("{what}: the clocks are not {wanted} s apart, but {all:?}")
    }

    /// With the parameter, samples set a clock that is slow by five seconds or more, and no other.
    fn implicit(&mut self) -> Result<()> {
        let parameter = format!(
            "/sys/module/{}/parameters/timesync_implicit",
            self.machine.driver.utils()
        );
        self.machine.sh(&format!(
            "[ $(stat -c %a {parameter}) = 644 ] && [ $(cat {parameter}) = N ] && echo 1 >{parameter}"
        ))?;
        for off in [3600.0, 4.0] {
            self.set(off)?;
            self.timesync.sample(self.now(), SOON)?;
            self.still("a clock that is fast", off)?;
        }
        self.set(-30.0)?;
        self.timesync.sample(self.now(), SOON)?;
        self.right("a sample for a clock that is slow")?;
        self.machine.sh(&format!("echo 0 >{parameter}"))?;
        Ok(())
    }

    /// The PTP clock has the time of the sample, and what has passed since.
    fn follows(&mut self) -> Result<()> {
        self.timesync.sample(self.now(), SOON)?;
        let ahead = self.ptp_ahead()?;
        ensure!(ahead.abs() < 3.0, "the PTP clock is {ahead} s ahead");
        let ago = Duration::from_secs(10);
        self.timesync.tell(self.now() - ago, ago, SAMPLE, SOON)?;
        let ahead = self.ptp_ahead()?;
        ensure!(
            ahead.abs() < 3.0,
            "after an old sample the PTP clock is {ahead} s ahead"
        );
        Ok(())
    }

    /// The PTP clock can only be read.
    fn cannot_be_set(&mut self) -> Result<()> {
        for (change, done) in [
            ("set 1000", "set clock time to"),
            ("adj 1000", "adjusted clock"),
            ("freq 100", "adjusted clock"),
        ] {
            let output = self
                .machine
                .run(&format!("phc_ctl {} {change}", self.ptp))?;
            let refused = output.text.contains("failed to");
            ensure!(
                refused || !output.text.contains(done),
                "{change}: {}",
                output.text
            );
        }
        let ahead = self.ptp_ahead()?;
        ensure!(
            ahead.abs() < 3.0,
            "the PTP clock was set: it is {ahead} s ahead"
        );
        Ok(())
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

/// A sample that is older than ten minutes is not used any more. The host lets the guest's reference time
/// jump; the guest keeps its own time by another clock, and its watchdogs are off.
pub fn stale(lab: &Lab) -> Result<()> {
    let mut util = Util::boot_with(
        lab,
        Setup {
            cmdline: "clocksource=tsc tsc=reliable nowatchdog rcupdate.rcu_cpu_stall_suppress=1",
            ..Setup::default()
        },
    )?;
    util.load()?;
    let timesync = util.services.timesync.clone();
    let mut clock = Clock::new(&mut util.machine, &timesync)?;
    timesync.sample(clock.now(), SOON)?;
    clock.ptp_ahead()?;
    clock
        .machine
        .advance_reference_time(Duration::from_secs(500))?;
    clock.ptp_ahead().context("after 500 s")?;
    clock
        .machine
        .advance_reference_time(Duration::from_secs(200))?;
    for _ in 0..2 {
        let output = clock.machine.run(&format!("phc_ctl {} get", clock.ptp))?;
        ensure!(
            output.status != 0 && !output.text.contains("clock time is"),
            "after 700 s: {}",
            output.text
        );
    }
    let warnings = clock
        .machine
        .sh("dmesg | grep -c 'TIMESYNC IC: Stale time stamp'")?;
    ensure!(warnings == "1", "{warnings} warnings");
    timesync.sample(clock.now(), SOON)?;
    clock.ptp_ahead().context("after a new sample")?;
    util.end()
}
