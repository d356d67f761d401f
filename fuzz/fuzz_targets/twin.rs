//! Small histories of several models: the checker, in each of its ways, agrees with its slow twin.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stormglass::base::{ClientId, Time};
use stormglass::check::linearizability::{Judgement, Strategy, check_by, shrink, twin, verify};
use stormglass::check::model::Model;
use stormglass::check::model::kv::{Kv, KvOp, KvResult};
use stormglass::check::model::queue::{Queue, QueueOp, QueueResult};
use stormglass::check::model::register::{Register, RegisterOp, RegisterResult};
use stormglass::history::{History, Outcome};

/// How many operations there are at most: the twin tries every order.
const MOST: usize = 7;

/// Two bytes an event: who, whether time passes, and what.
fn history<O, R>(data: &[u8], op: impl Fn(u8) -> O, result: impl Fn(&O, u8) -> R) -> History<O, R> {
    let mut history = History::new();
    let mut open: [Option<usize>; 4] = [None; 4];
    let mut now = 0;
    for event in data.chunks_exact(2) {
        let (who, what) = (usize::from(event[0] & 3), event[1]);
        now += u64::from(event[0] >> 2 & 1);
        let (at, client) = (Time::from_nanos(now), ClientId::new(who as u32));
        match open[who].take() {
            None if history.len() == MOST => {}
            None => open[who] = Some(history.invoke(at, client, op(what)).expect("nothing is open")),
            Some(index) => {
                let outcome = match event[0] >> 3 & 7 {
                    0 => Outcome::Unknown,
                    1 => Outcome::Failed,
                    _ => Outcome::Done(result(&history.operations()[index].op, what)),
                };
                history.complete(at, client, outcome).expect("it is open");
            }
        }
    }
    history
}

fn agree<M: Model>(model: &M, history: &History<M::Op, M::Ret>) {
    let expected = twin::is_linearizable(model, history);
    for strategy in [Strategy::Usual, Strategy::Search, Strategy::Monitor] {
        let report = check_by(strategy, model, history, 1_000_000);
        match &report.judgement {
            Judgement::Holds { witness } => {
                assert!(expected, "{strategy:?} {:?}", history.operations());
                verify(model, history, witness).expect("a witness");
            }
            Judgement::Violated { violations, .. } => {
                assert!(!expected, "{strategy:?} {:?}", history.operations());
                for violation in violations {
                    let core = shrink(model, history, violation);
                    assert!(core.operations.len() <= history.len());
                }
            }
            Judgement::Unknown { .. } => assert!(strategy == Strategy::Monitor, "{:?}", history.operations()),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((model, data)) = data.split_first() else { return };
    let few = |what: u8| u64::from(what >> 2 & 3);
    match model % 3 {
        0 => {
            let op = |what: u8| match what & 3 {
                0 | 1 => RegisterOp::Read,
                2 => RegisterOp::Write(few(what)),
                _ => RegisterOp::Cas { expect: Some(u64::from(what >> 4 & 3)), new: few(what) },
            };
            let result = |op: &RegisterOp<u64>, what: u8| match op {
                RegisterOp::Read => RegisterResult::Value((what & 3 > 0).then(|| few(what))),
                RegisterOp::Write(_) => RegisterResult::Written,
                RegisterOp::Cas { .. } if what & 1 == 0 => RegisterResult::Mismatch,
                RegisterOp::Cas { .. } => RegisterResult::Swapped,
            };
            agree(&Register::empty(), &history(data, op, result));
        }
        1 => {
            let op = |what: u8| if what & 1 == 0 { QueueOp::Enqueue(few(what)) } else { QueueOp::Dequeue };
            let result = |op: &QueueOp<u64>, what: u8| match op {
                QueueOp::Enqueue(_) => QueueResult::Enqueued,
                QueueOp::Dequeue if what & 3 == 0 => QueueResult::Empty,
                QueueOp::Dequeue => QueueResult::Item(few(what)),
            };
            agree(&Queue::empty(), &history(data, op, result));
        }
        _ => {
            let op = |what: u8| {
                let (key, value) = (u64::from(what >> 6 & 1), few(what));
                match what & 3 {
                    0 | 1 => KvOp::Read { key },
                    2 => KvOp::Write { key, value },
                    _ => KvOp::Delete { key },
                }
            };
            let result = |op: &KvOp<u64, u64>, what: u8| match op {
                KvOp::Read { .. } => KvResult::Value((what & 3 > 0).then(|| few(what))),
                _ => KvResult::Written,
            };
            agree(&Kv::empty(), &history(data, op, result));
        }
    }
});
