//! How the operations of key-value and transactional systems are written down, so that `check` and other checkers can read them.

use crate::base::{Act, Committed, KvOp, KvResponse, Seen, Transaction};
use crate::history::formats::{Spelled, Spelling, Value};
use crate::workload::{MixedChange, TransactionLoad};

/// Reads, writes and compare-and-sets of a store, for the model `kv`.
pub(super) fn kv() -> Spelling<KvOp, KvResponse> {
    Spelling { model: "kv", asked: Box::new(|op| Some(kv_asked(op))), answered: Box::new(kv_answered) }
}

fn kv_asked(op: &KvOp) -> Spelled {
    let (f, value) = match *op {
        KvOp::Read { .. } => ("read", Value::Nil),
        KvOp::Write { value, .. } => ("write", number(value)),
        KvOp::Cas { expected, value, .. } => ("cas", Value::Vector(vec![held(expected), number(value)])),
    };
    Spelled { f, key: Some(Value::text(&format!("k{}", op.key()))), value, rest: Vec::new() }
}

/// A mismatch is a result: it says what was there, as a map, which is how `check` reads it.
fn kv_answered(op: &KvOp, response: &KvResponse) -> Spelled {
    let asked = kv_asked(op);
    match *response {
        KvResponse::Value(value) => Spelled { value: held(value), ..asked },
        KvResponse::Mismatch(found) => Spelled { value: Value::map(vec![(Value::Keyword("found".into()), held(found))]), ..asked },
        KvResponse::Written | KvResponse::Swapped => asked,
    }
}

fn held(value: Option<u64>) -> Value {
    value.map_or(Value::Nil, number)
}

fn number(value: u64) -> Value {
    i64::try_from(value).map_or_else(|_| Value::Number(value.to_string().into()), Value::Int)
}

/// Transactions as Elle has them, for the models `list-append` and `rw-register`. Those of a bank, which add, are in the same notation; no
/// model judges them.
pub(super) fn transactions(load: &TransactionLoad) -> Spelling<Transaction, Committed> {
    let model = match load {
        TransactionLoad::Bank(_) => "transfers",
        TransactionLoad::Mixed(mixed) if mixed.change() == MixedChange::Append => "list-append",
        TransactionLoad::Mixed(_) => "rw-register",
    };
    let asked = |transaction: &Transaction| Some(transaction_in_words(transaction, &[]));
    let answered = |transaction: &Transaction, committed: &Committed| transaction_in_words(transaction, &committed.seen);
    Spelling { model, asked: Box::new(asked), answered: Box::new(answered) }
}

/// A transaction of which the reads saw this, as far as that is known.
fn transaction_in_words(transaction: &Transaction, seen: &[Seen]) -> Spelled {
    let mut seen = seen.iter();
    let act = |act: &Act| {
        let (f, value) = match *act {
            Act::Read { .. } => ("r", seen.next().map_or(Value::Nil, saw)),
            Act::Write { value, .. } => ("w", Value::Int(value)),
            Act::Append { value, .. } => ("append", Value::Int(value)),
            Act::Add { amount, .. } => ("add", Value::Int(amount)),
        };
        Value::Vector(vec![Value::Keyword(f.into()), number(act.key()), value])
    };
    Spelled { f: "txn", key: None, value: Value::Vector(transaction.acts.iter().map(act).collect()), rest: Vec::new() }
}

