//! How what stands in a plan is declared: once, with its fields and all that is to be said about it. Reading, printing, drawing at random
//! and the documents follow from the declaration.

use super::reader::Reader;
use crate::notation::{Fields, Form};
#[cfg(any(test, feature = "proptest"))]
use {super::draw::Draw, proptest::strategy::BoxedStrategy};

/// A name of the notation, as it is declared.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// As it is written.
    pub name: &'static str,
    pub(super) about: &'static str,
    /// What it is given, in this order.
    pub fields: &'static [Field],
    /// Whether the first field needs no name where it is the only one: `Partition(Halves)`.
    pub bare: bool,
    /// A step of a plan, or several, that it stands in.
    pub example: &'static str,
}

impl Entry {
    /// What it is or does, in a sentence or two.
    pub fn about(&self) -> String {
        sentence(self.about)
    }
}

/// A field of an [`Entry`].
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// As it is written.
    pub name: &'static str,
    pub(super) about: &'static str,
    /// What is written there: "a chance".
    pub what: &'static str,
    /// What its absence means; it is required if not given.
    pub default: Option<&'static str>,
}

impl Field {
    /// What it means, what is written there, and what its absence means.
    pub fn in_words(&self) -> String {
        let absent = self.default.map(|default| format!("; {default} if not given")).unwrap_or_default();
        format!("{} ({}{absent})", sentence(self.about).trim_end_matches('.'), self.what)
    }
}

