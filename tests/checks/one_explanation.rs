//! One violated history has one explanation: in a run, in `check`, on the page and in JSON.

use std::fmt::Write as _;

use serde_json::Value;
use stormglass::base::{ClientId, KvOp, KvResponse, Time};
use stormglass::check::linearizability::{Counterexample, Saw};
use stormglass::check::model::registers::Registers;
use stormglass::check::{CheckOptions, Explanation, PropertyReport, Verdict, View, linearizability, run_check};
use stormglass::history::{History, Outcome};
use stormglass::report::{explanation_json, explanation_text, history_json, history_text};
use stormglass::systems::kv::judge;

/// What clients do, one event a millisecond: who, and what is asked or answered.
type Events = Vec<(u32, Result<KvOp, Outcome<KvResponse>>)>;

fn asks(client: u32, op: KvOp) -> (u32, Result<KvOp, Outcome<KvResponse>>) {
    (client, Ok(op))
}

fn gets(client: u32, answer: KvResponse) -> (u32, Result<KvOp, Outcome<KvResponse>>) {
    (client, Err(Outcome::Done(answer)))
}

const WRITE: fn(u64, u64) -> KvOp = |key, value| KvOp::Write { key, value };
const READ: fn(u64) -> KvOp = |key| KvOp::Read { key };
const SAW: fn(u64) -> KvResponse = |value| KvResponse::Value(Some(value));

/// On key 2 all is well. On key 1 a read, while a write of unknown outcome is open, finds what was written over long ago.
fn stale() -> Events {
    vec![
        asks(0, WRITE(1, 3)),
        gets(0, KvResponse::Written),
        asks(1, WRITE(2, 7)),
        asks(2, READ(1)),
        gets(2, SAW(3)),
        gets(1, KvResponse::Written),
        asks(3, WRITE(1, 9)),
        (3, Err(Outcome::Unknown)),
        asks(0, WRITE(1, 5)),
        asks(1, READ(2)),
        gets(0, KvResponse::Written),
        asks(2, READ(1)),
        gets(1, SAW(7)),
        gets(2, SAW(5)),
        asks(1, READ(1)),
        gets(1, SAW(3)),
        asks(2, READ(1)),
        gets(2, SAW(5)),
    ]
}

fn history(events: &Events) -> History<KvOp, KvResponse> {
    let mut history = History::new();
    for (place, (client, event)) in events.iter().enumerate() {
        let (at, client) = (Time::from_nanos(1_000_000 * (place as u64 + 1)), ClientId::new(*client));
        match event.clone() {
            Ok(op) => history.invoke(at, client, op).map(|_| ()),
            Err(outcome) => history.complete(at, client, outcome).map(|_| ()),
        }
        .expect("a well-formed history");
    }
    history
}

/// The same as EDN, as `check` reads it.
fn file(events: &Events) -> String {
    let mut text = String::new();
    let mut asked: Vec<Option<KvOp>> = vec![None; 8];
    for (place, (client, event)) in events.iter().enumerate() {
        let (kind, op, seen) = match event {
            Ok(op) => ("invoke", *op, None),
            Err(Outcome::Done(KvResponse::Value(value))) => ("ok", asked[*client as usize].take().expect("it was asked"), *value),
            Err(Outcome::Done(_)) => ("ok", asked[*client as usize].take().expect("it was asked"), None),
            Err(Outcome::Failed) => ("fail", asked[*client as usize].take().expect("it was asked"), None),
            Err(Outcome::Unknown) => ("info", asked[*client as usize].take().expect("it was asked"), None),
        };
        let (f, key, value) = match &op {
            KvOp::Write { key, value } => ("write", key, value.to_string()),
            KvOp::Read { key } => ("read", key, seen.map_or_else(|| "nil".to_owned(), |value| value.to_string())),
            other => panic!("{other:?} is not written here"),
        };
        let time = 1_000_000 * (place + 1);
        writeln!(text, "{{:process {client}, :type :{kind}, :f :{f}, :key {key}, :value {value}, :time {time}}}").expect("a text");
        if event.is_ok() {
            asked[*client as usize] = Some(op);
        }
    }
    text
}

fn only(report: &PropertyReport) -> &Counterexample {
    let Some(Explanation::Linearizability(found)) = &report.explanation else { panic!("{report:?}") };
    assert_eq!((report.verdict, found.violations.len(), found.undecided.len()), (Verdict::Violated, 1, 0));
    &found.violations[0]
}

/// What must be the same wherever it is told: key, core, what is stuck, how far orders get, whether the core is minimal, and what was seen.
type Essence = (Option<String>, Vec<usize>, Option<usize>, Vec<Vec<usize>>, bool, Saw);

fn essence(example: &Counterexample) -> Essence {
    let index = |place: &usize| example.operations[*place].index;
    let orders = example.attempts.iter().map(|attempt| attempt.order.iter().map(index).collect());
    let core = example.core().collect();
    (example.key.clone(), core, example.stuck.as_ref().map(index), orders.collect(), example.minimal, example.saw)
}

