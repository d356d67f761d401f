//! The weaker guarantees against their definitions, tried out by brute force on small histories, and told to people.

use std::collections::BTreeMap;

use expect_test::expect;
use stormglass::base::{ClientId, RunKey, Stream, Time};
use stormglass::check::consistency::{
    Guarantee, GuaranteeReport, Observable, ObservedEffect, check, check_all, check_sequential, strongest,
};
use stormglass::check::linearizability::reference;
use stormglass::check::model::register::{Register, RegisterOp, RegisterResult};
use stormglass::check::model::{Key, Model, Next, Role};
use stormglass::check::{Broken, Fact, Verdict};
use stormglass::history::{History, Outcome};

/// Registers and sets under numbered keys, in one model: even keys are registers that start with 0, odd ones are sets that start empty.
struct Mixed;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Op {
    Read(u64),
    Write(u64, u64),
    Swap(u64, u64, u64),
    Add(u64, u64),
    Members(u64),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Ret {
    Value(u64),
    Elements(Vec<u64>),
    Done,
}

impl Op {
    const fn key(&self) -> u64 {
        match self {
            Self::Read(key) | Self::Write(key, _) | Self::Swap(key, ..) | Self::Add(key, _) | Self::Members(key) => *key,
        }
    }
}

impl Model for Mixed {
    type State = Vec<u64>;
    type Op = Op;
    type Ret = Ret;

    fn initial(&self) -> Vec<u64> {
        Vec::new()
    }

    fn step(&self, state: &Vec<u64>, op: &Op, ret: Option<&Ret>) -> Next<Vec<u64>> {
        let held = state.first().copied().unwrap_or(0);
        match (op, ret) {
            (Op::Read(_), Some(Ret::Value(seen))) if *seen == held => Next::Same,
            (Op::Members(_), Some(Ret::Elements(seen))) if seen == state => Next::Same,
            (Op::Read(_) | Op::Members(_), None) => Next::Same,
            (Op::Write(_, value), _) => Next::One(vec![*value]),
            (Op::Swap(_, seen, new), _) if *seen == held => Next::One(vec![*new]),
            (Op::Swap(..), None) => Next::Same,
            (Op::Add(_, element), _) => {
                let mut state = state.clone();
                state.push(*element);
                state.sort_unstable();
                state.dedup();
                Next::One(state)
            }
            _ => Next::Illegal,
        }
    }

    fn key<'a>(&self, op: &'a Op) -> Key<'a> {
        Key::Number(op.key())
    }

    fn role(&self, op: &Op, _: Option<&Ret>) -> Role<Vec<u64>> {
        match op {
            Op::Read(_) | Op::Members(_) => Role::Observer,
            Op::Write(_, value) => Role::Write(vec![*value]),
            Op::Swap(_, _, new) => Role::Swap(vec![*new]),
            Op::Add(..) => Role::Update,
        }
    }
}

impl Observable for Mixed {
    type Value = u64;

    fn at_first(&self) -> Option<u64> {
        Some(0)
    }

    fn observed_effect(&self, op: &Op, ret: Option<&Ret>) -> ObservedEffect<u64> {
        match (op, ret) {
            (Op::Read(_), Some(Ret::Value(seen))) => ObservedEffect::Read(Some(*seen)),
            (Op::Members(_), Some(Ret::Elements(seen))) => ObservedEffect::Members(seen.clone()),
            (Op::Write(_, value), _) => ObservedEffect::Write(*value),
            (Op::Swap(_, seen, new), _) => ObservedEffect::Swap { seen: Some(*seen), new: *new },
            (Op::Add(_, element), _) => ObservedEffect::Add(*element),
            _ => ObservedEffect::Nothing,
        }
    }
}

type Mix = History<Op, Ret>;

/// A small history in which every value is written once, and reads see anything that somebody writes.
fn small(random: &mut Stream, keys: u64, kinds: u64) -> Mix {
    let clients = 2 + random.below(2);
    let count = 4 + random.below(4);
    let mut history = History::new();
    let mut written: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let mut ops: Vec<(u32, Op)> = Vec::new();
    for value in 1..=count {
        let key = random.below(keys) * if kinds == 1 { 2 } else { 1 } + u64::from(kinds == 2);
        let client = random.below(clients) as u32;
        let register = key.is_multiple_of(2);
        let op = match (random.below(8), register) {
            (0..=3, true) => Op::Read(key),
            (0..=3, false) => Op::Members(key),
            (4, true) => Op::Swap(key, written.get(&key).and_then(|values| random.choose(values).copied()).unwrap_or(0), value),
            (_, true) => Op::Write(key, value),
            (_, false) => Op::Add(key, value),
        };
        if matches!(op, Op::Write(..) | Op::Swap(..) | Op::Add(..)) {
            written.entry(key).or_default().push(value);
        }
        ops.push((client, op));
    }
    for (at, (client, op)) in ops.into_iter().enumerate() {
        let (client, at) = (ClientId::new(client), |part: u64| Time::from_nanos(2 * at as u64 + part));
        let values = written.get(&op.key()).cloned().unwrap_or_default();
        let outcome = match (&op, random.below(7)) {
            (_, 0) => Outcome::Unknown,
            (Op::Read(_), pick) => Outcome::Done(Ret::Value(if pick == 1 { 0 } else { random.choose(&values).copied().unwrap_or(0) })),
            (Op::Members(_), _) => Outcome::Done(Ret::Elements(values.into_iter().filter(|_| random.below(3) > 0).collect())),
            _ => Outcome::Done(Ret::Done),
        };
        history.invoke(at(0), client, op).expect("an invocation");
        history.complete(at(1), client, outcome).expect("a completion");
    }
    history
}

