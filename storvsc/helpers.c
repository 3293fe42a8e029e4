// SPDX-License-Identifier: GPL-2.0
/* Module parameters, and C macros and inline functions made callable from Rust. */
#include <linux/cpumask.h>
#include <linux/dma-mapping.h>
#include <linux/moduleparam.h>
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/topology.h>

/* bindgen would take what it sees an initial value of for a constant. */
#ifdef __BINDGEN__
extern int hv_rust_storvsc_logging_level;
extern int hv_rust_storvsc_ring_size;
extern unsigned int hv_rust_storvsc_max_hw_queues;
extern int hv_rust_storvsc_vcpus_per_sub_channel;
extern int hv_rust_storvsc_ring_low_water;
#else
int hv_rust_storvsc_logging_level = 1;
int hv_rust_storvsc_ring_size = 128 * 1024;
unsigned int hv_rust_storvsc_max_hw_queues;
int hv_rust_storvsc_vcpus_per_sub_channel = 4;
int hv_rust_storvsc_ring_low_water = 10;

module_param_named(logging_level, hv_rust_storvsc_logging_level, int, 0644);
MODULE_PARM_DESC(logging_level,
		 "What to log of failed commands: 0 nothing, 1 errors (default), 2 warnings too");

module_param_named(storvsc_ringbuffer_size, hv_rust_storvsc_ring_size, int, 0444);
MODULE_PARM_DESC(storvsc_ringbuffer_size, "Size of each ring of a channel in bytes");

module_param_named(storvsc_max_hw_queues, hv_rust_storvsc_max_hw_queues, uint, 0644);
MODULE_PARM_DESC(storvsc_max_hw_queues, "Most hardware queues of a host; 0 is one for each CPU");

module_param_named(storvsc_vcpus_per_sub_channel, hv_rust_storvsc_vcpus_per_sub_channel, int, 0444);
MODULE_PARM_DESC(storvsc_vcpus_per_sub_channel, "CPUs for each sub-channel");

module_param_named(ring_avail_percent_lowater, hv_rust_storvsc_ring_low_water, int, 0444);
MODULE_PARM_DESC(ring_avail_percent_lowater,
		 "Take another channel if no more than this percentage of a ring is free");
#endif

unsigned int hv_rust_num_online_cpus(void)
{
	return num_online_cpus();
}

unsigned int hv_rust_num_present_cpus(void)
{
	return num_present_cpus();
}

bool hv_rust_cpu_possible(unsigned int cpu)
{
	return cpu_possible(cpu);
}

int hv_rust_cpu_to_node(unsigned int cpu)
{
	return cpu_to_node(cpu);
}

void hv_rust_dma_set_min_align_mask(struct device *dev, unsigned int mask)
{
	dma_set_min_align_mask(dev, mask);
}

/* Whether one more line about a failed command may be logged. */
bool hv_rust_storvsc_may_log_command(void)
{
	static DEFINE_RATELIMIT_STATE(state, DEFAULT_RATELIMIT_INTERVAL, DEFAULT_RATELIMIT_BURST);

	return __ratelimit(&state);
}
