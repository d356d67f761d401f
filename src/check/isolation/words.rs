//! Anomalies in words.

use super::anomaly::{Anomaly, Finding, Phenomenon};
use super::graph::{Kind, Why};
use super::transactions::{Fate, Key, Step, Transactions};
use crate::base::Time;

/// How many elements of a list are shown.
const ELEMENTS: usize = 6;

/// How many acts of a transaction are shown.
const ACTS: usize = 8;

/// Speaks of these transactions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    transactions: &'a Transactions,
}

/// `T1`.
fn name(transaction: u32) -> String {
    format!("T{}", u64::from(transaction) + 1)
}

impl<'a> Words<'a> {
    pub(super) const fn new(transactions: &'a Transactions) -> Self {
        Self { transactions }
    }

    /// A finding that these transactions show, who did these things to these keys.
    fn finding(self, anomaly: Anomaly, transactions: &[u32], keys: &[u32], sentences: Vec<String>) -> Finding {
        let mut each = transactions.to_vec();
        each.sort_unstable();
        each.dedup();
        let cast = each.iter().map(|transaction| self.line(*transaction, keys)).collect();
        let ends = each.iter().map(|transaction| self.transactions.entries[*transaction as usize].ended);
        let at = ends.max().filter(|end| *end != Time::MAX);
        Finding { anomaly, transactions: transactions.iter().map(|place| *place as usize).collect(), cast, sentences, at }
    }

    /// A transaction in a line, with its acts on these keys if it has too many for a line.
    fn line(self, transaction: u32, keys: &[u32]) -> String {
        let entry = &self.transactions.entries[transaction as usize];
        let steps = self.transactions.steps_of(transaction);
        let mut shown: Vec<&Step> = steps.iter().collect();
        if shown.len() > ACTS {
            shown.retain(|step| keys.contains(&step.key()));
            shown.truncate(ACTS);
        }
        let mut acts: Vec<String> = shown.iter().map(|step| self.act(**step)).collect();
        if shown.len() < steps.len() {
            acts.push(format!("and {} more", steps.len() - shown.len()));
        }
        let fate = match entry.fate {
            Fate::Committed => "",
            Fate::Aborted => ", aborted",
            Fate::Unknown => ", outcome unknown",
        };
        format!("{} ({}{fate}): {}", name(transaction), entry.client, acts.join(", "))
    }

    fn act(self, step: Step) -> String {
        let (key, value) = (self.key(step.key()), |value| self.transactions.value_name(value));
        match step {
            Step::Unseen { .. } => format!("read {key}"),
            Step::Empty { .. } => format!("read {key} → nothing"),
            Step::Number { value: seen, .. } => format!("read {key} → {}", value(seen)),
            Step::Prefix { .. } | Step::Odd { .. } => format!("read {key} → {}", self.list(self.transactions.list_of(step).unwrap_or(&[]))),
            Step::Append { value: new, .. } => format!("append {} to {key}", value(new)),
            Step::Write { value: new, .. } => format!("write {key} = {}", value(new)),
            Step::Add { amount, .. } => format!("add {amount:+} to {key}"),
        }
    }

    fn key(self, key: u32) -> String {
        self.transactions.key_name(key)
    }

    fn value(self, value: i64) -> String {
        self.transactions.value_name(value)
    }

    fn list(self, list: &[i64]) -> String {
        let hidden = list.len().saturating_sub(ELEMENTS);
        let shown: Vec<String> = list[hidden..].iter().map(|value| self.value(*value)).collect();
        let lead = if hidden > 0 { format!("… {hidden} more …, ") } else { String::new() };
        format!("[{lead}{}]", shown.join(", "))
    }

    /// What a read saw: `x as [1, 2]`.
    fn seen(self, step: Step) -> String {
        let key = self.key(step.key());
        match step {
            Step::Number { value, .. } => format!("{key} as {}", self.value(value)),
            Step::Prefix { .. } | Step::Odd { .. } => format!("{key} as {}", self.list(self.transactions.list_of(step).unwrap_or(&[]))),
            _ => format!("nothing in {key}"),
        }
    }

    /// Whether this step is a read that saw this value.
    fn shows(self, step: Step, value: i64) -> bool {
        match step {
            Step::Number { value: seen, .. } => seen == value,
            _ => self.transactions.list_of(step).is_some_and(|list| list.contains(&value)),
        }
    }

    /// The first that read this value, and with what read.
    fn first_reader(self, key: u32, value: i64) -> Option<(u32, Step)> {
        self.reads(key).find(|(_, step)| self.shows(*step, value))
    }

