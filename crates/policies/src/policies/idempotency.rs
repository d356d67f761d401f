//! Idempotency keys: a request that comes again has its effect once.
//!
//! The client makes a key for what it wants done, and sends it with each attempt. The service notes the key, and its result, in the same
//! transaction as the effect: what comes with a key that is known is answered from the note, and has no effect. A duplicate that comes
//! while the first is at work is refused, or waits; one that asks for something else under the same key is refused. Notes are not kept for
//! ever: what comes later than they are kept for **is a new request**, so that clients must have given up by then. Stripe's API; Jena and
//! Dalal, *The Idempotency-Key HTTP Header Field*, an Internet-Draft of the IETF.
//!
//! ```
//! use stormglass_policies::policies::idempotency::{Begin, IdempotencySettings, Keys};
//! use stormglass_process::base::{Duration, LocalTime};
//!
//! let mut keys = Keys::new(&IdempotencySettings { keep: Duration::from_secs(60), claim: None });
//! let at = |secs: i64| LocalTime::from_nanos(secs * 1_000_000_000);
//! let Begin::New(claim) = keys.begin(at(0), "order 7", 0) else { panic!("it is new") };
//! assert_eq!(keys.begin(at(1), "order 7", 0), Begin::InFlight);
//! assert!(keys.finish(at(2), &"order 7", claim, "charged 5 €"));
//! assert_eq!(keys.begin(at(61), "order 7", 0), Begin::Done(&"charged 5 €"));
//! assert!(matches!(keys.begin(at(62), "order 7", 0), Begin::New(_)), "and is charged again");
//! ```

use std::collections::{BTreeMap, VecDeque};

use stormglass_process::base::{Duration, LocalTime};

/// How long keys are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencySettings {
    /// How long a result is kept, from when it was there.
    pub keep: Duration,
    /// After how long work that has not ended may be begun again by a duplicate: it is taken to have died. Without, it never is.
    pub claim: Option<Duration>,
}

impl Default for IdempotencySettings {
    /// A day, as Stripe keeps them; what has not ended is not begun again.
    fn default() -> Self {
        Self { keep: Duration::from_secs(24 * 60 * 60), claim: None }
    }
}

/// The right to do the work of a key: only who has the latest can finish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim(u64);

/// What to do about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin<'a, R> {
    /// Its key is not known: do it, then [`finish`](Keys::finish) or [`abandon`](Keys::abandon).
    New(Claim),
    /// It is being done: refuse this one, or let it wait.
    InFlight,
    /// It was done: answer with this.
    Done(&'a R),
    /// Its key is that of another request: refuse it.
    Mismatch,
}

/// The keys that are known, with results `R`.
#[derive(Clone, Debug)]
pub struct Keys<K, R> {
    settings: IdempotencySettings,
    known: BTreeMap<K, Known<R>>,
    /// When results expire, in the order in which they were there.
    expiries: VecDeque<(LocalTime, K)>,
    claims: u64,
}

#[derive(Clone, Debug)]
struct Known<R> {
    fingerprint: u64,
    progress: Progress<R>,
}

#[derive(Clone, Debug)]
enum Progress<R> {
    InFlight { claim: Claim, since: LocalTime },
    Done { result: R, until: LocalTime },
}

impl<K: Ord + Clone, R> Keys<K, R> {
    /// None is known.
    pub const fn new(settings: &IdempotencySettings) -> Self {
        Self { settings: *settings, known: BTreeMap::new(), expiries: VecDeque::new(), claims: 0 }
    }

