//! Caches in front of a store: how long a value is used, and what is done while it is loaded.
//!
//! When a popular key expires, all that ask for it go to the store at once, which is slow for it, so that more ask: a stampede. One load
//! for all (single flight), the old value while it is under way (stale while revalidate, RFC 5861), and lifetimes that differ (jitter)
//! avoid it. Where the store fails, the old value may be better than none (stale if error). That a key does not exist is worth knowing, too
//! (negative caching). A load that began before its key was invalidated is not stored: it holds a lease, as in Nishtala and others,
//! *Scaling Memcache at Facebook*, NSDI 2013, §3.2.1.
//!
//! A cache is told who asks, and says who is to be answered: `W` is what names a caller.
//!
//! ```
//! use stormglass_policies::policies::cache::{Cache, CacheSettings, Loaded, LookUp};
//! use stormglass_process::base::{Duration, LocalTime};
//!
//! let settings = CacheSettings { ttl: Duration::from_secs(10), stale: Duration::from_secs(5), ..CacheSettings::default() };
//! let mut cache = Cache::new(&settings).unwrap();
//! let at = |secs: i64| LocalTime::from_nanos(secs * 1_000_000_000);
//! let LookUp::Load { lease, .. } = cache.look_up(at(0), &"price", "Ann") else { panic!("nothing is known yet") };
//! assert_eq!(cache.look_up(at(0), &"price", "Bob"), LookUp::Waits);
//! assert_eq!(cache.loaded(at(1), &"price", lease, Loaded::Value(5), 0), ["Bob"]);
//! assert_eq!(cache.look_up(at(10), &"price", "Ann"), LookUp::Fresh { value: &5, waiter: "Ann" });
//! // It is 10 s old: one of those that ask loads it anew, and all have the old one until then.
//! assert!(matches!(cache.look_up(at(11), &"price", "Ann"), LookUp::Stale { value: 5, refresh: Some(_), .. }));
//! assert!(matches!(cache.look_up(at(11), &"price", "Bob"), LookUp::Stale { value: 5, refresh: None, .. }));
//! ```

use std::collections::BTreeMap;

use stormglass_process::base::{Duration, LocalTime, Ratio, scale};

use super::SettingError;
use super::setting::demand;

/// How long values are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// How long a value is fresh.
    pub ttl: Duration,
    /// How long after that it is used while it is loaded anew.
    pub stale: Duration,
    /// How long after it was fresh it is used where loading fails.
    pub stale_on_error: Duration,
    /// How long it is known that a key does not exist; not at all without.
    pub negative: Option<Duration>,
    /// Whether one load serves all that ask meanwhile.
    pub single_flight: bool,
    /// By which share of the time, at most and at random, a value is fresh for less.
    pub jitter: Ratio,
    /// How many keys are kept, those used last; any number without. Above zero.
    pub capacity: Option<u32>,
}

impl Default for CacheSettings {
    /// A minute; one load for all; nothing is used that is stale, no absence is kept.
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(60),
            stale: Duration::ZERO,
            stale_on_error: Duration::ZERO,
            negative: None,
            single_flight: true,
            jitter: Ratio::NEVER,
            capacity: Some(10_000),
        }
    }
}

/// Names a load that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease(u64);

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookUp<'a, V, W> {
    /// A value that is fresh.
    Fresh {
        /// Which.
        value: &'a V,
        /// Who asks.
        waiter: W,
    },
    /// A value that is not fresh any more, and may be used.
    Stale {
        /// Which.
        value: &'a V,
        /// Who asks.
        waiter: W,
        /// If the key is to be loaded anew, for which lease.
        refresh: Option<Lease>,
    },
    /// The key does not exist, or did not lately.
    Absent {
        /// Who asks.
        waiter: W,
    },
    /// Nothing: the key is to be loaded.
    Load {
        /// Who asks.
        waiter: W,
        /// For which lease.
        lease: Lease,
    },
    /// Nothing, and it is being loaded: who asks is answered when it is.
    Waits,
}

/// What a load has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded<V> {
    /// A value.
    Value(V),
    /// The key does not exist.
    Missing,
    /// Nothing: the store failed, or did not answer in time.
    Failed,
}

/// A cache of values `V` by keys `K`, for callers `W`.
#[derive(Clone, Debug)]
pub struct Cache<K, V, W> {
    settings: CacheSettings,
    stored: BTreeMap<K, Stored<V>>,
    /// Which key was used when, the one used least lately first.
    used: BTreeMap<u64, K>,
    loads: BTreeMap<(K, Lease), Load<W>>,
    uses: u64,
    leases: u64,
}

#[derive(Clone, Debug)]
struct Stored<V> {
    /// Nothing if the key does not exist.
    value: Option<V>,
    fresh_until: LocalTime,
    used: u64,
}

