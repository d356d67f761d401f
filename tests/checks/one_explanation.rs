//! One violated history has one explanation: in a run, in `check`, on the page and in JSON.

use std::fmt::Write as _;

use serde_json::Value;
use stormglass::base::{ClientId, KvOp, KvResponse, Time};
use stormglass::check::linearizability::{Counterexample, Saw};
use stormglass::check::model::registers::Registers;
use stormglass::check::recorded::transactions::{FileOptions, FileReport, TransactionModel, check_text};
use stormglass::check::{CheckOptions, Explanation, PropertyReport, Verdict, linearizability, run_check};
use stormglass::diagnostic::{Diagnostics, Source};
use stormglass::history::{self, History};
use stormglass::report::{
    Found, HistoryReport, Html, Invocation, Json, Render, Report, RunReport, Subject, Text, explanation_text, history_json, history_text,
    isolation_text,
};
use stormglass::scenario::Scenario;
use stormglass::systems::Registry;
use stormglass::systems::kv::judge;
use stormglass::world::Outcome;

/// What clients do, one event a millisecond: who, and what is asked or answered.
type Events = Vec<(u32, Result<KvOp, history::Outcome<KvResponse>>)>;

fn asks(client: u32, op: KvOp) -> (u32, Result<KvOp, history::Outcome<KvResponse>>) {
    (client, Ok(op))
}

