//! The models that come with the crate: each step by step, and judged by the reference checker on small random histories.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use crate::support::reference::agree;
use stormglass::base::Stream;
use stormglass::check::model::bank::{Bank, BankOp, BankResult};
use stormglass::check::model::counter::{Counter, CounterOp, CounterResult};
use stormglass::check::model::fenced_lock::{FencedLock, FencedLockResult};
use stormglass::check::model::grow_set::{GrowSet, GrowSetOp, GrowSetResult};
use stormglass::check::model::lock::{Lock, LockOp, LockResult};
use stormglass::check::model::log::{Log, LogOp, LogResult};
use stormglass::check::model::multi_register::{MultiRegister, RegisterAct};
use stormglass::check::model::priority_queue::{PriorityQueue, PriorityQueueOp, PriorityQueueResult};
use stormglass::check::model::queue::{Queue, QueueOp, QueueResult};
use stormglass::check::model::set::{Set, SetOp, SetResult};
use stormglass::check::model::stack::{Stack, StackOp, StackResult};
use stormglass::check::model::unique_ids::{Generate, UniqueIds};
use stormglass::check::model::unordered_queue::UnorderedQueue;
use stormglass::check::model::{Model, Next, Role};

/// How values are made: few, so that they repeat, or each its own.
struct Values {
    few: Option<i64>,
    drawn: Cell<i64>,
}

impl Values {
    const fn few(count: i64) -> Self {
        Self { few: Some(count), drawn: Cell::new(0) }
    }

    const fn distinct() -> Self {
        Self { few: None, drawn: Cell::new(0) }
    }

    fn draw(&self, random: &mut Stream) -> i64 {
        self.few.map_or_else(|| self.drawn.replace(self.drawn.get() + 1), |few| random.below(few as u64) as i64)
    }

    /// All values that a history of so many operations can hold by now.
    fn recent(&self, operations: i64) -> impl Iterator<Item = i64> {
        self.few.map_or_else(|| self.drawn.get() - operations..self.drawn.get(), |few| 0..few)
    }
}

fn counters(count: u64, extra: usize) {
    let all = |low: i64, high: i64| (low..=high).map(CounterResult::Value).collect::<Vec<_>>();
    let mixed = |random: &mut Stream| match random.below(5) {
        0 | 1 => CounterOp::Read,
        2 | 3 => CounterOp::Add(random.below(5) as i64 - 2),
        _ => CounterOp::AddAndGet(random.below(3) as i64 - 1),
    };
    agree("counter", &Counter::showing(1), (count, extra), mixed, |op| match op {
        CounterOp::Add(_) => vec![CounterResult::Added],
        _ => all(-25, 25),
    });
    let ones = |random: &mut Stream| match random.below(6) {
        0 | 1 => CounterOp::Read,
        2..=4 => CounterOp::Add(1),
        _ => CounterOp::AddAndGet(1),
    };
    agree("counter by ones", &Counter::zero(), (count, extra), ones, |op| match op {
        CounterOp::Add(_) => vec![CounterResult::Added],
        _ => all(0, 7 + extra as i64),
    });
}

fn sets(count: u64, extra: usize) {
    let op = |random: &mut Stream| {
        let element = random.below(2) as i64;
        match random.below(4) {
            0 => SetOp::Add(element),
            1 => SetOp::Remove(element),
            _ => SetOp::Contains(element),
        }
    };
    agree("set", &Set::empty(), (count, extra), op, |op| match op {
        SetOp::Contains(_) => vec![SetResult::Was(false), SetResult::Was(true)],
        _ => vec![SetResult::Was(false), SetResult::Was(true), SetResult::Done],
    });
}

fn grow_sets(count: u64, extra: usize) {
    let op = |random: &mut Stream| match random.below(2) {
        0 => GrowSetOp::Read,
        _ => GrowSetOp::Add(random.below(4) as i64),
    };
    let subsets: Vec<BTreeSet<i64>> = (0..16).map(|bits: u32| (0..4).filter(|place| bits >> place & 1 == 1).collect()).collect();
    agree("grow-set", &GrowSet::empty(), (count, extra), op, |op| match op {
        GrowSetOp::Add(_) => vec![GrowSetResult::Added],
        GrowSetOp::Read => subsets.iter().cloned().map(GrowSetResult::Elements).collect(),
    });
}

