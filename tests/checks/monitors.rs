//! Algorithms made for one kind of object, judged by the reference checker on small histories and by the search on large ones.
//!
//! The small ones are random intervals with random, but not absurd, answers: what was taken out was put in, what was read was written. So
//! most violations are of order alone, and about as many histories hold as do not.

use std::collections::BTreeSet;

use stormglass::base::{ClientId, Ratio, RunKey, Stream, Time};
use stormglass::check::Verdict;
use stormglass::check::generate::{HistoryShape, Lie, Planted, Sample, generate};
use stormglass::check::linearizability::{self, Judgement, Strategies, reference};
use stormglass::check::model::Model;
use stormglass::check::model::counter::{Counter, CounterOp, CounterResult};
use stormglass::check::model::grow_set::{GrowSet, GrowSetOp, GrowSetResult};
use stormglass::check::model::kv::{Kv, KvOp, KvResult};
use stormglass::check::model::priority_queue::{PriorityQueue, PriorityQueueOp, PriorityQueueResult};
use stormglass::check::model::queue::{Queue, QueueOp, QueueResult};
use stormglass::check::model::register::{Register, RegisterOp, RegisterResult};
use stormglass::check::model::stack::{Stack, StackOp, StackResult};
use stormglass::check::model::unordered_queue::UnorderedQueue;
use stormglass::history::{History, Outcome};

use crate::support;

/// An operation, its answer, and whether its client learnt it.
type Drawn<M> = (<M as Model>::Op, <M as Model>::Ret, bool);

/// Gives each operation a random interval and a client of its own.
fn at_random<M: Model>(random: &mut Stream, operations: Vec<Drawn<M>>) -> History<M::Op, M::Ret> {
    let span = operations.len() as u64 * 2;
    // Long intervals leave much freedom, short ones little.
    let longest = 1 + random.below(span);
    let mut events: Vec<(u64, u64, usize)> = Vec::new();
    let mut operations: Vec<Option<Drawn<M>>> = operations.into_iter().map(Some).collect();
    for place in 0..operations.len() {
        let from = random.below(span);
        events.push((from, random.word(), place));
        events.push((from + 1 + random.below(longest), random.word(), place));
    }
    events.sort_unstable();
    let ties = random.below(4) == 0;
    let mut history = History::new();
    let mut open: Vec<Option<Outcome<M::Ret>>> = operations.iter().map(|_| None).collect();
    for (order, (at, _, place)) in events.into_iter().enumerate() {
        let at = Time::from_nanos(if ties { at } else { order as u64 });
        let client = ClientId::new(place as u32);
        match operations[place].take() {
            Some((op, ret, known)) => {
                history.invoke(at, client, op).expect("an invocation");
                open[place] = Some(if known { Outcome::Done(ret) } else { Outcome::Unknown });
            }
            None => {
                history.complete(at, client, open[place].take().expect("it is open")).expect("a completion");
            }
        }
    }
    history
}

/// How one kind of object fared.
struct Tally {
    name: &'static str,
    held: u64,
    violated: u64,
    unfit: u64,
}

impl Tally {
    const fn new(name: &'static str) -> Self {
        Self { name, held: 0, violated: 0, unfit: 0 }
    }

    fn judge<M: Model>(&mut self, model: &M, history: &History<M::Op, M::Ret>, seed: u64) {
        let report = linearizability::check_by(Strategies::Monitors, model, history, 0);
        let tell = || format!("{}, seed {seed}: {:#?}\n{report:#?}", self.name, history.operations());
        match &report.judgement {
            Judgement::Unknown { .. } => self.unfit += 1,
            Judgement::Holds { witness } => {
                support::verify(model, history, witness).unwrap_or_else(|why| panic!("{why}: {}", tell()));
                self.held += 1;
            }
            Judgement::Violated { violations, .. } => {
                assert!(!reference::is_linearizable(model, history), "{}", tell());
                for violation in violations {
                    let why = linearizability::diagnose(model, history, violation);
                    assert!(why.shortest && !why.attempts.is_empty(), "{}", tell());
                }
                self.violated += 1;
            }
        }
    }

