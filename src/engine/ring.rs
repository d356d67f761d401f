//! A ring of unsorted buckets: where keys wait that are neither next nor far away.

use super::key::Key;

/// Bucket after bucket covers a stretch of time, all of one width. Stretches are numbered from time zero; the ring holds those after the
/// `open` one, whose keys have been taken out, as far as it has buckets.
#[derive(Debug)]
pub(super) struct Ring {
    geometry: Geometry,
    buckets: Vec<Vec<Key>>,
    /// A bit for each bucket: whether it holds a key.
    occupied: Vec<u64>,
    len: usize,
    open: u64,
}

/// How a ring divides time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Logarithm of a bucket's width in nanoseconds. At least 1, so that no stretch has the number `u64::MAX`.
    pub(super) width_log2: u32,
    /// Logarithm of the number of buckets. At least 6: a whole word of bits.
    pub(super) buckets_log2: u32,
}

/// Where a key belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// In the open stretch, or before it.
    Near,
    /// In this bucket.
    Bucket(usize),
    /// Beyond the last bucket.
    Far,
}

const WORD: usize = u64::BITS as usize;

impl Ring {
    /// A ring without buckets: everything is near.
    pub(super) const fn closed() -> Self {
        let geometry = Geometry { width_log2: 1, buckets_log2: 0 };
        Self { geometry, buckets: Vec::new(), occupied: Vec::new(), len: 0, open: u64::MAX }
    }

    /// All keys, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.buckets.iter().flatten().copied()
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// How it divides time; nothing when it is closed.
    pub(super) fn geometry(&self) -> Option<Geometry> {
        (self.open != u64::MAX).then_some(self.geometry)
    }

    #[inline]
    pub(super) fn region(&self, key: Key) -> Region {
        let stretch = self.stretch(key);
        if stretch <= self.open {
            Region::Near
        } else if stretch - self.open < self.buckets.len() as u64 {
            Region::Bucket(stretch as usize & (self.buckets.len() - 1))
        } else {
            Region::Far
        }
    }

    #[inline]
    pub(super) fn put(&mut self, bucket: usize, key: Key) {
        self.buckets[bucket].push(key);
        self.occupied[bucket / WORD] |= 1 << (bucket % WORD);
        self.len += 1;
    }

    /// Opens the next stretch that has keys and exchanges them for the empty `keys`.
    pub(super) fn open_next(&mut self, keys: &mut Vec<Key>) {
        debug_assert!(keys.is_empty() && self.len > 0);
        let mask = self.buckets.len() - 1;
        let from = (self.open as usize).wrapping_add(1) & mask;
        let bucket = self.occupied_from(from);
        std::mem::swap(&mut self.buckets[bucket], keys);
        self.occupied[bucket / WORD] &= !(1 << (bucket % WORD));
        self.len -= keys.len();
        self.open += 1 + (bucket.wrapping_sub(from) & mask) as u64;
    }

    /// Opens the stretch of `key`, if that is later than the open one. The ring must be empty.
    #[inline]
    pub(super) fn open_at(&mut self, key: Key) {
        debug_assert!(self.len == 0);
        self.open = self.open.max(self.stretch(key));
    }

    /// Empties the ring into `keys` and divides time anew, with the stretch of `key` open; closes it if no geometry is given.
    pub(super) fn reshape(&mut self, geometry: Option<Geometry>, key: Key, keys: &mut Vec<Key>) {
        for bucket in &mut self.buckets {
            keys.append(bucket);
        }
        self.clear();
        let Some(geometry) = geometry else { return };
        debug_assert!(geometry.width_log2 >= 1 && 1 << geometry.buckets_log2 >= WORD);
        self.geometry = geometry;
        self.buckets.resize_with(1 << geometry.buckets_log2, Vec::new);
        self.occupied.resize(self.buckets.len() / WORD, 0);
        self.open = self.stretch(key);
    }

    /// Drops all keys and closes the ring.
    pub(super) fn clear(&mut self) {
        if self.len > 0 {
            self.buckets.iter_mut().for_each(Vec::clear);
        }
        self.occupied.fill(0);
        self.len = 0;
        self.open = u64::MAX;
    }

    /// Keeps the keys that pass.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Key) -> bool) {
        self.len = 0;
        for (place, bucket) in self.buckets.iter_mut().enumerate() {
            bucket.retain(&mut keep);
            self.len += bucket.len();
            if bucket.is_empty() {
                self.occupied[place / WORD] &= !(1 << (place % WORD));
            }
        }
    }

    #[inline]
    const fn stretch(&self, key: Key) -> u64 {
        key.time().as_nanos() >> self.geometry.width_log2
    }

    /// The first bucket with keys, at or after this one, going round.
    #[inline]
    fn occupied_from(&self, bucket: usize) -> usize {
        let words = self.occupied.len();
        let mut word = bucket / WORD;
        let mut bits = self.occupied[word] & (u64::MAX << (bucket % WORD));
        while bits == 0 {
            word = (word + 1) & (words - 1);
            bits = self.occupied[word];
        }
        word * WORD + bits.trailing_zeros() as usize
    }
}

#[cfg(test)]
impl Ring {
    pub(super) fn check(&self) {
        assert_eq!(self.keys().count(), self.len);
        for (place, bucket) in self.buckets.iter().enumerate() {
            assert_eq!(self.occupied[place / WORD] >> (place % WORD) & 1 == 1, !bucket.is_empty());
            assert!(bucket.iter().all(|key| self.region(*key) == Region::Bucket(place)), "every key is in its bucket, and not yet open");
        }
    }
}