fn queues(count: u64, extra: usize, values: &Values) {
    let op = |random: &mut Stream| match random.below(2) {
        0 => QueueOp::Enqueue(values.draw(random)),
        _ => QueueOp::Dequeue,
    };
    agree("queue", &Queue::empty(), (count, extra), op, |op| match op {
        QueueOp::Enqueue(_) => vec![QueueResult::Enqueued],
        QueueOp::Dequeue => values.recent(7 + extra as i64).map(QueueResult::Item).chain([QueueResult::Empty]).collect(),
    });
}

fn unordered_queues(count: u64, extra: usize, values: &Values) {
    let op = |random: &mut Stream| match random.below(2) {
        0 => QueueOp::Enqueue(values.draw(random)),
        _ => QueueOp::Dequeue,
    };
    agree("unordered queue", &UnorderedQueue::empty(), (count, extra), op, |op| match op {
        QueueOp::Enqueue(_) => vec![QueueResult::Enqueued],
        QueueOp::Dequeue => values.recent(7 + extra as i64).map(QueueResult::Item).chain([QueueResult::Empty]).collect(),
    });
}

fn sources_of_ids(count: u64, extra: usize) {
    agree("unique ids", &UniqueIds::unused(), (count, extra), |_| Generate, |_| (0..12_i64).collect());
}

fn banks(count: u64, extra: usize) {
    let op = |random: &mut Stream| match random.below(2) {
        0 => BankOp::Read,
        _ => BankOp::Transfer { from: 0_i64, to: 1, amount: random.below(3) as i64 },
    };
    let balances = |a: i64, b: i64| BankResult::Balances(BTreeMap::from([(0, a), (1, b)]));
    agree("bank", &Bank::of(Some(2)), (count, extra), op, |op| match op {
        BankOp::Read => vec![balances(0, 2), balances(1, 1), balances(2, 0), balances(1, 2), balances(3, -1)],
        BankOp::Transfer { .. } => vec![BankResult::Moved],
    });
}

fn multi_registers(count: u64, extra: usize) {
    let act = |random: &mut Stream| match random.below(2) {
        0 => RegisterAct::Read(random.below(2)),
        _ => RegisterAct::Write(random.below(2), random.below(2) as i64),
    };
    let op = |random: &mut Stream| (0..=random.below(2)).map(|_| act(random)).collect::<Vec<_>>();
    let values = [None, Some(0), Some(1)];
    agree("multi-register", &MultiRegister::holding([(0, 0)].into()), (count, extra), op, |acts| {
        let reads = acts.iter().filter(|act| matches!(act, RegisterAct::Read(_))).count() as u32;
        (0..3_usize.pow(reads)).map(|n| (0..reads).map(|place| values[n / 3_usize.pow(place) % 3]).collect()).collect()
    });
}

fn stacks(count: u64, extra: usize, values: &Values) {
    let op = |random: &mut Stream| match random.below(2) {
        0 => StackOp::Push(values.draw(random)),
        _ => StackOp::Pop,
    };
    agree("stack", &Stack::empty(), (count, extra), op, |op| match op {
        StackOp::Push(_) => vec![StackResult::Pushed],
        StackOp::Pop => values.recent(7 + extra as i64).map(StackResult::Item).chain([StackResult::Empty]).collect(),
    });
}

fn priority_queues(count: u64, extra: usize, values: &Values) {
    let op = |random: &mut Stream| match random.below(2) {
        0 => PriorityQueueOp::Insert(values.draw(random)),
        _ => PriorityQueueOp::TakeLeast,
    };
    agree("priority queue", &PriorityQueue::empty(), (count, extra), op, |op| match op {
        PriorityQueueOp::Insert(_) => vec![PriorityQueueResult::Inserted],
        PriorityQueueOp::TakeLeast => {
            values.recent(7 + extra as i64).map(PriorityQueueResult::Item).chain([PriorityQueueResult::Empty]).collect()
        }
    });
}

