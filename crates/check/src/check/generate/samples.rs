//! What clients ask of the models that come with the crate, and what these answer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Sample, Values};
use crate::base::Stream;
use crate::check::model::counter::{Counter, CounterOp, CounterResult};
use crate::check::model::fenced_lock::{FencedLock, FencedLockResult, TokenState};
use crate::check::model::grow_set::{GrowSet, GrowSetOp, GrowSetResult};
use crate::check::model::kv::{Kv, KvOp, KvResult};
use crate::check::model::lock::{Lock, LockOp, LockResult};
use crate::check::model::log::{Log, LogOp, LogResult};
use crate::check::model::multi_register::{MultiRegister, RegisterAct};
use crate::check::model::priority_queue::{PriorityQueue, PriorityQueueOp, PriorityQueueResult};
use crate::check::model::queue::{Queue, QueueOp, QueueResult};
use crate::check::model::register::{Register, RegisterOp, RegisterResult};
use crate::check::model::set::{Set, SetOp, SetResult};
use crate::check::model::stack::{Stack, StackOp, StackResult};
use crate::check::model::unique_ids::{Generate, UniqueIds};
use crate::check::model::unordered_queue::UnorderedQueue;

/// Half reads. Where values are used once, the rest are writes; where they repeat, one in five compares and sets.
impl Sample for Register<i64> {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> RegisterOp<i64> {
        match random.below(10) {
            0..5 => RegisterOp::Read,
            5 | 6 if values.repeat() => RegisterOp::Cas { expect: Some(values.known(random) as i64), new: values.fresh(random) as i64 },
            _ => RegisterOp::Write(values.fresh(random) as i64),
        }
    }

    fn answers(&self, held: &Option<i64>, op: &RegisterOp<i64>) -> Vec<RegisterResult<i64>> {
        vec![match op {
            RegisterOp::Read => RegisterResult::Value(*held),
            RegisterOp::Write(_) => RegisterResult::Written,
            RegisterOp::Cas { expect, .. } if expect == held => RegisterResult::Swapped,
            RegisterOp::Cas { .. } => RegisterResult::Mismatch,
        }]
    }

    fn impossible(&self, op: &RegisterOp<i64>, values: &Values) -> Option<RegisterResult<i64>> {
        matches!(op, RegisterOp::Read).then(|| RegisterResult::Value(Some(values.never() as i64)))
    }
}

/// Half reads. Where values are used once, the rest are writes; where they repeat, there are also compare-and-sets and deletions.
impl Sample for Kv<u64, u64> {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> KvOp<u64, u64> {
        let key = values.key(random);
        match random.below(10) {
            0..5 => KvOp::Read { key },
            5 if values.repeat() => KvOp::Cas { key, expect: Some(values.known(random)), new: values.fresh(random) },
            6 if values.repeat() => KvOp::Delete { key },
            _ => KvOp::Write { key, value: values.fresh(random) },
        }
    }

    fn answers(&self, held: &Option<u64>, op: &KvOp<u64, u64>) -> Vec<KvResult<u64>> {
        vec![answer(held, op)]
    }

    fn impossible(&self, op: &KvOp<u64, u64>, values: &Values) -> Option<KvResult<u64>> {
        matches!(op, KvOp::Read { .. }).then(|| KvResult::Value(Some(values.never())))
    }
}

/// Half reads, four in ten append, one in ten writes.
impl Sample for Kv<String, String> {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> KvOp<String, String> {
        let key = values.key(random).to_string();
        match random.below(10) {
            0..5 => KvOp::Read { key },
            5..9 => KvOp::Append { key, value: format!("x{}y", values.fresh(random)) },
            _ => KvOp::Write { key, value: format!("x{}y", values.fresh(random)) },
        }
    }

    fn answers(&self, held: &Option<String>, op: &KvOp<String, String>) -> Vec<KvResult<String>> {
        vec![answer(held, op)]
    }

    fn impossible(&self, op: &KvOp<String, String>, values: &Values) -> Option<KvResult<String>> {
        matches!(op, KvOp::Read { .. }).then(|| KvResult::Value(Some(format!("x{}y", values.never()))))
    }
}

fn answer<K, V: Clone + PartialEq>(held: &Option<V>, op: &KvOp<K, V>) -> KvResult<V> {
    match op {
        KvOp::Read { .. } => KvResult::Value(held.clone()),
        KvOp::Cas { expect, .. } if expect == held => KvResult::Swapped,
        KvOp::Cas { .. } => KvResult::Mismatch(held.clone()),
        KvOp::Write { .. } | KvOp::Append { .. } | KvOp::Delete { .. } => KvResult::Written,
    }
}

