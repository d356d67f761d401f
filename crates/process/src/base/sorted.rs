//! Maps and sets of few things, in order: sorted lists.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Index;

use serde::{Serialize, Serializer};

/// A map in the order of its keys, as a sorted list.
///
/// It does what a `BTreeMap` does. That is compiled anew for every type of key and value, and there is much of it; of this there is little.
/// To add or remove something moves all that comes behind it: it is for tens and hundreds of things, such as nodes and what is under way,
/// and for more only where they come in order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SortedMap<K, V>(Vec<(K, V)>);

/// A set in order, as a sorted list: to a `BTreeSet` what a [`SortedMap`] is to a `BTreeMap`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SortedSet<T>(Vec<T>);

/// Where a key is in a map, or could be put: see [`SortedMap::entry`].
#[derive(Debug)]
pub struct Slot<'a, K, V> {
    map: &'a mut SortedMap<K, V>,
    key: K,
    place: Result<usize, usize>,
}

type Split<'a, K, V> = std::iter::Map<std::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> (&'a K, &'a V)>;

impl<K, V> SortedMap<K, V> {
    /// Nothing.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many keys there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> Split<'_, K, V> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// Keys, and values that can be changed, in order.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&K, &mut V)> {
        self.0.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator + Clone {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator + Clone {
        self.0.iter().map(|(_, value)| value)
    }

    /// The values, which can be changed, in the order of their keys.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// The keys, in order.
    pub fn into_keys(self) -> impl DoubleEndedIterator<Item = K> {
        self.0.into_iter().map(|(key, _)| key)
    }

    /// The values, in the order of their keys.
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = V> {
        self.0.into_iter().map(|(_, value)| value)
    }

    /// What comes first.
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next()
    }

    /// What comes last.
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next_back()
    }

    /// Keeps only what this says.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    /// Takes out what this says.
    pub fn extract_if(&mut self, mut taken: impl FnMut(&K, &mut V) -> bool) -> impl Iterator<Item = (K, V)> {
        self.0.extract_if(.., move |(key, value)| taken(key, value))
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    fn place<Q: Ord + ?Sized>(&self, wanted: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(key, _)| key.borrow().cmp(wanted))
    }

    /// Whether the key is there.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|place| &self.0[place].1)
    }

    /// The value of a key, which can be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|place| &mut self.0[place].1)
    }

    /// Sets the value of a key; the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok(place) => Some(std::mem::replace(&mut self.0[place].1, value)),
            Err(place) => {
                self.0.insert(place, (key, value));
                None
            }
        }
    }

    /// Removes a key; the value that it had.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|place| self.0.remove(place).1)
    }

    /// Where a key is, or could be put.
    pub fn entry(&mut self, key: K) -> Slot<'_, K, V> {
        let place = self.place(&key);
        Slot { map: self, key, place }
    }
}

impl<'a, K, V> Slot<'a, K, V> {
    /// Its value; this one, if it had none.
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// Its value; the one that this makes, if it had none.
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> &'a mut V {
        let Self { map, key, place } = self;
        let place = place.unwrap_or_else(|place| {
            map.0.insert(place, (key, make()));
            place
        });
        &mut map.0[place].1
    }

    /// Its value; the default, if it had none.
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

impl<T> SortedSet<T> {
    /// Nothing.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// All, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// What comes first.
    pub fn first(&self) -> Option<&T> {
        self.0.first()
    }

    /// What comes last.
    pub fn last(&self) -> Option<&T> {
        self.0.last()
    }

    /// Keeps only what this says.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.0.retain(keep);
    }
}

impl<T: Ord> SortedSet<T> {
    /// Whether this is there.
    pub fn contains<Q: Ord + ?Sized>(&self, wanted: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.binary_search_by(|item| item.borrow().cmp(wanted)).is_ok()
    }

