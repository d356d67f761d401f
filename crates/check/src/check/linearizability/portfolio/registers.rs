//! Registers in which no value is written twice: O(n log n), whatever the model is, if it names the states that operations see and leave.
//!
//! What one write left is seen by reads, all of which come between this write and the next: they are one *block*. A compare-and-set that
//! swapped comes right behind the reads of what it replaced, and so makes one block of two. Inside a block, the order is known. Of two
//! blocks, one must come first if something in it precedes something in the other; and any order of blocks that keeps to this will do,
//! each operation in the first gap in which it and those before it can be (P. Gibbons and E. Korach, *Testing shared memories*, 1997).

use crate::base::sort_by_numbers;
use crate::check::linearizability::encoding::{Encoding, INITIAL, InternedRole, ModelTable};
use crate::check::monitor::{Gap, Opinion};

/// An operation in a block.
#[derive(Clone, Copy)]
struct Interval {
    index: u32,
    from: Gap,
    until: Gap,
}

/// What is known of one state.
#[derive(Clone, Default)]
struct StateUse {
    /// What leaves it, with the state that it needs, if it needs one.
    writer: Option<(Interval, Option<u32>)>,
    /// Whether more than one operation leaves it.
    ambiguous: bool,
    /// Whether it must have been there.
    needed: bool,
    reads: Vec<Interval>,
    /// The state that is swapped in for it.
    next: Option<u32>,
}

/// A block, by its last possible beginning and its first possible end.
struct Block {
    begins: Gap,
    ends: Gap,
    order: Vec<Interval>,
}

/// Judges the first `limit` returns. Orders are by indices in the history, not by places.
pub(super) fn judge(encoding: &Encoding, table: &ModelTable, limit: u32) -> Opinion {
    let Some(states) = survey(encoding, table, limit) else { return Opinion::Unfit };
    let Some(states) = connect(states) else { return Opinion::Violated };
    let Some(states) = states else { return Opinion::Unfit };
    let Some(blocks) = gather(&states, limit) else { return Opinion::Violated };
    line_up(blocks).map_or(Opinion::Violated, Opinion::Order)
}

/// What is known of each state; nothing if some operation is not one that this can judge.
fn survey(encoding: &Encoding, table: &ModelTable, limit: u32) -> Option<Vec<StateUse>> {
    let mut states = vec![StateUse::default(); table.named()];
    states[INITIAL as usize].needed = true;
    // The initial state is left by nothing.
    let mut leave = |state: u32, interval: Interval, needs: Option<u32>| {
        let known = &mut states[state as usize];
        known.ambiguous |= known.writer.is_some() || state == INITIAL;
        known.needed |= interval.until < limit;
        // One that must have happened is known for certain.
        if known.writer.is_none_or(|(other, _)| other.until == limit) {
            known.writer = Some((interval, needs));
        }
    };
    let mut reads = Vec::new();
    for (operation, from) in encoding.spans(limit) {
        let interval = Interval { index: operation.index, from, until: operation.returns.min(limit) };
        let needs = table.needs(operation.kind);
        match (table.role(operation.kind), needs) {
            (InternedRole::Observer, Some(seen)) if interval.until < limit => reads.push((seen, interval)),
            (InternedRole::Observer, _) if interval.until == limit => {}
            (InternedRole::Write(state), _) => leave(state, interval, None),
            (InternedRole::Swap(state), Some(from)) if from != state => leave(state, interval, Some(from)),
            _ => return None,
        }
    }
    let mut vague = Vec::new();
    for indeterminate in encoding.indeterminate.iter().filter(|indeterminate| indeterminate.from < limit) {
        let interval = Interval { index: indeterminate.index, from: indeterminate.from, until: limit };
        match (table.role(indeterminate.kind), table.needs(indeterminate.kind)) {
            (InternedRole::Write(state), _) => leave(state, interval, None),
            (InternedRole::Swap(state), Some(from)) if from == state => {}
            (InternedRole::Swap(state), Some(from)) => leave(state, interval, Some(from)),
            (InternedRole::Swap(state), None) => vague.push(state),
            (InternedRole::Observer | InternedRole::Update | InternedRole::Other, _) => return None,
        }
    }
    for (seen, interval) in reads {
        states[seen as usize].needed = true;
        states[seen as usize].reads.push(interval);
    }
    // A swap of unknown outcome did not happen, if no operation saw what it would have left. Else it would have to be known what it
    // replaced.
    vague.iter().all(|state| !states[*state as usize].needed && !states.iter().any(|known| swaps(known, *state))).then_some(states)
}