    /// All reads of a key.
    fn reads(self, key: u32) -> impl Iterator<Item = (u32, Step)> {
        (0..self.transactions.len() as u32).flat_map(move |transaction| {
            let steps = self.transactions.steps_of(transaction).iter();
            steps.filter(move |step| step.key() == key && step.written().is_none()).map(move |step| (transaction, *step))
        })
    }

    pub(super) fn was_read(self, key: u32, value: i64) -> bool {
        !self.transactions.keys[key as usize].given || self.first_reader(key, value).is_some()
    }

    pub(super) fn garbage(self, key: u32, value: i64) -> Finding {
        let readers = self.first_reader(key, value).into_iter();
        let (who, sentences) = readers
            .map(|(reader, step)| {
                (reader, format!("{} read {}, but nobody wrote {} there", name(reader), self.seen(step), self.value(value)))
            })
            .unzip::<_, _, Vec<u32>, Vec<String>>();
        self.finding(Anomaly::data(Phenomenon::GarbageRead), &who, &[key], sentences)
    }

    pub(super) fn aborted(self, key: u32, value: i64, writer: u32) -> Finding {
        let mut who = vec![writer];
        let mut sentences = Vec::new();
        if let Some((reader, step)) = self.first_reader(key, value) {
            who.push(reader);
            sentences.push(format!("{} aborted, and {} read its {}: {}", name(writer), name(reader), self.value(value), self.seen(step)));
        }
        self.finding(Anomaly::data(Phenomenon::AbortedRead), &who, &[key], sentences)
    }

    pub(super) fn dirty(self, key: u32, aborted: u32, writer: u32) -> Finding {
        let sentence = format!("{} aborted, and {} built on what it had appended to {}", name(aborted), name(writer), self.key(key));
        self.finding(Anomaly::data(Phenomenon::DirtyUpdate), &[aborted, writer], &[key], vec![sentence])
    }

    pub(super) fn intermediate(self, key: u32, value: i64, writer: u32, reader: u32) -> Finding {
        let later = self.transactions.steps_of(writer).iter().rev().find(|step| step.key() == key && step.written().is_some());
        let later = later.and_then(|step| step.written()).map_or_else(String::new, |last| self.value(last));
        let sentence = format!(
            "{} read the {} that {} put into {} and then followed up with {later}",
            name(reader),
            self.value(value),
            name(writer),
            self.key(key)
        );
        self.finding(Anomaly::data(Phenomenon::IntermediateRead), &[writer, reader], &[key], vec![sentence])
    }

    pub(super) fn internal(self, transaction: u32, key: u32, place: usize, value: i64, early: bool) -> Finding {
        let step = self.transactions.steps_of(transaction)[place];
        let (who, seen, value) = (name(transaction), self.seen(step), self.value(value));
        let sentence = if early {
            format!("{who} read {seen}, with its own {value} that it had yet to put there")
        } else {
            format!("{who} read {seen}, though it had put {value} there itself")
        };
        self.finding(Anomaly::data(Phenomenon::Internal), &[transaction], &[key], vec![sentence])
    }

    pub(super) fn duplicate(self, key: u32, value: i64) -> Finding {
        let longest = &self.transactions.keys[key as usize].longest;
        let shows =
            |step: Step| self.transactions.list_of(step).is_some_and(|list| list.iter().filter(|other| **other == value).count() > 1);
        let reader = self.reads(key).find(|(_, step)| shows(*step));
        let sentence = match reader {
            Some((reader, step)) => format!("{} read {}, with {} twice", name(reader), self.seen(step), self.value(value)),
            None => format!("the order given for {} has {} twice: {}", self.key(key), self.value(value), self.list(longest)),
        };
        let who: Vec<u32> = reader.iter().map(|(reader, _)| *reader).collect();
        self.finding(Anomaly::data(Phenomenon::DuplicateElement), &who, &[key], vec![sentence])
    }