    fn tell(&self, count: u64) {
        let Self { name, held, violated, unfit } = self;
        println!("{name}: {held} held, {violated} violated, {unfit} unfit");
        assert!(*held > count / 10 && *violated > count / 10 && *unfit < count / 4, "{name}: too few of a kind");
    }
}

/// Values put in and taken out, once each; some are not taken; sometimes nothing is found, and sometimes nobody knows.
fn pool<O, R>(
    random: &mut Stream,
    operations: u64,
    put: impl Fn(i64) -> (O, R),
    take: impl Fn(Option<i64>) -> (O, R),
    strays: u64,
) -> Vec<(O, R, bool)> {
    let mut made = Vec::new();
    let mut value = 0;
    while (made.len() as u64) < operations {
        // Priorities in no order of time.
        let item = (value * 7) % 11;
        value += 1;
        let (op, ret) = put(item);
        made.push((op, ret, random.below(strays) > 0));
        if random.below(5) > 0 {
            let (op, ret) = take(Some(item));
            made.push((op, ret, random.below(strays * 2) > 0));
        }
        if random.below(6) == 0 {
            let (op, ret) = take(None);
            made.push((op, ret, true));
        }
    }
    made
}

fn queues(count: u64, operations: u64) {
    let mut tally = Tally::new("queue");
    for seed in 0..count {
        let mut random = RunKey::from_seed(seed).stream("queue", operations);
        let made = pool(
            &mut random,
            operations,
            |item| (QueueOp::Enqueue(item), QueueResult::Enqueued),
            |item| (QueueOp::Dequeue, item.map_or(QueueResult::Empty, QueueResult::Item)),
            8,
        );
        let history = at_random::<Queue>(&mut random, made);
        tally.judge(&Queue::empty(), &history, seed);
    }
    tally.tell(count);
}

fn stacks(count: u64, operations: u64) {
    let mut tally = Tally::new("stack");
    for seed in 0..count {
        let mut random = RunKey::from_seed(seed).stream("stack", operations);
        let made = pool(
            &mut random,
            operations,
            |item| (StackOp::Push(item), StackResult::Pushed),
            |item| (StackOp::Pop, item.map_or(StackResult::Empty, StackResult::Item)),
            20,
        );
        let history = at_random::<Stack>(&mut random, made);
        tally.judge(&Stack::empty(), &history, seed);
    }
    tally.tell(count);
}

fn priority_queues(count: u64, operations: u64) {
    let mut tally = Tally::new("priority queue");
    for seed in 0..count {
        let mut random = RunKey::from_seed(seed).stream("priority", operations);
        let made = pool(
            &mut random,
            operations,
            |item| (PriorityQueueOp::Insert(item), PriorityQueueResult::Inserted),
            |item| (PriorityQueueOp::TakeLeast, item.map_or(PriorityQueueResult::Empty, PriorityQueueResult::Item)),
            20,
        );
        let history = at_random::<PriorityQueue>(&mut random, made);
        tally.judge(&PriorityQueue::empty(), &history, seed);
    }
    tally.tell(count);
}