fn swaps(known: &StateUse, state: u32) -> bool {
    matches!(known.writer, Some((_, Some(needs))) if needs == state)
}

/// Links states that are swapped for one another. Fails if one was needed that nothing left, or swapped for two; says nothing if it is
/// not known which operation left one.
#[expect(clippy::option_option, reason = "violated, or unfit, or fit")]
fn connect(mut states: Vec<StateUse>) -> Option<Option<Vec<StateUse>>> {
    let mut unsure = states.iter().any(|known| known.ambiguous && known.needed);
    let mut todo: Vec<u32> = (0..states.len() as u32).filter(|state| states[*state as usize].needed).collect();
    while let Some(state) = todo.pop() {
        if state == 0 {
            continue;
        }
        let (_, needs) = states[state as usize].writer?;
        let Some(needs) = needs else { continue };
        unsure |= states[needs as usize].ambiguous;
        if unsure {
            continue;
        }
        let from = &mut states[needs as usize];
        if from.next.replace(state).is_some() {
            return None;
        }
        if !from.needed {
            from.needed = true;
            todo.push(needs);
        }
    }
    Some((!unsure).then_some(states))
}

/// The blocks, the initial state's first; fails if one has no order in itself, or if states are swapped for one another in a ring.
fn gather(states: &[StateUse], limit: u32) -> Option<Vec<Block>> {
    let mut placed = 0;
    let mut blocks = Vec::new();
    let roots = states
        .iter()
        .enumerate()
        .filter(|(state, known)| known.needed && (*state == 0 || known.writer.is_some_and(|(_, needs)| needs.is_none())));
    for (root, _) in roots {
        let mut block = Block { begins: limit, ends: 0, order: Vec::new() };
        let mut state = Some(root as u32);
        // The latest first gap of anything in the rows before.
        let mut after = 0;
        while let Some(here) = state {
            let known = &states[here as usize];
            placed += 1;
            let writer = known.writer.filter(|_| here != 0).map(|(interval, _)| interval);
            let mut reads = known.reads.clone();
            sort_by_numbers(&mut reads, |interval| (interval.from.into(), interval.index.into()));
            for row in [writer.as_slice(), &reads] {
                if row.iter().any(|interval| interval.until < after) {
                    return None;
                }
                after = row.iter().map(|interval| interval.from).fold(after, Gap::max);
                block.order.extend(row);
            }
            state = known.next;
        }
        block.begins = block.order.iter().map(|interval| interval.until).min().unwrap_or(limit);
        block.ends = after;
        blocks.push(block);
    }
    (placed == states.iter().filter(|known| known.needed).count()).then_some(blocks)
}

/// Puts block behind block: always one that no block left must precede.
fn line_up(blocks: Vec<Block>) -> Option<Vec<(usize, Gap)>> {
    let mut by_end: Vec<usize> = (0..blocks.len()).collect();
    sort_by_numbers(&mut by_end, |block| (blocks[*block].ends.into(), 0));
    let mut by_begin: Vec<usize> = (0..blocks.len()).collect();
    sort_by_numbers(&mut by_begin, |block| (blocks[*block].begins.into(), 0));
    let mut left = vec![true; blocks.len()];
    let (mut end, mut begin) = (0, 0);
    let mut now = 0;
    let mut order = Vec::new();
    for turn in 0..blocks.len() {
        let advance = |order: &[usize], next: &mut usize, left: &[bool]| {
            while !left[order[*next]] {
                *next += 1;
            }
            order[*next]
        };
        let (soonest, first) = (advance(&by_end, &mut end, &left), advance(&by_begin, &mut begin, &left));
        let free = |block: usize| {
            let second = || by_begin[begin + 1..].iter().find(|block| left[**block]);
            let rival = if block == first { second() } else { Some(&first) };
            rival.is_none_or(|rival| blocks[block].ends <= blocks[*rival].begins)
        };
        // The initial state was there before anything was written.
        let candidates = if turn == 0 { [0, 0] } else { [soonest, first] };
        let chosen = candidates.into_iter().find(|block| free(*block))?;
        left[chosen] = false;
        for interval in &blocks[chosen].order {
            now = now.max(interval.from);
            order.push((interval.index as usize, now));
        }
    }
    Some(order)
}
