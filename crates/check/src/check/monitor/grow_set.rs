//! Sets that only grow: time linear in what was read, and O(n log n) besides. Values may be added any number of times.
//!
//! What was read must be a chain: of two sets, one contains the other. So elements and reads come in rows: the elements of the smallest
//! set, the reads of it, the elements that the next one has besides, its reads, and so on, and at last what was not seen. An element comes
//! when it is first added. There is an order if nothing in a later row must precede anything in an earlier one.

use crate::base::sort_by_numbers;
use std::collections::BTreeSet;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::{Gap, KeyHistory, Opinion};

/// What an operation is to the set.
pub(in crate::check) enum Growth<'a, V> {
    /// An element comes, if it is not there.
    Add(&'a V),
    /// These were there.
    Read(&'a BTreeSet<V>),
    /// There is no set in which it can be.
    Never,
    /// None of these.
    Other,
}

/// When an element can come first, and who adds it then.
#[derive(Clone, Copy)]
struct Coming {
    adder: usize,
    from: Gap,
    until: Gap,
    /// The row after which it was seen.
    seen: usize,
}

/// Judges a set that only grows.
pub(in crate::check) fn judge<'a, V: Hash + Ord + 'a, O, R>(
    history: &KeyHistory<'a, O, R>,
    growth: impl Fn(&'a O, Option<&'a R>) -> Growth<'a, V>,
) -> Opinion {
    let end = history.end();
    let spans = history.spans();
    let mut coming: FxHashMap<&V, usize> = FxHashMap::default();
    let mut elements: Vec<Coming> = Vec::new();
    let (mut adds, mut reads) = (Vec::new(), Vec::new());
    for (span, operation) in spans.iter().enumerate() {
        let (from, until) = (operation.from, operation.until.unwrap_or(end));
        match growth(operation.op, operation.ret) {
            Growth::Other => return Opinion::Unfit,
            Growth::Never if operation.until.is_some() => return Opinion::Violated,
            Growth::Never => {}
            Growth::Read(read) if operation.until.is_some() => reads.push((read, span, from, until)),
            Growth::Read(_) => {}
            Growth::Add(element) => {
                let number = *coming.entry(element).or_insert_with(|| {
                    elements.push(Coming { adder: span, from, until, seen: usize::MAX });
                    elements.len() - 1
                });
                let known = &mut elements[number];
                if from < known.from {
                    (known.adder, known.from) = (span, from);
                }
                known.until = known.until.min(until);
                adds.push((span, number, from, until));
            }
        }
    }
    sort_by_numbers(&mut reads, |(read, span, from, _)| (read.len() as u64, u64::from(*from) << 32 | *span as u64));
    let Some(rows) = chain(&reads, &coming, &mut elements) else { return Opinion::Violated };
    let Some(mut whole) = line_up(&reads, &rows, &elements, end) else { return Opinion::Violated };
    // What is added again changes nothing, once it is there.
    let mut came: Vec<Option<Gap>> = vec![None; spans.len()];
    whole.iter().for_each(|(span, gap)| came[*span] = Some(*gap));
    for (span, number, from, until) in adds {
        let adder = elements[number].adder;
        if let (true, Some(gap)) = (span != adder && until < end, came[adder]) {
            whole.push((span, gap.max(from)));
        }
    }
    sort_by_numbers(&mut whole, |(_, gap)| ((*gap).into(), 0));
    Opinion::Order(whole)
}

/// A read: what, by whom, and when.
type Read<'a, V> = (&'a BTreeSet<V>, usize, Gap, Gap);

/// The row of each read, if what was read is a chain of sets of elements that are added; notes which elements are seen when.
fn chain<V: Hash + Ord>(reads: &[Read<'_, V>], coming: &FxHashMap<&V, usize>, elements: &mut [Coming]) -> Option<Vec<usize>> {
    let mut rows: Vec<usize> = Vec::with_capacity(reads.len());
    for (place, (read, ..)) in reads.iter().enumerate() {
        let row = match place.checked_sub(1).map(|before| (reads[before].0, rows[before])) {
            Some((before, row)) if before.len() == read.len() => {
                if before != *read {
                    return None;
                }
                rows.push(row);
                continue;
            }
            Some((_, row)) => row + 1,
            None => 0,
        };
        // Of the elements of the smaller set, all must be among those seen before.
        let mut old = 0;
        for element in *read {
            let seen = &mut elements[*coming.get(element)?].seen;
            if *seen == usize::MAX {
                *seen = row;
            } else {
                old += 1;
            }
        }
        if old != place.checked_sub(1).map_or(0, |before| reads[before].0.len()) {
            return None;
        }
        rows.push(row);
    }
    Some(rows)
}

/// All reads, and the first addition of each element, row by row.
fn line_up<V>(reads: &[Read<'_, V>], rows: &[usize], elements: &[Coming], end: Gap) -> Option<Vec<(usize, Gap)>> {
    // What was not seen, and need not be, is left out.
    let mut line: Vec<(usize, u8, Gap, Gap, usize)> = elements
        .iter()
        .filter(|element| element.seen < usize::MAX || element.until < end)
        .map(|element| (element.seen, 0, element.from, element.until, element.adder))
        .collect();
    line.extend(reads.iter().zip(rows).map(|((_, span, from, until), row)| (*row, 1, *from, *until, *span)));
    line.sort_unstable();
    let mut now = 0;
    line.into_iter()
        .map(|(.., from, until, span)| {
            now = now.max(from);
            (now <= until).then_some((span, now))
        })
        .collect()
}
