//! The total order of pending events: which key is earliest.
//!
//! A key waits in one of three places, chosen for speed alone; the order being total, the choice never shows.
//!
//! * The `run`: a short sorted list of what comes next. With few events pending it is the whole queue.
//! * The `ring`: unsorted buckets for what comes later. When the run is empty the next bucket is sorted and becomes the run. So most keys
//!   are written once and sorted among a handful. It is closed while few events are pending.
//! * The `heap`: what neither takes, because the run is long already or the ring does not reach that far. Keys leave it only as the
//!   earliest of all. So whatever the times are, the queue is never worse than a heap.
//!
//! Width and number of the ring's buckets follow the rate of events, measured in simulated time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::base::Time;

use super::key::{Key, Stamp};
use super::ring::{Geometry, Region, Ring};

/// Up to this length the run takes new keys.
const RUN: usize = 16;
/// The ring opens at this many keys, and closes below half as many, so that it does not flap.
const RING: usize = 16;
/// How many keys a bucket should hold when it is opened.
const BUCKET: u64 = 16;
/// How many buckets there are: a whole word of bits at least; at most so many that their ends stay in the processor's cache.
const BUCKETS_LEAST: u64 = 64;
const BUCKETS_MOST: u64 = 1 << 11;
/// The most keys for which an emptied bucket keeps its memory.
const BUCKET_MEMORY: usize = 1024;
/// The ring is reconsidered once as many keys have been popped as are pending, but at least this many.
const PERIOD: u64 = 256;
/// Cancelled keys are swept out when they outnumber the others by this many.
const DEAD: usize = 32;

/// The earliest key, and where it waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    pub(super) key: Key,
    is_of_run: bool,
}

/// Keys in order. Keys of cancelled events stay until they come up, or are swept out: the caller says which are alive.
#[derive(Debug)]
pub(super) struct Queue {
    /// Latest first, so that the earliest is popped from the end.
    run: Vec<Key>,
    ring: Ring,
    heap: BinaryHeap<Reverse<Key>>,
    dead: usize,
    /// Pops until the ring is reconsidered, of how many, and the time when the count began.
    countdown: u64,
    period: u64,
    since: Time,
    /// Empty but for its capacity.
    spare: Vec<Key>,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self {
            run: Vec::new(),
            ring: Ring::closed(),
            heap: BinaryHeap::new(),
            dead: 0,
            countdown: PERIOD,
            period: PERIOD,
            since: Time::ZERO,
            spare: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.run.clear();
        self.ring.clear();
        self.heap.clear();
        self.dead = 0;
        self.countdown = PERIOD;
        self.period = PERIOD;
        self.since = Time::ZERO;
    }

