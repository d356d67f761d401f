//! Anomalies as data: who did what, and what that shows.

use rustc_hash::FxHashSet;

use super::assumptions::{INITIAL, Said};
use super::graph::{Dependency, Why};
use super::refutation::Case;
use super::transactions::{Entry, Key, ObservedAct, Transactions};
use crate::base::Time;
use crate::check::verdict::{Access, Anomaly, Broken, CastMember, Did, Fact, Fate, Finding, Phenomenon, Rule, Version, transaction_name};

/// How many cases are told.
const CASES: usize = 8;

/// Speaks of these transactions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'a> {
    transactions: &'a Transactions,
}

/// `T1`.
fn name(transaction: u32) -> Fact {
    Fact::Transaction(transaction_name(transaction as usize))
}

/// The place of the transaction that has this [name].
fn number(fact: &Fact) -> Option<u32> {
    let Fact::Transaction(name) = fact else { return None };
    name.strip_prefix('T')?.parse::<u32>().ok()?.checked_sub(1)
}

impl<'a> Evidence<'a> {
    pub(super) const fn new(transactions: &'a Transactions) -> Self {
        Self { transactions }
    }

    /// A finding that these transactions show. All that are named have a part in it.
    fn finding(self, anomaly: Anomaly, transactions: &[u32], evidence: Vec<Broken>) -> Finding {
        let facts = evidence.iter().flat_map(|broken| &broken.facts).map(|(_, fact)| fact);
        let mut each: Vec<u32> = facts.filter_map(number).chain(transactions.iter().copied()).collect();
        each.sort_unstable();
        each.dedup();
        let cast = each.iter().map(|transaction| self.member(*transaction)).collect();
        let ends = each.iter().map(|transaction| self.transactions.entries[*transaction as usize].ended);
        let at = ends.max().filter(|end| *end != Time::MAX && self.transactions.labels.lines.is_none());
        Finding { anomaly, transactions: transactions.iter().map(|place| *place as usize).collect(), cast, evidence, at }
    }

    fn member(self, transaction: u32) -> CastMember {
        let Entry { client, fate, .. } = self.transactions.entries[transaction as usize];
        let acts = self.transactions.acts_of(transaction).iter().map(|act| self.access(*act)).collect();
        CastMember { transaction: transaction as usize, client: self.transactions.client_name(client), fate, acts }
    }

    /// When a transaction began; in a file without times, on which line.
    fn began(self, transaction: u32) -> Fact {
        let place = transaction as usize;
        self.transactions
            .labels
            .lines
            .as_ref()
            .map_or_else(|| self.transactions.entries[place].began.into(), |lines| Fact::Line(lines[place].0))
    }

    /// When a transaction ended; in a file without times, on which line. It did end.
    fn ended(self, transaction: u32) -> Fact {
        let place = transaction as usize;
        let line = self.transactions.labels.lines.as_ref().map(|lines| lines[place].1.unwrap_or(lines[place].0));
        line.map_or_else(|| self.transactions.entries[place].ended.into(), Fact::Line)
    }

    fn access(self, act: ObservedAct) -> Access {
        let did = match act {
            ObservedAct::Unseen { .. } => Did::Read(None),
            ObservedAct::Append { value, .. } => Did::Append(self.transactions.value_name(value)),
            ObservedAct::Write { value, .. } => Did::Write(self.transactions.value_name(value)),
            ObservedAct::Add { amount, .. } => Did::Add(amount),
            read => Did::Read(Some(self.version(Some(read)))),
        };
        Access { key: self.transactions.key_name(act.key()), did }
    }

    fn value(self, value: Option<i64>) -> Fact {
        Fact::Value(value.map_or_else(String::new, |value| self.transactions.value_name(value)))
    }

    fn list(self, list: &[i64]) -> Version {
        Version::List(list.iter().map(|value| self.transactions.value_name(*value)).collect())
    }

    /// What a read saw.
    fn version(self, read: Option<ObservedAct>) -> Version {
        match read {
            Some(ObservedAct::Number { value, .. }) => Version::Value(self.transactions.value_name(value)),
            Some(read) => self.transactions.list_of(read).map_or(Version::Nothing, |list| self.list(list)),
            None => Version::Nothing,
        }
    }

    /// Whether this act is a read that saw this value.
    fn shows(self, act: ObservedAct, value: i64) -> bool {
        match act {
            ObservedAct::Number { value: seen, .. } => seen == value,
            _ => self.transactions.list_of(act).is_some_and(|list| list.contains(&value)),
        }
    }

