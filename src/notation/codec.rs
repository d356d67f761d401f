//! Codecs: how values of one type are read, written and described.

use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::str::FromStr;

use super::form::in_words;
use super::{Form, Settings, Timing, Variant, Within};
use crate::base::{Duration, DurationRange, Ratio};
use crate::diagnostic::{Diagnostic, Span};

/// How values of one type are written in a file, and which of them are taken. Settings and the fields of variants name theirs; what it must
/// know to read (which nodes there are, say) it holds.
///
/// ```
/// use stormglass::diagnostic::{Diagnostics, Source};
/// use stormglass::notation::{Codec, Form};
///
/// /// A number of dozens, written as a number of things.
/// struct Dozens;
///
/// impl Codec<u32> for Dozens {
///     fn read(&self, form: Form<'_>) -> Option<u32> {
///         let count: u32 = form.count(0..=1200)?;
///         if count % 12 != 0 {
///             form.report(form.mismatch("a multiple of 12"));
///             return None;
///         }
///         Some(count / 12)
///     }
///
///     fn write(&self, dozens: &u32) -> String {
///         (dozens * 12).to_string()
///     }
///
///     fn takes(&self) -> String {
///         "a multiple of 12, at most `1200`".to_owned()
///     }
/// }
///
/// let (source, problems) = (Source::new("eggs.ron", "36"), Diagnostics::new());
/// assert_eq!(Form::parse(&source, &problems).and_then(|form| Dozens.read(form)), Some(3));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not read and write values of the type `{T}`",
    label = "this is no codec of `{T}`",
    note = "codecs have the type that they read: `PositiveLength` a `Duration`, `LengthRange` a `DurationRange`, `Count(0..)` a whole number, `Maybe(…)` an `Option`"
)]
pub trait Codec<T> {
    /// Reads a value; reports what is wrong with it.
    fn read(&self, form: Form<'_>) -> Option<T>;

    /// Writes a value as [`read`](Self::read) reads it; an empty text is not written at all.
    fn write(&self, value: &T) -> String;

    /// The same with all that is as usual, and not written for that.
    fn write_whole(&self, value: &T) -> String {
        self.write(value)
    }

    /// What is taken, with its unit and range, in words: "a whole number from 1 to 9".
    fn takes(&self) -> String;

    /// A value that is taken: by default, what `takes` has between its first backticks.
    fn example(&self) -> String {
        self.takes().split('`').nth(1).unwrap_or_default().to_owned()
    }

    /// What has a name within: fields, or the values of which it is one.
    fn within(&self) -> Within {
        Within::Nothing
    }

    /// What is meant where an empty text is not written; nothing if it must be given.
    fn absence(&self) -> Option<&'static str> {
        Some("none")
    }

    /// What it is for, if it is a length of time: see [`Timed`](super::Timed).
    fn timings(&self) -> &'static [Timing] {
        &[]
    }
}

/// What a codec that holds another forwards to it: all but reading, and what its lengths of time are for.
macro_rules! written_alike {
    ($T:ty) => {
        fn write(&self, value: &$T) -> String {
            self.0.write(value)
        }

        fn write_whole(&self, value: &$T) -> String {
            self.0.write_whole(value)
        }

        fn takes(&self) -> String {
            self.0.takes()
        }

        fn example(&self) -> String {
            self.0.example()
        }

        fn within(&self) -> $crate::notation::Within {
            self.0.within()
        }

        fn absence(&self) -> Option<&'static str> {
            self.0.absence()
        }
    };
}

/// A type as a [`Codec`]: how it reads, how it writes, what is taken, what absence means if it is not nothing, and what stands within.
macro_rules! codec {
    ($Codec:ty: $Type:ty = $read:expr, $write:expr, $takes:expr $(, $absence:expr)? $(; within $within:expr)? $(; like $example:expr)?) => {
        impl $crate::notation::Codec<$Type> for $Codec {
            fn read(&self, form: $crate::notation::Form<'_>) -> Option<$Type> {
                ($read)(self, form)
            }

            fn write(&self, value: &$Type) -> String {
                ($write)(value)
            }

            fn takes(&self) -> String {
                $takes.into()
            }

            $( fn absence(&self) -> Option<&'static str> {
                $absence
            } )?

            $( fn within(&self) -> $crate::notation::Within {
                $within
            } )?

            $( fn example(&self) -> String {
                $example.to_owned()
            } )?
        }
    };
}

/// Codecs that know nothing but their type.
macro_rules! codecs {
    ($(
        $(#[$doc:meta])+
        $vis:vis $Codec:ident: $Type:ty = $read:expr, $write:expr, $takes:expr $(, like $example:expr)? $(, within $within:expr)?;
    )+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, Debug)]
        $vis struct $Codec;
        $crate::notation::codec!($Codec: $Type = |_: &Self, form| ($read)(form), $write, $takes $(; within $within)? $(; like $example)?);
    )+};
}
pub(crate) use {codec, codecs, written_alike};

