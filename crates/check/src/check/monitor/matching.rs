//! Values that are put in more than once: a search over which insertion is taken out by which removal.
//!
//! Once that is said, all values are as good as different, and an algorithm without search tells whether there is an order. So nothing is
//! searched but the few ways in which equal values can be told apart:
//!
//! - Of a legal order, what is left without all operations on some value is legal, too. So what has no order with only some values told
//!   apart, and the others left out, has none.
//! - Of two insertions of a value, the one that begins no later and ends no later can come first: if it does not, the two change places.
//!   The same goes for removals. Where it does not matter which of equal values is taken, the first to come is the first to go; and so it
//!   is known, unless one of these operations lasts from before to after another one. What is known parts the rest into small blocks, each
//!   of which has few ways.

use super::pool::{Interval, Item, Pool, Repeated};
use super::{Gap, Opinion};

/// Which of equal values an operation takes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Any, so that it may as well be the one that came first.
    First,
    /// One that depends on what else is there.
    Own,
}

/// How many ways are looked at for one value, and how many steps that may take.
const WAYS: usize = 256;
const STEPS: usize = 1 << 12;
/// So many pairs of an insertion and a removal of one value are looked at.
const PAIRS: usize = 1 << 10;
/// How many items may be laid out in all.
const EFFORT: usize = 1 << 23;

/// Judges a pool by an algorithm for values that are all different.
pub(super) fn judge<'a, V>(mut pool: Pool<'a, V>, end: Gap, takes: Takes, judge: &dyn Fn(&Pool<'a, V>) -> Opinion) -> Opinion {
    let repeated = std::mem::take(&mut pool.repeated);
    let without = judge(&pool);
    if repeated.is_empty() || !matches!(without, Opinion::Order(_)) {
        return without;
    }
    let known = pool.unknown.is_empty();
    let part = |repeated| if takes == Takes::First && known { blocks(repeated, end) } else { vec![repeated] };
    let repeated: Vec<Repeated<'a, V>> = repeated.into_iter().flat_map(part).collect();
    let mut search = Search { pool, judge, effort: 0 };
    let (mut complete, mut whole) = (true, true);
    let mut open = Vec::new();
    for repeated in &repeated {
        let mut ways = Ways { repeated, end, takes, known, chosen: Vec::new(), found: Vec::new(), steps: 0 };
        if takes == Takes::First && ways.are_in_line() {
            search.pool.items.extend(ways.in_line());
        } else if repeated.puts.len() * repeated.tooks.len() > PAIRS {
            whole = false;
        } else {
            complete &= ways.choose();
            match ways.found.len() {
                0 if complete => return Opinion::Violated,
                0 => return Opinion::Unfit,
                1 if complete => search.pool.items.extend(ways.found.remove(0)),
                _ => open.push(ways.found),
            }
        }
    }
    // With those only of which there is one way, and then with each other alone.
    if search.ask() == Opinion::Violated {
        return Opinion::Violated;
    }
    for ways in &mut open {
        ways.retain(|way| search.with(way, &mut |_, opinion| opinion) != Opinion::Violated);
        if ways.is_empty() {
            return if complete { Opinion::Violated } else { Opinion::Unfit };
        }
    }
    // What is close in time is in each other's way.
    open.sort_by_key(|ways| ways.first().and_then(|way| way.first()).map(|item| item.took.until));
    match search.combine(&open) {
        Opinion::Violated if !complete => Opinion::Unfit,
        Opinion::Order(_) if !whole => Opinion::Unfit,
        opinion => opinion,
    }
}

/// The same in parts, in each of which operations of one are matched with each other: all in one precede all in the next.
fn blocks<V>(repeated: Repeated<'_, V>, end: Gap) -> Vec<Repeated<'_, V>> {
    let Repeated { value, mut puts, mut tooks } = repeated;
    if tooks.iter().any(|took| took.until == end) {
        return vec![Repeated { value, puts, tooks }];
    }
    // For each number of operations, whether so many are known to be the first.
    let cuts = |row: &[Interval]| -> Vec<bool> {
        let later = row.iter().rev().scan(Gap::MAX, |least, interval| {
            *least = interval.from.min(*least);
            Some(*least)
        });
        let mut later: Vec<Gap> = later.collect();
        later.reverse();
        let latest = row.iter().scan(0, |latest, interval| Some(std::mem::replace(latest, interval.from.max(*latest))));
        latest.zip(later).map(|(latest, later)| latest <= later).collect()
    };
    let (first_in, first_out) = (cuts(&puts), cuts(&tooks));
    let mut parts = Vec::new();
    for count in (1..puts.len()).rev() {
        if first_in[count] && first_out.get(count).is_none_or(|cut| *cut) {
            let tooks = tooks.split_off(count.min(tooks.len()));
            parts.push(Repeated { value, puts: puts.split_off(count), tooks });
        }
    }
    parts.push(Repeated { value, puts, tooks });
    parts
}

/// One way to tell equal values apart.
type Way<'a, V> = Vec<Item<'a, V>>;

struct Search<'j, 'a, V> {
    pool: Pool<'a, V>,
    judge: &'j dyn Fn(&Pool<'a, V>) -> Opinion,
    effort: usize,
}