/// Few values, each put in several times: all that has to be found out is which of them is which.
fn repeated(count: u64, operations: u64) {
    let made = |kind: &'static str, seed: u64, strays: u64| {
        let mut random = RunKey::from_seed(seed).stream(kind, operations);
        let mut made: Vec<(Option<i64>, bool, bool)> = Vec::new();
        while (made.len() as u64) < operations {
            let value = random.below(3) as i64;
            made.push((Some(value), true, random.below(strays) > 0));
            if random.below(5) > 0 {
                made.push((Some(value), false, random.below(strays * 2) > 0));
            }
            if random.below(8) == 0 {
                made.push((None, false, true));
            }
        }
        (made, random)
    };
    let (mut queues, mut unordered) = (Tally::new("queue of equal values"), Tally::new("unordered queue of equal values"));
    let (mut stacks, mut priorities) = (Tally::new("stack of equal values"), Tally::new("priority queue of equal values"));
    for seed in 0..count {
        let (operations, mut random) = made("queue", seed, 8);
        let queue = operations.into_iter().map(|(item, put, known)| match item {
            Some(item) if put => (QueueOp::Enqueue(item), QueueResult::Enqueued, known),
            item => (QueueOp::Dequeue, item.map_or(QueueResult::Empty, QueueResult::Item), known),
        });
        let history = at_random::<Queue>(&mut random, queue.collect());
        queues.judge(&Queue::empty(), &history, seed);
        unordered.judge(&UnorderedQueue::empty(), &history, seed);
        let (operations, mut random) = made("stack", seed, 30);
        let stack = operations.into_iter().map(|(item, put, known)| match item {
            Some(item) if put => (StackOp::Push(item), StackResult::Pushed, known),
            item => (StackOp::Pop, item.map_or(StackResult::Empty, StackResult::Item), known),
        });
        let history = at_random::<Stack>(&mut random, stack.collect());
        stacks.judge(&Stack::empty(), &history, seed);
        let (operations, mut random) = made("priority", seed, 30);
        let priority = operations.into_iter().map(|(item, put, known)| match item {
            Some(item) if put => (PriorityQueueOp::Insert(item), PriorityQueueResult::Inserted, known),
            item => (PriorityQueueOp::TakeLeast, item.map_or(PriorityQueueResult::Empty, PriorityQueueResult::Item), known),
        });
        let history = at_random::<PriorityQueue>(&mut random, priority.collect());
        priorities.judge(&PriorityQueue::empty(), &history, seed);
    }
    [queues, unordered, stacks, priorities].iter().for_each(|tally| tally.tell(count));
}

fn registers(count: u64, operations: u64) {
    let mut tally = Tally::new("register");
    for seed in 0..count {
        let mut random = RunKey::from_seed(seed).stream("register", operations);
        let mut made = Vec::new();
        let mut written = 0;
        while (made.len() as u64) < operations {
            let seen = random.below(written + 1);
            let seen = Some(seen as i64).filter(|seen| *seen > 0);
            match random.below(9) {
                0..4 => made.push((RegisterOp::Read, RegisterResult::Value(seen), random.below(8) > 0)),
                4 => {
                    written += 1;
                    let op = RegisterOp::Cas { expect: seen, new: written as i64 };
                    made.push((op, RegisterResult::Swapped, random.below(8) > 0));
                }
                _ => {
                    written += 1;
                    made.push((RegisterOp::Write(written as i64), RegisterResult::Written, random.below(8) > 0));
                }
            }
        }
        let history = at_random::<Register<i64>>(&mut random, made);
        tally.judge(&Register::empty(), &history, seed);
    }
    tally.tell(count);
}

fn counters(count: u64, operations: u64) {
    let mut tally = Tally::new("counter");
    for seed in 0..count {
        let mut random = RunKey::from_seed(seed).stream("counter", operations);
        let by = if random.below(3) == 0 { -3 } else { 1 };
        let mut made = Vec::new();
        let mut total = 0;
        while (made.len() as u64) < operations {
            let about = |random: &mut Stream| CounterResult::Value(2 + by * (total + random.below(3) as i64 - 1).max(0));
            match random.below(8) {
                0..3 => made.push((CounterOp::Read, about(&mut random), random.below(8) > 0)),
                3 | 4 => {
                    total += 1;
                    let seen = CounterResult::Value(2 + by * (1 + random.below(total as u64 + 1) as i64));
                    made.push((CounterOp::AddAndGet(by), seen, random.below(8) > 0));
                }
                _ => {
                    total += 1;
                    made.push((CounterOp::Add(by), CounterResult::Added, random.below(8) > 0));
                }
            }
        }
        let history = at_random::<Counter>(&mut random, made);
        tally.judge(&Counter::showing(2), &history, seed);
    }
    tally.tell(count);
}

