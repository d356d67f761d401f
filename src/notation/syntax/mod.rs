//! RON as it is written: the parts of a value without their meaning, and syntax errors in words.
//!
//! The `ron` crate reads everything; here its values are only located. A part is a slice of the text it was found in, so that its place is
//! the distance between the two.

use std::fmt;

use ron::de::{Deserializer, Error, Position, SpannedError};
use ron::value::RawValue;
use serde::de::{Deserialize, DeserializeOwned, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::diagnostic::{Diagnostic, Span};

/// What a value holds, each part without the blanks and comments around it.
#[derive(Debug)]
pub(super) enum Contents<'s> {
    /// Nothing: `Leader`, `Leader()` or `()`.
    Nothing,
    /// Named fields: `(nodes: 5)`, `RaftKv(nodes: 5)`.
    Fields(Vec<(&'s str, &'s str)>),
    /// Values in a row: `[1, 2]`, `At("2s", Heal)`, `(1, 2)`.
    Items(Vec<&'s str>),
    /// A text, a number or whatever else.
    Other,
}

/// The one value of a whole file, or the first error of its syntax.
pub(super) fn value(text: &str) -> Result<&str, Box<Diagnostic>> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    match locate(body) {
        Ok("") => Err(Box::new(Diagnostic::error(Span::at(text.len()), "the file is empty"))),
        Ok(value) => Ok(value),
        Err(error) => Err(Box::new(in_words(&error, body).moved(text.len() - body.len()))),
    }
}

/// Where `part` lies in `whole`, which it is a slice of.
pub(super) fn span_within(whole: &str, part: &str) -> Span {
    let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    debug_assert!(start <= whole.len() && start + part.len() <= whole.len(), "the part is a slice of the whole");
    Span::new(start, start + part.len())
}

/// The identifier that a value begins with: `RaftKv` of `RaftKv(nodes: 5)`. Truth values have none.
pub(super) fn name(text: &str) -> Option<&str> {
    struct Identifier;

    impl<'s> Visitor<'s> for Identifier {
        type Value = &'s str;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an identifier")
        }

        fn visit_borrowed_str<E>(self, name: &'s str) -> Result<&'s str, E> {
            Ok(name)
        }
    }

    let name = Deserializer::from_str(text).ok()?.deserialize_identifier(Identifier).ok()?;
    (!matches!(name, "true" | "false")).then_some(name)
}

/// What follows the name of a value, blanks and comments skipped.
pub(super) fn after_name<'s>(text: &'s str, name: &str) -> &'s str {
    let rest = &text[span_within(text, name).end..];
    Deserializer::from_str(rest).map_or(rest, |deserializer| deserializer.remainder())
}

/// What a value holds.
pub(super) fn contents(text: &str) -> Contents<'_> {
    if name(text).is_none() && !text.starts_with(['(', '[']) {
        return Contents::Other;
    }
    let contents = Deserializer::from_str(text).map(|mut deserializer| deserializer.deserialize_any(Parts));
    // The text was read before as a whole: only what ron alone understands, like the range `inf..1`, gets here.
    contents.ok().and_then(Result::ok).unwrap_or(Contents::Other)
}

/// Whether a value is a plain number.
pub(super) fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) && matches!(ron::from_str(text), Ok(ron::Value::Number(_)))
}

/// Whether a value is a text in quotes.
pub(super) fn is_text(text: &str) -> bool {
    text.ends_with(['"', '#']) && ron::from_str::<String>(text).is_ok()
}

/// Why a value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misread {
    /// In words.
    pub(super) why: String,
    /// Where, within the value.
    pub(super) span: Span,
}

/// Reads a value, or says in words why it cannot be read, and where.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Misread> {
    ron::from_str(text).map_err(|error| misread(text, error))
}

fn misread(text: &str, error: SpannedError) -> Misread {
    let span = Span::new(offset(text, error.span.start), offset(text, error.span.end));
    let why = match error.code {
        Error::Message(why) => why,
        Error::InvalidValueForType { expected, found } => format!("expected {expected}, found {found}"),
        code => lower_first(&code.to_string()),
    };
    Misread { why, span }
}

