//! Events as maps of EDN or objects of JSON: one a line, or in a vector or list, as Jepsen and Knossos write them.

use std::io;

use super::edn::{Edn, EdnError};
use super::entry::{Draft, Entry, EntryKind, Names, Process, client, is_name, no_client};
use super::json::Header;
use super::problem::{Problem, ReadError, Wrong, excerpt, mark};
use super::read::Skipped;
use super::source::Window;
use super::value::Value;

/// An event may be spread over so many lines. If its end is further away, it is taken to have none.
const LINES_MAX: usize = 64;

/// Reads events until the window has no more.
#[derive(Default)]
pub(super) struct Maps {
    json: bool,
    around: Around,
    /// The last line that was complained of: one complaint a line is enough.
    blamed: u64,
    /// The line on which the last event ended.
    behind: u64,
}

/// Where the reader is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Around {
    /// At the start, or between maps that are in nothing.
    #[default]
    Nothing,
    /// In a vector or list that began on this line, which this closes.
    Open(u8, u64),
    /// Behind a vector or list.
    Closed,
}

/// What came of reading on.
enum Parsed {
    Entry(Box<Entry>),
    Problem(Problem),
    /// A line of another program, and what would be wrong with it.
    Skipped(Problem),
    Onward,
    End,
}

impl Maps {
    pub(super) fn new(json: bool) -> Self {
        Self { json, ..Self::default() }
    }

    /// How events are written here, with an example.
    fn expected(&self) -> &'static str {
        if self.json {
            r#"expected an event, as in {"process": 0, "type": "invoke", "f": "read", "value": null}"#
        } else {
            "expected an event, as in {:process 0, :type :invoke, :f :read, :value nil}"
        }
    }

    /// The next event; nothing at the end.
    pub(super) fn next(&mut self, window: &mut Window<'_>, names: &mut Names, skipped: &mut Skipped) -> Option<Result<Entry, ReadError>> {
        loop {
            match self.advance(window, names) {
                Ok(Parsed::Entry(entry)) => return Some(Ok(*entry)),
                Ok(Parsed::Problem(problem)) if problem.line > self.blamed => {
                    self.blamed = problem.line;
                    return Some(Err(ReadError::Line(problem)));
                }
                Ok(Parsed::Skipped(problem)) => skipped.add(problem),
                Ok(Parsed::Problem(_) | Parsed::Onward) => {}
                Ok(Parsed::End) => return None,
                Err(error) => return Some(Err(ReadError::Io(error))),
            }
        }
    }

    fn advance(&mut self, window: &mut Window<'_>, names: &mut Names) -> io::Result<Parsed> {
        match complete(window, self.json, |edn| edn.skip_blanks())? {
            Ok(((), length)) => window.pass(length),
            Err(error) => return blame(window, &error),
        }
        let Some(byte) = window.text().bytes().next() else {
            return if window.grow()? { Ok(Parsed::Onward) } else { Ok(self.end(window)) };
        };
        let wrong = |message: &str| EdnError::new(0, 1, message);
        match (byte, self.around) {
            (b'[', Around::Nothing) => self.bracket(window, Around::Open(b']', window.line())),
            (b'(', Around::Nothing) => self.bracket(window, Around::Open(b')', window.line())),
            (_, Around::Open(close, _)) if close == byte => self.bracket(window, Around::Closed),
            (_, Around::Closed) => blame(window, &wrong("nothing is expected behind the events")),
            (b']' | b')' | b'}', _) => blame(window, &wrong("this closes nothing")),
            (b'{' | b'#', _) => self.event(window, names),
            _ => {
                let alone = window.line() > self.behind && !holds_event(window.text());
                let told = blame(window, &wrong(self.expected()))?;
                match told {
                    Parsed::Problem(problem) if alone => {
                        if window.line() == problem.line {
                            window.pass_line()?;
                        }
                        Ok(Parsed::Skipped(problem))
                    }
                    told => Ok(told),
                }
            }
        }
    }

    fn event(&mut self, window: &mut Window<'_>, names: &mut Names) -> io::Result<Parsed> {
        let (line, column) = (window.line(), window.column());
        let (draft, length) = match complete(window, self.json, |edn| map(edn, names, self.expected()))? {
            Ok(read) => read,
            Err(error) => return blame(window, &error),
        };
        let made = match draft.header() {
            Some((kind, version)) => Header::check(kind, version).map(|()| None),
            None => draft.finish(line, if self.json { "" } else { ":" }).map(Some),
        };
        let made = made.map_err(|message| {
            let excerpt = excerpt(window.text().lines().next().unwrap_or_default(), 0);
            Problem { line, column: Some(column + 1), message, help: None, excerpt, mark: Some(0) }
        });
        window.pass(length);
        self.behind = window.line();
        Ok(match made {
            Ok(Some(entry)) => Parsed::Entry(Box::new(entry)),
            Ok(None) => Parsed::Onward,
            Err(problem) => Parsed::Problem(problem),
        })
    }

    fn bracket(&mut self, window: &mut Window<'_>, around: Around) -> io::Result<Parsed> {
        self.around = around;
        window.pass(1);
        self.behind = window.line();
        Ok(Parsed::Onward)
    }

    fn end(&mut self, window: &Window<'_>) -> Parsed {
        match std::mem::replace(&mut self.around, Around::Closed) {
            // A line that could not be read may well have held what is missing.
            Around::Open(close, line) if self.blamed == 0 => {
                let message =
                    format!("the file ends, and {:?} is missing for what began on line {line}: was it cut short?", char::from(close));
                Parsed::Problem(Problem { line: window.line(), column: None, message, help: None, excerpt: String::new(), mark: None })
            }
            _ => Parsed::End,
        }
    }
}

