//! A run as lines that people read, while it goes on.

use std::io::{self, Write};
use std::ops::RangeInclusive;

use super::paint::Paint;
use crate::base::{NodeId, Time};
use crate::trace::{Line, Sink, UntypedRecord};

/// Which records to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// None before this time.
    pub from: Time,
    /// None after this time.
    pub until: Time,
    /// None but these, by their numbers.
    pub numbers: RangeInclusive<u64>,
    /// Only those of these nodes: of a message both ends count. Empty for all. Faults are shown all the same.
    pub nodes: Vec<NodeId>,
    /// Only messages of these kinds and records of these sorts. Empty for all.
    pub kinds: Vec<String>,
    /// Only records whose line has this text, in capitals or not. Empty for all.
    pub text: String,
}

impl Default for Filter {
    /// Everything.
    fn default() -> Self {
        Self { from: Time::ZERO, until: Time::MAX, numbers: 0..=u64::MAX, nodes: Vec::new(), kinds: Vec::new(), text: String::new() }
    }
}

impl Filter {
    /// Whether this record is to be shown.
    pub fn admits(&self, entry: &UntypedRecord<'_>) -> bool {
        (self.from..=self.until).contains(&entry.at)
            && self.numbers.contains(&entry.number)
            && self.admits_node(entry)
            && self.admits_kind(entry)
            && self.admits_text(entry)
    }

    fn admits_node(&self, entry: &UntypedRecord<'_>) -> bool {
        let ends = entry.message.map(|(id, _)| [id.from, id.to]);
        let concerned = |node: &NodeId| entry.node == Some(*node) || ends.is_some_and(|ends| ends.contains(node));
        self.nodes.is_empty() || entry.node.is_none() || self.nodes.iter().any(concerned)
    }

    fn admits_text(&self, entry: &UntypedRecord<'_>) -> bool {
        /// What comes later in a message is not looked at.
        const LOOKED_AT: usize = 100_000;
        self.text.is_empty() || entry.line(LOOKED_AT).to_string().to_lowercase().contains(&self.text.to_lowercase())
    }

    fn admits_kind(&self, entry: &UntypedRecord<'_>) -> bool {
        let is = |kind: &String| kind == entry.sort || entry.message.is_some_and(|(_, message)| message.name == kind);
        self.kinds.is_empty() || self.kinds.iter().any(is)
    }
}

/// Writes a line for every record that passes a filter.
pub struct ReplayWriter<W: Write> {
    out: W,
    filter: Filter,
    width: usize,
    paint: Paint,
    /// The records that are marked, by their numbers, in order.
    marked: Vec<u64>,
    shown: u64,
    error: Option<io::Error>,
}

impl<W: Write> ReplayWriter<W> {
    /// A writer of lines no longer than `width` characters, if there is a width; in colour or not.
    pub fn new(out: W, filter: Filter, width: Option<usize>, color: bool) -> Self {
        Self { out, filter, width: width.unwrap_or(usize::MAX), paint: Paint(color), marked: Vec::new(), shown: 0, error: None }
    }

    /// Marks the records of these numbers, in the margin.
    #[must_use]
    pub fn marking(mut self, mut numbers: Vec<u64>) -> Self {
        numbers.sort_unstable();
        self.marked = numbers;
        self
    }

    /// What it writes to.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// Shows a record, if it passes the filter, and these lines below it.
    pub fn show(&mut self, entry: &UntypedRecord<'_>, below: impl FnOnce() -> Vec<String>) {
        if self.error.is_some() || !self.filter.admits(entry) {
            return;
        }
        self.shown += 1;
        let text = render(entry, self.width, self.paint, self.marked.binary_search(&entry.number).is_ok());
        self.error = writeln!(self.out, "{text}").err();
        for line in below() {
            let line = cut(&format!("{:17}{line}", ""), self.width);
            self.error = self.error.take().or_else(|| writeln!(self.out, "{}", self.paint.faint(&line)).err());
        }
    }

    /// Ends the writing, and says how many records were shown.
    ///
    /// # Errors
    /// The first error of any write.
    pub fn finish(mut self) -> io::Result<u64> {
        match self.error {
            Some(error) => Err(error),
            None => self.out.flush().map(|()| self.shown),
        }
    }
}

impl<W: Write> Sink for ReplayWriter<W> {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        self.show(entry, Vec::new);
    }
}

