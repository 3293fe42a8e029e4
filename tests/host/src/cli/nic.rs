// SPDX-License-Identifier: GPL-2.0

//! The argument of `--nic`.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use vmbus_host::net::peer::PeerConfig;
use vmbus_host::net::tap::Tap;
use vmbus_host::net::{Card, CardConfig, Peer};
use vmbus_host::vmbus::server::Server;

/// A network card and what is on the other end of its cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NicSpec {
    end: End,
    queues: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Peer,
    Tap(String),
}

impl FromStr for NicSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (end, options) = text.split_once(',').unwrap_or((text, ""));
        let end = match end.strip_prefix("tap:") {
            Some("") => return Err("tap: needs the name of an interface".to_owned()),
            Some(name) => End::Tap(name.to_owned()),
            None if end == "peer" => End::Peer,
            None => return Err(format!("'{end}' is neither peer nor tap:NAME")),
        };
        let queues = match options.strip_prefix("queues=") {
            Some(number) => number
                .parse()
                .ok()
                .filter(|number| (1..=64).contains(number)),
            None if options.is_empty() => Some(1),
            None => return Err(format!("'{options}' is not queues=N")),
        };
        let queues = queues.ok_or("queues=N takes a number from 1 to 64")?;
        Ok(Self { end, queues })
    }
}

/// Puts cards on the bus. Card number n has the built-in peer of network n - 1 or an interface of
/// the host's.
pub(crate) fn attach(server: &Server, specs: &[NicSpec]) -> Result<Vec<Arc<Card>>> {
    let mut cards = Vec::new();
    for (spec, number) in specs.iter().zip(1..) {
        let config = CardConfig {
            queues: spec.queues,
            ..CardConfig::numbered(number)
        };
        let card = match &spec.end {
            End::Peer => {
                let peer = PeerConfig {
                    network: number - 1,
                    ..PeerConfig::default()
                };
                Card::new(config, Peer::new(peer))
            }
            End::Tap(name) => {
                let tap = Tap::open(name).with_context(|| format!("network interface {name}"))?;
                Card::new(config, tap)
            }
        };
        server.add_device(card.clone());
        cards.push(card);
    }
    Ok(cards)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs() {
        let spec = |end, queues| Ok(NicSpec { end, queues });
        assert_eq!("peer".parse(), spec(End::Peer, 1));
        assert_eq!("peer,queues=4".parse(), spec(End::Peer, 4));
        assert_eq!("tap:tap0".parse(), spec(End::Tap("tap0".into()), 1));
        for bad in [
            "",
            "tap:",
            "peer,queues=0",
            "peer,queues=65",
            "peer,x=1",
            "user",
        ] {
            assert!(bad.parse::<NicSpec>().is_err(), "{bad}");
        }
    }
}
