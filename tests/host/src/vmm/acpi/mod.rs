// SPDX-License-Identifier: GPL-2.0

//! The ACPI tables: processors, interrupt controllers, power-off and reset, serial ports, and the
//! device that makes Linux look for a VMBus.
//!
//! They are written where a PC's firmware has them, the root pointer first.

mod dsdt;
mod madt;

use acpi_tables::Aml;
use acpi_tables::facs::FACS;
use acpi_tables::fadt::{FADTBuilder, Flags};
use acpi_tables::gas::{AccessSize, AddressSpace, GAS};
use acpi_tables::rsdp::Rsdp;
use acpi_tables::xsdt::XSDT;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::config::VmConfig;
use super::error::{Error, Result};
use super::layout;
use super::ports::power;

const OEM_ID: [u8; 6] = *b"VMBUS ";
const OEM_TABLE_ID: [u8; 8] = *b"TESTHOST";
const OEM_REVISION: u32 = 1;

/// The interrupt of power management events; none is ever raised.
const SCI: u16 = 9;

/// Boot flags of the FADT: there are ISA devices, and no VGA.
const LEGACY_DEVICES: u16 = 1 << 0;
const NO_VGA: u16 = 1 << 2;

/// Writes all tables.
pub(super) fn write(memory: &GuestMemoryMmap, config: &VmConfig) -> Result<()> {
    let tables = Tables::build(config);
    if layout::ACPI_TABLES + tables.bytes.len() as u64 > layout::ACPI_TABLES_END {
        return Err(Error::Memory("the ACPI tables are too large".to_owned()));
    }
    memory
        .write_slice(&tables.bytes, GuestAddress(layout::ACPI_TABLES))
        .map_err(Error::memory)
}

/// The tables one after the other, as they lie in memory.
struct Tables {
    bytes: Vec<u8>,
}

impl Tables {
    fn build(config: &VmConfig) -> Self {
        let mut tables = Self {
            bytes: vec![0; Rsdp::len()],
        };
        let dsdt = tables.append(&dsdt::build(config));
        let facs = tables.append(&FACS::new());
        let fadt = tables.append(&fadt(dsdt, facs));
        let madt = tables.append(&madt::build(config.cpus));
        let mut xsdt = XSDT::new(OEM_ID, OEM_TABLE_ID, OEM_REVISION);
        xsdt.add_entry(fadt);
        xsdt.add_entry(madt);
        let xsdt = tables.append(&xsdt);
        let rsdp = bytes(&Rsdp::new(OEM_ID, xsdt));
        tables.bytes.splice(..rsdp.len(), rsdp);
        tables
    }

    /// Appends `table` and returns its address.
    fn append(&mut self, table: &dyn Aml) -> u64 {
        // A FACS is on a 64-byte boundary.
        self.bytes.resize(self.bytes.len().next_multiple_of(64), 0);
        let address = layout::ACPI_TABLES + self.bytes.len() as u64;
        self.bytes.extend(bytes(table));
        address
    }
}

fn bytes(table: &dyn Aml) -> Vec<u8> {
    let mut bytes = Vec::new();
    table.to_aml_bytes(&mut bytes);
    bytes
}

/// The fixed hardware: power management registers and the reset register.
fn fadt(dsdt: u64, facs: u64) -> impl Aml {
    let port = |address: u16, bits: u8, size| {
        GAS::new(AddressSpace::SystemIo, bits, 0, size, address.into())
    };
    let mut fadt = FADTBuilder::new(OEM_ID, OEM_TABLE_ID, OEM_REVISION)
        .dsdt_64(dsdt)
        .firmware_ctrl_32(facs as u32)
        .flag(Flags::Wbinvd)
        .flag(Flags::ProcC1)
        .flag(Flags::PwrButton)
        .flag(Flags::SlpButton)
        .flag(Flags::ResetRegSup)
        .flag(Flags::Headless);
    fadt.sci_int = SCI.into();
    fadt.pm1a_evt_blk = u32::from(power::EVENT_PORT).into();
    fadt.pm1_evt_len = power::EVENT_LENGTH;
    fadt.pm1a_cnt_blk = u32::from(power::CONTROL_PORT).into();
    fadt.pm1_cnt_len = power::CONTROL_LENGTH;
    fadt.x_pm1a_evt_blk = port(power::EVENT_PORT, 32, AccessSize::WordAccess);
    fadt.x_pm1a_cnt_blk = port(power::CONTROL_PORT, 16, AccessSize::WordAccess);
    fadt.iapc_boot_arch = (LEGACY_DEVICES | NO_VGA).into();
    fadt.reset_reg = port(power::RESET_PORT, 8, AccessSize::ByteAccess);
    fadt.reset_value = power::RESET_VALUE;
    fadt.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(cpus: u32) -> Vec<u8> {
        Tables::build(&VmConfig {
            cpus,
            ..VmConfig::new("")
        })
        .bytes
    }

    fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
        let mut value = [0; 8];
        value[..N].copy_from_slice(&bytes[at..at + N]);
        u64::from_le_bytes(value)
    }

    fn table(all: &[u8], address: u64) -> &[u8] {
        let start = (address - layout::ACPI_TABLES) as usize;
        let length = number::<4>(all, start + 4) as usize;
        &all[start..start + length]
    }

    fn sum(bytes: &[u8]) -> u8 {
        bytes.iter().copied().fold(0, u8::wrapping_add)
    }

    #[test]
    fn checksums_and_pointers() {
        for cpus in 1..=8 {
            let all = tables(cpus);
            assert_eq!(&all[..8], b"RSD PTR ");
            assert_eq!((sum(&all[..20]), sum(&all[..36])), (0, 0));
            let xsdt = table(&all, number::<8>(&all, 24));
            let fadt = table(&all, number::<8>(xsdt, 36));
            let madt = table(&all, number::<8>(xsdt, 44));
            let dsdt = table(&all, number::<8>(fadt, 140));
            for (table, name) in [
                (xsdt, b"XSDT"),
                (fadt, b"FACP"),
                (madt, b"APIC"),
                (dsdt, b"DSDT"),
            ] {
                assert_eq!(&table[..4], name);
                assert_eq!(sum(table), 0, "{name:?}");
            }
            let facs = (number::<4>(fadt, 36) - layout::ACPI_TABLES) as usize;
            assert_eq!(&all[facs..facs + 4], b"FACS");
            assert_eq!(facs % 64, 0);
        }
    }

    #[test]
    fn vmbus_device_is_there() {
        let all = tables(1);
        for name in [b"VMOD", b"VMBS"] {
            assert!(all.windows(4).any(|window| window == name));
        }
        assert!(all.windows(6).any(|window| window == b"VMBus\0"));
        assert!(all.windows(9).any(|window| window == b"ACPI0004\0"));
    }

    #[test]
    fn fits() {
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 1 << 20)]).unwrap();
        let config = VmConfig {
            cpus: 8,
            ..VmConfig::new("")
        };
        write(&memory, &config).unwrap();
    }
}