fn locks(count: u64, extra: usize) {
    let op = |random: &mut Stream| {
        let owner = random.below(2);
        if random.below(2) == 0 { LockOp::Acquire(owner) } else { LockOp::Release(owner) }
    };
    agree("lock", &Lock::free(), (count, extra), op, |op| match op {
        LockOp::Acquire(_) => vec![LockResult::Granted, LockResult::Refused],
        LockOp::Release(_) => vec![LockResult::Released, LockResult::Refused],
    });
    agree("fenced lock", &FencedLock::free(), (count / 4, extra), op, |op| match op {
        LockOp::Acquire(_) => {
            let granted = (1..100).map(|token| FencedLockResult::Granted { token });
            granted.chain([FencedLockResult::Refused]).collect()
        }
        LockOp::Release(_) => vec![FencedLockResult::Released, FencedLockResult::Refused],
    });
}

fn logs(count: u64, extra: usize) {
    let op = |random: &mut Stream| match random.below(6) {
        0 => LogOp::read_all(),
        1 => LogOp::read_prefix(random.below(3)),
        2 => LogOp::Read { from: random.below(3), most: Some(random.below(3)) },
        _ => LogOp::Append(random.below(2) as i64),
    };
    let texts: Vec<Vec<i64>> = (0..5_u32)
        .flat_map(|length| (0..1_u32 << length).map(move |bits| (0..length).map(|place| i64::from(bits >> place & 1)).collect()))
        .chain(
            (5..11)
                .flat_map(|length| (0..1_u32 << length).map(move |bits| (0..length).map(|place| i64::from(bits >> place & 1)).collect())),
        )
        .collect();
    let appended: Vec<LogResult> = (0..12).map(LogResult::At).chain([LogResult::Appended]).collect();
    agree("log", &Log::empty(), (count, extra), op, |op| match op {
        LogOp::Append(_) => appended.clone(),
        LogOp::Read { most, .. } => {
            let longest = most.map_or(7 + extra, |most| most as usize);
            texts.iter().filter(|entries| entries.len() <= longest).cloned().map(LogResult::Entries).collect()
        }
    });
}

#[test]
fn the_reference_checker_agrees() {
    all(8_000, 0);
}

/// Takes minutes; for whoever changes the checker.
#[test]
#[ignore = "slow: more and longer histories"]
fn the_reference_checker_agrees_at_length() {
    for (count, extra) in [(120_000, 0), (20_000, 2)] {
        all(count, extra);
    }
}

fn all(count: u64, extra: usize) {
    counters(count, extra);
    sets(count, extra);
    grow_sets(count, extra);
    for values in &[Values::few(2), Values::distinct()] {
        queues(count, extra, values);
        unordered_queues(count, extra, values);
        stacks(count, extra, values);
        priority_queues(count, extra, values);
    }
    locks(count, extra);
    logs(count / 4, extra);
    sources_of_ids(count / 4, extra);
    banks(count / 4, extra);
    multi_registers(count / 2, extra);
}

/// Every promise that a model makes of an operation, kept in every state that some operations lead to.
fn promises<M: Model>(name: &str, model: &M, operations: &[(M::Op, Option<M::Ret>)]) {
    let mut states = vec![model.initial()];
    for place in 0.. {
        let Some(state) = states.get(place).cloned() else { break };
        for (op, ret) in operations {
            let next = model.step(&state, op, ret.as_ref());
            let role = model.role(op, ret.as_ref());
            kept(&format!("{name}: {op:?} → {ret:?} in {state:?}"), &state, &next, &role);
            // What changes something with some result may do so with none.
            let changes = |(other, ret): &(M::Op, Option<M::Ret>)| {
                other == op && model.step(&state, op, ret.as_ref()).states(&state).iter().any(|after| *after != state)
            };
            assert!(ret.is_some() || next.is_legal() || !operations.iter().any(changes), "{name}: {op:?} without a result in {state:?}");
            for next in next.states(&state) {
                if !states.contains(&next) && states.len() < 120 {
                    states.push(next);
                }
            }
        }
    }
    assert!(states.len() > 1, "{name}: nothing changes the state");
}