    /// Adds this; whether it was not there.
    pub fn insert(&mut self, item: T) -> bool {
        match self.0.binary_search(&item) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, item);
                true
            }
        }
    }

    /// Removes this; whether it was there.
    pub fn remove<Q: Ord + ?Sized>(&mut self, wanted: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.binary_search_by(|item| item.borrow().cmp(wanted)).map(|place| self.0.remove(place)).is_ok()
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Default for SortedSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<T: fmt::Debug> fmt::Debug for SortedSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.0).finish()
    }
}

impl<K: Serialize, V: Serialize> Serialize for SortedMap<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<T: Serialize> Serialize for SortedSet<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<K: Ord, V> Extend<(K, V)> for SortedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, items: I) {
        items.into_iter().for_each(|(key, value)| _ = self.insert(key, value));
    }
}

impl<T: Ord> Extend<T> for SortedSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| _ = self.insert(item));
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(items: I) -> Self {
        let mut map = Self::new();
        map.extend(items);
        map
    }
}

impl<T: Ord> FromIterator<T> for SortedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut set = Self::new();
        set.extend(items);
        set
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for SortedMap<K, V> {
    fn from(items: [(K, V); N]) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Ord, const N: usize> From<[T; N]> for SortedSet<T> {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, K, V> IntoIterator for &'a SortedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Split<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> IntoIterator for SortedSet<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a SortedSet<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K: Ord + Borrow<Q>, Q: Ord + ?Sized, V> Index<&Q> for SortedMap<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("no such key")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::{SortedMap, SortedSet};

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Insert(u8, u8),
        Remove(u8),
        Add(u8),
        Increase(u8),
        Keep(u8),
        Extract(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = || 0_u8..12;
        prop_oneof![
            (key(), any::<u8>()).prop_map(|(key, value)| Step::Insert(key, value)),
            key().prop_map(Step::Remove),
            key().prop_map(Step::Add),
            key().prop_map(Step::Increase),
            (1_u8..4).prop_map(Step::Keep),
            (2_u8..5).prop_map(Step::Extract),
        ]
    }

    proptest! {
        #[test]
        fn they_do_what_trees_do(steps in prop::collection::vec(step(), 0..60)) {
            let (mut ours, mut theirs) = (SortedMap::new(), BTreeMap::new());
            let (mut our_set, mut their_set) = (SortedSet::new(), BTreeSet::new());
            for step in steps {
                match step {
                    Step::Insert(key, value) => prop_assert_eq!(ours.insert(key, value), theirs.insert(key, value)),
                    Step::Remove(key) => {
                        prop_assert_eq!(ours.remove(&key), theirs.remove(&key));
                        prop_assert_eq!(our_set.remove(&key), their_set.remove(&key));
                    }
                    Step::Add(key) => prop_assert_eq!(our_set.insert(key), their_set.insert(key)),
                    Step::Increase(key) => {
                        for value in [ours.entry(key).or_default(), theirs.entry(key).or_default()] {
                            *value = value.wrapping_add(1);
                        }
                    }
                    Step::Keep(by) => {
                        ours.retain(|key, _| key % by == 0);
                        theirs.retain(|key, _| key % by == 0);
                        our_set.retain(|key| key % by == 0);
                        their_set.retain(|key| key % by == 0);
                    }
                    Step::Extract(by) => {
                        let taken: Vec<_> = ours.extract_if(|key, _| key % by == 0).collect();
                        prop_assert_eq!(taken, theirs.extract_if(.., |key, _| key % by == 0).collect::<Vec<_>>());
                    }
                }
                prop_assert_eq!(format!("{ours:?} {our_set:?}"), format!("{theirs:?} {their_set:?}"));
                prop_assert!(ours.iter().eq(theirs.iter()) && our_set.iter().eq(their_set.iter()));
                prop_assert!((0..12).all(|key| ours.get(&key) == theirs.get(&key) && our_set.contains(&key) == their_set.contains(&key)));
            }
            let again: SortedMap<u8, u8> = theirs.clone().into_iter().rev().collect();
            prop_assert_eq!(again, ours);
        }
    }
}
