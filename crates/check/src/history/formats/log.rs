//! Events as lines of Jepsen's log: `INFO  jepsen.util - 3 :invoke :write 4`.

use super::edn::Edn;
use super::entry::{Draft, Entry, EntryKind, Names, Process, client};
use super::problem::{Problem, Wrong, excerpt, mark};
use super::value::Value;
use crate::misspelling::nearest;

/// The logger of events.
const LOGGER: &str = "jepsen.util";

pub(super) const EXPECTED: &str = "expected an event, as in INFO  jepsen.util - 3 :invoke :write 4";

/// The event on this line, which is not empty; nothing if it holds none: no process that is followed by a type.
pub(super) fn entry(line: u64, text: &str, names: &mut Names) -> Result<Option<Entry>, Problem> {
    let wrong = |at: usize, Wrong { message, help }| Problem {
        line,
        column: Some(text[..at].chars().count() as u64 + 1),
        message,
        help,
        excerpt: excerpt(text, at),
        mark: mark(text, at),
    };
    let problem = |at: usize, message: String| wrong(at, message.into());
    // Whatever the logger puts in front: the process stands before the type.
    let Some([process, kind]) = event(text) else {
        return almost(text).map_or(Ok(None), |(at, told)| Err(wrong(at, told)));
    };
    let mut draft = Draft { kind: named(kind.1), ..Draft::default() };
    draft.process = match (process.1.parse::<i64>(), process.1.strip_prefix(':')) {
        (Ok(number), _) => Some(client(number).map_err(|message| problem(process.0, message))?),
        (_, Some(other)) => Some(Process::Other(names.get(other))),
        (_, None) => None,
    };
    let behind = kind.0 + kind.1.len();
    let Some((at, f)) = words(text, behind).next() else {
        return draft.finish(line, ":").map(Some).map_err(|message| problem(text.trim_end().len(), message));
    };
    draft.f = match f.strip_prefix(':') {
        Some(f) if !f.is_empty() => Some(names.get(f)),
        _ if f == "nil" => None,
        _ => return Err(problem(at, format!("expected the name of an operation, as in :read, found {f:?}"))),
    };
    let behind = at + f.len();
    let free = matches!(draft.kind, Some(EntryKind::Info | EntryKind::Fail));
    let (value, error) = match carried(text, behind) {
        Ok(carried) => carried,
        // What went wrong may be told in words, in which a bracket need not close.
        Err(_) if free => in_words(text, behind),
        Err((at, message)) => return Err(problem(at, message)),
    };
    draft.value = value;
    draft.rest.extend(error.map(|error| (names.get("error"), error)));
    draft.finish(line, ":").map(Some).map_err(|message| problem(0, message))
}

/// A word, and where it begins.
type Word<'t> = (usize, &'t str);

/// The words of a line from this byte on.
fn words(text: &str, from: usize) -> impl Iterator<Item = Word<'_>> {
    let mut next = from;
    let split = text[from..].split(|char: char| char.is_ascii_whitespace());
    let placed = split.map(move |word| {
        let at = next;
        next += word.len() + 1;
        (at, word)
    });
    placed.filter(|(_, word)| !word.is_empty())
}

/// Process and type of the event on this line: the first two words, one behind the other, that can be these.
fn event(text: &str) -> Option<[Word<'_>; 2]> {
    pairs(text).find(|[process, kind]| is_process(process.1) && named(kind.1).is_some())
}

fn pairs(text: &str) -> impl Iterator<Item = [Word<'_>; 2]> {
    words(text, 0).zip(words(text, 0).skip(1)).map(|(one, other)| [one, other])
}

/// Whether there is an event on this line.
pub(super) fn holds_event(text: &str) -> bool {
    event(text).is_some()
}

/// A number, or a name. What stands before the type within a map is neither.
fn is_process(word: &str) -> bool {
    word == "nil" || word.parse::<i64>().is_ok() || word.strip_prefix(':').is_some_and(|name| !name.is_empty() && name != "type")
}

fn named(word: &str) -> Option<EntryKind> {
    word.strip_prefix(':').and_then(EntryKind::named)
}

/// Why a line of the logger of events is none, though it seems to be one.
fn almost(text: &str) -> Option<(usize, Wrong)> {
    if !text.contains(LOGGER) {
        return None;
    }
    let meant = |word: &str| word.strip_prefix(':').and_then(|kind| nearest(kind, EntryKind::ALL.map(EntryKind::name)));
    pairs(text).find_map(|[process, kind]| match (is_process(process.1), named(kind.1)) {
        (false, Some(_)) if process.1 != ":type" => {
            Some((process.0, format!("{:?} is no process: expected a number, or a name as in :nemesis", process.1).into()))
        }
        (true, None) => meant(kind.1).map(|near| {
            let help = Some(format!("did you mean :{near}?"));
            (kind.0, Wrong { message: format!("{} is no type of event", kind.1), help })
        }),
        _ => None,
    })
}

/// Value and error behind the name of an operation, or what is wrong there, and where.
fn carried(text: &str, from: usize) -> Result<(Option<Value>, Option<Value>), (usize, String)> {
    let mut edn = Edn::new(text, from);
    let mut form = || -> Result<Option<Value>, (usize, String)> {
        let there = edn.next_byte().map(|byte| byte.is_some()).and_then(|there| if there { edn.form().map(Some) } else { Ok(None) });
        there.map_err(|error| (error.start, error.message))
    };
    let carried = (form()?, form()?);
    match form()? {
        None => Ok(carried),
        Some(_) => Err((text.trim_end().len(), "expected one value, and at most an error behind it".to_owned())),
    }
}

/// The same, where what went wrong is told in words.
fn in_words(text: &str, from: usize) -> (Option<Value>, Option<Value>) {
    let mut edn = Edn::new(text, from);
    match edn.form() {
        // A word is the first of these.
        Ok(value) if !matches!(value, Value::Symbol(_)) => (Some(value), Some(Value::text(text[edn.at()..].trim()))),
        _ => (None, Some(Value::text(text[from..].trim()))),
    }
}
