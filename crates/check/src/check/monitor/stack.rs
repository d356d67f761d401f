//! Stacks: O(n log n) if no value is pushed twice. Else it is [searched](super::matching) which of equal values is which.
//!
//! Each value lies on the stack for a while, and of two values that do at once, one lies under the other for the whole of it: these whiles
//! are nested. To find them:
//!
//! 1. A value that can be pushed and popped in one gap is: nothing else notices.
//! 2. A gap in which no value is there for certain cuts the history in two. If there is an order at all, there is one in which the stack is
//!    empty in that gap: of the values that lie on it then, each can be popped before, if it was certainly pushed before, or else pushed
//!    after; those that lay under another still do, where both lie on the stack.
//! 3. Between two cuts, the stack is never empty, so one value lies under all others. It must be possible to push it before any other has
//!    certainly been pushed, and to pop it after all others. Any value that can lie there may: others that were pushed before it, or
//!    popped after, can just as well be later, or earlier, in the same order. What is above it is a smaller stack, and goes on at 2.

use crate::base::sort_by_numbers;
use std::hash::Hash;

use super::matching::{self, Takes};
use super::pool::{Item, Pool, gather};
use super::queue::{find_room, free_gaps};
use super::trees::{Cover, Greatest, Remaining};
use super::{Gap, KeyHistory, Opinion, PoolEffect};

/// Judges a stack.
pub(in crate::check) fn judge<'a, V: Hash + Eq + 'a, O, R>(
    history: &KeyHistory<'a, O, R>,
    effect: impl Fn(&'a O, Option<&'a R>) -> PoolEffect<'a, V>,
) -> Opinion {
    let end = history.end();
    let judge = |pool: &Pool<'a, V>| opinion(pool, end);
    gather(&history.spans(), end, effect).map_or_else(|opinion| opinion, |pool| matching::judge(pool, end, Takes::Own, &judge))
}

/// The same, once all values are told apart.
fn opinion<V>(pool: &Pool<'_, V>, end: Gap) -> Opinion {
    if !pool.unknown.is_empty() {
        return Opinion::Unfit;
    }
    let Some(empties) = find_room(pool, end) else { return Opinion::Violated };
    let mut alone = Vec::new();
    let mut items = pool.items.clone();
    items.retain(|item| {
        let brief = item.put.until >= item.took.from;
        if brief {
            let gap = item.put.from.max(item.took.from);
            alone.extend([(item.put.span, gap), (item.took.span, gap)]);
        }
        !brief
    });
    let Some(mut whole) = Nest::new(items, end).order(&empties) else { return Opinion::Violated };
    whole.extend(alone);
    // Stable: pushed and popped at once, at the end of a gap.
    sort_by_numbers(&mut whole, |(_, gap)| ((*gap).into(), 0));
    Opinion::Order(whole)
}

/// What is still to be nested.
struct Nest<'v, V> {
    /// By when they must have been pushed.
    items: Vec<Item<'v, V>>,
    /// For each gap, the first value that need not have been pushed before.
    first: Vec<usize>,
    remaining: Remaining,
    /// How many values are there for certain in each gap.
    cover: Cover,
    /// Values by the gap from which on they can be popped.
    popped: Greatest,
    /// Values that can be pushed as early as any, by the gap in which they must have been popped.
    lasting: Greatest,
    /// Values by the gap from which on they can be pushed, and how many of these are among the lasting.
    by_from: Vec<usize>,
    admitted: usize,
    end: Gap,
}

/// What is to be done: in this order, from the end.
enum Task {
    /// Order the values between two gaps, both free.
    Between(Gap, Gap),
    /// Pop this value.
    Pop(usize, Gap),
    /// The stack is empty.
    Empty(Gap),
}

impl<'v, V> Nest<'v, V> {
    fn new(mut items: Vec<Item<'v, V>>, end: Gap) -> Self {
        sort_by_numbers(&mut items, |item| (item.put.until.into(), 0));
        let first = (0..=end + 1).map(|gap| items.partition_point(|item| item.put.until < gap)).collect();
        let mut cover = Cover::new(end as usize + 1);
        let (mut popped, lasting) = (Greatest::new(items.len()), Greatest::new(items.len()));
        for (place, item) in items.iter().enumerate() {
            cover.add(item.put.until as usize + 1..item.took.from as usize, 1);
            popped.set(place, item.took.from);
        }
        let mut by_from: Vec<usize> = (0..items.len()).collect();
        sort_by_numbers(&mut by_from, |place| (items[*place].put.from.into(), 0));
        Self { remaining: Remaining::new(items.len()), items, first, cover, popped, lasting, by_from, admitted: 0, end }
    }

    fn order(mut self, empties: &[(Gap, usize)]) -> Option<Vec<(usize, Gap)>> {
        let mut whole = Vec::with_capacity(2 * self.items.len() + empties.len());
        let free = free_gaps(self.items.iter().map(Item::core), self.end);
        let mut tasks: Vec<Task> = vec![Task::Empty(self.end)];
        for pair in free.windows(2).rev() {
            tasks.extend([Task::Between(pair[0], pair[1]), Task::Empty(pair[0])]);
        }
        let mut empties = empties.iter().peekable();
        while let Some(task) = tasks.pop() {
            match task {
                Task::Empty(gap) => {
                    while let Some((_, span)) = empties.next_if(|(empty, _)| *empty == gap) {
                        whole.push((*span, gap));
                    }
                }
                Task::Pop(place, gap) => whole.extend(self.items[place].taken.then_some((self.items[place].took.span, gap))),
                Task::Between(start, stop) => {
                    let Some((place, push, pop)) = self.bottom(start, stop)? else { continue };
                    whole.push((self.items[place].put.span, push));
                    tasks.push(Task::Pop(place, pop));
                    let from = tasks.len();
                    let mut left = start;
                    while let Some(gap) = self.cover.first_free(left as usize + 1..stop as usize) {
                        tasks.push(Task::Between(left, gap as Gap));
                        left = gap as Gap;
                    }
                    tasks.push(Task::Between(left, stop));
                    tasks[from..].reverse();
                }
            }
        }
        Some(whole)
    }

    /// The value under all others between two gaps, taken out, with the gaps in which it is pushed and popped; nothing if there are no
    /// values. Fails if there are, and none can lie there.
    #[expect(clippy::option_option, reason = "there is no order; or there is, with or without a value")]
    fn bottom(&mut self, start: Gap, stop: Gap) -> Option<Option<(usize, Gap, Gap)>> {
        let range = self.first[start as usize]..self.first[stop as usize];
        let earliest = self.remaining.from(range.start);
        if earliest >= range.end {
            return Some(None);
        }
        let push = self.items[earliest].put.until;
        let (_, pop) = self.popped.within(range.clone())?;
        // Work goes from left to right and inwards, so that this bound only grows.
        while let Some(place) = self.by_from.get(self.admitted).copied().filter(|place| self.items[*place].put.from <= push) {
            self.admitted += 1;
            if self.remaining.from(place) == place {
                self.lasting.set(place, self.items[place].took.until);
            }
        }
        let (place, until) = self.lasting.within(range)?;
        if until < pop {
            return None;
        }
        self.remaining.remove(place);
        self.popped.set(place, 0);
        self.lasting.set(place, 0);
        let item = &self.items[place];
        self.cover.add(item.put.until as usize + 1..item.took.from as usize, -1);
        Some(Some((place, push, pop)))
    }
}
