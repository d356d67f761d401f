//! What every room stands on: names, times, chances, randomness, the digest, and problems with places.

mod diagnostic;
mod digest;
mod disk;
mod edit;
mod form;
mod id;
mod kv;
mod message;
mod random;
mod rate;
mod ratio;
mod setting;
mod syntax;
mod time;
mod transaction;

pub use diagnostic::{Diagnostic, Diagnostics, Place, Severity, Source, Span, nearest, render_line_error};
pub use digest::Digest;
pub use disk::Change;
pub use edit::{SetError, set};
pub use form::{Fields, Form};
pub use id::{ClientId, Incarnation, NodeId, OperationId, ParseNodeError};
pub use kv::{KvOp, KvResponse};
pub use message::{Fate, FixedFate, Kind, KindDigest, Loss, MessageId, Which};
pub(crate) use random::log2;
pub use random::{RunKey, Stream, sample_exponential, sample_within, scale};
pub use rate::{ParseRateError, Rate};
pub use ratio::{ParseRatioError, Ratio};
pub use setting::{
    Chance, Count, Flag, Given, LONGEST, Length, Lengths, Maybe, Notation, OneOf, Parsed, PositiveLength, PositiveLengths, Setting,
    Settings, settings,
};
pub use syntax::suggestion;
pub use time::{Duration, DurationRange, LocalTime, ParseDurationError, ParseRangeError, Time};
pub use transaction::{Act, Committed, Seen, Transaction};
