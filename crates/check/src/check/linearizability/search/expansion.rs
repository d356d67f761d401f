//! What follows from one configuration: which moves there are, and where each leads.

use std::cell::RefCell;

use super::bits::Bits;
use super::cursor::Cursor;
use super::moves::{Arrival, Move, Reach, Retrace};
use super::tally::Tally;
use super::visited::{Configuration, Fates, Visited};
use crate::check::linearizability::encoding::{Encoding, HIDDEN, Indeterminate, InternedRole, NONE, StateId, Transition, Transitions};

/// How far a search has come.
#[derive(Debug, Default)]
pub(crate) struct Extent {
    /// Configurations reached, new or not.
    pub(crate) states: u64,
    /// One past the last return that had to do with turning back: no order passes it.
    pub(crate) horizon: u32,
    /// The furthest return before which it stood.
    pub(crate) deepest: u32,
}

/// What one configuration leads to, and what is known of all that were reached.
pub(super) struct Expansion<const W: usize> {
    pub(super) cursor: Cursor<W>,
    pub(super) visited: Visited<W>,
    /// How many returns are to be passed.
    pub(super) limit: u32,
    pub(super) extent: Extent,
    /// How many operations of each class that is not counted took effect on the path, if no more may than there are.
    pub(super) spent: Option<Vec<u32>>,
    /// The classes of which there were too few for some path.
    short: RefCell<Vec<bool>>,
    /// The configurations, by their numbers, in which no further return had to be passed, if it is to be known from where to go on.
    pub(super) checkpoints: Option<Vec<u32>>,
    /// Whether what leads near is tried before what leads far.
    pub(super) near_first: bool,
}

impl<const W: usize> Expansion<W> {
    pub(super) fn new(encoding: &Encoding, limit: u32, tally: Tally) -> Self {
        Self {
            visited: Visited::new(&tally),
            cursor: Cursor::new(encoding, tally),
            limit,
            extent: Extent::default(),
            spent: None,
            short: RefCell::new(Vec::new()),
            checkpoints: None,
            near_first: false,
        }
    }

    /// What to try first from a configuration that was reached like this.
    pub(super) fn first_move(&self, encoding: &Encoding, id: u32, unseen: bool) -> Move {
        let configuration = self.visited.get(id);
        let slot = encoding.completed[encoding.returns[configuration.event as usize] as usize].slot;
        if configuration.fates.dominated.has(slot) && !unseen { Move::Pass } else { Move::Returning(0) }
    }

    /// The first move from `choice` on that is possible, the state that it leaves, and what to try after it.
    pub(super) fn choose(
        &self,
        encoding: &Encoding,
        transitions: &mut Transitions<'_>,
        configuration: &Configuration<W>,
        mut choice: Move,
        unseen: bool,
    ) -> Option<(Move, StateId, Move)> {
        let Configuration { event, state, fates } = configuration;
        let returning = encoding.returns[*event as usize];
        let returning_slot = encoding.completed[returning as usize].slot;
        let hides = |transitions: &Transitions<'_>, kind| unseen && matches!(transitions.role(kind), InternedRole::Write(_));
        loop {
            match choice {
                Move::Pass => return Some((choice, *state, Move::Returning(0))),
                Move::Returning(branch) => {
                    let operation = &encoding.completed[returning as usize];
                    let possible = self.ready(encoding, *event, fates, operation.after) && !hides(transitions, operation.kind);
                    if possible && let Some((next, more)) = transitions.branch(*state, operation.kind, branch) {
                        let after = if more { Move::Returning(branch + 1) } else { Move::Open(Reach::Near, 0, 0) };
                        return Some((choice, next, after));
                    }
                    choice = Move::Open(Reach::Near, 0, 0);
                }
                // With no observer to see them, other writes can wait.
                Move::Open(Reach::Near, 0, 0)
                    if !self.is_sensitive(encoding, fates) && self.cursor.observers.minus(&fates.done).is_empty() =>
                {
                    return None;
                }
                Move::Open(reach, slot, branch) if slot < encoding.slots => {
                    choice = Move::Open(reach, slot + 1, 0);
                    if slot == returning_slot || !self.cursor.open.has(slot) || fates.done.has(slot) || self.cursor.observers.has(slot) {
                        continue;
                    }
                    let operation = &encoding.completed[self.cursor.slots[slot as usize] as usize];
                    if reach != self.reach(encoding, transitions, returning, operation.kind)
                        || !self.ready(encoding, *event, fates, operation.after)
                        || hides(transitions, operation.kind)
                        || self.is_led(encoding, fates, slot)
                    {
                        continue;
                    }
                    if let Some((next, more)) = transitions.branch(*state, operation.kind, branch) {
                        let after = if more { Move::Open(reach, slot, branch + 1) } else { choice };
                        return Some((Move::Open(reach, slot, branch), next, after));
                    }
                }
                Move::Open(reach, ..) => choice = Move::Indeterminate(reach, 0, 0),
                Move::Indeterminate(reach, place, branch) if (place as usize) < encoding.classes.len() => {
                    choice = Move::Indeterminate(reach, place + 1, 0);
                    let Some(indeterminate) = self.unused(encoding, place, fates) else { continue };
                    if indeterminate.from > *event
                        || reach != self.reach(encoding, transitions, returning, indeterminate.kind)
                        || !self.ready(encoding, *event, fates, indeterminate.after)
                        || hides(transitions, indeterminate.kind)
                    {
                        continue;
                    }
                    if let Some((next, more)) = transitions.branch(*state, indeterminate.kind, branch) {
                        let after = if more { Move::Indeterminate(reach, place, branch + 1) } else { choice };
                        return Some((Move::Indeterminate(reach, place, branch), next, after));
                    }
                }
                Move::Indeterminate(Reach::Near, ..) if self.near_first => choice = Move::Open(Reach::Far, 0, 0),
                Move::Indeterminate(..) | Move::Nothing => return None,
            }
        }
    }

