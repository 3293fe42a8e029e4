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

/// Whether a function is one of the C bus that is executed while packets travel, or a part of one that
/// the compiler made: `hv_copyto_ringbuffer.isra.0`.
fn is_of_c_bus(name: &str) -> bool {
    const PREFIXES: [&str; 8] = [
        "vmbus_",
        "__vmbus_",
        "hv_ringbuffer_",
        "hv_copyto_ringbuffer",
        "hv_copyfrom_ringbuffer",
        "hv_pkt_iter_",
        "__hv_pkt_iter_",
        "hv_signal_on",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || name == "relid2channel"
}

/// What was executed.
pub struct Profile {
    /// Instructions by function.
    functions: BTreeMap<(Part, String), u64>,
    /// How often each function was entered at its beginning.
    entries: BTreeMap<String, u64>,
}

impl Profile {
    /// Adds up the blocks that the plugin counted, one a line: address, instructions, runs.
    pub fn new(symbols: &Symbols, blocks: &str) -> Self {
        let mut profile = Self {
            functions: BTreeMap::new(),
            entries: BTreeMap::new(),
        };
        for line in blocks.lines() {
            if let Some((address, instructions, runs)) = block(line) {
                profile.add(symbols, address, instructions * runs, runs);
            }
        }
        profile
    }

    fn add(&mut self, symbols: &Symbols, address: u64, instructions: u64, runs: u64) {
        let (name, part) = match symbols.find(address) {
            Some(symbol) if address - symbol.address < FAR => {
                if address == symbol.address {
                    *self.entries.entry(symbol.name.clone()).or_default() += runs;
                }
                (symbol.name.clone(), symbol.part())
            }
            _ => (format!("{address:x}"), Part::Kernel),
        };
        *self.functions.entry((part, name)).or_default() += instructions;
    }

    /// The instructions that are whose work.
    pub fn of(&self, wanted: Part) -> u64 {
        let of_part = self
            .functions
            .iter()
            .filter(|((part, _), _)| *part == wanted);
        of_part.map(|(_, count)| count).sum()
    }

    /// How often any of these functions was called.
    pub fn calls(&self, functions: &[&str]) -> u64 {
        let calls = functions.iter().filter_map(|name| self.entries.get(*name));
        calls.sum()
    }

    /// The functions by what they cost for each of `operations`, the dearest first.
    pub fn show(&self, operations: f64) -> String {
        let mut lines: Vec<_> = self.functions.iter().collect();
        lines.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let lines = lines.iter().map(|((part, function), count)| {
            let part = format!("{part:?}");
            format!(
                "{:>10.1} {part:<7} {function}\n",
                **count as f64 / operations
            )
        });
        lines.collect()
    }
}

fn block(line: &str) -> Option<(u64, u64, u64)> {
    let mut words = line.split(' ');
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    Some((
        address,
        words.next()?.parse().ok()?,
        words.next()?.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ffffffff81000000 T start
ffffffff81000100 t vmbus_isr
ffffffff81000200 T __kmalloc_noprof
ffffffff81000300 T rust_helper_x
ffffffff81000400 D data
ffffffff81000500 t hv_copyto_ringbuffer.isra.0
ffffffff81000600 T __hv_pkt_iter_next
ffffffffc0000000 t storvsc_x\t[hv_storvsc]
ffffffffc0000100 t _Rx\t[hv_vmbus_rust]";

    #[test]
    fn whose_instructions() {
        let symbols = Symbols::parse(TEXT);
        let blocks = "ffffffff81000110 3 2\nffffffff81000200 5 1\nffffffff81000210 1 1\n\
                      ffffffff81000300 2 2\nffffffffc0000000 7 1\nffffffffc0000180 1 9\n\
                      ffffffff81000500 30 1\nffffffff81000600 10 2\nffffffffc1000000 100 1";
        let profile = Profile::new(&symbols, blocks);
        let parts = [Part::Driver, Part::Bus, Part::Shims, Part::Kernel];
        assert_eq!(parts.map(|part| profile.of(part)), [7, 65, 4, 106]);
        assert_eq!(profile.calls(&["__kmalloc_noprof", "vmbus_isr"]), 1);
        assert!(
            profile
                .show(1.0)
                .starts_with("     100.0 Kernel  ffffffffc1000000")
        );
    }
}
