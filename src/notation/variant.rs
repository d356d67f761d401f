//! Variants: what is written by its name, with fields in parentheses, `Crash(node: n1, down: "1s")`, each declared once.

use super::{Fields, Form, Setting, Within};
#[cfg(any(test, feature = "proptest"))]
use proptest::strategy::BoxedStrategy;

/// A variant, as it is declared.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// As it is written.
    pub name: &'static str,
    /// What it is or does, in a sentence or two.
    pub about: &'static str,
    pub(crate) fields: fn() -> Vec<Setting>,
    /// How many of its fields, from the first on, need no names where they are all that is given: one of `Partition(Halves)`.
    pub bare: usize,
    /// Something that it stands in.
    pub example: &'static str,
}

impl Variant {
    /// One without fields of its own.
    pub const fn new(name: &'static str, about: &'static str, example: &'static str) -> Self {
        Self { name, about, fields: Vec::new, bare: 0, example }
    }

    /// The same with these fields.
    #[must_use]
    pub const fn with(self, fields: fn() -> Vec<Setting>) -> Self {
        Self { fields, ..self }
    }

    /// What it is given, in this order.
    pub fn fields(&self) -> Vec<Setting> {
        (self.fields)()
    }

    /// The fields that this value has, which is of this variant.
    pub(crate) fn fields_of<'s>(&self, form: Form<'s>) -> Option<Fields<'s>> {
        let declared = self.fields();
        if declared.is_empty() || self.bare > 0 && !form.has_fields() {
            let what = |field: &'_ Setting| field.takes.split(", like ").next().unwrap_or_default().to_owned();
            let bare: Vec<(&str, String)> = declared[..self.bare].iter().map(|field| (field.name, what(field))).collect();
            return form.bare_fields(&bare);
        }
        form.fields()
    }

    /// As it is written with these fields, all that there are; an empty text is not written.
    pub(crate) fn written(&self, fields: &[(&'static str, String)]) -> String {
        let given: Vec<_> = fields.iter().filter(|(_, value)| !value.is_empty()).collect();
        let is_bare = given.len() == self.bare && given.iter().zip(fields).all(|((given, _), (name, _))| given == name);
        let fields: Vec<String> =
            given.iter().map(|(name, value)| if is_bare { value.clone() } else { format!("{name}: {value}") }).collect();
        if fields.is_empty() { self.name.to_owned() } else { format!("{}({})", self.name, fields.join(", ")) }
    }
}

/// A type of variants, as [`variants!`] declares it.
pub(crate) trait Variants: Sized {
    /// What its codecs must know to read it; by default nothing is known.
    type Context<'c>: Copy + Default;

    /// What they are: "a fault".
    const WHAT: &'static str;

    /// All that there are.
    const ALL: &'static [Variant];

    /// Its name.
    fn name(&self) -> &'static str;

    /// Its fields, as they are written.
    fn texts(&self) -> Vec<(&'static str, String)>;

    /// The variant of this name with what it takes of these fields.
    fn take(name: &str, fields: &mut Fields<'_>, context: Self::Context<'_>) -> Option<Self>;

    /// Which variant a value is of, and its fields.
    fn open(form: Form<'_>) -> Option<(&'static Variant, Fields<'_>)> {
        let variant = form.variant_of(Self::WHAT, Self::ALL)?;
        Some((variant, variant.fields_of(form)?))
    }

    /// What has a name within such a value.
    fn within() -> Within {
        Within::OneOf(Self::WHAT, Self::ALL.to_vec())
    }

    /// The value as it is written; what is wrong is reported.
    fn read(form: Form<'_>, context: Self::Context<'_>) -> Option<Self> {
        let (variant, mut fields) = Self::open(form)?;
        let value = Self::take(variant.name, &mut fields, context);
        fields.finish();
        value
    }

    /// Its declaration.
    fn variant(&self) -> &'static Variant {
        let declared = Self::ALL.iter().find(|variant| variant.name == self.name());
        declared.expect("names and variants come from one declaration")
    }
}

/// A codec whose values can be drawn from a `D`: legal ones, which shrink to simpler ones.
#[cfg(any(test, feature = "proptest"))]
pub(crate) trait Drawn<T, D> {
    fn strategy(&self, draw: &D) -> BoxedStrategy<T>;
}

/// Declares an enum of [`Variants`]: what its codecs know, and what its values are drawn from; and of each variant
///
/// ```text
/// /// What it is.
/// Name { /// What it means.  field: Type = "what its absence means", codec; } bare 1 => "an example"
/// ```
///
/// A field has a [codec](super::Codec), as a setting has. One with a default is the type's default if it is not given. After the variant's
/// own fields come those of the settings `with` it, which all variants have.
macro_rules! variants {
    (
        |$context:ident: $Context:ty, $Draw:ty|
        $(#[$outer:meta])*
        pub enum $Enum:ident: $what:literal with $More:ty {
            $(
                $(#[doc = $about:literal])+
                $Name:ident $({
                    $( $(#[doc = $told:literal])+ $field:ident: $Type:ty $(= $absent:literal)?, $codec:expr; )+
                })? $(bare $bare:literal)? => $example:literal
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
            pub const VARIANTS: &'static [$crate::notation::Variant] = &[$(
                $crate::notation::Variant {
                    name: stringify!($Name),
                    about: concat!($($about),+).trim_ascii(),
                    fields: || {
                        let $context = <$Enum as $crate::notation::Variants>::Context::default();
                        let _ = $context;
                        let own = vec![$($(
                            $crate::notation::Setting {
                                name: stringify!($field),
                                about: concat!($($told),+).trim_ascii(),
                                takes: $crate::notation::Codec::<$Type>::takes(&$codec),
                                default: $crate::notation::given!($($absent.to_owned())?),
                                example: $crate::notation::Codec::<$Type>::example(&$codec),
                                within: $crate::notation::Codec::<$Type>::within(&$codec),
                                timings: $crate::notation::Codec::<$Type>::timings(&$codec),
                            }
                        ),+)?];
                        [own, <$More as $crate::notation::Settings>::declared()].concat()
                    },
                    bare: 0 $(+ $bare)?,
                    example: $example,
                }
            ),+];

            /// Strategies for each, with its name.
            #[cfg(any(test, feature = "proptest"))]
            pub(super) fn strategies(draw: &$Draw) -> Vec<(&'static str, proptest::strategy::BoxedStrategy<Self>)> {
                use proptest::strategy::{Just, Strategy};
                let $context = <$Enum as $crate::notation::Variants>::Context::default();
                let _ = $context;
                vec![$(
                    (
                        stringify!($Name),
                        ($($( $crate::notation::Drawn::<$Type, $Draw>::strategy(&$codec, draw), )+)? Just(()),)
                            .prop_map(|($($( $field, )+)? (),)| Self::$Name $({ $( $field ),+ })?)
                            .boxed(),
                    )
                ),+]
            }
        }

        impl std::fmt::Display for $Enum {
            /// As it is written.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::notation::Variants::variant(self).written(&$crate::notation::Variants::texts(self)))
            }
        }

        impl $crate::notation::Variants for $Enum {
            type Context<'c> = $Context;
            const WHAT: &'static str = $what;
            const ALL: &'static [$crate::notation::Variant] = Self::VARIANTS;

            fn name(&self) -> &'static str {
                match self { $( Self::$Name { .. } => stringify!($Name) ),+ }
            }

            fn texts(&self) -> Vec<(&'static str, String)> {
                let $context = <$Enum as $crate::notation::Variants>::Context::default();
                let _ = $context;
                match self {
                    $( Self::$Name $({ $( $field ),+ })? => vec![$($(
                        (stringify!($field), $crate::notation::Codec::<$Type>::write(&$codec, $field))
                    ),+)?] ),+
                }
            }

            fn take(name: &str, fields: &mut $crate::notation::Fields<'_>, $context: Self::Context<'_>) -> Option<Self> {
                let _ = (&fields, $context);
                match name {
                    $( stringify!($Name) => {
                        $($(
                            let read = |form: $crate::notation::Form<'_>| $crate::notation::Codec::<$Type>::read(&$codec, form);
                            let absent = $crate::notation::given!($({ let _ = $absent; <$Type>::default() })?);
                            let $field = match absent {
                                Some(absent) => Some(fields.read_or(stringify!($field), absent, read)),
                                None => match fields.take(stringify!($field)) {
                                    Some(form) => read(form),
                                    None => {
                                        fields.report_missing(stringify!($field), &$crate::notation::Codec::<$Type>::takes(&$codec));
                                        None
                                    }
                                },
                            };
                        )+)?
                        Some(Self::$Name $({ $( $field: $field? ),+ })?)
                    } )+
                    _ => None,
                }
            }
        }
    };
}

/// What is given, or nothing.
macro_rules! given {
    () => {
        None
    };
    ($given:expr) => {
        Some($given)
    };
}

pub(crate) use {given, variants};
