//! The judge that is told of operations one by one, against the one that is told of all at once, and against the reference checker.

use std::path::Path;

use stormglass::base::{ClientId, Ratio, RunKey, Stream, Time};
use stormglass::check::Verdict;
use stormglass::check::generate::{self, Lie, Planted, Sample};
use stormglass::check::linearizability::{self, Online, reference};
use stormglass::check::model::Model;
use stormglass::check::model::counter::Counter;
use stormglass::check::model::kv::{Kv, KvOp, KvResult};
use stormglass::check::model::lock::Lock;
use stormglass::check::model::queue::Queue;
use stormglass::check::model::register::{Register, RegisterOp, RegisterResult};
use stormglass::check::model::set::Set;
use stormglass::check::model::stack::Stack;
use stormglass::history::{self, History};
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::Registry;
use stormglass::world::Outcome;

use crate::support::reference::{HistoryShape, SHAPES, generate};

/// An event of a history: when, and which operation it invokes or completes.
fn events<O, R>(history: &History<O, R>) -> Vec<(Time, bool, usize)> {
    let mut completions = history.completions().iter().enumerate().peekable();
    let mut events = Vec::new();
    for (index, operation) in history.operations().iter().enumerate() {
        while let Some((_, over)) = completions.next_if(|(rank, _)| !history.recorded_before(index, *rank)) {
            events.push((history.operations()[*over].completed.expect("it completed"), false, *over));
        }
        events.push((operation.invoked, true, index));
    }
    events.extend(completions.map(|(_, over)| (history.operations()[*over].completed.expect("it completed"), false, *over)));
    events
}

/// Tells of the history event by event; after each, looks in.
fn told<M: Model>(mut online: Online<M>, history: &History<M::Op, M::Ret>, mut look: impl FnMut(&Online<M>)) -> Online<M>
where
    M::Op: Clone,
    M::Ret: Clone,
{
    for (at, invokes, index) in events(history) {
        let operation = &history.operations()[index];
        let taken = if invokes {
            online.invoke(at, operation.client, operation.op.clone())
        } else {
            online.complete(at, operation.client, operation.outcome.clone())
        };
        taken.expect("a well-formed history");
        look(&online);
    }
    online.finish();
    online
}

/// The history as it was known when this many completions had been recorded: what was open then is of unknown outcome, unless it failed.
fn prefix<O: Clone, R: Clone>(history: &History<O, R>, completions: usize) -> History<O, R> {
    let mut prefix = History::new();
    let mut left = completions;
    for (at, invokes, index) in events(history) {
        let operation = &history.operations()[index];
        if invokes {
            prefix.invoke(at, operation.client, operation.op.clone()).expect("an invocation");
        } else {
            prefix.complete(at, operation.client, operation.outcome.clone()).expect("a completion");
            left -= 1;
            if left == 0 {
                break;
            }
        }
    }
    prefix
}

/// A history in lines.
fn listed<O: std::fmt::Debug, R: std::fmt::Debug>(history: &History<O, R>) -> String {
    let mut text = String::new();
    for operation in history.operations() {
        text += &format!(
            "{} {} to {:?} {:?} {:?}\n",
            operation.client, operation.invoked, operation.completed, operation.op, operation.outcome
        );
    }
    text
}

