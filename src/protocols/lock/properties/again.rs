//! What must hold of locks for which clients wait: that they are had again, whichever client held them before.

use super::{Locking, client, rules};
use crate::base::{Duration, NodeId, SortedMap, SortedSet, Time};
use crate::check::{Property, PropertyReport, Sighting, Violations};
use crate::fault::Strike;
use crate::history;
use crate::protocols::lock::{Grant, HolderNote, Job, Worked};
use crate::trace::{Event, Judge, Record};

/// What becomes of a lock whose holder has died, or of a place whose client does not want it any more.
pub const HAD_AGAIN: Property = Property::always(
    "lock-had-again",
    "when no fault has been in force for as long as a lease lasts, a lock for which a client waits is held, or will be after the lock-delay",
);

/// Within which time a lock must be had again, by the settings.
#[derive(Clone, Copy, Debug)]
pub struct Again {
    /// How long a lease of a client that has died may last, by any clock.
    pub lease: Duration,
    /// How long the client that is first may have to wait, since a holder did not release the lock.
    pub lock_delay: Duration,
    /// What is allowed for questions, answers and elections.
    pub slack: Duration,
}

/// Judges that locks are had again.
#[derive(Debug)]
pub struct AgainJudge {
    bounds: Again,
    violations: Violations,
    /// By client: for which lock it waits, since when.
    waits: SortedMap<NodeId, (u32, Sighting)>,
    /// By client: which lock it believes to hold.
    holds: SortedMap<NodeId, u32>,
    /// By lock: when one was last seen to hold it.
    held: SortedMap<u32, Time>,
    disturbed: Disturbed,
    looked: Time,
}

/// What goes on of faults.
#[derive(Debug, Default)]
struct Disturbed {
    /// How many have struck.
    strikes: u32,
    /// The numbers of those that last and are not over.
    lasting: SortedSet<u32>,
    /// Which servers are down or stand still.
    stopped: SortedSet<NodeId>,
    /// How long messages were held up at most.
    lag: Duration,
    /// When the last one was over, with all messages that it held up.
    until: Time,
}

impl Disturbed {
    fn is_in_force(&self) -> bool {
        !self.lasting.is_empty() || !self.stopped.is_empty()
    }

    fn over(&mut self, now: Time) {
        self.until = now + self.lag;
    }

    fn strikes(&mut self, now: Time, strike: &Strike) {
        match strike {
            // What these do to nodes is told of the nodes.
            Strike::Crash { .. } | Strike::Restart { .. } | Strike::Pause { .. } | Strike::Resume { .. } | Strike::Destroy { .. } => {}
            _ => drop(self.lasting.insert(self.strikes)),
        }
        if let Strike::Delay { by, .. } | Strike::Reorder { by, .. } = strike {
            self.lag = self.lag.max(by.high());
        }
        self.strikes += 1;
        self.over(now);
    }

    fn node(&mut self, now: Time, node: NodeId, runs: bool) {
        if runs {
            self.stopped.remove(&node);
        } else if !node.is_client() {
            self.stopped.insert(node);
        }
        self.over(now);
    }
}

/// How often it looks for what is overdue.
const LOOK: Duration = Duration::from_millis(100);

impl AgainJudge {
    /// Judges locks of which nothing is known yet.
    pub fn new(bounds: Again) -> Self {
        Self {
            bounds,
            violations: Violations::default(),
            waits: SortedMap::new(),
            holds: SortedMap::new(),
            held: SortedMap::new(),
            disturbed: Disturbed::default(),
            looked: Time::default(),
        }
    }

    fn said(&mut self, now: Sighting, note: HolderNote) {
        match note {
            // One whose place was lost gets in line again: it waits still.
            HolderNote::Asks { lock, grant } => drop(self.waits.entry(client(grant)).or_insert((lock, now))),
            HolderNote::Holds { lock, grant, .. } => {
                self.waits.remove(&client(grant));
                self.holds.insert(client(grant), lock);
            }
            HolderNote::Leaves { grant, .. } => self.leaves(now.at, grant),
            HolderNote::Wakes { .. } | HolderNote::Observes { .. } => {}
        }
    }

    fn leaves(&mut self, now: Time, grant: Grant) {
        if let Some(lock) = self.holds.remove(&client(grant)) {
            self.held.insert(lock, now);
        }
    }

    /// A client waits no longer: its job is over, or it has crashed. The next one waits for the whole of the lock-delay.
    fn waits_no_longer(&mut self, now: Time, node: NodeId) {
        if let Some((lock, _)) = self.waits.remove(&node)
            && !self.bounds.lock_delay.is_zero()
        {
            self.held.insert(lock, now);
        }
    }

