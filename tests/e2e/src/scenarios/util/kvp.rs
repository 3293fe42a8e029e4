// SPDX-License-Identifier: GPL-2.0

//! Keys and values, and addresses, against Debian's own daemon.

use anyhow::{Context as _, Result, ensure};
use vmbus_host::ic::kvp::{IpInfo, Pool, Value};
use vmbus_host::ic::wire::status;
use vmbus_host::ic::{Error, Kvp};

use super::{SOON, Util, same};
use crate::machine::{Driver, Lab, Machine};

/// Where the daemon keeps pools: records of a key and a value.
const FILES: &str = "/var/lib/hyperv/.kvp_pool_";

/// What the daemon knows by itself, in its order.
const AUTO: [&str; 10] = [
    "FullyQualifiedDomainName",
    "IntegrationServicesVersion",
    "NetworkAddressIPv4",
    "NetworkAddressIPv6",
    "OSBuildNumber",
    "OSName",
    "OSMajorVersion",
    "OSMinorVersion",
    "OSVersion",
    "ProcessorArchitecture",
];

/// All operations, pools and types; then addresses.
pub fn kvp(lab: &Lab) -> Result<()> {
    let mut util = Util::boot(lab)?;
    util.sh("hostname guest; mkdir -p /var/lib")?;
    util.load()?;
    let kvp = util.services.kvp.clone();
    ensure!(
        kvp.link().agreed().is_none(),
        "versions are agreed on before there is a daemon"
    );
    util.start_kvp()?;
    about_itself(&kvp)?;
    for pool in Pool::ALL {
        if pool != Pool::Auto {
            pool_of(&kvp, pool, lab.driver).with_context(|| format!("pool {pool:?}"))?;
        }
    }
    kept(&mut util.machine, &kvp)?;
    texts(&kvp)?;
    addresses(&mut util.machine, &kvp)?;
    injection(&mut util.machine, &kvp)?;
    util.end()
}

fn about_itself(kvp: &Kvp) -> Result<()> {
    let entries = kvp.list(Pool::Auto, SOON)?;
    let keys: Vec<&str> = entries.iter().map(|entry| entry.0.as_str()).collect();
    same("the guest's own keys", &keys[..], &AUTO[..])?;
    for (key, value) in [
        ("IntegrationServicesVersion", "3.1"),
        ("FullyQualifiedDomainName", "guest.example"),
        ("OSName", "Debian GNU/Linux"),
        ("OSMajorVersion", "13"),
        ("ProcessorArchitecture", "x86_64"),
    ] {
        let found = entries.iter().find(|entry| entry.0 == key);
        same(key, found.map(|entry| entry.1.as_str()), Some(value))?;
    }
    Ok(())
}

/// Values of all types are set, changed, found, removed.
fn pool_of(kvp: &Kvp, pool: Pool, driver: Driver) -> Result<()> {
    let pairs = |kvp: &Kvp| -> Result<Vec<String>> {
        let entries = kvp.list(pool, SOON)?;
        Ok(entries
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect())
    };
    same("at the beginning", pairs(kvp)?, Vec::new())?;
    same(
        "a key that is not there",
        kvp.get(pool, "text", SOON)?,
        None,
    )?;
    same("its removal", kvp.delete(pool, "text", SOON)?, false)?;
    kvp.set(pool, "text", &Value::Text("first".to_owned()), SOON)?;
    kvp.set(pool, "u32", &Value::U32(u32::MAX), SOON)?;
    kvp.set(pool, "u64", &Value::U64(u64::MAX), SOON)?;
    kvp.set(pool, "empty", &Value::NONE, SOON)?;
    kvp.set(pool, "text", &Value::Text("second".to_owned()), SOON)?;
    let wanted = [
        "text=second",
        "u32=4294967295",
        "u64=18446744073709551615",
        "empty=",
    ]
    .map(str::to_owned);
    same("after setting", pairs(kvp)?, wanted.to_vec())?;
    // Debian's daemon is told how much room there is for the value: none, by the C driver.
    let got = kvp.get(pool, "text", SOON)?;
    let empty = driver == Driver::C && got.as_deref() == Some("");
    ensure!(
        empty || got.as_deref() == Some("second"),
        "the value of a key is {got:?}"
    );
    same("a removal", kvp.delete(pool, "u32", SOON)?, true)?;
    same("the same again", kvp.delete(pool, "u32", SOON)?, false)?;
    let wanted = [&wanted[..1], &wanted[2..]].concat();
    same("after removing", pairs(kvp)?, wanted)?;
    for key in ["text", "u64", "empty"] {
        same(key, kvp.delete(pool, key, SOON)?, true)?;
    }
    same("at the end", pairs(kvp)?, Vec::new())
}

/// What the host sets is in the daemon's file, and what is in the file the host finds.
fn kept(machine: &mut Machine, kvp: &Kvp) -> Result<()> {
    let value = Value::Text("from the host".to_owned());
    kvp.set(Pool::External, "host's", &value, SOON)?;
    machine.sh(&format!(
        "[ $(stat -c %s {FILES}0) = 2560 ] && [ \"$(tr '\\0' '\\n' <{FILES}0 | head -n 1)\" = \"host's\" ] && \
         [ \"$(tail -c 2048 {FILES}0 | tr '\\0' '\\n' | head -n 1)\" = 'from the host' ]"
    ))?;
    machine.sh(&format!(
        "(printf guest; head -c 507 /dev/zero; printf 'from the guest'; head -c 2034 /dev/zero) >{FILES}1"
    ))?;
    let entry = ("guest".to_owned(), "from the guest".to_owned());
    same("the guest's", kvp.list(Pool::Guest, SOON)?, vec![entry])
}