/// One read or write of a history, for the definition.
struct Part {
    client: ClientId,
    index: usize,
    key: u64,
    known: bool,
    reads: Option<Vec<u64>>,
    writes: Option<u64>,
}

/// What a history consists of, if of the operations of unknown outcome only those in `chosen` took effect.
fn parts(history: &Mix, chosen: u32) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut unknown = 0;
    for (index, operation) in history.operations().iter().enumerate() {
        let known = operation.result().is_some();
        let part = |reads, writes| Part { client: operation.client, index, key: operation.op.key(), known, reads, writes };
        if !known {
            unknown += 1;
            if chosen >> (unknown - 1) & 1 == 0 || matches!(operation.op, Op::Read(_) | Op::Members(_)) {
                continue;
            }
        }
        match (&operation.op, operation.result()) {
            (Op::Read(_), Some(Ret::Value(seen))) => parts.push(part(Some(vec![*seen]), None)),
            (Op::Members(_), Some(Ret::Elements(seen))) => parts.push(part(Some(seen.clone()), None)),
            (Op::Write(_, value) | Op::Add(_, value), _) => parts.push(part(None, Some(*value))),
            (Op::Swap(_, seen, new), _) => parts.extend([part(Some(vec![*seen]), None), part(None, Some(*new))]),
            _ => {}
        }
    }
    parts
}

/// The definition, for one choice of what took effect: causes by the guarantee's rules, and some order of writes that fits all reads.
fn keeps(parts: &[Part], guarantee: Guarantee) -> bool {
    use Guarantee::{Causal, MonotonicReads, MonotonicWrites, ReadYourWrites, WritesFollowReads};
    let count = parts.len();
    let writer = |key: u64, value: u64| parts.iter().position(|part| part.key == key && part.writes == Some(value));
    let mut before = vec![vec![false; count]; count];
    for (a, first) in parts.iter().enumerate() {
        for (b, second) in parts.iter().enumerate().skip(a + 1) {
            // What is of unknown outcome precedes nothing, but for its own other half.
            if first.client == second.client && (first.known || first.index == second.index) {
                before[a][b] = match (guarantee, first.writes.is_some(), second.writes.is_some()) {
                    (Causal, ..) => true,
                    (MonotonicReads, false, false) | (ReadYourWrites, true, false) => true,
                    (MonotonicWrites, one, other) => one == other,
                    (WritesFollowReads, false, _) => true,
                    _ => false,
                };
            }
        }
        for value in first.reads.iter().flatten() {
            match writer(first.key, *value) {
                Some(write) if guarantee != ReadYourWrites => before[write][a] = true,
                Some(_) => {}
                None if *value == 0 && first.key.is_multiple_of(2) => {}
                None => return false,
            }
        }
    }
    for middle in 0..count {
        for a in 0..count {
            for b in 0..count {
                before[a][b] |= before[a][middle] && before[middle][b];
            }
        }
    }
    if matches!(guarantee, Causal | WritesFollowReads) && (0..count).any(|part| before[part][part]) {
        return false;
    }
    let sets = parts.iter().enumerate().filter(|(_, part)| part.key % 2 == 1 && part.reads.is_some());
    for (at, read) in sets {
        let missing =
            |part: &Part| part.key == read.key && part.writes.is_some_and(|value| !read.reads.iter().flatten().any(|seen| *seen == value));
        if parts.iter().enumerate().any(|(other, part)| before[other][at] && missing(part)) {
            return false;
        }
    }
    let writes: Vec<usize> = (0..count).filter(|part| parts[*part].writes.is_some() && parts[*part].key.is_multiple_of(2)).collect();
    orders(&writes).iter().any(|order| {
        let place = |part: usize| order.iter().position(|write| *write == part).expect("a write");
        let extends = writes.iter().all(|a| {
            writes.iter().all(|b| {
                let related = guarantee == Causal || parts[*a].key == parts[*b].key;
                !(related && before[*a][*b]) || place(*a) < place(*b)
            })
        });
        extends
            && parts.iter().enumerate().filter(|(_, part)| part.key.is_multiple_of(2)).all(|(at, read)| {
                let Some(seen) = read.reads.as_ref().map(|seen| writer(read.key, seen[0])) else { return true };
                writes
                    .iter()
                    .filter(|write| parts[**write].key == read.key && before[**write][at])
                    .all(|write| seen.is_some_and(|seen| place(*write) <= place(seen)))
            })
    })
}

