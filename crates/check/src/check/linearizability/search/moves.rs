//! What a search can do next from where it is, and what comes of it.

use crate::check::linearizability::encoding::StateId;

/// What to do before a return, in the order in which it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Pass the return: its operation is dominated.
    Pass,
    /// The returning operation takes effect; where several states may follow, the one with this number.
    Returning(u32),
    /// The open operation in this slot takes effect first, and leaves the state with this number.
    Open(Reach, u32, u32),
    /// An operation of unknown outcome, of this class, takes effect first, and leaves the state with this number.
    Indeterminate(Reach, u32, u32),
    Nothing,
}

/// How far something that takes effect first leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It leaves a state in which the returning operation is legal. Or it is not asked how far.
    Near,
    Far,
}

/// A place on the path of a search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) configuration: u32,
    pub(super) next: Move,
    pub(super) taken: Move,
    /// Whether the last to take effect was a blind operation that need not have yet, and no other has seen it. A write would hide it, and
    /// could as well have gone without it. And if the returning operation is dominated, it could as well have taken effect itself, with the
    /// other to follow after the return. So neither is tried.
    pub(super) unseen: bool,
}

/// Where a move led.
pub(super) enum Arrival {
    /// All returns are passed, in this state.
    Goal(StateId),
    /// Nowhere, or nowhere new.
    Back,
    /// A configuration to go on from; and whether the operation that led here is [`Frame::unseen`].
    New(u32, bool),
}

/// An order in the making, while a path is retraced.
pub(super) struct Retrace {
    /// Each operation with the return before which it takes effect.
    pub(super) order: Vec<(u32, u32)>,
    /// Dominated operations that were passed, with the place in the order before which they hide.
    pub(super) hidden: Vec<(usize, u32)>,
    /// For each slot, the place in the order of the write that dominates it.
    pub(super) dominators: Vec<usize>,
}

impl Retrace {
    pub(super) fn new(slots: u32) -> Self {
        Self { order: Vec::new(), hidden: Vec::new(), dominators: vec![0; slots as usize] }
    }
}
