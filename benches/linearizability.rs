//! How long the checker takes, parsing and generating apart: `cargo bench --bench linearizability`, perhaps with the names of sections.
//!
//! Times are CPU time of one thread, the least of several rounds. Each row has a process of its own, so that its peak memory is known; that
//! of the history alone stands beside it. Beside each figure is Porcupine's (June 2026, Go 1.27, one thread of a like machine), where one
//! is known.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads what the system says of its process")]
#![allow(missing_docs, reason = "nobody calls a benchmark")]

#[path = "support/measure.rs"]
mod measure;
#[path = "../tests/checks/support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::io::{self, Read};
use std::process::Command;

use measure::{cpu, peak_mebibytes};
use stormglass::base::{ClientId, Ratio, RunKey, Stream, Time};
use stormglass::check::generate::{self, Lie, Planted, generate};
use stormglass::check::linearizability::{self, Judgement, Online};
use stormglass::check::model::Model;
use stormglass::check::model::kv::{Kv, KvOp, KvResult};
use stormglass::check::model::register::{Register, RegisterOp, RegisterResult};
use stormglass::check::{CheckOptions, run_check_again};
use stormglass::history::{History, Outcome};

/// One row: its section, its name, what Porcupine needs, and what to do.
struct Row {
    section: &'static str,
    name: String,
    porcupine: &'static str,
    work: Box<dyn Fn() -> String>,
}

