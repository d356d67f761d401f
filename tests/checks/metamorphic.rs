//! What must not change a verdict, on histories made up for every model: and that what is made up is what it is said to be.

use stormglass::base::{ClientId, Ratio, RunKey, Time};
use stormglass::check::generate::{HistoryShape, Lie, Planted, Sample, generate};
use stormglass::check::linearizability::{self, Judgement};
use stormglass::check::model::counter::Counter;
use stormglass::check::model::fenced_lock::FencedLock;
use stormglass::check::model::grow_set::GrowSet;
use stormglass::check::model::kv::{Kv, KvOp, KvResult};
use stormglass::check::model::lock::Lock;
use stormglass::check::model::log::Log;
use stormglass::check::model::priority_queue::PriorityQueue;
use stormglass::check::model::queue::Queue;
use stormglass::check::model::register::{Register, RegisterOp, RegisterResult};
use stormglass::check::model::set::Set;
use stormglass::check::model::stack::Stack;
use stormglass::check::{Verdict, model::Model};
use stormglass::history::{History, Outcome};

use crate::support;

/// Calls a function with each model.
macro_rules! for_each_model {
    ($call:ident) => {
        $call("register", &Register::<i64>::empty());
        $call("kv", &Kv::<u64, u64>::empty());
        $call("text", &Kv::holding(String::new()));
        $call("counter", &Counter::zero());
        $call("set", &Set::<i64>::empty());
        $call("grow-set", &GrowSet::<i64>::empty());
        $call("queue", &Queue::<i64>::empty());
        $call("stack", &Stack::<i64>::empty());
        $call("priority queue", &PriorityQueue::<i64>::empty());
        $call("lock", &Lock::free());
        $call("fenced lock", &FencedLock::free());
        $call("log", &Log::<i64>::empty());
    };
}

fn ratio(parts: u32, whole: u32) -> Ratio {
    Ratio::new(parts, whole).expect("a ratio")
}

/// How many operations each history has: no more than the general search can order, whatever the model.
const OPERATIONS: usize = 30;

/// Shapes of which the checker must make something within its budget, whatever the model.
fn shapes() -> impl Iterator<Item = HistoryShape> {
    let base = HistoryShape { keys: 3, ..HistoryShape::new(4, OPERATIONS) };
    [None, Some(3)].into_iter().flat_map(move |values| {
        [Ratio::NEVER, ratio(1, 10)].into_iter().flat_map(move |unknown| {
            [Ratio::NEVER, ratio(1, 3)].into_iter().map(move |ties| HistoryShape { values, unknown, ties, ..base })
        })
    })
}

fn verdict<M: Model>(model: &M, history: &History<M::Op, M::Ret>) -> Verdict {
    let report = linearizability::check(model, history);
    if let Judgement::Holds { witness } = &report.judgement {
        support::verify(model, history, witness).expect("a witness that can be verified");
    }
    report.verdict()
}

#[test]
fn what_is_made_up_holds() {
    fn holds<M: Sample>(name: &str, model: &M) {
        for (round, shape) in shapes().enumerate() {
            for seed in 0..6 {
                let made = generate(model, &shape, RunKey::from_seed(seed));
                assert_eq!(
                    verdict(model, &made.history),
                    Verdict::Holds,
                    "{name}, shape {round}, seed {seed}: {:#?}",
                    made.history.operations()
                );
                assert_eq!((made.history.len(), made.liar), (OPERATIONS, None));
                let again = generate(model, &shape, RunKey::from_seed(seed));
                assert_eq!(made.history.operations(), again.history.operations(), "{name}: the same again");
            }
        }
    }
    for_each_model!(holds);
}

