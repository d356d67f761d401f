//! Where text goes.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use super::exit::{Exit, Failure, reason};
use crate::base::printable_lines;

/// Standard output and standard error, with what each can show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Console {
    /// Whether standard output is to have colour.
    pub(super) color: bool,
    /// Whether standard error is.
    pub(super) error_color: bool,
    /// How many characters fit into a line of standard output, if it is a terminal.
    pub(super) width: Option<usize>,
}

impl Console {
    pub(super) fn new() -> Self {
        let terminal = io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
        Self {
            color: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            error_color: AutoStream::choice(&io::stderr()) != ColorChoice::Never,
            width: terminal.map(|(width, _)| usize::from(width.0).max(40)),
        }
    }

    /// Prints, now. A reader that has closed the other end wants no more: that is no failure.
    pub(super) fn print(&self, text: &str) -> Result<(), Failure> {
        let text = guarded(text, self.color);
        let mut out = io::stdout().lock();
        unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    /// Prints to standard error. If that fails it cannot be reported.
    pub(super) fn complain(&self, text: &str) {
        let _ = io::stderr().write_all(guarded(text, self.error_color).as_bytes());
    }
}

/// The text without anything that a terminal would obey, but for colours, if it is to have any. Names and such have been made fit to be
/// shown before, where it is known what a line is; this is for what was overlooked.
fn guarded(text: &str, color: bool) -> String {
    const START: &str = "\u{1b}[";
    let mut parts = text.split(START);
    let mut shown = printable_lines(parts.next().unwrap_or_default()).into_owned();
    for part in parts {
        let end = part.find(|letter: char| !letter.is_ascii_digit() && letter != ';').filter(|end| color && part[*end..].starts_with('m'));
        let (colour, rest) = end.map_or(("", None), |end| (&part[..=end], Some(&part[end + 1..])));
        match rest {
            Some(rest) => shown = shown + START + colour + &printable_lines(rest),
            None => shown += &printable_lines(&format!("{START}{part}")),
        }
    }
    shown
}

/// What became of writing to standard output: no failure if the reader has closed it.
pub(super) fn unless_closed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::File, &format!("cannot write to standard output: {}", reason(&error))))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_pass_and_nothing_else_does() {
        for (text, color, expected) in [
            ("a\u{1b}[31;1mred\u{1b}[0m\n", true, "a\u{1b}[31;1mred\u{1b}[0m\n"),
            ("a\u{1b}[31mred", false, "a\\u{1b}[31mred"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}\u{202e}", true, "\\u{1b}[2J\\u{1b}]0;title\\u{7}\\u{202e}"),
            ("\u{1b}[31", true, "\\u{1b}[31"),
        ] {
            assert_eq!(guarded(text, color), expected);
        }
    }
}
