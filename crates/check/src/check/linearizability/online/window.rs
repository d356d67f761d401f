//! A window of a history that goes on: a history of its own, which begins in one of several configurations.

use crate::check::linearizability::encoding::{Encoding, Indeterminate, InternedModel, NONE, Object, encode_unfinished};
use crate::check::linearizability::partition::whole;
use crate::check::linearizability::search::{AnySearch, Checkpoint, SearchStatus, Tally};
use crate::check::model::Model;
use crate::history::History;

/// A configuration in which the window may begin. Operations are named by their indices in the window.
#[derive(Clone, Debug)]
pub(super) struct Start<S> {
    pub(super) state: S,
    /// Those that took effect before the window.
    pub(super) done: Vec<usize>,
    /// Those that need not take effect any more, though they may.
    pub(super) dominated: Vec<usize>,
    /// How many of those of unknown outcome that ask for the same took effect: by one of these.
    pub(super) used: Vec<(usize, u32)>,
}

impl<S> Start<S> {
    /// In this state, with nothing open.
    pub(super) const fn new(state: S) -> Self {
        Self { state, done: Vec::new(), dominated: Vec::new(), used: Vec::new() }
    }

    /// The same, with operations named by other indices.
    pub(super) fn renamed(&self, index: impl Fn(usize) -> usize) -> Self
    where
        S: Clone,
    {
        let all = |indices: &[usize]| indices.iter().map(|old| index(*old)).collect();
        let used = self.used.iter().map(|(old, count)| (index(*old), *count)).collect();
        Self { state: self.state.clone(), done: all(&self.done), dominated: all(&self.dominated), used }
    }
}

/// A window, encoded for the search.
pub(super) struct EncodedWindow<'a, M: Model> {
    window: &'a History<M::Op, M::Ret>,
    machine: InternedModel<'a, M>,
    pub(super) encoding: Encoding,
    starts: Vec<Checkpoint>,
    /// Whether each class of operations of unknown outcome is counted.
    counted: Vec<bool>,
}

impl<'a, M: Model> EncodedWindow<'a, M> {
    pub(super) fn new(model: &'a M, window: &'a History<M::Op, M::Ret>, starts: &[Start<M::State>], counting: bool) -> Self {
        let mut machine = InternedModel::new(model, window);
        let mut places = vec![NONE; window.len()];
        let encoding = encode_unfinished(&mut machine, &whole(window), &mut places);
        let mut class_of = vec![NONE; window.len()];
        for (class, known) in encoding.classes.iter().enumerate() {
            let members = &encoding.indeterminate[known.start as usize..][..known.count as usize];
            members.iter().for_each(|member| class_of[member.index as usize] = class as u32);
        }
        let checkpoint = |start: &Start<M::State>| {
            let places = |indices: &[usize]| indices.iter().map(|index| places[*index]).collect();
            let mut used = vec![0; encoding.classes.len()];
            start.used.iter().for_each(|(index, count)| used[class_of[*index] as usize] += count);
            Checkpoint {
                state: machine.state_id(start.state.clone()),
                done: places(&start.done),
                dominated: places(&start.dominated),
                used,
            }
        };
        let starts = starts.iter().map(checkpoint).collect();
        let counted = if counting { vec![true; encoding.classes.len()] } else { encoding.must_count(machine.table()) };
        Self { window, machine, encoding, starts, counted }
    }

    /// Whether there is something that is counted and need not be.
    pub(super) fn can_count_less(&self) -> bool {
        self.counted != self.encoding.must_count(self.machine.table())
    }

    /// Nothing if more is open than a search can hold.
    fn search(&mut self, limit: u32) -> Option<AnySearch> {
        let tally = Tally::new(&self.encoding.classes, |class| self.counted[class]);
        let mut search = AnySearch::new(&self.encoding, limit, tally)?;
        search.start_from(std::mem::take(&mut self.starts));
        Some(search)
    }

