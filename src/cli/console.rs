//! Where text goes.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use super::exit::{Exit, Failure, reason};

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
        let mut out = io::stdout().lock();
        unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    /// Prints to standard error. If that fails it cannot be reported.
    pub(super) fn complain(&self, text: &str) {
        let _ = io::stderr().write_all(text.as_bytes());
    }
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
