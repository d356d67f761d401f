//! Settings: what can be given in a file, each declared once.
//!
//! [`settings!`](crate::settings) declares a struct of settings: of each its meaning, its type, its default and its [`Notation`], which
//! says how it is written and what it may be. From that come the struct with its documentation, `Default`, reading, writing, and what
//! `explain` and the documents tell:
//!
//! ```
//! use stormglass::base::Duration;
//! use stormglass::notation::{Count, PositiveLength, Settings};
//!
//! stormglass::settings! {
//!     /// What a primary has fields for.
//!     #[derive(Clone, Debug, PartialEq, Eq)]
//!     pub struct Parameters {
//!         /// How many servers there are.
//!         servers: u32 = 3, Count(2..=9);
//!         /// How often it sends again what was not answered.
//!         resend: Duration = Duration::from_millis(50), PositiveLength;
//!     }
//! }
//!
//! let usual = Parameters::default();
//! assert_eq!(usual.written(), "servers: 3, resend: \"50ms\"");
//! assert_eq!(Parameters::declared()[0].about, "How many servers there are.");
//! assert_eq!(Parameters::declared()[0].takes, "a whole number from 2 to 9");
//! ```
//!
//! Default and notation of a setting may name those above it: `missed: u32 = 1, Count(1..=of);`. What else must hold between settings is
//! looked at after they were read: see [`Given`].

use std::fmt::Display;
use std::ops::RangeBounds;
use std::str::FromStr;

use super::form::in_words;
use super::{Fields, Form};
use crate::base::{Duration, DurationRange, Ratio};

/// How values of one type are written in a file, and which of them are taken.
pub trait Notation<T> {
    /// Reads a value; reports what is wrong with it.
    fn read(&self, form: Form<'_>) -> Option<T>;

    /// Writes a value as [`read`](Self::read) reads it; an empty text is not written at all.
    fn write(&self, value: &T) -> String;

    /// What is taken, with its unit and range, in words: "a whole number from 1 to 9".
    fn takes(&self) -> String;
}

/// A whole number within a range: `Count(1..=9)`.
#[derive(Clone, Copy, Debug)]
pub struct Count<R>(pub R);

impl<T: TryFrom<u64> + PartialOrd + Display, R: RangeBounds<T> + Clone> Notation<T> for Count<R> {
    fn read(&self, form: Form<'_>) -> Option<T> {
        form.count(self.0.clone())
    }

    fn write(&self, value: &T) -> String {
        value.to_string()
    }

    fn takes(&self) -> String {
        format!("a whole number{}", in_words(&self.0))
    }
}

/// `true` or `false`.
#[derive(Clone, Copy, Debug)]
pub struct Flag;

impl Notation<bool> for Flag {
    fn read(&self, form: Form<'_>) -> Option<bool> {
        form.boolean()
    }

    fn write(&self, value: &bool) -> String {
        value.to_string()
    }

    fn takes(&self) -> String {
        "`true` or `false`".to_owned()
    }
}

/// A chance: `"1/100"`.
#[derive(Clone, Copy, Debug)]
pub struct Chance;

impl Notation<Ratio> for Chance {
    fn read(&self, form: Form<'_>) -> Option<Ratio> {
        form.ratio()
    }

    fn write(&self, value: &Ratio) -> String {
        format!("\"{value}\"")
    }

    fn takes(&self) -> String {
        "a chance".to_owned()
    }
}

/// No length in a scenario is longer: a year. Clocks and queues count nanoseconds, and sums of a few years always fit.
pub const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A length of time, zero included: `"150ms"`.
#[derive(Clone, Copy, Debug)]
pub struct Length;

impl Notation<Duration> for Length {
    fn read(&self, form: Form<'_>) -> Option<Duration> {
        within(form, form.duration()?, |length| *length)
    }

    fn write(&self, value: &Duration) -> String {
        format!("\"{value}\"")
    }

    fn takes(&self) -> String {
        "a length".to_owned()
    }
}

/// A length of time above zero.
#[derive(Clone, Copy, Debug)]
pub struct PositiveLength;

impl Notation<Duration> for PositiveLength {
    fn read(&self, form: Form<'_>) -> Option<Duration> {
        within(form, form.duration_positive()?, |length| *length)
    }

    fn write(&self, value: &Duration) -> String {
        Length.write(value)
    }

    fn takes(&self) -> String {
        "a length above zero".to_owned()
    }
}

/// A range of lengths, or a single one: `"1ms..5ms"`.
#[derive(Clone, Copy, Debug)]
pub struct Lengths;

impl Notation<DurationRange> for Lengths {
    fn read(&self, form: Form<'_>) -> Option<DurationRange> {
        within(form, form.duration_range()?, |range| range.high())
    }

