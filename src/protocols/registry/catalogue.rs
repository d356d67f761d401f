//! The state machine: keys, leases, and the last changes.
//!
//! It knows no time: that a lease has not been kept alive is for a leader to find, and to put into the log.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::entry::Lease;
use super::{Attached, Change, Condition, Ending, Health, Item, Key, LeaseId, Listing, Operation, Response, Rules, Value};
use crate::base::{ClientId, Digest, Duration};
use crate::protocols::raft;

/// What a registry holds. Its servers all go through the same states.
#[derive(Clone, Debug)]
pub struct Catalogue {
    rules: Arc<dyn Rules>,
    /// How many changes are remembered for watchers.
    history: usize,
    /// That of the last change.
    revision: u64,
    keys: BTreeMap<Key, Item>,
    leases: BTreeMap<ClientId, Lease>,
    /// Which keys go with which lease.
    attached: BTreeMap<ClientId, BTreeSet<Key>>,
    /// How many leases were granted.
    grants: u64,
    /// The last changes, in order.
    changes: VecDeque<Change>,
    /// Changes up to this revision are no longer remembered.
    compacted: u64,
}

/// What servers are to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A lease was granted.
    Granted(LeaseId, Duration),
    /// A lease has ended.
    Ended(LeaseId, Ending),
    /// A key has changed.
    Changed(Change),
    /// An instance that came to be at this revision was deregistered.
    Deregistered(Key, u64),
}

impl raft::StateMachine for Catalogue {
    type Operation = Operation;
    type Response = Response;
    type Output = Output;

    fn execute(&mut self, operation: &Operation, changes: &mut Digest, outputs: &mut Vec<Output>) -> Response {
        changes.word(Digest::of(operation));
        let response = match *operation {
            Operation::Grant { holder, length } => self.grant(holder, length, outputs),
            Operation::Revoke { lease } => self.end(lease, Ending::Revoked, outputs),
            Operation::Expire { lease } => self.end(lease, Ending::Expired, outputs),
            Operation::Put { key, value, lease, only } => self.put(key, value, lease, only, outputs),
            Operation::Delete { key, only } => self.delete(key, only, outputs),
            Operation::Check { key, created, health } => match self.keys.get(&key) {
                Some(Item { value: Value::Instance(instance), lease, created: found, .. }) if *found == created => {
                    let (value, lease) = (Value::Instance(super::Instance { health, ..*instance }), *lease);
                    self.put(key, value, lease, Condition::Created(created), outputs)
                }
                _ => Response::Nothing,
            },
            Operation::Deregister { key, created } => self.deregister(key, created, outputs),
            Operation::List { directory } => Response::Listed(self.list(directory)),
        };
        changes.word(self.revision);
        response
    }

    fn query(&self, operation: &Operation) -> Response {
        match operation {
            Operation::List { directory } => Response::Listed(self.list(*directory)),
            _ => Response::Nothing,
        }
    }

    fn fingerprint(&self) -> u64 {
        let keys: Vec<_> = self.keys.iter().collect();
        let leases: Vec<_> = self.leases.iter().collect();
        Digest::of(&(self.revision, self.compacted, keys, leases))
    }
}

/// What servers ask.
impl Catalogue {
    /// An empty registry, which remembers so many changes.
    pub fn new(history: u32, rules: Arc<dyn Rules>) -> Self {
        Self {
            rules,
            history: history as usize,
            revision: 0,
            keys: BTreeMap::new(),
            leases: BTreeMap::new(),
            attached: BTreeMap::new(),
            grants: 0,
            changes: VecDeque::new(),
            compacted: 0,
        }
    }

    /// The revision of the last change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Changes up to this revision are no longer remembered.
    pub fn compacted(&self) -> u64 {
        self.compacted
    }

    /// What lies under a key.
    pub fn get(&self, key: Key) -> Option<&Item> {
        self.keys.get(&key)
    }

