//! Is there an order? A history is *linearizable* if its operations can be put in an order, each between its invocation and its
//! completion, in which a sequential object would have given the same answers (M. Herlihy and J. Wing, 1990).
//!
//! [`check`] judges a [`History`] against a [`Model`]. Operations that failed never took effect; those of unknown outcome may take effect
//! at any time after their invocation, or never. What precedes what is told in [`crate::history`].
//!
//! Keys are judged apart, each by a just-in-time search with a budget counted in states: the same history gives the same answer, and takes
//! the same number of steps, everywhere. Where it holds, the answer is an order; where it does not, every violated key is named.
//!
//! ```
//! use stormglass::base::{ClientId, Time};
//! use stormglass::check::{Verdict, linearizability, model::register::{Register, RegisterOp, RegisterResult}};
//! use stormglass::history::{History, Outcome};
//!
//! let (writer, reader) = (ClientId::new(0), ClientId::new(1));
//! let at = Time::from_nanos;
//! let mut history = History::new();
//! history.invoke(at(1), writer, RegisterOp::Write(5))?;
//! history.complete(at(2), writer, Outcome::Done(RegisterResult::Written))?;
//! history.invoke(at(3), reader, RegisterOp::Read)?;
//! history.complete(at(4), reader, Outcome::Done(RegisterResult::Value(None)))?;
//!
//! let report = linearizability::check(&Register::empty(), &history);
//! assert_eq!(report.verdict(), Verdict::Violated); // a stale read
//! for violation in report.violations() {
//!     let why = linearizability::explain(&Register::empty(), &history, violation);
//!     assert_eq!((why.needed, why.attempts[0].expected.as_str()), (2, "only 5 could have been read"));
//! }
//! # Ok::<(), stormglass::history::MalformedHistory>(())
//! ```

mod core;
mod counterexample;
mod diagnosis;
mod frontier;
mod hasty;
mod joint;
mod lent;
mod loose;
mod machine;
mod merge;
mod monitors;
pub mod online;
mod plan;
mod registers;
mod relaxed;
mod search;
pub mod twin;
mod visited;
mod witness;

use rustc_hash::FxHashMap;

pub use self::core::{Core, shrink};
pub use self::counterexample::{CoreOrder, Counterexample, DescribedOperation, Ending, Linearizability, Saw, UndecidedKey, explain};
pub(super) use self::counterexample::{Examined, Origin, Teller, examine, named};
pub use self::diagnosis::{Attempt, Diagnosis, diagnose};
use self::hasty::Hasty;
use self::joint::Joint;
pub use self::lent::{Lent, Part};
use self::loose::Tally;
use self::machine::{Machine, Object, Steps};
pub use self::online::{Breach, Online};
use self::plan::{Plan, Share, Ties};
use self::relaxed::{Finding, Relaxed};
use self::search::{End, Order, Progress, Search, Stand};
pub use self::witness::{NotAWitness, verify};
use super::model::{Key, Model};
use super::monitor::Opinion;
use super::{Drawing, Property, PropertyReport, Verdict};
use crate::history::{History, Outcome, Timeline};

/// How many states [`check`] explores in a history of this many operations before it gives up. A search that does not branch much needs
/// fewer than ten an operation, even to find out that there is no order.
pub const fn default_budget(operations: usize) -> u64 {
    4_000_000 + 20 * operations as u64
}

/// What the judge found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The answer.
    pub judgement: Judgement,
    /// How many states were explored in finding it.
    pub states: u64,
}

/// Whether the history is linearizable, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is.
    Holds {
        /// An order that shows it, by the operations' indices in the history. Operations of unknown outcome that it leaves out never took
        /// effect.
        witness: Vec<usize>,
    },
    /// It is not.
    Violated {
        /// Every key that is violated on its own.
        violations: Vec<Violation>,
        /// The keys for which the budget was too small.
        undecided: Vec<Undecided>,
    },
    /// The budget was too small to say.
    Unknown {
        /// The keys in question.
        undecided: Vec<Undecided>,
    },
}

