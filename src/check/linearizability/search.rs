//! The search for an order, over returns: just-in-time linearization.
//!
//! The search stands before a return, in a state, and knows which of the open operations took effect. To pass the return, its operation
//! must have. So operations take effect no earlier than some return asks for it (G. Lowe, *Testing for linearizability*, 2017), but for
//! five things:
//!
//! - *Observers at once.* An open operation that changes nothing and is legal now takes effect now: it only gets out of the way.
//! - *Hidden writes.* When a write takes effect, every blind operation open then could have done so just before it, and nobody would
//!   know. Such an operation is *covered*: its return is passed freely, though until then it may still take effect in earnest.
//!   And a write that nobody could see before the next one, or before the return is passed, is left for later.
//! - *One of those alike.* Of open operations that ask for the same and got the same answer, the one that returns first goes first.
//! - *Unknown outcomes* are used when they help, the oldest of those alike first; those that can help nobody any more are out of the way.
//! - *Looking ahead.* The next observer to return must find a fitting state: the present one must lead there, or one that an operation
//!   still to be used would leave. If none does, the search turns back here instead of finding out later. If the present one does not, and
//!   nobody else can see it before it is overwritten, all such states are one.

mod beam;
mod cursor;

use std::cell::RefCell;

use self::beam::Beam;
use self::cursor::Cursor;
use super::loose::Tally;
use super::machine::{HIDDEN, INITIAL, Part, StateId, Step, Steps};
use super::plan::{Loose, NONE, Plan};
use super::visited::{Bits, Configuration, Fates, Visited};

/// What a search has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is an order.
    Found,
    /// There is none.
    Exhausted,
    /// The budget ended.
    Paused,
}

/// A search that can be paused and taken up again.
pub(super) struct Search<const W: usize> {
    cursor: Cursor<W>,
    visited: Visited<W>,
    /// The way from the start to where the search is, with the choice tried last at each place.
    way: Vec<Frame>,
    /// How many returns are to be passed.
    limit: u32,
    /// Where to start, as far as that was not tried yet.
    starts: Vec<Stand>,
    started: bool,
    /// Configurations reached, new or not.
    pub(super) states: u64,
    /// One past the last return that had a part in turning back: no order passes it.
    pub(super) horizon: u32,
    /// The furthest return before which it stood.
    pub(super) deepest: u32,
    /// How many operations of each class that is not counted took effect on the way, if no more may than there are.
    spent: Option<Vec<u32>>,
    /// The classes of which there were too few for some way.
    short: RefCell<Vec<bool>>,
    /// Where no further return had to be passed, if all ends are asked for.
    ends: Option<Vec<End>>,
    /// The same as configurations, by their numbers, if it is to be known from where to go on.
    stands: Option<Vec<u32>>,
    /// Whether what leads near is tried before what leads far.
    near_first: bool,
    /// Whether it goes back far when it gets no further.
    patience: Option<Patience>,
    /// What is ahead if it goes on in breadth.
    beam: Option<Beam>,
}

/// A configuration in the terms of its plan, however wide the search: where to start, or where the last return was passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) state: StateId,
    /// Open operations that took effect, and those that are covered, by their places in the plan.
    pub(super) done: Vec<u32>,
    pub(super) covered: Vec<u32>,
    /// How many operations of each class of unknown outcome took effect.
    pub(super) used: Vec<u32>,
}

/// The end of an order that passes all returns asked for.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) state: StateId,
    way: Vec<Frame>,
}

/// How many ends are kept: one for each state, and no more than this.
const ENDS: usize = 64;

/// How a search gets on that need not look everywhere.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// So many states may lead no further.
    states: u64,
    /// The furthest return before which it stood, and how many states had been reached when it got there or went back.
    reached: u32,
    since: u64,
    /// How many returns it goes back next time.
    leap: u32,
    /// Whether it ever did.
    leapt: bool,
}

const FIRST_LEAP: u32 = 16;

#[derive(Clone, Copy, Debug)]
struct Frame {
    configuration: u32,
    next: Choice,
    taken: Choice,
    /// Whether the last to take effect was a blind operation that need not have yet, and nobody has seen it. A write would hide it, and
    /// could as well have gone without it. And if the returning operation is covered, it could as well have taken effect itself, with the
    /// other to follow after the return. So neither is tried.
    unseen: bool,
}

