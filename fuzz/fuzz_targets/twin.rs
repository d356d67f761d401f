//! Small histories of every model: the checker, in each of its ways, agrees with its reference checker.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stormglass::base::{ClientId, Time};
use stormglass::check::Verdict;
use stormglass::check::generate::Sample;
use stormglass::check::consistency::check_sequential;
use stormglass::check::linearizability::{Borrowed, Judgement, Online, Strategies, ViolatedKey, check_by, reference, shrink, verify};
use stormglass::check::model::counter::{Counter, CounterOp};
use stormglass::check::model::fenced_lock::FencedLock;
use stormglass::check::model::grow_set::{GrowSet, GrowSetOp};
use stormglass::check::model::kv::{Kv, KvOp};
use stormglass::check::model::lock::{Lock, LockOp};
use stormglass::check::model::log::{Log, LogOp};
use stormglass::check::model::multi_register::{MultiRegister, RegisterAct};
use stormglass::check::model::priority_queue::{PriorityQueue, PriorityQueueOp};
use stormglass::check::model::queue::{Queue, QueueOp};
use stormglass::check::model::register::{Register, RegisterOp};
use stormglass::check::model::set::{Set, SetOp};
use stormglass::check::model::stack::{Stack, StackOp};
use stormglass::check::model::unique_ids::{Generate, UniqueIds};
use stormglass::check::model::unordered_queue::UnorderedQueue;
use stormglass::history::{Event, History, Outcome};

/// How many operations there are at most: the twin tries every order.
const MOST: usize = 7;

/// An object that is asked, to have answers that may be right.
struct Object<'a, M: Model> {
    model: &'a M,
    /// What each key holds, by name.
    held: Vec<(String, M::State)>,
    /// What was held, or would have been had more taken effect: where lies come from.
    seen: Vec<M::State>,
}

/// What a model needs to be asked here.
trait Model: Sample<Op: Clone, Ret: Clone> + Clone {}

impl<M: Sample<Op: Clone, Ret: Clone> + Clone> Model for M {}

impl<M: Model> Object<'_, M> {
    fn place(&mut self, op: &M::Op) -> usize {
        let key = self.model.key(op).to_string();
        self.held.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
            self.held.push((key, self.model.initial()));
            self.held.len() - 1
        })
    }

    /// An answer in this state.
    fn answer(&self, state: &M::State, op: &M::Op, which: u8) -> M::Ret {
        let answers = self.model.answers(state, op);
        answers[usize::from(which) % answers.len()].clone()
    }

    /// The operation takes effect.
    fn apply(&mut self, op: &M::Op, which: u8) -> M::Ret {
        let place = self.place(op);
        let answer = self.answer(&self.held[place].1, op, which);
        let next = self.model.step(&self.held[place].1, op, Some(&answer)).states(&self.held[place].1);
        self.held[place].1 = next[0].clone();
        self.seen.push(next[0].clone());
        answer
    }

    /// The operation does not take effect, and may seem to.
    fn lie(&mut self, op: &M::Op, which: u8) -> M::Ret {
        let place = self.place(op);
        self.seen.extend(self.model.step(&self.held[place].1, op, None).states(&self.held[place].1));
        self.answer(&self.seen[usize::from(which) % self.seen.len()], op, which >> 4)
    }
}

/// Two bytes an event: who, whether time passes, how it goes on; and what. An operation is made of a byte and of how many came before it.
fn history<M: Model>(model: &M, data: &[u8], op: impl Fn(u8, u64) -> M::Op) -> History<M::Op, M::Ret> {
    let mut history: History<M::Op, M::Ret> = History::new();
    let mut object = Object { model, held: Vec::new(), seen: vec![model.initial()] };
    // What is open, and its answer, if it took effect already.
    let mut open: [Option<(M::Op, Option<M::Ret>)>; 4] = [const { None }; 4];
    let mut now = 0;
    for event in data.chunks_exact(2) {
        let (who, what) = (usize::from(event[0] & 3), event[1]);
        now += u64::from(event[0] >> 2 & 1);
        let (at, client) = (Time::from_nanos(now), ClientId::new(who as u32));
        match (open[who].take(), event[0] >> 3 & 7) {
            (None, _) if history.len() == MOST => {}
            (None, _) => {
                let op = op(what, history.len() as u64);
                history.invoke(at, client, op.clone()).expect("nothing is open");
                open[who] = Some((op, None));
            }
            (Some((op, None)), 0) => open[who] = Some((op.clone(), Some(object.apply(&op, what)))),
            (Some((op, answer)), how) => {
                let outcome = match how {
                    1 => Outcome::Unknown,
                    2 => Outcome::Failed,
                    3 => Outcome::Done(object.lie(&op, what)),
                    _ => Outcome::Done(answer.unwrap_or_else(|| object.apply(&op, what))),
                };
                history.complete(at, client, outcome).expect("it is open");
            }
        }
    }
    history
}

