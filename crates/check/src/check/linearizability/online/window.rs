//! A window of a history that goes on: a history of its own, which begins in one of several configurations.

use crate::check::linearizability::encoding::{Encoding, Indeterminate, InternedModel, NONE, Object, StateId, encode_unfinished};
use crate::check::linearizability::partition::whole;
use crate::check::linearizability::search::{AnySearch, Checkpoint, Ration, SearchStatus, Tally};
use crate::check::linearizability::subject::{Judged, Numbered, Subject};
use crate::check::model::Model;
use crate::check::verdict::Budget;
use crate::history::{History, Timeline};

/// A window, whichever its types.
pub(super) trait Window {
    fn timeline(&self) -> &dyn Timeline;
    /// Asks something. If something of the window remains, the rest is forgotten.
    fn ask(&mut self, question: &mut dyn FnMut(&mut dyn Object) -> Option<Remainder>);
    /// The same in numbers.
    fn numbered(&self) -> Numbered<'_>;
}

/// What happened lately on a key, and the states in which that may begin.
#[derive(Debug)]
pub(super) struct KeyWindow<M: Model> {
    pub(super) history: History<M::Op, M::Ret>,
    starts: Vec<M::State>,
}

impl<M: Model> KeyWindow<M> {
    pub(super) fn new(model: &M) -> Self {
        Self { history: History::new(), starts: vec![model.initial()] }
    }
}

/// A window and its model.
pub(super) struct ModelWindow<'a, M: Model> {
    pub(super) model: &'a M,
    pub(super) window: &'a mut KeyWindow<M>,
}

impl<M: Model> Window for ModelWindow<'_, M> {
    fn timeline(&self) -> &dyn Timeline {
        &self.window.history
    }

    fn ask(&mut self, question: &mut dyn FnMut(&mut dyn Object) -> Option<Remainder>) {
        let KeyWindow { history, starts } = &mut *self.window;
        let mut object = InternedModel::starting(starts, self.model, history);
        if let Some(Remainder { keep, states }) = question(&mut object) {
            let states = states.into_iter().map(|state| object.state(state).clone()).collect();
            *starts = states;
            history.retain(|index| keep[index]);
        }
    }

    fn numbered(&self) -> Numbered<'_> {
        let KeyWindow { history, starts } = &*self.window;
        let judged = Judged { model: self.model, history };
        let object = InternedModel::starting(starts, self.model, history);
        Numbered::new(Box::new(object), &judged.partition(), &|op, result| history.with(op, result))
    }
}

/// A configuration in which the window may begin, but for the state. Operations are named by their indices in the window.
#[derive(Clone, Debug, Default)]
pub(super) struct Start {
    /// Those that took effect before the window.
    pub(super) done: Vec<usize>,
    /// Those that need not take effect any more, though they may.
    pub(super) dominated: Vec<usize>,
    /// How many of those of unknown outcome that ask for the same took effect: by one of these.
    pub(super) used: Vec<(usize, u32)>,
}

impl Start {
    /// The same, with operations named by other indices.
    pub(super) fn renamed(&self, index: impl Fn(usize) -> usize) -> Self {
        let all = |indices: &[usize]| indices.iter().map(|old| index(*old)).collect();
        let used = self.used.iter().map(|(old, count)| (index(*old), *count)).collect();
        Self { done: all(&self.done), dominated: all(&self.dominated), used }
    }
}

/// A window, encoded for the search.
pub(super) struct EncodedWindow<'a> {
    object: &'a mut dyn Object,
    pub(super) encoding: Encoding,
    starts: Vec<Checkpoint>,
    /// Whether each class of operations of unknown outcome is counted.
    counted: Vec<bool>,
}

impl<'a> EncodedWindow<'a> {
    pub(super) fn new(object: &'a mut dyn Object, starts: &[Start], counting: bool) -> Self {
        let events = whole(object.timeline());
        let length = object.timeline().len();
        let mut places = vec![NONE; length];
        let encoding = encode_unfinished(object, &events, &mut places);
        let mut class_of = vec![NONE; length];
        for (class, known) in encoding.classes.iter().enumerate() {
            let members = &encoding.indeterminate[known.start as usize..][..known.count as usize];
            members.iter().for_each(|member| class_of[member.index as usize] = class as u32);
        }
        let checkpoint = |(number, start): (usize, &Start)| {
            let places = |indices: &[usize]| indices.iter().map(|index| places[*index]).collect();
            let mut used = vec![0; encoding.classes.len()];
            start.used.iter().for_each(|(index, count)| used[class_of[*index] as usize] += count);
            Checkpoint { state: object.start(number), done: places(&start.done), dominated: places(&start.dominated), used }
        };
        let starts = starts.iter().enumerate().map(checkpoint).collect();
        let counted = if counting { vec![true; encoding.classes.len()] } else { encoding.must_count(object.table()) };
        Self { object, encoding, starts, counted }
    }

