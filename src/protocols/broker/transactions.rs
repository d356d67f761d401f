//! The coordinator of transactions: who leads the partition in which their state is a log.
//!
//! Each transactional id is a producer. It stands as the last entry says that is committed; a change is asked for, appended, and counts
//! when it is committed. A transaction is decided by one entry; then each of its partitions gets a marker, and when all have it, it is
//! complete (KIP-98). Each transaction has an epoch of its own: its end begins the next (KIP-890), so that whatever comes late of it is
//! refused.

use super::{Entry, Incarnated, Layout, Refusal, Request, Rules, Stands, TransactionPhase as Phase};
use crate::base::{ClientId, LocalTime, NodeId, SortedMap};

/// What a coordinator knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Coordinator {
    /// Up to where it has read the partition.
    pub(super) read: u64,
    /// Each producer.
    pub(super) known: SortedMap<ClientId, Known>,
}

/// What it knows of a producer.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// How it stands.
    pub(super) stands: Stands,
    /// A change that is not committed yet.
    pub(super) changes: Option<Change>,
    /// Since when its transaction is open.
    since: LocalTime,
    /// Partitions of a transaction that is decided which are not known to have the marker.
    pub(super) unmarked: Vec<u32>,
}

/// A change that is not committed yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    /// The offset of its entry.
    offset: u64,
    /// Who waits for it.
    asked: Option<(NodeId, Request)>,
}

/// What is to be done about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The producer is told this: its epoch from now on, or why not.
    Tell(Result<u32, Refusal>),
    /// It is to stand so, and is told when it does.
    Change(Stands),
    /// It is to stand so, and is told this at once.
    ChangeAndTell(Stands, Refusal),
}

impl Coordinator {
    /// How a producer stands. One that was never heard of has an epoch before the first.
    fn stands(&self, producer: ClientId) -> Result<Stands, Refusal> {
        match self.known.get(&producer) {
            Some(Known { changes: Some(_), .. }) => Err(Refusal::Concurrent),
            Some(known) => Ok(known.stands.clone()),
            None => Ok(Stands { producer, epoch: 0, phase: Phase::Empty, partitions: Vec::new() }),
        }
    }

    /// A producer begins: what it was before is fenced, and what that has open is aborted.
    pub(super) fn begin(&self, producer: ClientId, rules: &dyn Rules) -> Decision {
        let stands = match self.stands(producer) {
            Ok(stands) => stands,
            Err(refusal) => return Decision::Tell(Err(refusal)),
        };
        let epoch = rules.next_producer_epoch(stands.epoch);
        match stands.phase {
            Phase::Ongoing if rules.aborts_what_is_open() => {
                Decision::ChangeAndTell(Stands { epoch, phase: Phase::Decided(false), ..stands }, Refusal::Concurrent)
            }
            Phase::Decided(_) => Decision::Tell(Err(Refusal::Concurrent)),
            Phase::Ongoing | Phase::Empty | Phase::Complete(_) => {
                Decision::Change(Stands { epoch, phase: Phase::Empty, partitions: Vec::new(), ..stands })
            }
        }
    }

    /// These partitions are to be part of its transaction, which begins if none is open.
    pub(super) fn add(&self, by: Incarnated, partitions: &[u32], rules: &dyn Rules) -> Decision {
        let mut stands = match self.stands(by.producer) {
            Ok(stands) => stands,
            Err(refusal) => return Decision::Tell(Err(refusal)),
        };
        if !rules.heeds_producer(by.epoch == stands.epoch) {
            return Decision::Tell(Err(Refusal::Fenced));
        }
        match stands.phase {
            Phase::Decided(_) => return Decision::Tell(Err(Refusal::Concurrent)),
            Phase::Ongoing if partitions.iter().all(|partition| stands.partitions.contains(partition)) => {
                return Decision::Tell(Ok(stands.epoch));
            }
            Phase::Ongoing => {}
            Phase::Empty | Phase::Complete(_) => stands.partitions.clear(),
        }
        stands.phase = Phase::Ongoing;
        stands.partitions.extend(partitions);
        stands.partitions.sort_unstable();
        stands.partitions.dedup();
        Decision::Change(stands)
    }