    /// Whether the key is there that came to be at this revision.
    pub fn has(&self, key: Key, created: u64) -> bool {
        self.keys.get(&key).is_some_and(|item| item.created == created)
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = (&Key, &Item)> {
        self.keys.iter()
    }

    /// What a directory holds.
    pub fn list(&self, directory: u32) -> Listing {
        let range = Key { directory, name: 0 }..=Key { directory, name: u32::MAX };
        Listing { revision: self.revision, items: self.keys.range(range).map(|(key, item)| (key.name, *item)).collect() }
    }

    /// The changes of a directory after this revision; nothing if not all of them are remembered.
    pub fn changes_after(&self, directory: u32, revision: u64) -> Option<Vec<Change>> {
        if revision < self.compacted {
            return None;
        }
        let first = self.changes.partition_point(|change| change.revision <= revision);
        Some(self.changes.range(first..).filter(|change| change.key.directory == directory).copied().collect())
    }

    /// How long the lease lasts, if it has not ended.
    pub fn length(&self, lease: LeaseId) -> Option<Duration> {
        self.leases.get(&lease.holder).filter(|known| known.grant == lease.grant).map(|known| known.length)
    }

    /// The instances that go with the lease, if some have ceased to after this revision.
    pub fn attached_since(&self, lease: LeaseId, revision: u64) -> Option<Attached> {
        self.leases.get(&lease.holder).filter(|known| known.grant == lease.grant && known.lost > revision)?;
        let with_it = |key: &Key| self.keys.get(key).filter(|item| item.lease == Some(lease) && item.value.instance().is_some());
        let keys = self.attached.get(&lease.holder).into_iter().flatten();
        let instances = keys.filter_map(|key| Some((*key, with_it(key)?.created))).collect();
        Some(Attached { revision: self.revision, instances })
    }

    /// All leases, with their lengths.
    pub fn leases(&self) -> impl Iterator<Item = (LeaseId, Duration)> {
        self.leases.iter().map(|(holder, lease)| (LeaseId { holder: *holder, grant: lease.grant }, lease.length))
    }
}

/// Leases.
impl Catalogue {
    fn grant(&mut self, holder: ClientId, length: Duration, outputs: &mut Vec<Output>) -> Response {
        if let Some(Lease { grant, .. }) = self.leases.get(&holder) {
            return Response::Exists(LeaseId { holder, grant: *grant });
        }
        self.grants += 1;
        self.leases.insert(holder, Lease { grant: self.grants, length, lost: 0 });
        let lease = LeaseId { holder, grant: self.grants };
        outputs.push(Output::Granted(lease, length));
        Response::Granted(lease)
    }

    /// Ends a lease, with its keys.
    ///
    /// 1. A leader finds a lease overdue, and proposes its end. It loses its leadership and gains it again, and proposes it once more.
    /// 2. The first of the two is applied. The holder learns of it, and is granted another lease.
    /// 3. The second one is applied: it is about the first lease, which has ended.
    fn end(&mut self, lease: LeaseId, ending: Ending, outputs: &mut Vec<Output>) -> Response {
        let known = self.leases.get(&lease.holder).filter(|known| known.grant == lease.grant || !self.rules.ends_its_grant_alone());
        let Some(&Lease { grant, .. }) = known else { return Response::Ended };
        self.leases.remove(&lease.holder);
        outputs.push(Output::Ended(LeaseId { grant, ..lease }, ending));
        let keys = self.attached.remove(&lease.holder).unwrap_or_default();
        if !keys.is_empty() {
            self.revision += 1;
        }
        for key in keys {
            self.keys.remove(&key);
            self.tell(Change { revision: self.revision, key, item: None }, outputs);
        }
        Response::Ended
    }

    fn attach(&mut self, key: Key, lease: Option<LeaseId>) {
        if let Some(lease) = lease {
            self.attached.entry(lease.holder).or_default().insert(key);
        }
    }

    /// What lay under a key is gone, or goes with another lease from now on: it does not go with its lease any more.
    fn detach(&mut self, key: Key, item: &Item) {
        let lease = item.lease;
        if let Some(known) = lease.and_then(|lease| self.leases.get_mut(&lease.holder).filter(|known| known.grant == lease.grant))
            && item.value.instance().is_some()
        {
            known.lost = self.revision;
        }
        if let Some(keys) = lease.and_then(|lease| self.attached.get_mut(&lease.holder))
            && self.rules.detaches()
        {
            keys.remove(&key);
        }
    }
}

/// Keys.
impl Catalogue {
    fn put(&mut self, key: Key, value: Value, lease: Option<LeaseId>, only: Condition, outputs: &mut Vec<Output>) -> Response {
        let found = self.keys.get(&key).copied();
        if let Some(unmet) = unmet(only, found) {
            return unmet;
        }
        if lease.is_some_and(|lease| self.length(lease).is_none()) {
            return Response::Ended;
        }
        self.revision += 1;
        let revision = self.revision;
        let created = found.filter(|found| found.lease == lease).map_or(revision, |found| found.created);
        let item = Item { value, created, modified: revision, lease };
        let stays = |found: &Item| found.lease == lease && (found.value.instance().is_none() || value.instance().is_some());
        if let Some(found) = found.filter(|found| !stays(found)) {
            self.detach(key, &found);
        }
        self.attach(key, lease);
        self.keys.insert(key, item);
        self.tell(Change { revision, key, item: Some(item) }, outputs);
        Response::Put { created }
    }