/// `     2.01345s  n1 → n3    AppendEntries #7  …`: the time as it stands everywhere; and in brackets what the node's clock reads, if
/// clocks are off. One that is marked has that in the margin.
fn render(entry: &UntypedRecord<'_>, width: usize, paint: Paint, is_marked: bool) -> String {
    let margin = if is_marked { '▶' } else { ' ' };
    let Line { subject, what, detail } = entry.line(width);
    let time = match entry.clock {
        Some(clock) => format!("{margin}{:>13}  {:>14}", entry.at, format!("[{clock}]")),
        None => format!("{margin}{:>13}", entry.at),
    };
    let head = match entry.sort {
        "fault" => format!("FAULT {detail}"),
        _ => format!("{subject:<9}  {what}"),
    };
    let head = cut(&head, width.saturating_sub(time.chars().count() + 2));
    let room = width.saturating_sub(time.chars().count() + head.chars().count() + 4);
    let lost = entry.sort == "discard" || matches!(entry.fate, Some(crate::base::Fate::Lost(_)));
    let painted = match entry.sort {
        "fault" | "settle" | "crash" | "panic" => paint.strong(&head),
        "mark" => paint.good(&head),
        _ if lost => paint.bad(&head),
        _ => head,
    };
    let detail = if entry.sort == "fault" { String::new() } else { cut(&detail, room) };
    let gap = if detail.is_empty() { "" } else { "  " };
    format!("{}  {painted}{gap}{}", paint.faint(&time), paint.faint(&detail))
}

