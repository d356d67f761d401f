//! What queues, stacks and priority queues have in common: values that are put in and taken out.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::{Gap, Opinion, Span};

/// What an operation is to a pool.
#[derive(Clone, Copy, Debug)]
pub(in crate::check) enum PoolEffect<'a, V> {
    /// A value is put in.
    Put(&'a V),
    /// A value is taken out.
    Took(&'a V),
    /// There was nothing to take out.
    Empty,
    /// Perhaps something was taken out, and it is not known what.
    TookUnknown,
    /// None of these.
    Other,
}

/// An operation that can take effect from its first gap until its last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    /// Its place among the spans.
    pub(super) span: usize,
    pub(super) from: Gap,
    pub(super) until: Gap,
}

/// A value, put in and taken out. One that is never taken out is as if it were, behind everything else.
#[derive(Debug)]
pub(super) struct Item<'a, V> {
    pub(super) value: &'a V,
    pub(super) put: Interval,
    pub(super) took: Interval,
    /// Whether some operation took it out.
    pub(super) taken: bool,
}

impl<V> Clone for Item<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Item<'_, V> {}

impl<V> Item<'_, V> {
    /// The gaps in which the value is there for certain: those between these two.
    pub(super) const fn core(&self) -> (Gap, Gap) {
        (self.put.until, self.took.from)
    }
}

/// A value that is put in more than once: it is not known which of these is taken out by which of those.
pub(super) struct Repeated<'a, V> {
    pub(super) value: &'a V,
    pub(super) puts: Vec<Interval>,
    pub(super) tooks: Vec<Interval>,
}

/// A history of a pool.
pub(super) struct Pool<'a, V> {
    pub(super) items: Vec<Item<'a, V>>,
    /// What is no item yet.
    pub(super) repeated: Vec<Repeated<'a, V>>,
    /// Those that found nothing.
    pub(super) empties: Vec<Interval>,
    /// Those that may have taken out anything.
    pub(super) unknown: Vec<Interval>,
}

impl<V> Repeated<'_, V> {
    /// Sorts both by when they are over; and whether for each that is known to have taken it out, there is another that put it in by then.
    fn suffices(&mut self, end: Gap) -> bool {
        let mut came: Vec<Gap> = self.puts.iter().map(|put| put.from).collect();
        came.sort_unstable();
        let over = |interval: &Interval| (interval.until, interval.from, interval.span);
        self.puts.sort_unstable_by_key(over);
        self.tooks.sort_unstable_by_key(over);
        let known = self.tooks.iter().filter(|took| took.until < end);
        known.enumerate().all(|(before, took)| came.get(before).is_some_and(|from| *from <= took.until))
    }
}

/// What is known of one value.
struct Known<'a, V> {
    value: &'a V,
    put: Option<Interval>,
    took: Option<Interval>,
    /// Whether two operations are known to have taken it.
    twice: bool,
    /// Its place among those that are put in more than once.
    repeated: Option<usize>,
}

/// Sorts out what happened to each value.
///
/// What need not take effect is left out where that can only help: a value that was not taken need not have been put in.
pub(super) fn gather<'a, V: Hash + Eq + 'a, O, R>(
    spans: &[Span<'a, O, R>],
    end: Gap,
    effect: impl Fn(&'a O, Option<&'a R>) -> PoolEffect<'a, V>,
) -> Result<Pool<'a, V>, Opinion> {
    let mut values: FxHashMap<&V, usize> = FxHashMap::default();
    let mut known: Vec<Known<'a, V>> = Vec::new();
    let mut more: Vec<(usize, bool, Interval)> = Vec::new();
    let mut pool = Pool { items: Vec::new(), repeated: Vec::new(), empties: Vec::new(), unknown: Vec::new() };
    for (span, Span { op, ret, from, until }) in spans.iter().enumerate() {
        let interval = Interval { span, from: *from, until: until.unwrap_or(end) };
        let effect = effect(op, *ret);
        let value = match effect {
            PoolEffect::Empty => {
                pool.empties.extend(until.map(|_| interval));
                continue;
            }
            PoolEffect::TookUnknown => {
                pool.unknown.push(interval);
                continue;
            }
            PoolEffect::Other => return Err(Opinion::Unfit),
            PoolEffect::Put(value) | PoolEffect::Took(value) => value,
        };
        let number = *values.entry(value).or_insert_with(|| {
            known.push(Known { value, put: None, took: None, twice: false, repeated: None });
            known.len() - 1
        });
        let known = &mut known[number];
        match (effect, &mut known.put, &mut known.took) {
            (PoolEffect::Put(_), put @ None, _) => *put = Some(interval),
            (PoolEffect::Put(_), Some(_), _) => {
                let next = pool.repeated.len();
                if *known.repeated.get_or_insert(next) == next {
                    pool.repeated.push(Repeated { value: known.value, puts: Vec::new(), tooks: Vec::new() });
                }
                more.push((number, true, interval));
            }
            (_, _, took @ None) => *took = Some(interval),
            // Only one can have taken it out: one that must have, or else the one that is free the longest.
            (_, _, Some(took)) if took.until == end && (until.is_some() || interval.from < took.from) => {
                more.push((number, false, std::mem::replace(took, interval)));
            }
            (_, _, Some(_)) => {
                known.twice |= until.is_some();
                more.push((number, false, interval));
            }
        }
    }
    for (number, is_put, interval) in more {
        if let Some(place) = known[number].repeated {
            let Repeated { puts, tooks, .. } = &mut pool.repeated[place];
            if is_put { puts.push(interval) } else { tooks.push(interval) }
        }
    }
    for Known { value, put, took, twice, repeated } in known {
        if let Some(place) = repeated {
            let repeated = &mut pool.repeated[place];
            repeated.puts.extend(put);
            repeated.tooks.extend(took);
            if !repeated.suffices(end) {
                return Err(Opinion::Violated);
            }
            continue;
        }
        match (put, took) {
            (_, Some(took)) if twice && took.until < end => return Err(Opinion::Violated),
            (Some(put), Some(took)) if took.until < put.from => return Err(Opinion::Violated),
            (None, Some(took)) if took.until < end => return Err(Opinion::Violated),
            (Some(put), Some(took)) if put.until < end || took.until < end => pool.items.push(Item { value, put, took, taken: true }),
            (Some(put), None) if put.until < end => {
                let took = Interval { span: usize::MAX, from: end, until: end };
                pool.items.push(Item { value, put, took, taken: false });
            }
            // Neither need have been.
            _ => {}
        }
    }
    Ok(pool)
}