fn kept<S: Clone + PartialEq + Debug>(tell: &str, state: &S, next: &Next<S>, role: &Role<S>) {
    let after = next.clone().states(state);
    match role {
        Role::Observer => assert!(after.iter().all(|after| after == state), "{tell}: {next:?}"),
        Role::Read(seen) => assert_eq!(after, if seen == state { vec![state.clone()] } else { vec![] }, "{tell}"),
        Role::Write(left) => assert_eq!(after, std::slice::from_ref(left), "{tell}"),
        Role::Swap(left) => assert!(after.iter().all(|after| after == state || after == left), "{tell}: {next:?}"),
        Role::Exchange { from, to } => assert_eq!(after, if from == state { vec![to.clone()] } else { vec![] }, "{tell}"),
        Role::Update => assert!(!after.is_empty(), "{tell}"),
        Role::Other => {}
    }
}

/// Each operation with each result, and with none.
fn crossed<O: Clone, R: Clone>(ops: &[O], rets: &[R]) -> Vec<(O, Option<R>)> {
    ops.iter().flat_map(|op| rets.iter().cloned().map(Some).chain([None]).map(move |ret| (op.clone(), ret))).collect()
}

#[test]
fn models_keep_their_promises() {
    use {
        CounterOp as C, FencedLockResult as F, GrowSetOp as G, LockOp as K, PriorityQueueOp as P, QueueOp as Q, SetOp as S, StackOp as T,
    };
    let values = [C::Read, C::Add(2), C::Add(-1), C::AddAndGet(3), C::Add(i64::MAX)];
    promises("counter", &Counter::zero(), &crossed(&values, &[CounterResult::Added, CounterResult::Value(0), CounterResult::Value(3)]));
    let results = [SetResult::Done, SetResult::Was(true), SetResult::Was(false)];
    promises("set", &Set::empty(), &crossed(&[S::Add(1_i64), S::Remove(1), S::Contains(1)], &results));
    let results = [GrowSetResult::Added, GrowSetResult::Elements([1].into()), GrowSetResult::Elements([].into())];
    promises("grow-set", &GrowSet::empty(), &crossed(&[G::Add(1), G::Add(2), G::Read], &results));
    let results = [QueueResult::Enqueued, QueueResult::Empty, QueueResult::Item(1)];
    promises("queue", &Queue::empty(), &crossed(&[Q::Enqueue(1), Q::Enqueue(2), Q::Dequeue], &results));
    let results = [StackResult::Pushed, StackResult::Empty, StackResult::Item(1)];
    promises("stack", &Stack::empty(), &crossed(&[T::Push(1), T::Push(2), T::Pop], &results));
    let results = [PriorityQueueResult::Inserted, PriorityQueueResult::Empty, PriorityQueueResult::Item(1)];
    promises("priority queue", &PriorityQueue::empty(), &crossed(&[P::Insert(1), P::Insert(2), P::TakeLeast], &results));
    let owners = [K::Acquire(1), K::Acquire(2), K::Release(1), K::Release(2)];
    promises("lock", &Lock::free(), &crossed(&owners, &[LockResult::Granted, LockResult::Released, LockResult::Refused]));
    promises("fenced lock", &FencedLock::free(), &crossed(&owners, &[F::Granted { token: 2 }, F::Released, F::Refused]));
    let entries = [LogResult::Appended, LogResult::At(1), LogResult::Entries(vec![1]), LogResult::Entries(vec![])];
    promises(
        "unordered queue",
        &UnorderedQueue::empty(),
        &crossed(&[Q::Enqueue(1), Q::Enqueue(2), Q::Dequeue], &[QueueResult::Enqueued, QueueResult::Empty, QueueResult::Item(1)]),
    );
    promises("unique ids", &UniqueIds::unused(), &crossed(&[Generate], &[1, 2]));
    let acts = [vec![RegisterAct::Read(0)], vec![RegisterAct::Write(0, 1)], vec![RegisterAct::Write(1, 1), RegisterAct::Read(0)], vec![]];
    let seen = [vec![], vec![None], vec![Some(0)], vec![Some(1)], vec![Some(1), None]];
    promises("multi-register", &MultiRegister::holding([(0, 0)].into()), &crossed(&acts, &seen));
    promises("log", &Log::empty(), &crossed(&[LogOp::Append(1), LogOp::read_all(), LogOp::read_at(0)], &entries));
}

