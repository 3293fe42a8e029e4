// SPDX-License-Identifier: GPL-2.0

//! Tests of services that answer at once.

use super::{
    heartbeat::Heartbeat,
    responder::Responder,
    testing::{
        message,
        proposal,
        status,
        BODY, //
    },
};
use kernel::prelude::*;
use vmbus::{
    testing::{
        Bench,
        Open, //
    },
    wire::packet::Kind,
    CallbackMode, //
};

fn open(bench: &Bench) -> Result<Open> {
    let channel = bench.offer(1)?;
    bench.open(&channel, CallbackMode::Direct, Responder::new(Heartbeat)?)
}

/// Has the host send a packet. Returns the answer.
fn ask(open: &mut Open, transaction: u64, packet: &[u8]) -> Result<Option<KVec<u8>>> {
    open.send(Kind::INBAND, transaction, &[], packet)?;
    open.interrupt();
    let answer = open.take();
    let Some(answer) = answer else {
        return Ok(None);
    };
    if (answer.kind, answer.flags, answer.transaction) != (Kind::INBAND, 0, transaction) {
        return Err(EIO);
    }
    Ok(Some(answer.payload))
}

#[kunit_tests(hv_util_responder)]
mod suite {
    use super::*;

    #[test]
    fn counts_up() -> Result {
        let bench = Bench::new()?;
        let mut open = open(&bench)?;
        let answer = ask(&mut open, 9, &message(1, &[255, 1]))?.ok_or(EIO)?;
        assert_eq!(status(&answer), Some(0));
        assert_eq!(answer[BODY..BODY + 2], [0, 2]);
        assert_eq!(answer.len(), 64);
        Ok(())
    }

    #[test]
    fn agrees_on_a_version() -> Result {
        let bench = Bench::new()?;
        let mut open = open(&bench)?;
        let answer = ask(&mut open, 1, &proposal(3, 0))?.ok_or(EIO)?;
        assert_eq!(answer[BODY..BODY + 4], [1, 0, 1, 0]);
        let answer = ask(&mut open, 2, &proposal(9, 9))?.ok_or(EIO)?;
        assert_eq!(answer[BODY..BODY + 4], [0, 0, 0, 0]);
        Ok(())
    }

    #[test]
    fn fails_what_it_does_not_know() -> Result {
        let bench = Bench::new()?;
        let mut open = open(&bench)?;
        let answer = ask(&mut open, 1, &message(3, &[]))?.ok_or(EIO)?;
        assert_eq!(status(&answer), Some(0x8000_4005));
        Ok(())
    }

    #[test]
    fn does_not_answer_what_is_too_short() -> Result {
        let bench = Bench::new()?;
        let mut open = open(&bench)?;
        let whole = message(1, &[1]);
        for len in [0, 8, 24, 32] {
            assert!(ask(&mut open, 1, &whole[..len])?.is_none());
        }
        assert!(ask(&mut open, 1, &whole[..40])?.is_some());
        Ok(())
    }

    /// More than is answered in one go.
    #[test]
    fn answers_all_in_turn() -> Result {
        let bench = Bench::new()?;
        let mut open = open(&bench)?;
        for transaction in 0..40 {
            open.send(Kind::INBAND, transaction, &[], &message(1, &[]))?;
        }
        for _ in 0..4 {
            open.interrupt();
        }
        for transaction in 0..40 {
            assert_eq!(
                open.take().map(|answer| answer.transaction),
                Some(transaction)
            );
        }
        Ok(())
    }
}
