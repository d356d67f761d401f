//! The search for an order, over returns: just-in-time linearization.
//!
//! The search stands before a return, in a state, and knows which of the open operations took effect. To pass the return, its operation
//! must have. So operations take effect no earlier than some return asks for it (G. Lowe, *Testing for linearizability*, 2017), but for
//! five things:
//!
//! - *Observers at once.* An open operation that changes nothing and is legal now takes effect now: it only gets out of the way.
//! - *Dominated writes.* When a write takes effect, every blind operation open then could have done so just before it, unnoticed. Such an
//!   operation is *dominated*: its return is passed freely, though until then it may still take effect after the write. And a write that
//!   no operation could see before the next one, or before the return is passed, is left for later.
//! - *One of those alike.* Of open operations that ask for the same and got the same answer, the one that returns first goes first.
//! - *Unknown outcomes* are used when they help, the oldest of those alike first. A class that is of no use any more is pruned: it counts as
//!   used up, so that configurations that differ in nothing else meet.
//! - *Looking ahead.* The next observer to return must find a fitting state: the present one must lead there, or one that an operation
//!   still to be used would leave. If none does, the search turns back here instead of finding out later. If the present one does not, and
//!   no other operation can see it before it is overwritten, all such states are one.
//!
//! [`expansion`] says what follows from one configuration, [`visited`] which were reached before; [`depth_first`] and [`beam`] say where to
//! go on. [`AnySearch`] hides how many bits a configuration takes.

mod beam;
mod bits;
mod cursor;
mod depth_first;
mod expansion;
mod moves;
mod tally;
mod visited;

pub(super) use self::beam::Beam;
use self::depth_first::Search;
pub(super) use self::depth_first::{Checkpoint, Order, OrderEnd, SearchStatus};
pub(super) use self::tally::Tally;
use super::encoding::{Encoding, Transitions};

/// A search as wide as it has to be.
pub(super) enum AnySearch {
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
    pub(super) fn exact(encoding: &Encoding, limit: u32) -> Option<Self> {
        Self::new(encoding, limit, Tally::new(&encoding.classes, |_| true))
    }

    /// Nothing if more is open than 16384 operations, or unknown than can be counted in as many bits.
    pub(super) fn new(encoding: &Encoding, limit: u32, tally: Tally) -> Option<Self> {
        Some(match tally.guards.len().max((encoding.slots as usize).div_ceil(64)) {
            0..=1 => Self::One(Box::new(Search::new(encoding, limit, tally))),
            2..=4 => Self::Four(Box::new(Search::new(encoding, limit, tally))),
            5..=16 => Self::Sixteen(Box::new(Search::new(encoding, limit, tally))),
            17..=64 => Self::SixtyFour(Box::new(Search::new(encoding, limit, tally))),
            65..=256 => Self::TwoHundred(Box::new(Search::new(encoding, limit, tally))),
            _ => return None,
        })
    }

    pub(super) fn run(&mut self, encoding: &Encoding, transitions: &mut Transitions<'_>, budget: u64) -> SearchStatus {
        any!(self, search => search.run(encoding, transitions, budget))
    }

    pub(super) fn run_broad(
        &mut self,
        beam: &mut Beam,
        encoding: &Encoding,
        transitions: &mut Transitions<'_>,
        budget: u64,
    ) -> SearchStatus {
        any!(self, search => search.run_broad(beam, encoding, transitions, budget))
    }

    pub(super) fn backjump_after(&mut self, states: u64) {
        any!(self, search => search.backjump_after(states));
    }

    pub(super) fn has_backjumped(&self) -> bool {
        any!(self, search => search.has_backjumped())
    }

    pub(super) fn order(&mut self, encoding: &Encoding, transitions: &mut Transitions<'_>) -> Order {
        any!(self, search => search.order(encoding, transitions))
    }

    pub(super) fn limit_uncounted(&mut self, encoding: &Encoding) {
        any!(self, search => search.limit_uncounted(encoding));
    }

    pub(super) fn short(&self) -> Vec<bool> {
        any!(self, search => search.short())
    }

    pub(super) fn seek_ends(&mut self) {
        any!(self, search => search.seek_ends());
    }

    pub(super) fn ends(&mut self) -> &mut Vec<OrderEnd> {
        any!(self, search => search.ends())
    }

    pub(super) fn order_of(&mut self, encoding: &Encoding, transitions: &mut Transitions<'_>, end: &OrderEnd) -> Order {
        any!(self, search => search.order_of(encoding, transitions, end))
    }

    pub(super) fn start_from(&mut self, starts: Vec<Checkpoint>) {
        any!(self, search => search.start_from(starts));
    }

    pub(super) fn seek_checkpoints(&mut self) {
        any!(self, search => search.seek_checkpoints());
    }

    pub(super) fn checkpoints(&mut self, encoding: &Encoding, transitions: &Transitions<'_>) -> Vec<Checkpoint> {
        any!(self, search => search.checkpoints(encoding, transitions))
    }

    pub(super) fn states(&self) -> u64 {
        any!(self, search => search.states())
    }

    pub(super) fn horizon(&self) -> u32 {
        any!(self, search => search.horizon())
    }

    pub(super) fn deepest(&self) -> u32 {
        any!(self, search => search.deepest())
    }
}
