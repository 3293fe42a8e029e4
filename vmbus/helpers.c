// SPDX-License-Identifier: GPL-2.0
/* C macros, inline functions and per-CPU data of the kernel, made callable from Rust. */
#include <linux/acpi.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/hyperv.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/smpboot.h>
#include <linux/topology.h>
#include <linux/vmalloc.h>
#include <asm/mshyperv.h>
#include <asm/sync_bitops.h>

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

u8 hv_rust_vector(void)
{
	return HYPERVISOR_CALLBACK_VECTOR;
}

/* --- The interrupt ---------------------------------------------------------------------------- */

static void (*hv_rust_interrupt_handler)(void);
static DEFINE_PER_CPU(bool, hv_rust_interrupt_pending);
static DEFINE_PER_CPU(struct task_struct *, hv_rust_interrupt_thread);

static void hv_rust_interrupt_thread_setup(unsigned int cpu)
{
	sched_set_fifo(current);
}

static int hv_rust_interrupt_thread_should_run(unsigned int cpu)
{
	return __this_cpu_read(hv_rust_interrupt_pending);
}

static void hv_rust_interrupt_thread_run(unsigned int cpu)
{
	__this_cpu_write(hv_rust_interrupt_pending, false);
	hv_rust_interrupt_handler();
}

static struct smp_hotplug_thread hv_rust_interrupt_threads = {
	.store			= &hv_rust_interrupt_thread,
	.setup			= hv_rust_interrupt_thread_setup,
	.thread_should_run	= hv_rust_interrupt_thread_should_run,
	.thread_fn		= hv_rust_interrupt_thread_run,
	.thread_comm		= "vmbus_irq/%u",
};

/* The handler takes spinlocks, which sleep on PREEMPT_RT: there a thread of each CPU runs it. */
static void hv_rust_interrupt_wake(void)
{
	__this_cpu_write(hv_rust_interrupt_pending, true);
	wake_up_process(__this_cpu_read(hv_rust_interrupt_thread));
}

/* Elsewhere it may take them: lockdep, which thinks of PREEMPT_RT, has to be told. */
static void hv_rust_interrupt_annotated(void)
{
	static DEFINE_WAIT_OVERRIDE_MAP(map, LD_WAIT_CONFIG);

	lock_map_acquire_try(&map);
	hv_rust_interrupt_handler();
	lock_map_release(&map);
}

int hv_rust_interrupt_start(void (*handler)(void))
{
	int ret;

	hv_rust_interrupt_handler = handler;
	if (!IS_ENABLED(CONFIG_PREEMPT_RT)) {
		hv_setup_vmbus_handler(IS_ENABLED(CONFIG_LOCKDEP) ? hv_rust_interrupt_annotated
								  : handler);
		return 0;
	}
	ret = smpboot_register_percpu_thread(&hv_rust_interrupt_threads);
	if (ret)
		hv_rust_interrupt_handler = NULL;
	else
		hv_setup_vmbus_handler(hv_rust_interrupt_wake);
	return ret;
}

/* Called when no CPU gets the interrupt any more, or when starting failed. */
void hv_rust_interrupt_stop(void)
{
	if (!hv_rust_interrupt_handler)
		return;
	hv_remove_vmbus_handler();
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		smpboot_unregister_percpu_thread(&hv_rust_interrupt_threads);
}

u32 hv_rust_vp_number(u32 cpu)
{
	return hv_cpu_number_to_vp_number(cpu);
}

/* The ACPI device behind the platform device @dev, made a full fledged parent for DMA. */
struct device *hv_rust_root_device(struct device *dev)
{
	struct acpi_device *adev = ACPI_COMPANION(dev);

	if (!adev)
		return NULL;
	ACPI_COMPANION_SET(&adev->dev, adev);
	return &adev->dev;
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

/* --- Devices ---------------------------------------------------------------------------------- */

int hv_rust_match_driver_override(struct device *dev, const struct device_driver *drv)
{
	return device_match_driver_override(dev, drv);
}