#[test]
fn models_say_what_happened_in_words() {
    fn said<M: Model>(model: &M, op: &M::Op, ret: &M::Ret) -> [String; 3] {
        [model.describe(op, Some(ret)), model.describe(op, None), model.expected(&model.initial(), op)]
    }
    assert_eq!(
        said(&Counter::zero(), &CounterOp::AddAndGet(2), &CounterResult::Value(5)),
        ["add 2 and get → 5", "add 2 and get → ?", "it showed 0: only 2 could have come of it"]
    );
    assert_eq!(
        said(&Set::empty(), &SetOp::Remove(3_i64), &SetResult::Was(true)),
        ["remove 3 → removed", "remove 3 → ?", "3 was not there"]
    );
    assert_eq!(
        said(&GrowSet::empty(), &GrowSetOp::Read, &GrowSetResult::Elements([1, 2].into())),
        ["read → {1, 2}", "read → ?", "only {} could have been read"]
    );
    assert_eq!(said(&Queue::empty(), &QueueOp::Dequeue, &QueueResult::Item(7)), ["dequeue → 7", "dequeue → ?", "it was empty"]);
    assert_eq!(said(&Stack::empty(), &StackOp::Pop, &StackResult::Item(7)), ["pop → 7", "pop → ?", "it was empty"]);
    assert_eq!(
        said(&PriorityQueue::empty(), &PriorityQueueOp::TakeLeast, &PriorityQueueResult::Item(7)),
        ["take least → 7", "take least → ?", "it was empty"]
    );
    assert_eq!(
        said(&Lock::free(), &LockOp::Acquire(4), &LockResult::Refused),
        ["acquire for 4 → refused", "acquire for 4 → ?", "nobody held it: it could only be granted"]
    );
    assert_eq!(
        said(&FencedLock::free(), &LockOp::Acquire(4), &FencedLockResult::Granted { token: 9 }),
        ["acquire for 4 → granted with token 9", "acquire for 4 → ?", "nobody held it: it could only be granted, with a token above 0"]
    );
    assert_eq!(said(&UnorderedQueue::empty(), &QueueOp::Dequeue, &QueueResult::Item(7)), ["dequeue → 7", "dequeue → ?", "it was empty"]);
    assert_eq!(
        said(&UniqueIds::unused(), &Generate, &7),
        ["generate → 7", "generate → ?", "only an id could have come that had not come before"]
    );
    assert_eq!(
        said(&Bank::of(Some(3)), &BankOp::Read, &BankResult::Balances([(0, 1), (1, 1)].into())),
        ["read → {0: 1, 1: 1}", "read → ?", "together, the accounts hold 3, and none is below zero"]
    );
    assert_eq!(
        said(&MultiRegister::holding([(0, 0)].into()), &vec![RegisterAct::Write(1, 2), RegisterAct::Read(0)], &vec![Some(5)]),
        ["write 1 = 2, read 0 → 5", "write 1 = 2, read 0 → ?", "before it, only 0 = 0 could have been read"]
    );
    assert_eq!(
        said(&Log::empty(), &LogOp::read_at(2), &LogResult::Entries(vec![8])),
        ["read at 2 → [8]", "read at 2 → ?", "only [] could have been read"]
    );
}