fn saw(seen: &Seen) -> Value {
    match seen {
        Seen::Empty => Value::Nil,
        Seen::Number(number) => Value::Int(*number),
        Seen::List(numbers) => Value::Vector(numbers.iter().copied().map(Value::Int).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ClientId, RunKey, Stream, Time};
    use crate::check::isolation::{ISOLATION, Level, judge};
    use crate::check::recorded::transactions::{FileOptions, TransactionModel, check_text};
    use crate::check::{CheckOptions, Verdict, run_check};
    use crate::history::formats::{Format, write};
    use crate::history::{History, Outcome};
    use crate::systems::kv;

    const ASKED: &str = "it can be asked";

    /// A history in which three clients do at random what this makes up, often several things at one instant.
    fn history<O: Clone, R: Clone>(
        random: &mut Stream,
        op: impl Fn(&mut Stream) -> O,
        result: impl Fn(&mut Stream, &O) -> R,
    ) -> History<O, R> {
        let (mut history, mut now, mut open) = (History::new(), 0, [const { None }; 3]);
        for _ in 0..16 {
            now += random.below(3);
            let (at, who) = (Time::from_nanos(now), random.below(3) as usize);
            let client = ClientId::new(who as u32);
            open[who] = match open[who].take() {
                None => {
                    let op = op(random);
                    history.invoke(at, client, op.clone()).expect(ASKED);
                    Some(op)
                }
                Some(op) => {
                    let outcome = match random.below(8) {
                        0 => Outcome::Unknown,
                        1 => Outcome::Failed,
                        _ => Outcome::Done(result(random, &op)),
                    };
                    history.complete(at, client, outcome).expect(ASKED);
                    None
                }
            };
        }
        history
    }

    /// The file of this history in each format that can have it.
    fn files<O, R>(spelling: &Spelling<O, R>, history: &History<O, R>) -> Vec<Vec<u8>>
    where
        O: Clone,
        R: Clone,
    {
        let file = |format| {
            let mut file = Vec::new();
            let written = write(spelling.entries(history.clone(), Time::from_nanos(100)), format, &mut file).expect("memory");
            written.problems.shown().is_empty().then_some(file)
        };
        [Format::Edn, Format::Json].into_iter().filter_map(file).collect()
    }

    fn some(random: &mut Stream) -> Option<u64> {
        random.below(3).checked_sub(1)
    }

    #[test]
    fn a_store_is_judged_alike_in_a_run_and_in_a_file() {
        let mut seen = [0; 2];
        for seed in 0..300 {
            let mut random = RunKey::from_seed(seed).stream("history", 0);
            let history = history(
                &mut random,
                |random| {
                    let key = random.below(2);
                    match random.below(3) {
                        0 => KvOp::Read { key },
                        1 => KvOp::Write { key, value: random.below(2) },
                        _ => KvOp::Cas { key, expected: some(random), value: random.below(2) },
                    }
                },
                |random, op| match op {
                    KvOp::Read { .. } => KvResponse::Value(some(random)),
                    KvOp::Write { .. } => KvResponse::Written,
                    KvOp::Cas { .. } if random.below(2) == 0 => KvResponse::Swapped,
                    KvOp::Cas { .. } => KvResponse::Mismatch(some(random)),
                },
            );
            let verdict = kv::judge(&history, 1_000_000).verdict;
            for file in files(&kv(), &history) {
                let report = run_check(&*file, "kv", &CheckOptions::default()).expect("a history");
                assert_eq!(report.verdict, verdict, "seed {seed}:\n{}", String::from_utf8_lossy(&file));
            }
            seen[usize::from(verdict == Verdict::Violated)] += 1;
        }
        assert!(seen[0] > 20 && seen[1] > 20, "{seen:?}");
    }

    #[test]
    fn transactions_are_judged_alike_in_a_run_and_in_a_file() {
        let mut seen = [0; 2];
        for (seed, change) in (0..300).flat_map(|seed| [(seed, MixedChange::Append), (seed, MixedChange::Write)]) {
            let mut random = RunKey::from_seed(seed).stream("history", 0);
            let values = std::cell::Cell::new(0);
            let history = history(
                &mut random,
                |random| {
                    let act = |random: &mut Stream| match (random.below(2), change) {
                        (0, _) => Act::Read { key: 0 },
                        (_, MixedChange::Append) => Act::Append { key: 0, value: values.replace(values.get() + 1) },
                        (_, MixedChange::Write) => Act::Write { key: 0, value: values.replace(values.get() + 1) },
                    };
                    Transaction { acts: (0..1 + random.below(2)).map(|_| act(random)).collect() }
                },
                |random, op| {
                    let last = values.get() - 1;
                    let saw = |random: &mut Stream| match change {
                        MixedChange::Append => Seen::List((0..=last).filter(|_| random.below(8) > 0).collect()),
                        MixedChange::Write => Seen::Number(last.min(random.below(8) as i64)),
                    };
                    Committed { seen: op.acts.iter().filter(|act| act.is_read()).map(|_| saw(random)).collect() }
                },
            );
            let model = if change == MixedChange::Append { TransactionModel::ListAppend } else { TransactionModel::RwRegister };
            let load = TransactionLoad::Mixed(mixed(change));
            assert_eq!(transactions(&load).model, model.name());
            let verdict = judge(&ISOLATION, Level::StrictSerializable, &history, 1_000_000).verdict;
            for file in files(&transactions(&load), &history) {
                let report = check_text(&*file, &FileOptions::new(model)).expect("a history");
                assert_eq!(report.verdict, verdict, "seed {seed}:\n{}", String::from_utf8_lossy(&file));
            }
            seen[usize::from(verdict == Verdict::Violated)] += 1;
        }
        assert!(seen[0] > 20 && seen[1] > 20, "{seen:?}");
    }

    fn mixed(change: MixedChange) -> crate::workload::Mixed {
        let mix = crate::workload::MixedMix { read: 1, change: 1 };
        crate::workload::Mixed::new(1, crate::workload::KeyChoice::Uniform, 2, mix, change).expect("it is possible")
    }
}