    fn write(&self, value: &DurationRange) -> String {
        format!("\"{value}\"")
    }

    fn takes(&self) -> String {
        "a range of lengths".to_owned()
    }
}

fn within<T>(form: Form<'_>, value: T, longest: impl FnOnce(&T) -> Duration) -> Option<T> {
    if longest(&value) <= LONGEST {
        return Some(value);
    }
    form.report(form.problem(format!("{} is too long", form.raw())).label("nothing in a scenario takes longer than a year"));
    None
}

/// A range of lengths of which the longest is above zero.
#[derive(Clone, Copy, Debug)]
pub struct PositiveLengths;

impl Notation<DurationRange> for PositiveLengths {
    fn read(&self, form: Form<'_>) -> Option<DurationRange> {
        let range = Lengths.read(form)?;
        if range.high().is_zero() {
            form.report(form.mismatch("a length above zero"));
            return None;
        }
        Some(range)
    }

    fn write(&self, value: &DurationRange) -> String {
        Lengths.write(value)
    }

    fn takes(&self) -> String {
        "a range of lengths, its upper end above zero".to_owned()
    }
}

/// A text in quotes that is then parsed. It says what it means: `Parsed("a rate, like \"100/s\"")`.
#[derive(Clone, Copy, Debug)]
pub struct Parsed(pub &'static str);

impl<T: FromStr<Err: Display> + Display> Notation<T> for Parsed {
    fn read(&self, form: Form<'_>) -> Option<T> {
        form.from_text(self.0)
    }

    fn write(&self, value: &T) -> String {
        format!("\"{value}\"")
    }

    fn takes(&self) -> String {
        self.0.to_owned()
    }
}

/// One of several names, each for a value: what they are, and which there are.
#[derive(Clone, Copy, Debug)]
pub struct OneOf<T: 'static>(pub &'static str, pub &'static [(&'static str, T)]);

impl<T: Clone + PartialEq> Notation<T> for OneOf<T> {
    fn read(&self, form: Form<'_>) -> Option<T> {
        form.one_of(self.0, self.1)
    }

    fn write(&self, value: &T) -> String {
        self.1.iter().find(|(_, known)| known == value).map(|(name, _)| (*name).to_owned()).unwrap_or_default()
    }

    fn takes(&self) -> String {
        let names: Vec<String> = self.1.iter().map(|(name, _)| format!("`{name}`")).collect();
        format!("{}: {}", self.0, names.join(", "))
    }
}

/// What need not be given, and then is nothing.
#[derive(Clone, Copy, Debug)]
pub struct Maybe<N>(pub N);

impl<T, N: Notation<T>> Notation<Option<T>> for Maybe<N> {
    fn read(&self, form: Form<'_>) -> Option<Option<T>> {
        self.0.read(form).map(Some)
    }

    fn write(&self, value: &Option<T>) -> String {
        value.as_ref().map_or_else(String::new, |value| self.0.write(value))
    }

    fn takes(&self) -> String {
        self.0.takes()
    }
}

/// What is told of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name: `election_timeout`.
    pub name: &'static str,
    /// What it means, in a sentence or two.
    pub about: &'static str,
    /// What it takes, with unit and range.
    pub takes: String,
    /// Its default, as it is written; empty if it has none.
    pub default: String,
}

/// A struct of settings, as [`settings!`](crate::settings) declares it.
pub trait Settings: Sized {
    /// Reads the settings among these fields, and reports every problem; what is not given is as `usual`, or has its default. What has
    /// problems is never run.
    fn read_over<'s>(fields: &mut Fields<'s>, usual: Option<&Self>) -> (Self, Given<'s>);

    /// Each setting by name, as it is written, and what would be written of `usual`, or of the default.
    fn texts(&self, usual: Option<&Self>) -> Vec<(&'static str, String, String)>;

    /// What is told of each.
    fn declared() -> Vec<Setting>;

    /// Reads the settings among these fields: see [`read_over`](Self::read_over).
    fn read<'s>(fields: &mut Fields<'s>) -> (Self, Given<'s>) {
        Self::read_over(fields, None)
    }

    /// All settings, as [`read`](Self::read) reads them.
    fn written(&self) -> String {
        joined(self.texts(None).into_iter().map(|(name, value, _)| (name, value)))
    }

    /// The settings that are not as `usual`, or do not have their default.
    fn unusual(&self, usual: Option<&Self>) -> String {
        joined(self.texts(usual).into_iter().filter(|(_, value, usual)| value != usual).map(|(name, value, _)| (name, value)))
    }
}

