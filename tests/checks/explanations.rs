//! What people read when a history is violated.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use stormglass::base::{ClientId, OperationId, RunKey, Stream, Time};
use stormglass::check::linearizability::{Counterexample, Linearizability, Saw, check, diagnose, explain as explain_one, reference};
use stormglass::check::model::Model;
use stormglass::check::model::counter::{Counter, CounterOp, CounterResult};
use stormglass::check::model::kv::{Kv, KvOp, KvResult};
use stormglass::check::model::register::Register;
use stormglass::history::{Event, History, Outcome};
use stormglass::report::explanation_text;

use crate::support;
use crate::support::reference::{HistoryShape, generate};

fn invoke<O, R>(client: u32, op: O) -> Event<O, R> {
    let client = ClientId::new(client);
    Event::Invoke { client, id: OperationId::new(client, 1), op }
}

fn done<O, R>(client: u32, result: R) -> Event<O, R> {
    Event::Complete { client: ClientId::new(client), outcome: Outcome::Done(result) }
}

fn explain<M: Model>(model: &M, history: &History<M::Op, M::Ret>) -> String {
    let why = check(model, history).violations().iter().map(|violation| explain_one(model, history, violation)).collect();
    explanation_text(&Linearizability { violations: why, undecided: Vec::new() }.into())
}

/// One event a millisecond.
fn shows(events: &[Event<KvOp, KvResult>], expected: &Expect) {
    let mut history = History::new();
    for (place, event) in events.iter().enumerate() {
        history.record(Time::from_nanos(1_000_000 * (place as u64 + 1)), event).expect("a well-formed history");
    }
    expected.assert_eq(&explain(&Kv::empty(), &history));
}

/// A value that was written while it was seen, and is used up by another, is no older value: nothing was missed.
#[test]
fn what_is_written_meanwhile_can_be_what_was_seen() {
    let mut history = History::new();
    let events = [
        invoke(0, KvOp::Write { key: 1, value: 5 }),
        done(0, KvResult::Written),
        invoke(1, KvOp::Cas { key: 1, expect: Some(1), new: 2 }),
        invoke(0, KvOp::Write { key: 1, value: 1 }),
        done(0, KvResult::Written),
        invoke(2, KvOp::Cas { key: 1, expect: Some(1), new: 3 }),
        done(2, KvResult::Swapped),
        done(1, KvResult::Swapped),
    ];
    for (place, event) in (1..).zip(&events) {
        history.record(Time::from_nanos(place), event).expect("a well-formed history");
    }
    let model = Kv::empty();
    let found: Vec<Counterexample> =
        check(&model, &history).violations().iter().map(|violation| explain_one(&model, &history, violation)).collect();
    assert_eq!(found.iter().map(|found| (found.kind.as_deref(), found.saw)).collect::<Vec<_>>(), [(Some("cas"), Saw::Other)]);
}

