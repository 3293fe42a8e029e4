// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a function of the kernel fail, as Debian's kernel has no fault injection:
 *
 *	insmod fail_function.ko symbol=ptp_clock_register error=-12
 *
 * Until the module is removed, whoever calls the function gets the error at once. The function has
 * to return an integer or a pointer in a register.
 */
#include <linux/kprobes.h>
#include <linux/linkage.h>
#include <linux/module.h>

static char *symbol;
module_param(symbol, charp, 0444);
MODULE_PARM_DESC(symbol, "The function's name");

static int error = -ENOMEM;
module_param(error, int, 0444);
MODULE_PARM_DESC(error, "What it returns");

/* Where the function goes on instead: back to who called it. */
void fail_function_return(void);
asm(".pushsection .text\n\t"
	".type fail_function_return, @function\n"
	"fail_function_return:\n\t"
	ASM_ENDBR
	ASM_RET
	".size fail_function_return, . - fail_function_return\n\t"
	".popsection");

static int fail(struct kprobe *probe, struct pt_regs *regs)
{
	regs_set_return_value(regs, error);
	instruction_pointer_set(regs, (unsigned long)fail_function_return);
	return 1;
}
NOKPROBE_SYMBOL(fail);

/*
 * Where there is one, the kernel makes no jump of the breakpoint, after which it would go on in the
 * function.
 */
static void after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}
NOKPROBE_SYMBOL(after);

static struct kprobe probe = {
	.pre_handler = fail,
	.post_handler = after,
};

static int __init fail_function_init(void)
{
	probe.symbol_name = symbol;
	return register_kprobe(&probe);
}

static void __exit fail_function_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(fail_function_init);
module_exit(fail_function_exit);
MODULE_DESCRIPTION("Makes a function fail");
MODULE_LICENSE("GPL");