/// A value as a message calls it: ``the number `5` ``, `a list`.
pub(super) fn describe(text: &str) -> String {
    let quoted = format!("`{}`", shorten(text));
    if let Some(name) = name(text) {
        return match after_name(text, name).starts_with('(') {
            true => format!("`{}(…)`", shorten(name)),
            false => format!("the name `{}`", shorten(name)),
        };
    }
    match text.as_bytes().first() {
        Some(b'"' | b'r') => format!("the text {}", shorten(text)),
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => format!("the number {quoted}"),
        Some(b'[') => "a list".to_owned(),
        Some(b'{') => "a map".to_owned(),
        Some(b'(') => match contents(text) {
            Contents::Fields(_) => "named fields".to_owned(),
            Contents::Items(_) => "values in parentheses".to_owned(),
            _ => "`()`".to_owned(),
        },
        _ => quoted,
    }
}

/// The beginning of a text that is too long for a message.
pub(super) fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    let line = text.lines().next().unwrap_or("");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.len() < text.len() => format!("{line}…"),
        None => line.to_owned(),
    }
}

/// The value in a text that may have blanks and comments around it; nothing if there is no more than those.
fn locate(text: &str) -> Result<&str, SpannedError> {
    let mut deserializer = Deserializer::from_str(text)?;
    let start = text.len() - deserializer.remainder().len();
    if start == text.len() {
        return Ok("");
    }
    IgnoredAny::deserialize(&mut deserializer).map_err(|error| deserializer.span_error(error))?;
    let found = &text[start..text.len() - deserializer.remainder().len()];
    deserializer.end().map_err(|error| deserializer.span_error(error))?;
    // After a name, ron goes on to look for brackets, past blanks and comments that do not belong to the value.
    match name(found) {
        Some(name) if !after_name(found, name).starts_with('(') => Ok(&found[..span_within(found, name).end]),
        _ => Ok(found.trim_end()),
    }
}

/// Collects the parts of a value.
struct Parts;

impl<'s> Visitor<'s> for Parts {
    type Value = Contents<'s>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'s>>(self, mut map: A) -> Result<Contents<'s>, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<&'s str>()? {
            fields.push((key, part(map.next_value()?)));
        }
        Ok(Contents::Fields(fields))
    }

    fn visit_seq<A: SeqAccess<'s>>(self, mut sequence: A) -> Result<Contents<'s>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(part(item));
        }
        Ok(if items.is_empty() { Contents::Nothing } else { Contents::Items(items) })
    }

    fn visit_some<D: serde::Deserializer<'s>>(self, deserializer: D) -> Result<Contents<'s>, D::Error> {
        Ok(Contents::Items(vec![part(<&RawValue>::deserialize(deserializer)?)]))
    }

    fn visit_none<E>(self) -> Result<Contents<'s>, E> {
        Ok(Contents::Nothing)
    }

    fn visit_unit<E>(self) -> Result<Contents<'s>, E> {
        Ok(Contents::Nothing)
    }
}

/// A part of a value without the blanks and comments around it.
fn part(raw: &RawValue) -> &str {
    let text = raw.get_ron();
    locate(text).unwrap_or(text)
}

/// A syntax error, told for people.
fn in_words(error: &SpannedError, text: &str) -> Diagnostic {
    let (start, end) = (offset(text, error.span.start), offset(text, error.span.end));
    let found = FoundToken::new(text, end);
    match &error.code {
        Error::ExpectedStringEnd => {
            Diagnostic::error(Span::new(start, end), "this text is never closed").label("it begins here").help("close it with `\"`")
        }
        Error::UnclosedBlockComment => {
            let start = text[..end].rfind("/*").unwrap_or(start);
            Diagnostic::error(Span::new(start, start + 2), "this comment is never closed").help("close it with `*/`")
        }
        Error::InvalidEscape(why) => Diagnostic::error(Span::new(start, end), "this text holds an unknown escape")
            .label(lower_first(why))
            .help("write `\\\\` for a backslash, or a raw text: r\"…\""),
        Error::ExpectedChar => {
            Diagnostic::error(Span::new(start, end), "a text in single quotes").help("texts stand in double quotes: \"text\"")
        }
        Error::ExceededRecursionLimit => Diagnostic::error(found.span, "the file is nested too deeply"),
        Error::ExpectedAttribute | Error::ExpectedAttributeEnd | Error::NoSuchExtension(_) => {
            Diagnostic::error(found.span, "unknown attribute").label(lower_first(&error.code.to_string()))
        }
        code => misplaced(code, text, Span::new(start, end)),
    }
}