    /// Its transaction is to be committed, or aborted.
    pub(super) fn end(&self, by: Incarnated, commits: bool, rules: &dyn Rules) -> Decision {
        let stands = match self.stands(by.producer) {
            Ok(stands) => stands,
            Err(refusal) => return Decision::Tell(Err(refusal)),
        };
        let (is_present, after) = (rules.heeds_producer(by.epoch == stands.epoch), rules.epoch_after_end(by.epoch));
        match stands.phase {
            Phase::Ongoing if is_present => {
                Decision::Change(Stands { epoch: rules.epoch_after_end(stands.epoch), phase: Phase::Decided(commits), ..stands })
            }
            // It was not told what it asked for before, and asks again.
            Phase::Decided(decided) | Phase::Complete(decided) if decided == commits && stands.epoch == after => {
                Decision::Tell(Ok(stands.epoch))
            }
            _ if is_present => Decision::Tell(Err(Refusal::NoTransaction)),
            _ => Decision::Tell(Err(Refusal::Fenced)),
        }
    }

    /// All partitions of a transaction have its marker: how it stands from now on. Nothing if not all have.
    pub(super) fn marked(&mut self, producer: ClientId, epoch: u32, partition: u32) -> Option<Stands> {
        let known = self.known.get_mut(&producer).filter(|known| known.changes.is_none() && known.stands.epoch == epoch)?;
        let Phase::Decided(commits) = known.stands.phase else { return None };
        known.unmarked.retain(|unmarked| *unmarked != partition);
        known.unmarked.is_empty().then(|| Stands { phase: Phase::Complete(commits), partitions: Vec::new(), ..known.stands.clone() })
    }

    /// A producer is to stand so, by the entry at this offset.
    pub(super) fn changes(&mut self, stands: &Stands, offset: u64, asked: Option<(NodeId, Request)>, now: LocalTime) {
        let fresh = || {
            let stands = Stands { producer: stands.producer, epoch: 0, phase: Phase::Empty, partitions: Vec::new() };
            Known { stands, changes: None, since: now, unmarked: Vec::new() }
        };
        self.known.entry(stands.producer).or_insert_with(fresh).changes = Some(Change { offset, asked });
    }

    /// Takes in what is committed: each producer that stands otherwise now, and who waits for that.
    pub(super) fn read(&mut self, entries: &[Entry], now: LocalTime) -> Vec<(Stands, Option<(NodeId, Request)>)> {
        let mut changed = Vec::new();
        for entry in entries {
            self.read = entry.offset + 1;
            let super::Content::Stands(stands) = &entry.content else { continue };
            let stands = Stands::clone(stands);
            let known = self.known.get(&stands.producer);
            let goes_on = known.is_some_and(|known| known.stands.phase == Phase::Ongoing) && stands.phase == Phase::Ongoing;
            let since = known.filter(|_| goes_on).map_or(now, |known| known.since);
            let changes = known.and_then(|known| known.changes);
            let unmarked = if matches!(stands.phase, Phase::Decided(_)) { stands.partitions.clone() } else { Vec::new() };
            changed.push((stands.clone(), changes.filter(|change| change.offset == entry.offset).and_then(|change| change.asked)));
            let changes = changes.filter(|change| change.offset > entry.offset);
            self.known.insert(stands.producer, Known { stands, changes, since, unmarked });
        }
        changed
    }

    /// What is to become of transactions that have been open for too long.
    pub(super) fn expired(&self, now: LocalTime, layout: &Layout, rules: &dyn Rules) -> Vec<Stands> {
        let Some(length) = layout.transactions else { return Vec::new() };
        let is_late = |known: &&Known| known.changes.is_none() && known.stands.phase == Phase::Ongoing && now > known.since + length;
        let abort = |known: &Known| {
            let epoch = rules.epoch_after_end(known.stands.epoch);
            Stands { epoch, phase: Phase::Decided(false), ..known.stands.clone() }
        };
        self.known.values().filter(is_late).map(abort).collect()
    }

    /// The transactions that are decided and of which some partition may lack the marker.
    pub(super) fn unmarked(&self) -> Vec<(Stands, Vec<u32>)> {
        let open = self.known.values().filter(|known| known.changes.is_none() && matches!(known.stands.phase, Phase::Decided(_)));
        open.map(|known| (known.stands.clone(), known.unmarked.clone())).collect()
    }

    /// How many transactions are not over.
    pub(super) fn open(&self) -> usize {
        self.known.values().filter(|known| matches!(known.stands.phase, Phase::Ongoing | Phase::Decided(_))).count()
    }
}