/// Three in ten reads. Where values are used once, one is added each time; where they repeat, so much as they say, or less.
impl Sample for Counter {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> CounterOp {
        let amount = |random: &mut Stream, values: &mut Values| match values.repeat() {
            true => values.fresh(random) as i64 - 1,
            false => 1,
        };
        match random.below(10) {
            0..3 => CounterOp::Read,
            3 => CounterOp::AddAndGet(amount(random, values)),
            _ => CounterOp::Add(amount(random, values)),
        }
    }

    fn answers(&self, shown: &i64, op: &CounterOp) -> Vec<CounterResult> {
        vec![match op {
            CounterOp::Read => CounterResult::Value(*shown),
            CounterOp::Add(_) => CounterResult::Added,
            CounterOp::AddAndGet(amount) => CounterResult::Value(shown.wrapping_add(*amount)),
        }]
    }

    fn impossible(&self, op: &CounterOp, values: &Values) -> Option<CounterResult> {
        matches!(op, CounterOp::Read).then(|| CounterResult::Value(values.never() as i64))
    }
}

impl Sample for Set<i64> {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> SetOp<i64> {
        match random.below(3) {
            0 => SetOp::Add(values.fresh(random) as i64),
            1 => SetOp::Remove(values.known(random) as i64),
            _ => SetOp::Contains(values.known(random) as i64),
        }
    }

    fn answers(&self, there: &bool, op: &SetOp<i64>) -> Vec<SetResult> {
        match op {
            SetOp::Contains(_) => vec![SetResult::Was(*there)],
            SetOp::Add(_) | SetOp::Remove(_) => vec![SetResult::Was(*there), SetResult::Done],
        }
    }
}

/// One in eight reads: it reads all.
impl Sample for GrowSet<i64> {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> GrowSetOp<i64> {
        if random.below(8) == 0 { GrowSetOp::Read } else { GrowSetOp::Add(values.fresh(random) as i64) }
    }

    fn answers(&self, held: &BTreeSet<i64>, op: &GrowSetOp<i64>) -> Vec<GrowSetResult<i64>> {
        vec![match op {
            GrowSetOp::Add(_) => GrowSetResult::Added,
            GrowSetOp::Read => GrowSetResult::Elements(held.clone()),
        }]
    }

    fn impossible(&self, op: &GrowSetOp<i64>, values: &Values) -> Option<GrowSetResult<i64>> {
        matches!(op, GrowSetOp::Read).then(|| GrowSetResult::Elements([values.never() as i64].into()))
    }
}

impl Sample for Queue<i64> {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> QueueOp<i64> {
        if random.below(2) == 0 { QueueOp::Enqueue(values.fresh(random) as i64) } else { QueueOp::Dequeue }
    }

    fn answers(&self, items: &VecDeque<i64>, op: &QueueOp<i64>) -> Vec<QueueResult<i64>> {
        vec![match op {
            QueueOp::Enqueue(_) => QueueResult::Enqueued,
            QueueOp::Dequeue => items.front().map_or(QueueResult::Empty, |item| QueueResult::Item(*item)),
        }]
    }

    fn impossible(&self, op: &QueueOp<i64>, values: &Values) -> Option<QueueResult<i64>> {
        matches!(op, QueueOp::Dequeue).then(|| QueueResult::Item(values.never() as i64))
    }
}

impl Sample for UnorderedQueue<i64> {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> QueueOp<i64> {
        Queue::empty().sample(random, values)
    }

    fn answers(&self, items: &BTreeMap<i64, u64>, op: &QueueOp<i64>) -> Vec<QueueResult<i64>> {
        match op {
            QueueOp::Enqueue(_) => vec![QueueResult::Enqueued],
            QueueOp::Dequeue if items.is_empty() => vec![QueueResult::Empty],
            QueueOp::Dequeue => items.keys().map(|item| QueueResult::Item(*item)).collect(),
        }
    }

    fn impossible(&self, op: &QueueOp<i64>, values: &Values) -> Option<QueueResult<i64>> {
        Queue::empty().impossible(op, values)
    }
}

/// Ids are drawn from those that were not given.
impl Sample for UniqueIds<i64> {
    fn sample(&self, _: &mut Stream, _: &mut Values) -> Generate {
        Generate
    }

    fn answers(&self, given: &BTreeSet<i64>, Generate: &Generate) -> Vec<i64> {
        (0..).filter(|id| !given.contains(id)).take(2).collect()
    }
}

/// One to three acts, half of them reads.
impl Sample for MultiRegister<u64, i64> {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> Vec<RegisterAct<u64, i64>> {
        (0..=random.below(3))
            .map(|_| match random.below(2) {
                0 => RegisterAct::Read(values.key(random)),
                _ => RegisterAct::Write(values.key(random), values.fresh(random) as i64),
            })
            .collect()
    }