/// An error of syntax that is not within a text, comment or attribute: something stands where something else should.
fn misplaced(code: &Error, text: &str, place: Span) -> Diagnostic {
    let found = FoundToken::new(text, place.end);
    let outline = Outline::new(&text[..found.span.start]);
    if let Some(runaway) = outline.runaway_text(text, found.span.start) {
        return runaway;
    }
    if let Some(word) = unquoted(text, place.end) {
        return Diagnostic::error(word, "a text without quotes").help(format!("write \"{}\"", &text[word.start..word.end]));
    }
    if let (true, Some(&opened)) = (found.is_end(), outline.open.last()) {
        return unclosed(text, opened);
    }
    match code {
        Error::ExpectedComma
        | Error::ExpectedStructLikeEnd
        | Error::ExpectedOptionEnd
        | Error::ExpectedArrayEnd
        | Error::ExpectedMapEnd => separator(text, &outline, &found),
        Error::ExpectedMapColon => Diagnostic::error(found.span, format!("expected `:` and a value, found {}", found.name)),
        Error::ExpectedIdentifier | Error::SuggestRawIdentifier(_) => {
            Diagnostic::error(found.span, format!("expected the name of a field, found {}", found.name))
                .help("either all values in parentheses have names or none has; a name is made of letters, digits and `_`")
        }
        Error::TrailingCharacters => Diagnostic::error(found.span, format!("expected the end of the file, found {}", found.name))
            .label("the value above is complete")
            .help("a file holds one value; was a bracket closed too early?"),
        Error::UnexpectedChar(character) if !text[place.end..].starts_with(*character) && text[..place.end].ends_with(*character) => {
            let found = FoundToken::new(text, place.end - character.len_utf8());
            Diagnostic::error(found.span, format!("expected a value, found {}", found.name))
        }
        Error::UnexpectedChar(_) | Error::Eof => Diagnostic::error(found.span, format!("expected a value, found {}", found.name)),
        Error::IntegerOutOfBounds => Diagnostic::error(found.span, "this number is too large"),
        Error::ExpectedInteger | Error::ExpectedFloat | Error::FloatUnderscore | Error::InvalidIntegerDigit { .. } => {
            let blank = text[place.start..].len() - text[place.start..].trim_start().len();
            Diagnostic::error(FoundToken::new(text, place.start + blank).span, "this is not a number")
        }
        code => Diagnostic::error(found.span, lower_first(&code.to_string())),
    }
}

/// The file ended inside brackets.
fn unclosed(text: &str, (place, bracket): (usize, char)) -> Diagnostic {
    Diagnostic::error(Span::new(place, place + 1), format!("this `{bracket}` is never closed"))
        .label(format!("`{}` is missing", closing(bracket)))
        .context(Span::at(text.trim_end().len()), "the file ends here")
}

/// Something stands where a value is over.
fn separator(text: &str, outline: &Outline, found: &FoundToken) -> Diagnostic {
    let Some(&(place, bracket)) = outline.open.last() else {
        return Diagnostic::error(found.span, format!("expected `,`, found {}", found.name));
    };
    let closing = closing(bracket);
    let problem = Diagnostic::error(found.span, format!("expected `,` or `{closing}`, found {}", found.name));
    let touches = !text[..found.span.start].ends_with(char::is_whitespace);
    match text[found.span.start..].chars().next() {
        Some(')' | ']' | '}') => problem.label(format!("expected `{closing}`")).context(Span::new(place, place + 1), "to close this"),
        Some(':') => problem.help("either all values in parentheses have names or none has; names stand without quotes"),
        Some('=') => problem.help("a field is written `name: value`"),
        Some('-') if touches => problem.help("a name is made of letters, digits and `_`"),
        Some(first) if first.is_alphanumeric() || "_\"'([{-".contains(first) => problem.label("a `,` is missing before this"),
        _ => problem,
    }
}

/// What stands at a place, as a message calls it.
struct FoundToken {
    span: Span,
    name: String,
}

