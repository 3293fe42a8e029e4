// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupt by which the host gets attention: a vector that the kernel has set aside for
 * hypervisors (x86), or an interrupt of each CPU that the firmware names (arm64).
 */
#include <linux/hyperv.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/limits.h>
#include <linux/platform_device.h>
#include <linux/sched.h>
#include <linux/smpboot.h>
#include <asm/mshyperv.h>

/* --- Where it comes in ------------------------------------------------------------------------ */

#ifdef HYPERVISOR_CALLBACK_VECTOR

/* There is nothing to look for: what the firmware says is of no use here. */
int hv_rust_interrupt_find(struct device *dev)
{
	return 0;
}

u8 hv_rust_interrupt_number(void)
{
	return HYPERVISOR_CALLBACK_VECTOR;
}

static int hv_rust_interrupt_connect(void (*entry)(void))
{
	hv_setup_vmbus_handler(entry);
	return 0;
}

static void hv_rust_interrupt_disconnect(void)
{
	hv_remove_vmbus_handler();
}

/* The vector is always open; the SynIC has a mask of its own. */
void hv_rust_interrupt_unmask(void)
{
}

void hv_rust_interrupt_mask(void)
{
}

#else

/* The number that the kernel gave it, and that of the interrupt controller. */
static int hv_rust_irq;
static u8 hv_rust_hwirq;
static void (*hv_rust_irq_entry)(void);
/* Tells whose handler it is. */
static DEFINE_PER_CPU(u8, hv_rust_irq_owner);

static irqreturn_t hv_rust_irq_handler(int irq, void *owner)
{
	hv_rust_irq_entry();
	return IRQ_HANDLED;
}

/* @dev is the platform device of the bus, from ACPI or from a device tree. */
int hv_rust_interrupt_find(struct device *dev)
{
	int irq = platform_get_irq(to_platform_device(dev), 0);
	struct irq_data *data;

	if (irq < 0)
		return irq;
	data = irq_get_irq_data(irq);
	/* The SynIC has a byte for it. */
	if (!data || irqd_to_hwirq(data) > U8_MAX)
		return -EINVAL;
	hv_rust_irq = irq;
	hv_rust_hwirq = irqd_to_hwirq(data);
	return 0;
}

u8 hv_rust_interrupt_number(void)
{
	return hv_rust_hwirq;
}

static int hv_rust_interrupt_connect(void (*entry)(void))
{
	hv_rust_irq_entry = entry;
	return request_percpu_irq(hv_rust_irq, hv_rust_irq_handler, "Hyper-V VMbus",
				  &hv_rust_irq_owner);
}

static void hv_rust_interrupt_disconnect(void)
{
	free_percpu_irq(hv_rust_irq, &hv_rust_irq_owner);
}

/* On the CPU that calls it. Does no harm if it is so already. */
void hv_rust_interrupt_unmask(void)
{
	enable_percpu_irq(hv_rust_irq, IRQ_TYPE_NONE);
}

void hv_rust_interrupt_mask(void)
{
	disable_percpu_irq(hv_rust_irq);
}

#endif

/* --- Who handles it --------------------------------------------------------------------------- */

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
	void (*entry)(void) = handler;
	int ret;

	hv_rust_interrupt_handler = handler;
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		entry = hv_rust_interrupt_wake;
		ret = smpboot_register_percpu_thread(&hv_rust_interrupt_threads);
		if (ret)
			goto forget;
	} else if (IS_ENABLED(CONFIG_LOCKDEP)) {
		entry = hv_rust_interrupt_annotated;
	}
	ret = hv_rust_interrupt_connect(entry);
	if (!ret)
		return 0;
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		smpboot_unregister_percpu_thread(&hv_rust_interrupt_threads);
forget:
	hv_rust_interrupt_handler = NULL;
	return ret;
}

/* Called when no CPU gets the interrupt any more, or when starting failed. */
void hv_rust_interrupt_stop(void)
{
	if (!hv_rust_interrupt_handler)
		return;
	hv_rust_interrupt_disconnect();
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		smpboot_unregister_percpu_thread(&hv_rust_interrupt_threads);
}
