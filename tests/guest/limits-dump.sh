# SPDX-License-Identifier: GPL-2.0
# Prints what a storage driver decides: limits of the SCSI host and the disk, its parameters.
show() {
	for file; do
		[ -f "$file" ] && [ -r "$file" ] && echo "$file: $(cat "$file" 2>/dev/null | tr '\n' ' ')"
	done
}

cd /sys/class/scsi_host/host0 && show can_queue cmd_per_lun nr_hw_queues proc_name prot_capabilities \
	sg_prot_tablesize sg_tablesize supported_mode unchecked_isa_dma unique_id
cd /sys/block/sda/device && show eh_timeout timeout queue_depth queue_type scsi_level type vendor model rev vpd_pg80
cd /sys/block/sda/queue && show discard_granularity discard_max_bytes discard_max_hw_bytes fua hw_sector_size \
	logical_block_size max_hw_sectors_kb max_segment_size max_segments minimum_io_size nr_requests optimal_io_size \
	physical_block_size rotational virt_boundary_mask write_cache write_same_max_bytes write_zeroes_max_bytes
echo "hardware queues: $(ls /sys/block/sda/mq | wc -l)"
for module in hv_storvsc hv_storvsc_rust; do
	cd /sys/module/$module/parameters 2>/dev/null || continue
	for file in *; do
		echo "parameter $file: $(cat "$file") $(stat -c %a "$file")"
	done
done