    /// Looks for an order, and says how many configurations were explored.
    pub(super) fn order(mut self, budget: u64) -> (SearchStatus, u64) {
        let returns = self.encoding.returns.len() as u32;
        if returns == 0 {
            return (SearchStatus::Found, 0);
        }
        let Some(mut search) = self.search(returns) else { return (SearchStatus::Paused, 0) };
        (search.run(&self.encoding, &mut self.machine.transitions(), budget), search.extent().states)
    }

    /// All configurations in which an order can pass so many returns, nothing if the budget ends; and how many were explored.
    pub(super) fn checkpoints(&mut self, limit: u32, budget: u64) -> (Option<Vec<Checkpoint>>, u64) {
        let Some(mut search) = self.search(limit) else { return (None, 0) };
        search.seek_checkpoints();
        let progress = search.run(&self.encoding, &mut self.machine.transitions(), budget);
        let checkpoints = (progress == SearchStatus::Exhausted).then(|| search.checkpoints(&self.encoding, &self.machine.transitions()));
        (checkpoints, search.extent().states)
    }

    /// What is left of the window behind the first `limit` returns, if an order can pass them in these configurations and no others.
    pub(super) fn remainder(&self, checkpoints: &[Checkpoint], limit: u32) -> Remainder<M::State> {
        let Encoding { completed, indeterminate, .. } = &self.encoding;
        let mut keep: Vec<bool> = self.window.operations().iter().map(|operation| operation.completed.is_none()).collect();
        completed.iter().for_each(|completed| keep[completed.index as usize] = completed.returns >= limit);
        indeterminate.iter().for_each(|operation| keep[operation.index as usize] = true);
        let classes = self.forget_used(checkpoints, &mut keep);
        let renamed: Vec<usize> = keep
            .iter()
            .scan(0, |next, keeps| {
                *next += usize::from(*keeps);
                Some(*next - usize::from(*keeps))
            })
            .collect();
        let starts = checkpoints.iter().map(|checkpoint| {
            let indices = |places: &[u32]| places.iter().map(|place| renamed[completed[*place as usize].index as usize]).collect();
            let used = checkpoint.used.iter().zip(&classes).filter_map(|(used, (member, over))| {
                let left = used - over;
                member.filter(|_| left > 0).map(|member| (renamed[member], left))
            });
            Start {
                state: self.machine.state(checkpoint.state).clone(),
                done: indices(&checkpoint.done),
                dominated: indices(&checkpoint.dominated),
                used: used.collect(),
            }
        });
        let starts = starts.collect();
        let unknown = indeterminate.iter().filter(|operation| keep[operation.index as usize]).count();
        Remainder { keep, starts, unknown }
    }

    /// Of each class, those that took effect in every configuration are over; and one that is left names the class. Of one that is not
    /// counted, the oldest that will be of unknown outcome for good is enough. Gives for each class that one, and how many are over.
    fn forget_used(&self, checkpoints: &[Checkpoint], keep: &mut [bool]) -> Vec<(Option<usize>, u32)> {
        let operations = self.window.operations();
        let mut classes = Vec::with_capacity(self.encoding.classes.len());
        for (class, known) in self.encoding.classes.iter().enumerate() {
            let members = &self.encoding.indeterminate[known.start as usize..][..known.count as usize];
            let ended = |member: &&Indeterminate| operations[member.index as usize].completed.is_some();
            if !self.counted[class] {
                members.iter().filter(ended).skip(1).for_each(|member| keep[member.index as usize] = false);
                classes.push((None, 0));
                continue;
            }
            let everywhere = checkpoints.iter().map(|checkpoint| checkpoint.used[class]).min().unwrap_or(0);
            let over = members.iter().take(everywhere as usize).take_while(ended);
            let over = over.map(|member| keep[member.index as usize] = false).count();
            classes.push((members.get(over).map(|member| member.index as usize), over as u32));
        }
        classes
    }
}

/// What is left of a window whose beginning is forgotten.
pub(super) struct Remainder<S> {
    /// For each operation, whether it is kept.
    pub(super) keep: Vec<bool>,
    pub(super) starts: Vec<Start<S>>,
    /// How many of unknown outcome are kept.
    pub(super) unknown: usize,
}