impl<'a, V> Search<'_, 'a, V> {
    fn ask(&mut self) -> Opinion {
        self.effort += self.pool.items.len() + 1;
        if self.effort > EFFORT { Opinion::Unfit } else { (self.judge)(&self.pool) }
    }

    /// Asks with these items, too; and goes on with the answer before they are taken out again.
    fn with(&mut self, way: &[Item<'a, V>], go_on: &mut dyn FnMut(&mut Self, Opinion) -> Opinion) -> Opinion {
        let before = self.pool.items.len();
        self.pool.items.extend_from_slice(way);
        let opinion = self.ask();
        let opinion = go_on(self, opinion);
        self.pool.items.truncate(before);
        opinion
    }

    /// One way for each value, so that there is an order.
    fn combine(&mut self, open: &[Vec<Way<'a, V>>]) -> Opinion {
        let Some((ways, rest)) = open.split_first() else { return self.ask() };
        for way in ways {
            let opinion = self.with(way, &mut |search, opinion| match opinion {
                Opinion::Order(_) if !rest.is_empty() => search.combine(rest),
                opinion => opinion,
            });
            if opinion != Opinion::Violated {
                return opinion;
            }
        }
        Opinion::Violated
    }
}

/// All ways to tell one value's operations apart.
struct Ways<'r, 'a, V> {
    repeated: &'r Repeated<'a, V>,
    end: Gap,
    takes: Takes,
    /// Whether it is known what each removal took.
    known: bool,
    /// For each removal so far, the place of the insertion that it takes out, if it takes out any.
    chosen: Vec<Option<usize>>,
    found: Vec<Way<'a, V>>,
    steps: usize,
}

impl<'a, V> Ways<'_, 'a, V> {
    /// Whether of any two insertions one precedes the other, and of any two removals, all of which are known.
    fn are_in_line(&self) -> bool {
        let Repeated { puts, tooks, .. } = self.repeated;
        let in_line = |row: &[Interval]| row.is_sorted_by_key(|interval| interval.from);
        self.known && in_line(puts) && in_line(tooks) && tooks.iter().all(|took| took.until < self.end)
    }

    /// The one way there is then.
    fn in_line(&mut self) -> Way<'a, V> {
        self.chosen = (0..self.repeated.tooks.len()).map(Some).collect();
        self.way()
    }

    /// Whether these are all.
    fn choose(&mut self) -> bool {
        self.steps += 1;
        let Some(took) = self.repeated.tooks.get(self.chosen.len()).copied() else {
            if self.leaves_last() {
                self.found.push(self.way());
            }
            return self.found.len() < WAYS && self.steps < STEPS;
        };
        for place in (0..self.repeated.puts.len()).map(Some).chain((took.until == self.end).then_some(None)) {
            if place.is_none_or(|place| self.fits(place, &took)) {
                self.chosen.push(place);
                let complete = self.choose();
                self.chosen.pop();
                if !complete || self.steps > STEPS {
                    return false;
                }
            }
        }
        true
    }

    /// Whether the next removal can take out this one, and not just as well another.
    fn fits(&self, place: usize, took: &Interval) -> bool {
        let put = &self.repeated.puts[place];
        // Of what need not have been, nothing is to be explained.
        let needed = put.until < self.end || took.until < self.end;
        let free = |other: &usize| !self.chosen.contains(&Some(*other));
        let twin = (0..place).filter(free).any(|other| is_twin(&self.repeated.puts[other], put));
        let crossed = self.repeated.tooks.iter().zip(&self.chosen).any(|(earlier, chosen)| {
            let Some(chosen) = *chosen else { return false };
            let alike = is_twin(earlier, took) && chosen > place;
            let overtaken = self.takes == Takes::First && precedes(earlier, took) && precedes(put, &self.repeated.puts[chosen]);
            alike || overtaken
        });
        needed && put.from <= took.until && free(&place) && !twin && !crossed
    }

    /// Whether what is left came last, if that can be: of what need not have been put in, the first was.
    fn leaves_last(&self) -> bool {
        let puts = &self.repeated.puts;
        let is_optional = |put: &Interval| put.until == self.end;
        let left = (0..puts.len()).filter(|place| !self.chosen.contains(&Some(*place)));
        self.takes == Takes::Own
            || !self.known
            || !left.into_iter().any(|left| {
                let taken = self.chosen.iter().flatten().map(|place| &puts[*place]);
                taken.into_iter().any(|taken| precedes(&puts[left], taken) && (!is_optional(&puts[left]) || is_optional(taken)))
            })
    }

    fn way(&self) -> Way<'a, V> {
        let Repeated { puts, tooks, .. } = self.repeated;
        let value = self.repeated.value;
        let matched = tooks.iter().zip(&self.chosen).filter_map(|(took, place)| place.map(|place| (place, *took)));
        let taken = matched.map(|(place, took)| Item { value, put: puts[place], took, taken: true });
        let mut taken_out = vec![false; puts.len()];
        self.chosen.iter().flatten().for_each(|place| taken_out[*place] = true);
        let left = puts.iter().zip(taken_out).filter(|(put, taken)| put.until < self.end && !taken).map(|(put, _)| put);
        let never = Interval { span: usize::MAX, from: self.end, until: self.end };
        taken.chain(left.map(|put| Item { value, put: *put, took: never, taken: false })).collect()
    }
}

/// Whether two operations can stand for each other.
const fn is_twin(one: &Interval, other: &Interval) -> bool {
    one.from == other.from && one.until == other.until
}

/// Whether the first can come before the second wherever both can change places.
const fn precedes(one: &Interval, other: &Interval) -> bool {
    one.from <= other.from && one.until <= other.until && !is_twin(one, other)
}
