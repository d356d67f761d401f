//! Operations of unknown outcome, counted by classes.
//!
//! Those that ask for the same are interchangeable, but that some may take effect earlier: the oldest goes first. So all that a search has
//! to know of a class is how many of it took effect: a few bits each, packed into words. A class that can help nobody any more is retired:
//! it counts as used up, so that configurations that differ in nothing else meet.
//!
//! A search may also leave classes uncounted: then each of their operations may take effect any number of times. That only allows more. If
//! there is no order even so, there is none; and one that takes no more of a class than there are is an order. See
//! [`relaxed`](super::relaxed).

use super::machine::{KindId, Part, StateId, Step, Steps, Table};
use super::plan::{Loose, NONE, Plan};

/// Operations of unknown outcome that ask for the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    pub(super) kind: KindId,
    /// The place of the oldest in [`Plan::loose`]; the others follow it.
    pub(super) start: u32,
    pub(super) count: u32,
    /// The last return before which it can help; [`NONE`] if there is none.
    pub(super) until: u32,
}

/// Where a class is counted: bits of a word.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) word: u32,
    pub(super) shift: u32,
    /// The bits of the count, moved to the right; none if the class is not counted.
    pub(super) mask: u64,
}

/// What of the classes is counted, and where.
#[derive(Debug)]
pub(super) struct Tally {
    /// By class.
    pub(super) places: Vec<Place>,
    /// For each word, a bit above each count of more than one bit: never set.
    pub(super) guards: Vec<u64>,
    /// For each word, the counts of one bit.
    pub(super) singles: Vec<u64>,
}

impl Tally {
    /// Counts those classes for which this says so.
    pub(super) fn new(classes: &[Class], counted: impl Fn(usize) -> bool) -> Self {
        let mut free = 0;
        let mut tally = Self { places: Vec::with_capacity(classes.len()), guards: Vec::new(), singles: Vec::new() };
        for (class, known) in classes.iter().enumerate() {
            if !counted(class) {
                tally.places.push(Place::default());
                continue;
            }
            let mask = (1 << (u32::BITS - known.count.leading_zeros())) - 1_u64;
            let width = mask.count_ones() + u32::from(known.count > 1);
            if tally.guards.is_empty() || free + width > u64::BITS {
                free = 0;
                tally.guards.push(0);
                tally.singles.push(0);
            }
            let word = tally.guards.len() - 1;
            tally.places.push(Place { word: word as u32, shift: free, mask });
            free += width;
            if known.count > 1 {
                tally.guards[word] |= 1 << (free - 1);
            } else {
                tally.singles[word] |= 1 << (free - 1);
            }
        }
        tally
    }
}

/// How much work may go into finding out what a class is good for.
const EFFORT: usize = 1 << 18;

impl Plan {
    /// Sorts operations of unknown outcome into classes, and leaves out those that can help nobody.
    pub(super) fn classify(&mut self, steps: &mut Steps<'_>) {
        if self.loose.is_empty() {
            return;
        }
        self.sort();
        if let Some(ends) = self.find_ends(steps) {
            self.retain(&ends);
        }
        self.retiring = (0..self.classes.len() as u32).filter(|class| self.classes[*class as usize].until != NONE).collect();
        let classes = &self.classes;
        self.retiring.sort_by_key(|class| classes[*class as usize].until);
        self.note_sharp(steps.table());
    }

    /// Sorts operations of unknown outcome into classes, where each may still help somebody.
    pub(super) fn classify_all(&mut self, table: &Table) {
        self.sort();
        self.note_sharp(table);
    }

    /// For each class, whether it must be counted: what changes the state in a way of its own could do so without end.
    pub(super) fn must_count(&self, table: &Table) -> Vec<bool> {
        self.classes.iter().map(|class| table.part(class.kind).leaves().is_none()).collect()
    }

    fn sort(&mut self) {
        self.loose.sort_unstable_by_key(|loose| (loose.kind, loose.after != NONE, loose.index));
        self.group();
    }