    /// Whether another open operation that asks for the same goes before the one in this slot: it returns first. If it goes later in some
    /// order, the two can change places. Only if it is dominated and this one is not, each may be needed first.
    fn is_led(&self, encoding: &Encoding, fates: &Fates<W>, slot: u32) -> bool {
        let here = &encoding.completed[self.cursor.slots[slot as usize] as usize];
        let mut others = self.cursor.open.minus(&fates.done).minus(&self.cursor.observers);
        if !fates.dominated.has(slot) {
            others = others.minus(&fates.dominated);
        }
        !here.tied
            && std::iter::from_fn(|| others.pop()).any(|other| {
                let there = &encoding.completed[self.cursor.slots[other as usize] as usize];
                there.kind == here.kind && there.returns < here.returns && !there.tied
            })
    }

    /// How far an operation of this kind leads.
    fn reach(&self, encoding: &Encoding, transitions: &mut Transitions<'_>, returning: u32, kind: u32) -> Reach {
        let wanted = encoding.completed[returning as usize].kind;
        let near =
            !self.near_first || transitions.role(kind).leaves().is_some_and(|left| transitions.step(left, wanted) != Transition::Illegal);
        if near { Reach::Near } else { Reach::Far }
    }

    /// Whether something other than dominated writes and observers can still take effect.
    fn is_sensitive(&self, encoding: &Encoding, fates: &Fates<W>) -> bool {
        encoding.any_sensitive || !self.cursor.sensitive.minus(&fates.done).is_empty()
    }

    /// Whether the operation that must come first, if there is one, took effect.
    fn ready(&self, encoding: &Encoding, event: u32, fates: &Fates<W>, after: u32) -> bool {
        after == NONE || {
            let operation = &encoding.completed[after as usize];
            operation.returns < event || fates.done.has(operation.slot)
        }
    }

    /// Makes a move.
    pub(super) fn follow(
        &mut self,
        encoding: &Encoding,
        transitions: &mut Transitions<'_>,
        configuration: &Configuration<W>,
        choice: Move,
        state: StateId,
        retrace: Option<&mut Retrace>,
    ) -> Arrival {
        let mut fates = configuration.fates;
        let event = configuration.event;
        let mut retrace = retrace;
        let returning = encoding.returns[event as usize];
        let returning_slot = encoding.completed[returning as usize].slot;
        // Other operations go before a dominated one only for it to take effect itself; were it to be passed, they could wait.
        let takes_effect = choice != Move::Pass && fates.dominated.has(returning_slot);
        fates.dominated.remove(returning_slot);
        let (kind, early) = match choice {
            Move::Pass => {
                if let Some(retrace) = retrace.as_deref_mut() {
                    retrace.hidden.push((retrace.dominators[returning_slot as usize], encoding.completed[returning as usize].index));
                }
                if event + 1 == self.limit {
                    return self.goal(configuration.state, &fates);
                }
                self.cursor.seek(encoding, transitions, event + 1);
                return self.arrive(encoding, transitions, configuration.state, fates, false, retrace);
            }
            Move::Returning(_) | Move::Open(..) => {
                let slot = match choice {
                    Move::Open(_, slot, _) => slot,
                    _ => returning_slot,
                };
                fates.done.insert(slot);
                fates.dominated.remove(slot);
                let operation = &encoding.completed[self.cursor.slots[slot as usize] as usize];
                if let Some(retrace) = retrace.as_deref_mut() {
                    retrace.order.push((operation.index, event));
                }
                (operation.kind, slot != returning_slot && self.cursor.blind.has(slot))
            }
            Move::Indeterminate(_, place, _) => {
                let indeterminate = self.unused(encoding, place, &fates).expect("the move was possible");
                let counted = &self.cursor.tally.fields[place as usize];
                if counted.mask != 0 {
                    fates.used.count_up(counted);
                } else if let Some(spent) = &mut self.spent {
                    spent[place as usize] += 1;
                }
                if let Some(retrace) = retrace.as_deref_mut() {
                    retrace.order.push((indeterminate.index, event));
                }
                (indeterminate.kind, transitions.role(indeterminate.kind).is_blind())
            }
            Move::Nothing => unreachable!("nothing is never chosen"),
        };
        if matches!(transitions.role(kind), InternedRole::Write(_)) {
            let mut fresh = self.cursor.blind.minus(&fates.done).minus(&fates.dominated);
            if takes_effect {
                fresh.remove(returning_slot);
            }
            if let Some(retrace) = retrace.as_deref_mut() {
                let mut slots = fresh;
                while let Some(slot) = slots.pop() {
                    retrace.dominators[slot as usize] = retrace.order.len() - 1;
                }
            }
            fates.dominated = fates.dominated.or(&fresh);
        }
        self.arrive(encoding, transitions, state, fates, early, retrace)
    }