fn agree<M: Model + Clone>(name: &str, model: &M, count: u64, op: impl Fn(&mut Stream) -> M::Op, answers: impl Fn(&M::Op) -> Vec<M::Ret>)
where
    M::Op: Clone,
    M::Ret: Clone,
{
    let mut violated = 0;
    for round in 0..count {
        let mut random = RunKey::from_seed(round).stream("online", 0);
        let shape: HistoryShape = SHAPES[(round % SHAPES.len() as u64) as usize];
        let history = generate(model, shape, &mut random, &op, &answers);
        let expected = reference::is_linearizable(model, &history);
        let online = told(Online::new(model.clone()).with_windows_of(round as usize % 4), &history, |_| ());
        let batched = told(Online::new(model.clone()).batched().with_windows_of(round as usize % 3), &history, |_| ());
        let tell = || format!("{name}, seed {round}: {}\n{:?}", listed(&history), online.violation());
        assert_eq!(online.violation(), batched.violation(), "{}", tell());
        match (online.violation(), expected) {
            (Some(violation), false) => {
                violated += 1;
                // With its completion the history is violated, and not before.
                if shape.ties == 1 && round % 3 == 0 {
                    let rank = history.completions().iter().position(|index| *index == violation.operation).expect("it completed");
                    assert!(!reference::is_linearizable(model, &prefix(&history, rank + 1)), "too early: {}", tell());
                    assert!(rank == 0 || reference::is_linearizable(model, &prefix(&history, rank)), "too late: {}", tell());
                }
            }
            (None, true) => {}
            (None, false) => panic!("missed: {}", tell()),
            (Some(_), true) => panic!("no violation: {}", tell()),
        }
        assert_ne!(online.verdict(), Verdict::Unknown, "{}", tell());
    }
    assert!(violated > count / 20, "{name}: {violated} violated");
}

const VALUES: u64 = 3;

fn asked(random: &mut Stream) -> RegisterOp<i64> {
    let mut value = || random.below(VALUES) as i64;
    let (first, second) = (value(), value());
    match random.below(6) {
        0..=2 => RegisterOp::Read,
        3 | 4 => RegisterOp::Write(first),
        _ => RegisterOp::Cas { expect: Some(first), new: second },
    }
}

fn answered(op: &RegisterOp<i64>) -> Vec<RegisterResult<i64>> {
    match op {
        RegisterOp::Read => {
            (0..VALUES as i64).map(|value| RegisterResult::Value(Some(value))).chain([RegisterResult::Value(None)]).collect()
        }
        RegisterOp::Write(_) => vec![RegisterResult::Written],
        RegisterOp::Cas { .. } => vec![RegisterResult::Swapped, RegisterResult::Mismatch],
    }
}

fn all_agree(count: u64) {
    agree("register", &Register::empty(), count, asked, answered);
}

/// Twenty compare-and-sets of unknown outcome cannot change a value forty times. To find that out, it would have to know of each whether it
/// took effect; if it does not, it must not say that all is well.
#[test]
fn what_cannot_happen_so_often_is_not_said_to_hold() {
    let at = Time::from_nanos;
    let pairs = (0..5).flat_map(|from| (0..5).filter(move |to| *to != from).map(move |to| (from, to)));
    for budget in [10, 100, 1_000, 10_000] {
        let mut online = Online::new(Register::<i64>::holding(0)).within(budget);
        for (place, (from, to)) in pairs.clone().enumerate() {
            let client = ClientId::new(place as u32);
            online.invoke(at(1), client, RegisterOp::Cas { expect: Some(from), new: to }).expect("it was idle");
            online.complete(at(1), client, history::Outcome::Unknown).expect("it was open");
        }
        for read in 0..41 {
            let (reader, seen) = (ClientId::new(20), RegisterResult::Value(Some(read % 5)));
            online.invoke(at(3 + 2 * read as u64), reader, RegisterOp::Read).expect("it was idle");
            online.complete(at(4 + 2 * read as u64), reader, history::Outcome::Done(seen)).expect("it was open");
        }
        assert_ne!(online.finish(), Verdict::Holds, "within {budget}");
    }
}

/// With too small a budget it may not know, but what it says is true.
#[test]
fn what_it_says_is_true_however_little_it_may_explore() {
    let (mut violated, mut unknown) = (0, 0);
    for round in 0..20_000 {
        let mut random = RunKey::from_seed(round).stream("online", 1);
        let history = generate(&Register::empty(), SHAPES[(round % SHAPES.len() as u64) as usize], &mut random, &asked, &answered);
        let budget = 1 + round / 7 % 30;
        let online = told(Online::new(Register::empty()).within(budget).with_windows_of(round as usize % 4), &history, |_| ());
        let tell = || format!("seed {round}: {}\n{:?}", listed(&history), online.violation());
        match online.verdict() {
            Verdict::Unknown => unknown += 1,
            verdict => {
                assert_eq!(verdict == Verdict::Holds, reference::is_linearizable(&Register::empty(), &history), "{}", tell());
                violated += u64::from(verdict == Verdict::Violated);
            }
        }
    }
    assert!(violated > 1_000 && unknown > 1_000, "{violated} violated, {unknown} unknown");
}