/// Long texts and all kinds of letters. The C driver leaves room for a zero that it has counted already, so
/// the longest that comes back is one letter shorter than the format allows.
fn texts(kvp: &Kvp) -> Result<()> {
    for (key, value) in [
        ("k".repeat(254), "v".repeat(1022)),
        ("\u{e4}".repeat(254), "\u{df}".repeat(1022)),
        ("\u{20ac}".repeat(170), "\u{20ac}".repeat(682)),
        ("\u{1f427}".repeat(127), "\u{1f427}".repeat(511)),
        (
            "\u{424}\u{3b1}\u{5d0}\u{4e2d}a".to_owned(),
            "; \"'\\ \n".to_owned(),
        ),
    ] {
        kvp.set(Pool::AutoExternal, &key, &Value::Text(value.clone()), SOON)?;
        let found = kvp.list(Pool::AutoExternal, SOON)?;
        same("a text", found, vec![(key.clone(), value)])?;
        same("its key", kvp.delete(Pool::AutoExternal, &key, SOON)?, true)?;
    }
    let longest = ("K".repeat(255), "V".repeat(1023));
    kvp.set(
        Pool::AutoExternal,
        &longest.0,
        &Value::Text(longest.1.clone()),
        SOON,
    )?;
    let found = kvp.list(Pool::AutoExternal, SOON)?;
    ensure!(
        found.len() == 1
            && longest.0.starts_with(&found[0].0)
            && longest.1.starts_with(&found[0].1)
            && found[0].0.len() >= 254
            && found[0].1.len() >= 1022,
        "the longest texts come back as {found:?}"
    );
    same(
        "the longest key",
        kvp.delete(Pool::AutoExternal, &longest.0, SOON)?,
        true,
    )
}

/// The addresses of an interface, by its hardware address.
fn addresses(machine: &mut Machine, kvp: &Kvp) -> Result<()> {
    machine.sh(
        "insmod /test-modules/dummy.ko; ip link add eth9 type dummy 2>/dev/null || ip link set dummy0 name eth9; \
         ip link set eth9 address 00:15:5d:0a:0b:0c up && ip addr add 10.1.2.3/24 dev eth9 && \
         ip route add default via 10.1.2.254 && echo nameserver 10.1.2.253 >/etc/resolv.conf",
    )?;
    let info = kvp.ip_info("00:15:5D:0A:0B:0C", SOON)?;
    ensure!(info.family & 1 == 1 && !info.dhcp, "{info:?}");
    for (what, list, wanted) in [
        ("addresses", &info.addresses, "10.1.2.3"),
        ("subnets", &info.subnets, "255.255.255.0"),
        ("gateways", &info.gateways, "10.1.2.254"),
        ("name servers", &info.name_servers, "10.1.2.253"),
    ] {
        let found = list.split(';').any(|item| item == wanted);
        ensure!(found, "{what}: {wanted} is not in '{list}'");
    }
    let unknown = kvp.ip_info("00:15:5D:FF:FF:FF", SOON);
    same(
        "no such interface",
        unknown,
        Err(Error::Status(status::FAIL)),
    )
}

/// New addresses for a network card reach the hook. The card stands in sysfs by hand.
fn injection(machine: &mut Machine, kvp: &Kvp) -> Result<()> {
    let device = "{f8615163-0000-1000-2000-00155d0a0b0c}";
    machine.sh(&format!(
        "mount -t tmpfs none /sys/class/net && mkdir -p /sys/class/net/eth0/device && \
         echo '{device}' >/sys/class/net/eth0/device/device_id && echo 00:15:5d:0a:0b:0c >/sys/class/net/eth0/address"
    ))?;
    let info = IpInfo {
        adapter: device.to_owned(),
        family: 3,
        dhcp: false,
        addresses: "192.168.7.8;fd00::7:8".to_owned(),
        subnets: "255.255.254.0;64".to_owned(),
        gateways: "192.168.7.1".to_owned(),
        name_servers: "192.168.7.2;192.168.7.3".to_owned(),
    };
    kvp.set_ip_info(&info, SOON)?;
    for line in [
        "HWADDR=00:15:5D:0A:0B:0C",
        "DEVICE=eth0",
        "BOOTPROTO=none",
        "IPADDR0=192.168.7.8",
        "IPV6ADDR=fd00:0000:0000:0000:0000:0000:0007:0008",
        "NETMASK0=255.255.254.0",
        "GATEWAY=192.168.7.1",
        "DNS1=192.168.7.2",
        "DNS2=192.168.7.3",
    ] {
        machine.sh(&format!(
            "grep -Fqx '{line}' /run/ifcfg || {{ cat /run/ifcfg; exit 1; }}"
        ))?;
    }
    machine.sh("grep -Fqx 'address1=192.168.7.8/23' /run/nmconnection")?;
    let dynamic = IpInfo {
        adapter: device.to_owned(),
        dhcp: true,
        ..IpInfo::default()
    };
    kvp.set_ip_info(&dynamic, SOON)?;
    machine.sh("grep -Fqx BOOTPROTO=dhcp /run/ifcfg && ! grep -q IPADDR /run/ifcfg")?;
    let other = IpInfo {
        adapter: "{00000000-0000-0000-0000-000000000000}".to_owned(),
        ..info
    };
    same(
        "no such card",
        kvp.set_ip_info(&other, SOON),
        Err(Error::Status(status::GUID_NOT_FOUND)),
    )
}