    fn delete(&mut self, key: Key, only: Condition, outputs: &mut Vec<Output>) -> Response {
        let found = self.keys.get(&key).copied();
        if let Some(unmet) = unmet(only, found) {
            return unmet;
        }
        if let Some(item) = found {
            self.revision += 1;
            self.keys.remove(&key);
            self.detach(key, &item);
            self.tell(Change { revision: self.revision, key, item: None }, outputs);
        }
        Response::Deleted
    }

    /// Deregisters an instance that is critical still.
    ///
    /// 1. An instance is critical, and a leader proposes to deregister it.
    /// 2. It has recovered, and registers itself anew under the lease that it has kept: it came to be when it did, and is passing.
    /// 3. What was proposed is applied: it is about a registration that is no more.
    fn deregister(&mut self, key: Key, created: u64, outputs: &mut Vec<Output>) -> Response {
        let is_critical = |item: &Item| matches!(item.value, Value::Instance(instance) if instance.health == Health::Critical);
        if !self.keys.get(&key).is_some_and(|item| item.created == created && is_critical(item)) {
            return Response::Nothing;
        }
        outputs.push(Output::Deregistered(key, created));
        self.delete(key, Condition::Created(created), outputs)
    }

    /// Remembers a change, and forgets the oldest if there are too many; those of one revision are forgotten together.
    fn tell(&mut self, change: Change, outputs: &mut Vec<Output>) {
        outputs.push(Output::Changed(change));
        self.changes.push_back(change);
        while self.changes.len() > self.history
            && let Some(oldest) = self.changes.front()
            && oldest.revision < change.revision
        {
            self.compacted = oldest.revision;
            while self.changes.front().is_some_and(|next| next.revision <= self.compacted) {
                self.changes.pop_front();
            }
        }
    }
}

/// What is answered if the condition is not met.
fn unmet(only: Condition, found: Option<Item>) -> Option<Response> {
    let created = found.map_or(0, |item| item.created);
    let met = match only {
        Condition::Always => true,
        Condition::Absent => found.is_none(),
        Condition::Created(revision) => created == revision,
    };
    (!met).then_some(Response::Unmet(created))
}

#[cfg(test)]
mod tests {
    use super::super::Correct;
    use super::*;
    use crate::base::NodeId;
    use crate::protocols::raft::StateMachine;

    const KEY: Key = Key { directory: 1, name: 2 };

    struct Bench(Catalogue, Vec<Output>);

    impl Bench {
        fn new() -> Self {
            Self(Catalogue::new(3, Arc::new(Correct)), Vec::new())
        }

        fn ask(&mut self, operation: Operation) -> Response {
            self.0.execute(&operation, &mut Digest::new(), &mut self.1)
        }

        fn grant(&mut self, client: u32) -> LeaseId {
            let granted = self.ask(Operation::Grant { holder: ClientId::new(client), length: Duration::from_secs(10) });
            let Response::Granted(lease) = granted else { panic!("{granted}") };
            lease
        }

        fn put(&mut self, number: u64, lease: Option<LeaseId>, only: Condition) -> Response {
            self.ask(Operation::Put { key: KEY, value: Value::Number(number), lease, only })
        }
    }

    #[test]
    fn a_key_goes_with_its_lease() {
        let mut bench = Bench::new();
        let lease = bench.grant(0);
        let again = Operation::Grant { holder: lease.holder, length: Duration::from_secs(10) };
        assert_eq!(bench.ask(again), Response::Exists(lease));
        assert_eq!(bench.put(7, Some(lease), Condition::Absent), Response::Put { created: 1 });
        assert_eq!(bench.put(8, Some(lease), Condition::Absent), Response::Unmet(1));
        bench.ask(Operation::Expire { lease });
        assert_eq!(bench.0.get(KEY), None);
        assert_eq!(bench.put(9, Some(lease), Condition::Always), Response::Ended);
        let gone = Change { revision: 2, key: KEY, item: None };
        assert_eq!(bench.1[bench.1.len() - 2..], [Output::Ended(lease, Ending::Expired), Output::Changed(gone)]);
    }

