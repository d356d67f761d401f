//! How long the checker takes, parsing and generating apart: `cargo bench --bench linearizability`.
//!
//! Beside each figure is Porcupine's (June 2026, Go 1.27, one thread of a like machine), where one is known.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the wall clock")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use stormglass::base::{ClientId, RunKey, Stream, Time};
use stormglass::check::linearizability::{self, Judgement};
use stormglass::check::model::Model;
use stormglass::check::model::kv::{Kv, KvOp, KvResult};
use stormglass::check::model::register::{Register, RegisterOp, RegisterResult};
use stormglass::history::{History, Outcome};

fn main() {
    println!("{:<44} {:>9} {:>12} {:>12} {:>12} {:>10}   Porcupine", "history", "ops", "check", "explain", "core", "states");
    recorded();
    tiny();
    for (operations, known) in [
        (1_000, ["1.7 ms", "272 ms (other seed)"]),
        (10_000, ["62 ms", "304 ms"]),
        (100_000, ["4719 ms, 3.8 GB", ""]),
        (1_000_000, ["", ""]),
    ] {
        let history = registers(5, operations, None);
        row("register, 5 clients, unique writes", std::slice::from_ref(&history), &Register::empty(), known[0]);
        row("  with an impossible read at 98 %", &[lie(history)], &Register::empty(), known[1]);
    }
    for (operations, known) in [
        (1_000, ["8.0 ms", "272 ms"]),
        (10_000, ["303 ms", "9733 ms, 4.0 GB"]),
        (100_000, ["43042 ms, 17.3 GB", "out of 20 GB after 48 s"]),
        (1_000_000, ["", ""]),
    ] {
        let history = registers(10, operations, Some(5));
        row("register, 10 clients, 5 values, cas", std::slice::from_ref(&history), &Register::empty(), known[0]);
        row("  with an impossible read at 98 %", &[lie(history)], &Register::empty(), known[1]);
    }
    for (operations, one_in) in [(1_000, 20), (1_000, 5), (10_000, 100), (10_000, 10)] {
        for (name, values) in [("unique writes", None), ("5 values, cas", Some(5))] {
            let history = forget(&registers(10, operations, values), one_in);
            row(&format!("10 clients, {name}, 1 in {one_in} unknown"), std::slice::from_ref(&history), &Register::empty(), "");
            row("  with an impossible read at 98 %", &[lie(history)], &Register::empty(), "");
        }
    }
    for seed in 0..4 {
        let history = texts(50, 2_000, seed, false);
        row(&format!("get, put, append: 50 clients, 10 keys, {seed}"), &[history], &Kv::holding(String::new()), "c50-ok: 132 ms");
        let history = texts(50, 2_000, seed, true);
        row("  every key violated", &[history], &Kv::holding(String::new()), "c50-bad: two of ten keys > 60 s");
    }
}

/// Prints how long all these take together: the least of several rounds.
fn row<M: Model>(name: &str, histories: &[History<M::Op, M::Ret>], model: &M, porcupine: &str) {
    let operations: usize = histories.iter().map(History::len).sum();
    let rounds = (200_000 / operations.max(1)).clamp(3, 100);
    let mut reports = Vec::new();
    let mut least = Duration::MAX;
    for _ in 0..rounds {
        let start = Instant::now();
        reports = histories.iter().map(|history| linearizability::check(model, history)).collect();
        least = least.min(start.elapsed());
        if least > Duration::from_secs(1) {
            break;
        }
    }
    let start = Instant::now();
    for (history, report) in histories.iter().zip(&reports) {
        for violation in report.violations() {
            let why = linearizability::diagnose(model, history, violation);
            assert!(!why.explain(model, history).is_empty(), "an explanation");
        }
    }
    let explain = start.elapsed();
    let start = Instant::now();
    let mut sizes = Vec::new();
    for (history, report) in histories.iter().zip(&reports) {
        sizes.extend(report.violations().iter().map(|violation| linearizability::shrink(model, history, violation).operations.len()));
    }
    let core = start.elapsed();
    let states: u64 = reports.iter().map(|report| report.states).sum();
    let violated = reports.iter().filter(|report| matches!(report.judgement, Judgement::Violated { .. })).count();
    let unknown = reports.iter().filter(|report| matches!(report.judgement, Judgement::Unknown { .. })).count();
    let note = match (reports.len(), violated, unknown) {
        (_, 0, 0) => "holds".to_owned(),
        (1, 1, _) => "violated".to_owned(),
        (1, ..) => "UNKNOWN".to_owned(),
        (all, violated, unknown) => format!("{violated} of {all} violated, {unknown} unknown"),
    };
    let note = match sizes.iter().max() {
        Some(largest) => format!("{note}, cores of at most {largest}"),
        None => note,
    };
    let (least, explain, core) = (show(least), show(explain), show(core));
    println!("{name:<44} {operations:>9} {least:>12} {explain:>12} {core:>12} {states:>10}   {porcupine} [{note}]");
}

fn show(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

fn recorded() {
    let Some(folder) = support::recorded() else {
        println!("(there are no recorded histories in ../shared/histories)");
        return;
    };
    let files = support::verdicts(&folder);
    let text = |file: &str| std::fs::read_to_string(folder.join(file)).expect("a readable file");
    let logs: Vec<_> =
        files.iter().filter(|(_, model, _)| model == "cas-register").map(|(file, ..)| support::read_log(&text(file))).collect();
    row("etcd, the logs together", &logs, &Register::empty(), "102 logs: 361 ms");
    row("etcd_002", &[support::read_log(&text("etcd/etcd_002.log"))], &Register::empty(), "139 ms");
    for (file, ..) in files.iter().filter(|(_, model, _)| model == "kv") {
        let porcupine = match file.as_str() {
            "kv/c01-ok.txt" => "0.038 ms",
            "kv/c01-bad.txt" => "0.013 ms",
            "kv/c10-ok.txt" => "0.30 ms",
            "kv/c10-bad.txt" => "0.12 ms (first key only)",
            "kv/c50-ok.txt" => "132 ms",
            _ => "",
        };
        row(file, &[support::read_maps(&text(file))], &Kv::holding(String::new()), porcupine);
    }
}

/// What a check costs before it begins.
fn tiny() {
    row("two operations", &[registers(1, 2, None)], &Register::empty(), "");
    row("eight operations", &[registers(3, 8, None)], &Register::empty(), "");
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
    let mut events: Vec<(Time, bool, usize)> = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        events.push((operation.invoked, true, index));
        events.extend(operation.completed.map(|completed| (completed, false, index)));
    }
    events.sort_unstable();
    let mut edited = History::new();
    for (at, invokes, index) in events {
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
