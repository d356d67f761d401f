//! How a call ended, to those who count.

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered as it should be.
    Success,
    /// It failed, was refused by the callee, or timed out.
    Failure,
    /// It says nothing of the callee: it was cancelled, or not sent in the end. It frees what it held, and counts neither way.
    Ignored,
}