    fn note_sharp(&mut self, table: &Table) {
        self.loose_sharp = self.classes.iter().any(|class| !matches!(table.part(class.kind), Part::Write(_)));
    }

    /// Keeps the classes that can help somebody, and notes until when.
    fn retain(&mut self, ends: &[Option<u32>]) {
        let from = |class: &Class, loose: &[Loose]| loose[class.start as usize].from;
        let helps: Vec<bool> =
            self.classes.iter().zip(ends).map(|(class, end)| end.is_some_and(|end| from(class, &self.loose) <= end)).collect();
        let mut kept = self.classes.iter().zip(&helps).flat_map(|(class, helps)| std::iter::repeat_n(*helps, class.count as usize));
        self.loose.retain(|_| kept.next().unwrap_or(true));
        self.group();
        let ends = ends.iter().zip(&helps).filter(|(_, helps)| **helps).filter_map(|(end, _)| *end);
        self.classes.iter_mut().zip(ends).for_each(|(class, end)| class.until = end);
    }

    fn group(&mut self) {
        self.classes.clear();
        for (place, loose) in self.loose.iter().enumerate() {
            match self.classes.last_mut() {
                Some(class) if class.kind == loose.kind && loose.after == NONE => class.count += 1,
                _ => self.classes.push(Class { kind: loose.kind, start: place as u32, count: 1, until: NONE }),
            }
        }
    }

    /// The last return before which each class can help: as long as somebody may see what it leaves. Nothing where this is not known: where
    /// something changes the state in a way of its own.
    fn find_ends(&self, steps: &mut Steps<'_>) -> Option<Vec<Option<u32>>> {
        let table = steps.table();
        let left: Vec<Option<StateId>> = self.classes.iter().map(|class| table.part(class.kind).leaves()).collect();
        if !table.is_plain() || left.contains(&None) || self.loose.iter().any(|loose| loose.after != NONE) {
            return None;
        }
        let left: Vec<StateId> = left.into_iter().flatten().collect();
        let mut last = vec![None; table.kinds().len()];
        for (event, place) in self.returns.iter().enumerate() {
            last[self.planned[*place as usize].kind as usize] = Some(event as u32);
        }
        // The last return of one that can take effect in this state and no other, by state; and of those that can in many.
        let mut needed: Vec<Option<u32>> = vec![None; table.named()];
        let mut curious: Vec<(KindId, u32)> = Vec::new();
        for kind in table.kinds() {
            let Some(event) = last[kind as usize] else { continue };
            match (table.part(kind), table.needs(kind)) {
                (_, Some(state)) => needed[state as usize] = needed[state as usize].max(Some(event)),
                (Part::Write(_), None) => {}
                _ => curious.push((kind, event)),
            }
        }
        let swaps: Vec<usize> = (0..left.len()).filter(|class| matches!(table.part(self.classes[*class].kind), Part::Swap(_))).collect();
        if left.len().saturating_mul(curious.len() + swaps.len()) > EFFORT {
            return None;
        }
        let mut ends: Vec<Option<u32>> = left
            .iter()
            .map(|state| {
                let seen = curious.iter().filter(|(kind, _)| steps.step(*state, *kind) != Step::Illegal).map(|(_, event)| *event).max();
                seen.max(needed[*state as usize])
            })
            .collect();
        // What one leaves, another may replace; and so it helps for as long as that one does.
        let replaces = |steps: &mut Steps<'_>, swap: usize, state| steps.step(state, self.classes[swap].kind) != Step::To(state);
        let pairs: Vec<(usize, usize)> = (0..left.len())
            .flat_map(|class| swaps.iter().map(move |swap| (class, *swap)))
            .filter(|(class, swap)| replaces(steps, *swap, left[*class]))
            .collect();
        let mut changed = true;
        while changed {
            changed = false;
            for (class, swap) in &pairs {
                if ends[*swap] > ends[*class] {
                    ends[*class] = ends[*swap];
                    changed = true;
                }
            }
        }
        Some(ends)
    }
}
