//! Sorts of records, and sets of them: by these a judge says which it wants to see.

use std::ops::BitOr;

macro_rules! sorts {
    ($($(#[doc = $about:literal])* $sort:ident = $name:literal,)*) => {
        /// A sort of records.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Sort {
            $($(#[doc = $about])* $sort,)*
        }

        impl Sort {
            /// All of them, by name.
            pub const NAMES: &'static [&'static str] = &[$($name),*];
        }
    };
}

sorts! {
    /// A node started.
    Boot = "boot",
    /// A client invoked an operation or learned its outcome.
    Client = "client",
    /// A node crashed.
    Crash = "crash",
    /// A message arrived at a node that is up.
    Deliver = "deliver",
    /// A message arrived at a node that is down.
    Discard = "discard",
    /// A fault struck.
    Fault = "fault",
    /// A fault that was to last so long is over.
    Lift = "lift",
    /// A *sometimes* mark was set.
    Mark = "mark",
    /// A server or a client said something about itself.
    Note = "note",
    /// A node's code panicked.
    Panic = "panic",
    /// A node stands still.
    Pause = "pause",
    /// A paused node goes on.
    Resume = "resume",
    /// A message was sent.
    Send = "send",
    /// The faults are over.
    Settle = "settle",
    /// A sync completed.
    Synced = "synced",
    /// A timer fired.
    Timer = "timer",
    /// A file was changed.
    Write = "write",
}

impl Sort {
    /// Its name, as trace files and `--only` have it.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// A set of sorts of records.
///
/// ```
/// use stormglass::trace::{Sort, Sorts};
///
/// const WANTED: Sorts = Sorts::of(&[Sort::Send, Sort::Crash]);
/// assert!(WANTED.has(Sort::Send) && !WANTED.has(Sort::Timer));
/// assert!((WANTED | Sorts::of(&[Sort::Timer])).has(Sort::Timer));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sorts(u32);

const _: () = assert!(Sort::NAMES.len() <= u32::BITS as usize, "each sort has a bit");

impl Sorts {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self(u32::MAX);

    /// These.
    pub const fn of(sorts: &[Sort]) -> Self {
        let (mut bits, mut place) = (0, 0);
        while place < sorts.len() {
            bits |= 1 << sorts[place] as u32;
            place += 1;
        }
        Self(bits)
    }

    /// Whether this one is among them.
    #[inline]
    pub const fn has(self, sort: Sort) -> bool {
        self.0 & (1 << sort as u32) != 0
    }

    /// Those that are in either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOr for Sorts {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}
