//! The nearest run that passes, side by side with the one that fails.

use super::paint::Paint;
use super::why::{entity_in_words, in_words, message_in_words, way};
use super::words::{clean, counted, wrap};
use crate::base::Fate;
use crate::explore::why::{Alteration, ElementSort, Parted, Sibling};
use crate::trace::OwnedRecord;

/// A run that fails and one that passes, side by side from where they part.
#[derive(Clone, Debug)]
pub struct SideBySide {
    /// What is changed in the one that passes.
    pub change: String,
    /// How much both have in common before.
    pub common: String,
    /// What comes then.
    pub rows: Vec<SideRow>,
}

/// What is about the same in both runs, or what only one of them has there.
#[derive(Clone, Debug)]
pub struct SideRow {
    /// In the run that fails: the number of the record, and the record in words.
    pub fails: Option<(u64, String)>,
    /// In the one that passes.
    pub passes: Option<String>,
}

impl SideRow {
    /// Whether both runs have it, at the same time.
    pub fn is_same(&self) -> bool {
        self.fails.as_ref().map(|(_, words)| words) == self.passes.as_ref()
    }
}

impl SideBySide {
    /// What stands above the two runs.
    pub(super) const HEADS: [&'static str; 2] = ["the run that fails", "the run that passes"];

    pub(super) fn of(sibling: &Sibling) -> Self {
        let line = |record: &OwnedRecord| format!("{}  {}{}", record.at, in_words(record), way(record));
        let row = |Parted { fails, passes }: &Parted| SideRow {
            fails: fails.as_ref().map(|record| (record.number, line(record))),
            passes: passes.as_ref().map(line),
        };
        let then = if sibling.parted.is_empty() { "and nothing more that differs" } else { "then they part" };
        Self {
            change: change(&sibling.change),
            common: format!("the first {} are the same; {then}", counted(sibling.common, "record")),
            rows: sibling.parted.iter().map(row).collect(),
        }
    }

    /// In two columns, on lines of so many characters.
    pub(super) fn text(&self, width: usize, paint: Paint) -> String {
        const INDENT: usize = 4;
        let room = (width.saturating_sub(INDENT + 3) / 2).max(24);
        let beside = |left: &str, right: &str, painted: &dyn Fn(&str) -> String| {
            let (left, right) = (wrap(left, room), wrap(right, room));
            let line = |place: usize| {
                let of = |rows: &[String]| rows.get(place).cloned().unwrap_or_default();
                let line = format!("{:room$} │ {}", of(&left), of(&right));
                format!("{:INDENT$}{}\n", "", painted(line.trim_end()))
            };
            (0..left.len().max(right.len())).map(line).collect::<String>()
        };
        let mut text = format!("    {}\n    {}\n", self.change, self.common);
        if !self.rows.is_empty() {
            text += &beside(Self::HEADS[0], Self::HEADS[1], &|line| paint.strong(line));
        }
        for row in &self.rows {
            let fails = row.fails.as_ref().map_or("", |(_, words)| words);
            let passes = row.passes.as_deref().unwrap_or_default();
            text += &beside(fails, passes, &|line| if row.is_same() { paint.faint(line) } else { line.to_owned() });
        }
        text
    }
}

fn change(change: &Alteration) -> String {
    match change {
        Alteration::Fate { message, kind, becomes, .. } => {
            let becomes = match becomes {
                Fate::Lost(_) => "is lost".to_owned(),
                Fate::Deliver(delay) => format!("arrives after {delay}"),
                Fate::Duplicate(first, second) => format!("arrives after {first} and {second}"),
            };
            format!("in it, {} {becomes}", message_in_words(message, kind))
        }
        Alteration::Without(sort, what) => {
            let sort = match sort {
                ElementSort::Fate => "the fate",
                ElementSort::Operation => "the operation",
                ElementSort::Strike => "the fault",
            };
            format!("without {sort} {}", clean(what))
        }
        Alteration::Afresh(entity) => format!("with {} drawn afresh", entity_in_words(*entity)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_stand_side_by_side() {
        let row = |fails: Option<&str>, passes: Option<&str>| SideRow {
            fails: fails.map(|words| (7, words.to_owned())),
            passes: passes.map(str::to_owned),
        };
        let told = SideBySide {
            change: "in it, Vote #1 from n1 to n2 is lost".to_owned(),
            common: "the first 12 records are the same; then they part".to_owned(),
            rows: vec![
                row(Some("1ms  n1 → n2 Vote #1 { granted: true }"), Some("1ms  n1 ✗ n2 Vote #1, lost as was asked")),
                row(Some("2ms  n2 note Led"), None),
                row(Some("3ms  n1 stands still"), Some("3ms  n1 stands still")),
                row(None, Some("4ms  n2 timer Election")),
            ],
        };
        let expected = "    in it, Vote #1 from n1 to n2 is lost
    the first 12 records are the same; then they part
    the run that fails           │ the run that passes
    1ms n1 → n2 Vote #1 {        │ 1ms n1 ✗ n2 Vote #1, lost as
    granted: true }              │ was asked
    2ms n2 note Led              │
    3ms n1 stands still          │ 3ms n1 stands still
                                 │ 4ms n2 timer Election
";
        assert_eq!(told.text(63, Paint(false)), expected);
    }
}
