// SPDX-License-Identifier: GPL-2.0
/* A module parameter, and C macros and inline functions made callable from Rust. */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/ratelimit.h>
#include <linux/reboot.h>
#include <asm/mshyperv.h>

/* bindgen would take what it sees an initial value of for a constant. */
#ifdef __BINDGEN__
extern bool hv_rust_util_timesync_implicit;
#else
bool hv_rust_util_timesync_implicit;

module_param_named(timesync_implicit, hv_rust_util_timesync_implicit, bool, 0644);
MODULE_PARM_DESC(timesync_implicit, "If set treat SAMPLE as SYNC when clock is behind");
#endif

/* Whether one more line about what the host asked for may be logged. */
bool hv_rust_util_may_log(void)
{
	static DEFINE_RATELIMIT_STATE(state, DEFAULT_RATELIMIT_INTERVAL,
				      2 * DEFAULT_RATELIMIT_BURST);

	return __ratelimit(&state);
}

u64 hv_rust_util_reference_counter(void)
{
	return hv_read_reference_counter();
}

void hv_rust_util_power_off(void)
{
	orderly_poweroff(true);
}

void hv_rust_util_restart(void)
{
	orderly_reboot();
}

/* Stubs where the kernel has no PTP clocks. */
struct ptp_clock *hv_rust_util_ptp_register(struct ptp_clock_info *info)
{
	return ptp_clock_register(info, NULL);
}

void hv_rust_util_ptp_unregister(struct ptp_clock *clock)
{
	ptp_clock_unregister(clock);
}