/// A key whose operations have no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The key, as the model names it.
    pub key: String,
    /// All operations on the key that may have taken effect, in the order of their invocation.
    pub operations: Vec<usize>,
    /// How many of these completions, in their order, already admit no order; perhaps fewer do.
    pub completions: usize,
    /// Whether the keys hold apart and only together do not.
    joint: bool,
}

/// A key about which nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// The key, as the model names it.
    pub key: String,
    /// How many states were explored.
    pub states: u64,
    /// The furthest operation whose completion was looked at.
    pub operation: Option<usize>,
    /// Whether more is open or unknown at once than the search can hold, so that a larger budget would not help.
    pub too_wide: bool,
}

impl Report {
    /// The answer in a word.
    pub const fn verdict(&self) -> Verdict {
        match self.judgement {
            Judgement::Holds { .. } => Verdict::Holds,
            Judgement::Violated { .. } => Verdict::Violated,
            Judgement::Unknown { .. } => Verdict::Unknown,
        }
    }
}

impl Report {
    /// Every key that is violated on its own; none unless the history is violated.
    pub fn violations(&self) -> &[Violation] {
        match &self.judgement {
            Judgement::Violated { violations, .. } => violations,
            Judgement::Holds { .. } | Judgement::Unknown { .. } => &[],
        }
    }
}

/// The property that clients' histories are judged by.
pub const LINEARIZABILITY: Property = Property::always(
    "linearizability",
    "what the clients saw can be put in one order, each operation between its invocation and its completion, that a single copy of \
     each key would have answered the same (Herlihy and Wing, 1990)",
);

/// Judges whether the history is linearizable, exploring no more than about this many states, and says why not: as this property.
pub fn judge<M: Model>(property: &Property, model: &M, history: &History<M::Op, M::Ret>, budget: u64) -> PropertyReport {
    examine(&Teller { model, history, origin: None }, budget).property(property)
}

/// As [`judge`], with all that is needed besides to draw the history.
pub fn judge_and_draw<M: Model>(
    property: &Property,
    model: &M,
    history: &History<M::Op, M::Ret>,
    budget: u64,
) -> (PropertyReport, Drawing) {
    let teller = Teller { model, history, origin: None };
    let examined = examine(&teller, budget);
    (examined.property(property), Drawing::new(&teller, &examined))
}

/// Judges whether the history is linearizable, within the [`default_budget`].
pub fn check<M: Model>(model: &M, history: &History<M::Op, M::Ret>) -> Report {
    check_within(model, history, default_budget(history.len()))
}

/// Judges whether the history is linearizable, exploring no more than about this many states.
///
/// All keys get a small share of the budget before any gets a large one.
pub fn check_within<M: Model>(model: &M, history: &History<M::Op, M::Ret>, budget: u64) -> Report {
    check_by(Strategy::Usual, model, history, budget)
}

/// How a key is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// By searching a little; if that is not enough, by an algorithm made for the kind of object, where there is one that can judge the
    /// history; else by searching on, in turns with a search in a hurry, and one that counts operations of unknown outcome only as far as
    /// it has to.
    Usual,
    /// Only by searching.
    Search,
    /// Only by the search that counts as little as it has to.
    Relaxed,
    /// Only by searches in a hurry: they find some orders sooner, and rarely find that there is none.
    Hasty,
    /// Only by algorithms made for the kind of object: see [`monitor`](crate::check::monitor).
    Monitor,
}

/// Judges whether the history is linearizable in this way only: to compare one with the other.
pub fn check_by<M: Model>(strategy: Strategy, model: &M, history: &History<M::Op, M::Ret>, budget: u64) -> Report {
    let shares = partition(model, history);
    let mut judge = Judge::new(history, strategy, budget);
    let judgement = judge.apart(&|| Box::new(Machine::new(model, history)), &shares).unwrap_or_else(|| {
        let joint = Joint::new(model, &shares);
        judge.together(&|| Box::new(Machine::new(&joint, history)))
    });
    Report { judgement, states: judge.states }
}