    /// A list that is no prefix of the longest one of its key.
    pub(super) fn incompatible(self, key: u32, list: u32) -> Finding {
        let odd = self.transactions.odd_list(list);
        let longest = &self.transactions.keys[key as usize].longest;
        let common = odd.iter().zip(longest).take_while(|(a, b)| a == b).count();
        let by = |wanted: &dyn Fn(Step) -> bool| self.reads(key).find(|(_, step)| wanted(*step));
        let reader = by(&|step| matches!(step, Step::Odd { list: other, .. } if other == list));
        let other = by(&|step| matches!(step, Step::Prefix { length, .. } if length as usize > common));
        let who: Vec<u32> = reader.iter().chain(&other).map(|(reader, _)| *reader).collect();
        let both: Vec<String> =
            reader.iter().chain(&other).map(|(reader, step)| format!("{} read {}", name(*reader), self.seen(*step))).collect();
        let sentence = format!("{}: neither list becomes the other by appending", both.join(", and "));
        self.finding(Anomaly::data(Phenomenon::IncompatibleOrder), &who, &[key], vec![sentence])
    }

    /// An order that was given and is not what was read.
    pub(super) fn contradicted(self, key: u32, known: &Key) -> Finding {
        let given = known.contradicted.as_deref().unwrap_or(&[]);
        let reader = self.reads(key).find(|(_, step)| self.transactions.list_of(*step).is_some_and(|list| !given.starts_with(list)));
        let who: Vec<u32> = reader.iter().map(|(reader, _)| *reader).collect();
        let read = reader.map_or_else(String::new, |(reader, step)| format!("{} read {}, but ", name(reader), self.seen(step)));
        let sentence = format!("{read}the order given for {} is {}", self.key(key), self.list(given));
        self.finding(Anomaly::data(Phenomenon::IncompatibleOrder), &who, &[key], vec![sentence])
    }

    pub(super) fn out_of_order(self, transaction: u32, key: u32, first: i64, second: i64) -> Finding {
        let (who, key_name, first, second) = (name(transaction), self.key(key), self.value(first), self.value(second));
        let sentence =
            format!("{who} appended {first} to {key_name} and then {second}, but {key_name} has {second} and not {first} before it");
        self.finding(Anomaly::data(Phenomenon::IncompatibleOrder), &[transaction], &[key], vec![sentence])
    }

    /// The one wrote over what the other had read and then wrote, too.
    pub(super) fn lost_update(self, key: u32, overwriter: u32, loser: u32) -> Finding {
        let steps = self.transactions.steps_of(loser);
        let read =
            steps.iter().find(|step| step.key() == key && step.written().is_none()).map_or_else(String::new, |step| self.seen(*step));
        let wrote = |transaction| self.wrote(transaction, key);
        let sentences = vec![
            format!("{} read {read}, and then {}", name(loser), wrote(loser)),
            format!("{} {}, which {} had not seen", name(overwriter), wrote(overwriter), name(loser)),
        ];
        self.finding(Anomaly::data(Phenomenon::LostUpdate), &[overwriter, loser], &[key], sentences)
    }

    /// `appended 3 to x`.
    fn wrote(self, transaction: u32, key: u32) -> String {
        let last = self.transactions.steps_of(transaction).iter().rev().find(|step| step.key() == key && step.written().is_some());
        last.map_or_else(String::new, |step| self.did_write(*step))
    }

    fn did_write(self, step: Step) -> String {
        let key = self.key(step.key());
        match step {
            Step::Append { value, .. } => format!("appended {} to {key}", self.value(value)),
            Step::Write { value, .. } => format!("wrote {} to {key}", self.value(value)),
            _ => String::new(),
        }
    }

    /// A cycle: each of these comes before the next, for the reason given, and the last before the first.
    pub(super) fn cycle(self, anomaly: Anomaly, cycle: &[(u32, Why)]) -> Finding {
        let who: Vec<u32> = cycle.iter().map(|(transaction, _)| *transaction).collect();
        let mut keys: Vec<u32> = cycle.iter().filter(|(_, why)| why.kind().has_key()).map(|(_, why)| why.key()).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut sentences: Vec<String> = (0..cycle.len())
            .map(|place| {
                let ((from, why), (to, _)) = (cycle[place], cycle[(place + 1) % cycle.len()]);
                format!("{} < {}: {}", name(from), name(to), self.because(from, to, why))
            })
            .collect();
        let names: Vec<String> = who.iter().chain(who.first()).map(|transaction| name(*transaction)).collect();
        sentences.push(format!("so that {}: a circle", names.join(" < ")));
        self.finding(anomaly, &who, &keys, sentences)
    }