/// The same of JSON.
fn essence_of_json(violation: &Value) -> (Vec<u64>, Vec<u64>, Vec<Vec<u64>>) {
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let core = list(&violation["core"]);
    let index = |operation: &Value| operation["index"].as_u64().expect("a number");
    let kept = core.iter().filter(|operation| operation["open"] == false).map(index).collect();
    let stuck = core.iter().filter(|operation| operation["stuck"] == true).map(index).collect();
    let place = |place: &Value| index(&core[place.as_u64().expect("a place") as usize]);
    let orders = list(&violation["attempts"]).iter().map(|attempt| list(&attempt["order"]).iter().map(place).collect()).collect();
    (kept, stuck, orders)
}

#[test]
fn a_run_a_file_a_page_and_json_tell_the_same() {
    let events = stale();
    let history = history(&events);

    let run = judge(&history, 1_000_000);
    let (drawn, view): (PropertyReport, View) =
        linearizability::judge_and_draw(&linearizability::LINEARIZABILITY, &Registers::empty(), "kv", &history, 1_000_000);
    let file = run_check(file(&events).as_bytes(), "kv", &CheckOptions { view: true, ..CheckOptions::default() }).expect("a history");

    let told = only(&run);
    assert_eq!(run.explanation, drawn.explanation, "a drawing changes nothing");
    assert_eq!(run.at, Some(Time::from_nanos(16_000_000)));
    assert_eq!(told.saw, Saw::Older);
    assert_eq!(essence(told), essence(&file.explanation.violations[0]));

    for view in [&view, file.view.as_ref().expect("it was asked for")] {
        let scene = &view.scenes[0];
        let orders: Vec<Vec<usize>> = scene.small.orders.iter().map(|(order, _)| order.operations.clone()).collect();
        let (key, core, stuck, attempts, minimal, _) = essence(told);
        assert_eq!((&scene.key, &scene.core, Some(scene.small.stuck), orders, scene.minimal), (&key, &core, stuck, attempts, minimal));
        let expected: Vec<&str> = scene.small.orders.iter().map(|(_, expected)| expected.as_str()).collect();
        assert_eq!(expected, told.attempts.iter().map(|attempt| attempt.expected.as_str()).collect::<Vec<_>>());
    }

    let json = explanation_json(run.explanation.as_ref().expect("it is violated"));
    let file_json = history_json(&file);
    assert_eq!(json["violations"][0]["key"], file_json["violations"][0]["key"]);
    assert_eq!(essence_of_json(&json["violations"][0]), essence_of_json(&file_json["violations"][0]));
    let numbers = |indices: Vec<usize>| indices.into_iter().map(|index| index as u64).collect::<Vec<_>>();
    let (_, core, stuck, attempts, ..) = essence(told);
    let expected = (numbers(core), numbers(stuck.into_iter().collect()), attempts.into_iter().map(numbers).collect());
    assert_eq!(essence_of_json(&json["violations"][0]), expected);

    // Both are drawn alike, though models and files call keys and clients by names of their own.
    let run_text = explanation_text(run.explanation.as_ref().expect("it is violated"));
    let file_text = history_text(&file, true);
    let lanes = |text: &str| text.lines().filter(|line| line.contains('├') || line.contains('╞')).count();
    assert!(lanes(&run_text) == 3 && lanes(&file_text) == 3, "{run_text}\n{file_text}");
}

/// What an operation saw that fits nowhere: something older, something where another is lost, or what was never written.
#[test]
fn what_was_wrong_with_what_was_seen() {
    let saw = |events: Events| {
        let report = judge(&history(&events), 1_000_000);
        let example = only(&report);
        (example.kind.clone().unwrap_or_default(), example.saw)
    };
    let written = || vec![asks(0, WRITE(1, 3)), gets(0, KvResponse::Written), asks(0, WRITE(1, 5)), gets(0, KvResponse::Written)];
    let then = |more: Events| written().into_iter().chain(more).collect::<Events>();
    let read = |value| vec![asks(1, READ(1)), gets(1, value)];
    assert_eq!(saw(stale()), ("read".to_owned(), Saw::Older));
    assert_eq!(saw(then([read(SAW(5)), read(SAW(3))].concat())), ("read".to_owned(), Saw::Older));
    assert_eq!(saw(then(read(SAW(3)))), ("read".to_owned(), Saw::Lost));
    assert_eq!(saw(then(read(KvResponse::Value(None)))), ("read".to_owned(), Saw::Lost));
    assert_eq!(saw(then(read(SAW(8)))), ("read".to_owned(), Saw::NeverWritten));
    let swap = |client, expect, new| {
        vec![asks(client, KvOp::Cas { key: 1, expected: Some(expect), value: new }), gets(client, KvResponse::Swapped)]
    };
    assert_eq!(saw(then([swap(1, 5, 6), swap(2, 5, 7), read(SAW(7))].concat())), ("cas".to_owned(), Saw::Lost));
}
