// SPDX-License-Identifier: GPL-2.0
/* C macros and inline functions of the SCSI layer, made callable from Rust. */
#include <scsi/scsi_cmnd.h>

void hv_rust_scsi_set_resid(struct scsi_cmnd *cmd, unsigned int resid)
{
	scsi_set_resid(cmd, resid);
}