    /// A request comes with this key. The fingerprint is a digest of what it asks for.
    pub fn begin(&mut self, now: LocalTime, key: K, fingerprint: u64) -> Begin<'_, R> {
        self.forget_expired(now);
        let is_free = self.known.get(&key).is_none_or(|known| match &known.progress {
            Progress::InFlight { since, .. } => {
                known.fingerprint == fingerprint && self.settings.claim.is_some_and(|claim| now.since(*since) >= claim)
            }
            Progress::Done { until, .. } => *until <= now,
        });
        if is_free {
            self.claims += 1;
            let claim = Claim(self.claims);
            self.known.insert(key, Known { fingerprint, progress: Progress::InFlight { claim, since: now } });
            return Begin::New(claim);
        }
        match self.known.get(&key) {
            Some(known) if known.fingerprint != fingerprint => Begin::Mismatch,
            Some(Known { progress: Progress::Done { result, .. }, .. }) => Begin::Done(result),
            _ => Begin::InFlight,
        }
    }

    /// It was done, with this result: true if the claim is the latest. If it is not, another has taken the work over, and the effect must
    /// not be made: that is why result and effect belong into one transaction.
    pub fn finish(&mut self, now: LocalTime, key: &K, claim: Claim, result: R) -> bool {
        if !self.is_held(key, claim) {
            return false;
        }
        let until = now + self.settings.keep;
        if let Some(known) = self.known.get_mut(key) {
            known.progress = Progress::Done { result, until };
            self.expiries.push_back((until, key.clone()));
        }
        true
    }

    /// It was not done, and had no effect: the next one with the same key is a new one. Nothing if the claim is not the latest.
    pub fn abandon(&mut self, key: &K, claim: Claim) {
        if self.is_held(key, claim) {
            self.known.remove(key);
        }
    }

    /// Forgets results that were kept long enough, and says how many. [`begin`](Self::begin) does so, too.
    pub fn forget_expired(&mut self, now: LocalTime) -> usize {
        let before = self.known.len();
        while let Some((_, key)) = self.expiries.pop_front_if(|(until, _)| *until <= now) {
            let is_over = |known: &Known<R>| matches!(known.progress, Progress::Done { until, .. } if until <= now);
            if self.known.get(&key).is_some_and(is_over) {
                self.known.remove(&key);
            }
        }
        before - self.known.len()
    }

    /// How many keys are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn is_held(&self, key: &K, claim: Claim) -> bool {
        matches!(self.known.get(key), Some(Known { progress: Progress::InFlight { claim: latest, .. }, .. }) if *latest == claim)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against the list of all that ever happened, searched anew.
        #[test]
        fn it_is_as_the_list_of_all_says(
            keep in 1_i64..40, claim in proptest::option::of(1_i64..20),
            steps in proptest::collection::vec((0_u8..6, 0_u8..3, 0_u64..2, 0_i64..12), 0..120),
        ) {
            let nanos = |count: i64| Duration::from_nanos(count as u64);
            let mut keys = Keys::new(&IdempotencySettings { keep: nanos(keep), claim: claim.map(nanos) });
            // All that began: key, fingerprint, since, claim; when it finished, with which result; whether it was abandoned or taken over.
            struct Begun { key: u8, fingerprint: u64, since: i64, claim: Claim, finished: Option<(i64, usize)>, gone: bool }
            let (mut all, mut now): (Vec<Begun>, i64) = (vec![], 0);
            for (number, (step, key, fingerprint, wait)) in steps.into_iter().enumerate() {
                now += wait;
                let at = LocalTime::from_nanos(now);
                let is_known = |begun: &Begun| !begun.gone && begun.finished.is_none_or(|(then, _)| now < then + keep);
                let latest = all.iter().rposition(|begun| begun.key == key && is_known(begun));
                match step {
                    0..=2 => {
                        let took_over = latest.filter(|place| {
                            let begun = &all[*place];
                            let is_over = claim.is_some_and(|claim| now >= begun.since + claim);
                            begun.finished.is_none() && begun.fingerprint == fingerprint && is_over
                        });
                        let found = keys.begin(at, key, fingerprint);
                        match latest.filter(|_| took_over.is_none()).map(|place| &all[place]) {
                            Some(begun) if begun.fingerprint != fingerprint => prop_assert_eq!(found, Begin::Mismatch),
                            Some(Begun { finished: Some((_, result)), .. }) => prop_assert_eq!(found, Begin::Done(result)),
                            Some(_) => prop_assert_eq!(found, Begin::InFlight),
                            None => {
                                let Begin::New(claim) = found else { return Err(TestCaseError::fail(format!("{found:?}"))) };
                                if let Some(place) = took_over {
                                    all[place].gone = true;
                                }
                                all.push(Begun { key, fingerprint, since: now, claim, finished: None, gone: false });
                            }
                        }
                    }
                    // Any of them finishes or is abandoned, be it the latest or not.
                    _ if !all.is_empty() => {
                        let place = number * 7 % all.len();
                        let begun = &mut all[place];
                        let is_held = begun.finished.is_none() && !begun.gone;
                        if step == 5 {
                            keys.abandon(&begun.key, begun.claim);
                            begun.gone |= is_held;
                        } else {
                            prop_assert_eq!(keys.finish(at, &begun.key, begun.claim, number), is_held);
                            if is_held {
                                begun.finished = Some((now, number));
                            }
                        }
                    }
                    _ => {}
                }
                keys.forget_expired(at);
                let known = (0..3).filter(|key| all.iter().any(|begun| {
                    begun.key == *key && !begun.gone && begun.finished.is_none_or(|(then, _)| now < then + keep)
                })).count();
                prop_assert_eq!(keys.len(), known);
            }
        }
    }
}
