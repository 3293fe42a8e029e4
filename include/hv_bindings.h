/* SPDX-License-Identifier: GPL-2.0 */
/* Input of bindgen for the hv_bindings crate: what the kernel crate's own bindings lack. */
#include <linux/hrtimer_types.h>

#include <linux/acpi.h>
#include <linux/completion.h>
#include <linux/cpuhotplug.h>
#include <linux/hyperv.h>
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>
#include <linux/interrupt.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/panic_notifier.h>
#include <linux/platform_device.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <net/xdp.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_dbg.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_devinfo.h>
#include <scsi/scsi_eh.h>
#include <scsi/scsi_host.h>
#include <scsi/scsi_tcq.h>
#include <asm/mshyperv.h>

/* Macros with casts, which bindgen cannot evaluate. */
const blist_flags_t HV_CONST_BLIST_REPORTLUN2 = BLIST_REPORTLUN2;
const blist_flags_t HV_CONST_BLIST_TRY_VPD_PAGES = BLIST_TRY_VPD_PAGES;

/* The registers of the SynIC: macros on x86, of an enumeration's values on arm64. */
const u32 HV_CONST_SYNIC_SCONTROL = HV_MSR_SCONTROL;
const u32 HV_CONST_SYNIC_SIEFP = HV_MSR_SIEFP;
const u32 HV_CONST_SYNIC_SIMP = HV_MSR_SIMP;
const u32 HV_CONST_SYNIC_EOM = HV_MSR_EOM;
const u32 HV_CONST_SYNIC_SINT0 = HV_MSR_SINT0;

/* bindgen sees the definitions in there, so the shims need no prototypes. */
#include "vmbus/helpers.c"
#include "vmbus/interrupt.c"
#include "storvsc/helpers.c"
#include "netvsc/helpers.c"
#include "netvsc/bpf.c"
#include "netvsc/lower.c"
#include "hv_util/helpers.c"
