//! Many runs of one scenario: [`Sweep`]ing seeds on several threads, and [`verify`]ing that a run is a pure function of its seed.
//!
//! Runs come in as functions from a seed to an outcome, so that nothing here knows of files or systems. This is the only room that starts
//! threads; what it returns depends on neither their number nor their timing.

mod axis;
pub mod causes;
mod compare;
mod figures;
mod fingerprint;
mod moments;
mod row;
mod shard;
pub mod shrink;
pub mod spans;
pub mod story;
mod summary;
mod sweep;
mod threshold;
mod verify;
pub mod why;

pub use axis::{Axis, Tick};
pub use compare::{CONFIDENCE, Compared, Comparison, compare, interval};
pub use figures::{Better, Figure, Unit, figures};
pub use fingerprint::fingerprint;
pub use moments::{Again, Course, course, nodes_after, nodes_at};
#[cfg(test)]
pub(crate) use row::samples;
pub use row::{Defect, NoOutcome, Row, first_violated, violated_as};
pub use shard::{Seeds, Shard};
pub use summary::{Besides, Bucket, Ended, Example, MarkTotal, PropertyTotal, Summary};
pub use sweep::{Claims, Ran, RunElsewhere, STACK, Sweep, Until, WorkElsewhere};
pub use threshold::{Bracket, Thresholds, WITHIN};
pub use verify::{DETERMINISTIC, Recorded, Twin, line, verify};
