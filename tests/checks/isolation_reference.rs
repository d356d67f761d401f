//! The checker of isolation against its reference checker, on small histories at random.
//!
//! What is demanded: whatever the checker calls violated, the reference checker refuses; whatever it says holds, the reference checker
//! finds an order for. It never says unknown.
//!
//! `cargo test` takes a sample. All of it: `cargo test --release --test checks isolation_reference -- --ignored`.

use std::collections::BTreeMap;
use std::ops::Range;

use stormglass::base::{Act, ClientId, Committed, RunKey, Seen, Stream, Time, Transaction};
use stormglass::check::Verdict;
use stormglass::check::isolation::reference::{Orders, keeps_from};
use stormglass::check::isolation::{DEFAULT_BUDGET, Level, Transactions, check};
use stormglass::history::{History, Outcome};
use stormglass::report::isolation_text;

/// What histories are like.
#[derive(Clone, Copy)]
struct Shape {
    lists: bool,
    transactions: u64,
    acts: u64,
    keys: u64,
    /// How many values there are; none if each write has its own.
    values: Option<u64>,
    /// Whether each key holds 0 at first.
    zero: bool,
    /// How often something goes wrong, in a hundred reads or transactions.
    wrong: u64,
}

/// What keys hold at first.
fn zeros(shape: Shape) -> BTreeMap<u64, Vec<i64>> {
    if shape.zero { (0..shape.keys).map(|key| (key, vec![0])).collect() } else { BTreeMap::new() }
}

/// A history, and in which order the values of each key were installed.
fn sample(shape: Shape, random: &mut Stream) -> (History<Transaction, Committed>, Orders) {
    let count = 2 + random.below(shape.transactions - 1) as usize;
    let mut value = 0;
    let mut plans: Vec<(Transaction, u32, u64, u64, u64)> = Vec::new();
    let mut busy_until = [0_u64; 3];
    for _ in 0..count {
        let acts = (0..1 + random.below(shape.acts))
            .map(|_| {
                let key = random.below(shape.keys);
                value = shape.values.map_or(value + 1, |values| random.below(values) as i64);
                match random.below(2) {
                    0 => Act::Read { key },
                    _ if shape.lists => Act::Append { key, value },
                    _ => Act::Write { key, value },
                }
            })
            .collect();
        let client = random.below(3) as u32;
        let began = busy_until[client as usize] + random.below(4);
        let ended = began + random.below(8);
        busy_until[client as usize] = ended;
        plans.push((Transaction { acts }, client, began, ended, random.below(100)));
    }
    // They take effect one after another, roughly by time; but they may look at an older state.
    let mut serial: Vec<usize> = (0..count).collect();
    serial.sort_by_key(|index| plans[*index].2 + random.below(1 + plans[*index].3 - plans[*index].2 + shape.wrong / 10));
    let mut states: Vec<BTreeMap<u64, Vec<i64>>> = vec![zeros(shape)];
    let mut outcomes: Vec<Outcome<Committed>> = vec![Outcome::Failed; count];
    let wrong = |random: &mut Stream| random.below(100) < shape.wrong;
    for index in serial {
        let (transaction, .., luck) = &plans[index];
        let snapshot = if wrong(random) { random.below(states.len() as u64) as usize } else { states.len() - 1 };
        let mut next = states[states.len() - 1].clone();
        let mut own: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
        let mut seen = Vec::new();
        let aborts = *luck < 12;
        let unknown = *luck >= 85;
        for act in &transaction.acts {
            match act {
                Act::Read { key } => {
                    let from = if wrong(random) && wrong(random) { random.below(states.len() as u64) as usize } else { snapshot };
                    let mut values = states[from].get(key).cloned().unwrap_or_default();
                    values.extend(own.get(key).into_iter().flatten().filter(|_| !(wrong(random) && wrong(random))));
                    if wrong(random) && wrong(random) && values.len() > 1 {
                        let (one, other) = (random.below(values.len() as u64) as usize, values.len() - 1);
                        values.swap(one, other);
                    }
                    if wrong(random) && wrong(random) && !(shape.zero && values.len() == 1) {
                        values.pop();
                    }
                    seen.push(match values.last() {
                        None => Seen::Empty,
                        Some(_) if shape.lists => Seen::List(values),
                        Some(last) => Seen::Number(*last),
                    });
                }
                Act::Append { key, value } => own.entry(*key).or_default().push(*value),
                Act::Write { key, value } => drop(own.insert(*key, vec![*value])),
                Act::Add { .. } => unreachable!("no sums here"),
            }
        }
        let takes_effect = if aborts { wrong(random) && wrong(random) } else { !unknown || luck % 2 == 1 };
        if takes_effect {
            own.into_iter().for_each(|(key, values)| next.entry(key).or_default().extend(values));
        }
        states.push(next);
        outcomes[index] = if aborts {
            Outcome::Failed
        } else if unknown {
            Outcome::Unknown
        } else {
            Outcome::Done(Committed { seen })
        };
    }
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (index, (_, _, began, ended, _)) in plans.iter().enumerate() {
        events.extend([(*began, false, index), (*ended, true, index)]);
    }
    // At one instant, a client's end comes before its next beginning; and its own beginning before its end.
    events.sort_by_key(|(at, ends, index)| (*at, *index, *ends));
    let mut history = History::new();
    for (at, ends, index) in events {
        let (transaction, client, ..) = &plans[index];
        let (at, client) = (Time::from_nanos(at), ClientId::new(*client));
        if ends {
            history.complete(at, client, outcomes[index].clone()).expect("an open operation");
        } else {
            history.invoke(at, client, transaction.clone()).expect("a free client");
        }
    }
    (history, states.pop().expect("a last state"))
}

