//! Events as EDN maps: one a line, or in a vector or list, as Jepsen and Knossos write them.

use std::io;

use super::edn::{Edn, EdnError};
use super::entry::{Draft, Entry, EntryKind, Names, Process, client, no_client};
use super::problem::{Problem, ReadError, excerpt, mark};
use super::source::Window;
use super::value::Value;
use crate::misspelling::nearest;

/// An event may be spread over so many lines. If its end is further away, it is taken to have none.
const LINES_MAX: usize = 64;
/// And over so many bytes.
const BYTES_MAX: usize = 1 << 24;

/// Reads events until the window has no more.
#[derive(Default)]
pub(super) struct Maps {
    around: Around,
    /// The last line that was complained of: one complaint a line is enough.
    blamed: u64,
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
    Onward,
    End,
}

impl Maps {
    /// The next event; nothing at the end.
    pub(super) fn next(&mut self, window: &mut Window<'_>, names: &mut Names) -> Option<Result<Entry, ReadError>> {
        loop {
            match self.advance(window, names) {
                Ok(Parsed::Entry(entry)) => return Some(Ok(*entry)),
                Ok(Parsed::Problem(problem)) if problem.line > self.blamed => {
                    self.blamed = problem.line;
                    return Some(Err(ReadError::Line(problem)));
                }
                Ok(Parsed::Problem(_) | Parsed::Onward) => {}
                Ok(Parsed::End) => return None,
                Err(error) => return Some(Err(ReadError::Io(error))),
            }
        }
    }

    fn advance(&mut self, window: &mut Window<'_>, names: &mut Names) -> io::Result<Parsed> {
        match complete(window, |edn| edn.skip_blanks())? {
            Ok(((), length)) => window.pass(length),
            Err(error) => return blame(window, &error),
        }
        let Some(byte) = window.text().bytes().next() else {
            return if window.grow()? { Ok(Parsed::Onward) } else { Ok(self.end(window)) };
        };
        let wrong = |message: &str| EdnError { start: 0, end: 1, message: message.to_owned() };
        match (byte, self.around) {
            (b'[', Around::Nothing) => self.bracket(window, Around::Open(b']', window.line())),
            (b'(', Around::Nothing) => self.bracket(window, Around::Open(b')', window.line())),
            (_, Around::Open(close, _)) if close == byte => self.bracket(window, Around::Closed),
            (_, Around::Closed) => blame(window, &wrong("nothing is expected behind the events")),
            (b']' | b')' | b'}', _) => blame(window, &wrong("this closes nothing")),
            (b'{' | b'#', _) => {
                let (line, column) = (window.line(), window.column());
                match complete(window, |edn| map(edn, names))? {
                    Ok((draft, length)) => {
                        let made = draft.finish(line, names, ":").map_err(|message| {
                            let excerpt = excerpt(window.text().lines().next().unwrap_or_default(), 0);
                            Problem { line, column: Some(column + 1), message, excerpt, mark: Some(0) }
                        });
                        window.pass(length);
                        Ok(made.map_or_else(Parsed::Problem, |entry| Parsed::Entry(Box::new(entry))))
                    }
                    Err(error) => blame(window, &error),
                }
            }
            _ => blame(window, &wrong("expected an event, as in {:process 0, :type :invoke, :f :read, :value nil}")),
        }
    }

    fn bracket(&mut self, window: &mut Window<'_>, around: Around) -> io::Result<Parsed> {
        self.around = around;
        window.pass(1);
        Ok(Parsed::Onward)
    }

    fn end(&mut self, window: &Window<'_>) -> Parsed {
        match std::mem::replace(&mut self.around, Around::Closed) {
            // A line that could not be read may well have held what is missing.
            Around::Open(close, line) if self.blamed == 0 => {
                let message =
                    format!("the file ends, and {:?} is missing for what began on line {line}: was it cut short?", char::from(close));
                Parsed::Problem(Problem { line: window.line(), column: None, message, excerpt: String::new(), mark: None })
            }
            _ => Parsed::End,
        }
    }
}