    /// The first that read this value, and with what read.
    fn first_reader(self, key: u32, value: i64) -> Option<(u32, ObservedAct)> {
        self.reads(key).find(|(_, act)| self.shows(*act, value))
    }

    /// All reads of a key.
    fn reads(self, key: u32) -> impl Iterator<Item = (u32, ObservedAct)> {
        (0..self.transactions.len() as u32).flat_map(move |transaction| {
            let acts = self.transactions.acts_of(transaction).iter();
            acts.filter(move |act| act.key() == key && act.written().is_none()).map(move |act| (transaction, *act))
        })
    }

    pub(super) fn was_read(self, key: u32, value: i64) -> bool {
        !self.transactions.keys[key as usize].given || self.first_reader(key, value).is_some()
    }

    /// What shows this is about this key.
    fn shown_by(self, rule: &'static Rule, key: u32) -> Broken {
        rule.with("key", Fact::Key(self.transactions.key_name(key)))
    }

    /// A transaction read this key, and saw that.
    fn read_by(self, rule: &'static Rule, key: u32, reader: u32, read: ObservedAct) -> Broken {
        self.shown_by(rule, key).with("reader", name(reader)).with("seen", self.version(Some(read)))
    }

    pub(super) fn garbage(self, key: u32, value: i64) -> Finding {
        let reader = self.first_reader(key, value);
        let who: Vec<u32> = reader.iter().map(|(reader, _)| *reader).collect();
        let told =
            |(reader, act): (u32, ObservedAct)| self.read_by(&rules::GARBAGE, key, reader, act).with("value", self.value(Some(value)));
        self.finding(Anomaly::data(Phenomenon::GarbageRead), &who, reader.map(told).into_iter().collect())
    }

    pub(super) fn aborted(self, key: u32, value: i64, writer: u32) -> Finding {
        let reader = self.first_reader(key, value);
        let who: Vec<u32> = [writer].into_iter().chain(reader.map(|(reader, _)| reader)).collect();
        let told = |(reader, act): (u32, ObservedAct)| {
            self.read_by(&rules::ABORTED, key, reader, act).with("writer", name(writer)).with("value", self.value(Some(value)))
        };
        self.finding(Anomaly::data(Phenomenon::AbortedRead), &who, reader.map(told).into_iter().collect())
    }

    pub(super) fn dirty(self, key: u32, aborted: u32, writer: u32) -> Finding {
        let told = self.shown_by(&rules::DIRTY, key).with("aborted", name(aborted)).with("writer", name(writer));
        self.finding(Anomaly::data(Phenomenon::DirtyUpdate), &[aborted, writer], vec![told])
    }

    pub(super) fn intermediate(self, key: u32, value: i64, writer: u32, reader: u32) -> Finding {
        let told = self.shown_by(&rules::INTERMEDIATE, key).with("reader", name(reader)).with("writer", name(writer));
        let told = told.with("value", self.value(Some(value))).with("later", self.value(self.last(writer, key)));
        self.finding(Anomaly::data(Phenomenon::IntermediateRead), &[writer, reader], vec![told])
    }

    pub(super) fn internal(self, transaction: u32, key: u32, place: usize, value: i64, early: bool) -> Finding {
        let act = self.transactions.acts_of(transaction)[place];
        let rule = if early { &rules::EARLY } else { &rules::FORGETFUL };
        let told = self.read_by(rule, key, transaction, act).with("value", self.value(Some(value)));
        self.finding(Anomaly::data(Phenomenon::Internal), &[transaction], vec![told])
    }

    pub(super) fn duplicate(self, key: u32, value: i64) -> Finding {
        let longest = &self.transactions.keys[key as usize].longest;
        let shows =
            |act: ObservedAct| self.transactions.list_of(act).is_some_and(|list| list.iter().filter(|other| **other == value).count() > 1);
        let reader = self.reads(key).find(|(_, act)| shows(*act));
        let told = match reader {
            Some((reader, act)) => self.read_by(&rules::READ_TWICE, key, reader, act),
            None => self.shown_by(&rules::GIVEN_TWICE, key).with("order", self.list(longest)),
        };
        let who: Vec<u32> = reader.iter().map(|(reader, _)| *reader).collect();
        self.finding(Anomaly::data(Phenomenon::DuplicateElement), &who, vec![told.with("value", self.value(Some(value)))])
    }

