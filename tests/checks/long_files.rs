//! Files that are too long to be held in memory: judged while they are read, as short ones are.

use stormglass::base::{Ratio, RunKey};
use stormglass::check::generate::{HistoryShape, Lie, Planted, generate};
use stormglass::check::model::kv::{Kv, KvOp, KvResult};
use stormglass::check::{CheckOptions, CheckReport, Verdict, run_check, run_check_again};
use stormglass::history::{Event, Outcome};

use crate::support;

/// Judged while it is read, once there are more than so many events.
fn streamed(text: &str, model: &str, whole: u64) -> CheckReport {
    let options = CheckOptions { whole: Some(whole), ..CheckOptions::default() };
    run_check_again(|| Ok(text.as_bytes()), model, &options).expect("a readable history")
}

/// What is said of both is the same, but for how it was found.
fn assert_alike(streamed: &CheckReport, whole: &CheckReport, what: &str) {
    let facts = |report: &CheckReport| {
        (report.verdict, report.remarks, report.operations, report.unknown, report.failed, report.clients, report.format)
    };
    assert_eq!(facts(streamed), facts(whole), "{what}");
    let keys = |report: &CheckReport| {
        let mut keys: Vec<_> = report.explanation.violations.iter().map(|finding| (finding.key.clone(), finding.line)).collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(streamed), keys(whole), "{what}");
    assert!(streamed.explanation.violations.iter().all(|finding| !finding.operations.is_empty() && finding.foremost.len() <= 10), "{what}");
}

#[test]
fn recorded_histories_are_judged_alike_while_they_are_read() {
    let Some(folder) = support::recorded() else {
        println!("skipped: there are no recorded histories in ../shared/histories");
        return;
    };
    for (file, model, _) in support::verdicts(&folder) {
        let text = std::fs::read_to_string(folder.join(&file)).expect("a readable file");
        let whole = run_check(text.as_bytes(), &model, &CheckOptions::default()).expect("a readable history");
        for events in [0, 1, 50, 100_000] {
            assert_alike(&streamed(&text, &model, events), &whole, &file);
        }
    }
}

/// A history of a store as JSON lines.
fn lines_of(clients: u32, unknown: u32, lie: Option<Lie>, seed: u64) -> String {
    let planted = lie.map(|lie| Planted { lie, after: 120 });
    let unknown = Ratio::new(unknown, 100).expect("a ratio");
    let shape = HistoryShape { keys: 4, unknown, planted, ..HistoryShape::new(clients, 240) };
    let made = generate(&Kv::<u64, u64>::empty(), &shape, RunKey::from_seed(seed));
    let mut busy = std::collections::BTreeMap::new();
    let mut text = String::new();
    for (_, event) in made.history.into_events() {
        let told = |op: &KvOp| match op {
            KvOp::Read { key } => ("get", *key, "null".to_owned()),
            KvOp::Write { key, value } => ("put", *key, value.to_string()),
            KvOp::Cas { key, expect, new } => {
                ("cas", *key, format!("[{},{new}]", expect.map_or_else(|| "null".to_owned(), |value| value.to_string())))
            }
            KvOp::Delete { key } => ("delete", *key, "null".to_owned()),
            KvOp::Append { .. } => unreachable!("numbers are not appended to"),
        };
        let (client, kind, op, answer) = match event {
            Event::Invoke { client, op, .. } => {
                busy.insert(client, op.clone());
                (client, "invoke", op, None)
            }
            Event::Complete { client, outcome } | Event::Recover { client, outcome, .. } => {
                let op = busy.remove(&client).expect("it is busy");
                match outcome {
                    Outcome::Done(KvResult::Value(value)) => {
                        (client, "ok", op, Some(value.map_or_else(|| "null".to_owned(), |value| value.to_string())))
                    }
                    Outcome::Done(KvResult::Mismatch(found)) => {
                        let found = found.map_or_else(|| "null".to_owned(), |value| value.to_string());
                        (client, "ok", op, Some(format!("{{\"found\":{found}}}")))
                    }
                    Outcome::Done(_) => (client, "ok", op, None),
                    Outcome::Failed => (client, "fail", op, None),
                    Outcome::Unknown => (client, "info", op, None),
                }
            }
        };
        let (f, key, value) = told(&op);
        let value = answer.unwrap_or(value);
        let process = client.client;
        text += &format!("{{\"process\":{process},\"type\":\"{kind}\",\"f\":\"{f}\",\"key\":{key},\"value\":{value}}}\n");
    }
    text
}

#[test]
fn long_files_are_judged_as_short_ones() {
    let mut violated = 0;
    for seed in 0..60 {
        let lie = (seed % 4 != 0).then(|| Lie::ALL[seed as usize % Lie::ALL.len()]);
        let text = lines_of(2 + seed as u32 % 5, [0, 5, 15][seed as usize % 3], lie, seed);
        let whole = run_check(text.as_bytes(), "kv", &CheckOptions::default()).expect("a readable history");
        violated += u64::from(whole.verdict == Verdict::Violated);
        for events in [0, 100] {
            assert_alike(&streamed(&text, "kv", events), &whole, &format!("seed {seed}, {events} events\n{text}"));
        }
    }
    assert!(violated > 20, "{violated}");
}

/// What a missing key means is known only once something is appended.
#[test]
fn a_long_file_may_change_its_meaning() {
    let calm = "{:process 0, :type :invoke, :f :get, :key 1}\n{:process 0, :type :ok, :f :get, :key 1, :value VALUE}\n";
    let appends =
        "{:process 0, :type :invoke, :f :append, :key 1, :value \"a\"}\n{:process 0, :type :ok, :f :append, :key 1, :value \"a\"}\n";
    for (first, last, expected) in
        [("nil", "\"a\"", Verdict::Holds), ("\"\"", "\"a\"", Verdict::Holds), ("\"\"", "\"\"", Verdict::Violated)]
    {
        let text = [calm.repeat(20).replace("VALUE", first), appends.to_owned(), calm.replace("VALUE", last)].concat();
        let whole = run_check(text.as_bytes(), "kv", &CheckOptions::default()).expect("a readable history");
        assert_eq!(whole.verdict, expected, "{first} {last}");
        for events in [0, 10, 42] {
            assert_alike(&streamed(&text, "kv", events), &whole, &text);
        }
    }
}

#[test]
fn mistakes_in_a_long_file_are_told_in_one_pass() {
    let text = "{:process 0, :type :invoke, :f :get, :key 1}\n{:process 0, :type :ok, :f :get, :key 1}\n".repeat(20);
    let text = format!("{text}{{:process 0, :type :invoke, :f :got, :key 1}}\n{text}{{:process 0, :type :ok, :f :get, :key 1}}\n");
    let options = CheckOptions { whole: Some(5), ..CheckOptions::default() };
    let whole = run_check(text.as_bytes(), "kv", &CheckOptions::default()).expect_err("two mistakes").to_string();
    let streamed = run_check_again(|| Ok(text.as_bytes()), "kv", &options).expect_err("two mistakes").to_string();
    assert_eq!(whole, streamed);
    assert!(whole.contains("did you mean get?") && whole.contains("has begun nothing"), "{whole}");
}
