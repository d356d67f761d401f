//! The configurations that a search has been in, so that none is explored twice, nor one that another subsumes.

use super::bits::Bits;
use super::tally::Tally;
use crate::check::linearizability::encoding::{NONE, StateId};

/// What became of the operations that are open, and of those of unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fates<const W: usize> {
    /// Slots of open operations that took effect.
    pub(crate) done: Bits<W>,
    /// Slots of open blind operations that need not take effect any more, though they still may: a write that took effect while they were
    /// open would have hidden theirs, had it come just before.
    pub(crate) dominated: Bits<W>,
    /// How many operations of unknown outcome took effect, class by class.
    pub(crate) used: Bits<W>,
}

impl<const W: usize> Fates<W> {
    pub(crate) const NONE: Self = Self { done: Bits::EMPTY, dominated: Bits::EMPTY, used: Bits::EMPTY };

    /// Whether whatever can be done from `other` can be done from here: a dominated operation is as good as one that took effect and as
    /// one that did not, and an unknown operation left is as good as one used.
    #[inline]
    fn subsumes(&self, other: &Self, counts: &Counts<W>) -> bool {
        (0..W).all(|w| {
            let (done, dominated, used) = (self.done.0[w], self.dominated.0[w], self.used.0[w]);
            let (guards, singles) = (counts.guards.0[w], counts.singles.0[w]);
            let bridged = (other.dominated.0[w] & !dominated) | ((done ^ other.done.0[w]) & !dominated) == 0;
            // No count here is above the one there: then no guard is borrowed from.
            let spare = ((other.used.0[w] & !singles) | guards).wrapping_sub(used & !singles) & guards;
            bridged && used & !other.used.0[w] & singles == 0 && spare == guards
        })
    }
}

/// Where counts are, to compare them all at once: see [`Tally`].
struct Counts<const W: usize> {
    guards: Bits<W>,
    singles: Bits<W>,
}

/// Where a search can be: before a return, in a state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Configuration<const W: usize> {
    pub(crate) event: u32,
    pub(crate) state: StateId,
    pub(crate) fates: Fates<W>,
}

/// So many configurations that differ only in what subsumption weighs are compared one by one; beyond, only equals are recognised.
const COMPARED: u32 = 48;
/// So many are compared each with each.
const OUTDOING: usize = 512;

struct Discovered<const W: usize> {
    configuration: Configuration<W>,
    hash: u32,
    next: u32,
}

/// All configurations in order of discovery.
pub(crate) struct Visited<const W: usize> {
    entries: Vec<Discovered<W>>,
    /// The latest entry of each bucket; a power of two of them.
    heads: Vec<u32>,
    counts: Counts<W>,
}

impl<const W: usize> Visited<W> {
    pub(crate) fn new(tally: &Tally) -> Self {
        let counts = Counts { guards: Bits::of_words(&tally.guards), singles: Bits::of_words(&tally.singles) };
        Self { entries: Vec::new(), heads: vec![NONE; 32], counts }
    }

    /// How many bytes it takes.
    pub(crate) const fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Discovered<W>>() + self.heads.capacity() * size_of::<u32>()
    }

    pub(crate) fn get(&self, id: u32) -> &Configuration<W> {
        &self.entries[id as usize].configuration
    }

    /// What holds of counts: none is above what there is room for.
    pub(crate) fn invariants(&self, used: &Bits<W>) {
        debug_assert!(used.and(&self.counts.guards).is_empty(), "no count runs into its guard");
    }

    /// Whether one of these, all before the same return, can do more than this one, or the same and comes first.
    pub(crate) fn is_outdone(&self, id: u32, others: &[u32]) -> bool {
        let here = self.get(id);
        others.len() <= OUTDOING
            && others.iter().any(|other| {
                let there = self.get(*other);
                *other != id
                    && there.state == here.state
                    && there.fates.subsumes(&here.fates, &self.counts)
                    && (*other < id || !here.fates.subsumes(&there.fates, &self.counts))
            })
    }

    /// Remembers a configuration, unless it can do no more than one known. `firm` are the slots whose fate subsumption cannot bridge.
    #[inline]
    pub(crate) fn insert(&mut self, configuration: &Configuration<W>, firm: &Bits<W>) -> Option<u32> {
        let hash = coarse_hash(configuration, firm);
        let mut compared = 0;
        let mut place = self.heads[hash as usize & (self.heads.len() - 1)];
        while place != NONE {
            let entry = &self.entries[place as usize];
            let known = &entry.configuration;
            if entry.hash == hash && known.event == configuration.event && known.state == configuration.state {
                if known.fates.subsumes(&configuration.fates, &self.counts) {
                    return None;
                }
                compared += 1;
                if compared == COMPARED {
                    return self.insert_exactly(configuration);
                }
            }
            place = entry.next;
        }
        Some(self.add(configuration, hash))
    }

    fn insert_exactly(&mut self, configuration: &Configuration<W>) -> Option<u32> {
        let hash = fine_hash(configuration);
        let mut place = self.heads[hash as usize & (self.heads.len() - 1)];
        while place != NONE {
            let entry = &self.entries[place as usize];
            let known = &entry.configuration;
            if known.event == configuration.event && known.state == configuration.state && known.fates == configuration.fates {
                return None;
            }
            place = entry.next;
        }
        Some(self.add(configuration, hash))
    }

    fn add(&mut self, configuration: &Configuration<W>, hash: u32) -> u32 {
        let id = self.entries.len() as u32;
        if self.entries.len() == self.heads.len() {
            self.grow();
        }
        let bucket = hash as usize & (self.heads.len() - 1);
        self.entries.push(Discovered { configuration: *configuration, hash, next: self.heads[bucket] });
        self.heads[bucket] = id;
        id
    }

    fn grow(&mut self) {
        self.heads = vec![NONE; self.heads.len() * 4];
        let mask = self.heads.len() - 1;
        for (id, entry) in self.entries.iter_mut().enumerate() {
            let bucket = entry.hash as usize & mask;
            entry.next = self.heads[bucket];
            self.heads[bucket] = id as u32;
        }
    }
}

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
fn fold(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word) * u128::from(FACTOR);
    (product as u64) ^ ((product >> 64) as u64)
}

#[inline]
fn coarse_hash<const W: usize>(configuration: &Configuration<W>, firm: &Bits<W>) -> u32 {
    let start = fold(FACTOR, u64::from(configuration.event) << 32 | u64::from(configuration.state));
    let done = configuration.fates.done.and(firm);
    done.0.iter().fold(start, |hash, word| fold(hash, *word)) as u32
}

fn fine_hash<const W: usize>(configuration: &Configuration<W>) -> u32 {
    let Fates { done, dominated, used } = &configuration.fates;
    let start = fold(!FACTOR, u64::from(configuration.event) << 32 | u64::from(configuration.state));
    [done, dominated, used].iter().flat_map(|bits| bits.0).fold(start, fold) as u32
}