    pub(super) fn timeline(&self) -> &dyn Timeline {
        self.object.timeline()
    }

    /// Whether there is something that is counted and need not be.
    pub(super) fn can_count_less(&self) -> bool {
        self.counted != self.encoding.must_count(self.object.table())
    }

    /// Nothing if more is open than a search can hold.
    fn search(&mut self, limit: u32) -> Option<AnySearch> {
        let tally = Tally::new(&self.encoding.classes, |class| self.counted[class]);
        let mut search = AnySearch::new(&self.encoding, limit, tally)?;
        search.start_from(std::mem::take(&mut self.starts));
        Some(search)
    }

    /// What a search of the window may take, if so many states.
    fn allow(&self, states: u64) -> Ration {
        Ration { states, bytes: Budget::default().bytes_for(self.timeline().len()) }
    }

    /// Looks for an order, and says how many configurations were explored.
    pub(super) fn order(mut self, states: u64) -> (SearchStatus, u64) {
        let returns = self.encoding.returns.len() as u32;
        if returns == 0 {
            return (SearchStatus::Found, 0);
        }
        let Some(mut search) = self.search(returns) else { return (SearchStatus::Paused, 0) };
        let allowance = self.allow(states);
        (search.run(&self.encoding, &mut self.object.transitions(), allowance), search.extent().states)
    }

    /// All configurations in which an order can pass so many returns, nothing if the budget ends; and how many were explored.
    pub(super) fn checkpoints(&mut self, limit: u32, states: u64) -> (Option<Vec<Checkpoint>>, u64) {
        let Some(mut search) = self.search(limit) else { return (None, 0) };
        search.seek_checkpoints();
        let allowance = self.allow(states);
        let progress = search.run(&self.encoding, &mut self.object.transitions(), allowance);
        let checkpoints = (progress == SearchStatus::Exhausted).then(|| search.checkpoints(&self.encoding, &self.object.transitions()));
        (checkpoints, search.extent().states)
    }

    /// What is left of the window behind the first `limit` returns, if an order can pass them in these configurations and no others.
    pub(super) fn rest(&self, checkpoints: &[Checkpoint], limit: u32) -> WindowRest {
        let timeline = self.object.timeline();
        let Encoding { completed, indeterminate, .. } = &self.encoding;
        let mut keep: Vec<bool> = (0..timeline.len()).map(|index| timeline.completed(index).is_none()).collect();
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
            Start { done: indices(&checkpoint.done), dominated: indices(&checkpoint.dominated), used: used.collect() }
        });
        let starts = starts.collect();
        let unknown = indeterminate.iter().filter(|operation| keep[operation.index as usize]).count();
        let states = checkpoints.iter().map(|checkpoint| checkpoint.state).collect();
        WindowRest { remainder: Remainder { keep, states }, starts, unknown }
    }

    /// Of each class, those that took effect in every configuration are over; and one that is left names the class. Of one that is not
    /// counted, the oldest that will be of unknown outcome for good is enough. Gives for each class that one, and how many are over.
    fn forget_used(&self, checkpoints: &[Checkpoint], keep: &mut [bool]) -> Vec<(Option<usize>, u32)> {
        let timeline = self.object.timeline();
        let mut classes = Vec::with_capacity(self.encoding.classes.len());
        for (class, known) in self.encoding.classes.iter().enumerate() {
            let members = &self.encoding.indeterminate[known.start as usize..][..known.count as usize];
            let ended = |member: &&Indeterminate| timeline.completed(member.index as usize).is_some();
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
pub(super) struct Remainder {
    /// For each operation, whether it is kept.
    pub(super) keep: Vec<bool>,
    /// The states in which it may begin.
    states: Vec<StateId>,
}

/// The same, with what is known of it.
pub(super) struct WindowRest {
    pub(super) remainder: Remainder,
    /// For each of the states, the rest of the configuration.
    pub(super) starts: Vec<Start>,
    /// How many of unknown outcome are kept.
    pub(super) unknown: usize,
}
