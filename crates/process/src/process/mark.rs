//! Marks: places of a protocol that a good sweep passes sometimes.

/// A *sometimes* mark: its name, and when it is set. [`Context::sometimes`](super::Context::sometimes) also takes a plain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its name: `leader lost`.
    pub name: &'static str,
    /// When it is set, in a sentence; empty if that is not told.
    pub about: &'static str,
}

impl Mark {
    /// A mark of this name, which is set when this is so.
    pub const fn new(name: &'static str, about: &'static str) -> Self {
        Self { name, about }
    }
}

impl From<&'static str> for Mark {
    fn from(name: &'static str) -> Self {
        Self::new(name, "")
    }
}
