//! How long the checker of isolation takes, and how much memory: `cargo bench --bench isolation`.
//!
//! Histories are strictly serializable, by twenty clients, with up to four acts a transaction. Each row is measured in a process of its
//! own. *Pack* is the way from a history to the checker's form, *check* the judging itself; both count. Memory is what these took beyond
//! the history. Beside it is adya 0.1, which reads the same history from JSON.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads what the system says of its process")]
#![allow(missing_docs, reason = "nobody reads a benchmark by its documentation")]

mod support {
    pub(crate) mod measure;
}

use std::fmt::Write as _;
use std::process::Command;

use stormglass::base::{Act, Committed, RunKey, Seen, Transaction};
use stormglass::check::Verdict;
use stormglass::check::isolation::generate::{HistoryShape, generate};
use stormglass::check::isolation::{DEFAULT_BUDGET, Level, Phenomenon, Transactions, check};
use stormglass::history::{History, Outcome};
use support::measure::{cpu, median};

const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// What is measured, for so many transactions.
type Work = fn(usize);

const KINDS: [(&str, Work); 7] = [
    ("lists", |size| ours(shape(size), false)),
    ("lists, write skew planted", |size| ours(skewed(shape(size)), false)),
    ("registers", |size| ours(registers(size), false)),
    ("registers, skew planted", |size| ours(skewed(registers(size)), false)),
    ("registers, order given", |size| ours(registers(size), true)),
    ("lists, adya", |size| adya(shape(size))),
    ("registers, adya", |size| adya(registers(size))),
];

fn shape(size: usize) -> HistoryShape {
    HistoryShape::new(20, size)
}

fn registers(size: usize) -> HistoryShape {
    HistoryShape { registers: true, ..shape(size) }
}

fn skewed(shape: HistoryShape) -> HistoryShape {
    HistoryShape { planted: Some(Phenomenon::WriteSkew), ..shape }
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    if let (Some(kind), Some(size)) = (arguments.next(), arguments.next()) {
        if let Some((_, work)) = KINDS.get(kind) {
            work(size);
        }
        return;
    }
    println!("{:<28} {:>12} {:>12} {:>12} {:>12} {:>10}", "", "transactions", "pack/parse ms", "check ms", "1000 txn/s", "MiB");
    for (kind, (name, _)) in KINDS.iter().enumerate() {
        // A million transactions take adya most of a minute and 8 GB; where something is planted among registers, each level is searched
        // for an order of its own.
        let is_long = |size: usize| size >= 1_000_000 && (name.contains("adya") || *name == "registers, skew planted");
        for size in SIZES.into_iter().filter(|size| !is_long(*size)) {
            let program = std::env::current_exe().expect("the path of this benchmark");
            let output = Command::new(program).args([kind.to_string(), size.to_string()]).output().expect("this benchmark runs again");
            print!("{name:<28} {size:>12} {}", String::from_utf8_lossy(&output.stdout));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// Prints the times of the two halves, and the memory that they took.
fn row(size: usize, first: f64, second: f64, mebibytes: f64) {
    let speed = size as f64 / (first + second) / 1e3;
    println!("{:>12.1} {:>12.1} {:>12.0} {mebibytes:>10.1}", first * 1e3, second * 1e3, speed);
}

/// Registers alone do not show the order of blind writes: unless it is given, it is searched for.
fn ours(shape: HistoryShape, given: bool) {
    let made = generate(&shape, RunKey::from_seed(1));
    let rounds = (200_000 / shape.transactions).clamp(1, 20);
    let before = mebibytes("VmRSS:");
    let (mut pack, mut judge) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (seconds, transactions) = cpu(|| {
            let mut transactions = Transactions::from(&made.history);
            made.orders.iter().filter(|_| given).for_each(|(key, values)| transactions.order(*key, values));
            transactions
        });
        pack.push(seconds);
        let (seconds, report) = cpu(|| check(&transactions, DEFAULT_BUDGET));
        judge.push(seconds);
        let is_planted = shape.planted.is_some();
        let expected = if is_planted { Verdict::Violated } else { Verdict::Holds };
        assert_eq!(report.verdict(Level::StrictSerializable), expected);
        assert!(!(is_planted && shape.registers) || report.verdict(Level::StrongSnapshotIsolation) == Verdict::Holds);
    }
    row(shape.transactions, median(pack), median(judge), mebibytes("VmHWM:") - before);
}

fn adya(shape: HistoryShape) {
    let json = json(&generate(&shape, RunKey::from_seed(1)).history);
    let before = mebibytes("VmRSS:");
    let workload = if shape.registers { adya::Workload::RwRegister } else { adya::Workload::ListAppend };
    let options = adya::Opts { models: vec!["strict-serializable".to_owned()], ..adya::Opts::default() };
    let (parse, history) = cpu(|| adya::History::from_json(&json).expect("JSON that it reads"));
    let (check, report) = cpu(|| adya::check(&history, workload, &options));
    assert_eq!(report.valid, adya::Valid::True);
    row(shape.transactions, parse, check, mebibytes("VmHWM:") - before);
}

/// The history as Jepsen's JSON, an event a line.
fn json(history: &History<Transaction, Committed>) -> String {
    let operations = history.operations();
    let mut events: Vec<(u64, usize, bool)> = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        events.push((operation.invoked.as_nanos(), index, false));
        events.extend(operation.completed.map(|completed| (completed.as_nanos(), index, true)));
    }
    events.sort_unstable();
    let mut text = String::new();
    for (at, index, ends) in events {
        let operation = &operations[index];
        let kind = match (ends, &operation.outcome) {
            (false, _) => "invoke",
            (true, Outcome::Done(_)) => "ok",
            (true, Outcome::Failed) => "fail",
            (true, Outcome::Unknown) => "info",
        };
        let mut seen = operation.result().filter(|_| ends).map(|committed| committed.seen.iter());
        let mut next = |act: &Act| if act.is_read() { seen.as_mut().and_then(Iterator::next) } else { None };
        let acts: Vec<String> = operation.op.acts.iter().map(|act| act_json(act, next(act))).collect();
        let _ = writeln!(
            text,
            r#"{{"type":"{kind}","process":{},"f":"txn","time":{at},"value":[{}]}}"#,
            operation.client.client,
            acts.join(",")
        );
    }
    text
}

fn act_json(act: &Act, seen: Option<&Seen>) -> String {
    match act {
        Act::Read { key } => match seen {
            Some(Seen::List(list)) => format!(r#"["r",{key},{list:?}]"#),
            Some(Seen::Number(number)) => format!(r#"["r",{key},{number}]"#),
            _ => format!(r#"["r",{key},null]"#),
        },
        Act::Write { key, value } => format!(r#"["w",{key},{value}]"#),
        Act::Append { key, value } => format!(r#"["append",{key},{value}]"#),
        Act::Add { .. } => String::new(),
    }
}

/// What the system says of this process's memory; not a number where it does not tell.
fn mebibytes(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let figure = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    figure.map_or(f64::NAN, |kibibytes| kibibytes / 1024.0)
}
