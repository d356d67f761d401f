//! A reader of EDN (<https://github.com/edn-format/edn>) and of JSON, for one form at a time.
//!
//! The crates there are build a tree with a map for each line and take microseconds for it; they know no `\u` in texts and no integers
//! beyond 64 bits. A history has one small map a line and up to 10⁷ lines. So this reads the map of an event field by field, straight
//! into an [`Entry`](super::Entry), in about a tenth of the time. The tests hold it against one of those crates. JSON has the same shape
//! and less in it, and is read here, too: crates for it lose what numbers say beyond 64 bits.

use super::value::Value;
use super::{json, number};

/// Deeper than any history's values, and shallow enough for the stack.
const DEPTH_MAX: u32 = 100;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EdnError {
    /// Where the thing that is wrong begins, in bytes.
    pub(super) start: usize,
    /// Where it ends. If it ends where the text does, more text might mend it.
    pub(super) end: usize,
    pub(super) message: String,
    /// What to try instead, if that is known.
    pub(super) help: Option<String>,
}

impl EdnError {
    pub(super) fn new(start: usize, end: usize, message: impl Into<String>) -> Self {
        Self { start, end, message: message.into(), help: None }
    }
}

/// Reads forms one after another.
#[derive(Clone)]
pub(super) struct Edn<'t> {
    text: &'t str,
    at: usize,
    depth: u32,
    json: bool,
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | 0x0c)
}

const fn ends_token(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b';')
}

impl<'t> Edn<'t> {
    pub(super) const fn new(text: &'t str, at: usize) -> Self {
        Self { text, at, depth: 0, json: false }
    }

    /// A reader of JSON instead.
    pub(super) const fn of_json(text: &'t str) -> Self {
        Self { text, at: 0, depth: 0, json: true }
    }

    /// Whether it reads JSON.
    pub(super) const fn is_json(&self) -> bool {
        self.json
    }

