//! Settings: what can be given in a file, each declared once.
//!
//! [`settings!`](crate::settings) declares a struct of settings: of each its meaning, its type, its default and its [`Codec`], which
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
//! Default and codec of a setting may name those above it: `missed: u32 = 1, CountUpTo(1..=of, "of");`. What else must hold between
//! settings is looked at after they were read: see [`Given`].

use super::{Codec, Fields, Form, Timing, Variant};

/// What is told of a setting, or of a field of a variant.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name: `election_timeout`.
    pub name: &'static str,
    /// What it means, in a sentence or two.
    pub about: &'static str,
    /// What it takes, with unit and range.
    pub takes: String,
    /// What its absence means, in words; nothing if it must be given.
    pub default: Option<String>,
    /// A value of it, as it is written: its default, if that is one.
    pub example: String,
    /// What has a name within its value.
    pub within: Within,
    /// What it is for, if it is a length of time: `lint` warns of lengths that cannot serve.
    pub timings: &'static [Timing],
}

/// What has a name within a value: from setting to setting, all that a file can say can be told.
#[derive(Clone, Debug)]
pub enum Within {
    /// Nothing.
    Nothing,
    /// Fields of its own.
    Fields(Vec<Setting>),
    /// It is one of these; and what they are: "a fault".
    OneOf(&'static str, Vec<Variant>),
    /// It is a list of such.
    Each(Box<Within>),
}

impl Within {
    /// A list of such.
    pub fn each(self) -> Self {
        Self::Each(Box::new(self))
    }

    /// The same without the lists that it stands in.
    pub fn item(&self) -> &Self {
        match self {
            Self::Each(item) => item.item(),
            item => item,
        }
    }
}

/// Settings are alike if the same is told of them.
impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        let told = |setting: &Self| (setting.name, setting.about, setting.takes.clone(), setting.default.clone());
        told(self) == told(other)
    }
}

impl Eq for Setting {}

impl Setting {
    /// One that has this value, as it is written, where it is not given.
    pub fn of<T>(name: &'static str, about: &'static str, codec: &impl Codec<T>, default: &T) -> Self {
        let written = codec.write_whole(default);
        let example = if written.is_empty() { codec.example() } else { written.clone() };
        let default = shown_default(written, codec.absence());
        Self { name, about, takes: codec.takes(), default, example, within: codec.within(), timings: codec.timings() }
    }

    /// What it means, what is written there, and what its absence means.
    pub fn in_words(&self) -> String {
        let absent = self.default.as_ref().map(|default| format!("; {default} if not given")).unwrap_or_default();
        format!("{} ({}{absent})", self.about.trim_end_matches('.'), self.takes)
    }
}

/// What a setting is if it is not given.
fn shown_default(written: String, absence: Option<&str>) -> Option<String> {
    if written.is_empty() { absence.map(str::to_owned) } else { Some(format!("`{written}`")) }
}

/// A struct of settings, as [`settings!`](crate::settings) declares it.
///
/// ```
/// use stormglass::notation::{Count, Settings};
///
/// stormglass::settings! {
///     /// What a primary has fields for.
///     struct Parameters {
///         /// How many servers there are.
///         servers: u32 = 3, Count(2..=9);
///     }
/// }
/// assert_eq!(Parameters::default().written(), "servers: 3");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not declared as settings",
    label = "a scenario cannot set this",
    note = "declare the struct by `stormglass::settings!`; a system without settings of its own takes `()`"
)]
pub trait Settings: Sized {
    /// What their codecs must know to read them, such as which nodes there are; by default nothing is known.
    type Context<'c>: Copy + Default;