/// Hundreds of compare-and-sets of unknown outcome: too many to know of each whether it took effect. What nothing can have left is found
/// even so, and little is remembered; the rest may stay unknown.
#[test]
fn a_violation_is_found_among_hundreds_of_unknown_outcomes() {
    let model = Register::<i64>::empty();
    for seed in 0..4 {
        let lie = if seed % 2 == 0 { Lie::Impossible } else { Lie::Lost };
        let shape = generate::HistoryShape {
            unknown: ratio(1, 40),
            values: Some(5),
            planted: Some(Planted { lie, after: 7_800 }),
            ..generate::HistoryShape::new(10, 8_000)
        };
        let made = generate::generate(&model, &shape, RunKey::from_seed(seed));
        let unknown = made.history.operations().iter().filter(|operation| operation.outcome == history::Outcome::Unknown).count();
        let offline = linearizability::check(&model, &made.history).verdict();
        for online in [Online::new(model.clone()), Online::new(model.clone()).batched()] {
            let mut remembered = 0;
            let online = told(online, &made.history, |online| remembered = remembered.max(online.operations()));
            assert!(unknown > 150 && remembered < 1_000, "seed {seed}: {unknown} unknown, {remembered} remembered");
            if lie == Lie::Impossible {
                assert_eq!(online.verdict(), Verdict::Violated, "seed {seed}");
            } else {
                assert!(online.verdict() == offline || online.verdict() == Verdict::Unknown, "seed {seed}: {:?}", online.verdict());
            }
        }
    }
}

#[test]
fn the_reference_checker_agrees() {
    all_agree(20_000);
}

/// `cargo test --release --test checks online:: -- --ignored`
#[test]
#[ignore = "slow: more histories"]
fn the_reference_checker_agrees_at_length() {
    all_agree(100_000);
}

fn ratio(parts: u32, whole: u32) -> Ratio {
    Ratio::new(parts, whole).expect("a ratio")
}

/// Histories made up for every model, judged by both. Of an object that grows with each operation of unknown outcome, the one may give up.
fn at_large<M: Sample + Clone>(name: &str, model: &M, seeds: u64, grows: bool) {
    let (mut violated, mut unknown_online) = (0, 0);
    for seed in 0..seeds {
        for unknown in [Ratio::NEVER, ratio(1, 12)] {
            for values in [None, Some(3)] {
                let planted = (seed % 3 != 0).then(|| Planted { lie: Lie::ALL[seed as usize % 4], after: 30 });
                let shape = generate::HistoryShape { unknown, values, keys: 2, planted, ..generate::HistoryShape::new(4, 60) };
                let made = generate::generate(model, &shape, RunKey::from_seed(seed));
                let offline = linearizability::check(model, &made.history).verdict();
                let online = Online::new(model.clone()).within(5_000).with_windows_of(seed as usize % 5);
                let online = told(if seed % 2 == 0 { online.batched() } else { online }, &made.history, |_| ());
                let tell = || format!("{name}, seed {seed}, {shape:?}: {:#?}\n{:?}", made.history.operations(), online.violation());
                let gave_up = grows && online.verdict() == Verdict::Unknown;
                assert!(gave_up || online.verdict() == offline, "{}", tell());
                violated += u64::from(!gave_up && offline == Verdict::Violated);
                unknown_online += u64::from(gave_up);
            }
        }
    }
    println!("{name}: {violated} violated, {unknown_online} given up");
    assert!(violated > 0 && unknown_online < 4 * seeds / 2, "{name}: {violated} violated, {unknown_online} given up");
}

#[test]
fn both_judges_agree_on_every_model() {
    at_large("register", &Register::<i64>::empty(), 40, false);
    at_large("kv", &Kv::<u64, u64>::empty(), 40, false);
    at_large("text", &Kv::<String, String>::holding(String::new()), 20, true);
    at_large("counter", &Counter::zero(), 10, true);
    at_large("set", &Set::<i64>::empty(), 40, false);
    at_large("queue", &Queue::<i64>::empty(), 4, true);
    at_large("stack", &Stack::<i64>::empty(), 4, true);
    at_large("lock", &Lock::free(), 40, false);
}