    /// Goes as far from here as there is nothing to choose. The cursor stands where the configuration does. `early` says that a blind
    /// operation took effect that need not have yet.
    pub(super) fn arrive(
        &mut self,
        encoding: &Encoding,
        transitions: &mut Transitions<'_>,
        state: StateId,
        mut fates: Fates<W>,
        early: bool,
        mut retrace: Option<&mut Retrace>,
    ) -> Arrival {
        self.extent.states += 1;
        let mut unseen = early;
        loop {
            let event = self.cursor.event;
            let mut observers = self.cursor.observers.minus(&fates.done);
            let mut waiting = Bits::EMPTY;
            while let Some(slot) = observers.pop() {
                let operation = &encoding.completed[self.cursor.slots[slot as usize] as usize];
                if transitions.step(state, operation.kind) == Transition::Illegal {
                    continue;
                }
                if !self.ready(encoding, event, &fates, operation.after) {
                    waiting.insert(slot);
                    continue;
                }
                fates.done.insert(slot);
                unseen = false;
                // One that waited, perhaps for this one, has another turn.
                observers = observers.or(&waiting);
                waiting = Bits::EMPTY;
                if let Some(retrace) = retrace.as_deref_mut() {
                    retrace.order.push((operation.index, event));
                }
            }
            let slot = encoding.completed[encoding.returns[event as usize] as usize].slot;
            if !fates.done.has(slot) {
                break;
            }
            fates.done.remove(slot);
            unseen = false;
            if event + 1 == self.limit {
                return self.goal(state, &fates);
            }
            self.cursor.seek(encoding, transitions, event + 1);
        }
        if retrace.is_some() {
            return Arrival::Back;
        }
        if unseen && !self.is_sensitive(encoding, &fates) {
            return Arrival::Back;
        }
        let state = match self.look_ahead(encoding, transitions, state, &fates) {
            Outlook::Open => state,
            Outlook::Hidden => HIDDEN,
            Outlook::Hopeless(observer) => {
                self.extent.horizon = self.extent.horizon.max(observer + 1);
                return Arrival::Back;
            }
        };
        self.extent.deepest = self.extent.deepest.max(self.cursor.event);
        fates.used = fates.used.or(&self.cursor.used_up);
        let configuration = Configuration { event: self.cursor.event, state, fates };
        let firm = self.cursor.open.minus(&self.cursor.blind);
        self.visited.insert(&configuration, &firm).map_or(Arrival::Back, |id| Arrival::New(id, unseen))
    }

    /// What holds when a new configuration was reached.
    pub(super) fn invariants(&self, encoding: &Encoding, id: u32) {
        if cfg!(debug_assertions) {
            let Configuration { event, fates, .. } = self.visited.get(id);
            let Fates { done, dominated, used } = fates;
            let returning = encoding.completed[encoding.returns[*event as usize] as usize].slot;
            self.cursor.invariants();
            self.visited.invariants(used);
            debug_assert!(*event == self.cursor.event && *event < self.limit, "it stands before a return that is to be passed");
            debug_assert!(done.is_within(&self.cursor.open), "what took effect before its return is open");
            // A window may begin with an operation dominated that turns out to be tied, and is not blind any more.
            debug_assert!(dominated.is_within(&self.cursor.open), "what is dominated is open");
            debug_assert!(done.and(dominated).is_empty(), "what took effect need not be dominated");
            debug_assert!(!done.has(returning), "a return whose operation took effect is passed at once");
        }
    }

