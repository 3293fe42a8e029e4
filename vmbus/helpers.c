// SPDX-License-Identifier: GPL-2.0
/* C macros, inline functions and per-CPU data of the kernel, made callable from Rust. */
#define pr_fmt(fmt) "hv_vmbus: " fmt
#include <linux/acpi.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/hyperv.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/sched/isolation.h>
#include <linux/topology.h>
#include <linux/vmalloc.h>
#include <asm/mshyperv.h>
#include <asm/sync_bitops.h>
#include <clocksource/hyperv_timer.h>

u64 hv_rust_fast_hypercall8(u16 control, u64 input)
{
	return hv_do_fast_hypercall8(control, input);
}

/* --- Rings ------------------------------------------------------------------------------------ */

struct page *hv_rust_ring_page(int node)
{
	return alloc_pages_node(node, GFP_KERNEL | __GFP_ZERO, 0);
}

u64 hv_rust_page_to_hvpfn(struct page *page)
{
	return page_to_hvpfn(page);
}

void *hv_rust_ring_map(struct page **pages, unsigned int count)
{
	return vmap(pages, count, VM_MAP, PAGE_KERNEL);
}

void hv_rust_ring_unmap(const void *address)
{
	vunmap(address);
}

/* --- The log ---------------------------------------------------------------------------------- */

bool hv_rust_log_allowed(void)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL, DEFAULT_RATELIMIT_BURST);

	return __ratelimit(&limit);
}

/* --- The hypervisor and its SynIC ------------------------------------------------------------- */

/* What the bus attaches to; the driver itself is in Rust. */
static const struct acpi_device_id __maybe_unused hv_rust_acpi_aliases[] = {
	{ "VMBUS" }, { "VMBus" }, { }
};
MODULE_DEVICE_TABLE(acpi, hv_rust_acpi_aliases);

static const struct of_device_id __maybe_unused hv_rust_of_aliases[] = {
	{ .compatible = "microsoft,vmbus" }, { }
};
MODULE_DEVICE_TABLE(of, hv_rust_of_aliases);

/* A parameter that is visible in sysfs, which those of the module! macro are not. */
static unsigned int max_version = VERSION_WIN10_V6_0;
module_param(max_version, uint, 0444);
MODULE_PARM_DESC(max_version, "Maximal VMBus protocol version which can be negotiated");

unsigned int hv_rust_max_version(void)
{
	return max_version;
}

/* @message is a struct hv_input_post_message of 256 bytes. */
u64 hv_rust_post_message(const void *message)
{
	unsigned long flags;
	void *input;
	u64 result;

	local_irq_save(flags);
	input = *this_cpu_ptr(hyperv_pcpu_input_arg);
	memcpy(input, message, 256);
	result = hv_do_hypercall(HVCALL_POST_MESSAGE, input, NULL);
	local_irq_restore(flags);
	return result;
}

bool hv_rust_root_partition(void)
{
	return hv_root_partition() && !hv_nested;
}

bool hv_rust_use_auto_eoi(void)
{
	return hv_recommend_using_aeoi();
}

/* A register of the hypervisor's, of the CPU that asks: an MSR on x86, by hypercall on arm64. */
u64 hv_rust_register(u32 number)
{
	return hv_get_msr(number);
}

void hv_rust_set_register(u32 number, u64 value)
{
	hv_set_msr(number, value);
}

/* The timer by which the hypervisor interrupts a CPU; on arm64 there is none. */
void hv_rust_timer_stop(u32 cpu)
{
	hv_stimer_cleanup(cpu);
}

u32 hv_rust_vp_number(u32 cpu)
{
	return hv_cpu_number_to_vp_number(cpu);
}

#ifdef CONFIG_ACPI
/* Firmware of arm64 machines that says nothing (_CCA) of caches, which are coherent on all. */
static void hv_rust_assume_coherent(struct acpi_device *adev)
{
	if (!IS_ENABLED(CONFIG_ACPI_CCA_REQUIRED) ||
	    device_get_dma_attr(&adev->dev) != DEV_DMA_NOT_SUPPORTED)
		return;
	pr_info("No ACPI _CCA found; assuming coherent device I/O\n");
	adev->flags.cca_seen = true;
	adev->flags.coherent_dma = true;
}