codecs! {
    /// `true` or `false`.
    pub Flag: bool = Form::boolean, bool::to_string, "`true` or `false`", within Within::OneOf("a choice of two", FLAGS.to_vec());
    /// A text in quotes.
    pub Text: String = Form::text, quoted, "a text in quotes", like "\"calm\"";
    /// A chance: `"1/100"`.
    pub Chance: Ratio = Form::ratio, in_quotes, "a chance from 0 to 1", like "\"1/100\"";
    /// A length of time, zero included: `"150ms"`.
    pub Length: Duration = length, in_quotes, "a length", like "\"150ms\"";
    /// A length of time above zero.
    pub PositiveLength: Duration = length_positive, in_quotes, "a length above zero", like "\"150ms\"";
    /// A range of lengths, or a single one: `"1ms..5ms"`.
    pub LengthRange: DurationRange = range, in_quotes, "a length, or a range of lengths", like "\"1ms..5ms\"";
    /// A range of lengths of which the longest is above zero.
    pub PositiveLengthRange: DurationRange = range_positive, in_quotes, "a length, or a range of lengths, its upper end above zero",
        like "\"1ms..5ms\"";
    /// How much faster or slower a clock goes, in parts per million: `"100ppm"`.
    pub PartsPerMillion: u32 = parts_per_million, |parts| in_quotes(&format_args!("{parts}ppm")), "a drift, like \"100ppm\"", like "\"100ppm\"";
}

const FLAGS: [Variant; 2] =
    [Variant::new("true", "It is so.", "cooperative: true"), Variant::new("false", "It is not so.", "cooperative: false")];

/// No length in a scenario is longer: a year. Clocks and queues count nanoseconds, and sums of a few years always fit.
pub const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Parts of a million, as they are written.
struct Parts(u32);

impl FromStr for Parts {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        // A clock that lost a million parts per million would stand still.
        const END: u64 = 1_000_000;
        let digits = text.trim().strip_suffix("ppm").ok_or("the unit is missing: parts per million, \"100ppm\"")?;
        match digits.trim_end().parse::<u64>() {
            Ok(parts) if parts < END => Ok(Self(parts as u32)),
            Ok(_) => Err("a clock that drifts by 1000000ppm or more would stand still"),
            Err(_) => Err("expected a whole number of parts per million"),
        }
    }
}

fn parts_per_million(form: Form<'_>) -> Option<u32> {
    form.from_text("a drift, like \"100ppm\"").map(|Parts(parts)| parts)
}

fn length(form: Form<'_>) -> Option<Duration> {
    within(form, form.duration()?, |length| *length)
}

fn length_positive(form: Form<'_>) -> Option<Duration> {
    within(form, form.duration_positive()?, |length| *length)
}

fn range(form: Form<'_>) -> Option<DurationRange> {
    within(form, form.duration_range()?, |range| range.high())
}

fn range_positive(form: Form<'_>) -> Option<DurationRange> {
    let range = range(form)?;
    if range.high().is_zero() {
        form.report(form.mismatch("a length above zero"));
        return None;
    }
    Some(range)
}

fn within<T>(form: Form<'_>, value: T, longest: impl FnOnce(&T) -> Duration) -> Option<T> {
    if longest(&value) <= LONGEST {
        return Some(value);
    }
    form.report(form.problem(format!("{} is too long", form.raw())).label("nothing in a scenario takes longer than a year"));
    None
}

/// A text as a file has it, escaped where it must be.
pub(crate) fn quoted(text: impl AsRef<str>) -> String {
    ron::to_string(text.as_ref()).expect("every text can be written as RON")
}

/// A value that is written in quotes.
pub(crate) fn in_quotes(value: &impl Display) -> String {
    format!("\"{value}\"")
}

/// A whole number within a range: `Count(1..=9)`.
#[derive(Clone, Copy, Debug)]
pub struct Count<R>(pub R);

impl<T: TryFrom<u64> + PartialOrd + Display, R: RangeBounds<T> + Clone> Codec<T> for Count<R> {
    fn read(&self, form: Form<'_>) -> Option<T> {
        form.count(self.0.clone())
    }

    fn write(&self, value: &T) -> String {
        value.to_string()
    }

    fn takes(&self) -> String {
        format!("a whole number{}", in_words(&self.0))
    }

    fn example(&self) -> String {
        match self.0.start_bound() {
            Bound::Included(low) => low.to_string(),
            _ => "1".to_owned(),
        }
    }
}

