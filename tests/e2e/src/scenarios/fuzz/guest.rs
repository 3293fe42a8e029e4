// SPDX-License-Identifier: GPL-2.0

//! A guest with all devices, busy with all of them.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use vmbus_host::fault::{Engine, Plan, Tally, Victims};
use vmbus_host::ic::kvp::message::{self, Operation};
use vmbus_host::ic::kvp::{IpInfo, Pool, Value};
use vmbus_host::ic::wire::Version;
use vmbus_host::ic::{Link, Pulse, Services, heartbeat, shutdown, timesync, vss};
use vmbus_host::net::{Card, CardConfig, Peer};
use vmbus_host::scsi::{ControllerConfig, Disk};
use vmbus_host::vmm::ExitReason;

use crate::kernel_log;
use crate::machine::{Lab, Machine, READ_DISK, Setup};

/// How often a service is asked for something.
const ASK_EVERY: Duration = Duration::from_millis(25);
/// How long the guest goes on between two looks at it.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// After how many looks the drivers are unloaded and loaded again.
const RELOAD_EVERY: u32 = 12;
/// How long a guest may take to answer, with all its processors under attack.
const ANSWER_LIMIT: Duration = Duration::from_secs(150);
/// How long unloading may take, which waits for requests that the host lost.
const UNLOAD_LIMIT: Duration = Duration::from_secs(240);
/// How many tries a driver has to be loaded: the bus may hear no to each version that it proposes.
const LOAD_TRIES: u32 = 40;

/// A report is the end of the guest, at once and with the whole log. Whoever waits for a request that the host
/// lost waits until its device is taken away, which the kernel must not take for a hang.
const CMDLINE: &str = "panic_on_warn=1 softlockup_panic=1 hung_task_panic=1 panic_print=0x20 log_buf_len=128K sysctl.kernel.hung_task_timeout_secs=480";

/// See the module.
pub struct Guest {
    machine: Machine,
    card: Arc<Card>,
    services: Services,
    lab: Lab,
}

impl Guest {
    /// Boots one, with the drivers loaded and at work.
    pub fn boot(lab: &Lab) -> Result<Self> {
        let card = Card::new(
            CardConfig {
                queues: 2,
                ..CardConfig::default()
            },
            Peer::new(Default::default()),
        );
        let services = Services::new();
        let mut devices = services.devices();
        devices.push(card.clone());
        let machine = lab.boot(Setup {
            cpus: 2,
            controller: ControllerConfig {
                max_sub_channels: 1,
                ..ControllerConfig::default()
            },
            devices,
            extras: &["daemons"],
            cmdline: CMDLINE,
            ..Setup::default()
        })?;
        // Millions of messages are too many for a file.
        machine.server.trace().tee(Box::new(std::io::sink()));
        machine.controller.add_disk(0, 0, Disk::memory(16 << 20)?)?;
        let mut guest = Self {
            machine,
            card,
            services,
            lab: lab.clone(),
        };
        // What a host may ask for, and the end of the test: to switch the guest off.
        guest.sh("rm /sbin/poweroff /sbin/reboot && ln -s /bin/true /sbin/poweroff && ln -s /bin/true /sbin/reboot")?;
        // Lines are dear; what must be seen ends the guest or is looked for.
        guest.sh("dmesg -n 2")?;
        guest.load()?;
        Ok(guest)
    }

    /// Has the host go mad until `enough`, or for `limit`; how far it got is in `reached`, also where that
    /// fails. Fails with all that is known of the end.
    pub fn attack(
        &mut self,
        plan: Plan,
        limit: Duration,
        reached: &mut Tally,
        enough: impl Fn(&Tally) -> bool,
    ) -> Result<()> {
        let victims = Victims {
            controller: Some(self.machine.controller.clone()),
            card: Some(self.card.clone()),
            links: self.services.links().map(Arc::clone).to_vec(),
        };
        let engine = Engine::start(plan, &self.machine.server, &victims);
        let asking = ask(self.services.clone());
        let result = self.watch(&engine, limit, enough);
        drop(asking);
        *reached = engine.tally();
        let last = match &result {
            Ok(()) => String::new(),
            Err(_) => self.write_last(&engine),
        };
        let (plan, stopped) = (engine.plan().clone(), engine.stop());
        // What a guest answers to a mad host may well be wrong.
        self.machine.server.clear_violations();
        result
            .and_then(|()| {
                stopped.map_err(|complaint| anyhow!("{complaint}; {}", self.processes()))
            })
            .with_context(|| format!("plan {plan}; {reached}; the last changes: {last}"))
    }

    fn watch(
        &mut self,
        engine: &Engine,
        limit: Duration,
        enough: impl Fn(&Tally) -> bool,
    ) -> Result<()> {
        let end = Instant::now() + limit;
        let mut looks = 0;
        while Instant::now() < end && !enough(&engine.tally()) {
            // At the beginning, too: spoilt messages of the bus are made of honest ones, which come
            // when the drivers are loaded.
            if looks % RELOAD_EVERY == 0 {
                self.reload()?;
            }
            self.look()?;
            looks += 1;
            if let Some(complaint) = engine.complaint() {
                bail!("{complaint}; {}", self.processes());
            }
        }
        Ok(())
    }

    /// Lets some time pass in the guest, and looks into its log.
    fn look(&mut self) -> Result<()> {
        let wait = LOOK_EVERY.as_millis() * 1000;
        let log = self.sh(&format!("usleep {wait}; dmesg -c"))?;
        match kernel_log::fault(&log) {
            Some(line) => {
                std::fs::write(self.lab.log("report"), &log)?;
                bail!("the kernel's log has a report: {line}")
            }
            None => Ok(()),
        }
    }