    #[test]
    fn the_end_of_a_lease_is_not_that_of_the_next_one() {
        let mut bench = Bench::new();
        let first = bench.grant(0);
        bench.ask(Operation::Expire { lease: first });
        let second = bench.grant(0);
        bench.put(7, Some(second), Condition::Always);
        bench.ask(Operation::Expire { lease: first });
        assert!(bench.0.length(second).is_some() && bench.0.get(KEY).is_some());
    }

    #[test]
    fn a_key_that_was_put_anew_stays_when_the_old_lease_ends() {
        let mut bench = Bench::new();
        let (old, new) = (bench.grant(0), bench.grant(1));
        bench.put(7, Some(old), Condition::Always);
        assert_eq!(bench.put(7, Some(new), Condition::Always), Response::Put { created: 2 }, "it is another's now");
        bench.ask(Operation::Expire { lease: old });
        assert!(bench.0.get(KEY).is_some());
    }

    #[test]
    fn what_has_ceased_to_go_with_a_lease_is_told_until_it_is_known() {
        let mut bench = Bench::new();
        let (lease, other) = (bench.grant(0), bench.grant(1));
        let instance = super::super::Instance { node: NodeId::client(0), weight: 1, metadata: 0, health: Health::Passing };
        let put = |name, lease| Operation::Put {
            key: Key { name, ..KEY },
            value: Value::Instance(instance),
            lease: Some(lease),
            only: Condition::Always,
        };
        bench.ask(put(4, lease));
        bench.ask(put(5, lease));
        bench.ask(put(5, lease));
        bench.put(7, Some(lease), Condition::Always);
        bench.ask(Operation::Delete { key: KEY, only: Condition::Always });
        bench.ask(put(6, lease));
        assert_eq!(bench.0.attached_since(lease, 0), None, "none has ceased to");
        bench.ask(Operation::Delete { key: Key { name: 4, ..KEY }, only: Condition::Always });
        let with_it = |revision, instances: &[(u32, u64)]| {
            Some(Attached { revision, instances: instances.iter().map(|(name, created)| (Key { name: *name, ..KEY }, *created)).collect() })
        };
        assert_eq!(bench.0.attached_since(lease, 0), with_it(7, &[(5, 2), (6, 6)]));
        assert_eq!(bench.0.attached_since(lease, 7), None, "that is known");
        bench.ask(put(6, other));
        assert_eq!(bench.0.attached_since(lease, 7), with_it(8, &[(5, 2)]), "another has it");
        assert_eq!(bench.0.attached_since(other, 0), None);
        bench.put(7, Some(lease), Condition::Always);
        let replaced = Operation::Put { key: Key { name: 5, ..KEY }, value: Value::Number(1), lease: Some(lease), only: Condition::Always };
        bench.ask(replaced);
        assert_eq!(bench.0.attached_since(lease, 8), with_it(10, &[]), "it is no instance any more");
        bench.ask(Operation::Expire { lease });
        assert_eq!(bench.0.attached_since(lease, 0), None);
    }

    #[test]
    fn an_instance_that_registered_anew_is_not_deregistered_for_what_it_was() {
        let mut bench = Bench::new();
        let lease = bench.grant(0);
        let instance = super::super::Instance { node: NodeId::client(0), weight: 1, metadata: 0, health: Health::Passing };
        let put = Operation::Put { key: KEY, value: Value::Instance(instance), lease: Some(lease), only: Condition::Always };
        let critical = Operation::Check { key: KEY, created: 1, health: Health::Critical };
        assert_eq!((bench.ask(put), bench.ask(critical)), (Response::Put { created: 1 }, Response::Put { created: 1 }));
        assert_eq!(bench.ask(put), Response::Put { created: 1 }, "it has recovered");
        bench.ask(Operation::Deregister { key: KEY, created: 1 });
        assert!(bench.0.has(KEY, 1) && !bench.1.contains(&Output::Deregistered(KEY, 1)));
        bench.ask(critical);
        bench.ask(Operation::Deregister { key: KEY, created: 1 });
        assert!(!bench.0.has(KEY, 1) && bench.1.contains(&Output::Deregistered(KEY, 1)));
    }

    #[test]
    fn what_is_no_longer_remembered_is_not_told_in_part() {
        let mut bench = Bench::new();
        for number in 1..=5 {
            bench.put(number, None, Condition::Always);
        }
        assert_eq!((bench.0.revision(), bench.0.compacted()), (5, 2));
        assert_eq!(bench.0.changes_after(1, 1), None);
        assert_eq!(bench.0.changes_after(1, 2).map(|changes| changes.len()), Some(3));
        assert_eq!(bench.0.changes_after(9, 2), Some(vec![]));
        assert_eq!(bench.0.list(1).items.len(), 1);
    }
}