/// What to do before a return, in the order in which it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// Pass the return: its operation is covered.
    Pass,
    /// The returning operation takes effect; where several states may follow, the one with this number.
    Returning(u32),
    /// The open operation in this slot takes effect first.
    Open(Reach, u32, u32),
    /// An operation of unknown outcome, of this class, takes effect first.
    Loose(Reach, u32, u32),
    Nothing,
}

/// How far something that takes effect first leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// It leaves a state in which the returning operation is legal. Or it is not asked how far.
    Near,
    Far,
}

/// An order of operations: each with the rank, among all completions of the history, of the return before which it took effect.
pub(super) type Order = Vec<(u32, u32)>;

/// Where a configuration led.
enum Arrival {
    /// All returns are passed.
    Goal,
    /// Nowhere, or nowhere new.
    Back,
    /// A configuration to go on from; and whether the operation that led here is [`Frame::unseen`].
    New(u32, bool),
}

/// What looking ahead shows.
enum Outlook {
    /// Nothing stands in the way.
    Open,
    /// The state will be overwritten before anybody sees it.
    Hidden,
    /// No state that can be reached fits the observer with this return.
    Hopeless(u32),
}

/// Takes notes while a way is walked again.
#[derive(Default)]
struct Log {
    order: Vec<(u32, u32)>,
    /// Covered operations that were passed, with the place in the order before which they hide.
    hidden: Vec<(usize, u32)>,
    /// For each slot, the place in the order of the write that covers it.
    covers: Vec<usize>,
}

impl<const W: usize> Search<W> {
    /// A search for an order that passes the first `limit` returns.
    pub(super) fn new(plan: &Plan, limit: u32, tally: Tally) -> Self {
        Self {
            visited: Visited::new(&tally),
            spent: None,
            short: RefCell::new(Vec::new()),
            cursor: Cursor::new(plan, tally),
            way: Vec::new(),
            limit,
            starts: Vec::new(),
            started: false,
            states: 0,
            horizon: 0,
            deepest: 0,
            ends: None,
            stands: None,
            near_first: false,
            patience: None,
            beam: None,
        }
    }

    /// Starts not in the initial state, but in each of these configurations. What they speak of is open before the first return.
    pub(super) fn start_from(&mut self, starts: Vec<Stand>) {
        self.starts = starts;
    }

    /// From now on, the search goes back far when so many states led no further. What it finds is an order all the same. Not for one that
    /// spares.
    pub(super) fn hurry(&mut self, states: u64) {
        self.near_first = true;
        self.patience = Some(Patience { states, reached: 0, since: 0, leap: FIRST_LEAP, leapt: false });
    }

    /// Whether it ever went back far, and so may have passed by an order.
    pub(super) fn has_leapt(&self) -> bool {
        self.patience.is_some_and(|patience| patience.leapt)
    }

    /// From now on, the search does not stop at the first order, but collects all configurations in which one can end.
    pub(super) fn seek_stands(&mut self) {
        self.stands = Some(Vec::new());
    }

    /// The configurations collected so far.
    pub(super) fn stands(&mut self, plan: &Plan, steps: &Steps<'_>) -> Vec<Stand> {
        let found = self.stands.take().unwrap_or_default();
        if found.is_empty() {
            return Vec::new();
        }
        self.cursor.seek(plan, steps, self.limit - 1);
        let places =
            |mut slots: Bits<W>| -> Vec<u32> { std::iter::from_fn(|| slots.pop()).map(|slot| self.cursor.slots[slot as usize]).collect() };
        let stand = |id: &u32| {
            let Configuration { state, fates, .. } = self.visited.get(*id);
            let used = self.cursor.tally.places.iter().map(|place| fates.used.count(place)).collect();
            Stand { state: *state, done: places(fates.done), covered: places(fates.covered), used }
        };
        found.iter().filter(|id| !self.visited.is_outdone(**id, &found)).map(stand).collect()
    }