#[test]
fn memory_is_bounded_by_what_is_open() {
    let most = |operations: usize, values: Option<u64>, batched: bool| {
        let shape = generate::HistoryShape { values, ..generate::HistoryShape::new(6, operations) };
        let made = generate::generate(&Register::<i64>::empty(), &shape, RunKey::from_seed(7));
        let (mut configurations, mut remembered) = (0, 0);
        let online = Online::new(Register::<i64>::empty());
        let online = told(if batched { online.batched() } else { online }, &made.history, |online| {
            configurations = configurations.max(online.configurations());
            remembered = remembered.max(online.operations());
        });
        assert_eq!(online.verdict(), Verdict::Holds);
        (configurations, remembered, online.states() / operations as u64)
    };
    for (values, batched) in [(None, false), (Some(5), false), (None, true), (Some(5), true)] {
        let (short, long) = (most(2_000, values, batched), most(20_000, values, batched));
        let bounded = long.0 <= 4 * short.0 && long.1 <= 2 * short.1 && long.2 <= 2 * short.2 + 1;
        assert!(bounded, "{short:?} configurations, operations remembered, and states for each, then {long:?}");
    }
}

/// An operation that is open while very many others come and go holds nothing up for ever.
#[test]
fn what_is_open_for_too_long_is_let_go() {
    let at = Time::from_nanos;
    let (slow, busy) = (ClientId::new(0), ClientId::new(1));
    let after = |end: Option<history::Outcome<RegisterResult<i64>>>, last: i64| {
        let mut online = Online::new(Register::<i64>::empty()).batched();
        let mut now = 1;
        let mut remembered = 0;
        online.invoke(at(now), slow, RegisterOp::Write(-1)).expect("it was idle");
        for round in 0..100_000 {
            online.invoke(at(now + 1), busy, RegisterOp::Write(round)).expect("it was idle");
            online.complete(at(now + 2), busy, history::Outcome::Done(RegisterResult::Written)).expect("it was open");
            remembered = remembered.max(online.operations());
            now += 2;
        }
        if let Some(end) = end {
            online.complete(at(now + 1), slow, end).expect("it was open");
        }
        online.invoke(at(now + 2), busy, RegisterOp::Read).expect("it was idle");
        online.complete(at(now + 3), busy, history::Outcome::Done(RegisterResult::Value(Some(last)))).expect("it was open");
        assert!(remembered < 70_000, "{remembered}");
        online.finish()
    };
    let written = || Some(history::Outcome::Done(RegisterResult::Written));
    assert_eq!(after(None, 99_999), Verdict::Holds);
    assert_eq!(after(None, -1), Verdict::Holds);
    assert_eq!(after(Some(history::Outcome::Unknown), -1), Verdict::Holds);
    assert_eq!(after(written(), 99_999), Verdict::Unknown);
    assert_eq!(after(written(), 5), Verdict::Violated);
}

/// What took effect in some configurations and not in others, each remembers for itself across a cut.
#[test]
fn what_took_effect_does_not_do_so_again() {
    let reads = |values: &[i64]| {
        let mut online = Online::new(Register::<i64>::empty()).with_windows_of(1);
        let mut now = 0;
        let mut tell = |client, op, outcome| {
            now += 2;
            online.invoke(Time::from_nanos(now), ClientId::new(client), op).expect("it was idle");
            online.complete(Time::from_nanos(now + 1), ClientId::new(client), outcome).expect("it was open");
        };
        let written = || history::Outcome::Done(RegisterResult::Written);
        tell(0, RegisterOp::Write(3), written());
        tell(1, RegisterOp::Write(2), history::Outcome::Unknown);
        tell(1, RegisterOp::Write(4), history::Outcome::Unknown);
        // Either the 2 or the 4 was there.
        tell(0, RegisterOp::Cas { expect: Some(3), new: 9 }, history::Outcome::Done(RegisterResult::Mismatch));
        for value in values {
            tell(0, RegisterOp::Write(5), written());
            tell(0, RegisterOp::Read, history::Outcome::Done(RegisterResult::Value(Some(*value))));
        }
        online.finish()
    };
    assert_eq!((reads(&[4]), reads(&[2]), reads(&[4, 2])), (Verdict::Holds, Verdict::Holds, Verdict::Violated));
}