#[test]
fn what_is_planted_is_found() {
    fn found<M: Sample>(name: &str, model: &M) {
        for lie in Lie::ALL {
            let mut planted = 0;
            for seed in 0..12 {
                let shape = HistoryShape { planted: Some(Planted { lie, after: 18 }), keys: 2, ..HistoryShape::new(4, OPERATIONS) };
                let made = generate(model, &shape, RunKey::from_seed(seed));
                assert_eq!(made.history.len(), OPERATIONS);
                let found = verdict(model, &made.history);
                let expected = if made.liar.is_some() { Verdict::Violated } else { Verdict::Holds };
                let explained = lie == Lie::Twice && found == Verdict::Holds;
                assert!(found == expected || explained, "{name}, {lie:?}, seed {seed}: {:#?}", made.history.operations());
                let Some(liar) = made.liar.filter(|_| !explained) else { continue };
                planted += 1;
                let report = linearizability::check(model, &made.history);
                for violation in report.violations() {
                    let why = linearizability::diagnose(model, &made.history, violation);
                    assert!(!why.attempts.is_empty() && why.core().len() <= 10);
                    // What happens twice may show later still.
                    let near = lie == Lie::Twice || why.operation <= liar + 4;
                    assert!(why.shortest && near, "{name}, {lie:?}, seed {seed}: {} for {liar}", why.operation);
                }
            }
            println!("{name}, {lie:?}: {planted} planted");
        }
    }
    for_each_model!(found);
}

/// The same operations under other names of clients, and at other times in the same order.
fn moved<O: Clone, R: Clone>(history: &History<O, R>) -> History<O, R> {
    let mut moved = History::new();
    for (at, index, invokes) in events(history) {
        let operation = &history.operations()[index];
        let client = ClientId { client: operation.client.client ^ 0x2a, session: 7 };
        let at = Time::from_nanos(1_000 + 7 * at.as_nanos());
        if invokes {
            moved.invoke(at, client, operation.op.clone()).expect("an invocation");
        } else {
            moved.complete(at, client, operation.outcome.clone()).expect("a completion");
        }
    }
    moved
}

/// When what begins or ends. At one instant, in the order of the history, as well as it is known: each client's own is kept.
fn events<O, R>(history: &History<O, R>) -> Vec<(Time, usize, bool)> {
    let mut events = Vec::new();
    for (index, operation) in history.operations().iter().enumerate() {
        events.push((operation.invoked, index, true));
        events.extend(operation.completed.map(|at| (at, index, false)));
    }
    events.sort_by_key(|(at, index, invokes)| (*at, *index, !invokes));
    events
}

/// A history up to the instant of some event, as if the clients had gone away then. What completes at an instant may have seen what was
/// invoked at it, so the instant stays whole.
fn cut<O: Clone, R: Clone>(history: &History<O, R>, length: usize) -> History<O, R> {
    let mut shorter = History::new();
    let events = events(history);
    let last = events.get(length).map_or(Time::MAX, |(at, ..)| *at);
    for (at, index, invokes) in events.into_iter().take_while(|(at, ..)| *at <= last) {
        let operation = &history.operations()[index];
        if invokes {
            shorter.invoke(at, operation.client, operation.op.clone()).expect("an invocation");
        } else {
            shorter.complete(at, operation.client, operation.outcome.clone()).expect("a completion");
        }
    }
    shorter
}

#[test]
fn other_clients_other_times_and_a_cut_change_nothing() {
    fn unchanged<M: Sample>(name: &str, model: &M) {
        for (round, shape) in shapes().enumerate() {
            for seed in 0..4 {
                let lie = Lie::ALL[seed as usize % 4];
                let planted = (seed % 2 == 1).then_some(Planted { lie, after: 18 });
                let made = generate(model, &HistoryShape { planted, ..shape }, RunKey::from_seed(seed));
                let expected = verdict(model, &made.history);
                assert_eq!(verdict(model, &moved(&made.history)), expected, "{name}, shape {round}, seed {seed}, moved");
                for length in [10, 30, 60] {
                    let shorter = verdict(model, &cut(&made.history, length));
                    let kept = if expected == Verdict::Holds { shorter == Verdict::Holds } else { shorter != Verdict::Unknown };
                    assert!(kept, "{name}, shape {round}, seed {seed}, cut after {length}: {shorter}");
                }
            }
        }
    }
    for_each_model!(unchanged);
}