fn main() {
    let rows: Vec<Row> = [recorded(), tiny(), long_registers(), unknown_outcomes(), texts_of_many(), online(), streams(), grid()]
        .into_iter()
        .flatten()
        .collect();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if let Some(row) = arguments.first().and_then(|number| number.parse::<usize>().ok()) {
        println!("{}", (rows[row].work)());
        return;
    }
    let mut section = "";
    for (number, row) in rows.iter().enumerate() {
        // The grid takes minutes, and is run by name only.
        let chosen = if arguments.is_empty() { row.section != "grid" } else { arguments.iter().any(|name| name == row.section) };
        if !chosen {
            continue;
        }
        if section != row.section {
            section = row.section;
            println!("\n{section:<56} {:>9} {:>11} {:>10} {:>7} {:>7}  verdict, Porcupine", "ops", "check ms", "states", "MiB", "peak");
        }
        let program = std::env::current_exe().expect("the path of this benchmark");
        let output = Command::new(program).arg(number.to_string()).output().expect("this benchmark runs again");
        println!("{:<56} {} {}", row.name, String::from_utf8_lossy(&output.stdout).trim_end(), row.porcupine);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// How long all these take together, and how long the violations take to explain.
fn judged<M: Model>(histories: &[History<M::Op, M::Ret>], model: &M) -> String {
    let operations: usize = histories.iter().map(History::len).sum();
    let before = peak_mebibytes();
    let rounds = (200_000 / operations.max(1)).clamp(3, 100);
    // What takes less than the clock can tell is done many times in a row.
    let repeated = (10_000 / operations.max(1)).max(1);
    let mut reports = Vec::new();
    let mut least = f64::MAX;
    let mut peak = before;
    for round in 0..rounds {
        let (seconds, ()) = cpu(|| {
            for _ in 0..repeated {
                reports = histories.iter().map(|history| linearizability::check(model, history)).collect();
            }
        });
        least = least.min(seconds / repeated as f64);
        if round == 0 {
            peak = peak_mebibytes();
        }
        if least > 0.2 {
            break;
        }
    }
    let (explained, sizes) = cpu(|| {
        let mut sizes = Vec::new();
        for (history, report) in histories.iter().zip(&reports) {
            sizes.extend(report.violations().iter().map(|violation| linearizability::explain(model, history, violation).foremost.len()));
        }
        sizes
    });
    let states: u64 = reports.iter().map(|report| report.states).sum();
    let count = |wanted: fn(&Judgement) -> bool| reports.iter().filter(|report| wanted(&report.judgement)).count();
    let violated = count(|judgement| matches!(judgement, Judgement::Violated { .. }));
    let unknown = count(|judgement| matches!(judgement, Judgement::Unknown { .. }));
    let mut note = match (reports.len(), violated, unknown) {
        (_, 0, 0) => "holds".to_owned(),
        (1, 1, _) => "violated".to_owned(),
        (1, ..) => "UNKNOWN".to_owned(),
        (all, violated, unknown) => format!("{violated} of {all} violated, {unknown} unknown"),
    };
    if let Some(largest) = sizes.iter().max() {
        let _ = write!(note, "; {} explained in {:.1} ms, by at most {largest}", sizes.len(), explained * 1e3);
    }
    format!("{operations:>9} {:>11.4} {states:>10} {before:>7.1} {peak:>7.1}  {note};", least * 1e3)
}

fn row(section: &'static str, name: impl Into<String>, porcupine: &'static str, work: impl Fn() -> String + 'static) -> Row {
    Row { section, name: name.into(), porcupine, work: Box::new(work) }
}

fn recorded() -> Vec<Row> {
    let Some(folder) = support::recorded() else { return Vec::new() };
    let files = support::verdicts(&folder);
    let text = move |file: &str| std::fs::read_to_string(folder.join(file)).expect("a readable file");
    let (all, logs) = (text.clone(), files.clone());
    let mut rows = vec![row("recorded", "etcd, the logs together", "102 logs: 361 ms", move || {
        let logs = logs.iter().filter(|(_, model, _)| model == "cas-register");
        let logs: Vec<_> = logs.map(|(file, ..)| support::read_log(&all(file))).collect();
        judged(&logs, &Register::empty())
    })];
    let log = text.clone();
    rows.push(row("recorded", "etcd_002", "139 ms", move || judged(&[support::read_log(&log("etcd/etcd_002.log"))], &Register::empty())));
    for (file, ..) in files.into_iter().filter(|(_, model, _)| model == "kv") {
        let porcupine = match file.as_str() {
            "kv/c01-ok.txt" => "0.038 ms",
            "kv/c01-bad.txt" => "0.013 ms",
            "kv/c10-ok.txt" => "0.30 ms",
            "kv/c10-bad.txt" => "0.12 ms (first key only)",
            "kv/c50-ok.txt" => "132 ms",
            _ => "",
        };
        let maps = text.clone();
        rows.push(row("recorded", file.clone(), porcupine, move || {
            judged(&[support::read_maps(&maps(&file))], &Kv::holding(String::new()))
        }));
    }
    rows
}

/// What a check costs before it begins.
fn tiny() -> Vec<Row> {
    let of = |clients, operations| move || judged(&[registers(clients, operations, None)], &Register::empty());
    vec![row("tiny", "two operations", "", of(1, 2)), row("tiny", "eight operations", "", of(3, 8))]
}

fn long_registers() -> Vec<Row> {
    let mut rows = Vec::new();
    let porcupine = [
        ["1.7 ms", "272 ms (other seed)", "8.0 ms", "272 ms"],
        ["62 ms", "304 ms", "303 ms", "9733 ms, 4.0 GB"],
        ["4719 ms, 3.8 GB", "", "43042 ms, 17.3 GB", "out of 20 GB after 48 s"],
        ["", "", "", ""],
    ];
    for (operations, known) in [1_000, 10_000, 100_000, 1_000_000].into_iter().zip(porcupine) {
        for (kind, (clients, values)) in [(5, None), (10, Some(5))].into_iter().enumerate() {
            let of = move || registers(clients, operations, values);
            let name = if values.is_none() { "5 clients, each value once" } else { "10 clients, 5 values, cas" };
            rows.push(row("registers", name, known[2 * kind], move || judged(&[of()], &Register::empty())));
            let lies = "  an impossible read at 98 %";
            rows.push(row("registers", lies, known[2 * kind + 1], move || judged(&[lie(of())], &Register::empty())));
        }
    }
    rows
}

fn unknown_outcomes() -> Vec<Row> {
    let mut rows = Vec::new();
    for (operations, one_in) in [(1_000, 20), (1_000, 5), (10_000, 100), (10_000, 10), (100_000, 10)] {
        for (name, values) in [("each value once", None), ("5 values, cas", Some(5))] {
            let of = move || forget(&registers(10, operations, values), one_in);
            let name = format!("10 clients, {name}, 1 in {one_in} unknown");
            rows.push(row("unknown", name, "", move || judged(&[of()], &Register::empty())));
            rows.push(row("unknown", "  an impossible read at 98 %", "", move || judged(&[lie(of())], &Register::empty())));
            rows.push(row("unknown", "  a stale read at 98 %", "", move || judged(&[stale(of())], &Register::empty())));
        }
    }
    rows
}

fn texts_of_many() -> Vec<Row> {
    let of = |seed| {
        let whole = move |lies| judged(&[texts(50, 2_000, seed, lies)], &Kv::holding(String::new()));
        let name = format!("get, put, append: 50 clients, 10 keys, {seed}");
        [
            row("texts", name, "c50-ok: 132 ms", move || whole(false)),
            row("texts", "  every key violated", "c50-bad: two of ten keys > 60 s", move || whole(true)),
        ]
    };
    (0..8).flat_map(of).collect()
}

/// Judged while it is made: after each completion, and now and then.
fn online() -> Vec<Row> {
    let of = |clients: u64, operations: usize, values: Option<u64>, one_in: Option<u64>| {
        let name = format!("{clients} clients, {}", if values.is_none() { "each value once" } else { "5 values, cas" });
        let name = one_in.map_or(name.clone(), |one_in| format!("{name}, 1 in {one_in} unknown"));
        let judged = move |batched: bool| {
            let history = registers(clients, operations, values);
            let history = one_in.map_or_else(|| history.clone(), |one_in| forget(&history, one_in));
            let before = peak_mebibytes();
            let (mut most, mut remembered) = (0, 0);
            let (seconds, online) = cpu(|| {
                let online = Online::new(Register::empty());
                let mut online = if batched { online.batched() } else { online };
                for (at, invokes, index) in events(&history) {
                    let operation = &history.operations()[index];
                    let taken = if invokes {
                        online.invoke(at, operation.client, operation.op.clone())
                    } else {
                        online.complete(at, operation.client, operation.outcome.clone())
                    };
                    taken.expect("a well-formed history");
                    most = most.max(online.configurations());
                    remembered = remembered.max(online.operations());
                }
                online.finish();
                online
            });
            let (states, verdict, peak) = (online.states(), online.verdict(), peak_mebibytes());
            let ms = seconds * 1e3;
            let kept = format!("at most {most} configurations and {remembered} operations");
            format!("{operations:>9} {ms:>11.4} {states:>10} {before:>7.1} {peak:>7.1}  {verdict}; {kept};")
        };
        [row("online", name, "", move || judged(false)), row("online", "  in batches", "", move || judged(true))]
    };
    let plain = [(3, 100_000, None), (5, 100_000, None), (5, 100_000, Some(5)), (10, 100_000, None), (10, 100_000, Some(5))];
    let unknown = [(10, 10_000, Some(5), Some(100)), (10, 10_000, None, Some(100))];
    let plain = plain.into_iter().map(|(clients, operations, values)| (clients, operations, values, None));
    plain.chain(unknown).flat_map(|(clients, operations, values, one_in)| of(clients, operations, values, one_in)).collect()
}

/// A file that is made while it is read: lines of Jepsen's log.
struct Lines {
    events: std::vec::IntoIter<(Time, bool, usize)>,
    history: RegisterHistory,
    line: io::Cursor<Vec<u8>>,
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.line.read(buffer)?;
        if read > 0 {
            return Ok(read);
        }
        let mut text = String::new();
        for (_, invokes, index) in self.events.by_ref().take(256) {
            let operation = &self.history.operations()[index];
            let client = operation.client.client;
            let kind = match (invokes, operation.result()) {
                (true, _) => "invoke",
                (false, Some(RegisterResult::Mismatch)) => "fail",
                (false, _) => "ok",
            };
            let _ = match (&operation.op, operation.result()) {
                (RegisterOp::Read, Some(RegisterResult::Value(Some(value)))) if !invokes => {
                    writeln!(text, "INFO  jepsen.util - {client} :{kind} :read {value}")
                }
                (RegisterOp::Read, _) => writeln!(text, "INFO  jepsen.util - {client} :{kind} :read nil"),
                (RegisterOp::Write(value), _) => writeln!(text, "INFO  jepsen.util - {client} :{kind} :write {value}"),
                (RegisterOp::Cas { expect, new }, _) => {
                    writeln!(text, "INFO  jepsen.util - {client} :{kind} :cas [{} {new}]", expect.unwrap_or(0))
                }
            };
        }
        self.line = io::Cursor::new(text.into_bytes());
        self.line.read(buffer)
    }
}

/// Reading and judging a file, from its text to the verdict.
fn streams() -> Vec<Row> {
    let of = |operations: usize| {
        row("streams", format!("a log of {} events", 2 * operations), "", move || {
            // A short piece again and again, so that the file itself takes no room.
            let history = registers(10, 10_000, Some(5));
            let lines = |_| Lines { events: events(&history).into_iter(), history: history.clone(), line: io::Cursor::new(Vec::new()) };
            let mut text = String::new();
            lines(0).read_to_string(&mut text).expect("text");
            // Each piece begins where the last one ended.
            text.push_str("INFO  jepsen.util - 0 :invoke :write 0\nINFO  jepsen.util - 0 :ok :write 0\n");
            let start = "INFO  jepsen.util - 0 :invoke :write 0\nINFO  jepsen.util - 0 :ok :write 0\n";
            let text = format!("{start}{}", text.replace(":ok :read nil", ":info :read nil"));
            let before = peak_mebibytes();
            let file = || Ok(Repeated { text: text.clone().into_bytes(), at: 0, left: operations.div_ceil(10_000) });
            let (seconds, report) = cpu(|| run_check_again(file, "cas-register", &CheckOptions::default()).expect("a file without faults"));
            let (ms, states, peak) = (seconds * 1e3, report.states, peak_mebibytes());
            format!("{:>9} {ms:>11.4} {states:>10} {before:>7.1} {peak:>7.1}  {};", report.operations, report.verdict)
        })
    };
    vec![of(50_000), of(500_000), of(5_000_000)]
}

/// A text again and again.
struct Repeated {
    text: Vec<u8>,
    at: usize,
    left: usize,
}

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.text.len() {
            self.at = 0;
            self.left -= 1;
        }
        if self.left == 0 {
            return Ok(0);
        }
        let length = buffer.len().min(self.text.len() - self.at);
        buffer[..length].copy_from_slice(&self.text[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

/// Everything with everything.
fn grid() -> Vec<Row> {
    let mut rows = Vec::new();
    for clients in [2, 10, 100] {
        for operations in [1_000, 10_000, 100_000, 1_000_000] {
            for percent in [0, 5, 20] {
                for values in [None, Some(5)] {
                    for violated in [false, true] {
                        let planted = violated.then_some(Planted { lie: Lie::Impossible, after: operations * 98 / 100 });
                        let unknown = Ratio::new(percent, 100).expect("a ratio");
                        let shape = generate::HistoryShape { unknown, values, planted, ..generate::HistoryShape::new(clients, operations) };
                        let once = if values.is_none() { "each value once" } else { "5 values, cas" };
                        let name = format!("{clients} clients, {percent} % unknown, {once}{}", if violated { ", violated" } else { "" });
                        rows.push(row("grid", name, "", move || {
                            judged(&[generate(&Register::empty(), &shape, RunKey::from_seed(1)).history], &Register::empty())
                        }));
                    }
                }
            }
        }
    }
    rows
}

/// The events of a history, in their order.
fn events<O, R>(history: &History<O, R>) -> Vec<(Time, bool, usize)> {
    let mut events = Vec::new();
    for (index, operation) in history.operations().iter().enumerate() {
        events.push((operation.invoked, true, index));
        events.extend(operation.completed.map(|completed| (completed, false, index)));
    }
    events.sort_unstable();
    events
}

type RegisterHistory = History<RegisterOp<i64>, RegisterResult<i64>>;

/// A linearizable history of a register: each operation takes effect at some time while it is open. With `values`, writes repeat and
/// compare-and-set is used.
fn registers(clients: u64, operations: usize, values: Option<u64>) -> RegisterHistory {
    let mut random = RunKey::from_seed(operations as u64).stream("register", clients);
    let mut fresh = 0;
    let mut held = None;
    concurrent(
        clients,
        operations,
        &mut random,
        |random, _| match (random.below(10), values) {
            (0..5, _) => RegisterOp::Read,
            (_, None) => {
                fresh += 1;
                RegisterOp::Write(fresh)
            }
            (5..8, Some(values)) => RegisterOp::Write(random.below(values) as i64),
            (_, Some(values)) => RegisterOp::Cas { expect: Some(random.below(values) as i64), new: random.below(values) as i64 },
        },
        |op| match op {
            RegisterOp::Read => RegisterResult::Value(held),
            RegisterOp::Write(value) => {
                held = Some(*value);
                RegisterResult::Written
            }
            RegisterOp::Cas { expect, new } if *expect == held => {
                held = Some(*new);
                RegisterResult::Swapped
            }
            RegisterOp::Cas { .. } => RegisterResult::Mismatch,
        },
    )
}

/// The history with a read near its end that returns what was never written.
fn lie(history: RegisterHistory) -> RegisterHistory {
    let place = history.len() * 98 / 100;
    let reads = |index: &usize| history.operations()[*index].op == RegisterOp::Read && history.operations()[*index].result().is_some();
    let wrong = (place..history.len()).find(reads).expect("a read");
    edit(&history, |index, result| Some(if index == wrong { RegisterResult::Value(Some(-1)) } else { result.clone() }))
}

/// The history with a read near its end that returns what the register held long before.
fn stale(history: RegisterHistory) -> RegisterHistory {
    let place = history.len() * 98 / 100;
    let value = |index: usize| match history.operations()[index].result() {
        Some(RegisterResult::Value(Some(value))) => Some(*value),
        _ => None,
    };
    let wrong = (place..history.len()).find(|index| value(*index).is_some()).expect("a read");
    let old = (0..place / 2).rev().find_map(|index| value(index).filter(|old| Some(*old) != value(wrong))).expect("another value");
    edit(&history, |index, result| Some(if index == wrong { RegisterResult::Value(Some(old)) } else { result.clone() }))
}

/// The history as clients know it who did not learn the outcome of one operation in so many.
fn forget(history: &RegisterHistory, one_in: u64) -> RegisterHistory {
    let mut random = RunKey::from_seed(one_in).stream("forget", 0);
    let forgotten: Vec<bool> = (0..history.len()).map(|_| random.below(one_in) == 0).collect();
    edit(history, |index, result| (!forgotten[index]).then(|| result.clone()))
}

/// A history of get, put and append over ten keys. With `lies`, one read of each key misses a token from its middle.
fn texts(clients: u64, operations: usize, seed: u64, lies: bool) -> History<KvOp<String, String>, KvResult<String>> {
    let mut random = RunKey::from_seed(seed).stream("texts", clients);
    let mut held = vec![String::new(); 10];
    let mut counts = vec![0; clients as usize];
    let history = concurrent(
        clients,
        operations,
        &mut random,
        |random, client| {
            let key = random.below(10).to_string();
            let value = format!("x {client} {} y", counts[client as usize]);
            counts[client as usize] += 1;
            match random.below(10) {
                0..5 => KvOp::Read { key },
                5..9 => KvOp::Append { key, value },
                _ => KvOp::Write { key, value },
            }
        },
        |op| {
            let held = &mut held[op.key().parse::<usize>().expect("a number")];
            match op {
                KvOp::Read { .. } => return KvResult::Value(Some(held.clone())),
                KvOp::Append { value, .. } => held.push_str(value),
                KvOp::Write { value, .. } => held.clone_from(value),
                other => unreachable!("{other:?}"),
            }
            KvResult::Written
        },
    );
    if !lies {
        return history;
    }
    let mut wrong = vec![None; 10];
    for (index, operation) in history.operations().iter().enumerate().skip(history.len() / 2) {
        let key = operation.op.key().parse::<usize>().expect("a number");
        if let Some(KvResult::Value(Some(text))) = operation.result()
            && text.matches('x').count() >= 3
            && wrong[key].is_none()
        {
            let tokens: Vec<&str> = text.split_inclusive('y').collect();
            let middle = tokens.len() - 2;
            wrong[key] = Some((index, [&tokens[..middle], &tokens[middle + 1..]].concat().concat()));
        }
    }
    edit(&history, |index, result| match wrong.iter().flatten().find(|(place, _)| *place == index) {
        Some((_, text)) => Some(KvResult::Value(Some(text.clone()))),
        None => Some(result.clone()),
    })
}

/// Clients in a closed loop, each event at a time of its own.
fn concurrent<O: Clone, R: Clone>(
    clients: u64,
    operations: usize,
    random: &mut Stream,
    mut make: impl FnMut(&mut Stream, u64) -> O,
    mut apply: impl FnMut(&O) -> R,
) -> History<O, R> {
    let mut history = History::new();
    let mut open: Vec<Option<(O, Option<R>)>> = vec![None; clients as usize];
    let (mut now, mut left, mut busy) = (0, operations, 0);
    while left > 0 || busy > 0 {
        let client = random.below(clients);
        let id = ClientId::new(client as u32);
        now += 1;
        let place = &mut open[client as usize];
        *place = match place.take() {
            None if left > 0 => {
                let op = make(random, client);
                history.invoke(Time::from_nanos(now), id, op.clone()).expect("an invocation");
                (left, busy) = (left - 1, busy + 1);
                Some((op, None))
            }
            None => None,
            Some((op, None)) => {
                let result = apply(&op);
                Some((op, Some(result)))
            }
            Some((_, Some(result))) => {
                history.complete(Time::from_nanos(now), id, Outcome::Done(result)).expect("a completion");
                busy -= 1;
                None
            }
        };
    }
    history
}

/// The same history with other results; without one, the outcome is unknown.
fn edit<O: Clone, R: Clone>(history: &History<O, R>, result: impl Fn(usize, &R) -> Option<R>) -> History<O, R> {
    let operations = history.operations();
    let mut edited = History::new();
    for (at, invokes, index) in events(history) {
        let operation = &operations[index];
        if invokes {
            edited.invoke(at, operation.client, operation.op.clone()).expect("an invocation");
        } else {
            let outcome = operation.result().and_then(|known| result(index, known)).map_or(Outcome::Unknown, Outcome::Done);
            edited.complete(at, operation.client, outcome).expect("a completion");
        }
    }
    edited
}
