// SPDX-License-Identifier: GPL-2.0

//! What is to be spoilt, and how much: on the command line one word.

use std::fmt;
use std::str::FromStr;

/// A part of the guest's drivers, as the host sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Control messages.
    Bus,
    /// SCSI controllers.
    Storage,
    /// Network cards.
    Network,
    /// Utility services.
    Utilities,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bus, Self::Storage, Self::Network, Self::Utilities];
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bus => "bus",
            Self::Storage => "storage",
            Self::Network => "network",
            Self::Utilities => "utilities",
        })
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|target| target.to_string() == text)
            .ok_or_else(|| format!("'{text}' is not one of bus, storage, network, utilities"))
    }
}

/// See the module. The same plan makes the same decisions: the one about a device's packet number
/// n depends on the seed, the device and n alone. What comes of it depends on what the packet is, and
/// that on the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where all decisions come from.
    pub seed: u64,
    /// One in so many honest packets is replaced, lost, doubled or held back; 0 for none.
    pub replace: u32,
    /// One in so many honest packets has spoilt copies beside it; 0 for none.
    pub beside: u32,
    /// The most spoilt packets that are sent at once without an honest one; 0 for none.
    pub burst: u32,
    /// After how many bursts, about, a device is taken away and offered again; 0 for never.
    pub life: u32,
    /// One in so many spoilt messages of the bus is an offer or a rescind; 0 for none. What comes of these
    /// takes a guest longer than all the others.
    pub devices: u32,
    /// What is spoilt.
    pub targets: Vec<Target>,
}

impl Plan {
    /// The usual mixture for `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            replace: 400,
            beside: 4,
            burst: 160,
            life: 1500,
            devices: 24,
            targets: Target::ALL.to_vec(),
        }
    }

    /// Whether `target` is to be spoilt.
    pub fn has(&self, target: Target) -> bool {
        self.targets.contains(&target)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            replace,
            beside,
            burst,
            life,
            devices,
            targets,
        } = self;
        let targets: Vec<_> = targets.iter().map(Target::to_string).collect();
        let targets = targets.join("+");
        write!(
            f,
            "{seed},replace={replace},beside={beside},burst={burst},life={life},devices={devices},only={targets}"
        )
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (seed, options) = text.split_once(',').unwrap_or((text, ""));
        let seed = seed
            .parse()
            .map_err(|_| format!("'{seed}' is not a number to begin with"))?;
        let mut plan = Self::new(seed);
        for option in options.split(',').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let number = value
                .parse()
                .map_err(|_| format!("'{option}': '{value}' is not a number"));
            match name {
                "replace" => plan.replace = number?,
                "beside" => plan.beside = number?,
                "burst" => plan.burst = number?,
                "life" => plan.life = number?,
                "devices" => plan.devices = number?,
                "only" => {
                    plan.targets = value.split('+').map(str::parse).collect::<Result<_, _>>()?
                }
                _ => {
                    return Err(format!(
                        "'{option}' is not one of replace=N, beside=N, burst=N, life=N, devices=N, only=TARGET+..."
                    ));
                }
            }
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!("7".parse(), Ok(Plan::new(7)));
        let plan: Plan = "9,replace=0,burst=5,only=bus+network".parse().unwrap();
        assert_eq!(
            plan,
            Plan {
                replace: 0,
                burst: 5,
                targets: vec![Target::Bus, Target::Network],
                ..Plan::new(9)
            }
        );
        assert!(plan.has(Target::Bus) && !plan.has(Target::Storage));
        assert_eq!(plan.to_string().parse(), Ok(plan));
        for bad in ["", "x", "1,burst", "1,burst=x", "1,only=disk", "1,else=2"] {
            assert!(bad.parse::<Plan>().is_err(), "{bad}");
        }
    }
}
