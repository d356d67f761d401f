//! How values are written in files that people write.
//!
//! [`Form`]s read a file value by value. A [`Codec`] says how values of one type are read, written and described. [`Settings`] and variants
//! are fields with codecs, each declared once.

mod codec;
mod edit;
mod form;
mod setting;
mod syntax;
mod timing;
mod variant;

pub(crate) use codec::{Advised, codec, codecs, in_parentheses, in_quotes, list, quoted};
pub use codec::{
    Chance, Codec, Count, CountUpTo, Flag, LONGEST, Length, LengthRange, Maybe, OneOf, Parsed, PartsPerMillion, PositiveLength,
    PositiveLengthRange, Record, Required, Text,
};
pub(crate) use edit::{Change, edited, leaves, values, without};
#[cfg(feature = "cli")]
pub(crate) use edit::{Segment, parse_path};
pub use edit::{SetError, set};
pub use form::{Fields, Form};
#[doc(hidden)]
pub use setting::plain;
pub use setting::{Given, Setting, Settings, Within, settings};
pub(crate) use setting::{field, joined};
pub(crate) use syntax::{Misread, read as read_ron};
pub use timing::{Timed, Timing};
#[cfg(any(test, feature = "proptest"))]
pub(crate) use variant::Drawn;
pub use variant::Variant;
pub(crate) use variant::{Variants, given, variants};
