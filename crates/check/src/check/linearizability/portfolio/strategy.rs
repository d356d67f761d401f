//! What all strategies have in common.

use crate::check::linearizability::encoding::{Encoding, Object};
use crate::check::linearizability::search::{Order, Ration};

/// A key to be judged: its operations in numbers, and what the numbers stand for.
pub(crate) struct EncodedKey<'a> {
    pub(crate) encoding: Encoding,
    pub(crate) object: Box<dyn Object + 'a>,
}

/// One way to find out whether a key's operations have an order. It can be paused and taken up again.
pub(crate) trait Strategy {
    /// Goes on until there is an answer, or about as much was taken as is allowed.
    fn run(&mut self, key: &mut EncodedKey<'_>, allowance: Ration) -> Conclusion;

    /// How many states were explored.
    fn states(&self) -> u64;

    /// How many bytes it holds.
    fn bytes(&self) -> u64;
}

/// What a strategy has come to.
pub(crate) enum Conclusion {
    /// There is an order.
    Order(Order),
    /// No order passes so many returns.
    Violated(u32),
    /// The budget ended, or the strategy does not fit the key.
    Open,
    /// The strategy holds more than it was allowed.
    Full,
}