    /// A list that is no prefix of the longest one of its key.
    pub(super) fn incompatible(self, key: u32, list: u32) -> Finding {
        let odd = self.transactions.odd_list(list);
        let longest = &self.transactions.keys[key as usize].longest;
        let common = odd.iter().zip(longest).take_while(|(a, b)| a == b).count();
        let by = |wanted: &dyn Fn(ObservedAct) -> bool| self.reads(key).find(|(_, act)| wanted(*act));
        let reader = by(&|act| matches!(act, ObservedAct::Odd { list: other, .. } if other == list));
        let other = by(&|act| matches!(act, ObservedAct::Prefix { length, .. } if length as usize > common));
        let who: Vec<u32> = reader.iter().chain(&other).map(|(reader, _)| *reader).collect();
        let told = reader.map(|(reader, read)| match other {
            Some((other, seen)) => {
                let told = self.read_by(&rules::INCOMPATIBLE, key, reader, read);
                told.with("other", name(other)).with("other_seen", self.version(Some(seen)))
            }
            None => self.read_by(&rules::CONTRADICTED, key, reader, read).with("order", self.list(longest)),
        });
        self.finding(Anomaly::data(Phenomenon::IncompatibleOrder), &who, told.into_iter().collect())
    }

    /// An order that was given and is not what was read.
    pub(super) fn contradicted(self, key: u32, known: &Key) -> Finding {
        let given = known.contradicted.as_deref().unwrap_or(&[]);
        let reader = self.reads(key).find(|(_, act)| self.transactions.list_of(*act).is_some_and(|list| !given.starts_with(list)));
        let who: Vec<u32> = reader.iter().map(|(reader, _)| *reader).collect();
        let told = match reader {
            Some((reader, act)) => self.read_by(&rules::CONTRADICTED, key, reader, act),
            None => self.shown_by(&rules::GIVEN, key),
        };
        self.finding(Anomaly::data(Phenomenon::IncompatibleOrder), &who, vec![told.with("order", self.list(given))])
    }

    pub(super) fn out_of_order(self, transaction: u32, key: u32, first: i64, second: i64) -> Finding {
        let told = self.shown_by(&rules::OUT_OF_ORDER, key).with("writer", name(transaction));
        let told = told.with("first", self.value(Some(first))).with("second", self.value(Some(second)));
        self.finding(Anomaly::data(Phenomenon::IncompatibleOrder), &[transaction], vec![told])
    }

    /// The one wrote over what the other had read and then wrote, too.
    pub(super) fn lost_update(self, key: u32, overwriter: u32, loser: u32) -> Finding {
        let read = self.transactions.acts_of(loser).iter().find(|act| act.key() == key && act.written().is_none());
        let update = self.shown_by(&rules::READ_AND_WROTE, key).with("loser", name(loser)).with("seen", self.version(read.copied()));
        let unseen = self.shown_by(&rules::WROTE_UNSEEN, key).with("writer", name(overwriter)).with("loser", name(loser));
        let wrote = |transaction| self.value(self.last(transaction, key));
        let evidence = vec![update.with("value", wrote(loser)), unseen.with("value", wrote(overwriter))];
        self.finding(Anomaly::data(Phenomenon::LostUpdate), &[overwriter, loser], evidence)
    }

    /// What a transaction put into a key last.
    fn last(self, transaction: u32, key: u32) -> Option<i64> {
        self.values(transaction, key).last()
    }

    /// A cycle: each of these comes before the next, for the reason given, and the last before the first.
    pub(super) fn cycle(self, anomaly: Anomaly, cycle: &[(u32, Why)]) -> Finding {
        let who: Vec<u32> = cycle.iter().map(|(transaction, _)| *transaction).collect();
        self.finding(anomaly, &who, self.edges(cycle).collect())
    }

    /// Cases of which one must be, and a cycle in each.
    pub(super) fn cases(self, anomaly: Anomaly, cases: &[Case]) -> Finding {
        let (mut who, mut evidence) = (Vec::new(), Vec::new());
        for Case { assumed, cycle } in &cases[..cases.len().min(CASES)] {
            for (key, said) in assumed {
                evidence.push(self.supposed(*key, *said));
                who.extend(match *said {
                    Said::Order { first, second, .. } => [first, second],
                    Said::Source { reader, source: INITIAL, .. } => [reader; 2],
                    Said::Source { reader, source, .. } => [source, reader],
                });
            }
            evidence.extend(self.edges(cycle));
            who.extend(cycle.iter().map(|(transaction, _)| *transaction));
        }
        if cases.len() > CASES {
            evidence.push(rules::MORE_CASES.with("count", Fact::Count((cases.len() - CASES) as u64)));
        }
        let mut seen = FxHashSet::default();
        who.retain(|transaction| seen.insert(*transaction));
        self.finding(anomaly, &who, evidence)
    }