/// What became of one key.
enum Ruling {
    Order(Order),
    Violated { completions: u32 },
    Undecided { states: u64, operation: Option<u32>, too_wide: bool },
}

fn gather(shares: &[(Key<'_>, Share)], rulings: Vec<Ruling>, joint: bool) -> Judgement {
    let (mut violations, mut undecided) = (Vec::new(), Vec::new());
    for ((key, share), ruling) in shares.iter().zip(rulings) {
        match ruling {
            Ruling::Order(_) => {}
            Ruling::Violated { completions } => violations.push(Violation {
                key: key.to_string(),
                operations: share.operations.iter().map(|index| *index as usize).collect(),
                completions: completions as usize,
                joint,
            }),
            Ruling::Undecided { states, operation, too_wide } => {
                undecided.push(Undecided { key: key.to_string(), states, operation: operation.map(|index| index as usize), too_wide });
            }
        }
    }
    if violations.is_empty() { Judgement::Unknown { undecided } } else { Judgement::Violated { violations, undecided } }
}

/// The history key by key, in order of first appearance.
fn partition<'a, M: Model>(model: &M, history: &'a History<M::Op, M::Ret>) -> Vec<(Key<'a>, Share)> {
    let mut shares: Vec<(Key<'a>, Share)> = Vec::new();
    let mut known: FxHashMap<Key<'a>, u32> = FxHashMap::default();
    let mut owner = Vec::with_capacity(history.len());
    for (index, operation) in history.operations().iter().enumerate() {
        let key = model.key(&operation.op);
        let share = match shares.first() {
            Some((first, _)) if *first == key => 0,
            None => {
                shares.push((key, Share::default()));
                0
            }
            Some(_) => *known.entry(key).or_insert_with(|| {
                shares.push((key, Share::default()));
                shares.len() as u32 - 1
            }),
        };
        owner.push(share);
        if operation.outcome != Outcome::Failed {
            shares[share as usize].1.operations.push(index as u32);
        }
    }
    for (rank, index) in history.completions().iter().enumerate() {
        if matches!(history.operations()[*index].outcome, Outcome::Done(_)) {
            shares[owner[*index] as usize].1.completions.push((*index as u32, rank as u32));
        }
    }
    shares
}

/// The whole history as one share.
fn whole(timeline: &dyn Timeline) -> Share {
    let completions = timeline.completions().iter().enumerate();
    Share {
        operations: (0..timeline.len() as u32).filter(|index| timeline.outcome(*index as usize) != Outcome::Failed).collect(),
        completions: completions.filter(|(_, index)| timeline.is_done(**index)).map(|(rank, index)| (*index as u32, rank as u32)).collect(),
    }
}

/// Makes the object that is to be judged, with nothing known of it yet.
type Maker<'a, 'o> = &'a dyn Fn() -> Box<dyn Object + 'o>;

struct Judge<'a> {
    timeline: &'a dyn Timeline,
    ties: Ties,
    strategy: Strategy,
    budget: u64,
    states: u64,
    places: Vec<u32>,
    rulings: Vec<Ruling>,
}

/// A key whose search is not over.
struct Case<'a> {
    share: usize,
    plan: Plan,
    object: Box<dyn Object + 'a>,
    /// None if more is open, or unknown, than a search can hold.
    search: Option<AnySearch>,
    /// The search that counts little, once it is needed.
    relaxed: Option<Relaxed>,
    /// The search in a hurry, once it is needed.
    hasty: Option<Hasty>,
}

/// What a key may explore before the next one has its turn; the next round allows more.
const FIRST_ROUND: u64 = 4096;

/// So many states for each return passed are taken to be a search that is stuck.
const STUCK: u64 = 2;