/// A documentation comment as one line.
fn sentence(comment: &str) -> String {
    comment.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What can stand in a field.
pub(super) trait Value: Sized + Clone {
    /// What it is: "a chance".
    const WHAT: &'static str;

    /// What it is if it is left out, if it may be.
    fn absent() -> Option<Self> {
        None
    }

    /// The value as it is written; what is wrong is reported.
    fn read(form: Form<'_>, reader: &Reader<'_>) -> Option<Self>;

    /// As it is read; nothing if it is to be left out.
    fn write(&self) -> Option<String>;

    /// Legal values, which shrink to simpler ones.
    #[cfg(any(test, feature = "proptest"))]
    fn strategy(draw: &Draw) -> BoxedStrategy<Self>;
}

/// What a value was given, while it is read.
pub(super) enum Arguments<'s> {
    Nothing,
    First(&'static str, Form<'s>),
    Named(Fields<'s>),
}

impl<'s> Arguments<'s> {
    pub(super) fn of(form: Form<'s>, entry: &Entry) -> Option<Self> {
        match entry.fields {
            [] => form.arguments([]).map(|[]| Self::Nothing),
            [first, ..] if entry.bare && !form.has_fields() => form.arguments([first.what]).map(|[value]| Self::First(first.name, value)),
            _ => form.fields().map(Self::Named),
        }
    }

    pub(super) fn take<T: Value>(&mut self, name: &'static str, reader: &Reader<'_>) -> Option<T> {
        match (self, T::absent()) {
            (Self::First(first, value), _) if *first == name => T::read(*value, reader),
            (Self::Named(fields), Some(absent)) => Some(fields.read_or(name, absent, |value| T::read(value, reader))),
            (Self::Named(fields), None) => fields.required(name, |value| T::read(value, reader)),
            (_, absent) => absent,
        }
    }

    pub(super) fn finish(self) {
        if let Self::Named(fields) = self {
            fields.finish();
        }
    }
}

/// `Crash(node: n1, down: "1s")`, `Partition(Halves)`, `Heal`.
pub(super) fn written(entry: &Entry, fields: &[Option<String>]) -> String {
    let given: Vec<(&str, &String)> =
        entry.fields.iter().zip(fields).filter_map(|(field, value)| Some((field.name, value.as_ref()?))).collect();
    match &given[..] {
        [] => entry.name.to_owned(),
        [(name, value)] if entry.bare && *name == entry.fields[0].name => format!("{}({value})", entry.name),
        given => format!("{}({})", entry.name, given.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")),
    }
}

/// Declares an enum of what can stand in a plan:
///
/// ```text
/// /// What it is.
/// Name bare { /// What it means.  field: Type = "what its absence means" } => "an example"
/// ```
///
/// The first field of what is `bare` needs no name. The type has a function `checked`, which sees each value that was read.
macro_rules! notation {
    (
        $(#[$outer:meta])*
        pub enum $Enum:ident: $what:literal {
            $(
                $(#[doc = $about:literal])+
                $Name:ident $($bare:ident)? $({
                    $( $(#[doc = $told:literal])+ $field:ident: $Type:ty $(= $default:literal)? ),+ $(,)?
                })? => $example:literal
            ),+ $(,)?
        }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $Enum {
            $( $(#[doc = $about])+ $Name $({ $( $(#[doc = $told])+ $field: $Type ),+ })? ),+
        }

        impl $Enum {
            /// All that there are, as they are declared.
            pub const ENTRIES: &'static [$crate::fault::Entry] = &[$(
                $crate::fault::Entry {
                    name: stringify!($Name),
                    about: concat!($($about),+),
                    fields: &[$($(
                        $crate::fault::Field {
                            name: stringify!($field),
                            about: concat!($($told),+),
                            what: <$Type as $crate::fault::notation::Value>::WHAT,
                            default: $crate::fault::notation::optional!($($default)?),
                        }
                    ),+)?],
                    bare: {
                        let bare: Option<&str> = $crate::fault::notation::optional!($(stringify!($bare))?);
                        bare.is_some()
                    },
                    example: $example,
                }
            ),+];

            /// Its name.
            pub const fn name(&self) -> &'static str {
                match self { $( Self::$Name { .. } => stringify!($Name) ),+ }
            }

            /// Its declaration.
            pub fn entry(&self) -> &'static $crate::fault::Entry {
                let declared = Self::ENTRIES.iter().find(|entry| entry.name == self.name());
                declared.expect("names and entries come from one declaration")
            }

            /// Strategies for each, with its name.
            #[cfg(any(test, feature = "proptest"))]
            pub(super) fn strategies(draw: &$crate::fault::draw::Draw) -> Vec<(&'static str, proptest::strategy::BoxedStrategy<Self>)> {
                use proptest::strategy::{Just, Strategy};
                vec![$(
                    (
                        stringify!($Name),
                        ($($( <$Type as $crate::fault::notation::Value>::strategy(draw), )+)? Just(()),)
                            .prop_map(|($($( $field, )+)? (),)| Self::$Name $({ $( $field ),+ })?)
                            .boxed(),
                    )
                ),+]
            }
        }

        impl $crate::fault::notation::Value for $Enum {
            const WHAT: &'static str = $what;

            fn read(form: $crate::notation::Form<'_>, reader: &$crate::fault::reader::Reader<'_>) -> Option<Self> {
                let names: Vec<&str> = Self::ENTRIES.iter().map(|entry| entry.name).collect();
                let name = form.variant($what, &names)?;
                let entry = Self::ENTRIES.iter().find(|entry| entry.name == name)?;
                let mut arguments = $crate::fault::notation::Arguments::of(form, entry)?;
                let read = match name {
                    $(
                        stringify!($Name) => {
                            $($( let $field = arguments.take::<$Type>(stringify!($field), reader); )+)?
                            arguments.finish();
                            Self::$Name $({ $( $field: $field? ),+ })?
                        }
                    )+
                    _ => return None,
                };
                read.checked(form, reader)
            }

            fn write(&self) -> Option<String> {
                Some(self.to_string())
            }

            #[cfg(any(test, feature = "proptest"))]
            fn strategy(draw: &$crate::fault::draw::Draw) -> proptest::strategy::BoxedStrategy<Self> {
                draw.any_of(Self::strategies(draw))
            }
        }

        impl std::fmt::Display for $Enum {
            /// As it is written in a scenario.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let fields: &[Option<String>] = match self {
                    $( Self::$Name $({ $( $field ),+ })? => &[$($( $crate::fault::notation::Value::write($field) ),+)?] ),+
                };
                f.write_str(&$crate::fault::notation::written(self.entry(), fields))
            }
        }
    };
}

/// What is given, or nothing.
macro_rules! optional {
    () => {
        None
    };
    ($given:expr) => {
        Some($given)
    };
}

pub(super) use {notation, optional};