fn orders(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, first) in items.iter().enumerate() {
        let rest: Vec<usize> = items.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, item)| *item).collect();
        all.extend(orders(&rest).into_iter().map(|order| [&[*first][..], &order].concat()));
    }
    all
}

fn flattened(history: &Mix) -> Mix {
    let mut flat = History::new();
    for operation in history.operations() {
        flat.invoke(Time::ZERO, operation.client, operation.op.clone()).expect("an invocation");
        flat.complete(Time::ZERO, operation.client, operation.outcome.clone()).expect("a completion");
    }
    flat
}

#[test]
fn the_definitions_agree() {
    let mut tally: BTreeMap<(Guarantee, Verdict), u32> = BTreeMap::new();
    for seed in 0..6_000 {
        let mut random = RunKey::from_seed(seed).stream("guarantee", 0);
        let history = small(&mut random, 1 + seed % 2, seed % 3 + 1);
        let reports = check_all(&Mixed, &history, Some(1_000_000));
        for report in &reports {
            let expected = match report.guarantee {
                Guarantee::Linearizable => reference::is_linearizable(&Mixed, &history),
                // At one instant, nothing is left but what each client did one after the other.
                Guarantee::Sequential => reference::is_linearizable(&Mixed, &flattened(&history)),
                weaker => {
                    let unknown = history.operations().iter().filter(|operation| operation.result().is_none()).count();
                    (0..1 << unknown).any(|chosen| keeps(&parts(&history, chosen), weaker))
                }
            };
            let expected = if expected { Verdict::Holds } else { Verdict::Violated };
            let alone = check(&Mixed, &history, report.guarantee, 1_000_000);
            assert_eq!(
                (report.verdict, alone.verdict),
                (expected, expected),
                "seed {seed}: {report:?}\n{alone:?}\n{:#?}",
                history.operations()
            );
            *tally.entry((report.guarantee, report.verdict)).or_default() += 1;
        }
        assert_eq!(check_sequential(&Mixed, &history, 1_000_000).verdict, reports[1].verdict, "seed {seed}");
        // With everything at one instant, only what each client did one after the other is left: less than that is asked for without a
        // clock, and more cannot be asked for.
        for (tied, report) in check_all(&Mixed, &flattened(&history), Some(1_000_000)).iter().zip(&reports) {
            let expected = if report.guarantee == Guarantee::Linearizable { reports[1].verdict } else { report.verdict };
            assert_eq!(tied.verdict, expected, "seed {seed}, at one instant: {tied:?}\n{:#?}", history.operations());
        }
    }
    println!("{tally:?}");
    for guarantee in Guarantee::ALL {
        for verdict in [Verdict::Holds, Verdict::Violated] {
            assert!(tally.get(&(guarantee, verdict)).is_some_and(|count| *count > 100), "{guarantee} {verdict}: {tally:?}");
        }
    }
}

/// Each line: the client, and what it did.
fn story(acts: &[(u32, Op, Ret)]) -> Mix {
    let mut history = History::new();
    for (at, (client, op, ret)) in acts.iter().enumerate() {
        let client = ClientId::new(*client);
        history.invoke(Time::from_nanos(2 * at as u64), client, op.clone()).expect("an invocation");
        history.complete(Time::from_nanos(2 * at as u64 + 1), client, Outcome::Done(ret.clone())).expect("a completion");
    }
    history
}

