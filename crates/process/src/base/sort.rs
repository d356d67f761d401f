//! Sorting by whole numbers, compiled once.

/// Sorts by two whole numbers, stably: first by the one, then by the other.
///
/// Of generic code, sorting has the most to compile: `sort_by_key` is compiled anew for each type and each key. Here only the numbers
/// are sorted, and then what they stand for is put where it belongs.
pub fn sort_by_numbers<T>(items: &mut [T], mut numbers: impl FnMut(&T) -> (u64, u64)) {
    let mut order: Vec<((u64, u64), usize)> = items.iter().enumerate().map(|(place, item)| (numbers(item), place)).collect();
    sort(&mut order);
    for place in 0..items.len() {
        let mut from = order[place].1;
        // What was there has been swapped further on.
        while from < place {
            from = order[from].1;
        }
        order[place].1 = from;
        items.swap(place, from);
    }
}

#[inline(never)]
fn sort(order: &mut [((u64, u64), usize)]) {
    order.sort_unstable();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::sort_by_numbers;

    proptest! {
        #[test]
        fn it_sorts_as_sort_by_key_does(items in prop::collection::vec((0_u64..5, 0_u64..3), 0..40)) {
            let numbered: Vec<(usize, (u64, u64))> = items.into_iter().enumerate().collect();
            let (mut ours, mut theirs) = (numbered.clone(), numbered);
            sort_by_numbers(&mut ours, |(_, numbers)| *numbers);
            theirs.sort_by_key(|(_, numbers)| *numbers);
            prop_assert_eq!(ours, theirs);
        }
    }
}
