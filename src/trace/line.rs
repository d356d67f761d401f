//! A record as a line that people read.

use std::fmt::{self, Write};

use super::UntypedRecord;
use crate::base::{Fate, Loss, printable};

/// A record in words, in three parts that can be aligned with those of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The nodes that it is about: `n1 → n3`.
    pub subject: String,
    /// What happened: `AppendEntries #7`.
    pub what: String,
    /// The message, timer or note itself, or what was written, on one line; empty if there is none.
    pub detail: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.subject, &self.what, &self.detail];
        for (place, part) in parts.into_iter().filter(|part| !part.is_empty()).enumerate() {
            let gap = if place == 0 { "" } else { " " };
            write!(f, "{gap}{part}")?;
        }
        Ok(())
    }
}

impl UntypedRecord<'_> {
    /// The record in words. Of a long message or note no more than about `longest` characters are shown.
    pub fn line(&self, longest: usize) -> Line {
        Line { subject: self.subject(), what: self.what(), detail: self.detail(longest) }
    }

    fn subject(&self) -> String {
        match (self.message, self.node) {
            (Some((id, _)), _) => format!("{} {} {}", id.from, self.arrow(), id.to),
            (None, Some(node)) => node.to_string(),
            (None, None) => String::new(),
        }
    }

    /// On its way, arrived, or lost.
    fn arrow(&self) -> char {
        match (self.sort, self.fate) {
            ("discard", _) | (_, Some(Fate::Lost(_))) => '✗',
            ("send", _) => '⇢',
            _ => '→',
        }
    }

    fn what(&self) -> String {
        let number = |name| self.numbers.iter().find(|(known, _)| *known == name).map_or(0, |(_, number)| *number);
        let name = self.name.unwrap_or_default();
        match (self.message, self.sort) {
            (Some((id, kind)), _) => format!("{kind} #{}{}", id.count, self.fate_in_words()),
            (None, "boot") if number("incarnation") > 1 => format!("starts again: start {}", number("incarnation")),
            (None, "boot") => "starts".to_owned(),
            (None, "crash") => {
                format!("crashes: {} of {} unsynced bytes are lost", number("unsynced") - number("kept"), number("unsynced"))
            }
            (None, "pause") => "stands still".to_owned(),
            (None, "resume") => "goes on".to_owned(),
            (None, "write") => format!("writes {}: {}", printable(name), self.change()),
            (None, "synced") => format!("has synced all up to write {}", number("through")),
            (None, "mark") => format!("sometimes: {name}"),
            (None, "panic") => format!("panics: {}", printable(name)),
            (None, "lift") => format!("fault {} is over", number("strike") + 1),
            (None, "settle") => "the faults are over, everything is healed".to_owned(),
            (None, sort) => sort.to_owned(),
        }
    }

    fn fate_in_words(&self) -> &'static str {
        match (self.sort, self.fate) {
            ("discard", _) => ", but the receiver is down",
            (_, Some(Fate::Lost(Loss::Chance))) => ", lost by chance",
            (_, Some(Fate::Lost(Loss::Partition))) => ", lost to a partition",
            (_, Some(Fate::Lost(Loss::Fault))) => ", lost to a fault",
            (_, Some(Fate::Lost(Loss::Override))) => ", lost as was asked",
            (_, Some(Fate::Duplicate(..))) => ", sent twice",
            _ => "",
        }
    }

    fn change(&self) -> String {
        let length = self.bytes.map_or(0, <[u8]>::len);
        match self.numbers.get(1) {
            Some(("offset", offset)) => format!("{length} bytes at {offset}"),
            Some(("truncate", length)) => format!("cut to {length} bytes"),
            _ => format!("{length} bytes more"),
        }
    }

    fn detail(&self, longest: usize) -> String {
        let Some(payload) = self.payload else { return self.bytes.map(|bytes| written(bytes, longest)).unwrap_or_default() };
        let mut text = Limited { text: String::new(), left: longest };
        // A fault prints as it is written in a scenario, which its serialised form is.
        let complete = match (self.sort == "fault").then(|| payload.json()) {
            Some(serde_json::Value::String(fault)) => text.write_str(&fault),
            _ => write!(text, "{payload:?}"),
        };
        if complete.is_err() {
            text.text.push('…');
        }
        // The kind has been named already.
        let body = self.message.and_then(|(_, kind)| text.text.strip_prefix(kind.name));
        body.map_or_else(|| text.text.clone(), |body| body.trim_start().to_owned())
    }
}

/// What was written: as text, if it is text, as records are that `Files::records` reads; otherwise byte by byte.
fn written(bytes: &[u8], longest: usize) -> String {
    let is_text = |text: &&str| text.chars().all(|letter| letter == '\n' || !letter.is_control());
    let mut text = Limited { text: String::new(), left: longest };
    let complete = match std::str::from_utf8(bytes).ok().filter(is_text) {
        Some(lines) => text.write_str(lines.trim_matches('\n')),
        None => bytes.iter().try_for_each(|byte| write!(text, "{byte:02x}")),
    };
    if complete.is_err() {
        text.text.push('…');
    }
    text.text
}

/// Takes so many characters, as one line, and refuses the rest: a message of a megabyte is not printed to be cut.
struct Limited {
    text: String,
    left: usize,
}

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in printable(text).chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(letter);
        }
        Ok(())
    }
}
