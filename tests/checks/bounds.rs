//! What a search holds in memory is bounded, by its own count of bytes; beyond the bound nothing is known, and the figure is told.

use stormglass::base::{ClientId, Time};
use stormglass::check::linearizability::{self, Judgement, Report, Strategies, Undecided};
use stormglass::check::model::Model;
use stormglass::check::model::fenced_lock::{FencedLock, FencedLockResult};
use stormglass::check::model::lock::LockOp;
use stormglass::check::model::queue::{Queue, QueueOp, QueueResult};
use stormglass::check::model::register::{Register, RegisterOp, RegisterResult};
use stormglass::check::{Budget, CheckOptions, Verdict, run_check};
use stormglass::history::{History, Outcome};

/// Operations that are all under way at once, and end in order; then others, one after another.
fn crowded<O: Clone, R>(crowd: Vec<(O, Option<R>)>, then: Vec<(O, R)>) -> History<O, R> {
    let (mut history, mut now) = (History::new(), 0);
    let mut tick = || {
        now += 1;
        Time::from_nanos(now)
    };
    let mut results = Vec::new();
    for (client, (op, result)) in (0..).map(ClientId::new).zip(crowd) {
        history.invoke(tick(), client, op).expect("a client of its own");
        results.push((client, result));
    }
    for (client, result) in results {
        history.complete(tick(), client, result.map_or(Outcome::Unknown, Outcome::Done)).expect("it is open");
    }
    for (op, result) in then {
        history.invoke(tick(), ClientId::new(0), op).expect("nothing is open");
        history.complete(tick(), ClientId::new(0), Outcome::Done(result)).expect("it is open");
    }
    history
}

/// What comes out of a queue that holds twelve items in an order that nobody knows, and a 0 behind them: this, which cannot be.
const OUT: [u64; 13] = [0, 0, 0, 0, 1, 2, 3, 1, 2, 3, 1, 2, 3];

/// A queue of many orders, none of which ends in what came out. What was taken out perhaps leaves the answer to a search.
fn queue() -> History<QueueOp<u64>, QueueResult<u64>> {
    let crowd = (0..12).map(|place| (QueueOp::Enqueue(place % 4), Some(QueueResult::Enqueued)));
    let out = OUT.map(|item| (QueueOp::Dequeue, QueueResult::Item(item)));
    let then = [(QueueOp::Enqueue(0), QueueResult::Enqueued)].into_iter().chain(out).chain([(QueueOp::Dequeue, QueueResult::Empty)]);
    crowded(crowd.chain([(QueueOp::Dequeue, None)]).collect(), then.collect())
}

fn undecided(report: &Report) -> &Undecided {
    let Judgement::Unknown { undecided } = &report.judgement else { panic!("{report:?}") };
    &undecided[0]
}

/// The bound is kept but for the last growth of a table, and told; the same search without it goes on for longer.
fn bounded<M: Model>(model: &M, history: &History<M::Op, M::Ret>, strategies: Strategies) {
    let judged = |bytes| linearizability::check_by(strategies, model, history, Budget { states: Some(300_000), bytes });
    let bound = 1 << 20;
    let report = judged(Some(bound));
    let found = undecided(&report);
    let held = found.bytes.unwrap_or_else(|| panic!("{strategies:?}: nothing was too much: {found:?}"));
    assert!(bound < held && held < 4 * bound, "{strategies:?}: {held} bytes");
    assert!(found.states > 1000 && found.operation.is_some() == (strategies == Strategies::Exhaustive), "{found:?}");
    assert_eq!(report, judged(Some(bound)), "the same history has the same answer");
    let free = judged(None);
    assert!(free.states > report.states, "{strategies:?}: {} states, with the bound {}", free.states, report.states);
    let unbounded = matches!(&free.judgement, Judgement::Unknown { undecided } if undecided[0].bytes.is_none());
    assert!(unbounded || free.verdict() != Verdict::Unknown, "{free:?}");
}

#[test]
fn search_state_is_bounded() {
    bounded(&Queue::empty(), &queue(), Strategies::Exhaustive);
    bounded(&Queue::empty(), &queue(), Strategies::Greedy);
}

/// What one search gave up leaves room for the next, and all together keep to the bound.
#[test]
fn all_strategies_share_one_bound() {
    let report = linearizability::check_within(&Queue::empty(), &queue(), Budget { states: Some(1_000_000), bytes: Some(1 << 20) });
    let found = undecided(&report);
    assert!(found.bytes.is_some_and(|held| held < 4 << 20), "{found:?}");
    assert!(!found.too_wide);
}