/// Amounts that differ: only what lies beyond all sums is found, and never wrongly.
fn uneven_counters(count: u64, operations: u64) {
    let mut tally = Tally::new("counter of different amounts");
    for seed in 0..count {
        let mut random = RunKey::from_seed(seed).stream("uneven", operations);
        let made = (0..operations).map(|_| match random.below(3) {
            0 => (CounterOp::Read, CounterResult::Value(random.below(9) as i64 - 3), true),
            _ => (CounterOp::Add(random.below(5) as i64 - 2), CounterResult::Added, random.below(6) > 0),
        });
        let made = made.collect();
        let history = at_random::<Counter>(&mut random, made);
        tally.judge(&Counter::zero(), &history, seed);
    }
    println!("{}: {} violated, {} unfit", tally.name, tally.violated, tally.unfit);
    assert!(tally.violated > count / 10);
}

fn grow_sets(count: u64, operations: u64) {
    let mut tally = Tally::new("grow-set");
    for seed in 0..count {
        let mut random = RunKey::from_seed(seed).stream("grow-set", operations);
        let mut made = Vec::new();
        let mut all: Vec<i64> = (0..4).collect();
        random.shuffle(&mut all);
        while (made.len() as u64) < operations {
            if random.below(2) == 0 {
                // Mostly a beginning of one row, so that most are a chain.
                let mut read: BTreeSet<i64> = all[..random.below(5) as usize].iter().copied().collect();
                if random.below(10) == 0 {
                    read.remove(&all[0]);
                }
                made.push((GrowSetOp::Read, GrowSetResult::Elements(read), random.below(8) > 0));
            } else {
                made.push((GrowSetOp::Add(random.below(4) as i64), GrowSetResult::Added, random.below(8) > 0));
            }
        }
        // What is read was added.
        for element in 0..4 {
            if random.below(4) > 0 {
                made.push((GrowSetOp::Add(element), GrowSetResult::Added, random.below(8) > 0));
            }
        }
        let history = at_random::<GrowSet>(&mut random, made);
        tally.judge(&GrowSet::empty(), &history, seed);
    }
    tally.tell(count);
}

fn all(count: u64, more: u64) {
    queues(count, 6 + more);
    stacks(count, 6 + more);
    priority_queues(count, 6 + more);
    repeated(count, 6 + more);
    registers(count, 6 + more);
    counters(count, 6 + more);
    uneven_counters(count, 6 + more);
    grow_sets(count, 4 + more);
}

#[test]
fn the_reference_checker_agrees() {
    all(6_000, 0);
}

/// Takes minutes; for whoever changes an algorithm.
#[test]
#[ignore = "slow: more and longer histories"]
fn the_reference_checker_agrees_at_length() {
    all(200_000, 0);
    all(100_000, 2);
}

/// What the search says as well, on histories that are too long for the reference checker but not for the search.
fn agree_at_large<M: Sample>(name: &str, model: &M, operations: usize, seeds: u64) {
    let mut fit = 0;
    for seed in 0..seeds {
        for unknown in [Ratio::NEVER, Ratio::new(1, 50).expect("a ratio")] {
            for lie in [None, Some(Lie::Lost), Some(Lie::Stale), Some(Lie::Impossible)] {
                let planted = lie.map(|lie| Planted { lie, after: operations * 9 / 10 });
                let shape = HistoryShape { unknown, planted, keys: 1, ..HistoryShape::new(3, operations) };
                let made = generate(model, &shape, RunKey::from_seed(seed));
                let monitored = linearizability::check_by(Strategies::Monitors, model, &made.history, 0);
                if let Judgement::Holds { witness } = &monitored.judgement {
                    support::verify(model, &made.history, witness).expect("a witness that can be verified");
                }
                if monitored.verdict() == Verdict::Unknown {
                    continue;
                }
                fit += 1;
                let searched = linearizability::check_by(Strategies::Exhaustive, model, &made.history, 100_000).verdict();
                let planted = made.liar.is_some() && unknown.is_never();
                let expected = if planted { Verdict::Violated } else { monitored.verdict() };
                assert_eq!(monitored.verdict(), expected, "{name}, seed {seed}, {lie:?}");
                assert!(searched == Verdict::Unknown || searched == expected, "{name}, seed {seed}, {lie:?}: {searched}");
                if let Some(violation) = monitored.violations().first() {
                    let why = linearizability::diagnose(model, &made.history, violation);
                    assert!(why.shortest && !why.attempts.is_empty() && why.core().len() <= 10, "{name}, seed {seed}: {why:?}");
                }
            }
        }
    }
    println!("{name}: {fit} of {} judged without searching", seeds * 8);
    assert!(fit >= seeds * 4);
}

