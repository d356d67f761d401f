//! What an operation carries: the small dynamic values of recorded histories.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::edn::Edn;

/// A value as a history file has it: the data of EDN (extensible data notation), which JSON's is part of.
///
/// Equal values are equal however they were written: a set has no order, a list is a vector, `1.50` is `1.5`. There are no floating-point
/// numbers in here, so that values can be compared and hashed: a number that is not a 64-bit integer is kept as text, in one spelling.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Value {
    /// Nothing: `nil`, `null`.
    #[default]
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Int(i64),
    /// Any other number, in the one spelling that equal numbers have: `1.5`, `1.5M`, `1/3`, `18446744073709551616`.
    Number(Box<str>),
    /// One character: `\a`.
    Char(char),
    /// A text: `"a"`.
    Text(Box<str>),
    /// A keyword, without its colon: `:timed-out`.
    Keyword(Box<str>),
    /// A symbol: `x`.
    Symbol(Box<str>),
    /// `[1 2]`, or `(1 2)`.
    Vector(Vec<Self>),
    /// `#{1 2}`, in order and without repetitions.
    Set(Vec<Self>),
    /// `{:a 1}`, in the order of the keys, each of which is there once.
    Map(Vec<(Self, Self)>),
    /// `#inst "2026-11-22"`
    Tagged(Box<(Box<str>, Self)>),
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// How many bytes it holds besides those of its own type.
    pub fn held_bytes(&self) -> usize {
        let all = |values: &[Self]| size_of_val(values) + values.iter().map(Self::held_bytes).sum::<usize>();
        match self {
            Self::Nil | Self::Bool(_) | Self::Int(_) | Self::Char(_) => 0,
            Self::Number(text) | Self::Text(text) | Self::Keyword(text) | Self::Symbol(text) => text.len(),
            Self::Vector(items) | Self::Set(items) => all(items),
            Self::Map(pairs) => {
                size_of_val(pairs.as_slice()) + pairs.iter().map(|(key, value)| key.held_bytes() + value.held_bytes()).sum::<usize>()
            }
            Self::Tagged(tagged) => size_of_val(&**tagged) + tagged.0.len() + tagged.1.held_bytes(),
        }
    }

    /// Its items, if it is a list or a vector, which are one thing.
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::Vector(items) => Some(items),
            _ => None,
        }
    }

    /// Its two items, if it is a list of two.
    pub fn pair(&self) -> Option<(&Self, &Self)> {
        match self.items() {
            Some([first, second]) => Some((first, second)),
            _ => None,
        }
    }

    /// Whether it is nothing.
    pub const fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// A set of these, each once.
    pub fn set(mut items: Vec<Self>) -> Self {
        items.sort_unstable();
        items.dedup();
        Self::Set(items)
    }

    /// A set of these, none of which may be there twice.
    pub(super) fn set_of(mut items: Vec<Self>) -> Result<Self, String> {
        items.sort_unstable();
        match items.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("{} is there twice", pair[0])),
            None => Ok(Self::Set(items)),
        }
    }

    /// A map of these, in which no key may be there twice.
    pub(super) fn map_of(mut entries: Vec<(Self, Self)>) -> Result<Self, String> {
        entries.sort();
        match entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(format!("{} is there twice", pair[0].0)),
            None => Ok(Self::Map(entries)),
        }
    }

    /// A map of these, in the order of the keys.
    pub fn map(mut entries: Vec<(Self, Self)>) -> Self {
        entries.sort();
        Self::Map(entries)
    }
}

/// A text that is not one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseValueError(String);

impl fmt::Display for ParseValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseValueError {}

/// From EDN.
impl FromStr for Value {
    type Err = ParseValueError;

    fn from_str(text: &str) -> Result<Self, ParseValueError> {
        let mut edn = Edn::new(text, 0);
        let read = edn.form().and_then(|value| edn.next_byte().map(|next| (value, next)));
        match read {
            Ok((value, None)) => Ok(value),
            Ok((_, Some(_))) => Err(ParseValueError("expected one value, found more".to_owned())),
            Err(error) => Err(ParseValueError(error.message)),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// As EDN, which reads back as the same value.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Bool(yes) => write!(f, "{yes}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Number(text) if matches!(&**text, "inf" | "-inf" | "NaN") => f.write_str(match &**text {
                "inf" => "##Inf",
                "-inf" => "##-Inf",
                _ => "##NaN",
            }),
            Self::Number(text) => f.write_str(text),
            Self::Char(char) => write_char(f, *char),
            Self::Text(text) => write_text(f, text),
            Self::Keyword(name) => write!(f, ":{name}"),
            Self::Symbol(name) => f.write_str(name),
            Self::Vector(items) => write_items(f, "[", items, "]"),
            Self::Set(items) => write_items(f, "#{", items, "}"),
            Self::Map(entries) => {
                f.write_char('{')?;
                for (place, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key} {value}", if place == 0 { "" } else { ", " })?;
                }
                f.write_char('}')
            }
            Self::Tagged(tagged) => write!(f, "#{} {}", tagged.0, tagged.1),
        }
    }
}

/// As EDN: what people see.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn write_items(f: &mut fmt::Formatter<'_>, open: &str, items: &[Value], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (place, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if place == 0 { "" } else { " " })?;
    }
    f.write_str(close)
}

fn write_char(f: &mut fmt::Formatter<'_>, char: char) -> fmt::Result {
    match char {
        '\n' => f.write_str("\\newline"),
        '\r' => f.write_str("\\return"),
        '\t' => f.write_str("\\tab"),
        ' ' => f.write_str("\\space"),
        other if other.is_control() || other.is_whitespace() => write!(f, "\\u{:04x}", u32::from(other)),
        other => write!(f, "\\{other}"),
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 | 0x7f => "",
            _ => continue,
        };
        f.write_str(&text[plain..at])?;
        if escape.is_empty() {
            write!(f, "\\u{byte:04x}")?
        } else {
            f.write_str(escape)?
        }
        plain = at + 1;
    }
    f.write_str(&text[plain..])?;
    f.write_char('"')
}
