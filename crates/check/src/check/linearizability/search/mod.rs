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
//! - *Unknown outcomes* are used when they help, the oldest of those alike first. A class that is of no use any more is pruned: it counts
//!   as used up, so that configurations that differ in nothing else meet.
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
pub(super) use self::depth_first::{Checkpoint, Order, OrderEnd, Ration, SearchStatus};
use self::expansion::Extent;
pub(super) use self::tally::Tally;
use super::encoding::{Encoding, StateId, Transitions};

/// A search as wide as it has to be.
pub(super) enum AnySearch {
    One(Box<Search<1>>),
    Four(Box<Search<4>>),
    Sixteen(Box<Search<16>>),
    SixtyFour(Box<Search<64>>),
    TwoHundred(Box<Search<256>>),
}

/// The methods of [`Search`], whatever its width.
macro_rules! forwarded {
    ($(fn $name:ident(&mut self $(, $argument:ident: $type:ty)*) $(-> $result:ty)?;)*) => {
        $(pub(super) fn $name(&mut self $(, $argument: $type)*) $(-> $result)? {
            match self {
                Self::One(search) => search.$name($($argument),*),
                Self::Four(search) => search.$name($($argument),*),
                Self::Sixteen(search) => search.$name($($argument),*),
                Self::SixtyFour(search) => search.$name($($argument),*),
                Self::TwoHundred(search) => search.$name($($argument),*),
            }
        })*
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

    /// How far it has come.
    pub(super) fn extent(&self) -> &Extent {
        match self {
            Self::One(search) => search.extent(),
            Self::Four(search) => search.extent(),
            Self::Sixteen(search) => search.extent(),
            Self::SixtyFour(search) => search.extent(),
            Self::TwoHundred(search) => search.extent(),
        }
    }

    /// How many bytes it holds.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::One(search) => search.bytes(),
            Self::Four(search) => search.bytes(),
            Self::Sixteen(search) => search.bytes(),
            Self::SixtyFour(search) => search.bytes(),
            Self::TwoHundred(search) => search.bytes(),
        }
    }

    forwarded! {
        fn run(&mut self, encoding: &Encoding, transitions: &mut Transitions<'_>, allowance: Ration) -> SearchStatus;
        fn run_broad(
            &mut self,
            beam: &mut Beam,
            encoding: &Encoding,
            transitions: &mut Transitions<'_>,
            allowance: Ration
        ) -> SearchStatus;
        fn order(&mut self, encoding: &Encoding, transitions: &mut Transitions<'_>) -> Order;
        fn backjump_after(&mut self, states: u64);
        fn has_backjumped(&mut self) -> bool;
        fn limit_uncounted(&mut self, encoding: &Encoding);
        fn short(&mut self) -> Vec<bool>;
        fn seek_ends(&mut self);
        fn ends(&mut self) -> &mut Vec<OrderEnd>;
        fn order_of(&mut self, encoding: &Encoding, transitions: &mut Transitions<'_>, end: &OrderEnd) -> Order;
        fn start_from(&mut self, starts: Vec<Checkpoint>);
        fn seek_checkpoints(&mut self);
        fn begin_at(&mut self, origin: u32, limit: u32, states: &[StateId]);
        fn end_states(&mut self) -> Vec<StateId>;
        fn checkpoints(&mut self, encoding: &Encoding, transitions: &Transitions<'_>) -> Vec<Checkpoint>;
    }
}
