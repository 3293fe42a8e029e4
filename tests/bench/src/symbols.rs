// SPDX-License-Identifier: GPL-2.0

//! Which function an address belongs to, and who pays for it.

use std::collections::BTreeMap;

/// Whose work an instruction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The driver of the device, with its C shims.
    Driver,
    /// The bus, with its C shims.
    Bus,
    /// What the kernel has of its own for Rust: functions around C macros, the `kernel` crate.
    Shims,
    /// The rest of the kernel.
    Kernel,
}

/// The functions of a kernel.
pub struct Symbols(Vec<Symbol>);

struct Symbol {
    address: u64,
    name: String,
    module: String,
}

/// No function is so long.
const FAR: u64 = 1 << 16;

impl Symbols {
    /// Reads `/proc/kallsyms`.
    pub fn parse(text: &str) -> Self {
        let mut symbols: Vec<Symbol> = text.lines().filter_map(Symbol::parse).collect();
        symbols.sort_by_key(|symbol| symbol.address);
        Self(symbols)
    }

    /// The function at an address.
    fn find(&self, address: u64) -> Option<&Symbol> {
        let after = self.0.partition_point(|symbol| symbol.address <= address);
        self.0.get(after.checked_sub(1)?)
    }

    /// The name of the function at an address, and whose it is.
    pub fn describe(&self, address: u64) -> (String, Part) {
        match self.find(address) {
            Some(symbol) if address - symbol.address < FAR => (symbol.name.clone(), symbol.part()),
            _ => (format!("{address:x}"), Part::Kernel),
        }
    }
}

impl Symbol {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let address = u64::from_str_radix(words.next()?, 16).ok()?;
        let kind = words.next()?;
        let name = words.next()?.to_owned();
        let module = words.next().unwrap_or_default();
        let is_code = matches!(kind, "t" | "T" | "w" | "W");
        is_code.then(|| Self {
            address,
            name,
            module: module.trim_matches(['[', ']']).to_owned(),
        })
    }

    fn part(&self) -> Part {
        match self.module.as_str() {
            "hv_vmbus_rust" => Part::Bus,
            "hv_storvsc" | "hv_storvsc_rust" | "hv_netvsc" | "hv_netvsc_rust" => Part::Driver,
            "" if is_of_c_bus(&self.name) => Part::Bus,
            "" if self.name.starts_with("rust_helper_") || self.name.starts_with("_R") => {
                Part::Shims
            }
            _ => Part::Kernel,
        }
    }
}

fn is_of_c_bus(name: &str) -> bool {
    name.starts_with("vmbus_") || name.starts_with("hv_ringbuffer_") || name.starts_with("hv_pkt_")
}

/// Instructions by function.
pub type Profile = BTreeMap<(Part, String), u64>;

/// Adds up the blocks that the plugin counted, one a line.
pub fn profile(symbols: &Symbols, blocks: &str) -> Profile {
    let mut profile = Profile::new();
    for line in blocks.lines() {
        let mut words = line.split(' ');
        let address = words
            .next()
            .and_then(|word| u64::from_str_radix(word, 16).ok());
        let (instructions, runs) = (words.next(), words.next());
        let count = |word: Option<&str>| word.and_then(|word| word.parse::<u64>().ok());
        if let (Some(address), Some(instructions), Some(runs)) =
            (address, count(instructions), count(runs))
        {
            let (name, part) = symbols.describe(address);
            *profile.entry((part, name)).or_default() += instructions * runs;
        }
    }
    profile
}
