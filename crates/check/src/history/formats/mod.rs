//! Reading and writing recorded histories, in the formats that the field uses and in our own.
//!
//! | format | a line of it |
//! | --- | --- |
//! | [`Format::Edn`] | `{:process 0, :type :invoke, :f :append, :key "4", :value "x 0 1 y"}` |
//! | [`Format::Log`] | `INFO  jepsen.util - 0 :invoke :write 4` |
//! | [`Format::Json`] | `{"process": 0, "type": "invoke", "f": "write", "value": 4}` |
//!
//! [`Entries`] reads any of them as a stream of [`Entry`]s, compressed by gzip or not, and finds out by itself which it is. What the names
//! mean is not its business: that is for the room `check`. A line that is wrong is reported by its number, and reading goes on
//! behind it, so that all that is wrong with a file can be told at once. [`convert`] writes what was read in another format.
//!
//! Lines of other programs, which hold no event, are skipped and counted: in a log, those without a process that is followed by a type; in
//! EDN and JSON, those that begin with no bracket and no tag.
//!
//! # EDN
//!
//! A map for each event, one after another, or all in one vector or list; usually a line each. `:process` is a number, or a name such as
//! `:nemesis` for somebody whom no checker looks at. `:type` is `:invoke`, `:ok`, `:fail` or `:info`. `:f` names what is done, `:value` is
//! what goes in or comes out, `:key` what it is about, `:time` when it happened in nanoseconds. Of the other fields, `:index` must not
//! contradict the order of the lines; all are kept. Comments, commas, discarded forms and tags are understood. Fields may be named by
//! texts.
//!
//! # Log
//!
//! What Jepsen prints while it runs: process, type, `f`, value, perhaps an error, behind whatever the logger puts in front. There is no
//! room for a key: it is written as part of the value, `[key value]`, as Jepsen's independent keys are. What went wrong may stand behind
//! the value of `:info` and `:fail`, in words.
//!
//! # JSON lines, version 1
//!
//! First `{"stormglass":"history","version":1}`; it may be left out. Then an object a line, with `process`, `type`, `f`, `value`, and, if
//! there are any, `key`, `time` (nanoseconds) and `rest` (an object of other fields). An array of events is read, too, and other fields
//! beside these. What JSON has no words for is an object with one field: `{"keyword":"a"}`, `{"symbol":"a"}`, `{"char":"a"}`,
//! `{"number":"1/3"}`,
//! `{"set":[…]}`, `{"map":[[key, value],…]}`, `{"tagged":["inst", value]}`.
//!
//! ```
//! use stormglass_check::history::formats::{Entries, Format, convert};
//!
//! let log = "INFO  jepsen.util - 0 :invoke :read nil\nINFO  jepsen.util - 0 :ok :read 3\n";
//! let mut json = Vec::new();
//! let converted = convert(Entries::open(log.as_bytes(), None)?, Format::Json, &mut json)?;
//! assert_eq!(converted.entries, 2);
//! assert_eq!(String::from_utf8(json)?, "\
//! {\"stormglass\":\"history\",\"version\":1}
//! {\"process\":0,\"type\":\"invoke\",\"f\":\"read\",\"value\":null}
//! {\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"value\":3}
//! ");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod client_names;
mod clock;
mod edn;
mod entry;
mod json;
mod log;
mod maps;
mod number;
mod problem;
mod read;
mod source;
mod spelling;
#[cfg(test)]
mod tests;
mod value;
mod write;

pub use client_names::ClientNames;
pub(crate) use clock::Clock;
pub use clock::Late;
pub(crate) use entry::lacks;
pub use entry::{Entry, EntryKind, Name, Process};
pub use json::JSON_VERSION;
pub(crate) use problem::Wrong;
pub use problem::{PROBLEMS_SHOWN, Problem, Problems, ReadError};
pub use read::{Entries, Format, ParseFormatError};
pub use spelling::{Answered, Asked, Spelled, Spelling};
pub use value::{ParseValueError, Value};
pub use write::{Converted, Writer, convert, write};