    /// Reads the settings among these fields, and reports every problem; what is not given is as `usual`, or has its default. What has
    /// problems is never run.
    fn read_within<'s>(fields: &mut Fields<'s>, usual: Option<&Self>, context: Self::Context<'_>) -> (Self, Given<'s>);

    /// Each setting by name, as it is written, and what would be written of `usual`, or of the default.
    fn texts(&self, usual: Option<&Self>) -> Vec<(&'static str, String, String)>;

    /// What is told of each.
    fn declared() -> Vec<Setting>;

    /// Reads the settings among these fields: see [`read_within`](Self::read_within).
    fn read<'s>(fields: &mut Fields<'s>) -> (Self, Given<'s>) {
        Self::read_over(fields, None)
    }

    /// The same with these as the usual ones.
    fn read_over<'s>(fields: &mut Fields<'s>, usual: Option<&Self>) -> (Self, Given<'s>) {
        Self::read_within(fields, usual, Self::Context::default())
    }

    /// All settings, as [`read`](Self::read) reads them.
    fn written(&self) -> String {
        joined(self.texts(None).iter().map(|(name, value, _)| field(name, value)))
    }

    /// The settings that are not as `usual`, or do not have their default.
    fn unusual(&self, usual: Option<&Self>) -> String {
        joined(self.texts(usual).iter().filter(|(_, value, usual)| value != usual).map(|(name, value, _)| field(name, value)))
    }
}

/// No settings at all.
impl Settings for () {
    type Context<'c> = ();

    fn read_within<'s>(fields: &mut Fields<'s>, _: Option<&Self>, (): ()) -> (Self, Given<'s>) {
        ((), Given::new(fields))
    }

    fn texts(&self, _: Option<&Self>) -> Vec<(&'static str, String, String)> {
        Vec::new()
    }

    fn declared() -> Vec<Setting> {
        Vec::new()
    }
}

/// The name of a field whose name is a word of Rust: `for` of `r#for`.
#[doc(hidden)]
pub fn plain(field: &'static str) -> &'static str {
    field.strip_prefix("r#").unwrap_or(field)
}

/// A field as it is written; an empty text is not written at all.
pub(crate) fn field(name: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("{name}: {value}") }
}

/// Fields as they are written, one after the other.
pub(crate) fn joined(fields: impl IntoIterator<Item = String>) -> String {
    fields.into_iter().filter(|field| !field.is_empty()).collect::<Vec<_>>().join(", ")
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
    pub fn read<T>(&mut self, fields: &mut Fields<'s>, name: &'static str, codec: &impl Codec<T>, usual: impl FnOnce() -> T) -> T {
        let Some(form) = fields.take(name) else {
            if codec.absence().is_none() {
                fields.report_missing(name, &codec.takes());
            }
            return usual();
        };
        let value = codec.read(form);
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
/// default; and its [`Codec`](crate::notation::Codec). See [the room](crate::notation::Settings) for what comes of it, and
/// `examples/abd_register.rs` for a system that uses it. Codecs that must know something to read name it as the struct does at its head:
/// `|names: Names<'c>|`.
#[macro_export]
macro_rules! settings {
    (
        |$context:ident: $Context:ty|
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $( $(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr, $codec:expr; )+
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
            type Context<'c> = $Context;

            fn read_within<'s>(
                fields: &mut $crate::notation::Fields<'s>,
                usual: Option<&Self>,
                $context: Self::Context<'_>,
            ) -> (Self, $crate::notation::Given<'s>) {
                let mut given = $crate::notation::Given::new(fields);
                $( let $field: $type = given.read(fields, $crate::notation::plain(stringify!($field)), &$codec, || match usual {
                    Some(usual) => usual.$field.clone(),
                    None => $default,
                }); )+
                (Self { $($field),+ }, given)
            }

            fn texts(&self, usual: Option<&Self>) -> Vec<(&'static str, String, String)> {
                let $context = <Self as $crate::notation::Settings>::Context::default();
                let mut texts = Vec::new();
                $(
                    let $field: $type = self.$field.clone();
                    let default: $type = match usual {
                        Some(usual) => usual.$field.clone(),
                        None => $default,
                    };
                    texts.push({
                        let codec = &$codec;
                        let write = |value| $crate::notation::Codec::<$type>::write(codec, value);
                        ($crate::notation::plain(stringify!($field)), write(&$field), write(&default))
                    });
                )+
                texts
            }

            fn declared() -> Vec<$crate::notation::Setting> {
                let $context = <Self as $crate::notation::Settings>::Context::default();
                let mut declared = Vec::new();
                $(
                    let $field: $type = $default;
                    let name = $crate::notation::plain(stringify!($field));
                    declared.push($crate::notation::Setting::of(name, concat!($($doc),+).trim_ascii(), &$codec, &$field));
                )+
                declared
            }
        }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($settings:tt)+ }) => {
        $crate::notation::settings! { |_context: ()| $(#[$meta])* $vis struct $name { $($settings)+ } }
    };
}

pub use settings;