/// A whole number up to another setting, which is named in place of its value: `CountUpTo(1..=of, "of")`.
#[derive(Clone, Copy, Debug)]
pub struct CountUpTo<R>(pub R, pub &'static str);

impl<T: TryFrom<u64> + PartialOrd + Display, R: RangeBounds<T> + Clone> Codec<T> for CountUpTo<R> {
    fn read(&self, form: Form<'_>) -> Option<T> {
        form.count(self.0.clone())
    }

    fn write(&self, value: &T) -> String {
        value.to_string()
    }

    fn takes(&self) -> String {
        let told = Count(self.0.clone()).takes();
        told.rsplit_once(' ').map_or_else(String::new, |(low, _)| format!("{low} `{}`", self.1))
    }
}

/// A text in quotes that is then parsed. It says what it means: `Parsed("a rate, like \"100/s\"")`.
#[derive(Clone, Copy, Debug)]
pub struct Parsed(pub &'static str);

impl<T: FromStr<Err: Display> + Display> Codec<T> for Parsed {
    fn read(&self, form: Form<'_>) -> Option<T> {
        form.from_text(self.0)
    }

    fn write(&self, value: &T) -> String {
        in_quotes(value)
    }

    fn takes(&self) -> String {
        self.0.to_owned()
    }

    fn example(&self) -> String {
        self.0.split_once("like ").map_or_else(String::new, |(_, example)| example.to_owned())
    }
}

/// One of several names, each for a value: what they are; and of each the name, what it means, and the value.
#[derive(Clone, Copy, Debug)]
pub struct OneOf<T: 'static>(pub &'static str, pub &'static [(&'static str, &'static str, T)]);

impl<T: Clone + PartialEq> Codec<T> for OneOf<T> {
    fn read(&self, form: Form<'_>) -> Option<T> {
        let known: Vec<(&str, T)> = self.1.iter().map(|(name, _, value)| (*name, value.clone())).collect();
        form.one_of(self.0, &known)
    }

    fn write(&self, value: &T) -> String {
        self.1.iter().find(|(.., known)| known == value).map(|(name, ..)| (*name).to_owned()).unwrap_or_default()
    }

    fn takes(&self) -> String {
        let names: Vec<String> = self.1.iter().map(|(name, ..)| format!("`{name}`")).collect();
        format!("{}: {}", self.0, names.join(", "))
    }

    fn within(&self) -> Within {
        Within::OneOf(self.0, self.1.iter().map(|(name, about, _)| Variant::new(name, about, name)).collect())
    }
}

/// What may be nothing, and what that means.
macro_rules! optional {
    ($( $(#[$doc:meta])+ $Codec:ident: $absence:expr; )+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, Debug)]
        pub struct $Codec<C>(pub C);

        impl<T, C: Codec<T>> Codec<Option<T>> for $Codec<C> {
            fn read(&self, form: Form<'_>) -> Option<Option<T>> {
                self.0.read(form).map(Some)
            }

            fn write(&self, value: &Option<T>) -> String {
                value.as_ref().map_or_else(String::new, |value| self.0.write(value))
            }

            fn takes(&self) -> String {
                self.0.takes()
            }

            fn example(&self) -> String {
                self.0.example()
            }

            fn within(&self) -> Within {
                self.0.within()
            }

            fn absence(&self) -> Option<&'static str> {
                $absence
            }

            fn timings(&self) -> &'static [Timing] {
                self.0.timings()
            }
        }
    )+};
}

optional! {
    /// What need not be given, and then is nothing.
    Maybe: Some("none");
    /// What must be given, and is nothing if that is missing or wrong, which is reported.
    Required: None;
}

/// Settings in parentheses, `(events: 1000000)`: which, and an example. Those that are as usual are not written.
#[derive(Clone, Copy, Debug)]
pub struct Record<S>(pub &'static str, PhantomData<S>);

impl<S> Record<S> {
    /// Settings of this type, with an example.
    pub const fn like(example: &'static str) -> Self {
        Self(example, PhantomData)
    }
}

impl<S: Settings> Codec<S> for Record<S> {
    fn read(&self, form: Form<'_>) -> Option<S> {
        let mut fields = form.record(self.0)?;
        let (settings, _) = S::read(&mut fields);
        fields.finish();
        Some(settings)
    }

    fn write(&self, value: &S) -> String {
        in_parentheses(&value.unusual(None))
    }

    fn write_whole(&self, value: &S) -> String {
        in_parentheses(&value.written())
    }

    fn takes(&self) -> String {
        format!("fields of its own: `{}`", self.0)
    }

    fn within(&self) -> Within {
        Within::Fields(S::declared())
    }

    fn absence(&self) -> Option<&'static str> {
        Some("none of them")
    }
}

/// Fields in parentheses; nothing if there are none.
pub(crate) fn in_parentheses(fields: &str) -> String {
    if fields.is_empty() { String::new() } else { format!("({fields})") }
}

/// What is taken as another codec takes it, with advice on what probably does not mean what its author thinks.
pub(crate) struct Advised<C, T>(pub(crate) C, pub(crate) fn(&T, Span) -> Option<Diagnostic>);

impl<T, C: Codec<T>> Codec<T> for Advised<C, T> {
    fn read(&self, form: Form<'_>) -> Option<T> {
        let value = self.0.read(form)?;
        if let Some(advice) = self.1(&value, form.span()) {
            form.report(advice);
        }
        Some(value)
    }

    written_alike!(T);

    fn timings(&self) -> &'static [Timing] {
        self.0.timings()
    }
}

/// `[n1, n2]`.
pub(crate) fn list<T: ToString>(items: &[T]) -> String {
    format!("[{}]", items.iter().map(T::to_string).collect::<Vec<_>>().join(", "))
}
