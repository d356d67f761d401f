//! Sorts operations of unknown outcome into classes, and says until when each class is of use.

use super::machine::{InternedRole, KindId, ModelTable, StateId, Transition, Transitions};
use super::operations::{Encoding, EquivalenceClass, Indeterminate, NONE};
use crate::base::sort_by_numbers;

/// How much work may go into finding out what a class is good for.
const EFFORT: usize = 1 << 18;

impl Encoding {
    /// Sorts operations of unknown outcome into classes, and leaves out those that are of no use.
    pub(super) fn classify(&mut self, transitions: &mut Transitions<'_>) {
        if self.indeterminate.is_empty() {
            return;
        }
        self.sort();
        if let Some(ends) = self.find_ends(transitions) {
            self.retain(&ends);
        }
        self.prunable = (0..self.classes.len() as u32).filter(|class| self.classes[*class as usize].until != NONE).collect();
        let classes = &self.classes;
        sort_by_numbers(&mut self.prunable, |class| (classes[*class as usize].until.into(), 0));
        self.note_sensitive(transitions.table());
    }

    /// Sorts operations of unknown outcome into classes, where each may still be of use.
    pub(super) fn classify_all(&mut self, table: &ModelTable) {
        self.sort();
        self.note_sensitive(table);
    }

    fn sort(&mut self) {
        sort_by_numbers(&mut self.indeterminate, |operation| {
            (operation.kind.into(), u64::from(operation.after != NONE) << 32 | u64::from(operation.index))
        });
        self.group();
    }

    fn note_sensitive(&mut self, table: &ModelTable) {
        self.any_sensitive = self.classes.iter().any(|class| !matches!(table.role(class.kind), InternedRole::Write(_)));
    }

    /// Keeps the classes that are of use, and notes until when.
    fn retain(&mut self, ends: &[Option<u32>]) {
        let from = |class: &EquivalenceClass, indeterminate: &[Indeterminate]| indeterminate[class.start as usize].from;
        let helps: Vec<bool> =
            self.classes.iter().zip(ends).map(|(class, end)| end.is_some_and(|end| from(class, &self.indeterminate) <= end)).collect();
        let mut kept = self.classes.iter().zip(&helps).flat_map(|(class, helps)| std::iter::repeat_n(*helps, class.count as usize));
        self.indeterminate.retain(|_| kept.next().unwrap_or(true));
        self.group();
        let ends = ends.iter().zip(&helps).filter(|(_, helps)| **helps).filter_map(|(end, _)| *end);
        self.classes.iter_mut().zip(ends).for_each(|(class, end)| class.until = end);
    }

    fn group(&mut self) {
        self.classes.clear();
        for (place, operation) in self.indeterminate.iter().enumerate() {
            match self.classes.last_mut() {
                Some(class) if class.kind == operation.kind && operation.after == NONE => class.count += 1,
                _ => self.classes.push(EquivalenceClass { kind: operation.kind, start: place as u32, count: 1, until: NONE }),
            }
        }
    }

    /// The last return before which each class can help: as long as some operation may see what it leaves. Nothing where this is not known:
    /// where something changes the state in a way of its own.
    fn find_ends(&self, transitions: &mut Transitions<'_>) -> Option<Vec<Option<u32>>> {
        let table = transitions.table();
        let left: Vec<Option<StateId>> = self.classes.iter().map(|class| table.role(class.kind).leaves()).collect();
        if !table.is_plain() || left.contains(&None) || self.indeterminate.iter().any(|operation| operation.after != NONE) {
            return None;
        }
        let left: Vec<StateId> = left.into_iter().flatten().collect();
        let mut last = vec![None; table.kinds().len()];
        for (event, place) in self.returns.iter().enumerate() {
            last[self.completed[*place as usize].kind as usize] = Some(event as u32);
        }
        // The last return of one that can take effect in this state and no other, by state; and of those that can in many.
        let mut needed: Vec<Option<u32>> = vec![None; table.named()];
        let mut in_many: Vec<(KindId, u32)> = Vec::new();
        for kind in table.kinds() {
            let Some(event) = last[kind as usize] else { continue };
            match (table.role(kind), table.needs(kind)) {
                (_, Some(state)) => needed[state as usize] = needed[state as usize].max(Some(event)),
                (InternedRole::Write(_), None) => {}
                _ => in_many.push((kind, event)),
            }
        }
        let swaps: Vec<usize> =
            (0..left.len()).filter(|class| matches!(table.role(self.classes[*class].kind), InternedRole::Swap(_))).collect();
        if left.len().saturating_mul(in_many.len() + swaps.len()) > EFFORT {
            return None;
        }
        let mut ends: Vec<Option<u32>> = left
            .iter()
            .map(|state| {
                let seen = in_many
                    .iter()
                    .filter(|(kind, _)| transitions.step(*state, *kind) != Transition::Illegal)
                    .map(|(_, event)| *event)
                    .max();
                seen.max(needed[*state as usize])
            })
            .collect();
        // What one leaves, another may replace; and so it helps for as long as that one does.
        let replaces = |transitions: &mut Transitions<'_>, swap: usize, state| {
            let step = transitions.step(state, self.classes[swap].kind);
            step != Transition::Illegal && step != Transition::To(state)
        };
        let pairs: Vec<(usize, usize)> = (0..left.len())
            .flat_map(|class| swaps.iter().map(move |swap| (class, *swap)))
            .filter(|(class, swap)| replaces(transitions, *swap, left[*class]))
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
