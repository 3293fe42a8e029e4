// SPDX-License-Identifier: GPL-2.0

//! fio on the disk. Jobs are sized by operations, because the machine may be an emulated one.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use vmbus_e2e::machine::Machine;

/// A job.
pub struct Job {
    /// What it is called.
    pub name: &'static str,
    options: &'static str,
    operations: u32,
}

const fn job(name: &'static str, options: &'static str, operations: u32) -> Job {
    Job {
        name,
        options,
        operations,
    }
}

/// Where nothing else is said, the engine is libaio, and there is one process. The number of
/// operations is that of each process.
pub const JOBS: [Job; 12] = [
    job(
        "fio: read 4 KiB, depth 1",
        "--rw=randread --bs=4k --iodepth=1",
        300,
    ),
    job(
        "fio: read 4 KiB, depth 4",
        "--rw=randread --bs=4k --iodepth=4",
        600,
    ),
    job(
        "fio: read 4 KiB, depth 32",
        "--rw=randread --bs=4k --iodepth=32",
        1200,
    ),
    job(
        "fio: read 4 KiB, depth 128",
        "--rw=randread --bs=4k --iodepth=128",
        2400,
    ),
    job(
        "fio: read 4 KiB, depth 32, 4 jobs",
        "--rw=randread --bs=4k --iodepth=32 --numjobs=4",
        400,
    ),
    job(
        "fio: read 4 KiB, depth 32, io_uring",
        "--rw=randread --bs=4k --iodepth=32 --ioengine=io_uring",
        1200,
    ),
    job(
        "fio: write 4 KiB, depth 1",
        "--rw=randwrite --bs=4k --iodepth=1",
        300,
    ),
    job(
        "fio: write 4 KiB, depth 32",
        "--rw=randwrite --bs=4k --iodepth=32",
        1200,
    ),
    job(
        "fio: write 4 KiB, depth 128",
        "--rw=randwrite --bs=4k --iodepth=128",
        2400,
    ),
    job(
        "fio: read 128 KiB in sequence",
        "--rw=read --bs=128k --iodepth=4",
        200,
    ),
    job(
        "fio: read 1 MiB in sequence",
        "--rw=read --bs=1m --iodepth=4",
        48,
    ),
    job(
        "fio: write 1 MiB in sequence",
        "--rw=write --bs=1m --iodepth=4",
        48,
    ),
];

/// What came of a job.
pub struct Speed {
    /// Operations a second.
    pub rate: f64,
    /// How long half of the operations took at most, from submission to completion, in microseconds.
    pub median: f64,
}

const LIMIT: Duration = Duration::from_secs(300);

/// Runs a job.
pub fn run(machine: &mut Machine, job: &Job) -> Result<Speed> {
    let Job {
        options,
        operations,
        ..
    } = job;
    let text = machine.sh_for(
        &format!(
            "LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/ceph fio --name=bench --filename=/dev/sda --direct=1 \
             --ioengine=libaio --size=48m --number_ios={operations} --randseed=3 --group_reporting --lat_percentiles=1 \
             --output-format=json {options}"
        ),
        LIMIT,
    )?;
    let speed = speed(&text).with_context(|| format!("fio said {text}"))?;
    Ok(speed)
}

/// Reads in one direction or writes in the other: the job has one of them.
fn speed(text: &str) -> Option<Speed> {
    let all: Value = serde_json::from_str(text.get(text.find('{')?..)?).ok()?;
    let job = &all["jobs"][0];
    let way = [&job["read"], &job["write"]]
        .into_iter()
        .find(|way| way["total_ios"].as_u64() > Some(0))?;
    Some(Speed {
        rate: way["iops"].as_f64()?,
        median: way["lat_ns"]["percentile"]["50.000000"].as_f64()? / 1000.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fio_says() {
        let text = "fio: a note\n{\"jobs\": [{\"read\": {\"total_ios\": 0, \"iops\": 0.0}, \"write\": {\"total_ios\": 7, \
                    \"iops\": 12.5, \"lat_ns\": {\"percentile\": {\"1.000000\": 1, \"50.000000\": 2500}}}}]}";
        let speed = speed(text).unwrap();
        assert_eq!((speed.rate, speed.median), (12.5, 2.5));
        assert!(super::speed("fio: no such device").is_none());
        assert!(super::speed("{}").is_none());
    }
}