/// How many verdicts were of which kind.
#[derive(Debug, Default)]
struct Counts {
    holds: usize,
    violated: usize,
}

fn agree(shape: Shape, rounds: Range<u64>, given: bool) -> Counts {
    let mut counts = Counts::default();
    for round in rounds {
        let mut random = RunKey::from_seed(round).stream("isolation", u64::from(given));
        let (history, order) = sample(shape, &mut random);
        let orders = if given { order } else { Orders::new() };
        let mut transactions = Transactions::from(&history);
        orders.iter().for_each(|(key, values)| transactions.order(*key, values));
        let first = zeros(shape);
        first.keys().for_each(|key| transactions.initially(*key, 0));
        let report = check(&transactions, DEFAULT_BUDGET);
        if given && history.operations().iter().any(|operation| aborted_in(operation, &orders)) {
            continue;
        }
        let told = || format!("seed {round}\n{:#?}\n{orders:?}\n{}", history.operations(), isolation_text(&report));
        for level in &report.levels {
            if level.level == Level::ReadUncommitted {
                assert!(level.verdict != Verdict::Violated || report.verdict(Level::ReadCommitted) == Verdict::Violated, "{}", told());
                continue;
            }
            let kept = || keeps_from(level.level, &history, &orders, &first);
            match level.verdict {
                Verdict::Holds => {
                    counts.holds += 1;
                    assert!(kept(), "{} holds, but: {}", level.level, told());
                }
                Verdict::Violated => {
                    counts.violated += 1;
                    assert!(!level.anomalies.is_empty() && !kept(), "{} is violated, but: {}", level.level, told());
                }
                Verdict::Unknown => panic!("{} is unknown: {}", level.level, told()),
            }
        }
    }
    counts
}

fn aborted_in(operation: &stormglass::history::Operation<Transaction, Committed>, orders: &Orders) -> bool {
    let installed = |act: &Act| match act {
        Act::Append { key, value } | Act::Write { key, value } => orders.get(key).is_some_and(|order| order.contains(value)),
        _ => false,
    };
    operation.outcome == Outcome::Failed && operation.op.acts.iter().any(installed)
}

