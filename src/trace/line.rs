//! A record as a line that people read.

use std::fmt::{self, Write};
use std::panic::catch_unwind;

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

    /// What was written, in words: as the node's process reads it, or as it is, if it is text, as records are that `Files::records` reads.
    pub fn written(&self) -> Option<String> {
        let (bytes, file) = (self.bytes?, self.name?);
        // A process that panics over its own bytes does not know them.
        let read = self.reads.and_then(|read| catch_unwind(|| read(file, bytes)).ok()).flatten();
        let is_text = |text: &&str| text.chars().all(|letter| letter == '\n' || !letter.is_control());
        read.or_else(|| Some(std::str::from_utf8(bytes).ok().filter(is_text)?.trim_matches('\n').to_owned()))
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
            _ if length == 1 => "1 byte more".to_owned(),
            _ => format!("{length} bytes more"),
        }
    }

    fn detail(&self, longest: usize) -> String {
        let Some(payload) = self.payload else {
            return self.written().map(|text| shortened(&text, longest)).or_else(|| Some(hex(self.bytes?, longest))).unwrap_or_default();
        };
        let mut text = Limited { text: String::new(), left: longest };
        // A fault prints as it is written in a scenario, which its serialised form is.
        let complete = match (self.sort == "fault").then(|| payload.json()) {
            Some(serde_json::Value::String(fault)) => text.write_str(&fault),
            _ => write!(text, "{payload:?}"),
        };
        if complete.is_err() {
            text.text.push('…');
        }
        match self.message {
            Some((_, kind)) => without_kind(text.text, kind.name),
            None => text.text,
        }
    }
}

/// A message without the name of its kind, which has been named already, and without what it is wrapped in: of `Raft(Vote { term: 3 })`
/// what is in braces.
fn without_kind(text: String, kind: &str) -> String {
    // Of the second of several like parts of a node, say: `Beat/2`.
    let name = kind.split('/').next().unwrap_or(kind);
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let (mut inner, mut wrapped) = (text.as_str(), 0);
    loop {
        if let Some(body) = inner.strip_prefix(name).filter(|body| !body.starts_with(is_word)) {
            let body = (0..wrapped).fold(body, |body, _| body.strip_suffix(')').unwrap_or(body));
            return body.trim_start().to_owned();
        }
        match inner.split_once('(') {
            Some((wrapper, rest)) if !wrapper.is_empty() && wrapper.chars().all(is_word) => (inner, wrapped) = (rest, wrapped + 1),
            _ => return text,
        }
    }
}

/// The text, on one line, or its first so many characters.
fn shortened(whole: &str, longest: usize) -> String {
    let mut text = Limited { text: String::new(), left: longest };
    if text.write_str(whole).is_err() {
        text.text.push('…');
    }
    text.text
}

/// Bytes one by one, or the first of them.
fn hex(bytes: &[u8], longest: usize) -> String {
    let shown = &bytes[..bytes.len().min(longest / 2)];
    let more = if shown.len() < bytes.len() { "…" } else { "" };
    shown.iter().map(|byte| format!("{byte:02x}")).chain([more.to_owned()]).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_is_wrapped_in_hides_nothing() {
        for (text, kind, expected) in [
            ("Vote { term: 3 }", "Vote", "{ term: 3 }"),
            ("Raft(Vote { term: 3 })", "Vote", "{ term: 3 }"),
            ("Omega(Detector(Beat(7)))", "Beat", "(7)"),
            ("Detector(Beat(7)/2)", "Beat/2", "(7)/2"),
            ("Raft(Vote { term: 3, entries: [1, 2…", "Vote", "{ term: 3, entries: [1, 2…"),
            ("Voted(Yes)", "Vote", "Voted(Yes)"),
            ("(1, 2)", "message", "(1, 2)"),
        ] {
            assert_eq!(without_kind(text.to_owned(), kind), expected);
        }
    }
}