    /// Unloads all drivers and loads them again.
    pub fn reload(&mut self) -> Result<()> {
        self.unload()?;
        self.load()
    }

    fn unload(&mut self) -> Result<()> {
        self.sh("touch /stop")?;
        let utils = "killall -9 hv_kvp_daemon hv_vss_daemon; rmmod hv_utils_rust";
        for (module, command) in [
            ("hv_utils_rust", utils),
            ("hv_netvsc_rust", "rmmod hv_netvsc_rust"),
            ("hv_storvsc_rust", "rmmod hv_storvsc_rust"),
            ("hv_vmbus_rust", "rmmod hv_vmbus_rust"),
        ] {
            let tries = UNLOAD_LIMIT.as_millis() / 100;
            let done = self.machine.run_for(
                &format!(
                    "n=0; while [ -d /sys/module/{module} ] && ! {{ {command}; }} >/dev/null 2>&1; do \
                     n=$((n + 1)); [ $n -gt {tries} ] && exit 1; usleep 100000; done"
                ),
                UNLOAD_LIMIT * 3,
            )?;
            if done.status != 0 {
                bail!("{module} does not unload; {}", self.processes());
            }
        }
        Ok(())
    }

    fn load(&mut self) -> Result<()> {
        let modules = "hv_storvsc_rust hv_netvsc_rust hv_utils_rust";
        self.sh(&format!(
            "for m in {modules}; do n=0; until modprobe $m; do n=$((n + 1)); [ $n -gt {LOAD_TRIES} ] && exit 1; \
             usleep 200000; done; done 2>/tmp/modprobe"
        ))?;
        self.sh("rm -f /stop /stopped; (sh /fuzz-load &) </dev/null >/dev/null 2>&1")?;
        Ok(())
    }

    /// After the attack: the drivers load again, and work.
    pub fn recovers(&mut self) -> Result<()> {
        self.unload()?;
        self.sh("modprobe hv_storvsc_rust && modprobe hv_netvsc_rust && modprobe hv_utils_rust")?;
        let machine = &mut self.machine;
        machine.until("[ -b /dev/sd? ]", "a disk appears")?;
        machine.sh(READ_DISK)?;
        let eth = machine.interface(&self.card)?;
        machine.sh(&format!(
            "ip link set {eth} up && ip addr add 10.0.0.15/24 dev {eth} && ping -c 1 -W 20 10.0.0.1"
        ))?;
        self.services
            .heartbeat
            .link()
            .wait_ready(ANSWER_LIMIT)
            .context("heartbeat")?;
        self.services.heartbeat.beat(ANSWER_LIMIT)?;
        self.look()
    }

    /// Ends the guest; its console must not have a report.
    pub fn end(self) -> Result<()> {
        self.machine.vm.stop();
        let reason = self.machine.vm.wait();
        ensure!(
            reason == ExitReason::Stopped,
            "the guest ended by itself: {reason}"
        );
        match kernel_log::fault(&self.machine.vm.console().text()) {
            Some(line) => bail!("the kernel's log has a report: {line}"),
            None => Ok(()),
        }
    }

    fn sh(&mut self, command: &str) -> Result<String> {
        self.machine.sh_for(command, ANSWER_LIMIT)
    }

    /// Where everything in the guest waits, if it still says so.
    fn processes(&mut self) -> String {
        let look = "ps -o pid,stat,comm | grep ' D'; for p in $(ps -o pid,stat | awk '$2 ~ /D/ { print $1 }'); do \
                    echo $p; cat /proc/$p/stack; done; lsmod; dmesg | tail -n 40";
        let output = self.machine.run_for(look, ANSWER_LIMIT);
        output.map_or_else(|error| format!("{error:#}"), |output| output.text)
    }

    fn write_last(&self, engine: &Engine) -> String {
        let path = self.lab.log(&format!("seed-{}", engine.plan().seed));
        let mut text = String::new();
        for line in engine.last() {
            let _ = writeln!(text, "{line}");
        }
        match std::fs::write(&path, text) {
            Ok(()) => path.display().to_string(),
            Err(error) => format!("no file: {error}"),
        }
    }
}

/// Keeps asking the services, whether they answer or not.
fn ask(services: Services) -> Pulse {
    let mut turn = 0;
    Pulse::every(ASK_EVERY, move || {
        let requests = requests(&services);
        let (link, body) = &requests[turn % requests.len()];
        // A service that is not there is not asked.
        let _ = link.post(body);
        turn += 1;
    })
}

fn requests(services: &Services) -> Vec<(Arc<Link>, Vec<u8>)> {
    let text = Value::Text("value".to_owned());
    let kvp = |operation| {
        let body = message::exchange(operation, Pool::Guest, 0, "key", &text);
        (services.kvp.link().clone(), body)
    };
    let info = IpInfo {
        adapter: "{none}".to_owned(),
        ..IpInfo::default()
    };
    let agreed = services.timesync.link().agreed();
    let version = agreed.map_or(Version::new(4, 0), |it| it.message);
    let time = timesync::body(version, SystemTime::now(), 0, timesync::SAMPLE);
    vec![
        (services.shutdown.link().clone(), shutdown::body(99)),
        (services.heartbeat.link().clone(), heartbeat::body(1)),
        (services.timesync.link().clone(), time),
        (
            services.vss.link().clone(),
            vss::body(vss::Operation::HotBackup as u8),
        ),
        kvp(Operation::Set),
        (services.heartbeat.link().clone(), heartbeat::body(2)),
        kvp(Operation::Get),
        kvp(Operation::Enumerate),
        (
            services.kvp.link().clone(),
            info.encode(Operation::GetIpInfo),
        ),
    ]
}