    fn answers(&self, held: &BTreeMap<u64, i64>, acts: &Vec<RegisterAct<u64, i64>>) -> Vec<Vec<Option<i64>>> {
        let mut held = held.clone();
        let seen = acts.iter().filter_map(|act| match act {
            RegisterAct::Read(key) => Some(held.get(key).copied()),
            RegisterAct::Write(key, value) => {
                held.insert(*key, *value);
                None
            }
        });
        vec![seen.collect()]
    }
}

impl Sample for Stack<i64> {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> StackOp<i64> {
        if random.below(2) == 0 { StackOp::Push(values.fresh(random) as i64) } else { StackOp::Pop }
    }

    fn answers(&self, items: &Vec<i64>, op: &StackOp<i64>) -> Vec<StackResult<i64>> {
        vec![match op {
            StackOp::Push(_) => StackResult::Pushed,
            StackOp::Pop => items.last().map_or(StackResult::Empty, |item| StackResult::Item(*item)),
        }]
    }

    fn impossible(&self, op: &StackOp<i64>, values: &Values) -> Option<StackResult<i64>> {
        matches!(op, StackOp::Pop).then(|| StackResult::Item(values.never() as i64))
    }
}

/// Values that are used once are put in in a scattered order.
impl Sample for PriorityQueue<i64> {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> PriorityQueueOp<i64> {
        if random.below(2) == 0 {
            let value = values.fresh(random);
            let scattered = if values.repeat() { value } else { (random.below(1000) << 29) + value };
            PriorityQueueOp::Insert(scattered as i64)
        } else {
            PriorityQueueOp::TakeLeast
        }
    }

    fn answers(&self, items: &Vec<i64>, op: &PriorityQueueOp<i64>) -> Vec<PriorityQueueResult<i64>> {
        vec![match op {
            PriorityQueueOp::Insert(_) => PriorityQueueResult::Inserted,
            PriorityQueueOp::TakeLeast => items.last().map_or(PriorityQueueResult::Empty, |item| PriorityQueueResult::Item(*item)),
        }]
    }

    fn impossible(&self, op: &PriorityQueueOp<i64>, values: &Values) -> Option<PriorityQueueResult<i64>> {
        matches!(op, PriorityQueueOp::TakeLeast).then(|| PriorityQueueResult::Item(values.never() as i64))
    }
}

/// As many owners as there are keys.
fn lock_op(random: &mut Stream, values: &Values) -> LockOp {
    let owner = values.key(random);
    if random.below(2) == 0 { LockOp::Acquire(owner) } else { LockOp::Release(owner) }
}

impl Sample for Lock {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> LockOp {
        lock_op(random, values)
    }

    fn answers(&self, holder: &Option<u64>, op: &LockOp) -> Vec<LockResult> {
        vec![match op {
            LockOp::Acquire(_) if holder.is_none() => LockResult::Granted,
            LockOp::Release(owner) if *holder == Some(*owner) => LockResult::Released,
            LockOp::Acquire(_) | LockOp::Release(_) => LockResult::Refused,
        }]
    }
}

impl Sample for FencedLock {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> LockOp {
        lock_op(random, values)
    }

    fn answers(&self, held: &TokenState<u64>, op: &LockOp) -> Vec<FencedLockResult> {
        match op {
            LockOp::Acquire(_) if held.holder.is_none() => {
                (1..=2).map(|more| FencedLockResult::Granted { token: held.token + more }).collect()
            }
            LockOp::Release(owner) if held.holder == Some(*owner) => vec![FencedLockResult::Released],
            LockOp::Acquire(_) | LockOp::Release(_) => vec![FencedLockResult::Refused],
        }
    }
}

/// Half appends; mostly one entry is read, sometimes a few, rarely all.
impl Sample for Log<i64> {
    fn sample(&self, random: &mut Stream, values: &mut Values) -> LogOp<i64> {
        match random.below(32) {
            0..16 => LogOp::Append(values.fresh(random) as i64),
            16 => LogOp::read_all(),
            17 => LogOp::read_prefix(random.below(4)),
            18..22 => LogOp::Read { from: random.below(values.drawn() + 1), most: Some(random.below(4)) },
            _ => LogOp::read_at(random.below(values.drawn() + 1)),
        }
    }

    fn answers(&self, entries: &Vec<i64>, op: &LogOp<i64>) -> Vec<LogResult<i64>> {
        match op {
            LogOp::Append(_) => vec![LogResult::Appended, LogResult::At(entries.len() as u64)],
            LogOp::Read { from, most } => {
                let read = entries.iter().skip(*from as usize).take(most.map_or(usize::MAX, |most| most as usize));
                vec![LogResult::Entries(read.copied().collect())]
            }
        }
    }

    fn impossible(&self, op: &LogOp<i64>, values: &Values) -> Option<LogResult<i64>> {
        matches!(op, LogOp::Read { most: None | Some(1..), .. }).then(|| LogResult::Entries(vec![values.never() as i64]))
    }
}
