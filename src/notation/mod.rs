//! How values are written in files that people write: forms, which read a file value by value, its syntax, edits of single values, and
//! settings, each declared once.

mod edit;
mod form;
mod setting;
mod syntax;

pub use edit::{SetError, set};
pub use form::{Fields, Form};
pub use setting::{
    Chance, Count, Flag, Given, LONGEST, Length, Lengths, Maybe, Notation, OneOf, Parsed, PositiveLength, PositiveLengths, Setting,
    Settings, settings,
};