#[test]
fn a_stale_read() {
    shows(
        &[
            invoke(0, KvOp::Write { key: 1, value: 3 }),
            done(0, KvResult::Written),
            invoke(0, KvOp::Write { key: 1, value: 5 }),
            done(0, KvResult::Written),
            invoke(1, KvOp::Read { key: 1 }),
            done(1, KvResult::Value(Some(3))),
        ],
        &expect![[r#"
            key 1: its 3 operations are enough to see it; without any one of them there would be an order

              c1  ├write 1 = 3┤ ├write 1 = 5┤
              c2                             ╞read 1 → 3╡

              c2 read 1 → 3 fits in no order. The longest order that leads to it:
                c1 write 1 = 3, c1 write 1 = 5
                  then only 5 could have been read

                c1 write 1 = 3  1ms to 2ms
                c1 write 1 = 5  3ms to 4ms
                c2 read 1 → 3   5ms to 6ms  ✗ fits in no order
        "#]],
    );
}

#[test]
fn a_lost_update_beside_a_write_that_is_open() {
    shows(
        &[
            invoke(0, KvOp::Write { key: 7, value: 1 }),
            invoke(1, KvOp::Cas { key: 7, expect: None, new: 2 }),
            invoke(2, KvOp::Cas { key: 7, expect: None, new: 4 }),
            done(2, KvResult::Swapped),
            done(1, KvResult::Swapped),
            done(0, KvResult::Written),
        ],
        &expect![[r#"
            key 7: 2 of 3 operations are enough to see it; without any one of them there would be an order

              c2  ╞cas 7: nothing to 2══╡
              c3   ├cas 7: nothing to 4┤

              c2 cas 7: nothing to 2 fits in no order. The longest order that leads to it:
                c3 cas 7: nothing to 4
                  then it held 4: only a mismatch that found it was possible

                c2 cas 7: nothing to 2  2ms to 5ms  ✗ fits in no order
                c3 cas 7: nothing to 4  3ms to 4ms
              The other operation does not help, even if it took effect at any time after it began, or never.
        "#]],
    );
}

#[test]
fn a_value_from_nowhere() {
    shows(
        &[
            invoke(0, KvOp::Write { key: 7, value: 1 }),
            invoke(1, KvOp::Read { key: 7 }),
            done(1, KvResult::Value(Some(9))),
            done(0, KvResult::Written),
        ],
        &expect![[r#"
            key 7: 1 of 2 operations is enough to see it

              c2  ╞read 7 → 9╡

              c2 read 7 → 9 fits in no order. It would have to be the first:
                at the start
                  then only nothing could have been read
                nothing before it could have left what it saw

                c2 read 7 → 9  2ms to 3ms  ✗ fits in no order
              The other operation does not help, even if it took effect at any time after it began, or never.
        "#]],
    );
}

#[test]
fn every_recorded_violation_is_explained_on_a_screen() {
    let Some(folder) = support::recorded() else {
        println!("skipped: there are no recorded histories in ../shared/histories");
        return;
    };
    for (file, model, _) in support::verdicts(&folder).into_iter().filter(|(.., linearizable)| !linearizable) {
        let text = std::fs::read_to_string(folder.join(&file)).expect("a readable file");
        let (count, explained) = match model.as_str() {
            "cas-register" => counted(&Register::empty(), &support::read_log(&text)),
            _ => counted(&Kv::holding(String::new()), &support::read_maps(&text)),
        };
        println!("{file}\n{explained}");
        assert!(explained.lines().count() <= 30 * count, "{file}:\n{explained}");
    }
}

fn counted<M: Model>(model: &M, history: &History<M::Op, M::Ret>) -> (usize, String) {
    let report = check(model, history);
    for violation in report.violations() {
        let why = diagnose(model, history, violation);
        assert!(why.shortest && why.core().len() <= 10, "{why:?}");
    }
    (report.violations().len(), explain(model, history))
}

/// What is open at the end of a beginning may have happened before another that must have: both are needed for what was seen.
#[test]
fn a_counter_that_counted_what_is_still_open() {
    let at = Time::from_nanos;
    let mut history = History::new();
    for (client, op, invoked, completed, shown) in [
        (0, CounterOp::AddAndGet(1), 1, 12, Some(1)),
        (2, CounterOp::Add(1), 3, 4, None),
        (1, CounterOp::AddAndGet(1), 5, 6, Some(3)),
        (1, CounterOp::Read, 8, 9, Some(5)),
    ] {
        let outcome = Outcome::Done(shown.map_or(CounterResult::Added, CounterResult::Value));
        history.record(at(invoked), &invoke(client, op)).expect("it was idle");
        if client == 0 {
            continue;
        }
        history.record(at(completed), &Event::Complete { client: ClientId::new(client), outcome }).expect("it was busy");
    }
    history.record(at(12), &done(0, CounterResult::Value(1))).expect("it was busy");
    let report = check(&Counter::zero(), &history);
    let why = diagnose(&Counter::zero(), &history, &report.violations()[0]);
    assert_eq!((why.operation, why.shortest), (3, true), "{}", explain(&Counter::zero(), &history));
}

/// Two long answers that differ in their middle do so in what is shown.
#[test]
fn what_differs_is_shown() {
    let long = |middle: &str| format!("{}{middle}{}", "x".repeat(60), "y".repeat(60));
    let events = [
        invoke(0, KvOp::Write { key: 1_u64, value: long("a") }),
        invoke(3, KvOp::Write { key: 1_u64, value: long("b") }),
        done(0, KvResult::Written),
        done(3, KvResult::Written),
        invoke(1, KvOp::Read { key: 1 }),
        done(1, KvResult::Value(Some(long("a")))),
        invoke(2, KvOp::Read { key: 1 }),
        done(2, KvResult::Value(Some(long("b")))),
    ];
    let mut history = History::new();
    for (place, event) in (1..).zip(&events) {
        history.record(Time::from_nanos(place), event).expect("a well-formed history");
    }
    let text = explain(&Kv::<u64, String>::empty(), &history);
    assert!(text.contains("xay") && text.contains("xby"), "{text}");
}

/// With the completion that is named ends a prefix that is violated by itself, and no shorter one is: of what is open at its end, it is
/// not known what it returned later.
fn prefixes_are_violated<M: Model>(model: &M, count: u64, op: impl Fn(&mut Stream) -> M::Op, answers: impl Fn(&M::Op) -> Vec<M::Ret>)
where
    M::Op: Clone,
    M::Ret: Clone,
{
    let mut violated = 0;
    for round in 0..count {
        let mut random = RunKey::from_seed(round).stream("history", 0);
        let shape = HistoryShape { clients: 4, operations: 7, ties: 1, lies: 4, unknown: 6 };
        let history = generate(model, shape, &mut random, &op, &answers);
        for violation in check(model, &history).violations() {
            violated += 1;
            let at = explain_one(model, &history, violation).at.expect("it completes");
            // What failed later is known never to have taken effect.
            let failed = |id| history.operations().iter().any(|operation| operation.id == id && operation.outcome == Outcome::Failed);
            let prefix = |until: Time| {
                let (mut prefix, mut busy_in_vain) = (History::new(), BTreeSet::new());
                for (at, event) in history.clone().into_events().filter(|(at, _)| *at <= until) {
                    let in_vain = match event {
                        Event::Invoke { client, id, .. } => failed(id) && busy_in_vain.insert(client),
                        Event::Complete { client, .. } | Event::Recover { client, .. } => busy_in_vain.remove(&client),
                    };
                    if !in_vain {
                        prefix.record(at, &event).expect("a well-formed history");
                    }
                }
                reference::is_linearizable(model, &prefix)
            };
            assert!(!prefix(at), "seed {round}: the prefix until {at} holds: {:#?}", history.operations());
            assert!(prefix(Time::from_nanos(at.as_nanos() - 1)), "seed {round}: violated before {at}: {:#?}", history.operations());
        }
    }
    assert!(violated > count / 10, "{violated} of {count} violated");
}

fn counters_and_registers(count: u64) {
    let counts = |random: &mut Stream| match random.below(3) {
        0 => CounterOp::Read,
        1 => CounterOp::Add(1),
        _ => CounterOp::AddAndGet(1),
    };
    prefixes_are_violated(&Counter::zero(), count, counts, |op| match op {
        CounterOp::Add(_) => vec![CounterResult::Added],
        _ => (0..9).map(CounterResult::Value).collect(),
    });
    let registers = |random: &mut Stream| match random.below(4) {
        0 | 1 => KvOp::Read { key: 0_u64 },
        2 => KvOp::Write { key: 0, value: random.below(3) },
        _ => KvOp::Cas { key: 0, expect: Some(random.below(3)), new: random.below(3) },
    };
    prefixes_are_violated(&Kv::<u64, u64>::empty(), count, registers, |op| match op {
        KvOp::Read { .. } => [None, Some(0), Some(1), Some(2)].map(KvResult::Value).to_vec(),
        KvOp::Cas { .. } => [None, Some(0), Some(1), Some(2)].map(KvResult::Mismatch).into_iter().chain([KvResult::Swapped]).collect(),
        _ => vec![KvResult::Written],
    });
}

#[test]
fn a_counterexample_ends_the_shortest_violated_prefix() {
    counters_and_registers(1_500);
}

/// `cargo test --release --test checks shortest_violated_prefix_at_length -- --ignored`
#[test]
#[ignore = "slow: 20,000 histories of each kind"]
fn a_counterexample_ends_the_shortest_violated_prefix_at_length() {
    counters_and_registers(20_000);
}