#[test]
fn lists_are_judged_as_the_reference_checker_judges_them() {
    for (wrong, rounds) in [(0, 1_500), (8, 4_000), (25, 4_000), (60, 1_500)] {
        let counts = agree(Shape { lists: true, transactions: 5, acts: 3, keys: 2, values: None, zero: false, wrong }, 0..rounds, false);
        println!("lists, {wrong}: {counts:?}");
    }
}

#[test]
fn registers_are_judged_as_the_reference_checker_judges_them() {
    for (wrong, rounds) in [(0, 1_500), (8, 4_000), (25, 4_000), (60, 1_500)] {
        let counts = agree(Shape { lists: false, transactions: 5, acts: 3, keys: 2, values: None, zero: false, wrong }, 0..rounds, false);
        println!("registers, {wrong}: {counts:?}");
    }
}

/// Values come again, so that whose a read saw has to be found out.
#[test]
fn registers_with_few_values_are_judged_as_the_reference_checker_judges_them() {
    for (wrong, keys, values, rounds) in [(0, 2, 2, 500), (8, 2, 2, 1_500), (25, 2, 3, 1_500), (25, 1, 2, 1_000), (60, 2, 1, 500)] {
        let counts =
            agree(Shape { lists: false, transactions: 5, acts: 3, keys, values: Some(values), zero: false, wrong }, 0..rounds, false);
        println!("{keys} registers of {values} values, {wrong}: {counts:?}");
    }
}

/// What is there at first may be written again, too.
#[test]
fn registers_that_hold_something_at_first_are_judged_as_the_reference_checker_judges_them() {
    for (wrong, keys, values, rounds) in
        [(0, 2, Some(2), 500), (8, 2, Some(2), 1_500), (25, 2, None, 1_000), (25, 1, Some(2), 1_000), (60, 2, Some(3), 500)]
    {
        let counts = agree(Shape { lists: false, transactions: 5, acts: 3, keys, values, zero: true, wrong }, 0..rounds, false);
        println!("{keys} registers of {values:?} values that hold 0 at first, {wrong}: {counts:?}");
    }
}

/// Lists to which a value is appended again show no order; few transactions are decided all the same.
#[test]
fn lists_with_few_values_are_judged_as_the_reference_checker_judges_them() {
    for (wrong, keys, values, rounds) in [(0, 2, 2, 300), (8, 2, 3, 1_000), (25, 1, 2, 700), (60, 2, 2, 300)] {
        let counts =
            agree(Shape { lists: true, transactions: 5, acts: 3, keys, values: Some(values), zero: false, wrong }, 0..rounds, false);
        println!("{keys} lists of {values} values, {wrong}: {counts:?}");
    }
}

#[test]
fn with_orders_given_nothing_is_unknown() {
    for (wrong, rounds) in [(0, 1_000), (8, 2_000), (25, 2_000)] {
        for lists in [false, true] {
            let counts = agree(Shape { lists, transactions: 5, acts: 3, keys: 2, values: None, zero: false, wrong }, 0..rounds, true);
            println!("given, {lists}, {wrong}: {counts:?}");
        }
    }
}

/// Up to five transactions of up to four acts on up to three keys.
#[test]
#[ignore = "it takes minutes"]
fn fifty_thousand_histories_are_judged_as_the_reference_checker_judges_them() {
    for (place, wrong) in (0..).zip([0, 8, 25, 60]) {
        for (lists, keys, values) in [
            (false, 1, None),
            (false, 2, None),
            (false, 3, None),
            (false, 1, Some(2)),
            (false, 2, Some(2)),
            (true, 2, Some(3)),
            (true, 2, None),
            (true, 3, None),
        ] {
            let rounds = 1_000_000 + place * 2_500..1_000_000 + (place + 1) * 2_500;
            let counts = agree(Shape { lists, transactions: 5, acts: 4, keys, values, zero: false, wrong }, rounds, false);
            println!("lists: {lists}, {keys} keys, {wrong}: {counts:?}");
        }
    }
}