    /// All returns are passed.
    pub(super) fn goal(&mut self, state: StateId, fates: &Fates<W>) -> Arrival {
        let Some(checkpoints) = &mut self.checkpoints else { return Arrival::Goal(state) };
        let configuration = Configuration { event: self.limit, state, fates: *fates };
        let firm = self.cursor.open.minus(&self.cursor.blind);
        checkpoints.extend(self.visited.insert(&configuration, &firm));
        Arrival::Back
    }

    /// Whether a path leads from here to a state that fits the next observer to return.
    fn look_ahead(&self, encoding: &Encoding, transitions: &mut Transitions<'_>, state: StateId, fates: &Fates<W>) -> Outlook {
        let event = self.cursor.event;
        let opened = encoding.opened[event as usize];
        let mut observer = encoding.observer[event as usize];
        // Where all ends are collected, the search will go on from there: what is known of later returns helps.
        let limit = if self.checkpoints.is_some() { encoding.returns.len() as u32 } else { self.limit };
        let wanted = loop {
            if observer >= limit {
                return Outlook::Open;
            }
            let place = encoding.returns[observer as usize];
            let operation = &encoding.completed[place as usize];
            if place >= opened || !fates.done.has(operation.slot) {
                break operation.kind;
            }
            observer = encoding.observer[observer as usize + 1];
        };
        if transitions.leads(state, wanted) {
            return Outlook::Open;
        }
        let open = self.cursor.open.minus(&fates.done);
        let later = &encoding.completed[opened as usize..encoding.opened[observer as usize] as usize];
        let indeterminate = || {
            (0..encoding.classes.len() as u32)
                .filter_map(|class| self.unused(encoding, class, fates))
                .filter(|indeterminate| indeterminate.from <= observer)
        };
        // Something has to overwrite the state before the observer can take effect.
        let mut fits = |kind| transitions.role(kind).leaves().is_some_and(|left| transitions.leads(left, wanted));
        if !self.open_kinds(encoding, open).any(&mut fits)
            && !later.iter().any(|operation| fits(operation.kind))
            && !indeterminate().any(|indeterminate| fits(indeterminate.kind))
        {
            return Outlook::Hopeless(observer);
        }
        // Does an operation see the state before? Where all ends are collected, one behind the last return may.
        if state == HIDDEN || self.checkpoints.is_some() {
            return Outlook::Open;
        }
        let mut sees = |kind| match transitions.role(kind) {
            InternedRole::Write(_) | InternedRole::Update => false,
            InternedRole::Observer => transitions.leads(state, kind),
            InternedRole::Swap(_) | InternedRole::Other => true,
        };
        let seen = self.open_kinds(encoding, open).any(&mut sees)
            || later.iter().any(|operation| sees(operation.kind))
            || indeterminate().any(|indeterminate| sees(indeterminate.kind));
        if seen { Outlook::Open } else { Outlook::Hidden }
    }

    /// The next operation of this class to take effect.
    #[inline]
    fn unused<'p>(&self, encoding: &'p Encoding, number: u32, fates: &Fates<W>) -> Option<&'p Indeterminate> {
        let (class, place) = (&encoding.classes[number as usize], &self.cursor.tally.fields[number as usize]);
        if place.mask != 0 {
            let used = fates.used.count(place);
            return (used < class.count).then(|| &encoding.indeterminate[(class.start + used) as usize]);
        }
        if class.until < self.cursor.event {
            return None;
        }
        let used = self.spent.as_ref().map_or(0, |spent| spent[number as usize]);
        let next = (used < class.count).then(|| &encoding.indeterminate[(class.start + used) as usize]);
        if used > 0 && next.is_none_or(|next| next.from > self.cursor.event) {
            self.short.borrow_mut()[number as usize] = true;
        }
        next
    }

    /// The kinds of the operations in these slots.
    fn open_kinds<'s>(&'s self, encoding: &'s Encoding, mut slots: Bits<W>) -> impl Iterator<Item = u32> + 's {
        std::iter::from_fn(move || slots.pop()).map(|slot| encoding.completed[self.cursor.slots[slot as usize] as usize].kind)
    }

    /// Lets no more operations of a class that is not counted take effect than there are, on each path by itself. What was reached by one
    /// path is not tried by another all the same; so that nothing is found means nothing, but what is found is an order.
    pub(super) fn limit_uncounted(&mut self, encoding: &Encoding) {
        self.near_first = true;
        self.spent = Some(vec![0; encoding.classes.len()]);
        *self.short.get_mut() = vec![false; encoding.classes.len()];
    }

    /// The classes of which there were too few for some path.
    pub(super) fn short(&self) -> Vec<bool> {
        self.short.borrow().clone()
    }
}

/// What looking ahead shows.
enum Outlook {
    /// Nothing stands in the way.
    Open,
    /// The state will be overwritten before any operation sees it.
    Hidden,
    /// No state that can be reached fits the observer with this return.
    Hopeless(u32),
}
