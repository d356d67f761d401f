//! Any file in, entries out.

use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::str::FromStr;

use flate2::bufread::MultiGzDecoder;

use super::entry::{Entry, Names};
use super::json;
use super::log::{self, Chatter};
use super::maps::Maps;
use super::problem::{Problem, ReadError};
use super::source::Window;

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

    /// The format of a file that begins like this.
    fn sniffed(head: &[u8]) -> Self {
        let mut bytes = head.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
        match (bytes.next(), bytes.next()) {
            (Some(b'{'), Some(b'"')) => Self::Json,
            (Some(b'{' | b'[' | b'(' | b';' | b'#'), _) | (None, _) => Self::Edn,
            _ => Self::Log,
        }
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
/// Memory is bounded by the longest line, and for EDN by the longest event. After [`ReadError::Line`] there may be more; after
/// [`ReadError::Io`] there is nothing.
pub struct Entries<'a> {
    format: Format,
    window: Window<'a>,
    names: Names,
    maps: Maps,
    chatter: Chatter,
    compressed: bool,
    over: bool,
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
        let (names, maps, chatter) = (Names::default(), Maps::default(), Chatter::default());
        Ok(Self { format, window, names, maps, chatter, compressed, over: false })
    }

    /// The format in which it is read.
    pub const fn format(&self) -> Format {
        self.format
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
                    Ok(false) if self.window.text().is_empty() => return self.chatter.alone().map(|problem| Err(ReadError::Line(problem))),
                    Ok(false) => break,
                    Err(error) => return Some(Err(ReadError::Io(error))),
                }
            }
            let (line, text) = (self.window.line(), self.window.text());
            let length = text.len();
            let read = match text.trim_end() {
                "" => Ok(None),
                text if self.format == Format::Log => self.chatter.sift(text, log::entry(line, text, &mut self.names)),
                text => json::entry(line, text, &mut self.names),
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

impl Iterator for Entries<'_> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        if let Some(line) = self.window.take_broken() {
            let message = "this line is no UTF-8 text: the file is in another encoding, or damaged".to_owned();
            return Some(Err(ReadError::Line(Problem { line, column: None, message, excerpt: String::new(), mark: None })));
        }
        let next = match self.format {
            Format::Edn => self.maps.next(&mut self.window, &mut self.names),
            Format::Log | Format::Json => self.next_line(),
        };
        // A line that is no text is complained of even if nothing comes behind it.
        self.over = matches!(next, Some(Err(ReadError::Io(_)))) || (next.is_none() && !self.window.is_broken());
        match next {
            Some(Err(ReadError::Io(error))) if self.compressed && is_broken(&error) => {
                let message = format!("what gzip has packed is broken here, or was cut short: {error}");
                Some(Err(ReadError::Line(Problem { line: self.window.line(), column: None, message, excerpt: String::new(), mark: None })))
            }
            Some(next) => Some(next),
            None => self.next(),
        }
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