/// Tells a judge of the history event by event.
fn told<M: Model>(mut online: Online<M>, history: &History<M::Op, M::Ret>) -> Online<M> {
    for (at, event) in history.clone().into_events() {
        match event {
            Event::Invoke { client, op, .. } => online.invoke(at, client, op),
            Event::Complete { client, outcome } | Event::Recover { client, outcome, .. } => online.complete(at, client, outcome),
        }
        .expect("a well-formed history");
    }
    online.finish();
    online
}

/// Whether several keys may not hold together though each does.
fn ties_across_keys<M: Model>(model: &M, history: &History<M::Op, M::Ret>) -> bool {
    let operations = history.operations();
    operations.iter().enumerate().any(|(index, first)| {
        let next = operations[index + 1..].iter().find(|next| next.client == first.client);
        next.is_some_and(|next| first.completed == Some(next.invoked) && model.key(&first.op) != model.key(&next.op))
    })
}

/// The history with nothing left but what each client did one after the other.
fn flattened<M: Model>(history: &History<M::Op, M::Ret>) -> History<M::Op, M::Ret> {
    let mut flat = History::new();
    for operation in history.operations() {
        flat.invoke(Time::ZERO, operation.client, operation.op.clone()).expect("nothing is open");
        flat.complete(Time::ZERO, operation.client, operation.outcome.clone()).expect("it is open");
    }
    flat
}

fn agree<M: Model>(model: &M, data: &[u8], op: impl Fn(u8, u64) -> M::Op) {
    let history = history(model, data, op);
    let tell = || format!("{:#?}", history.operations());
    let expected = reference::is_linearizable(model, &history);
    for strategy in [Strategies::All, Strategies::Exhaustive, Strategies::Refinement, Strategies::Monitors] {
        let report = check_by(strategy, model, &history, 1_000_000);
        match &report.judgement {
            Judgement::Holds { witness } => {
                assert!(expected, "{strategy:?} {}", tell());
                verify(model, &history, witness).unwrap_or_else(|why| panic!("{why}: {strategy:?} {}", tell()));
            }
            Judgement::Violated { violations, .. } => {
                assert!(!expected, "{strategy:?} {}", tell());
                for violation in violations {
                    let core = shrink(model, &history, violation);
                    assert!(core.minimal, "{core:?} {}", tell());
                    let part = core.sub_history::<M>(&history);
                    assert!(!reference::is_linearizable(&Borrowed::new(model), &part.history), "{core:?} {}", tell());
                }
            }
            Judgement::Unknown { .. } => assert!(matches!(strategy, Strategies::Monitors | Strategies::Refinement), "{}", tell()),
        }
    }
    let windows = usize::from(data.len() as u8 % 4);
    let eager = told(Online::new(model.clone()).with_windows_of(windows), &history);
    for online in [&eager, &told(Online::new(model.clone()).batched().with_windows_of(windows), &history)] {
        let undecided = online.verdict() == Verdict::Unknown && ties_across_keys(model, &history);
        assert!(undecided || online.verdict() == verdict(expected), "{} {:?} {}", online.verdict(), online.violation(), tell());
        assert_eq!(by_key(online), by_key(&eager), "{}", tell());
    }
    let sequential = reference::is_linearizable(model, &flattened::<M>(&history));
    assert_eq!(check_sequential(model, &history, 1_000_000).verdict, verdict(sequential), "sequential {}", tell());
}

/// Where each key became violated, in whatever order that was found.
fn by_key<M: Model>(online: &Online<M>) -> Vec<&ViolatedKey> {
    let mut violations: Vec<&ViolatedKey> = online.violations().iter().collect();
    violations.sort_by_key(|violation| &violation.key);
    violations
}

fn verdict(holds: bool) -> Verdict {
    if holds { Verdict::Holds } else { Verdict::Violated }
}