/// Of usual histories, the usual bound is far from being reached: 1 GiB, or 4 KiB for each operation if that is more.
#[test]
fn the_usual_bound() {
    let usual = Budget::default();
    assert_eq!((usual.bytes_for(0), usual.bytes_for(1 << 18), usual.bytes_for(1 << 19)), (1 << 30, 1 << 30, 2 << 30));
    assert_eq!((usual.states_for(1000), Budget::from(7).states_for(1000)), (4_020_000, 7));
}

/// A file with long items: what states share is one copy, and what they hold is counted.
#[test]
fn a_file_is_judged_within_its_bound() {
    let mut text = String::new();
    let mut event = |process: u64, kind: &str, f: &str, value: &str| {
        text += &format!("{{:process {process}, :type :{kind}, :f :{f}, :value {value}}}\n");
    };
    let long = |place: u64| format!("\"{}{}\"", place % 4, "x".repeat(1000));
    for kind in ["invoke", "ok"] {
        (0..12).for_each(|place| event(place, kind, "enqueue", &long(place)));
        event(99, if kind == "ok" { "info" } else { kind }, "dequeue", "nil");
    }
    let out = OUT.map(|item| ("dequeue", long(item))).into_iter().chain([("dequeue", "nil".to_owned())]);
    for (f, value) in [("enqueue", long(0))].into_iter().chain(out) {
        event(0, "invoke", f, if f == "enqueue" { &value } else { "nil" });
        event(0, "ok", f, &value);
    }
    let budget = Budget { states: None, bytes: Some(4 << 20) };
    let report = run_check(text.as_bytes(), "queue", &CheckOptions { budget, ..CheckOptions::default() }).expect("a history");
    assert_eq!(report.verdict, Verdict::Unknown);
    let held = report.explanation.undecided[0].bytes.expect("that is why");
    assert!((4 << 20..16 << 20).contains(&held), "{held}");
    // In such room, copies of the items alone would be of 300 states.
    assert!(report.states > 10_000, "{}", report.states);
}

/// Many writes and compare-and-sets at once, all of them over, and then two reads that contradict each other: what went before is too
/// much to be searched, and does not matter.
#[test]
fn what_follows_a_moment_of_rest_is_judged_from_every_state() {
    for seed in 0..1_u64 {
        let value = |place: u64| (place * 7 + place / 8 + seed) % 8;
        let crowd = (0..28).map(|place| match place % 2 {
            0 => (RegisterOp::Write(value(place)), Some(RegisterResult::Written)),
            _ => (RegisterOp::Cas { expect: Some(value(place + 3)), new: value(place) }, Some(RegisterResult::Swapped)),
        });
        let reads = [3, 4].map(|seen| (RegisterOp::Read, RegisterResult::Value(Some(seen))));
        let history = crowded(crowd.collect(), reads.to_vec());
        let model = Register::holding(0);
        let searched = linearizability::check_by(Strategies::Exhaustive, &model, &history, 4_000);
        let rest = linearizability::check_by(Strategies::Segments, &model, &history, 10_000);
        println!("seed {seed}: {:?} by exhaustive search, {} states by segments", searched.verdict(), rest.states);
        assert_eq!((searched.verdict(), rest.verdict()), (Verdict::Unknown, Verdict::Violated), "seed {seed}");
        // Two reads that agree are no violation.
        let reads = [3, 3].map(|seen| (RegisterOp::Read, RegisterResult::Value(Some(seen))));
        let crowd = (0..28).map(|place| (RegisterOp::Write(value(place)), Some(RegisterResult::Written)));
        let history = crowded(crowd.collect(), reads.to_vec());
        assert_eq!(linearizability::check_by(Strategies::Segments, &model, &history, 2_000).verdict(), Verdict::Unknown);
    }
}

/// Many acquires that nobody knows the outcome of, by owners who never come back, do not hold up what is plain to see.
#[test]
fn crashed_holders_lead_nowhere() {
    let mut history: History<LockOp<u64>, FencedLockResult> = History::new();
    for owner in 0..1000 {
        let (at, client) = (Time::from_nanos(owner), ClientId::new(owner as u32));
        history.invoke(at, client, LockOp::Acquire(owner)).expect("a client of its own");
        history.complete(at, client, Outcome::Unknown).expect("it is open");
    }
    for token in 1..4 {
        let (at, client) = (Time::from_nanos(1000 + token), ClientId::new(1000 + token as u32));
        history.invoke(at, client, LockOp::Acquire(1000 + token)).expect("a client of its own");
        history.complete(at, client, Outcome::Done(FencedLockResult::Granted { token })).expect("it is open");
    }
    let report = linearizability::check_within(&FencedLock::free(), &history, 20_000);
    assert_eq!(report.verdict(), Verdict::Violated, "{} states", report.states);
}