    fn because(self, from: u32, to: u32, why: Why) -> String {
        let (key, first, second) = (why.key(), name(from), name(to));
        match why.kind() {
            Kind::WriteWrite => {
                let (before, after) = self.neighbours(from, to, key);
                format!("{first} {}, and {second} {} behind it", self.did_write(before), self.did_write(after))
            }
            Kind::WriteRead => {
                let reads = self.transactions.steps_of(to).iter().filter(|step| step.key() == key && step.written().is_none());
                let own: Vec<i64> = self.values(from, key).collect();
                let ends = |step: &Step| match step {
                    Step::Number { value, .. } => own.contains(value),
                    step => self.transactions.list_of(*step).and_then(<[i64]>::last).is_some_and(|last| own.contains(last)),
                };
                let read = reads.clone().find(|step| ends(step)).map_or_else(String::new, |step| self.seen(*step));
                format!("{first} {}; {second} read {read}", self.wrote(from, key))
            }
            Kind::ReadWrite => {
                let mut new: Vec<i64> = self.values(to, key).collect();
                let mut reads = self.transactions.steps_of(from).iter().filter(|step| step.key() == key && step.written().is_none());
                let read = reads.find(|step| new.iter().any(|value| !self.shows(**step, *value)));
                let seen = read.map_or_else(String::new, |step| self.seen(*step));
                if let Some(read) = read {
                    new.retain(|value| !self.shows(*read, *value));
                }
                let missed = new.first().map_or_else(String::new, |value| self.value(*value));
                format!("{first} read {seen}, without the {missed} of {second}")
            }
            Kind::TimedWrite => {
                let own = self.values(from, key).last();
                format!("{first} {}, and {second} {} later{}", self.wrote(from, key), self.wrote(to, key), self.shown(key, own, to))
            }
            Kind::TimedMiss => {
                let read = self.transactions.steps_of(from).iter().find(|step| step.key() == key && step.written().is_none());
                let seen = read.map_or_else(String::new, |step| self.seen(*step));
                let value = read.and_then(|step| if let Step::Number { value, .. } = step { Some(*value) } else { None });
                format!("{first} read {seen}, and {second} {} later{}", self.wrote(to, key), self.shown(key, value, to))
            }
            Kind::Process => format!("{} did {first}, and then {second}", self.transactions.entries[from as usize].client),
            Kind::RealTime | Kind::Via => {
                let entries = &self.transactions.entries;
                let (ended, began) = (entries[from as usize].ended, entries[to as usize].began);
                format!("{first} had ended (at {ended}) before {second} began (at {began})")
            }
        }
    }

    /// How real time shows that a register held this value before it held what that transaction wrote.
    fn shown(self, key: u32, value: Option<i64>, later: u32) -> String {
        let users = |value: Option<i64>| {
            let uses = move |transaction: &u32| {
                let mut steps = self.transactions.steps_of(*transaction).iter();
                steps.any(|step| matches!(*step, Step::Number { key: k, value: v } | Step::Write { key: k, value: v } if k == key && Some(v) == value))
            };
            (0..self.transactions.len() as u32).filter(uses)
        };
        let entry = |transaction: u32| &self.transactions.entries[transaction as usize];
        let known = users(value).filter(|user| entry(*user).fate == Fate::Committed);
        let (early, late) =
            (known.min_by_key(|user| entry(*user).ended), users(self.values(later, key).last()).max_by_key(|user| entry(*user).began));
        let (Some(early), Some(late)) = (early, late) else { return String::new() };
        let (ended, began) = (entry(early).ended, entry(late).began);
        format!(": {} had ended (at {ended}) before {} began (at {began})", name(early), name(late))
    }

    /// What a transaction put into a key.
    fn values(self, transaction: u32, key: u32) -> impl Iterator<Item = i64> {
        self.transactions.steps_of(transaction).iter().filter(move |step| step.key() == key).filter_map(|step| step.written())
    }

    /// The writes of the one and the other that are next to each other in the order of the key, or at least the last and the first.
    fn neighbours(self, from: u32, to: u32, key: u32) -> (Step, Step) {
        let writes = |transaction: u32| {
            let steps = self.transactions.steps_of(transaction).iter().copied();
            steps.filter(move |step| step.key() == key && step.written().is_some())
        };
        let order = &self.transactions.keys[key as usize].longest;
        let place = |step: &Step| order.iter().position(|value| Some(*value) == step.written()).unwrap_or(usize::MAX);
        let none = Step::Unseen { key };
        let after = writes(to).filter(|after| writes(from).any(|before| place(&before) < place(after))).min_by_key(place);
        let after = after.or_else(|| writes(to).last()).unwrap_or(none);
        let before = writes(from).filter(|before| place(before) < place(&after)).max_by_key(place).unwrap_or(none);
        (before, after)
    }
}