/// No more than so many characters, the last an ellipsis if there were more. No word is cut.
pub(super) fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let Some(last) = room.checked_sub(1) else { return String::new() };
    let end = text.char_indices().nth(last).map_or(text.len(), |(end, _)| end);
    let (kept, rest) = text.split_at(end);
    let is_of_a_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let is_within = kept.ends_with(is_of_a_word) && rest.starts_with(is_of_a_word);
    let kept = if is_within { kept.trim_end_matches(is_of_a_word) } else { kept };
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::base::{Change, Duration, Fate, Incarnation, KindDigest, Loss, MessageId};
    use crate::fault::Strike;
    use crate::trace::{Event, Vocabulary};

    struct TextVocabulary;

    impl Vocabulary for TextVocabulary {
        type Message = String;
        type Note = String;
        type Client = String;
        type ClientNote = String;
    }

    const N1: NodeId = NodeId::server(0);
    const N2: NodeId = NodeId::server(1);

    /// What is shown of a few records, a millisecond apart from each other.
    fn show(filter: Filter, width: usize) -> String {
        let id = MessageId { from: N1, to: N2, kind: KindDigest::of("Append"), count: 7 };
        let message = "a message".to_owned();
        let strike = Strike::Crash { node: N2, down: None };
        let events: Vec<Event<'_, TextVocabulary>> = vec![
            Event::Boot { node: N1, incarnation: Incarnation(1), files: &[] },
            Event::Send { id, fate: Fate::Deliver(Duration::from_millis(1)), message: &message },
            Event::Deliver { id, message: &message },
            Event::Send { id, fate: Fate::Lost(Loss::Partition), message: &message },
            Event::Discard { id },
            Event::Timer { node: N2, timer: &"Election" },
            Event::Write { node: N1, write: 3, file: "log", change: Change::Append(b"abc") },
            Event::Write { node: N1, write: 4, file: "log", change: Change::Truncate(2) },
            Event::Synced { node: N1, through: 4 },
            Event::Note { node: N2, note: &message },
            Event::Mark { node: N2, mark: "leader lost" },
            Event::Strike { strike: &strike },
            Event::Crash { node: N2, unsynced: 9, kept: 2 },
            Event::Boot { node: N2, incarnation: Incarnation(2), files: &[] },
            Event::Settle,
            Event::Panic { node: N1, message: "oh\nno" },
        ];
        let mut text = Vec::new();
        let mut writer = ReplayWriter::new(&mut text, filter, Some(width), false);
        for (number, event) in (0..).zip(&events) {
            writer.record(&event.entry(number, Time::ZERO + Duration::from_micros(number * 1_234), 0, &["Append"]));
        }
        let shown = writer.finish().unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().count() as u64, shown);
        text
    }

    #[test]
    fn every_sort_of_record() {
        expect![[r#"
            shown:
                        0s  n1         starts
                   1.234ms  n1 ⇢ n2    Append #7  "a message"
                   2.468ms  n1 → n2    Append #7  "a message"
                   3.702ms  n1 ✗ n2    Append #7, lost to a partition  "a message"
                   4.936ms  n1 ✗ n2    Append #7, but the receiver is down
                    6.17ms  n2         timer  "Election"
                   7.404ms  n1         writes log: 3 bytes more  abc
                   8.638ms  n1         writes log: cut to 2 bytes
                   9.872ms  n1         has synced all up to write 4
                  11.106ms  n2         note  "a message"
                   12.34ms  n2         sometimes: leader lost
                  13.574ms  FAULT Crash(node: n2)
                  14.808ms  n2         crashes: 7 of 9 unsynced bytes are lost
                  16.042ms  n2         starts again: start 2
                  17.276ms             the faults are over, everything is healed
                   18.51ms  n1         panics: oh\nno
        "#]]
        .assert_eq(&format!("shown:\n{}", show(Filter::default(), 100)));
    }

    #[test]
    fn what_is_marked_has_that_in_the_margin() {
        let mut text = Vec::new();
        let mut writer = ReplayWriter::new(&mut text, Filter::default(), None, false).marking(vec![7, 2]);
        let event: Event<'_, TextVocabulary> = Event::Mark { node: N2, mark: "leader lost" };
        [1, 2, 7, 8].into_iter().for_each(|number| writer.record(&event.entry(number, Time::ZERO, 0, &[])));
        writer.finish().unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().map(|line| line.starts_with('▶')).collect::<Vec<_>>(), [false, true, true, false]);
        assert_eq!(text.lines().nth(1), Some("▶           0s  n2         sometimes: leader lost"));
    }

    #[test]
    fn lines_are_cut_to_the_width() {
        for width in [0, 1, 14, 20, 32, 33, 34, 50] {
            let text = show(Filter::default(), width);
            assert!(text.lines().all(|line| line.chars().count() <= width.max(16)), "{width}:\n{text}");
        }
    }

    #[test]
    fn without_a_width_nothing_is_cut() {
        let (mut text, message) = (Vec::new(), "many words ".repeat(1_000));
        let mut writer = ReplayWriter::new(&mut text, Filter::default(), None, false);
        let event: Event<'_, TextVocabulary> = Event::Note { node: N2, note: &message };
        writer.record(&event.entry(0, Time::ZERO, 0, &[]));
        writer.finish().unwrap();
        assert!(String::from_utf8(text).unwrap().contains(&message));
    }

    #[test]
    fn a_clock_that_is_off_stands_behind_the_time() {
        let mut text = Vec::new();
        let mut writer = ReplayWriter::new(&mut text, Filter::default(), None, false);
        let event: Event<'_, TextVocabulary> = Event::Mark { node: N2, mark: "leader lost" };
        let mut entry = event.entry(0, Time::ZERO + Duration::from_millis(2100), 0, &[]);
        writer.record(&entry);
        entry.clock = Some(crate::base::LocalTime::from_nanos(-36_500_000));
        writer.record(&entry);
        writer.finish().unwrap();
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let expected =
            ["          2.1s  n2         sometimes: leader lost", "          2.1s       [-36.5ms]  n2         sometimes: leader lost"];
        assert_eq!(lines, expected);
    }

    #[test]
    fn no_word_is_cut() {
        let text = "{ term: t3, previous: 1@t2 }";
        for (room, expected) in
            [(0, ""), (1, "…"), (2, "{…"), (5, "{…"), (7, "{ term…"), (8, "{ term:…"), (9, "{ term:…"), (11, "{ term: t3…"), (28, text)]
        {
            assert_eq!(cut(text, room), expected, "{room}");
        }
    }

    #[test]
    fn filters() {
        let count = |filter| show(filter, 100).lines().count();
        let at = |micros| Time::ZERO + Duration::from_micros(micros);
        assert_eq!(count(Filter { from: at(1_234), until: at(2_468), ..Filter::default() }), 2);
        assert_eq!(count(Filter { kinds: vec!["Append".to_owned()], ..Filter::default() }), 4);
        assert_eq!(count(Filter { kinds: vec!["timer".to_owned(), "boot".to_owned()], ..Filter::default() }), 3);
        let fourth = NodeId::server(3);
        assert_eq!(show(Filter { nodes: vec![fourth], ..Filter::default() }, 100).lines().count(), 2, "faults concern everybody");
        assert_eq!(count(Filter { nodes: vec![N2], ..Filter::default() }), 4 + 1 + 1 + 1 + 1 + 1 + 2);
        let grep = |text: &str| show(Filter { text: text.to_owned(), ..Filter::default() }, 100).lines().count();
        assert_eq!([grep("A MESSAGE"), grep("n1 ✗ n2"), grep("crash"), grep("append #7"), grep("no such")], [4, 2, 2, 4, 0]);
    }
}
