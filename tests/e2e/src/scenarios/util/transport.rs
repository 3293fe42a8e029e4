// SPDX-License-Identifier: GPL-2.0

//! The daemons' devices, used by hand: what may be written and read, and by whom.

use anyhow::{Result, ensure};
use vmbus_host::ic::kvp::Pool;
use vmbus_host::ic::wire::status;

use super::{SOON, Util, ready, same};
use crate::machine::Lab;

/// `put SIZE BYTES` writes a message at once, `refused` is right if that is an invalid argument,
/// `unread` if the driver's last message is still to be read; `get SIZE` reads one.
const TOOLS: &str = "put() { printf \"$2\" >/tmp/m; truncate -s $1 /tmp/m; dd if=/tmp/m bs=$1 count=1 >&3 2>/tmp/e; }; \
                     refused() { ! put \"$@\" && grep -q 'Invalid argument' /tmp/e; }; \
                     unread() { ! put \"$@\" && grep -q 'Bad address' /tmp/e; }; \
                     get() { dd bs=$1 count=1 <&3 2>/tmp/e; };";

/// Registers as Debian's daemon does, and reads the driver's answer.
const REGISTER: &str = "exec 3<>/dev/vmbus/hv_kvp && put 7432 '\\144' && get 7432 >/tmp/hello";

/// Where a message has its key.
const BEFORE_KEY: &str = "\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0";

/// Wrong messages are refused and change nothing; right ones do what they do for a daemon.
pub fn transport(lab: &Lab) -> Result<()> {
    let mut util = Util::boot(lab)?;
    util.load()?;
    nodes(&mut util)?;
    vss(&mut util)?;
    kvp(&mut util)?;
    errors(&mut util)?;
    legacy(&mut util)?;
    util.end()
}

fn nodes(util: &mut Util) -> Result<()> {
    for service in ["kvp", "vss"] {
        util.until(
            &format!("[ -c /dev/vmbus/hv_{service} ]"),
            "the device appears",
        )?;
        util.sh(&format!(
            "[ $(stat -c %a /dev/vmbus/hv_{service}) = 600 ] && [ -d '/sys/devices/virtual/misc/vmbus!hv_{service}' ]"
        ))?;
    }
    Ok(())
}

/// Messages have twelve bytes; a registration is answered with a version.
fn vss(util: &mut Util) -> Result<()> {
    util.sh(&format!(
        "{TOOLS} exec 3<>/dev/vmbus/hv_vss && refused 11 '\\201' && refused 13 '\\201' && refused 12 '\\002' && \
         refused 12 '\\115' && put 12 '\\201' && ! get 3 >/tmp/hello && grep -q 'Invalid argument' /tmp/e && \
         [ \"$(get 12 | od -An -tx1)\" = ' 81 00 00 00' ] && refused 12 '\\006'"
    ))?;
    // There is room for one message.
    util.sh(&format!(
        "{TOOLS} exec 3<>/dev/vmbus/hv_vss && put 12 '\\201' && unread 12 '\\201' && \
         [ \"$(get 12 | od -An -tx1)\" = ' 81 00 00 00' ] && put 12 '\\201' && \
         [ \"$(get 12 | od -An -tx1)\" = ' 81 00 00 00' ]"
    ))?;
    // What was not read is gone with the one who asked for it.
    util.sh(&format!(
        "{TOOLS} (exec 3<>/dev/vmbus/hv_vss && put 12 '\\201') && exec 3<>/dev/vmbus/hv_vss && put 12 '\\201' && \
         [ \"$(get 12 | od -An -tx1)\" = ' 81 00 00 00' ]"
    ))?;
    util.sh(&format!(
        "{TOOLS} exec 3<>/dev/vmbus/hv_vss && put 12 '\\200' && dmesg | grep -q 'VSS: userspace daemon ver. 128 connected'"
    ))?;
    Ok(())
}

/// Messages have 7432 bytes at least; a registration is answered with a message of that size.
fn kvp(util: &mut Util) -> Result<()> {
    util.sh(&format!(
        "{TOOLS} exec 3<>/dev/vmbus/hv_kvp && refused 7431 '\\144' && refused 7432 '\\062' && \
         dmesg | grep -q 'KVP: incompatible daemon' && put 7432 '\\144' && get 8000 >/tmp/hello && \
         [ $(stat -c %s /tmp/hello) = 7432 ] && [ \"$(tr -d '\\0' </tmp/hello)\" = d3.1 ] && \
         n=0; until refused 7432 '\\0'; do n=$((n+1)); [ $n -lt 50 ] || exit 1; done"
    ))?;
    ready(util.services.kvp.link())?;
    Ok(())
}

/// The daemon's error is the host's; a key that is no text is the driver's.
fn errors(util: &mut Util) -> Result<()> {
    let kvp = util.services.kvp.clone();
    let key = |key: &str| format!("{BEFORE_KEY}{key}");
    for (answer, wanted) in [
        ("\\127\\0\\007\\200".to_owned(), status::INVALID_ARGUMENT),
        ("\\003\\001\\007\\200".to_owned(), status::CONTINUE),
        (key("\\377\\376"), status::FAIL),
        (key("name"), status::OK),
    ] {
        let command = format!("{TOOLS} {REGISTER} && get 7432 >/tmp/asked && put 7432 '{answer}'");
        util.start(&command)?;
        let ticket = kvp.begin_enumerate(Pool::AutoInternal, 7, SOON)?;
        let output = util.finish(&command, SOON)?;
        same("the daemon", output.status, 0)?;
        let told = kvp.link().finish(ticket, SOON)?;
        same(&format!("answer '{answer}'"), told.status, wanted)?;
        same(
            "what the daemon is asked",
            util.sh("od -An -tx1 -N8 /tmp/asked")?.as_str(),
            " 03 04 00 00 07 00 00 00",
        )?;
    }
    Ok(())
}

/// The oldest daemons say with an empty key that there is no more.
fn legacy(util: &mut Util) -> Result<()> {
    let kvp = util.services.kvp.clone();
    let command = format!(
        "{TOOLS} exec 3<>/dev/vmbus/hv_kvp && put 7432 '\\004' && get 7432 >/tmp/hello && \
         get 7432 >/tmp/asked && put 7432 '{BEFORE_KEY}only' && get 7432 >/tmp/asked && put 7432 ''"
    );
    util.start(&command)?;
    let list = kvp.list(Pool::Guest, SOON)?;
    same("the daemon", util.finish(&command, SOON)?.status, 0)?;
    same("entries", list, vec![("only".to_owned(), String::new())])?;
    let log = util.sh("dmesg | grep KVP")?;
    ensure!(
        log.contains("KVP: IP injection functionality not available"),
        "nothing is said about an old daemon: {log}"
    );
    Ok(())
}
