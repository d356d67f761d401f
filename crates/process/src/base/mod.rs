//! What every room stands on: names, times, chances, randomness and the digest.

/// Values that are written, and read back, as the text that they print.
macro_rules! serde_as_text {
    ($Type:ty) => {
        impl serde::Serialize for $Type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $Type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

mod digest;
mod disk;
mod id;
mod kv;
mod message;
mod metric;
mod printable;
mod random;
mod rate;
mod ratio;
mod sort;
mod sorted;
mod streaming;
mod time;
mod transaction;

pub use digest::Digest;
pub use disk::Change;
pub use id::{ClientId, Incarnation, NodeId, OperationId, ParseNodeError, ParseOperationError};
pub use kv::{KvOp, KvResponse};
pub use message::{Fate, FixedFate, Kind, KindDigest, Loss, MessageId, Part, Which};
pub use metric::{Amount, Labelled, Measure, Metric, MetricSort};
pub use printable::{printable, printable_lines};
pub use random::{RunKey, Stream, log2, sample_exponential, sample_within, scale};
pub use rate::{ParseRateError, Rate};
pub use ratio::{ParseRatioError, Ratio};
pub use sort::{sort_by, sort_by_key, sort_by_numbers};
pub use sorted::{Slot, SortedMap, SortedSet};
pub use streaming::{Holder, Shown, StreamAct, StreamOp, StreamRecord, Streamed, Tenure};
pub use time::{Duration, DurationRange, LocalTime, ParseDurationError, ParseRangeError, Time};
pub use transaction::{Act, Committed, Seen, Transaction};

/// Where this file lies, as panics name files.
#[doc(hidden)]
pub const SOURCE: &str = file!();