/// No settings at all.
impl Settings for () {
    fn read_over<'s>(fields: &mut Fields<'s>, _: Option<&Self>) -> (Self, Given<'s>) {
        ((), Given::new(fields))
    }

    fn texts(&self, _: Option<&Self>) -> Vec<(&'static str, String, String)> {
        Vec::new()
    }

    fn declared() -> Vec<Setting> {
        Vec::new()
    }
}

fn joined(fields: impl Iterator<Item = (&'static str, String)>) -> String {
    let fields: Vec<String> = fields.filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}: {value}")).collect();
    fields.join(", ")
}

/// Where settings were given, for those that must fit each other:
///
/// ```
/// # use stormglass::base::Duration;
/// # use stormglass::notation::Given;
/// # fn fits(heartbeat: Duration, timeout: Duration, given: &Given<'_>) {
/// if heartbeat >= timeout
///     && let Some(form) = given.complain(&["timeout", "heartbeat"])
/// {
///     form.report(form.problem("the heartbeat is no shorter than the timeout"));
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Given<'s> {
    whole: Form<'s>,
    /// What was given, and whether it could be read.
    given: Vec<(&'static str, Form<'s>, bool)>,
}

impl<'s> Given<'s> {
    /// Nothing was read yet.
    pub fn new(fields: &Fields<'s>) -> Self {
        Self { whole: fields.form(), given: Vec::new() }
    }

    /// Reads a setting; the usual value if it is not given, or wrong and reported.
    pub fn read<T>(&mut self, fields: &mut Fields<'s>, name: &'static str, notation: &impl Notation<T>, usual: impl FnOnce() -> T) -> T {
        let Some(form) = fields.take(name) else { return usual() };
        let value = notation.read(form);
        self.given.push((name, form, value.is_some()));
        value.unwrap_or_else(usual)
    }

    /// Where this setting was given.
    pub fn form(&self, name: &str) -> Option<Form<'s>> {
        self.given.iter().find(|(given, ..)| *given == name).map(|(_, form, _)| *form)
    }

    /// Whether this setting was given, and could not be read.
    pub fn is_wrong(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _, right)| *given == name && !right)
    }

    /// Where to complain that these settings do not fit each other: at the first that was given, or at the whole if none was; nowhere if
    /// one of them is wrong by itself.
    pub fn complain(&self, names: &[&str]) -> Option<Form<'s>> {
        if names.iter().any(|name| self.is_wrong(name)) {
            return None;
        }
        Some(names.iter().find_map(|name| self.form(name)).unwrap_or(self.whole))
    }
}

/// Declares a struct of [`Settings`](crate::notation::Settings): of each setting its meaning, as a comment of documentation; its type; its
/// default; and its [`Notation`](crate::notation::Notation). See [the room](crate::notation::Settings) for what comes of it, and
/// `examples/abd_register.rs` for a system that uses it.
#[macro_export]
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $( $(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr, $notation:expr; )+
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )+
        }

        impl Default for $name {
            fn default() -> Self {
                $( let $field: $type = $default; )+
                Self { $($field),+ }
            }
        }

        impl $crate::notation::Settings for $name {
            fn read_over<'s>(fields: &mut $crate::notation::Fields<'s>, usual: Option<&Self>) -> (Self, $crate::notation::Given<'s>) {
                let mut given = $crate::notation::Given::new(fields);
                $( let $field: $type = given.read(fields, stringify!($field), &$notation, || match usual {
                    Some(usual) => usual.$field.clone(),
                    None => $default,
                }); )+
                (Self { $($field),+ }, given)
            }

            fn texts(&self, usual: Option<&Self>) -> Vec<(&'static str, String, String)> {
                let mut texts = Vec::new();
                $(
                    let $field: $type = self.$field.clone();
                    let default: $type = match usual {
                        Some(usual) => usual.$field.clone(),
                        None => $default,
                    };
                    texts.push({
                        let notation = &$notation;
                        let write = |value| $crate::notation::Notation::<$type>::write(notation, value);
                        (stringify!($field), write(&$field), write(&default))
                    });
                )+
                texts
            }

            fn declared() -> Vec<$crate::notation::Setting> {
                let mut declared = Vec::new();
                $(
                    let $field: $type = $default;
                    let notation = &$notation;
                    declared.push($crate::notation::Setting {
                        name: stringify!($field),
                        about: concat!($($doc),+).trim_ascii(),
                        takes: $crate::notation::Notation::<$type>::takes(notation),
                        default: $crate::notation::Notation::<$type>::write(notation, &$field),
                    });
                )+
                declared
            }
        }
    };
}

pub use settings;
