//! What must hold of locks that are directories of a registry: who came first is first, and one wakes at a release.

use super::{Locking, client, rules};
use crate::base::{NodeId, SortedMap};
use crate::check::{Property, PropertyReport, Sighting, Verdict, Violations};
use crate::protocols::commit::locks::Mode;
use crate::protocols::lock::{Accessed, Grant, HolderNote, session};
use crate::protocols::registry::properties::OverRegistry;
use crate::protocols::registry::{Change, Item, Key, Note, Value};
use crate::trace::{Cell, Event, Judge, Record, Sort, Sorts, Table};

/// Who is first.
pub const GRANTED_IN_ORDER: Property = Property::always(
    "granted-in-order",
    "who comes to hold a lock is first in its queue: no key is there that came to be before its own, but for those it shares the lock with",
);

/// Who wakes.
pub const ONE_WAKEUP: Property = Property::always(
    "one-wakeup-per-release",
    "of those that wait to hold a lock alone, no more than one wakes when another leaves its queue",
);

/// Who leads.
pub const ONE_LEADER: Property = Property::always("one-leader-per-term", "what is guarded was never used by two leaders of one term");

/// Who is seen to lead.
pub const OBSERVED_FORWARD: Property =
    Property::always("observed-forward", "an observer never sees a leader of an earlier term than one that it has seen before");

/// Those of every queue, in this order.
pub const OF_QUEUES: [Property; 2] = [GRANTED_IN_ORDER, ONE_WAKEUP];

/// Those of a queue that is an election, besides.
pub const OF_ELECTIONS: [Property; 2] = [ONE_LEADER, OBSERVED_FORWARD];

/// A system whose locks are directories of a registry.
pub trait Queueing: Locking + OverRegistry {}

/// Judges the queues of locks, and terms.
#[derive(Debug, Default)]
pub struct QueueJudge {
    /// What it reports on.
    asked: Vec<Property>,
    violations: Violations,
    /// By key: what is there, since when; and by which revision it changed last.
    keys: SortedMap<Key, (u64, Option<(Item, Sighting)>)>,
    /// By lock and revision: who woke.
    woken: SortedMap<(u32, u64), (NodeId, Sighting)>,
    /// By lock and term: who acted.
    acted: SortedMap<(u32, u64), (Grant, Sighting)>,
    /// By client: what it observed last.
    observed: SortedMap<NodeId, (u64, Sighting)>,
    wakes: u64,
    terms: u64,
}

impl QueueJudge {
    /// Judges queues that are empty by those of these properties that are its own: what the settings leave no room for it does not judge.
    pub fn new(asked: &[Property]) -> Self {
        let is_asked = |property: &Property| asked.iter().any(|asked| asked.name == property.name);
        Self { asked: OF_QUEUES.into_iter().chain(OF_ELECTIONS).filter(is_asked).collect(), ..Self::default() }
    }

    /// A server applied a change; all servers say so, and again after each start.
    fn changed(&mut self, now: Sighting, change: Change) {
        let (revision, there) = self.keys.entry(change.key).or_default();
        if change.revision > *revision {
            (*revision, *there) = (change.revision, change.item.map(|item| (item, now)));
        }
    }

    fn holds(&mut self, now: Sighting, lock: u32, grant: Grant, mode: Mode, place: u64) {
        let before = self.keys.iter().filter_map(|(key, (_, there))| there.filter(|_| key.directory == lock && session::is_place(*key)));
        let shares = |item: &Item| mode == Mode::Shared && item.value == Value::Number(1);
        if let Some((item, since)) = before.filter(|(item, _)| item.created < place && !shares(item)).min_by_key(|(item, _)| item.created) {
            let broken = rules::OUT_OF_ORDER.with("client", client(grant)).with("lock", u64::from(lock)).with("place", place);
            self.violations.add(&GRANTED_IN_ORDER, now, broken.with("other", item.created).seen("since", since));
        }
    }

    /// One whose own place is gone, and who does not know it yet, does not wait for that lock any more.
    fn wakes(&mut self, now: Sighting, node: NodeId, place: Key, revision: u64) {
        self.wakes += 1;
        if self.keys.get(&place).is_some_and(|(last, there)| there.is_none() && *last <= revision) {
            return;
        }
        let lock = place.directory;
        match self.woken.get(&(lock, revision)) {
            Some((other, before)) if *other != node => {
                let broken = rules::TWO_WOKE.with("client", node).with("lock", u64::from(lock)).with("other", *other);
                self.violations.add(&ONE_WAKEUP, now, broken.seen("before", *before));
            }
            _ => {
                self.woken.insert((lock, revision), (node, now));
            }
        }
    }

    fn reports_asked(&self) -> Vec<PropertyReport> {
        self.violations.reports(&self.asked)
    }

    fn acts(&mut self, now: Sighting, Accessed { lock, grant, token, .. }: Accessed) {
        let Some(term) = token else { return };
        match self.acted.get(&(lock, term)) {
            Some((other, before)) if *other != grant => {
                let broken = rules::TWO_LEADERS.with("client", client(grant)).with("term", term).with("other", client(*other));
                self.violations.add(&ONE_LEADER, now, broken.seen("before", *before));
            }
            Some(_) => {}
            None => {
                self.terms += 1;
                self.acted.insert((lock, term), (grant, now));
            }
        }
    }