    /// What is supposed in a case.
    fn supposed(self, key: u32, said: Said) -> Broken {
        match said {
            Said::Order { first, second, .. } => {
                let told = self.shown_by(&rules::SUPPOSE, key).with("first", name(first)).with("second", name(second));
                told.with("value", self.value(self.last(first, key))).with("later", self.value(self.last(second, key)))
            }
            Said::Source { reader, source: INITIAL, .. } => self.shown_by(&rules::SUPPOSE_INITIAL, key).with("reader", name(reader)),
            Said::Source { reader, source, .. } => {
                let told = self.shown_by(&rules::SUPPOSE_SOURCE, key).with("reader", name(reader)).with("writer", name(source));
                told.with("value", self.value(self.last(source, key)))
            }
        }
    }

    /// No order of the writers of these keys will do, which takes too many cases to be told.
    pub(super) fn no_order(self, anomaly: Anomaly, keys: Vec<u32>, who: Vec<u32>) -> Finding {
        self.of_keys(&rules::NO_ORDER, anomaly, keys, who)
    }

    /// No order of these few transactions will do, which was found out by trying all of them.
    pub(super) fn no_order_of_few(self, anomaly: Anomaly, keys: Vec<u32>, who: Vec<u32>) -> Finding {
        self.of_keys(&rules::FEW, anomaly, keys, who)
    }

    fn of_keys(self, rule: &'static Rule, anomaly: Anomaly, mut keys: Vec<u32>, mut who: Vec<u32>) -> Finding {
        for all in [&mut keys, &mut who] {
            all.sort_unstable();
            all.dedup();
        }
        let named: Vec<Fact> = keys.iter().map(|key| Fact::Key(self.transactions.key_name(*key))).collect();
        self.finding(anomaly, &who, vec![rule.with("keys", Fact::All(named))])
    }

    /// Why each comes before the next, and that it is a cycle.
    fn edges(self, cycle: &[(u32, Why)]) -> impl Iterator<Item = Broken> {
        let edge = move |place: usize| {
            let ((from, why), (to, _)) = (cycle[place], cycle[(place + 1) % cycle.len()]);
            self.because(from, to, why).with("from", name(from)).with("to", name(to))
        };
        let all = cycle.iter().map(|(transaction, _)| name(*transaction)).collect::<Vec<_>>();
        (0..cycle.len()).map(edge).chain([rules::CYCLE.with("cycle", all)])
    }

    /// Why the one comes before the other.
    fn because(self, from: u32, to: u32, why: Why) -> Broken {
        let key = why.key();
        let reads =
            |transaction: u32| self.transactions.acts_of(transaction).iter().filter(move |act| act.key() == key && act.written().is_none());
        match why.kind() {
            Dependency::WriteWrite => {
                let (before, after) = self.neighbours(from, to, key);
                let told = self.shown_by(&rules::WRITE_WRITE, key).with("value", self.value(before));
                told.with("follows", self.value(after))
            }
            Dependency::WriteRead => {
                let own: Vec<i64> = self.values(from, key).collect();
                let ends = |act: &&ObservedAct| match act {
                    ObservedAct::Number { value, .. } => own.contains(value),
                    act => self.transactions.list_of(**act).and_then(<[i64]>::last).is_some_and(|last| own.contains(last)),
                };
                let told = self.shown_by(&rules::WRITE_READ, key).with("value", self.value(own.last().copied()));
                told.with("seen", self.version(reads(to).find(ends).copied()))
            }
            Dependency::ReadWrite => {
                let mut new: Vec<i64> = self.values(to, key).collect();
                let read = reads(from).find(|act| new.iter().any(|value| !self.shows(**act, *value)));
                if let Some(read) = read {
                    new.retain(|value| !self.shows(*read, *value));
                }
                // What was written later may have been the same.
                let (rule, read) = if read.is_none() { (&rules::READ_AGAIN, reads(from).next()) } else { (&rules::READ_WRITE, read) };
                let told = self.shown_by(rule, key).with("seen", self.version(read.copied()));
                told.with("missed", self.value(new.first().copied()))
            }
            Dependency::TimedWrite => {
                let value = self.last(from, key);
                self.timed([&rules::TIMED_WRITE, &rules::TIMED_WRITE_LINES, &rules::TIMED_WRITE_SHOWN], key, value, to)
                    .with("value", self.value(value))
            }
            Dependency::TimedMiss => {
                let read = reads(from).next().copied();
                let value = read.and_then(|act| if let ObservedAct::Number { value, .. } = act { Some(value) } else { None });
                self.timed([&rules::TIMED_MISS, &rules::TIMED_MISS_LINES, &rules::TIMED_MISS_SHOWN], key, value, to)
                    .with("seen", self.version(read))
            }
            Dependency::Process => {
                rules::PROCESS.with("client", Fact::Client(self.transactions.client_name(self.transactions.entries[from as usize].client)))
            }
            Dependency::RealTime | Dependency::Via => rules::REAL_TIME.with("ended", self.ended(from)).with("began", self.began(to)),
        }
    }

