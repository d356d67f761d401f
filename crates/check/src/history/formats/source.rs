//! Bytes in, text by the line: a window over a stream that grows when a form needs more, and forgets what was read.

use std::fmt;
use std::io::{self, BufRead, Read};

/// How much of a line without an end is taken at once.
const CHUNK: u64 = 1 << 16;
/// No event is longer than this, nor a line that holds none: what goes on for longer is no history.
const LENGTH_MAX: usize = 16 << 20;

/// The part of a stream that is being looked at. Bytes that are no UTF-8 are replaced, and reported by their line.
pub(super) struct Window<'a> {
    input: Box<dyn BufRead + 'a>,
    text: String,
    /// Where the unread part of `text` begins.
    start: usize,
    /// The line, counted from one, and the character, counted from zero, at `start`.
    line: u64,
    column: u64,
    /// Bytes of a character that was cut.
    cut: Vec<u8>,
    ended: bool,
    /// How many lines end within the unread part.
    ahead: u64,
    /// Lines that were no UTF-8 and were not yet complained of.
    broken: Vec<u64>,
}

impl<'a> Window<'a> {
    pub(super) fn new(input: Box<dyn BufRead + 'a>) -> Self {
        Self { input, text: String::new(), start: 0, line: 1, column: 0, cut: Vec::new(), ended: false, ahead: 0, broken: Vec::new() }
    }

    /// What is unread of what is in the window.
    pub(super) fn text(&self) -> &str {
        &self.text[self.start..]
    }

    /// The line at which the unread part begins.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The character within its line at which the unread part begins.
    pub(super) const fn column(&self) -> u64 {
        self.column
    }

    /// The next line that is no UTF-8, up to where the window stands.
    pub(super) fn take_broken(&mut self) -> Option<u64> {
        if self.broken.first().is_some_and(|line| *line <= self.line || self.ended) { Some(self.broken.remove(0)) } else { None }
    }

    /// Whether a line that is no UTF-8 was not complained of yet.
    pub(super) const fn is_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Passes so many bytes.
    pub(super) fn pass(&mut self, length: usize) {
        let passed = &self.text[self.start..self.start + length];
        match passed.rfind('\n') {
            Some(last) => {
                let lines = passed.bytes().filter(|byte| *byte == b'\n').count() as u64;
                self.line += lines;
                self.ahead -= lines;
                self.column = passed[last + 1..].chars().count() as u64;
            }
            None => self.column += passed.chars().count() as u64,
        }
        self.start += length;
        if self.start == self.text.len() {
            self.text.clear();
            self.start = 0;
        }
    }

    /// Passes the rest of the line, reading it if need be.
    pub(super) fn pass_line(&mut self) -> io::Result<()> {
        let mut passed = 0;
        loop {
            if let Some(length) = self.text().find('\n') {
                self.pass(length + 1);
                return Ok(());
            }
            passed += self.text().len();
            bounded(passed)?;
            self.pass(self.text().len());
            if !self.grow()? {
                return Ok(());
            }
        }
    }

    /// Reads the rest of a line, or a good part of a long one, behind what is there. Says whether there was anything. What is longer than
    /// anything in a history is an error: see [`is_endless`].
    pub(super) fn grow(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        bounded(self.text().len())?;
        if self.start > 0 {
            self.text.drain(..self.start);
            self.start = 0;
        }
        let before = self.text.len();
        while !self.ended && self.text.len() == before {
            self.read_some()?;
        }
        Ok(self.text.len() > before)
    }

    fn read_some(&mut self) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.cut);
        if bytes.is_empty() && self.text.is_empty() {
            bytes = std::mem::take(&mut self.text).into_bytes();
        }
        let kept = bytes.len();
        (&mut self.input).take(CHUNK).read_until(b'\n', &mut bytes)?;
        self.ended = bytes.len() == kept;
        let ends = bytes.last() == Some(&b'\n');
        if self.text.is_empty() {
            // As good as always: the line becomes the text without being copied.
            match String::from_utf8(bytes) {
                Ok(text) => self.text = text,
                Err(error) => self.add(&error.into_bytes()),
            }
        } else {
            self.add(&bytes);
        }
        self.ahead += u64::from(ends);
        Ok(())
    }

    /// Adds bytes of one line that may be no text, or end within a character.
    fn add(&mut self, mut bytes: &[u8]) {
        loop {
            match std::str::from_utf8(bytes) {
                Ok(text) => {
                    self.text.push_str(text);
                    return;
                }
                Err(error) => {
                    let (valid, rest) = bytes.split_at(error.valid_up_to());
                    self.text.push_str(&String::from_utf8_lossy(valid));
                    match error.error_len() {
                        None if !self.ended => {
                            self.cut = rest.to_vec();
                            return;
                        }
                        length => {
                            let line = self.line + self.ahead;
                            if self.broken.last() != Some(&line) {
                                self.broken.push(line);
                            }
                            self.text.push(char::REPLACEMENT_CHARACTER);
                            bytes = &rest[length.unwrap_or(rest.len())..];
                        }
                    }
                }
            }
        }
    }
}

/// That something goes on for longer than anything in a history.
#[derive(Debug)]
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what begins here is longer than {} MiB, and so longer than any event: nothing behind it is read", LENGTH_MAX >> 20)
    }
}

impl std::error::Error for Endless {}

fn bounded(length: usize) -> io::Result<()> {
    if length > LENGTH_MAX { Err(io::Error::new(io::ErrorKind::FileTooLarge, Endless)) } else { Ok(()) }
}

/// Whether this says that something goes on for longer than anything in a history.
pub(super) fn is_endless(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Endless>())
}
