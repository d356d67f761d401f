//! Sorting, compiled once.
//!
//! Of generic code, sorting has the most to compile: `sort_by_key` is compiled anew for each type and each key. Here only places are
//! sorted, and then what stood there is put where it belongs.

use std::cmp::Ordering;

/// Sorts stably, as `[T]::sort_by_key` does. That is quicker, and for what is sorted often, or is long; this is for all else.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], mut key: impl FnMut(&T) -> K) {
    sort_by(items, |one, other| key(one).cmp(&key(other)));
}

/// Sorts stably, as `[T]::sort_by` does; for what is short.
pub fn sort_by<T>(items: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    let mut order: Vec<usize> = (0..items.len()).collect();
    sort_places(&mut order, &mut |one, other| compare(&items[one], &items[other]));
    put(items, &mut order);
}

/// Sorts by two whole numbers, stably: first by the one, then by the other.
pub fn sort_by_numbers<T>(items: &mut [T], mut numbers: impl FnMut(&T) -> (u64, u64)) {
    let numbered: Vec<((u64, u64), usize)> = items.iter().enumerate().map(|(place, item)| (numbers(item), place)).collect();
    put(items, &mut sorted_places(numbered));
}

/// Puts at each place what is at the place that is listed there.
fn put<T>(items: &mut [T], order: &mut [usize]) {
    for place in 0..items.len() {
        let mut from = order[place];
        // What was there has been swapped further on.
        while from < place {
            from = order[from];
        }
        order[place] = from;
        items.swap(place, from);
    }
}

#[inline(never)]
fn sorted_places(mut numbered: Vec<((u64, u64), usize)>) -> Vec<usize> {
    numbered.sort_unstable();
    numbered.into_iter().map(|(_, place)| place).collect()
}

#[inline(never)]
fn sort_places(places: &mut [usize], compare: &mut dyn FnMut(usize, usize) -> Ordering) {
    places.sort_by(|one, other| compare(*one, *other));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{sort_by, sort_by_key, sort_by_numbers};

    proptest! {
        #[test]
        fn it_sorts_as_sort_by_key_does(items in prop::collection::vec((0_u64..5, 0_u64..3), 0..40)) {
            let numbered: Vec<(usize, (u64, u64))> = items.into_iter().enumerate().collect();
            let mut theirs = numbered.clone();
            theirs.sort_by_key(|(_, numbers)| *numbers);
            let mut ours = [numbered.clone(), numbered.clone(), numbered];
            sort_by_numbers(&mut ours[0], |(_, numbers)| *numbers);
            sort_by_key(&mut ours[1], |(_, numbers)| *numbers);
            sort_by(&mut ours[2], |(_, one), (_, other)| one.cmp(other));
            ours.iter().for_each(|ours| assert_eq!(*ours, theirs));
        }
    }
}