fuzz_target!(|data: &[u8]| {
    let Some((model, data)) = data.split_first() else { return };
    // Values are few, or each its own.
    let value = |what: u8, before: u64| if *model < 0x80 { u64::from(what >> 2 & 3) } else { before };
    let signed = |what: u8, before: u64| value(what, before) as i64;
    let other = |what: u8| u64::from(what >> 4 & 7);
    let key = |what: u8| u64::from(what >> 7);
    match (model & 0x7f) % 16 {
        0 => agree(&Register::empty(), data, |what, before| match what & 3 {
            0 | 1 => RegisterOp::Read,
            2 => RegisterOp::Write(signed(what, before)),
            _ => RegisterOp::Cas { expect: Some(other(what) as i64).filter(|value| *value < 7), new: signed(what, before) },
        }),
        1 => agree(&Register::holding(0), data, |what, before| match what & 1 {
            0 => RegisterOp::Read,
            _ => RegisterOp::Write(signed(what, before)),
        }),
        2 => agree(&Kv::<u64, u64>::empty(), data, |what, before| match (what & 3, key(what)) {
            (0, key) => KvOp::Read { key },
            (1, key) => KvOp::Write { key, value: value(what, before) },
            (2, key) => KvOp::Cas { key, expect: Some(other(what) & 3), new: value(what, before) },
            (_, key) if what & 4 == 0 => KvOp::Delete { key },
            (_, key) => KvOp::Read { key },
        }),
        3 => agree(&Kv::holding(String::new()), data, |what, before| match (what & 3, key(what).to_string()) {
            (0 | 1, key) => KvOp::Read { key },
            (2, key) => KvOp::Append { key, value: value(what, before).to_string() },
            (_, key) if what & 0x40 == 0 => KvOp::Append { key, value: "x".repeat(usize::from(what >> 2 & 1)) },
            (_, key) => KvOp::Write { key, value: value(what, before).to_string() },
        }),
        4 => agree(&Counter::showing(1), data, |what, _| {
            let by = if *model < 0x80 { i64::from(what >> 2 & 3) - 1 } else { 1 };
            match what & 3 {
                0 | 1 => CounterOp::Read,
                2 => CounterOp::Add(by),
                _ => CounterOp::AddAndGet(by),
            }
        }),
        5 => agree(&Set::empty(), data, |what, before| match what & 3 {
            0 | 1 => SetOp::Contains(other(what) as i64 & 3),
            2 => SetOp::Add(signed(what, before) & 3),
            _ => SetOp::Remove(other(what) as i64 & 3),
        }),
        6 => agree(&GrowSet::empty(), data, |what, before| match what & 1 {
            0 => GrowSetOp::Read,
            _ => GrowSetOp::Add(signed(what, before)),
        }),
        7 => agree(&Queue::empty(), data, |what, before| match what & 1 {
            0 => QueueOp::Dequeue,
            _ => QueueOp::Enqueue(signed(what, before)),
        }),
        8 => agree(&Stack::empty(), data, |what, before| match what & 1 {
            0 => StackOp::Pop,
            _ => StackOp::Push(signed(what, before)),
        }),
        9 => agree(&PriorityQueue::empty(), data, |what, before| match what & 1 {
            0 => PriorityQueueOp::TakeLeast,
            // In no order of time.
            _ => PriorityQueueOp::Insert(signed(what, before * 3 % 7)),
        }),
        10 => agree(&Lock::free(), data, |what, before| match what & 1 {
            0 => LockOp::Acquire(value(what, before)),
            _ => LockOp::Release(other(what)),
        }),
        11 => agree(&FencedLock::free(), data, |what, before| match what & 1 {
            0 => LockOp::Acquire(value(what, before)),
            _ => LockOp::Release(other(what)),
        }),
        12 => agree(&UnorderedQueue::empty(), data, |what, before| match what & 1 {
            0 => QueueOp::Dequeue,
            _ => QueueOp::Enqueue(signed(what, before)),
        }),
        13 => agree(&UniqueIds::<i64>::unused(), data, |_, _| Generate),
        14 => agree(&MultiRegister::holding([(0, 0)].into()), data, |what, before| {
            let act = |bits: u8| match bits & 3 {
                0 | 1 => RegisterAct::Read(u64::from(bits & 1)),
                key => RegisterAct::Write(u64::from(key & 1), signed(what, before)),
            };
            (0..=what >> 6).map(|place| act(what >> (2 * place))).collect()
        }),
        _ => agree(&Log::empty(), data, |what, before| match what & 3 {
            0 => LogOp::read_all(),
            1 => LogOp::Read { from: other(what) & 3, most: Some(u64::from(what >> 6)).filter(|most| *most > 0) },
            _ => LogOp::Append(signed(what, before)),
        }),
    }
});
