//! Judges of what a run did. They are strangers to protocols: they see histories and records, and share no code with what they judge.

pub mod linearizability;
pub mod model;

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a judge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The property holds.
    Holds,
    /// It does not.
    Violated,
    /// A budget ended before an answer was found. Never reported as a pass.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Holds => "holds",
            Self::Violated => "violated",
            Self::Unknown => "unknown",
        })
    }
}