impl FoundToken {
    fn new(text: &str, place: usize) -> Self {
        let rest = &text[place..];
        let Some(first) = rest.chars().next() else {
            return Self { span: Span::at(text.trim_end().len()), name: "the end of the file".to_owned() };
        };
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let length = word.max(first.len_utf8());
        let name = if first.is_control() { format!("`{}`", first.escape_default()) } else { format!("`{}`", shorten(&rest[..length])) };
        Self { span: Span::new(place, place + length), name }
    }

    fn is_end(&self) -> bool {
        self.span.start == self.span.end
    }
}

/// The word around a place, if it looks like a text that wants quotes: `150ms`, `100/s`, `1%`.
fn unquoted(text: &str, place: usize) -> Option<Span> {
    const LONGEST: usize = 40;
    let edge = |c: char| c.is_whitespace() || "()[]{},:\"'".contains(c);
    let start = text[..place].rfind(edge).map_or(0, |edge| edge + text[edge..].chars().next().map_or(0, char::len_utf8));
    let end = text[place..].find(edge).map_or(text.len(), |length| place + length);
    let word = &text[start..end];
    let measure = word.starts_with(|c: char| c.is_ascii_digit()) && word.contains(|c: char| c.is_alphabetic() || "/%".contains(c));
    let commented = word.contains("//") || word.contains("/*");
    (measure && !commented && word.len() <= LONGEST && !text[..start].ends_with('"')).then_some(Span::new(start, end))
}

/// What a text looks like from afar, as far as it was read. Only messages rest on it.
struct Outline {
    /// The brackets that are open at its end, the innermost last.
    open: Vec<(usize, char)>,
    /// Where the last text in quotes lies.
    last_text: Option<Span>,
}

impl Outline {
    fn new(text: &str) -> Self {
        let mut outline = Self { open: Vec::new(), last_text: None };
        let mut place = 0;
        while let Some(character) = text[place..].chars().next() {
            place += outline.add(text, place, character);
        }
        outline
    }

    /// Adds what begins at `place`, and returns its length.
    fn add(&mut self, text: &str, place: usize, character: char) -> usize {
        let rest = &text[place..];
        match character {
            '"' => {
                let length = text_length(text, place);
                self.last_text = Some(Span::new(place, place + length));
                return length;
            }
            '/' if rest.starts_with("//") => return rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => return rest.find("*/").map_or(rest.len(), |end| end + 2),
            '\'' if rest.chars().nth(2) == Some('\'') => return rest.chars().take(3).map(char::len_utf8).sum(),
            '(' | '[' | '{' => self.open.push((place, character)),
            ')' | ']' | '}' => drop(self.open.pop()),
            _ => {}
        }
        character.len_utf8()
    }

    /// The text in quotes just before the error, if it goes over several lines: then it probably swallowed what should have been outside.
    fn runaway_text(&self, text: &str, error: usize) -> Option<Diagnostic> {
        let span = self.last_text?;
        let problem = Diagnostic::error(Span::at(span.start), "this text goes on for several lines")
            .label("it begins here")
            .context(Span::new(span.end.saturating_sub(1), span.end), "it ends here")
            .help("close it with `\"` where it should end");
        (span.end == error && text[span.start..span.end].contains('\n')).then_some(problem)
    }
}

/// The length of the quoted text that begins at `place`.
fn text_length(text: &str, place: usize) -> usize {
    let rest = &text[place + 1..];
    let prefix = text[..place].trim_end_matches('#');
    let inside = if prefix.ends_with('r') {
        let end = format!("\"{}", &text[prefix.len()..place]);
        rest.find(&end).map(|inside| inside + end.len())
    } else {
        let mut escaped = false;
        let end = rest.find(|c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        end.map(|inside| inside + 1)
    };
    1 + inside.unwrap_or(rest.len())
}

fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// The byte at a line and column of ron's, which count characters from one.
fn offset(text: &str, place: Position) -> usize {
    let line = match place.line {
        0 | 1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(newline, _)| newline + 1),
    };
    text[line..].char_indices().nth(place.col.saturating_sub(1)).map_or(text.len(), |(length, _)| line + length)
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

#[cfg(test)]
mod tests;
