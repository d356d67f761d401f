//! Anomalies as data: who did what, and what that shows.

use super::anomaly::{Anomaly, Finding, Member, Phenomenon};
use super::graph::{Kind, Why};
use super::transactions::{Entry, Fate, Key, Step, Transactions};
use crate::base::Time;
use crate::check::{Broken, Fact, Rule};

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
    fn finding(self, anomaly: Anomaly, transactions: &[u32], keys: &[u32], evidence: Vec<Broken>) -> Finding {
        let mut each = transactions.to_vec();
        each.sort_unstable();
        each.dedup();
        let cast = each.iter().map(|transaction| self.member(*transaction, keys)).collect();
        let ends = each.iter().map(|transaction| self.transactions.entries[*transaction as usize].ended);
        let at = ends.max().filter(|end| *end != Time::MAX);
        Finding { anomaly, transactions: transactions.iter().map(|place| *place as usize).collect(), cast, evidence, at }
    }

    /// A transaction, with its acts on these keys if it has too many to be shown.
    fn member(self, transaction: u32, keys: &[u32]) -> Member {
        let Entry { client, fate, .. } = self.transactions.entries[transaction as usize];
        let steps = self.transactions.steps_of(transaction);
        let mut shown: Vec<&Step> = steps.iter().collect();
        if shown.len() > ACTS {
            shown.retain(|step| keys.contains(&step.key()));
            shown.truncate(ACTS);
        }
        let acts: Vec<String> = shown.iter().map(|step| self.act(**step)).collect();
        Member {
            transaction: transaction as usize,
            client: self.transactions.client_name(client),
            fate,
            more: steps.len() - acts.len(),
            acts,
        }
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

    /// What shows this is about this key.
    fn shown_by(self, rule: &'static Rule, key: u32) -> Broken {
        rule.with("key", self.key(key))
    }

    pub(super) fn garbage(self, key: u32, value: i64) -> Finding {
        let reader = self.first_reader(key, value);
        let who: Vec<u32> = reader.iter().map(|(reader, _)| *reader).collect();
        let told = |(reader, step): (u32, Step)| {
            self.shown_by(&rules::GARBAGE, key).with("reader", name(reader)).with("seen", self.seen(step)).with("value", self.value(value))
        };
        self.finding(Anomaly::data(Phenomenon::GarbageRead), &who, &[key], reader.map(told).into_iter().collect())
    }

    pub(super) fn aborted(self, key: u32, value: i64, writer: u32) -> Finding {
        let reader = self.first_reader(key, value);
        let who: Vec<u32> = [writer].into_iter().chain(reader.map(|(reader, _)| reader)).collect();
        let told = |(reader, step): (u32, Step)| {
            let read = self.shown_by(&rules::ABORTED, key).with("writer", name(writer)).with("reader", name(reader));
            read.with("value", self.value(value)).with("seen", self.seen(step))
        };
        self.finding(Anomaly::data(Phenomenon::AbortedRead), &who, &[key], reader.map(told).into_iter().collect())
    }

    pub(super) fn dirty(self, key: u32, aborted: u32, writer: u32) -> Finding {
        let told = self.shown_by(&rules::DIRTY, key).with("aborted", name(aborted)).with("writer", name(writer));
        self.finding(Anomaly::data(Phenomenon::DirtyUpdate), &[aborted, writer], &[key], vec![told])
    }

    pub(super) fn intermediate(self, key: u32, value: i64, writer: u32, reader: u32) -> Finding {
        let later = self.transactions.steps_of(writer).iter().rev().find(|step| step.key() == key && step.written().is_some());
        let later = later.and_then(|step| step.written()).map_or_else(String::new, |last| self.value(last));
        let told = self.shown_by(&rules::INTERMEDIATE, key).with("reader", name(reader)).with("writer", name(writer));
        let told = told.with("value", self.value(value)).with("later", later);
        self.finding(Anomaly::data(Phenomenon::IntermediateRead), &[writer, reader], &[key], vec![told])
    }

    pub(super) fn internal(self, transaction: u32, key: u32, place: usize, value: i64, early: bool) -> Finding {
        let step = self.transactions.steps_of(transaction)[place];
        let told = self.shown_by(if early { &rules::EARLY } else { &rules::FORGETFUL }, key).with("reader", name(transaction));
        let told = told.with("seen", self.seen(step)).with("value", self.value(value));
        self.finding(Anomaly::data(Phenomenon::Internal), &[transaction], &[key], vec![told])
    }

    pub(super) fn duplicate(self, key: u32, value: i64) -> Finding {
        let longest = &self.transactions.keys[key as usize].longest;
        let shows =
            |step: Step| self.transactions.list_of(step).is_some_and(|list| list.iter().filter(|other| **other == value).count() > 1);
        let reader = self.reads(key).find(|(_, step)| shows(*step));
        let told = match reader {
            Some((reader, step)) => self.shown_by(&rules::READ_TWICE, key).with("reader", name(reader)).with("seen", self.seen(step)),
            None => self.shown_by(&rules::GIVEN_TWICE, key).with("order", self.list(longest)),
        };
        let who: Vec<u32> = reader.iter().map(|(reader, _)| *reader).collect();
        self.finding(Anomaly::data(Phenomenon::DuplicateElement), &who, &[key], vec![told.with("value", self.value(value))])
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
        let told = self.shown_by(&rules::INCOMPATIBLE, key).with("both", both.join(", and "));
        self.finding(Anomaly::data(Phenomenon::IncompatibleOrder), &who, &[key], vec![told])
    }

    /// An order that was given and is not what was read.
    pub(super) fn contradicted(self, key: u32, known: &Key) -> Finding {
        let given = known.contradicted.as_deref().unwrap_or(&[]);
        let reader = self.reads(key).find(|(_, step)| self.transactions.list_of(*step).is_some_and(|list| !given.starts_with(list)));
        let who: Vec<u32> = reader.iter().map(|(reader, _)| *reader).collect();
        let told = match reader {
            Some((reader, step)) => self.shown_by(&rules::CONTRADICTED, key).with("reader", name(reader)).with("seen", self.seen(step)),
            None => self.shown_by(&rules::GIVEN, key),
        };
        self.finding(Anomaly::data(Phenomenon::IncompatibleOrder), &who, &[key], vec![told.with("order", self.list(given))])
    }

    pub(super) fn out_of_order(self, transaction: u32, key: u32, first: i64, second: i64) -> Finding {
        let told = self.shown_by(&rules::OUT_OF_ORDER, key).with("writer", name(transaction));
        let told = told.with("first", self.value(first)).with("second", self.value(second));
        self.finding(Anomaly::data(Phenomenon::IncompatibleOrder), &[transaction], &[key], vec![told])
    }

    /// The one wrote over what the other had read and then wrote, too.
    pub(super) fn lost_update(self, key: u32, overwriter: u32, loser: u32) -> Finding {
        let steps = self.transactions.steps_of(loser);
        let read =
            steps.iter().find(|step| step.key() == key && step.written().is_none()).map_or_else(String::new, |step| self.seen(*step));
        let update =
            self.shown_by(&rules::READ_AND_WROTE, key).with("loser", name(loser)).with("seen", read).with("wrote", self.wrote(loser, key));
        let unseen = self.shown_by(&rules::WROTE_UNSEEN, key).with("writer", name(overwriter)).with("loser", name(loser));
        let evidence = vec![update, unseen.with("wrote", self.wrote(overwriter, key))];
        self.finding(Anomaly::data(Phenomenon::LostUpdate), &[overwriter, loser], &[key], evidence)
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
        let edges = (0..cycle.len()).map(|place| {
            let ((from, why), (to, _)) = (cycle[place], cycle[(place + 1) % cycle.len()]);
            self.because(from, to, why).with("from", name(from)).with("to", name(to))
        });
        let names: Vec<String> = who.iter().chain(who.first()).map(|transaction| name(*transaction)).collect();
        let evidence = edges.chain([rules::CYCLE.with("cycle", names.join(" < "))]).collect();
        self.finding(anomaly, &who, &keys, evidence)
    }

    /// Why the one comes before the other.
    fn because(self, from: u32, to: u32, why: Why) -> Broken {
        let key = why.key();
        let reads = |transaction: u32| {
            self.transactions.steps_of(transaction).iter().filter(move |step| step.key() == key && step.written().is_none())
        };
        match why.kind() {
            Kind::WriteWrite => {
                let (before, after) = self.neighbours(from, to, key);
                self.shown_by(&rules::WRITE_WRITE, key).with("wrote", self.did_write(before)).with("follows", self.did_write(after))
            }
            Kind::WriteRead => {
                let own: Vec<i64> = self.values(from, key).collect();
                let ends = |step: &&Step| match step {
                    Step::Number { value, .. } => own.contains(value),
                    step => self.transactions.list_of(**step).and_then(<[i64]>::last).is_some_and(|last| own.contains(last)),
                };
                let read = reads(to).find(ends).map_or_else(String::new, |step| self.seen(*step));
                self.shown_by(&rules::WRITE_READ, key).with("wrote", self.wrote(from, key)).with("seen", read)
            }
            Kind::ReadWrite => {
                let mut new: Vec<i64> = self.values(to, key).collect();
                let read = reads(from).find(|step| new.iter().any(|value| !self.shows(**step, *value)));
                let seen = read.map_or_else(String::new, |step| self.seen(*step));
                if let Some(read) = read {
                    new.retain(|value| !self.shows(*read, *value));
                }
                let missed = new.first().map_or_else(String::new, |value| self.value(*value));
                self.shown_by(&rules::READ_WRITE, key).with("seen", seen).with("missed", missed)
            }
            Kind::TimedWrite => {
                let told = self.shown_by(&rules::TIMED_WRITE, key).with("wrote", self.wrote(from, key)).with("later", self.wrote(to, key));
                told.with("shown", self.shown(key, self.values(from, key).last(), to))
            }
            Kind::TimedMiss => {
                let read = reads(from).next();
                let seen = read.map_or_else(String::new, |step| self.seen(*step));
                let value = read.and_then(|step| if let Step::Number { value, .. } = step { Some(*value) } else { None });
                let told = self.shown_by(&rules::TIMED_MISS, key).with("seen", seen).with("later", self.wrote(to, key));
                told.with("shown", self.shown(key, value, to))
            }
            Kind::Process => {
                rules::PROCESS.with("client", Fact::Client(self.transactions.client_name(self.transactions.entries[from as usize].client)))
            }
            Kind::RealTime | Kind::Via => {
                let entries = &self.transactions.entries;
                rules::REAL_TIME.with("ended", entries[from as usize].ended).with("began", entries[to as usize].began)
            }
        }
    }

    /// How real time shows that a register held this value before it held what that transaction wrote.
    fn shown(self, key: u32, value: Option<i64>, later: u32) -> String {
        let users = |value: Option<i64>| {
            let uses = move |transaction: &u32| {
                self.transactions.steps_of(*transaction).iter().any(|step| match *step {
                    Step::Number { key: other, value: used } | Step::Write { key: other, value: used } => {
                        other == key && Some(used) == value
                    }
                    _ => false,
                })
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
        let after = after.or_else(|| writes(to).next_back()).unwrap_or(none);
        let before = writes(from).filter(|before| place(before) < place(&after)).max_by_key(place).unwrap_or(none);
        (before, after)
    }
}

/// What shows an anomaly, and why one transaction comes before another.
mod rules {
    use crate::check::Rule;

    pub(super) static GARBAGE: Rule = Rule::new("never-written", "{reader} read {seen}, but nobody wrote {value} there");
    pub(super) static ABORTED: Rule = Rule::new("aborted", "{writer} aborted, and {reader} read its {value}: {seen}");
    pub(super) static DIRTY: Rule = Rule::new("built-on-aborted", "{aborted} aborted, and {writer} built on what it had appended to {key}");
    pub(super) static INTERMEDIATE: Rule =
        Rule::new("intermediate", "{reader} read the {value} that {writer} put into {key} and then followed up with {later}");
    pub(super) static EARLY: Rule = Rule::new("own-write-early", "{reader} read {seen}, with its own {value} that it had yet to put there");
    pub(super) static FORGETFUL: Rule = Rule::new("own-write-missed", "{reader} read {seen}, though it had put {value} there itself");
    pub(super) static READ_TWICE: Rule = Rule::new("read-twice", "{reader} read {seen}, with {value} twice");
    pub(super) static GIVEN_TWICE: Rule = Rule::new("given-twice", "the order given for {key} has {value} twice: {order}");
    pub(super) static INCOMPATIBLE: Rule = Rule::new("incompatible", "{both}: neither list becomes the other by appending");
    pub(super) static CONTRADICTED: Rule = Rule::new("contradicted", "{reader} read {seen}, but the order given for {key} is {order}");
    pub(super) static GIVEN: Rule = Rule::new("given", "the order given for {key} is {order}");
    pub(super) static OUT_OF_ORDER: Rule =
        Rule::new("out-of-order", "{writer} appended {first} to {key} and then {second}, but {key} has {second} and not {first} before it");
    pub(super) static READ_AND_WROTE: Rule = Rule::new("read-and-wrote", "{loser} read {seen}, and then {wrote}");
    pub(super) static WROTE_UNSEEN: Rule = Rule::new("wrote-unseen", "{writer} {wrote}, which {loser} had not seen");

    pub(super) static WRITE_WRITE: Rule = Rule::new("ww", "{from} < {to}: {from} {wrote}, and {to} {follows} behind it");
    pub(super) static WRITE_READ: Rule = Rule::new("wr", "{from} < {to}: {from} {wrote}; {to} read {seen}");
    pub(super) static READ_WRITE: Rule = Rule::new("rw", "{from} < {to}: {from} read {seen}, without the {missed} of {to}");
    pub(super) static TIMED_WRITE: Rule = Rule::new("timed-ww", "{from} < {to}: {from} {wrote}, and {to} {later} later{shown}");
    pub(super) static TIMED_MISS: Rule = Rule::new("timed-rw", "{from} < {to}: {from} read {seen}, and {to} {later} later{shown}");
    pub(super) static PROCESS: Rule = Rule::new("process", "{from} < {to}: {client} did {from}, and then {to}");
    pub(super) static REAL_TIME: Rule =
        Rule::new("realtime", "{from} < {to}: {from} had ended (at {ended}) before {to} began (at {began})");
    pub(super) static CYCLE: Rule = Rule::new("cycle", "so that {cycle}: a circle");
}