    /// A register held this value before it held what that transaction wrote; and how real time shows it, if that can be told.
    fn timed(self, [plain, lines, shown]: [&'static Rule; 3], key: u32, value: Option<i64>, later: u32) -> Broken {
        let users = |value: Option<i64>| {
            let uses = move |transaction: &u32| {
                self.transactions.acts_of(*transaction).iter().any(|act| match *act {
                    ObservedAct::Number { key: other, value: used } | ObservedAct::Write { key: other, value: used } => {
                        other == key && Some(used) == value
                    }
                    _ => false,
                })
            };
            (0..self.transactions.len() as u32).filter(uses)
        };
        let entry = |transaction: u32| &self.transactions.entries[transaction as usize];
        let new = self.last(later, key);
        let early = users(value).filter(|user| entry(*user).fate == Fate::Committed).min_by_key(|user| entry(*user).ended);
        let told = match (early, users(new).max_by_key(|user| entry(*user).began)) {
            (Some(early), Some(late)) => {
                let rule = if self.transactions.labels.lines.is_some() { lines } else { shown };
                let told = self.shown_by(rule, key).with("early", name(early)).with("ended", self.ended(early));
                told.with("late", name(late)).with("began", self.began(late))
            }
            _ => self.shown_by(plain, key),
        };
        told.with("later", self.value(new))
    }

    /// What a transaction put into a key.
    fn values(self, transaction: u32, key: u32) -> impl Iterator<Item = i64> {
        self.transactions.acts_of(transaction).iter().filter(move |act| act.key() == key).filter_map(|act| act.written())
    }

    /// The writes of the one and the other that are next to each other in the order of the key, or at least the last and the first.
    fn neighbours(self, from: u32, to: u32, key: u32) -> (Option<i64>, Option<i64>) {
        let order = &self.transactions.keys[key as usize].longest;
        let place = |value: &i64| order.iter().position(|other| other == value).unwrap_or(usize::MAX);
        let behind = |after: &i64| self.values(from, key).any(|before| place(&before) < place(after));
        let after = self.values(to, key).filter(behind).min_by_key(place).or_else(|| self.last(to, key));
        let end = after.as_ref().map_or(usize::MAX, place);
        let before = self.values(from, key).filter(|before| place(before) < end).max_by_key(place);
        (before.or_else(|| self.last(from, key)), after)
    }
}

/// What shows an anomaly, and why one transaction comes before another.
mod rules {
    use crate::check::verdict::Rule;