#[derive(Clone, Debug)]
struct Load<W> {
    waiters: Vec<W>,
    /// The key was invalidated since it began.
    is_void: bool,
}

/// What a look-up finds, before anything is lent.
enum Found {
    Fresh,
    Stale,
    Absent,
    Nothing,
}

impl<K: Ord + Clone, V, W> Cache<K, V, W> {
    /// An empty cache.
    ///
    /// # Errors
    /// If it is to keep nothing.
    pub fn new(settings: &CacheSettings) -> Result<Self, SettingError> {
        demand(settings.capacity != Some(0), "capacity", "it keeps one key at least")?;
        Ok(Self { settings: *settings, stored: BTreeMap::new(), used: BTreeMap::new(), loads: BTreeMap::new(), uses: 0, leases: 0 })
    }

    /// A caller asks for a key.
    pub fn look_up(&mut self, now: LocalTime, key: &K, waiter: W) -> LookUp<'_, V, W> {
        let found = self.found(now, key);
        if matches!(found, Found::Fresh | Found::Stale | Found::Absent) {
            self.touch(key);
        }
        if let (Found::Nothing, Some(load)) = (&found, self.joinable(key)) {
            load.waiters.push(waiter);
            return LookUp::Waits;
        }
        let lease = match found {
            Found::Fresh | Found::Absent => None,
            Found::Stale if self.joinable(key).is_some() => None,
            Found::Stale | Found::Nothing => Some(self.lease(key)),
        };
        let value = self.stored.get(key).and_then(|stored| stored.value.as_ref());
        match (found, value, lease) {
            (Found::Fresh, Some(value), _) => LookUp::Fresh { value, waiter },
            (Found::Stale, Some(value), refresh) => LookUp::Stale { value, waiter, refresh },
            (_, _, Some(lease)) => LookUp::Load { waiter, lease },
            (_, _, None) => LookUp::Absent { waiter },
        }
    }

    fn found(&self, now: LocalTime, key: &K) -> Found {
        match self.stored.get(key) {
            Some(Stored { value, fresh_until, .. }) if now < *fresh_until => {
                if value.is_some() {
                    Found::Fresh
                } else {
                    Found::Absent
                }
            }
            Some(Stored { value: Some(_), fresh_until, .. }) if now < *fresh_until + self.settings.stale => Found::Stale,
            _ => Found::Nothing,
        }
    }

    /// The load that is under way for a key and serves those that ask now, too.
    fn joinable(&mut self, key: &K) -> Option<&mut Load<W>> {
        if !self.settings.single_flight {
            return None;
        }
        self.loads_of(key).map(|(_, load)| load).find(|load| !load.is_void)
    }

    fn loads_of(&mut self, key: &K) -> impl Iterator<Item = (&(K, Lease), &mut Load<W>)> {
        self.loads.range_mut((key.clone(), Lease(0))..=(key.clone(), Lease(u64::MAX)))
    }

    fn lease(&mut self, key: &K) -> Lease {
        self.leases += 1;
        let lease = Lease(self.leases);
        self.loads.insert((key.clone(), lease), Load { waiters: vec![], is_void: false });
        lease
    }

    fn touch(&mut self, key: &K) {
        self.uses += 1;
        if let Some(stored) = self.stored.get_mut(key)
            && let Some(key) = self.used.remove(&stored.used)
        {
            stored.used = self.uses;
            self.used.insert(self.uses, key);
        }
    }

    /// A load has ended, with this: who waited for it, in the order in which they came. What it brought is stored, unless the key was
    /// invalidated since it began. `word` is uniform; it does not matter without jitter.
    pub fn loaded(&mut self, now: LocalTime, key: &K, lease: Lease, loaded: Loaded<V>, word: u64) -> Vec<W> {
        let Some(load) = self.loads.remove(&(key.clone(), lease)) else { return vec![] };
        if !load.is_void {
            match (loaded, self.settings.negative) {
                (Loaded::Value(value), _) => self.store(now + self.lifetime(word), key, Some(value)),
                (Loaded::Missing, Some(length)) => self.store(now + length, key, None),
                (Loaded::Missing, None) => self.discard(key),
                (Loaded::Failed, _) => {}
            }
        }
        load.waiters
    }

    fn lifetime(&self, word: u64) -> Duration {
        let (ttl, jitter) = (u128::from(self.settings.ttl.as_nanos()), self.settings.jitter);
        // A share of 64 bits has no more.
        let most = (ttl * u128::from(jitter.parts()) / u128::from(jitter.whole())) as u64;
        self.settings.ttl - Duration::from_nanos(scale(word, most.saturating_add(1)))
    }

    fn store(&mut self, fresh_until: LocalTime, key: &K, value: Option<V>) {
        self.discard(key);
        self.uses += 1;
        self.stored.insert(key.clone(), Stored { value, fresh_until, used: self.uses });
        self.used.insert(self.uses, key.clone());
        if self.settings.capacity.is_some_and(|capacity| self.stored.len() > capacity as usize)
            && let Some((_, key)) = self.used.pop_first()
        {
            self.stored.remove(&key);
        }
    }

    fn discard(&mut self, key: &K) {
        if let Some(stored) = self.stored.remove(key) {
            self.used.remove(&stored.used);
        }
    }

    /// The value to use where loading failed, if there is one that is not too old.
    pub fn fallback(&self, now: LocalTime, key: &K) -> Option<&V> {
        let stored = self.stored.get(key)?;
        stored.value.as_ref().filter(|_| now < stored.fresh_until + self.settings.stale_on_error)
    }

    /// The key has changed: what is stored is forgotten, and what is being loaded is not stored. What waits for that is answered with it.
    pub fn invalidate(&mut self, key: &K) {
        self.discard(key);
        self.loads_of(key).for_each(|(_, load)| load.is_void = true);
    }

    /// Forgets what cannot be used any more.
    pub fn forget_expired(&mut self, now: LocalTime) {
        let longest = self.settings.stale.max(self.settings.stale_on_error);
        let is_over = |stored: &Stored<V>| stored.fresh_until + if stored.value.is_some() { longest } else { Duration::ZERO } <= now;
        let used = &mut self.used;
        self.stored.retain(|_, stored| {
            let stays = !is_over(stored);
            if !stays {
                used.remove(&stored.used);
            }
            stays
        });
    }

    /// How many keys are stored.
    pub fn len(&self) -> usize {
        self.stored.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.stored.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanos(count: u64) -> Duration {
        Duration::from_nanos(count)
    }

    /// What the slow way knows: all that was stored, with when, by whom it was used last, and what is under way.
    struct Listed {
        settings: CacheSettings,
        /// Key, value, when it was loaded, for how long it is fresh, when it was used last.
        stored: Vec<(u8, Option<usize>, u64, u64, usize)>,
        /// Key, lease, who waits, whether it is void.
        loads: Vec<(u8, Lease, Vec<usize>, bool)>,
    }

    impl Listed {
        fn age(&self, now: u64, key: u8) -> Option<(Option<usize>, i64)> {
            let entry = self.stored.iter().find(|entry| entry.0 == key)?;
            Some((entry.1, now as i64 - (entry.2 + entry.3) as i64))
        }

        fn keep(&mut self, number: usize, now: u64, key: u8, value: Option<usize>, lifetime: u64) {
            self.stored.retain(|entry| entry.0 != key);
            self.stored.push((key, value, now, lifetime, number));
            if self.settings.capacity.is_some_and(|capacity| self.stored.len() > capacity as usize) {
                let oldest = self.stored.iter().map(|entry| entry.4).min().unwrap();
                self.stored.retain(|entry| entry.4 != oldest);
            }
        }
    }

    fn settings() -> impl Strategy<Value = CacheSettings> {
        (1_u64..20, 0_u64..10, 0_u64..20, proptest::option::of(1_u64..10), any::<bool>(), proptest::option::of(1_u32..3)).prop_map(
            |(ttl, stale, stale_on_error, negative, single_flight, capacity)| CacheSettings {
                ttl: nanos(ttl),
                stale: nanos(stale),
                stale_on_error: nanos(stale_on_error),
                negative: negative.map(nanos),
                single_flight,
                jitter: Ratio::NEVER,
                capacity,
            },
        )
    }

    proptest! {
        #[test]
        fn it_is_as_a_list_with_times_is(
            settings in settings(), steps in proptest::collection::vec((0_u8..8, 0_u8..3, any::<u8>(), 0_u64..6), 0..150),
        ) {
            let mut cache = Cache::<u8, usize, usize>::new(&settings).unwrap();
            let mut listed = Listed { settings, stored: vec![], loads: vec![] };
            let mut now = 0;
            for (number, (step, key, pick, wait)) in steps.into_iter().enumerate() {
                now += wait;
                let at = LocalTime::from_nanos(now as i64);
                match step {
                    0..=3 => {
                        let age = listed.age(now, key);
                        let joined = listed.loads.iter().position(|load| load.0 == key && !load.3).filter(|_| settings.single_flight);
                        let found = cache.look_up(at, &key, number);
                        let is_stale = |age: i64| age < settings.stale.as_nanos() as i64;
                        let begun = match (age, found) {
                            (Some((Some(value), age)), found) if age < 0 => {
                                prop_assert_eq!(found, LookUp::Fresh { value: &value, waiter: number });
                                None
                            }
                            (Some((None, age)), found) if age < 0 => {
                                prop_assert_eq!(found, LookUp::Absent { waiter: number });
                                None
                            }
                            (Some((Some(expected), age)), LookUp::Stale { value, waiter, refresh }) => {
                                prop_assert!(is_stale(age) && *value == expected && waiter == number);
                                prop_assert_eq!(refresh.is_some(), joined.is_none());
                                refresh
                            }
                            (age, found) => {
                                prop_assert!(!matches!(age, Some((Some(_), age)) if is_stale(age)));
                                match (joined, found) {
                                    (Some(load), LookUp::Waits) => { listed.loads[load].2.push(number); None }
                                    (None, LookUp::Load { waiter, lease }) if waiter == number => Some(lease),
                                    (joined, found) => return Err(TestCaseError::fail(format!("{joined:?}: {found:?}"))),
                                }
                            }
                        };
                        listed.loads.extend(begun.map(|lease| (key, lease, vec![], false)));
                        let is_used = matches!(age, Some((value, age)) if age < 0 || value.is_some() && is_stale(age));
                        listed.stored.iter_mut().filter(|entry| is_used && entry.0 == key).for_each(|entry| entry.4 = number);
                    }
                    4..=5 if !listed.loads.is_empty() => {
                        let (key, lease, waiters, is_void) = listed.loads.swap_remove(pick as usize % listed.loads.len());
                        let loaded = [Loaded::Value(number), Loaded::Missing, Loaded::Failed][pick as usize % 3];
                        prop_assert_eq!(cache.loaded(at, &key, lease, loaded, 0), waiters);
                        match (loaded, settings.negative) {
                            _ if is_void => {}
                            (Loaded::Value(value), _) => listed.keep(number, now, key, Some(value), settings.ttl.as_nanos()),
                            (Loaded::Missing, Some(length)) => listed.keep(number, now, key, None, length.as_nanos()),
                            (Loaded::Missing, None) => listed.stored.retain(|entry| entry.0 != key),
                            (Loaded::Failed, _) => {}
                        }
                        prop_assert!(cache.loaded(at, &key, lease, loaded, 0).is_empty(), "a lease ends once");
                    }
                    6 => {
                        cache.invalidate(&key);
                        listed.stored.retain(|entry| entry.0 != key);
                        listed.loads.iter_mut().filter(|load| load.0 == key).for_each(|load| load.3 = true);
                    }
                    _ => {
                        cache.forget_expired(at);
                        let longest = settings.stale.max(settings.stale_on_error).as_nanos();
                        listed.stored.retain(|entry| now < entry.2 + entry.3 + if entry.1.is_some() { longest } else { 0 });
                    }
                }
                let usable = listed.age(now, key).filter(|(_, age)| *age < settings.stale_on_error.as_nanos() as i64);
                let fallback = usable.and_then(|(value, _)| value);
                prop_assert_eq!(cache.fallback(at, &key), fallback.as_ref());
                prop_assert_eq!(cache.len(), listed.stored.len());
            }
        }
    }

    /// A hundred callers, one load; without single flight, a hundred.
    #[test]
    fn one_load_serves_all() {
        for (single_flight, expected) in [(true, 1), (false, 100)] {
            let settings = CacheSettings { single_flight, ..CacheSettings::default() };
            let mut cache = Cache::<u8, u8, u32>::new(&settings).unwrap();
            let now = LocalTime::from_nanos(0);
            let loads = (0..100).filter(|caller| matches!(cache.look_up(now, &0, *caller), LookUp::Load { .. })).count();
            assert_eq!(loads, expected);
        }
    }

    #[test]
    fn jitter_shortens_lifetimes() {
        let settings = CacheSettings { ttl: nanos(1000), jitter: Ratio::new(1, 10).unwrap(), ..CacheSettings::default() };
        for (word, lifetime) in [(0, 1000), (1 << 63, 950), (u64::MAX, 900)] {
            let mut cache = Cache::<u8, u8, ()>::new(&settings).unwrap();
            let LookUp::Load { lease, .. } = cache.look_up(LocalTime::from_nanos(0), &0, ()) else { panic!("it is empty") };
            cache.loaded(LocalTime::from_nanos(0), &0, lease, Loaded::Value(0), word);
            let is_fresh =
                |cache: &mut Cache<u8, u8, ()>, at| matches!(cache.look_up(LocalTime::from_nanos(at), &0, ()), LookUp::Fresh { .. });
            assert!(is_fresh(&mut cache, lifetime - 1) && !is_fresh(&mut cache, lifetime));
        }
    }

    #[test]
    fn one_that_keeps_nothing_is_refused() {
        assert!(Cache::<u8, u8, u8>::new(&CacheSettings { capacity: Some(0), ..CacheSettings::default() }).is_err());
    }
}