/// Reads something that the window may hold only in part: the window grows until it is there, or is known not to be.
fn complete<T>(
    window: &mut Window<'_>,
    json: bool,
    mut read: impl FnMut(&mut Edn<'_>) -> Result<T, EdnError>,
) -> io::Result<Result<(T, usize), EdnError>> {
    loop {
        let mut edn = if json { Edn::of_json(window.text()) } else { Edn::new(window.text(), 0) };
        let error = match read(&mut edn) {
            Ok(it) => {
                let length = edn.at();
                return Ok(Ok((it, length)));
            }
            Err(error) => error,
        };
        // What ends where the window does may go on behind it. Twice as much each time, so that a long event is not read again for each of
        // its lines.
        let (length, mut grown) = (window.text().len(), false);
        while error.end >= length && window.text().len() < 2 * length.max(1) && window.text().matches('\n').count() < LINES_MAX {
            if !window.grow()? {
                break;
            }
            grown = true;
        }
        if !grown {
            return Ok(Err(error));
        }
    }
}

/// Says what is wrong, and goes on behind it.
fn blame(window: &mut Window<'_>, error: &EdnError) -> io::Result<Parsed> {
    let text = window.text();
    let before = &text[..error.start];
    // An event without an end swallows those behind it: it is to blame, and not whatever came of that.
    let swallowed = before.match_indices('\n').any(|(at, _)| begins_event(&text[at + 1..]));
    let (start, message, help) =
        if swallowed { (0, "'}' is missing, or a value", None) } else { (error.start, error.message.as_str(), error.help.as_ref()) };
    let begins = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[begins..].lines().next().unwrap_or_default();
    let characters = text[begins..start].chars().count() as u64 + if begins == 0 { window.column() } else { 0 };
    let problem = Problem {
        line: window.line() + text[..start].matches('\n').count() as u64,
        column: Some(characters + 1),
        message: message.to_owned(),
        help: help.cloned(),
        excerpt: excerpt(line, start - begins),
        mark: mark(line, start - begins),
    };
    let whole = if begins == 0 { text.lines().next().unwrap_or_default() } else { text };
    match balanced(whole) {
        Some(length) => window.pass(length),
        None => window.pass_line()?,
    }
    Ok(Parsed::Problem(problem))
}

/// Whether this line looks like the beginning of an event.
fn begins_event(text: &str) -> bool {
    text.trim_start().starts_with('{') && holds_event(text)
}

/// Whether something on this line looks like the beginning of an event.
fn holds_event(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    let named = |field: &str| [":", "\""].iter().any(|lead| line.contains(&format!("{lead}{field}")));
    (line.contains("{:") || line.contains("{\"")) && (named("process") || named("type"))
}

/// The length of the bracketed thing with which this begins, if it ends here.
fn balanced(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'\n' if depth == 0 => return None,
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' if depth <= 1 => return (depth == 1).then_some(at + 1),
            b'}' | b']' | b')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The map of an event. Anything may stand before it as its tag.
fn map(edn: &mut Edn<'_>, names: &mut Names, expected: &str) -> Result<Draft, EdnError> {
    let start = edn.at();
    if !edn.is_json() && edn.take(b'#') {
        edn.token();
        edn.skip_blanks()?;
    }
    if !edn.take(b'{') {
        return Err(EdnError::new(start, edn.at().max(start + 1), expected));
    }
    let mut draft = Draft::default();
    loop {
        match edn.next_byte()? {
            Some(b'}') => {
                edn.take(b'}');
                return Ok(draft);
            }
            Some(b':') if !edn.is_json() => field(edn, &mut draft, names)?,
            Some(b'"') => field(edn, &mut draft, names)?,
            Some(_) => {
                let (at, field) = (edn.at(), if edn.is_json() { "\"type\"" } else { ":type" });
                return Err(EdnError::new(at, at + 1, format!("expected a field, as in {field}, or '}}'")));
            }
            None => return Err(EdnError::new(start, usize::MAX, "'}' is missing")),
        }
    }
}

fn field(edn: &mut Edn<'_>, draft: &mut Draft, names: &mut Names) -> Result<(), EdnError> {
    let named = edn.at();
    let name = edn.name()?;
    edn.skip_blanks()?;
    let start = edn.at();
    let value = edn.form()?;
    let wrong = |message: String| since(edn, start, message);
    let twice = match &*name {
        "process" => draft.process.replace(process(value, names).map_err(wrong)?).is_some(),
        "type" => draft.kind.replace(kind(&value).map_err(|wrong| since(edn, start, wrong))?).is_some(),
        "f" => {
            let f = match value {
                Value::Keyword(name) | Value::Text(name) | Value::Symbol(name) => Some(names.get(&name)),
                Value::Nil => None,
                _ => return Err(wrong("expected the name of an operation, as in :read".to_owned())),
            };
            std::mem::replace(&mut draft.f, f).is_some()
        }
        "key" => draft.key.replace(value).is_some(),
        "value" => draft.value.replace(value).is_some(),
        _ => return other(edn, draft, &name, value, names).map_err(|message| since(edn, named, message)),
    };
    let end = named + 1 + name.len();
    if twice { Err(EdnError::new(named, end, format!("{} is there twice", shown(edn, &name)))) } else { Ok(()) }
}

/// A field that says nothing of the operation itself.
fn other(edn: &Edn<'_>, draft: &mut Draft, name: &str, value: Value, names: &mut Names) -> Result<(), String> {
    match (name, value) {
        ("time", Value::Int(time)) if time >= 0 => {
            if draft.time.replace(time.unsigned_abs()).is_some() {
                return Err(format!("{} is there twice", shown(edn, name)));
            }
        }
        ("time", Value::Nil) if edn.is_json() => {}
        ("time", other) if edn.is_json() => {
            return Err(format!("expected a time in nanoseconds, from 0 to {}, found {other}", i64::MAX));
        }
        ("rest", Value::Map(fields)) if edn.is_json() => {
            for (name, value) in fields {
                let Value::Text(name) = name else { return Err(format!("{name} is no name of a field")) };
                draft
                    .rest
                    .push((is_name(&name).then(|| names.get(&name)).ok_or_else(|| format!("{name:?} is no name of a field"))?, value));
            }
        }
        (name, _) if !is_name(name) => return Err(format!("{name:?} is no name of a field")),
        (name, value) => draft.rest.push((names.get(name), value)),
    }
    Ok(())
}

/// A field as the file writes it.
fn shown(edn: &Edn<'_>, name: &str) -> String {
    if edn.is_json() { format!("{name:?}") } else { format!(":{name}") }
}

fn since(edn: &Edn<'_>, start: usize, wrong: impl Into<Wrong>) -> EdnError {
    let Wrong { message, help } = wrong.into();
    EdnError { help, ..EdnError::new(start, edn.at(), message) }
}

fn process(value: Value, names: &mut Names) -> Result<Process, String> {
    match value {
        Value::Int(number) => client(number),
        Value::Keyword(name) | Value::Text(name) => Ok(Process::Other(names.get(&name))),
        Value::Nil => Ok(Process::Unnamed),
        Value::Number(number) => Err(no_client(number)),
        _ => Err("expected a process: a number, or a name as in :nemesis".to_owned()),
    }
}

fn kind(value: &Value) -> Result<EntryKind, Wrong> {
    match value {
        Value::Keyword(name) | Value::Text(name) | Value::Symbol(name) => EntryKind::named(name).ok_or_else(|| unknown_kind(value, name)),
        _ => Err(unknown_kind(value, "")),
    }
}

/// What to say of a type that is none: as it was found.
fn unknown_kind(found: &Value, name: &str) -> Wrong {
    let message = format!("{found} is no type of event: there are invoke, ok, fail and info");
    Wrong::unknown(name, EntryKind::ALL.map(EntryKind::name), message)
}