#[test]
fn the_search_agrees_at_large() {
    agree_at_large("register", &Register::<i64>::empty(), 400, 3);
    agree_at_large("kv", &Kv::<u64, u64>::empty(), 400, 3);
    agree_at_large("counter", &Counter::zero(), 400, 3);
    agree_at_large("grow-set", &GrowSet::empty(), 300, 3);
    agree_at_large("queue", &Queue::empty(), 300, 3);
    agree_at_large("stack", &Stack::empty(), 300, 3);
    agree_at_large("priority queue", &PriorityQueue::empty(), 300, 3);
}

/// Two operations, the second of which begins at the instant at which the first ends, and has not seen it: that can be, but not if one
/// client did both.
#[test]
fn what_begins_as_something_else_ends_is_concurrent_with_it() {
    fn tied<M: Model>(name: &str, model: &M, first: (M::Op, M::Ret), second: (M::Op, M::Ret))
    where
        M::Op: Clone,
        M::Ret: Clone,
    {
        for (gap, other, expected) in [(0, 1, Verdict::Holds), (0, 0, Verdict::Violated), (1, 1, Verdict::Violated)] {
            let mut history = History::new();
            for (at, client, (op, ret)) in [(1, 0, first.clone()), (2 + gap, other, second.clone())] {
                let (begins, client) = (Time::from_nanos(at), ClientId::new(client));
                history.invoke(begins, client, op).expect("an invocation");
                history.complete(Time::from_nanos(at + 1), client, Outcome::Done(ret)).expect("a completion");
            }
            for strategy in [Strategies::Monitors, Strategies::Exhaustive, Strategies::All] {
                let found = linearizability::check_by(strategy, model, &history, 1_000);
                assert_eq!(found.verdict(), expected, "{name} by {strategy:?}, {gap} apart, by client {other}: {found:?}");
            }
        }
    }
    let write = (RegisterOp::Write(1), RegisterResult::Written);
    tied("register", &Register::<i64>::empty(), write, (RegisterOp::Read, RegisterResult::Value(None)));
    let write = (KvOp::Write { key: 7, value: 1 }, KvResult::Written);
    tied("kv", &Kv::<u64, u64>::empty(), write, (KvOp::Read { key: 7 }, KvResult::Value(None)));
    tied("counter", &Counter::zero(), (CounterOp::Add(1), CounterResult::Added), (CounterOp::Read, CounterResult::Value(0)));
    let nothing = (GrowSetOp::Read, GrowSetResult::Elements(BTreeSet::new()));
    tied("grow-set", &GrowSet::empty(), (GrowSetOp::Add(1), GrowSetResult::Added), nothing);
    tied("queue", &Queue::empty(), (QueueOp::Enqueue(1), QueueResult::Enqueued), (QueueOp::Dequeue, QueueResult::Empty));
    tied("stack", &Stack::empty(), (StackOp::Push(1), StackResult::Pushed), (StackOp::Pop, StackResult::Empty));
    let insert = (PriorityQueueOp::Insert(1), PriorityQueueResult::Inserted);
    tied("priority queue", &PriorityQueue::empty(), insert, (PriorityQueueOp::TakeLeast, PriorityQueueResult::Empty));
}