    fn crashed(&mut self, now: Time, node: NodeId) {
        self.waits_no_longer(now, node);
        if let Some(lock) = self.holds.remove(&node) {
            self.held.insert(lock, now);
        }
    }

    fn look(&mut self, now: Sighting) {
        if self.disturbed.is_in_force() || now.at < self.looked + LOOK {
            return;
        }
        self.looked = now.at;
        let quiet = self.disturbed.until + self.bounds.lease;
        for (node, (lock, since)) in &self.waits {
            let free = self.held.get(lock).copied().unwrap_or_default();
            let begins = quiet.max(since.at).max(free);
            let is_held = self.holds.values().any(|held| held == lock);
            if !is_held && now.at > begins + self.bounds.lock_delay + self.bounds.slack {
                let broken = rules::NOT_HAD.with("client", *node).with("lock", u64::from(*lock)).with("now", now.at);
                let broken = broken.with("free", free).with("until", self.disturbed.until);
                self.violations.add_at(&HAD_AGAIN, now.at, broken.seen("since", *since));
            }
        }
    }
}

impl<V: Locking<Client = history::Event<Job, Worked>>> Judge<V> for AgainJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        let now = record.sighting();
        self.look(now);
        match record.event {
            Event::ClientNote { note, .. } => {
                if let Some(note) = V::said(note) {
                    self.said(now, note);
                }
            }
            Event::Client { node, event: history::Event::Complete { .. } } => self.waits_no_longer(now.at, *node),
            Event::Crash { node, .. } => {
                self.disturbed.node(now.at, *node, false);
                self.crashed(now.at, *node);
            }
            Event::Pause { node } => self.disturbed.node(now.at, *node, false),
            Event::Boot { node, .. } | Event::Resume { node } => self.disturbed.node(now.at, *node, true),
            Event::Strike { strike } => self.disturbed.strikes(now.at, strike),
            Event::Lift { strike } => {
                self.disturbed.lasting.remove(strike);
                self.disturbed.over(now.at);
            }
            Event::Settle => {
                self.disturbed.lasting.clear();
                self.disturbed.over(now.at);
            }
            _ => {}
        }
    }

    fn violated(&self) -> bool {
        !self.violations.is_empty()
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.violations.reports(&[HAD_AGAIN])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::OperationId;
    use crate::protocols::commit::locks::Mode;

    fn at(seconds: u64) -> Sighting {
        Sighting { record: seconds, at: Time::default() + Duration::from_secs(seconds) }
    }

    fn grant(client: u32) -> Grant {
        Grant(OperationId { client, life: 0, nth: 1 })
    }

    /// One holds a lock and dies at a second, another waits for it.
    fn orphaned() -> AgainJudge {
        let second = Duration::from_secs(1);
        let mut judge = AgainJudge::new(Again { lease: second * 10, lock_delay: second * 5, slack: second });
        judge.said(at(0), HolderNote::Asks { lock: 0, grant: grant(0) });
        judge.said(at(0), HolderNote::Holds { lock: 0, grant: grant(0), mode: Mode::Exclusive, token: Some(1) });
        judge.said(at(0), HolderNote::Asks { lock: 0, grant: grant(1) });
        judge.disturbed.node(at(1).at, NodeId::client(0), false);
        judge.crashed(at(1).at, NodeId::client(0));
        judge
    }

    fn holds_at(mut judge: AgainJudge, seconds: u64) -> bool {
        judge.look(at(seconds));
        judge.violations.is_empty()
    }

    #[test]
    fn the_lock_of_the_dead_is_had_again() {
        assert!(holds_at(orphaned(), 17), "its lease, and then the lock-delay");
        assert!(!holds_at(orphaned(), 18));
        let mut had = orphaned();
        had.said(at(16), HolderNote::Holds { lock: 0, grant: grant(1), mode: Mode::Exclusive, token: Some(2) });
        assert!(holds_at(had, 30));
        let mut another = orphaned();
        another.said(at(16), HolderNote::Asks { lock: 1, grant: grant(2) });
        another.waits_no_longer(at(16).at, NodeId::client(1));
        assert!(holds_at(another, 20), "none waits for it, and the other has just been asked for");
    }

    #[test]
    fn while_faults_are_in_force_nothing_is_demanded() {
        let mut stopped = orphaned();
        stopped.disturbed.node(at(2).at, NodeId::server(0), false);
        assert!(holds_at(stopped, 60));
        let mut runs = orphaned();
        runs.disturbed.node(at(2).at, NodeId::server(0), false);
        runs.disturbed.node(at(40).at, NodeId::server(0), true);
        runs.look(at(56));
        assert!(runs.violations.is_empty());
        assert!(!holds_at(runs, 57));
    }
}
