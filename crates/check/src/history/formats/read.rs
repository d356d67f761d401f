//! Any file in, entries out.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::str::FromStr;

use flate2::bufread::MultiGzDecoder;

use super::entry::{Entry, Names};
use super::log;
use super::maps::Maps;
use super::problem::{Problem, ReadError, excerpt};
use super::source::{Window, is_endless};

/// How a history is written down. See the [room](super).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Maps of EDN.
    Edn,
    /// Lines of Jepsen's log.
    Log,
    /// Lines of our own JSON.
    Json,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Edn, Self::Log, Self::Json];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edn => "edn",
            Self::Log => "log",
            Self::Json => "json",
        }
    }

    /// The format of a file that begins like this: that of the first line that could hold an event.
    fn sniffed(head: &[u8]) -> Self {
        let head = String::from_utf8_lossy(head);
        let mut lines = head.match_indices('\n').map(|(at, _)| at + 1).fold(vec![0], |mut lines, at| {
            lines.push(at);
            lines
        });
        lines.retain(|at| !head[*at..].lines().next().unwrap_or_default().trim().is_empty());
        let line = |at: &usize| head[*at..].lines().next().unwrap_or_default();
        // Loggers put names and times in brackets, which hold no event.
        let bracketed = |at: &usize| {
            let open = line(at).trim_start();
            let within = open.trim_start_matches(|letter: char| matches!(letter, '[' | '(') || letter.is_whitespace());
            within.starts_with(['{', ';', '#', ']', ')']) || within.is_empty() && !open.is_empty()
        };
        match lines.iter().find(|at| bracketed(at) || log::holds_event(line(at))) {
            Some(at) if bracketed(at) => Self::of_maps(&head[*at..]),
            Some(_) => Self::Log,
            None if lines.is_empty() => Self::Edn,
            None => Self::Log,
        }
    }

    /// Whether a text behind the first brace has a colon of its own behind it.
    fn of_maps(text: &str) -> Self {
        let fields = text.trim_start_matches(['[', '(']).trim_start().strip_prefix('{').unwrap_or_default().trim_start();
        let behind = fields.strip_prefix('"').and_then(|name| name.split_once('"')).map(|(_, behind)| behind.trim_start());
        // A line that is not whole is more likely JSON.
        if behind.is_some_and(|behind| behind.is_empty() || behind.starts_with(':')) { Self::Json } else { Self::Edn }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no format has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseFormatError;

impl fmt::Display for ParseFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a format: edn, log or json")
    }
}

impl std::error::Error for ParseFormatError {}

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(name: &str) -> Result<Self, ParseFormatError> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or(ParseFormatError)
    }
}

/// The entries of a file, one after another.
///
/// Memory is bounded by the longest event, of which none may be longer than 16 MiB, nor nested more than a hundred deep. After
/// [`ReadError::Line`] there may be more; after [`ReadError::Io`] there is nothing.
pub struct Entries<'a> {
    format: Format,
    window: Window<'a>,
    names: Names,
    maps: Maps,
    skipped: Skipped,
    compressed: bool,
    over: bool,
    /// Whether there was an entry, or something to complain of.
    told: bool,
    /// What was read ahead.
    ahead: VecDeque<Result<Entry, ReadError>>,
}

impl fmt::Debug for Entries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries").field("format", &self.format).field("line", &self.window.line()).finish_non_exhaustive()
    }
}

/// How much of a file is looked at to find out what it is.
const HEAD: u64 = 4096;
const BUFFER: usize = 1 << 16;