/// A value by another name, in operations and results alike.
#[test]
fn other_values_change_nothing() {
    let renamed = |value: i64| (value + 3) * 1_000_003;
    let model = Register::<i64>::empty();
    for (round, shape) in shapes().enumerate() {
        for seed in 0..40 {
            let planted = (seed % 2 == 1).then_some(Planted { lie: Lie::ALL[seed as usize / 2 % 4], after: 18 });
            let made = generate(&model, &HistoryShape { planted, ..shape }, RunKey::from_seed(seed));
            let mut other = History::new();
            for (at, index, invokes) in events(&made.history) {
                let operation = &made.history.operations()[index];
                if invokes {
                    let op = match &operation.op {
                        RegisterOp::Read => RegisterOp::Read,
                        RegisterOp::Write(value) => RegisterOp::Write(renamed(*value)),
                        RegisterOp::Cas { expect, new } => RegisterOp::Cas { expect: expect.map(renamed), new: renamed(*new) },
                    };
                    other.invoke(at, operation.client, op).expect("an invocation");
                } else {
                    let outcome = match &operation.outcome {
                        Outcome::Done(RegisterResult::Value(value)) => Outcome::Done(RegisterResult::Value(value.map(renamed))),
                        outcome => outcome.clone(),
                    };
                    other.complete(at, operation.client, outcome).expect("a completion");
                }
            }
            assert_eq!(verdict(&model, &other), verdict(&model, &made.history), "shape {round}, seed {seed}");
        }
    }
}

/// Somebody who reads, just after an operation took effect, what it left.
#[test]
fn a_read_of_a_legal_value_changes_nothing() {
    let model = Kv::<u64, u64>::empty();
    for (round, shape) in shapes().filter(|shape| shape.ties.is_never()).enumerate() {
        for seed in 0..20 {
            let made = generate(&model, &shape, RunKey::from_seed(seed));
            let report = linearizability::check(&model, &made.history);
            let Judgement::Holds { witness } = report.judgement else { panic!("shape {round}, seed {seed}: {report:?}") };
            let place = seed as usize * witness.len() / 20;
            let last = &made.history.operations()[witness[place]];
            let key = *last.op.key();
            let mut held = None;
            for index in &witness[..=place] {
                let operation = &made.history.operations()[*index];
                if *operation.op.key() == key {
                    held = model.step(&held, &operation.op, operation.result()).states(&held).remove(0);
                }
            }
            // Open for as long as the operations around that place are: there is a moment for it.
            let until = witness[place..].iter().filter_map(|index| made.history.operations()[*index].completed).min();
            let from = witness[..=place].iter().map(|index| made.history.operations()[*index].invoked).max().expect("an invocation");
            let until = until.unwrap_or(Time::from_nanos(10_000)).max(from);
            let reader = ClientId::new(99);
            let mut events: Vec<(Time, u8, usize, bool)> =
                events(&made.history).into_iter().map(|(at, index, invokes)| (at, 1, index, invokes)).collect();
            events.push((from, 0, usize::MAX, true));
            events.push((until, 2, usize::MAX, false));
            events.sort_by_key(|(at, order, index, invokes)| (*at, *order, *index, !invokes));
            let mut with = History::new();
            for (at, _, index, invokes) in events {
                let recorded = match made.history.operations().get(index) {
                    None if invokes => with.invoke(at, reader, KvOp::Read { key }).map(|_| ()),
                    None => with.complete(at, reader, Outcome::Done(KvResult::Value(held))).map(|_| ()),
                    Some(operation) if invokes => with.invoke(at, operation.client, operation.op.clone()).map(|_| ()),
                    Some(operation) => with.complete(at, operation.client, operation.outcome.clone()).map(|_| ()),
                };
                recorded.expect("a well-formed history");
            }
            assert_eq!(verdict(&model, &with), Verdict::Holds, "shape {round}, seed {seed}");
        }
    }
}