    /// The state and the fates of a start.
    fn start(&self, plan: &Plan, start: &Stand) -> (StateId, Fates<W>) {
        let mut fates = Fates::NONE;
        start.done.iter().for_each(|place| fates.done.insert(plan.planned[*place as usize].slot));
        start.covered.iter().for_each(|place| fates.covered.insert(plan.planned[*place as usize].slot));
        for (place, count) in self.cursor.tally.places.iter().zip(&start.used).filter(|(place, _)| place.mask != 0) {
            fates.used.set_count(place, *count);
        }
        (start.state, fates)
    }

    /// Goes on until there is an answer, or this many more states were reached.
    pub(super) fn run(&mut self, plan: &Plan, steps: &mut Steps<'_>, budget: u64) -> Progress {
        let end = self.states.saturating_add(budget);
        if !self.started {
            if self.limit == 0 {
                return match self.goal(INITIAL, &Fates::NONE) {
                    Arrival::Goal => Progress::Found,
                    _ => Progress::Exhausted,
                };
            }
            if self.starts.is_empty() {
                self.starts.push(Stand { state: INITIAL, done: Vec::new(), covered: Vec::new(), used: Vec::new() });
            }
            self.started = true;
            self.cursor.open_before(plan, steps, 0);
        }
        loop {
            self.lose_patience();
            if self.way.is_empty() && self.starts.is_empty() {
                return Progress::Exhausted;
            }
            if self.states >= end {
                return Progress::Paused;
            }
            let arrival = if let Some(frame) = self.way.last().copied() {
                if let (Choice::Loose(_, class, _), Some(spent)) = (frame.taken, &mut self.spent) {
                    spent[class as usize] -= u32::from(self.cursor.tally.places[class as usize].mask == 0);
                }
                let configuration = *self.visited.get(frame.configuration);
                self.cursor.seek(plan, steps, configuration.event);
                let Some((choice, state, next)) = self.choose(plan, steps, &configuration, frame.next, frame.unseen) else {
                    self.horizon = self.horizon.max(configuration.event + 1);
                    self.way.pop();
                    continue;
                };
                let top = self.way.last_mut().expect("there is a frame");
                top.next = next;
                top.taken = choice;
                self.follow(plan, steps, &configuration, choice, state, None)
            } else {
                let start = self.starts.pop().expect("there is a start if there is no way");
                let (state, fates) = self.start(plan, &start);
                self.cursor.seek(plan, steps, 0);
                self.arrive(plan, steps, state, fates, false, None)
            };
            match arrival {
                Arrival::Goal => return Progress::Found,
                Arrival::Back => {}
                Arrival::New(id, unseen) => self.enter(plan, id, unseen),
            }
        }
    }

    /// Goes back far at once, and further each time, if for long no return was reached that was not before.
    fn lose_patience(&mut self) {
        let Some(patience) = &mut self.patience else { return };
        if self.deepest > patience.reached {
            (patience.reached, patience.since, patience.leap) = (self.deepest, self.states, FIRST_LEAP);
        } else if self.states - patience.since >= patience.states {
            let back = self.deepest.saturating_sub(patience.leap);
            while self.way.pop_if(|frame| self.visited.get(frame.configuration).event > back).is_some() {}
            (patience.since, patience.leap, patience.leapt) = (self.states, patience.leap.saturating_mul(2), true);
        }
    }

    fn enter(&mut self, plan: &Plan, id: u32, unseen: bool) {
        let next = self.first_choice(plan, id, unseen);
        self.way.push(Frame { configuration: id, next, taken: Choice::Nothing, unseen });
    }

    /// What to try first from a configuration that was reached like this.
    fn first_choice(&self, plan: &Plan, id: u32, unseen: bool) -> Choice {
        let configuration = self.visited.get(id);
        let slot = plan.planned[plan.returns[configuration.event as usize] as usize].slot;
        if configuration.fates.covered.has(slot) && !unseen { Choice::Pass } else { Choice::Returning(0) }
    }

