// SPDX-License-Identifier: GPL-2.0

//! What the host's prompt understands.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use vmbus_host::ic::kvp::{Pool, Value};
use vmbus_host::ic::{Action, Error, Services};

/// How long a command waits for the guest.
const LIMIT: Duration = Duration::from_secs(10);
/// Freezing writes out what the guest has in memory.
const FREEZE_LIMIT: Duration = Duration::from_secs(120);

const HELP: &str = "\
shutdown, reboot, hibernate   asks the guest to end
status                        which services the guest has, in which versions
heartbeat                     looks whether it is alive
time                          sets its clock
kvp                           what it tells about itself
kvp list POOL                 all keys of a pool: external, guest, auto, auto-external, auto-internal
kvp get KEY                   looks for a key in all pools
kvp set KEY VALUE             sets a key of the pool external
kvp delete KEY                removes one
addresses MAC                 the addresses of a network card, like 00:15:5D:00:00:01
freeze, thaw                  stops its file systems, for a snapshot, and lets them go on
Ctrl-A c, Ctrl-D              back to the guest
Ctrl-A x                      stops the guest at once";

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Command<'a> {
    Nothing,
    Help,
    Status,
    End(Action),
    Heartbeat,
    Time,
    List(Pool),
    Get(&'a str),
    Set(&'a str, &'a str),
    Delete(&'a str),
    Addresses(&'a str),
    Freeze,
    Thaw,
}

impl<'a> Command<'a> {
    /// Understands a line, or not.
    fn parse(line: &'a str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        Some(match words[..] {
            [] => Self::Nothing,
            ["help" | "?"] => Self::Help,
            ["status"] => Self::Status,
            ["shutdown" | "poweroff"] => Self::End(Action::PowerOff),
            ["reboot"] => Self::End(Action::Reboot),
            ["hibernate"] => Self::End(Action::Hibernate),
            ["heartbeat"] => Self::Heartbeat,
            ["time"] => Self::Time,
            ["kvp"] => Self::List(Pool::Auto),
            ["kvp", "list", name] => Self::List(pool(name)?),
            ["kvp", "get", key] => Self::Get(key),
            ["kvp", "set", key, _, ..] => Self::Set(key, behind(line, 3)),
            ["kvp", "delete", key] => Self::Delete(key),
            ["addresses", mac] => Self::Addresses(mac),
            ["freeze"] => Self::Freeze,
            ["thaw"] => Self::Thaw,
            _ => return None,
        })
    }
}

fn pool(name: &str) -> Option<Pool> {
    Some(match name {
        "external" => Pool::External,
        "guest" => Pool::Guest,
        "auto" => Pool::Auto,
        "auto-external" => Pool::AutoExternal,
        "auto-internal" => Pool::AutoInternal,
        _ => return None,
    })
}

/// The line without its first `count` words.
fn behind(line: &str, count: usize) -> &str {
    (0..count).fold(line.trim(), |rest, _| {
        rest.split_once(char::is_whitespace)
            .map_or("", |(_, rest)| rest.trim_start())
    })
}

/// Does what `line` says, and returns what there is to say about it.
pub(super) fn execute(services: &Services, line: &str) -> String {
    match Command::parse(line) {
        None => format!("'{line}' is not understood; 'help' lists what is"),
        Some(command) => {
            perform(services, command).unwrap_or_else(|error| format!("failed: {error}"))
        }
    }
}

fn perform(services: &Services, command: Command<'_>) -> Result<String, Error> {
    let kvp = &services.kvp;
    Ok(match command {
        Command::Nothing => String::new(),
        Command::Help => HELP.to_owned(),
        Command::Status => status(services),
        Command::End(action) => {
            services.shutdown.request(action, LIMIT)?;
            "the guest says that it begins".to_owned()
        }
        Command::Heartbeat => format!("alive: {}", services.heartbeat.beat(LIMIT)?),
        Command::Time => {
            services.timesync.sync(SystemTime::now(), LIMIT)?;
            "the guest was told to set its clock".to_owned()
        }
        Command::List(pool) => lines(kvp.list(pool, LIMIT)?),
        Command::Get(key) => get(services, key)?,
        Command::Set(key, value) => {
            kvp.set(Pool::External, key, &Value::Text(value.to_owned()), LIMIT)?;
            "set".to_owned()
        }
        Command::Delete(key) => match kvp.delete(Pool::External, key, LIMIT)? {
            true => "removed".to_owned(),
            false => "there is no such key".to_owned(),
        },
        Command::Addresses(mac) => format!("{:#?}", kvp.ip_info(mac, LIMIT)?),
        Command::Freeze => {
            services.vss.freeze(FREEZE_LIMIT)?;
            "frozen; 'thaw' lets the guest go on".to_owned()
        }
        Command::Thaw => {
            services.vss.thaw(LIMIT)?;
            "thawed".to_owned()
        }
    })
}

fn status(services: &Services) -> String {
    let names = ["shutdown", "heartbeat", "time", "KVP", "VSS"];
    let mut text = String::new();
    for (name, link) in names.into_iter().zip(services.links()) {
        let versions = match link.agreed() {
            Some(agreed) => format!(
                "version {}, framework {}, {} answers",
                agreed.message,
                agreed.framework,
                link.answered()
            ),
            None => "the guest does not have it".to_owned(),
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<10} {versions}");
    }
    text
}

/// A key of any pool. The guest's answer to a question for one key has no value with some drivers, so
/// all are asked for.
fn get(services: &Services, key: &str) -> Result<String, Error> {
    for pool in Pool::ALL {
        let entries = services.kvp.list(pool, LIMIT)?;
        if let Some((_, value)) = entries.into_iter().find(|entry| entry.0 == key) {
            return Ok(format!("{value}  (pool {pool:?})"));
        }
    }
    Ok("there is no such key".to_owned())
}

fn lines(entries: Vec<(String, String)>) -> String {
    let line = |(key, value): (String, String)| format!("{key} = {value}\n");
    entries.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        for (line, command) in [
            ("", Command::Nothing),
            (" shutdown ", Command::End(Action::PowerOff)),
            ("kvp", Command::List(Pool::Auto)),
            ("kvp list auto-internal", Command::List(Pool::AutoInternal)),
            ("kvp get a", Command::Get("a")),
            ("kvp  set a  b  c ", Command::Set("a", "b  c")),
            ("addresses 00:15", Command::Addresses("00:15")),
        ] {
            assert_eq!(Command::parse(line), Some(command), "{line}");
        }
        for bad in ["shut", "kvp set a", "kvp list x", "time now"] {
            assert_eq!(Command::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn without_a_guest() {
        let services = Services::new();
        assert!(execute(&services, "help").contains("shutdown"));
        assert!(execute(&services, "nonsense").contains("help"));
        assert!(execute(&services, "shutdown").contains("does not have the service"));
        assert!(execute(&services, "status").contains("VSS "));
    }
}