/* The ACPI device behind the platform device @dev, made a full fledged parent for DMA. */
static struct device *hv_rust_acpi_device(struct device *dev)
{
	struct acpi_device *adev = ACPI_COMPANION(dev);

	if (!adev)
		return NULL;
	ACPI_COMPANION_SET(&adev->dev, adev);
	hv_rust_assume_coherent(adev);
	return &adev->dev;
}
#else
static struct device *hv_rust_acpi_device(struct device *dev)
{
	return NULL;
}
#endif

/* What the devices on the bus are children of: @dev itself if it comes from a device tree. */
struct device *hv_rust_root_device(struct device *dev)
{
	return hv_rust_acpi_device(dev) ?: dev;
}

/* --- CPUs ------------------------------------------------------------------------------------- */

const struct cpumask *hv_rust_online_cpus(void)
{
	return cpu_online_mask;
}

bool hv_rust_cpu_online(u32 cpu)
{
	return cpu_online(cpu);
}

bool hv_rust_cpu_housekeeping(u32 cpu)
{
	return cpumask_test_cpu(cpu, housekeeping_cpumask(HK_TYPE_MANAGED_IRQ));
}

int hv_rust_node_count(void)
{
	return nr_node_ids;
}

int hv_rust_node_of_cpu(u32 cpu)
{
	return cpu_to_node(cpu);
}

/* --- Synchronisation and memory that the host shares ------------------------------------------ */

void hv_rust_reinit_completion(struct completion *x)
{
	reinit_completion(x);
}

void hv_rust_tasklet_schedule(struct tasklet_struct *t)
{
	tasklet_schedule(t);
}

u64 hv_rust_virt_to_phys(const void *address)
{
	return virt_to_phys((void *)address);
}

/* Atomic for the host, too, where the kernel's own set_bit() is not on a machine with one CPU. */
void hv_rust_sync_set_bit(u32 bit, u64 *word)
{
	sync_set_bit(bit, (unsigned long *)word);
}

void hv_rust_copy_volatile(void *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	barrier();
}

/* --- A hypervisor for tests ------------------------------------------------------------------- */

#ifdef CONFIG_HYPERV_RUST_KUNIT_TEST
#define HV_RUST_TEST_FIRST_VP	64

static u32 hv_rust_test_vps[NR_CPUS];
static DEFINE_PER_CPU(void *, hv_rust_test_input);

/* Hypercalls come to @hypercall from now on. What this allocates is kept for the next test. */
int hv_rust_test_install(u64 (*hypercall)(u64 control, u64 input, u64 output))
{
	void **input;
	int cpu;

	if (hv_is_hyperv_initialized())
		return -EBUSY;
	for_each_possible_cpu(cpu) {
		input = per_cpu_ptr(&hv_rust_test_input, cpu);
		if (!*input)
			*input = (void *)get_zeroed_page(GFP_KERNEL);
		if (!*input)
			return -ENOMEM;
		hv_rust_test_vps[cpu] = HV_RUST_TEST_FIRST_VP + cpu;
	}
	hv_vp_index = hv_rust_test_vps;
	hyperv_pcpu_input_arg = &hv_rust_test_input;
	static_call_update(hv_hypercall, hypercall);
	return 0;
}

void hv_rust_test_remove(void)
{
	static_call_update(hv_hypercall, hv_std_hypercall);
	hyperv_pcpu_input_arg = NULL;
	hv_vp_index = NULL;
}

void *hv_rust_test_phys_to_virt(u64 address)
{
	return phys_to_virt(address);
}
#endif

/* --- Devices ---------------------------------------------------------------------------------- */

int hv_rust_match_driver_override(struct device *dev, const struct device_driver *drv)
{
	return device_match_driver_override(dev, drv);
}