#[test]
fn textbook_cases() {
    use Guarantee::{Causal, MonotonicWrites, ReadYourWrites, Sequential, WritesFollowReads};
    let read = |client, key, value| (client, Op::Read(key), Ret::Value(value));
    let write = |client, key, value| (client, Op::Write(key, value), Ret::Done);
    let members = |client, elements: &[u64]| (client, Op::Members(1), Ret::Elements(elements.to_vec()));
    let add = |client, element| (client, Op::Add(1, element), Ret::Done);
    let cases: Vec<(&str, Mix, Vec<Guarantee>)> = vec![
        ("a stale read", story(&[write(0, 0, 1), read(1, 0, 0)]), vec![Sequential]),
        ("store buffers", story(&[write(0, 0, 1), write(1, 2, 1), read(0, 2, 0), read(1, 0, 0)]), vec![Causal]),
        (
            "two readers disagree on the order of two writes",
            story(&[write(0, 0, 1), write(1, 0, 2), read(2, 0, 1), read(3, 0, 2), read(2, 0, 2), read(3, 0, 1)]),
            vec![ReadYourWrites],
        ),
        (
            "independent writes seen in two orders",
            story(&[write(0, 0, 1), write(1, 2, 1), read(2, 0, 1), read(3, 2, 1), read(2, 2, 0), read(3, 0, 0)]),
            vec![Causal],
        ),
        (
            "an answer seen without its question",
            story(&[write(0, 0, 1), read(1, 0, 1), write(1, 2, 7), read(2, 2, 7), read(2, 0, 0)]),
            vec![MonotonicWrites, ReadYourWrites],
        ),
        (
            "a later write of one client seen without the earlier",
            story(&[write(0, 0, 1), write(0, 2, 2), read(1, 2, 2), read(1, 0, 0)]),
            vec![WritesFollowReads, ReadYourWrites],
        ),
        ("a read that goes back", story(&[write(0, 0, 1), read(1, 0, 1), read(1, 0, 0)]), vec![ReadYourWrites]),
        ("one's own write missed", story(&[write(0, 0, 1), read(0, 0, 0)]), vec![MonotonicWrites, WritesFollowReads]),
        ("a set that loses an element again", story(&[add(0, 1), members(1, &[1]), members(1, &[])]), vec![ReadYourWrites]),
        (
            "an element seen before one that it came after",
            story(&[add(0, 1), add(0, 2), members(1, &[2])]),
            vec![WritesFollowReads, ReadYourWrites],
        ),
    ];
    for (name, history, expected) in cases {
        let reports = check_all(&Mixed, &history, None);
        assert_eq!(strongest(&reports), expected, "{name}: {reports:#?}");
        for report in &reports {
            assert_eq!(report.verdict == Verdict::Violated, !report.operations().is_empty(), "{name}: {report:?}");
            let mut facts = report.why.iter().flat_map(|broken| &broken.facts);
            assert!(facts.all(|(_, fact)| !matches!(fact, Fact::Text(_))), "{name}: {report:?}");
        }
    }
}

/// Each rule that was broken, with its facts.
fn why(report: &GuaranteeReport) -> String {
    let facts = |broken: &Broken| broken.facts.iter().map(|(name, fact)| format!(" {name}={fact}")).collect::<String>();
    report.why.iter().map(|broken| broken.rule.id.to_owned() + &facts(broken)).collect::<Vec<_>>().join("; ")
}

#[test]
fn what_people_read_and_what_cannot_be_told() {
    let history = story(&[
        (0, Op::Write(0, 1), Ret::Done),
        (1, Op::Read(0), Ret::Value(1)),
        (1, Op::Write(2, 7), Ret::Done),
        (2, Op::Read(2), Ret::Value(7)),
        (2, Op::Read(0), Ret::Value(0)),
    ]);
    let told: Vec<String> = check_all(&Mixed, &history, None)
        .iter()
        .map(|report| format!("{:<20} {:<9} {} {:?}", report.guarantee, report.verdict, why(report), report.operations()))
        .collect();
    expect![[r#"
        linearizable         violated  no-order key=0 core=Read(0) → Value(1), Read(0) → Value(0) [1, 4]
        sequential           violated  not-causal; missed reader=Read(0) → Value(0) known=Write(0, 1) → Done [0, 4]
        causal               violated  missed reader=Read(0) → Value(0) known=Write(0, 1) → Done [0, 4]
        monotonic-writes     holds      []
        writes-follow-reads  violated  missed reader=Read(0) → Value(0) known=Write(0, 1) → Done [0, 4]
        monotonic-reads      holds      []
        read-your-writes     holds      []"#]]
    .assert_eq(&told.join("\n"));
    let mut history = History::new();
    for (client, op, result) in [
        (0, RegisterOp::Write(1), RegisterResult::Written),
        (1, RegisterOp::Write(1), RegisterResult::Written),
        (0, RegisterOp::Read, RegisterResult::Value(None)),
    ] {
        let at = Time::from_nanos(history.len() as u64 * 2);
        history.invoke(at, ClientId::new(client), op).expect("an invocation");
        history.complete(at, ClientId::new(client), Outcome::Done(result)).expect("a completion");
    }
    let report = check(&Register::<i64>::empty(), &history, Guarantee::Causal, 1000);
    expect!["unknown repeated value=1"].assert_eq(&format!("{} {}", report.verdict, why(&report)));
    let report = check(&Register::<i64>::empty(), &history, Guarantee::Sequential, 1000);
    assert_eq!(report.verdict, Verdict::Violated, "{report:?}");
}