    /// All keys, dead ones included, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.run.iter().copied().chain(self.ring.keys()).chain(self.heap.iter().map(|Reverse(key)| *key))
    }

    /// How many keys there are, dead ones included.
    pub(super) fn len(&self) -> usize {
        self.run.len() + self.ring.len() + self.heap.len()
    }

    /// How many keys there are of events that are still to happen.
    pub(super) fn living(&self) -> usize {
        self.len() - self.dead
    }

    #[inline]
    pub(super) fn push(&mut self, key: Key) {
        match self.ring.region(key) {
            Region::Bucket(bucket) => self.ring.put(bucket, key),
            Region::Near if self.run.len() < RUN => insert(&mut self.run, key),
            Region::Near | Region::Far => self.heap.push(Reverse(key)),
        }
    }

    /// The earliest living key.
    #[inline]
    pub(super) fn first(&mut self, alive: impl Fn(Stamp) -> bool) -> Option<First> {
        loop {
            if self.run.is_empty() {
                self.refill(&alive);
            }
            let first = match (self.run.last(), self.heap.peek()) {
                (Some(&key), None) => First { key, is_of_run: true },
                (Some(&key), Some(&Reverse(other))) => First { key: key.min(other), is_of_run: key < other },
                (None, other) => First { key: other?.0, is_of_run: false },
            };
            if alive(first.key.stamp()) {
                return Some(first);
            }
            self.drop_dead(first);
        }
    }

    /// Removes what [`first`](Self::first) returned.
    #[inline]
    pub(super) fn pop(&mut self, first: First) {
        self.remove(first);
        self.countdown -= 1;
        if self.countdown == 0 {
            self.reconsider(first.key);
        }
    }

    /// Counts a key as dead; sweeps the dead out once they are many, so that cancelling costs a constant and memory stays bounded.
    #[inline]
    pub(super) fn bury(&mut self, alive: impl Fn(Stamp) -> bool) {
        self.dead += 1;
        if self.dead * 2 > self.len() + DEAD {
            self.sweep(alive);
        }
    }

    #[inline(never)]
    fn drop_dead(&mut self, first: First) {
        self.remove(first);
        self.dead -= 1;
    }

    #[inline]
    fn remove(&mut self, first: First) {
        if first.is_of_run {
            self.run.pop();
        } else {
            self.pop_heap();
        }
    }

    /// Not inlined, so that the common path stays short.
    #[inline(never)]
    fn pop_heap(&mut self) {
        self.heap.pop();
    }

    /// Makes the ring's next living bucket the run.
    fn refill(&mut self, alive: &impl Fn(Stamp) -> bool) {
        while self.run.is_empty() && self.ring.len() > 0 {
            // The run's memory goes to the bucket, but not that of a burst: in time every bucket would hold as much.
            self.run.shrink_to(BUCKET_MEMORY);
            self.ring.open_next(&mut self.run);
            let before = self.run.len();
            self.run.retain(|key| alive(key.stamp()));
            self.dead -= before - self.run.len();
            self.run.sort_unstable_by(|a, b| b.cmp(a));
        }
        // An empty ring follows the heap through time, or it would take ever fewer keys.
        if self.run.is_empty()
            && let Some(&Reverse(key)) = self.heap.peek()
        {
            self.ring.open_at(key);
        }
    }

    #[cold]
    fn sweep(&mut self, alive: impl Fn(Stamp) -> bool) {
        let keep = |key: &Key| alive(key.stamp());
        self.run.retain(keep);
        self.ring.retain(keep);
        self.heap.retain(|Reverse(key)| keep(key));
        self.dead = 0;
    }

    /// Opens, closes or reshapes the ring if the rate of events asks for it. `key` was popped last.
    #[cold]
    fn reconsider(&mut self, key: Key) {
        let gap = key.time().since(self.since).as_nanos() / self.period;
        self.period = PERIOD.max(self.len() as u64);
        self.countdown = self.period;
        self.since = key.time();
        let now = self.ring.geometry();
        let wanted = geometry_for(self.len(), gap, now.is_some());
        if !alike(now, wanted) {
            self.reshape(wanted, key);
        }
    }

    /// Places every key anew: at most about one for each that was popped since the last time.
    fn reshape(&mut self, geometry: Option<Geometry>, key: Key) {
        let mut keys = std::mem::take(&mut self.spare);
        self.ring.reshape(geometry, key, &mut keys);
        keys.extend(self.heap.drain().map(|Reverse(key)| key));
        keys.append(&mut self.run);
        // The run relies on keys of one time arriving in their order.
        keys.sort_unstable();
        for key in keys.drain(..) {
            self.push(key);
        }
        self.spare = keys;
    }
}

/// Puts the key into a list sorted latest first. It was scheduled last, so that it comes after all keys of its time.
///
/// Every key is written, moved or not: a loop without a branch on the data costs less than one wrong guess of where to stop.
#[inline]
fn insert(run: &mut Vec<Key>, key: Key) {
    let mut carried = key;
    for place in run.iter_mut() {
        let here = *place;
        let earlier = here.time() <= key.time();
        *place = if earlier { carried } else { here };
        carried = if earlier { here } else { carried };
    }
    run.push(carried);
}

/// The geometry for this many keys with this `gap` in nanoseconds between one event and the next. Delays spread evenly up to a longest one
/// reach twice as far as `keys` gaps, exponential ones hardly four times: that is how far the ring should reach.
fn geometry_for(keys: usize, gap: u64, open: bool) -> Option<Geometry> {
    let needed = if open { RING / 2 } else { RING };
    if keys < needed {
        return None;
    }
    let reach = 4 * keys as u64;
    let buckets = (reach / BUCKET).next_power_of_two().clamp(BUCKETS_LEAST, BUCKETS_MOST);
    let width_log2 = gap.saturating_mul(BUCKET.max(reach / buckets)).max(2).ilog2();
    Some(Geometry { width_log2, buckets_log2: buckets.ilog2() })
}

/// Whether changing one geometry to the other is not worth its cost.
fn alike(now: Option<Geometry>, wanted: Option<Geometry>) -> bool {
    match (now, wanted) {
        (None, None) => true,
        (Some(now), Some(wanted)) => {
            now.width_log2.abs_diff(wanted.width_log2) <= 1 && (wanted.buckets_log2..=wanted.buckets_log2 + 2).contains(&now.buckets_log2)
        }
        _ => false,
    }
}

#[cfg(test)]
impl Queue {
    pub(super) fn ring_geometry(&self) -> Option<Geometry> {
        self.ring.geometry()
    }

    /// What holds between any two calls.
    pub(super) fn check(&self, alive: impl Fn(Stamp) -> bool) {
        self.ring.check();
        assert!(self.run.is_sorted_by(|a, b| a > b), "the run is sorted, latest first");
        assert!(self.run.iter().all(|key| self.ring.region(*key) == Region::Near), "the ring holds nothing as early as the run");
        assert_eq!(self.keys().filter(|key| !alive(key.stamp())).count(), self.dead);
    }
}