impl<'a> Entries<'a> {
    /// Reads this, which may be compressed by gzip, in this format, or in the one that it seems to have.
    ///
    /// # Errors
    /// If the beginning cannot be read.
    pub fn open(input: impl Read + 'a, format: Option<Format>) -> io::Result<Self> {
        let mut input = BufReader::with_capacity(BUFFER, input);
        let compressed = input.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let mut plain: Box<dyn BufRead + 'a> =
            if compressed { Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(input))) } else { Box::new(input) };
        let mut head = Vec::new();
        if let Err(error) = (&mut plain).take(HEAD).read_to_end(&mut head) {
            if !compressed {
                return Err(error);
            }
            // What could be read comes first.
            plain = Box::new(BufReader::new(Broken(Some(error))));
        }
        // A mark that some editors put in front of everything.
        let start = if head.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
        let format = format.unwrap_or_else(|| Format::sniffed(&head[start..]));
        let mut head = Cursor::new(head);
        head.set_position(start as u64);
        let window = Window::new(Box::new(head.chain(plain)));
        let (names, maps, skipped) = (Names::default(), Maps::new(format == Format::Json), Skipped::default());
        Ok(Self { format, window, names, maps, skipped, compressed, over: false, told: false, ahead: VecDeque::new() })
    }

    /// The format in which it is read.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Reads ahead for as long as this says yes of the entries, up to so many: they come again.
    pub(crate) fn look_ahead(&mut self, most: u64, mut goes_on: impl FnMut(&Entry) -> bool) {
        while (self.ahead.len() as u64) < most {
            let Some(next) = self.read_next() else { return };
            let on = next.as_ref().is_ok_and(&mut goes_on);
            self.ahead.push_back(next);
            if !on {
                return;
            }
        }
    }

    /// How many lines of other programs were skipped so far, since they hold no event.
    pub const fn skipped(&self) -> u64 {
        self.skipped.lines
    }

    /// The next line's event, in a format in which every line is one.
    fn next_line(&mut self) -> Option<Result<Entry, ReadError>> {
        loop {
            loop {
                let text = self.window.text();
                if text.ends_with('\n') {
                    break;
                }
                match self.window.grow() {
                    Ok(true) => {}
                    Ok(false) if self.window.text().is_empty() => return None,
                    Ok(false) => break,
                    Err(error) => return Some(Err(ReadError::Io(error))),
                }
            }
            let (line, text) = (self.window.line(), self.window.text());
            let length = text.len();
            let read = match text.trim_end() {
                "" => Ok(None),
                text => log::entry(line, text, &mut self.names).inspect(|read| {
                    if read.is_none() {
                        let excerpt = excerpt(text, 0);
                        let message = log::EXPECTED.to_owned();
                        self.skipped.add(Problem { line, column: Some(1), message, help: None, excerpt, mark: Some(0) });
                    }
                }),
            };
            self.window.pass(length);
            match read {
                Ok(None) => {}
                Ok(Some(entry)) => return Some(Ok(entry)),
                Err(problem) => return Some(Err(ReadError::Line(problem))),
            }
        }
    }
}

/// Lines of other programs.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    lines: u64,
    /// What was wrong with the first of them, if it was to be an event.
    first: Option<Problem>,
}

impl Skipped {
    pub(super) fn add(&mut self, problem: Problem) {
        self.lines += 1;
        self.first.get_or_insert(problem);
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.ahead.pop_front().or_else(|| self.read_next())
    }
}

impl Entries<'_> {
    fn read_next(&mut self) -> Option<Result<Entry, ReadError>> {
        if self.over {
            return None;
        }
        if let Some(line) = self.window.take_broken() {
            let message = "this line is no UTF-8 text: the file is in another encoding, or damaged".to_owned();
            self.told = true;
            return Some(Err(ReadError::Line(Problem { line, column: None, message, help: None, excerpt: String::new(), mark: None })));
        }
        let next = match self.format {
            Format::Edn | Format::Json => self.maps.next(&mut self.window, &mut self.names, &mut self.skipped),
            Format::Log => self.next_line(),
        };
        // A line that is no text is complained of even if nothing comes behind it.
        self.over = matches!(next, Some(Err(ReadError::Io(_)))) || (next.is_none() && !self.window.is_broken());
        self.told |= next.is_some();
        match next {
            Some(Err(ReadError::Io(error))) if self.compressed && is_broken(&error) => {
                Some(self.problem(format!("what gzip has packed is broken here, or was cut short: {error}")))
            }
            Some(Err(ReadError::Io(error))) if is_endless(&error) => Some(self.problem(error.to_string())),
            // If all was skipped, the first line is to blame.
            None if self.over && !self.told => self.skipped.first.take().map(|problem| Err(ReadError::Line(problem))),
            None => self.read_next(),
            next => next,
        }
    }

    fn problem(&self, message: String) -> Result<Entry, ReadError> {
        Err(ReadError::Line(Problem { line: self.window.line(), column: None, message, help: None, excerpt: String::new(), mark: None }))
    }
}

/// Whether this is said of what looks compressed and is not, or ends in the middle.
fn is_broken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

/// Nothing but an error.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