fn gets(client: u32, answer: KvResponse) -> (u32, Result<KvOp, history::Outcome<KvResponse>>) {
    (client, Err(history::Outcome::Done(answer)))
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
        (3, Err(history::Outcome::Unknown)),
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
            Err(history::Outcome::Done(KvResponse::Value(value))) => ("ok", asked[*client as usize].take().expect("it was asked"), *value),
            Err(history::Outcome::Done(_)) => ("ok", asked[*client as usize].take().expect("it was asked"), None),
            Err(history::Outcome::Failed) => ("fail", asked[*client as usize].take().expect("it was asked"), None),
            Err(history::Outcome::Unknown) => ("info", asked[*client as usize].take().expect("it was asked"), None),
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

/// What a page draws of the violation.
fn on_page(report: &Report<'_>) -> Value {
    let page = Html.render(report);
    let data = page.split("type=\"application/json\">").nth(1).and_then(|rest| rest.split("</script>").next()).expect("the data");
    serde_json::from_str::<Value>(data).expect("JSON")["violations"][0]["counterexample"].take()
}

#[test]
fn a_run_a_file_a_page_and_json_tell_the_same() {
    let events = stale();
    let history = history(&events);

    let run = judge(&history, 1_000_000);
    let (drawn, drawing) = linearizability::judge_and_draw(&linearizability::LINEARIZABILITY, &Registers::empty(), &history, 1_000_000);
    let options = CheckOptions { drawing: true, ..CheckOptions::default() };
    let file_report = run_check(file(&events).as_bytes(), "kv", &options).expect("a history");

    let told = only(&run);
    assert_eq!(run, drawn, "a drawing changes nothing");
    assert_eq!(run.at, Some(Time::from_nanos(16_000_000)));
    assert_eq!(told.saw, Saw::Older);
    assert_eq!(essence(told), essence(&file_report.explanation.violations[0]));

    // JSON and pages have what the explanation has, and nothing of their own.
    let scenario = include_str!("../../scenarios/raft/leader-crash.ron");
    let scenario = Scenario::parse(&Source::new("stale.ron", scenario), &Registry::standard(), &Diagnostics::new()).expect("a scenario");
    let called = Invocation::new("stormglass", "stale.ron");
    let outcome = Outcome { properties: vec![run.clone()], ..scenario.run(0) };
    let subject = Subject::of(&scenario);
    let report =
        Report::Run(RunReport { subject, outcome: &outcome, called: &called, drawing: Some(&drawing), story: None, details: None });
    let whole: Value = serde_json::from_str(&Json.render(&report)).expect("JSON");
    assert_eq!(whole["properties"][0]["explanation"]["violations"][0], serde_json::to_value(told).expect("data"));
    assert_eq!(on_page(&report), serde_json::to_value(told).expect("data"));
    let text = Text::default().render(&report);
    assert!(explanation_text(run.explanation.as_ref().expect("it is violated")).lines().all(|line| text.contains(line)), "{text}");

    let in_file = serde_json::to_value(&file_report.explanation.violations[0]).expect("data");
    assert_eq!(history_json(&file_report)["violations"][0], in_file);
    let file_text = history_text(&file_report, true);
    let (found, again) = (Ok(Found::Object(Box::new(file_report))), String::new());
    let judged = [HistoryReport { file: "stale.edn".to_owned(), found, again, one_of_several: false }];
    assert_eq!(on_page(&Report::Histories(&judged)), in_file);

    // Both are drawn alike, though models and files call keys and clients by names of their own.
    let lanes = |text: &str| text.lines().filter(|line| line.contains('├') || line.contains('╞')).count();
    assert!(lanes(&text) == 3 && lanes(&file_text) == 3, "{text}\n{file_text}");
}

/// The same file without times.
fn untimed(text: &str) -> String {
    let lines = text.lines().map(|line| line.split(", :time ").next().expect("a line").trim_end_matches('}').to_owned() + "}\n");
    lines.collect()
}

/// The fields of all objects that have this name.
fn all<'v>(value: &'v Value, name: &str, found: &mut Vec<&'v Value>) {
    if let Value::Object(fields) = value {
        found.extend(fields.get(name));
    }
    let inside: Vec<&Value> = match value {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    inside.into_iter().for_each(|value| all(value, name, found));
}

/// Times that a file does not have are not made up: there are lines instead.
#[test]
fn a_file_without_times_has_none() {
    let check = |text: &str| run_check(text.as_bytes(), "kv", &CheckOptions { drawing: true, ..CheckOptions::default() });
    let text = file(&stale());
    let (timed, plain) = (check(&text).expect("a history"), check(&untimed(&text)).expect("a history"));
    let mut json = [history_json(&timed), history_json(&plain)];
    for name in ["at_ns", "invoked_ns", "completed_ns"] {
        let [mut with, mut without] = [Vec::new(), Vec::new()];
        all(&json[0], name, &mut with);
        all(&json[1], name, &mut without);
        assert!(!with.is_empty() && with.len() == without.len());
        assert!(with.iter().any(|time| time.is_u64()), "{name}: {with:?}");
        assert!(without.iter().all(|time| time.is_null()), "{name}: {without:?}");
    }
    // All else is the same: lines in the first place.
    for violation in json.iter_mut().map(|json| &mut json["violations"][0]) {
        violation["at_ns"].take();
        violation["operations"].as_array_mut().expect("a list").iter_mut().for_each(|operation| {
            operation["invoked_ns"].take();
            operation["completed_ns"].take();
        });
    }
    assert_eq!(json[0]["violations"], json[1]["violations"]);
    assert!(json[1]["violations"][0]["line"].is_u64());
    assert_eq!(history_text(&timed, true), history_text(&plain, true), "a file is told by its lines");
}

/// That one transaction was over before another began is told by lines, too.
#[test]
fn a_file_of_transactions_without_times_has_none() {
    let file = "\
{:process 0, :type :invoke, :f :txn, :value [[:append :x 1]], :time 1000}
{:process 0, :type :ok, :f :txn, :value [[:append :x 1]], :time 2000}
{:process 1, :type :invoke, :f :txn, :value [[:r :x nil]], :time 3000}
{:process 1, :type :ok, :f :txn, :value [[:r :x []]], :time 4000}
";
    let check = |text: &str| check_text(text.as_bytes(), &FileOptions::new(TransactionModel::ListAppend)).expect("a history");
    let (timed, plain) = (check(file), check(&untimed(file)));
    let data = |report: &FileReport| serde_json::to_value(&report.report.findings).expect("data");
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    let (timed_data, plain_data) = (data(&timed), data(&plain));
    all(&timed_data, "time_ns", &mut times[0]);
    all(&plain_data, "time_ns", &mut times[1]);
    all(&plain_data, "at_ns", &mut times[1]);
    all(&plain_data, "line", &mut times[2]);
    assert_eq!(times[0], [2000, 3000]);
    assert!(times[1].iter().all(|time| time.is_null()), "{plain_data:#}");
    assert_eq!(times[2], [2, 3]);
    let told = isolation_text(&plain.report);
    assert!(told.contains("T1 had ended (at line 2) before T2 began (at line 3)"), "{told}");
    let told = isolation_text(&timed.report);
    assert!(told.contains("T1 had ended (at 2us) before T2 began (at 3us)"), "{told}");
}

/// Data is whole: what is long is shortened where it becomes text, and nowhere else.
#[test]
fn data_is_whole_and_text_is_short() {
    // Two transactions of ten acts, eight of them on keys of their own, each read a list of ten elements and miss what the other appends.
    let list = |until: i64| (1..=until).map(|value| value.to_string()).collect::<Vec<_>>().join(" ");
    let others: String = (0..8).map(|key| format!("[:append :o{key} 1] ")).collect();
    let fill: String = (1..=10).map(|value| format!("[:append :x {value}] [:append :y {value}] ")).collect();
    let txn = |process: u32, acts: &str, seen: &str| {
        format!(
            "{{:process {process}, :type :invoke, :f :txn, :value [{acts}]}}\n{{:process {process}, :type :ok, :f :txn, :value [{seen}]}}\n"
        )
    };
    let skew = |own: &str, other: &str, seen: &str| format!("{others}[:append :{own} 11] [:r :{other} {seen}]");
    let seen = format!("[{}]", list(10));
    let (first, second) = ((skew("x", "y", "nil"), skew("x", "y", &seen)), (skew("y", "x", "nil"), skew("y", "x", &seen)));
    let second = (second.0.replace(":o", ":p"), second.1.replace(":o", ":p"));
    let [invoke, ok] = [txn(1, &first.0, &first.1), txn(2, &second.0, &second.1)]
        .map(|two| two.lines().map(str::to_owned).collect::<Vec<_>>())
        .into_iter()
        .fold([String::new(), String::new()], |[begins, ends], two| [begins + &two[0] + "\n", ends + &two[1] + "\n"]);
    let file = txn(0, &fill, &fill) + &invoke + &ok;
    let report = check_text(file.as_bytes(), &FileOptions::new(TransactionModel::ListAppend)).expect("a history");
    let finding = &report.report.findings[0];
    assert_eq!(finding.anomaly.name(), "write-skew", "{report:#?}");
    let data = serde_json::to_value(finding).expect("data");
    assert!(data["cast"].as_array().expect("a list").iter().all(|member| member["acts"].as_array().expect("a list").len() == 10));
    let mut lists = Vec::new();
    all(&data, "list", &mut lists);
    assert!(!lists.is_empty() && lists.iter().all(|list| list.as_array().expect("a list").len() == 10), "{data:#}");
    assert!(!data.to_string().contains('…'));
    let told = isolation_text(&report.report);
    assert!(told.contains("T2 (p1): append 11 to x, read y → [… 4 more …, 5, 6, 7, 8, 9, 10], and 8 more"), "{told}");

    // States of a store, too.
    let long = "a value that is much longer than what fits into a line of text, and of which the end tells it from the other".to_owned();
    let ends = ["one", "two", "three"].map(|end| format!("{long} {end}"));
    let event = |kind: &str, f: &str, value: &str| format!("{{:process 0, :type :{kind}, :f :{f}, :value \"{value}\"}}\n");
    let write = |value: &str| event("invoke", "write", value) + &event("ok", "write", value);
    let file = write(&ends[0]) + &write(&ends[1]) + &event("invoke", "read", "").replace("\"\"", "nil") + &event("ok", "read", &ends[0]);
    let report = run_check(file.as_bytes(), "register", &CheckOptions::default()).expect("a history");
    let json = history_json(&report)["violations"].to_string();
    assert!(json.contains(&ends[1]) && !json.contains('…'), "{json}");
    assert!(history_text(&report, true).lines().all(|line| line.chars().count() < 260), "text is short");
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