/// Reads something that the window may hold only in part: the window grows until it is there, or is known not to be.
fn complete<T>(
    window: &mut Window<'_>,
    mut read: impl FnMut(&mut Edn<'_>) -> Result<T, EdnError>,
) -> io::Result<Result<(T, usize), EdnError>> {
    let mut lines = 1;
    loop {
        let mut edn = Edn::new(window.text(), 0);
        let error = match read(&mut edn) {
            Ok(it) => {
                let length = edn.at();
                return Ok(Ok((it, length)));
            }
            Err(error) => error,
        };
        // What ends where the window does may go on behind it.
        let open = error.end >= window.text().len() && !window.ended() && lines < LINES_MAX && window.text().len() < BYTES_MAX;
        let mut grown = false;
        if open {
            // Twice as much each time, so that a long map is not read again for each of its lines.
            for _ in 0..lines {
                grown |= window.grow()?;
            }
            lines *= 2;
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
    let (start, message) = if swallowed { (0, "'}' is missing, or a value") } else { (error.start, error.message.as_str()) };
    let begins = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[begins..].lines().next().unwrap_or_default();
    let characters = text[begins..start].chars().count() as u64 + if begins == 0 { window.column() } else { 0 };
    let problem = Problem {
        line: window.line() + text[..start].matches('\n').count() as u64,
        column: Some(characters + 1),
        message: message.to_owned(),
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
    let line = text.lines().next().unwrap_or_default().trim_start();
    line.starts_with("{:") && (line.contains(":process") || line.contains(":type"))
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
fn map(edn: &mut Edn<'_>, names: &mut Names) -> Result<Draft, EdnError> {
    let start = edn.at();
    if edn.take(b'#') {
        edn.token();
        edn.skip_blanks()?;
    }
    if !edn.take(b'{') {
        return Err(EdnError { start, end: edn.at().max(start + 1), message: "expected an event, as in {:process 0, …}".to_owned() });
    }
    let mut draft = Draft::default();
    loop {
        match edn.next_byte()? {
            Some(b'}') => {
                edn.take(b'}');
                return Ok(draft);
            }
            Some(b':') => field(edn, &mut draft, names)?,
            Some(_) => {
                let at = edn.at();
                return Err(EdnError { start: at, end: at + 1, message: "expected a field, as in :type, or '}'".to_owned() });
            }
            None => return Err(EdnError { start, end: usize::MAX, message: "'}' is missing".to_owned() }),
        }
    }
}

fn field(edn: &mut Edn<'_>, draft: &mut Draft, names: &mut Names) -> Result<(), EdnError> {
    let named = edn.at();
    let name = edn.keyword()?;
    edn.skip_blanks()?;
    let start = edn.at();
    let twice = match name {
        "process" => draft.process.replace(process(edn, names)?).is_some(),
        "type" => draft.kind.replace(kind(edn)?).is_some(),
        "f" => {
            let f = match edn.form()? {
                Value::Keyword(name) | Value::Text(name) | Value::Symbol(name) => Some(names.get(&name)),
                Value::Nil => None,
                _ => return Err(since(edn, start, "expected the name of an operation, as in :read")),
            };
            std::mem::replace(&mut draft.f, f).is_some()
        }
        "key" => draft.key.replace(edn.form()?).is_some(),
        "value" => draft.value.replace(edn.form()?).is_some(),
        _ => match (name, edn.form()?) {
            ("time", Value::Int(time)) if time >= 0 => draft.time.replace(time.unsigned_abs()).is_some(),
            (name, value) => {
                draft.rest.push((names.get(name), value));
                false
            }
        },
    };
    if twice { Err(EdnError { start: named, end: named + 1 + name.len(), message: format!(":{name} is there twice") }) } else { Ok(()) }
}

fn since(edn: &Edn<'_>, start: usize, message: impl Into<String>) -> EdnError {
    EdnError { start, end: edn.at(), message: message.into() }
}

fn process(edn: &mut Edn<'_>, names: &mut Names) -> Result<Process, EdnError> {
    let start = edn.at();
    match edn.form()? {
        Value::Int(number) => client(number).map_err(|message| since(edn, start, message)),
        Value::Keyword(name) => Ok(Process::Other(names.get(&name))),
        Value::Number(number) => Err(since(edn, start, no_client(number))),
        _ => Err(since(edn, start, "expected a process: a number, or a name as in :nemesis")),
    }
}

fn kind(edn: &mut Edn<'_>) -> Result<EntryKind, EdnError> {
    let start = edn.at();
    let name = if edn.next_byte()? == Some(b':') { edn.keyword()? } else { edn.token() };
    EntryKind::named(name).ok_or_else(|| since(edn, start, unknown_kind(name)))
}

/// What to say of a type that is none.
pub(super) fn unknown_kind(name: &str) -> String {
    let meant = nearest(name, EntryKind::ALL.map(EntryKind::name)).map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
    format!("{name:?} is no type of event: there are invoke, ok, fail and info{meant}")
}