    /// The first choice from `choice` on that is possible, the state that it leaves, and what to try after it.
    fn choose(
        &self,
        plan: &Plan,
        steps: &mut Steps<'_>,
        configuration: &Configuration<W>,
        mut choice: Choice,
        unseen: bool,
    ) -> Option<(Choice, StateId, Choice)> {
        let Configuration { event, state, fates } = configuration;
        let returning = plan.returns[*event as usize];
        let returning_slot = plan.planned[returning as usize].slot;
        let hides = |steps: &Steps<'_>, kind| unseen && matches!(steps.part(kind), Part::Write(_));
        loop {
            match choice {
                Choice::Pass => return Some((choice, *state, Choice::Returning(0))),
                Choice::Returning(branch) => {
                    let operation = &plan.planned[returning as usize];
                    let possible = self.ready(plan, *event, fates, operation.after) && !hides(steps, operation.kind);
                    if possible && let Some((next, more)) = branch_of(steps, *state, operation.kind, branch) {
                        let after = if more { Choice::Returning(branch + 1) } else { Choice::Open(Reach::Near, 0, 0) };
                        return Some((choice, next, after));
                    }
                    choice = Choice::Open(Reach::Near, 0, 0);
                }
                // With nobody to see them, other writes can wait.
                Choice::Open(Reach::Near, 0, 0) if !self.is_sharp(plan, fates) && self.cursor.observers.minus(&fates.done).is_empty() => {
                    return None;
                }
                Choice::Open(reach, slot, branch) if slot < plan.slots => {
                    choice = Choice::Open(reach, slot + 1, 0);
                    if slot == returning_slot || !self.cursor.open.has(slot) || fates.done.has(slot) || self.cursor.observers.has(slot) {
                        continue;
                    }
                    let operation = &plan.planned[self.cursor.slots[slot as usize] as usize];
                    if reach != self.reach(plan, steps, returning, operation.kind)
                        || !self.ready(plan, *event, fates, operation.after)
                        || hides(steps, operation.kind)
                        || self.is_led(plan, fates, slot)
                    {
                        continue;
                    }
                    if let Some((next, more)) = branch_of(steps, *state, operation.kind, branch) {
                        let after = if more { Choice::Open(reach, slot, branch + 1) } else { choice };
                        return Some((Choice::Open(reach, slot, branch), next, after));
                    }
                }
                Choice::Open(reach, ..) => choice = Choice::Loose(reach, 0, 0),
                Choice::Loose(reach, place, branch) if (place as usize) < plan.classes.len() => {
                    choice = Choice::Loose(reach, place + 1, 0);
                    let Some(loose) = self.unused(plan, place, fates) else { continue };
                    if loose.from > *event
                        || reach != self.reach(plan, steps, returning, loose.kind)
                        || !self.ready(plan, *event, fates, loose.after)
                        || hides(steps, loose.kind)
                    {
                        continue;
                    }
                    if let Some((next, more)) = branch_of(steps, *state, loose.kind, branch) {
                        let after = if more { Choice::Loose(reach, place, branch + 1) } else { choice };
                        return Some((Choice::Loose(reach, place, branch), next, after));
                    }
                }
                Choice::Loose(Reach::Near, ..) if self.near_first => choice = Choice::Open(Reach::Far, 0, 0),
                Choice::Loose(..) | Choice::Nothing => return None,
            }
        }
    }

    /// Whether another open operation that asks for the same goes before the one in this slot: it returns first. If it goes later in some
    /// order, the two can change places. Only if it is covered and this one is not, each may be needed first.
    fn is_led(&self, plan: &Plan, fates: &Fates<W>, slot: u32) -> bool {
        let here = &plan.planned[self.cursor.slots[slot as usize] as usize];
        let mut others = self.cursor.open.minus(&fates.done).minus(&self.cursor.observers);
        if !fates.covered.has(slot) {
            others = others.minus(&fates.covered);
        }
        !here.tied
            && std::iter::from_fn(|| others.pop()).any(|other| {
                let there = &plan.planned[self.cursor.slots[other as usize] as usize];
                there.kind == here.kind && there.returns < here.returns && !there.tied
            })
    }

    /// How far an operation of this kind leads.
    fn reach(&self, plan: &Plan, steps: &mut Steps<'_>, returning: u32, kind: u32) -> Reach {
        let wanted = plan.planned[returning as usize].kind;
        let near = !self.near_first || steps.part(kind).leaves().is_some_and(|left| steps.step(left, wanted) != Step::Illegal);
        if near { Reach::Near } else { Reach::Far }
    }

    /// Whether something other than covered writes and observers can still take effect.
    fn is_sharp(&self, plan: &Plan, fates: &Fates<W>) -> bool {
        plan.loose_sharp || !self.cursor.sharp.minus(&fates.done).is_empty()
    }