    /// Where it stands, in bytes.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn fail<T>(&self, start: usize, end: usize, message: impl Into<String>) -> Result<T, EdnError> {
        // The end of a character, so that it can be shown.
        let end = (end..self.text.len()).find(|at| self.text.is_char_boundary(*at)).unwrap_or(self.text.len());
        Err(EdnError::new(start, end, message))
    }

    /// Everything from `start` on lacks its end.
    fn unfinished<T>(&self, start: usize, message: impl Into<String>) -> Result<T, EdnError> {
        self.fail(start, self.text.len(), message)
    }

    /// Passes blanks, commas, comments and discarded forms.
    pub(super) fn skip_blanks(&mut self) -> Result<(), EdnError> {
        loop {
            match self.peek() {
                Some(byte) if is_blank(byte) => self.at += 1,
                Some(b';') if !self.json => self.at = self.text[self.at..].find('\n').map_or(self.text.len(), |length| self.at + length),
                Some(b'#') if self.text[self.at..].starts_with("#_") && !self.json => {
                    let start = self.at;
                    self.at += 2;
                    self.within(start, Self::form)?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// The next byte that means something, without taking it.
    pub(super) fn next_byte(&mut self) -> Result<Option<u8>, EdnError> {
        self.skip_blanks()?;
        Ok(self.peek())
    }

    /// Takes the next byte if it is this one.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Everything up to the next byte that ends a token.
    pub(super) fn token(&mut self) -> &'t str {
        let rest = &self.text[self.at..];
        let length = rest.bytes().position(ends_token).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// A keyword, without its colon.
    pub(super) fn keyword(&mut self) -> Result<&'t str, EdnError> {
        let start = self.at;
        match self.token().strip_prefix(':') {
            Some(name) if !name.is_empty() && !name.starts_with(':') => Ok(name),
            _ => self.fail(start, self.at.max(start + 1), "expected a keyword, as in :type"),
        }
    }

    /// The next form.
    pub(super) fn form(&mut self) -> Result<Value, EdnError> {
        self.skip_blanks()?;
        let start = self.at;
        let Some(byte) = self.peek() else { return self.unfinished(start, "expected a value, found the end") };
        match byte {
            b'"' => self.string().map(|text| Value::Text(text.into())),
            b'[' => self.items(start, 1, b']').map(Value::Vector),
            b'{' if self.json => self.object(start),
            b']' | b')' | b'}' => self.fail(start, start + 1, format!("expected a value, found {:?}", char::from(byte))),
            b'0'..=b'9' | b'-' | b'+' => self.number_or_symbol(),
            _ if self.json => self.word(),
            b':' => self.keyword().map(|name| Value::Keyword(name.into())),
            b'(' => self.items(start, 1, b')').map(Value::Vector),
            b'{' => self.map(start),
            b'\\' => self.character(),
            b'#' => self.dispatch(start),
            _ => self.word(),
        }
    }

    /// Goes one level deeper.
    fn within<T>(&mut self, start: usize, inside: impl FnOnce(&mut Self) -> Result<T, EdnError>) -> Result<T, EdnError> {
        if self.depth == DEPTH_MAX {
            return self.fail(start, start + 1, format!("nested more than {DEPTH_MAX} deep"));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    fn items(&mut self, start: usize, opening: usize, close: u8) -> Result<Vec<Value>, EdnError> {
        self.at += opening;
        self.within(start, |edn| {
            let mut items = Vec::new();
            loop {
                match edn.next_byte()? {
                    Some(byte) if byte == close => {
                        edn.at += 1;
                        return Ok(items);
                    }
                    Some(byte @ (b']' | b')' | b'}')) => {
                        let at = edn.at;
                        let message = format!("expected {:?}, found {:?}", char::from(close), char::from(byte));
                        return edn.fail(at, at + 1, message);
                    }
                    Some(_) => items.push(edn.form()?),
                    None => return edn.unfinished(start, format!("{:?} is missing", char::from(close))),
                }
            }
        })
    }

    fn map(&mut self, start: usize) -> Result<Value, EdnError> {
        let items = self.items(start, 1, b'}')?;
        if items.len() % 2 != 0 {
            return self.fail(start, self.at, "a map has a value for each key");
        }
        let mut items = items.into_iter();
        let mut entries = Vec::with_capacity(items.len() / 2);
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        Value::map_of(entries).or_else(|message| self.fail(start, self.at, message))
    }

    /// An object of JSON.
    fn object(&mut self, start: usize) -> Result<Value, EdnError> {
        self.at += 1;
        let fields = self.within(start, |edn| {
            let mut fields = Vec::new();
            loop {
                match edn.next_byte()? {
                    Some(b'}') => {
                        edn.at += 1;
                        return Ok(fields);
                    }
                    Some(b'"') => fields.push((edn.name()?, edn.form()?)),
                    Some(_) => return edn.fail(edn.at, edn.at + 1, "expected a field, as in \"key\": 1, or '}'"),
                    None => return edn.unfinished(start, "'}' is missing"),
                }
            }
        })?;
        json::object(fields).or_else(|message| self.fail(start, self.at, message))
    }

    /// The name of a field: in JSON with the colon behind it, in EDN a keyword, or a text.
    pub(super) fn name(&mut self) -> Result<std::borrow::Cow<'t, str>, EdnError> {
        if self.peek() != Some(b'"') {
            return self.keyword().map(Into::into);
        }
        let name = self.string()?;
        if !self.json {
            return Ok(name);
        }
        match self.next_byte()? {
            Some(b':') => self.at += 1,
            Some(_) => return self.fail(self.at, self.at + 1, format!("expected ':' behind {name:?}")),
            None => return self.unfinished(self.at, format!("expected ':' behind {name:?}")),
        }
        Ok(name)
    }

    fn dispatch(&mut self, start: usize) -> Result<Value, EdnError> {
        match self.text.as_bytes().get(start + 1) {
            None => self.unfinished(start, "expected a tag or a set"),
            Some(b'{') => {
                let items = self.items(start, 2, b'}')?;
                Value::set_of(items).or_else(|message| self.fail(start, self.at, message))
            }
            Some(b'#') => {
                let number = match self.token() {
                    "##Inf" => "inf",
                    "##-Inf" => "-inf",
                    "##NaN" => "NaN",
                    _ => return self.fail(start, self.at, "expected ##Inf, ##-Inf or ##NaN"),
                };
                Ok(Value::Number(number.into()))
            }
            Some(_) => {
                self.at += 1;
                let tag = self.token();
                if !tag.starts_with(|first: char| first.is_alphabetic()) {
                    return self.fail(start, self.at, "expected a tag, as in #inst");
                }
                let value = self.within(start, Self::form)?;
                Ok(Value::Tagged(Box::new((tag.into(), value))))
            }
        }
    }

    /// A text, with its escapes undone.
    pub(super) fn string(&mut self) -> Result<std::borrow::Cow<'t, str>, EdnError> {
        let start = self.at;
        self.at += 1;
        let mut decoded = String::new();
        let mut plain = self.at;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let Some(length) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
                self.at = self.text.len();
                return self.unfinished(start, "'\"' is missing");
            };
            self.at += length;
            let before = &self.text[plain..self.at];
            if rest[length] == b'"' {
                self.at += 1;
                return Ok(if decoded.is_empty() { before.into() } else { (decoded + before).into() });
            }
            decoded.push_str(before);
            decoded.push(self.escape()?);
            plain = self.at;
        }
    }

    fn escape(&mut self) -> Result<char, EdnError> {
        let start = self.at;
        let Some(byte) = self.text.as_bytes().get(start + 1) else { return self.unfinished(start, "an escape lacks its end") };
        self.at += 2;
        Ok(match byte {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'u' => {
                let first = self.hex(start)?;
                let code = if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    let second = self.hex(start)?;
                    0x10000 + ((first - 0xd800) << 10) + second.wrapping_sub(0xdc00)
                } else {
                    first
                };
                match char::from_u32(code) {
                    Some(char) => char,
                    None => return self.fail(start, self.at, "this names no character"),
                }
            }
            _ => return self.fail(start, start + 2, "no such escape: there are \\n \\t \\r \\b \\f \\\" \\\\ and \\u0000"),
        })
    }

    fn hex(&mut self, start: usize) -> Result<u32, EdnError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => self.fail(start, self.at + 4, "expected four hexadecimal digits after \\u"),
        }
    }

    fn character(&mut self) -> Result<Value, EdnError> {
        let start = self.at;
        self.at += 1;
        let Some(first) = self.text[self.at..].chars().next() else { return self.unfinished(start, "expected a character after \\") };
        self.at += first.len_utf8();
        if ends_token(first as u32 as u8) && first.is_ascii() {
            return if first.is_ascii_whitespace() { self.fail(start, self.at, "write \\space") } else { Ok(Value::Char(first)) };
        }
        self.token();
        let name = &self.text[start + 1..self.at];
        let named = match name {
            "newline" => Some('\n'),
            "return" => Some('\r'),
            "space" => Some(' '),
            "tab" => Some('\t'),
            "formfeed" => Some('\u{c}'),
            "backspace" => Some('\u{8}'),
            _ if name.len() == first.len_utf8() => Some(first),
            _ => name
                .strip_prefix('u')
                .filter(|hex| hex.len() == 4)
                .and_then(|hex| u32::from_str_radix(hex, 16).ok())
                .and_then(char::from_u32),
        };
        match named {
            Some(char) => Ok(Value::Char(char)),
            None => self.fail(start, self.at, "no such character: there are \\a, \\newline, \\space, \\tab, \\u00e9 and so on"),
        }
    }

    fn number_or_symbol(&mut self) -> Result<Value, EdnError> {
        let start = self.at;
        let token = self.token();
        if let Ok(number) = token.parse::<i64>() {
            return Ok(Value::Int(number));
        }
        let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
        if !unsigned.starts_with(|first: char| first.is_ascii_digit()) {
            self.at = start;
            return self.word();
        }
        let number = if self.json { number::json(token) } else { number::edn(token) };
        number.map_or_else(|| self.fail(start, self.at, format!("{token} is no number")), Ok)
    }

    fn word(&mut self) -> Result<Value, EdnError> {
        let start = self.at;
        Ok(match self.token() {
            "null" if self.json => Value::Nil,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ if self.json => return self.fail(start, self.at.max(start + 1), "expected a value"),
            "nil" => Value::Nil,
            name if name.chars().all(|char| char.is_alphanumeric() || ".*+!-_?$%&=<>:#'/|".contains(char)) => Value::Symbol(name.into()),
            _ => return self.fail(start, self.at.max(start + 1), "expected a value"),
        })
    }
}
