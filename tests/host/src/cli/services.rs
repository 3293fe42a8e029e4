// SPDX-License-Identifier: GPL-2.0

//! What the host does with the utility services of a guest that runs by itself: it looks whether the
//! guest is alive, tells it the time, and who its host is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use vmbus_host::ic::kvp::{Pool, Value};
use vmbus_host::ic::{Error, Pulse, Services};

/// As often as Hyper-V does.
const INTERVAL: Duration = Duration::from_secs(2);
/// How many intervals there are between two samples of the time.
const SAMPLE_EVERY: u64 = 3;
/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_secs(2);

/// What every guest is told in the pool of the host.
const ABOUT_HOST: [(&str, &str); 2] = [
    ("HostName", "vmbus-host"),
    ("VirtualMachineName", "guest under test"),
];

/// The services at work, until dropped.
pub(super) struct Attendance {
    services: Services,
    seen: Arc<Mutex<Seen>>,
    _pulse: Pulse,
}

/// What was seen of the guest.
#[derive(Default)]
struct Seen {
    ticks: u64,
    /// For which opening of the channel the guest was told to set its clock.
    clock_set: u64,
    /// For which opening of the channel the guest was told about the host.
    told: u64,
    system: Option<String>,
}

impl Attendance {
    /// Begins.
    pub(super) fn begin(services: &Services) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let (theirs, all) = (Arc::clone(&seen), services.clone());
        let pulse = Pulse::every(INTERVAL, move || {
            let mut seen = theirs.lock().unwrap_or_else(PoisonError::into_inner);
            seen.tick(&all);
        });
        Self {
            services: services.clone(),
            seen,
            _pulse: pulse,
        }
    }

    /// What is to be said at the end; nothing of a guest that had no services.
    pub(super) fn report(&self) -> Option<String> {
        let beats = self.services.heartbeat.link().answered();
        let samples = self.services.timesync.link().answered();
        if beats + samples == 0 {
            return None;
        }
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let system = match &seen.system {
            Some(system) => format!("; it said that it is {system}"),
            None => String::new(),
        };
        Some(format!(
            "the guest answered {beats} heartbeats and took the time {samples} times{system}"
        ))
    }
}

impl Seen {
    /// What is due. A guest that does not answer is asked again the next time.
    fn tick(&mut self, services: &Services) {
        let _ = services.heartbeat.beat(LIMIT);
        let _ = self.time(services);
        let _ = self.about(services);
        self.ticks += 1;
    }

    /// The first message after each opening sets the clock, later ones are samples.
    fn time(&mut self, services: &Services) -> Result<(), Error> {
        let opens = services.timesync.link().opens();
        if self.clock_set != opens {
            services.timesync.sync(SystemTime::now(), LIMIT)?;
            self.clock_set = opens;
        } else if self.ticks.is_multiple_of(SAMPLE_EVERY) {
            services.timesync.sample(SystemTime::now(), LIMIT)?;
        }
        Ok(())
    }

    /// Tells the guest about its host, and has it tell about itself.
    fn about(&mut self, services: &Services) -> Result<(), Error> {
        let kvp = &services.kvp;
        let opens = kvp.link().opens();
        if self.told == opens {
            return Ok(());
        }
        for (key, value) in ABOUT_HOST {
            kvp.set(
                Pool::AutoExternal,
                key,
                &Value::Text(value.to_owned()),
                LIMIT,
            )?;
        }
        let about = kvp.list(Pool::Auto, LIMIT)?;
        let value = |key: &str| {
            let found = about.iter().find(|entry| entry.0 == key);
            found.map_or("", |entry| entry.1.as_str())
        };
        self.system = Some(format!(
            "{} {} on {}",
            value("OSName"),
            value("OSMajorVersion"),
            value("ProcessorArchitecture")
        ));
        self.told = opens;
        Ok(())
    }
}