    /// Whether the operation that must come first, if there is one, took effect.
    fn ready(&self, plan: &Plan, event: u32, fates: &Fates<W>, after: u32) -> bool {
        after == NONE || {
            let operation = &plan.planned[after as usize];
            operation.returns < event || fates.done.has(operation.slot)
        }
    }

    /// Makes a choice.
    fn follow(
        &mut self,
        plan: &Plan,
        steps: &mut Steps<'_>,
        configuration: &Configuration<W>,
        choice: Choice,
        state: StateId,
        log: Option<&mut Log>,
    ) -> Arrival {
        let mut fates = configuration.fates;
        let event = configuration.event;
        let mut log = log;
        let returning = plan.returns[event as usize];
        let returning_slot = plan.planned[returning as usize].slot;
        // Other operations go before a covered one only for its taking effect in earnest; were it to be passed, they could wait.
        let in_earnest = choice != Choice::Pass && fates.covered.has(returning_slot);
        fates.covered.remove(returning_slot);
        let (kind, early) = match choice {
            Choice::Pass => {
                if let Some(log) = log.as_deref_mut() {
                    log.hidden.push((log.covers[returning_slot as usize], plan.planned[returning as usize].index));
                }
                if event + 1 == self.limit {
                    return self.goal(configuration.state, &fates);
                }
                self.cursor.seek(plan, steps, event + 1);
                return self.arrive(plan, steps, configuration.state, fates, false, log);
            }
            Choice::Returning(_) | Choice::Open(..) => {
                let slot = match choice {
                    Choice::Open(_, slot, _) => slot,
                    _ => returning_slot,
                };
                fates.done.insert(slot);
                fates.covered.remove(slot);
                let operation = &plan.planned[self.cursor.slots[slot as usize] as usize];
                if let Some(log) = log.as_deref_mut() {
                    log.order.push((operation.index, event));
                }
                (operation.kind, slot != returning_slot && self.cursor.coverable.has(slot))
            }
            Choice::Loose(_, place, _) => {
                let loose = self.unused(plan, place, &fates).expect("a choice was possible");
                let counted = &self.cursor.tally.places[place as usize];
                if counted.mask != 0 {
                    fates.used.count_up(counted);
                } else if let Some(spent) = &mut self.spent {
                    spent[place as usize] += 1;
                }
                if let Some(log) = log.as_deref_mut() {
                    log.order.push((loose.index, event));
                }
                (loose.kind, steps.part(loose.kind).is_blind())
            }
            Choice::Nothing => unreachable!("nothing is never chosen"),
        };
        if matches!(steps.part(kind), Part::Write(_)) {
            let mut fresh = self.cursor.coverable.minus(&fates.done).minus(&fates.covered);
            if in_earnest {
                fresh.remove(returning_slot);
            }
            if let Some(log) = log.as_deref_mut() {
                let mut slots = fresh;
                while let Some(slot) = slots.pop() {
                    log.covers[slot as usize] = log.order.len() - 1;
                }
            }
            fates.covered = fates.covered.or(&fresh);
        }
        self.arrive(plan, steps, state, fates, early, log)
    }

