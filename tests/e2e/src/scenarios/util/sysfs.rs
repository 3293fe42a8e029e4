// SPDX-License-Identifier: GPL-2.0

//! What user space finds of the services must be the same with both sets of drivers.

use anyhow::Result;

use super::Util;
use crate::machine::Lab;
use crate::side_by_side::same_lines;

/// The bus as it is with the services open, the PTP clock, the daemons' devices, parameters, identities.
const SHOW: &str = "sh /sysfs-dump.sh hv_utils; cd /sys/bus/vmbus/devices; \
    for device in *; do for ring in $device/channels/*; do [ $(basename $(readlink $device/driver)) = hv_utils ] && \
    echo \"$device out $(cat $ring/write_avail)\"; done; done; \
    cd /sys/class/ptp/$(basename $(dirname $(grep -lx hyperv /sys/class/ptp/*/clock_name))); \
    for file in clock_name max_adjustment n_alarms n_external_timestamps n_periodic_outputs n_programmable_pins pps_available; \
    do echo \"$file $(cat $file)\"; done; \
    for node in /dev/vmbus/*; do stat -c '%n %a %t %F' $node; done; \
    stat -c %a /sys/module/hv_utils*/parameters/*; \
    grep -h 'hv_utils' /lib/modules/*/modules.alias | sed 's/_rust$//' | sort -u; \
    dmesg | grep -o 'hv_utils: Registering.*'";

/// The same lines, in whatever order.
pub fn sysfs(lab: &Lab) -> Result<()> {
    same_lines(lab, dump)
}

fn dump(lab: &Lab) -> Result<String> {
    let mut util = Util::boot(lab)?;
    util.load()?;
    util.until(
        "[ -c /dev/vmbus/hv_kvp ] && [ -c /dev/vmbus/hv_vss ]",
        "the devices appear",
    )?;
    let text = util.sh(SHOW)?;
    util.end()?;
    Ok(text)
}