    fn observes(&mut self, now: Sighting, node: NodeId, term: u64) {
        if let Some((before, seen)) = self.observed.insert(node, (term, now))
            && before > term
        {
            let broken = rules::WENT_BACK.with("client", node).with("term", term).with("earlier", before);
            self.violations.add(&OBSERVED_FORWARD, now, broken.seen("seen", seen));
        }
    }
}

impl<V: Queueing> Judge<V> for QueueJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        let now = record.sighting();
        match record.event {
            Event::Note { note, .. } => {
                if let Some(Note::Changed(change)) = V::by_registry(note) {
                    self.changed(now, *change);
                } else if let Some(accessed) = V::accessed(note) {
                    self.acts(now, accessed);
                }
            }
            Event::ClientNote { node, note } => match V::said(note) {
                Some(HolderNote::Holds { lock, grant, mode, token: Some(place) }) => self.holds(now, lock, grant, mode, place),
                Some(HolderNote::Wakes { lock, name, revision }) => self.wakes(now, *node, Key { directory: lock, name }, revision),
                Some(HolderNote::Observes { term: Some(term), .. }) => self.observes(now, *node, term),
                _ => {}
            },
            // Who starts anew has seen nothing yet.
            Event::Crash { node, .. } => drop(self.observed.remove(node)),
            _ => {}
        }
    }

    fn wants(&self) -> Sorts {
        Sorts::of(&[Sort::Note, Sort::Crash])
    }

    fn violated(&self) -> bool {
        // What is not asked for is not violated.
        !self.violations.is_empty() && self.reports_asked().iter().any(|report| report.verdict == Verdict::Violated)
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.reports_asked()
    }

    fn tables(&self) -> Vec<Table> {
        let mut table = Table::new("queues", &["wake-ups", "terms"]);
        table.row("queues", vec![Cell::Count(self.wakes), Cell::Count(self.terms)]);
        vec![table]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{OperationId, Time};

    fn at(record: u64) -> Sighting {
        Sighting { record, at: Time::from_nanos(record) }
    }

    fn place(name: u32) -> Key {
        Key { directory: 0, name }
    }

    /// Three places came to be at revisions 1, 2 and 3, and went at these, if they did.
    fn queue(gone: &[(u32, u64)]) -> QueueJudge {
        let mut judge = QueueJudge::new(&[OF_QUEUES, OF_ELECTIONS].concat());
        for name in 1..=3 {
            let revision = u64::from(name);
            let item = Item { value: Value::Number(0), created: revision, modified: revision, lease: None };
            judge.changed(at(revision), Change { revision, key: place(name), item: Some(item) });
        }
        gone.iter()
            .for_each(|(name, revision)| judge.changed(at(*revision), Change { revision: *revision, key: place(*name), item: None }));
        judge
    }

    fn violated(judge: &QueueJudge) -> Vec<&'static str> {
        let reports = judge.violations.reports(&judge.asked);
        reports.iter().filter(|report| report.verdict == Verdict::Violated).map(|report| report.name).collect()
    }

    #[test]
    fn one_wakes_at_a_release() {
        let mut judge = queue(&[(1, 4)]);
        judge.wakes(at(5), NodeId::client(1), place(2), 4);
        assert_eq!(violated(&judge), [""; 0]);
        judge.wakes(at(6), NodeId::client(2), place(3), 4);
        assert_eq!(violated(&judge), ["one-wakeup-per-release"]);
        let mut judge = queue(&[(2, 4), (1, 5)]);
        judge.wakes(at(6), NodeId::client(1), place(2), 5);
        judge.wakes(at(7), NodeId::client(2), place(3), 5);
        assert_eq!(violated(&judge), [""; 0], "one did not know that its place was gone");
    }

    #[test]
    fn who_came_first_is_first() {
        let holds = |gone: &[(u32, u64)], place| {
            let mut judge = queue(gone);
            let grant = Grant(OperationId { client: 0, life: 0, nth: 1 });
            judge.holds(at(9), 0, grant, Mode::Exclusive, place);
            violated(&judge)
        };
        assert_eq!(holds(&[], 1), [""; 0]);
        assert_eq!(holds(&[], 2), ["granted-in-order"]);
        assert_eq!(holds(&[(1, 4)], 2), [""; 0]);
        assert_eq!(holds(&[(2, 4)], 3), ["granted-in-order"]);
    }

    #[test]
    fn terms_go_forward_and_have_one_leader() {
        let mut judge = QueueJudge::new(&[OF_QUEUES, OF_ELECTIONS].concat());
        let (one, other) = (Grant(OperationId { client: 0, life: 0, nth: 1 }), Grant(OperationId { client: 1, life: 0, nth: 1 }));
        let acts = |grant, term| Accessed { lock: 0, grant, mode: Mode::Exclusive, token: Some(term), nth: 1 };
        judge.acts(at(1), acts(one, 5));
        judge.acts(at(2), acts(one, 5));
        judge.observes(at(3), NodeId::client(2), 5);
        judge.observes(at(4), NodeId::client(2), 7);
        assert_eq!(violated(&judge), [""; 0]);
        judge.acts(at(5), acts(other, 5));
        judge.observes(at(6), NodeId::client(2), 6);
        assert_eq!(violated(&judge), ["one-leader-per-term", "observed-forward"]);
    }
}