    /// Goes as far from here as there is nothing to choose. The cursor stands where the configuration does. `early` says that a blind
    /// operation took effect that need not have yet.
    fn arrive(
        &mut self,
        plan: &Plan,
        steps: &mut Steps<'_>,
        state: StateId,
        mut fates: Fates<W>,
        early: bool,
        mut log: Option<&mut Log>,
    ) -> Arrival {
        self.states += 1;
        let mut unseen = early;
        loop {
            let event = self.cursor.event;
            let mut observers = self.cursor.observers.minus(&fates.done);
            let mut waiting = Bits::EMPTY;
            while let Some(slot) = observers.pop() {
                let operation = &plan.planned[self.cursor.slots[slot as usize] as usize];
                if steps.step(state, operation.kind) == Step::Illegal {
                    continue;
                }
                if !self.ready(plan, event, &fates, operation.after) {
                    waiting.insert(slot);
                    continue;
                }
                fates.done.insert(slot);
                unseen = false;
                // One that waited, perhaps for this one, has another turn.
                observers = observers.or(&waiting);
                waiting = Bits::EMPTY;
                if let Some(log) = log.as_deref_mut() {
                    log.order.push((operation.index, event));
                }
            }
            let slot = plan.planned[plan.returns[event as usize] as usize].slot;
            if !fates.done.has(slot) {
                break;
            }
            fates.done.remove(slot);
            unseen = false;
            if event + 1 == self.limit {
                return self.goal(state, &fates);
            }
            self.cursor.seek(plan, steps, event + 1);
        }
        if log.is_some() {
            return Arrival::Back;
        }
        if unseen && !self.is_sharp(plan, &fates) {
            return Arrival::Back;
        }
        let state = match self.look_ahead(plan, steps, state, &fates) {
            Outlook::Open => state,
            Outlook::Hidden => HIDDEN,
            Outlook::Hopeless(observer) => {
                self.horizon = self.horizon.max(observer + 1);
                return Arrival::Back;
            }
        };
        self.deepest = self.deepest.max(self.cursor.event);
        fates.used = fates.used.or(&self.cursor.used_up);
        let configuration = Configuration { event: self.cursor.event, state, fates };
        let firm = self.cursor.open.minus(&self.cursor.coverable);
        self.visited.insert(&configuration, &firm).map_or(Arrival::Back, |id| Arrival::New(id, unseen))
    }

    fn goal(&mut self, state: StateId, fates: &Fates<W>) -> Arrival {
        if let Some(stands) = &mut self.stands {
            let configuration = Configuration { event: self.limit, state, fates: *fates };
            let firm = self.cursor.open.minus(&self.cursor.coverable);
            stands.extend(self.visited.insert(&configuration, &firm));
            return Arrival::Back;
        }
        match &mut self.ends {
            None => Arrival::Goal,
            Some(ends) => {
                if ends.len() < ENDS && ends.iter().all(|end| end.state != state) {
                    ends.push(End { state, way: self.way.clone() });
                }
                Arrival::Back
            }
        }
    }

    /// Lets no more operations of a class that is not counted take effect than there are, on each way by itself. What was reached by one
    /// way is not tried by another all the same; so that nothing is found means nothing, but what is found is an order.
    pub(super) fn spare(&mut self, plan: &Plan) {
        self.near_first = true;
        self.spent = Some(vec![0; plan.classes.len()]);
        *self.short.get_mut() = vec![false; plan.classes.len()];
    }

    /// The classes of which there were too few for some way.
    pub(super) fn short(&self) -> Vec<bool> {
        self.short.borrow().clone()
    }

    /// From now on, the search does not stop at the first order, but collects the ends of many.
    pub(super) fn seek_ends(&mut self) {
        self.ends = Some(Vec::new());
    }

    /// The ends collected so far.
    pub(super) fn ends(&mut self) -> &mut Vec<End> {
        self.ends.get_or_insert_default()
    }

    /// The order that leads to this end.
    pub(super) fn order_of(&mut self, plan: &Plan, steps: &mut Steps<'_>, end: &End) -> Order {
        self.ends = None;
        self.way.clone_from(&end.way);
        self.order(plan, steps)
    }

    /// Whether a way leads from here to a state that fits the next observer to return.
    fn look_ahead(&self, plan: &Plan, steps: &mut Steps<'_>, state: StateId, fates: &Fates<W>) -> Outlook {
        let event = self.cursor.event;
        let opened = plan.opened[event as usize];
        let mut observer = plan.observer[event as usize];
        // Who asks where an order can end goes on from there: what is known of later returns helps.
        let limit = if self.stands.is_some() { plan.returns.len() as u32 } else { self.limit };
        let wanted = loop {
            if observer >= limit {
                return Outlook::Open;
            }
            let place = plan.returns[observer as usize];
            let operation = &plan.planned[place as usize];
            if place >= opened || !fates.done.has(operation.slot) {
                break operation.kind;
            }
            observer = plan.observer[observer as usize + 1];
        };
        if steps.leads(state, wanted) {
            return Outlook::Open;
        }
        let open = self.cursor.open.minus(&fates.done);
        let later = &plan.planned[opened as usize..plan.opened[observer as usize] as usize];
        let loose =
            || (0..plan.classes.len() as u32).filter_map(|class| self.unused(plan, class, fates)).filter(|loose| loose.from <= observer);
        // Something has to overwrite the state before the observer can take effect.
        let mut fits = |kind| steps.part(kind).leaves().is_some_and(|left| steps.leads(left, wanted));
        if !self.open_kinds(plan, open).any(&mut fits)
            && !later.iter().any(|operation| fits(operation.kind))
            && !loose().any(|loose| fits(loose.kind))
        {
            return Outlook::Hopeless(observer);
        }
        // Does anyone see the state before? Whoever asks where orders end, with returns to follow, may.
        if state == HIDDEN || self.stands.is_some() {
            return Outlook::Open;
        }
        let mut sees = |kind| match steps.part(kind) {
            Part::Write(_) | Part::Update => false,
            Part::Observer => steps.leads(state, kind),
            Part::Swap(_) | Part::Other => true,
        };
        let seen = self.open_kinds(plan, open).any(&mut sees)
            || later.iter().any(|operation| sees(operation.kind))
            || loose().any(|loose| sees(loose.kind));
        if seen { Outlook::Open } else { Outlook::Hidden }
    }