/// Two clients that go from one key to another, the opposite ways, at one instant: each key holds, and both together need not.
#[test]
fn keys_that_may_not_hold_together_are_not_said_to() {
    let at = Time::from_nanos;
    let write = |key, value| KvOp::Write { key, value };
    let across = |second: u64| {
        let mut online = Online::new(Kv::<u64, u64>::empty());
        let clients = [ClientId::new(0), ClientId::new(1)];
        for (client, key) in clients.into_iter().zip([0, second]) {
            online.invoke(at(1), client, write(key, 1)).expect("it was idle");
        }
        for (client, key) in clients.into_iter().zip([second, 0]) {
            online.complete(at(2), client, history::Outcome::Done(KvResult::Written)).expect("it was open");
            online.invoke(at(2), client, write(key, 2)).expect("it was idle");
        }
        online.finish()
    };
    assert_eq!(across(1), Verdict::Unknown);
    assert_eq!(across(0), Verdict::Holds);
}

#[test]
fn what_cannot_follow_is_refused() {
    let at = Time::from_nanos;
    let mut online = Online::new(Register::<i64>::empty());
    online.invoke(at(5), ClientId::new(0), RegisterOp::Read).expect("it was idle");
    assert!(online.invoke(at(6), ClientId::new(0), RegisterOp::Read).is_err());
    assert!(online.complete(at(6), ClientId::new(1), history::Outcome::Failed).is_err());
    assert!(online.invoke(at(4), ClientId::new(1), RegisterOp::Read).is_err());
    online.complete(at(6), ClientId::new(0), history::Outcome::Done(RegisterResult::Value(None))).expect("it was open");
    assert_eq!(online.finish(), Verdict::Holds);
}

#[test]
fn too_much_at_once_is_said() {
    let at = Time::from_nanos;
    let mut online = Online::new(Register::<i64>::empty()).within(10);
    for client in 0..12 {
        online.invoke(at(1), ClientId::new(client), RegisterOp::Cas { expect: None, new: i64::from(client) }).expect("it was idle");
    }
    // Any of them may have come first.
    online.complete(at(2), ClientId::new(3), history::Outcome::Done(RegisterResult::Mismatch)).expect("it was open");
    online.invoke(at(3), ClientId::new(3), RegisterOp::Cas { expect: Some(-1), new: -2 }).expect("it was idle");
    online.complete(at(4), ClientId::new(3), history::Outcome::Done(RegisterResult::Swapped)).expect("it was open");
    assert_eq!(online.finish(), Verdict::Unknown);
}

/// A run that is to stop does so once a judge knows, and until then is the same run.
#[test]
fn a_run_stops_at_the_first_violation() {
    let registry = Registry::standard();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/raft/bugs");
    let mut stopped = 0;
    for file in std::fs::read_dir(folder).expect("the folder is there") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
        let whole = Scenario::from_ron(&text, &registry).expect("a scenario");
        let Expected::Violates(property) = whole.expected else { continue };
        let mut short = whole.clone();
        short.conditions.stop_at_violation = true;
        assert_eq!(Scenario::from_ron(&short.to_ron(), &registry).expect("it reads back").conditions, short.conditions);
        for seed in 0..10 {
            let (whole, short) = (whole.run(seed), short.run(seed));
            if whole.verdict() == Verdict::Violated {
                let find = |outcome: &Outcome| outcome.properties.iter().find(|report| report.name == property).expect("it is judged").at;
                assert!(short.events <= whole.events && short.verdict() == Verdict::Violated, "{property}, seed {seed}");
                assert!(find(&short).is_none() || find(&short) == find(&whole), "{property}, seed {seed}");
                stopped += u64::from(short.events < whole.events);
            } else {
                assert_eq!(short.digest, whole.digest, "{property}, seed {seed}");
            }
        }
    }
    assert!(stopped > 5, "{stopped} runs stopped early");
}