    pub(super) static GARBAGE: Rule = Rule::new("never-written", "{reader} read {key} as {seen}, but no transaction wrote {value} there");
    pub(super) static ABORTED: Rule = Rule::new("aborted", "{writer} aborted, and {reader} read its {value}: {key} as {seen}");
    pub(super) static DIRTY: Rule = Rule::new("built-on-aborted", "{aborted} aborted, and {writer} built on what it had appended to {key}");
    pub(super) static INTERMEDIATE: Rule =
        Rule::new("intermediate", "{reader} read the {value} that {writer} put into {key} and then followed up with {later}");
    pub(super) static EARLY: Rule =
        Rule::new("own-write-early", "{reader} read {key} as {seen}, with its own {value} that it had yet to put there");
    pub(super) static FORGETFUL: Rule =
        Rule::new("own-write-missed", "{reader} read {key} as {seen}, though it had put {value} there itself");
    pub(super) static READ_TWICE: Rule = Rule::new("read-twice", "{reader} read {key} as {seen}, with {value} twice");
    pub(super) static GIVEN_TWICE: Rule = Rule::new("given-twice", "the order given for {key} has {value} twice: {order}");
    pub(super) static INCOMPATIBLE: Rule = Rule::new(
        "incompatible",
        "{reader} read {key} as {seen}, and {other} read {key} as {other_seen}: neither list becomes the other by appending",
    );
    pub(super) static CONTRADICTED: Rule =
        Rule::new("contradicted", "{reader} read {key} as {seen}, but the order given for {key} is {order}");
    pub(super) static GIVEN: Rule = Rule::new("given", "the order given for {key} is {order}");
    pub(super) static OUT_OF_ORDER: Rule =
        Rule::new("out-of-order", "{writer} appended {first} to {key} and then {second}, but {key} has {second} and not {first} before it");
    pub(super) static READ_AND_WROTE: Rule = Rule::new("read-and-wrote", "{loser} read {key} as {seen}, and then put {value} there");
    pub(super) static WROTE_UNSEEN: Rule = Rule::new("wrote-unseen", "{writer} put {value} into {key}, which {loser} had not seen");

    pub(super) static WRITE_WRITE: Rule =
        Rule::new("ww", "{from} < {to}: {from} put {value} into {key}, and {to} put {follows} there behind it");
    pub(super) static WRITE_READ: Rule = Rule::new("wr", "{from} < {to}: {from} put {value} into {key}; {to} read {key} as {seen}");
    pub(super) static READ_WRITE: Rule = Rule::new("rw", "{from} < {to}: {from} read {key} as {seen}, without the {missed} of {to}");
    pub(super) static READ_AGAIN: Rule =
        Rule::new("rw", "{from} < {to}: {from} read {key} as {seen}, and {to} put {missed} there again later");
    pub(super) static TIMED_WRITE: Rule =
        Rule::new("timed-ww", "{from} < {to}: {from} put {value} into {key}, and {to} put {later} there later");
    pub(super) static TIMED_WRITE_SHOWN: Rule = Rule::new(
        "timed-ww",
        "{from} < {to}: {from} put {value} into {key}, and {to} put {later} there later: {early} had ended (at {ended}) before {late} began \
         (at {began})",
    );
    pub(super) static TIMED_WRITE_LINES: Rule = Rule::new(
        "timed-ww",
        "{from} < {to}: {from} put {value} into {key}, and {to} put {later} there later: {early} had ended before {late} began",
    );
    pub(super) static TIMED_MISS: Rule =
        Rule::new("timed-rw", "{from} < {to}: {from} read {key} as {seen}, and {to} put {later} there later");
    pub(super) static TIMED_MISS_SHOWN: Rule = Rule::new(
        "timed-rw",
        "{from} < {to}: {from} read {key} as {seen}, and {to} put {later} there later: {early} had ended (at {ended}) before {late} began \
         (at {began})",
    );
    pub(super) static TIMED_MISS_LINES: Rule = Rule::new(
        "timed-rw",
        "{from} < {to}: {from} read {key} as {seen}, and {to} put {later} there later: {early} had ended before {late} began",
    );
    pub(super) static PROCESS: Rule = Rule::new("process", "{from} < {to}: {client} did {from}, and then {to}");
    pub(super) static REAL_TIME: Rule =
        Rule::new("realtime", "{from} < {to}: {from} had ended (at {ended}) before {to} began (at {began})");
    pub(super) static SUPPOSE: Rule = Rule::new("suppose", "suppose that {key} held {value} of {first} before {later} of {second}:");
    pub(super) static SUPPOSE_SOURCE: Rule = Rule::new("suppose-source", "suppose that {reader} read in {key} the {value} of {writer}:");
    pub(super) static SUPPOSE_INITIAL: Rule = Rule::new("suppose-source", "suppose that {reader} read {key} as it was at first:");
    pub(super) static MORE_CASES: Rule = Rule::new("more-cases", "{count} more cases end with a cycle, too");
    pub(super) static NO_ORDER: Rule =
        Rule::new("no-order", "in whatever order {keys} were written, there is a cycle; the cases are too many to be told");
    pub(super) static FEW: Rule =
        Rule::new("no-order", "in whatever order these took effect, not all that was read of {keys} can have been there");
    pub(super) static CYCLE: Rule = Rule::new("cycle", "so that {cycle}: a cycle");
}