impl<'a> Judge<'a> {
    fn new(timeline: &'a dyn Timeline, strategy: Strategy, budget: u64) -> Self {
        Self { timeline, ties: Ties::Concurrent, strategy, budget, states: 0, places: vec![0; timeline.len()], rulings: Vec::new() }
    }

    /// An order of all operations, if there is one for each key and they agree.
    fn witness(&self) -> Option<Vec<usize>> {
        let mut orders = Vec::with_capacity(self.rulings.len());
        for ruling in &self.rulings {
            let Ruling::Order(order) = ruling else { return None };
            orders.push(order);
        }
        merge::merge(self.timeline, &orders)
    }

    /// Judges each key by itself; nothing if that does not tell.
    fn apart(&mut self, maker: Maker<'_, '_>, shares: &[(Key<'_>, Share)]) -> Option<Judgement> {
        self.judge(maker, shares);
        if self.rulings.iter().any(|ruling| !matches!(ruling, Ruling::Order(_))) {
            return Some(gather(shares, std::mem::take(&mut self.rulings), false));
        }
        let witness = self.witness().or_else(|| {
            // The keys hold apart, but the orders that were found contradict one another: possible only where several clients complete and
            // invoke operations on different keys at one instant. Most often there are others that do not: those that take what was
            // recorded first to have happened first. Then each event has an instant of its own, and keys that hold apart hold together
            // (Herlihy and Wing, section 3.1).
            (self.ties, self.strategy) = (Ties::AsRecorded, Strategy::Search);
            self.judge(maker, shares);
            self.witness()
        });
        witness.map(|witness| Judgement::Holds { witness })
    }

    /// Judges all keys as one object.
    fn together(&mut self, maker: Maker<'_, '_>) -> Judgement {
        let all = [(Key::Whole, whole(self.timeline))];
        (self.ties, self.strategy) = (Ties::Concurrent, Strategy::Usual);
        self.judge(maker, &all);
        match self.rulings.pop() {
            Some(Ruling::Order(order)) => Judgement::Holds { witness: order.into_iter().map(|(index, _)| index as usize).collect() },
            Some(ruling) => gather(&all, vec![ruling], true),
            None => unreachable!("there is a ruling for each share"),
        }
    }

    /// Finds a ruling for each share.
    fn judge(&mut self, maker: Maker<'_, '_>, shares: &[(Key<'_>, Share)]) {
        self.rulings.clear();
        let mut open = Vec::new();
        for (share, (_, events)) in shares.iter().enumerate() {
            let mut object = maker();
            let plan = Plan::new(&mut *object, events, self.ties, &mut self.places);
            let exact = matches!(self.strategy, Strategy::Usual | Strategy::Search);
            let search = if exact { AnySearch::exact(&plan, plan.returns.len() as u32) } else { None };
            let mut case = Case { share, plan, object, search, relaxed: None, hasty: None };
            let mut ruling = self.turn(&mut case, FIRST_ROUND);
            if ruling.is_none() && matches!(self.strategy, Strategy::Usual | Strategy::Monitor) {
                ruling = case.consult();
            }
            if ruling.is_none() && matches!(self.strategy, Strategy::Usual | Strategy::Relaxed) {
                case.relaxed = Relaxed::new(&case.plan, case.object.table(), case.plan.returns.len() as u32);
            }
            if ruling.is_none() && matches!(self.strategy, Strategy::Usual | Strategy::Hasty) {
                case.hasty = Hasty::new(&case.plan);
            }
            // A ruling for each share, in their order, that later rounds may better.
            let over = ruling.is_some() || (case.search.is_none() && case.relaxed.is_none() && case.hasty.is_none());
            self.rulings.push(ruling.unwrap_or_else(|| case.undecided()));
            if !over {
                open.push(case);
            }
        }
        let (mut allowance, mut hasty_first) = (FIRST_ROUND, true);
        while !open.is_empty() && self.states < self.budget {
            allowance = allowance.saturating_mul(4);
            // Either may be the one that finds out, and the last round leaves nothing to the others: they take turns in going first.
            hasty_first = !hasty_first;
            open.retain_mut(|case| {
                let ruling = if hasty_first {
                    self.hasty_turn(case, allowance).or_else(|| self.relaxed_turn(case, allowance))
                } else {
                    self.relaxed_turn(case, allowance).or_else(|| self.hasty_turn(case, allowance))
                };
                let ruling = ruling.or_else(|| self.turn(case, allowance));
                let over = ruling.is_some();
                self.rulings[case.share] = ruling.unwrap_or_else(|| case.undecided());
                !over
            });
        }
    }

    /// What the patient search makes of it, if there is one.
    fn turn(&mut self, case: &mut Case<'_>, allowance: u64) -> Option<Ruling> {
        let Case { plan, object, search: Some(search), .. } = case else { return None };
        let mut progress = Progress::Paused;
        let ruling = self.spend(allowance, search, AnySearch::states, |search, budget| {
            progress = search.run(plan, &mut object.steps(), budget);
            if progress == Progress::Exhausted { Finding::Violated(search.horizon()) } else { Finding::Paused }
        });
        // To walk the way again explores nothing.
        if progress == Progress::Found { Some(Ruling::Order(search.order(plan, &mut object.steps()))) } else { ruling }
    }

    /// What the search in a hurry makes of it, if there is one and the patient one does not get on by itself.
    fn hasty_turn(&mut self, case: &mut Case<'_>, allowance: u64) -> Option<Ruling> {
        if case.gets_on() {
            return None;
        }
        let Case { plan, object, hasty: Some(hasty), .. } = case else { return None };
        self.spend(allowance, hasty, Hasty::states, |hasty, budget| hasty.run(plan, &mut object.steps(), budget))
    }

    /// What the search that counts little makes of it, if there is one.
    fn relaxed_turn(&mut self, case: &mut Case<'_>, allowance: u64) -> Option<Ruling> {
        let Case { plan, object, relaxed: Some(relaxed), .. } = case else { return None };
        self.spend(allowance, relaxed, Relaxed::states, |relaxed, budget| relaxed.run(plan, &mut object.steps(), budget))
    }

    /// Lets something search for so many states, or as many as are left, and notes how many it took.
    fn spend<S>(
        &mut self,
        allowance: u64,
        search: &mut S,
        states: impl Fn(&S) -> u64,
        run: impl FnOnce(&mut S, u64) -> Finding,
    ) -> Option<Ruling> {
        let before = states(search);
        let finding = run(search, allowance.min(self.budget.saturating_sub(self.states)));
        self.states += states(search) - before;
        match finding {
            Finding::Order(order) => Some(Ruling::Order(order)),
            Finding::Violated(completions) => Some(Ruling::Violated { completions }),
            Finding::Paused => None,
        }
    }
}

impl Case<'_> {
    /// Whether the patient search has not been stuck yet for as long as it took to get where it is.
    fn gets_on(&self) -> bool {
        self.search.as_ref().is_some_and(|search| search.states() < STUCK * (FIRST_ROUND + u64::from(search.deepest())))
    }

    /// How many states were explored.
    fn states(&self) -> u64 {
        let exact = self.search.as_ref().map_or(0, AnySearch::states);
        exact + self.relaxed.as_ref().map_or(0, Relaxed::states) + self.hasty.as_ref().map_or(0, Hasty::states)
    }

    /// What an algorithm made for the kind of object has to say.
    fn consult(&self) -> Option<Ruling> {
        let completions = self.plan.returns.len() as u32;
        if let Some(event) = monitors::sourceless(&self.plan, self.object.table()) {
            return Some(Ruling::Violated { completions: event + 1 });
        }
        match monitors::consult(&*self.object, &self.plan, completions) {
            Opinion::Unfit => None,
            Opinion::Violated => Some(Ruling::Violated { completions }),
            Opinion::Order(order) => Some(Ruling::Order(monitors::ranked(&self.plan, &order))),
        }
    }

    fn undecided(&self) -> Ruling {
        let deepest = self.search.as_ref().and_then(|search| self.plan.returns.get(search.deepest() as usize));
        let operation = deepest.map(|place| self.plan.planned[*place as usize].index);
        Ruling::Undecided { states: self.states(), operation, too_wide: self.search.is_none() }
    }
}

/// A search as wide as it has to be.
enum AnySearch {
    One(Box<Search<1>>),
    Four(Box<Search<4>>),
    Sixteen(Box<Search<16>>),
    SixtyFour(Box<Search<64>>),
    TwoHundred(Box<Search<256>>),
}

macro_rules! any {
    ($any:expr, $search:ident => $body:expr) => {
        match $any {
            AnySearch::One($search) => $body,
            AnySearch::Four($search) => $body,
            AnySearch::Sixteen($search) => $body,
            AnySearch::SixtyFour($search) => $body,
            AnySearch::TwoHundred($search) => $body,
        }
    };
}

impl AnySearch {
    /// A search that counts all operations of unknown outcome.
    fn exact(plan: &Plan, limit: u32) -> Option<Self> {
        Self::new(plan, limit, Tally::new(&plan.classes, |_| true))
    }

    /// Nothing if more is open than 16384 operations, or unknown than can be counted in as many bits.
    fn new(plan: &Plan, limit: u32, tally: Tally) -> Option<Self> {
        Some(match tally.guards.len().max((plan.slots as usize).div_ceil(64)) {
            0..=1 => Self::One(Box::new(Search::new(plan, limit, tally))),
            2..=4 => Self::Four(Box::new(Search::new(plan, limit, tally))),
            5..=16 => Self::Sixteen(Box::new(Search::new(plan, limit, tally))),
            17..=64 => Self::SixtyFour(Box::new(Search::new(plan, limit, tally))),
            65..=256 => Self::TwoHundred(Box::new(Search::new(plan, limit, tally))),
            _ => return None,
        })
    }

    fn run(&mut self, plan: &Plan, steps: &mut Steps<'_>, budget: u64) -> Progress {
        any!(self, search => search.run(plan, steps, budget))
    }

    fn run_broad(&mut self, plan: &Plan, steps: &mut Steps<'_>, budget: u64) -> Progress {
        any!(self, search => search.run_broad(plan, steps, budget))
    }

    fn hurry(&mut self, states: u64) {
        any!(self, search => search.hurry(states));
    }

    fn has_leapt(&self) -> bool {
        any!(self, search => search.has_leapt())
    }

    fn order(&mut self, plan: &Plan, steps: &mut Steps<'_>) -> Order {
        any!(self, search => search.order(plan, steps))
    }

    fn spare(&mut self, plan: &Plan) {
        any!(self, search => search.spare(plan));
    }

    fn short(&self) -> Vec<bool> {
        any!(self, search => search.short())
    }

    fn seek_ends(&mut self) {
        any!(self, search => search.seek_ends());
    }

    fn ends(&mut self) -> &mut Vec<End> {
        any!(self, search => search.ends())
    }

    fn order_of(&mut self, plan: &Plan, steps: &mut Steps<'_>, end: &End) -> Order {
        any!(self, search => search.order_of(plan, steps, end))
    }

    fn start_from(&mut self, starts: Vec<Stand>) {
        any!(self, search => search.start_from(starts));
    }

    fn seek_stands(&mut self) {
        any!(self, search => search.seek_stands());
    }

    fn stands(&mut self, plan: &Plan, steps: &Steps<'_>) -> Vec<Stand> {
        any!(self, search => search.stands(plan, steps))
    }

    fn states(&self) -> u64 {
        any!(self, search => search.states)
    }

    fn horizon(&self) -> u32 {
        any!(self, search => search.horizon)
    }

    fn deepest(&self) -> u32 {
        any!(self, search => search.deepest)
    }
}
