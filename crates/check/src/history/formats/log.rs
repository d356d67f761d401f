//! Events as lines of Jepsen's log: `INFO  jepsen.util - 3 :invoke :write 4`.

use super::edn::Edn;
use super::entry::{Draft, Entry, EntryKind, Names, Process, client};
use super::problem::{Problem, excerpt, mark};
use super::value::Value;

/// What a logger calls how much a line matters.
const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
/// The logger of events.
const LOGGER: &str = "jepsen.util";
/// Among so many words at the beginning of a line is its level.
const LEVEL_AMONG: usize = 4;

/// What else there is in a log: the lines of other loggers, and what is spread over the lines behind them.
#[derive(Debug, Default)]
pub(super) struct Chatter {
    /// Whether the line before was of another logger.
    within: bool,
    /// What was wrong with the first of these lines, if it was to be an event.
    first: Option<Problem>,
    /// Whether there was an event.
    events: bool,
}

impl Chatter {
    /// The event on this line, or what is wrong with it; nothing if it is none of ours.
    pub(super) fn sift(&mut self, text: &str, read: Result<Entry, Problem>) -> Result<Option<Entry>, Problem> {
        let problem = match read {
            Ok(entry) => {
                (self.within, self.events) = (false, true);
                return Ok(Some(entry));
            }
            Err(problem) => problem,
        };
        if text.split_ascii_whitespace().take(LEVEL_AMONG).any(|word| LEVELS.contains(&word)) {
            self.within = !text.contains(LOGGER);
        }
        if !self.within {
            return Err(problem);
        }
        self.first.get_or_insert(problem);
        Ok(None)
    }

    /// What to say at the end, once, if there was nothing else.
    pub(super) fn alone(&mut self) -> Option<Problem> {
        self.first.take().filter(|_| !self.events)
    }
}

const EXPECTED: &str = "expected an event, as in INFO  jepsen.util - 3 :invoke :write 4";

/// The event on this line, which is not empty.
pub(super) fn entry(line: u64, text: &str, names: &mut Names) -> Result<Entry, Problem> {
    let problem = |at: usize, message: String| Problem {
        line,
        column: Some(text[..at].chars().count() as u64 + 1),
        message,
        excerpt: excerpt(text, at),
        mark: mark(text, at),
    };
    let tokens = tokens(text);
    // Whatever the logger puts in front: the process stands before the type.
    let kinds = tokens.iter().position(|(_, token)| kind(token).is_some());
    let Some(place) = kinds.filter(|place| *place > 0) else { return Err(problem(0, EXPECTED.to_owned())) };
    let (at, name) = tokens[place - 1];
    let process = match (name.parse::<i64>(), name.strip_prefix(':')) {
        (Ok(number), _) => client(number).map_err(|message| problem(at, message))?,
        (_, Some(other)) if !other.is_empty() => Process::Other(names.get(other)),
        _ => return Err(problem(at, format!("{name:?} is no process: expected a number, or a name as in :nemesis"))),
    };
    let mut draft = Draft { process: Some(process), kind: kind(tokens[place].1), ..Draft::default() };
    let Some((at, f)) = tokens.get(place + 1) else {
        return draft.finish(line, names, ":").map_err(|message| problem(text.trim_end().len(), message));
    };
    draft.f = match f.strip_prefix(':') {
        Some(f) if !f.is_empty() => Some(names.get(f)),
        _ if *f == "nil" => None,
        _ => return Err(problem(*at, format!("expected the name of an operation, as in :read, found {f:?}"))),
    };
    let mut edn = Edn::new(text, at + f.len());
    let mut form = || -> Result<Option<Value>, Problem> {
        let there = edn.next_byte().map(|byte| byte.is_some()).and_then(|there| if there { edn.form().map(Some) } else { Ok(None) });
        there.map_err(|error| problem(error.start, error.message))
    };
    draft.value = form()?;
    // What went wrong may stand behind the value.
    if let Some(error) = form()? {
        draft.rest.push((names.get("error"), error));
    }
    if form()?.is_some() {
        return Err(problem(text.trim_end().len(), "expected one value, and at most an error behind it".to_owned()));
    }
    draft.finish(line, names, ":").map_err(|message| problem(0, message))
}

fn kind(token: &str) -> Option<EntryKind> {
    token.strip_prefix(':').and_then(EntryKind::named)
}

/// The words of a line, with where they begin.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::with_capacity(8);
    let mut at = 0;
    for token in text.split_ascii_whitespace() {
        at += text[at..].find(token).unwrap_or(0);
        tokens.push((at, token));
        at += token.len();
        // The rest belongs to the value.
        if tokens.len() >= 3 && kind(tokens[tokens.len() - 2].1).is_some() {
            break;
        }
    }
    tokens
}