/// A compare-and-set whose mismatch is known, and a deletion, are for the search: the register's algorithm says nothing.
#[test]
fn what_an_algorithm_cannot_judge_it_leaves_to_the_search() {
    let (client, at) = (ClientId::new(0), Time::from_nanos);
    let mut history = History::new();
    for (place, (op, ret)) in [
        (KvOp::Write { key: 0, value: 1 }, KvResult::Written),
        (KvOp::Write { key: 0, value: 1 }, KvResult::Written),
        (KvOp::Read { key: 0 }, KvResult::Value(Some(1))),
    ]
    .into_iter()
    .enumerate()
    {
        history.invoke(at(2 * place as u64), client, op).expect("an invocation");
        history.complete(at(2 * place as u64 + 1), client, Outcome::Done(ret)).expect("a completion");
    }
    let model = Kv::<u64, u64>::empty();
    assert_eq!(linearizability::check_by(Strategies::Monitors, &model, &history, 0).verdict(), Verdict::Unknown);
    assert_eq!(linearizability::check(&model, &history).verdict(), Verdict::Holds);
}

/// A queue of few values, as ten clients see it that take turns at random; and whether two answers are exchanged that show it.
fn long_queue(seed: u64, operations: usize, exchanged: bool) -> History<QueueOp, QueueResult> {
    let mut random = RunKey::from_seed(seed).stream("long", 0);
    let (mut history, mut items, mut answers) = (History::new(), std::collections::VecDeque::new(), [const { None }; 10]);
    let mut now = 0;
    while history.len() < operations || answers.iter().any(Option::is_some) {
        now += 1;
        let client = random.below(10) as usize;
        let (at, id) = (Time::from_nanos(now), ClientId::new(client as u32));
        if let Some(answer) = answers[client].take() {
            history.complete(at, id, Outcome::Done(answer)).expect("it is open");
        } else if history.len() < operations {
            let (put, value) = (random.below(2) == 0, random.below(4) as i64);
            // What came in last goes out first.
            let late = exchanged && history.len() > operations / 2;
            history.invoke(at, id, if put { QueueOp::Enqueue(value) } else { QueueOp::Dequeue }).expect("nothing is open");
            answers[client] = Some(if put {
                items.push_back(value);
                QueueResult::Enqueued
            } else {
                let item = if late { items.pop_back() } else { items.pop_front() };
                item.map_or(QueueResult::Empty, QueueResult::Item)
            });
        }
    }
    history
}

#[test]
fn equal_values_are_told_apart_at_length() {
    let mut fit = 0;
    for seed in 0..6 {
        for exchanged in [false, true] {
            let history = long_queue(seed, 400, exchanged);
            let found = linearizability::check_by(Strategies::Monitors, &Queue::empty(), &history, 0);
            let expected = if exchanged { Verdict::Violated } else { Verdict::Holds };
            assert!([expected, Verdict::Unknown].contains(&found.verdict()), "seed {seed}, {exchanged}: {found:?}");
            fit += u64::from(found.verdict() == expected);
            if let Judgement::Holds { witness } = &found.judgement {
                support::verify(&Queue::empty(), &history, witness).expect("a witness that can be verified");
            }
        }
    }
    println!("{fit} of 12 told apart");
    assert!(fit > 6);
}

/// Additions of unknown outcome, of which no sum is what was seen; or just one is.
#[test]
fn sums_of_additions_that_may_have_been() {
    let amount = |place: i64| 1_000_000 + place * place * 977 + place * 31;
    for (seen, expected) in [((0..36).step_by(3).map(amount).sum::<i64>(), Verdict::Unknown), (17 * amount(35) + 1, Verdict::Violated)] {
        let mut history = History::new();
        for place in 0..36 {
            let (at, client) = (Time::from_nanos(place as u64), ClientId::new(place as u32));
            history.invoke(at, client, CounterOp::Add(amount(place))).expect("a client of its own");
        }
        let reader = ClientId::new(99);
        history.invoke(Time::from_nanos(100), reader, CounterOp::Read).expect("it is free");
        history.complete(Time::from_nanos(101), reader, Outcome::Done(CounterResult::Value(seen))).expect("it is open");
        let found = linearizability::check_by(Strategies::Monitors, &Counter::zero(), &history, 0);
        assert_eq!(found.verdict(), expected, "{seen}");
    }
}