    /// The next operation of this class to take effect.
    #[inline]
    fn unused<'p>(&self, plan: &'p Plan, number: u32, fates: &Fates<W>) -> Option<&'p Loose> {
        let (class, place) = (&plan.classes[number as usize], &self.cursor.tally.places[number as usize]);
        if place.mask != 0 {
            let used = fates.used.count(place);
            return (used < class.count).then(|| &plan.loose[(class.start + used) as usize]);
        }
        if class.until < self.cursor.event {
            return None;
        }
        let used = self.spent.as_ref().map_or(0, |spent| spent[number as usize]);
        let next = (used < class.count).then(|| &plan.loose[(class.start + used) as usize]);
        if used > 0 && next.is_none_or(|next| next.from > self.cursor.event) {
            self.short.borrow_mut()[number as usize] = true;
        }
        next
    }

    /// The kinds of the operations in these slots.
    fn open_kinds<'s>(&'s self, plan: &'s Plan, mut slots: Bits<W>) -> impl Iterator<Item = u32> + 's {
        std::iter::from_fn(move || slots.pop()).map(|slot| plan.planned[self.cursor.slots[slot as usize] as usize].kind)
    }

    /// The order found, by walking the way again.
    pub(super) fn order(&mut self, plan: &Plan, steps: &mut Steps<'_>) -> Order {
        if self.limit == 0 {
            return Order::new();
        }
        let mut log = Log { covers: vec![0; plan.slots as usize], ..Log::default() };
        self.spent.iter_mut().for_each(|spent| spent.fill(0));
        self.cursor.seek(plan, steps, 0);
        let start = INITIAL;
        self.arrive(plan, steps, start, Fates::NONE, false, Some(&mut log));
        for place in 0..self.way.len() {
            let frame = self.way[place];
            let configuration = *self.visited.get(frame.configuration);
            self.cursor.seek(plan, steps, configuration.event);
            let state = self.choose(plan, steps, &configuration, frame.taken, false).map(|(_, state, _)| state);
            let state = state.expect("a choice once taken can be taken again");
            self.follow(plan, steps, &configuration, frame.taken, state, Some(&mut log));
        }
        // Stable: those that hide before one write stay in the order of their returns.
        log.hidden.sort_by_key(|(place, _)| *place);
        let mut hidden = log.hidden.into_iter().peekable();
        let mut order = Order::with_capacity(log.order.len());
        for (place, (index, event)) in log.order.into_iter().enumerate() {
            while let Some((_, hiding)) = hidden.next_if(|(before, _)| *before == place) {
                order.push((hiding, plan.ranks[event as usize]));
            }
            order.push((index, plan.ranks[event as usize]));
        }
        order
    }
}

/// The state that applying this kind leaves, and whether there are others to try.
#[inline]
pub(super) fn branch_of(steps: &mut Steps<'_>, state: StateId, kind: u32, branch: u32) -> Option<(StateId, bool)> {
    match steps.step(state, kind) {
        Step::Illegal => None,
        Step::To(next) => (branch == 0).then_some((next, false)),
        Step::Choice { start, end } => (start + branch < end).then(|| (steps.choice(start + branch), start + branch + 1 < end)),
    }
}
