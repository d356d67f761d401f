//! What is known of a failure besides its run, as its page shows it: what shrinking left, and why it fails.

use super::Invocation;
use super::shrink::changes;
use super::sibling::SideBySide;
use super::why;
use super::words::clean;
use crate::check::Verdict;
use crate::explore::shrink::{Shrunk, Without};
use crate::explore::why::{Came, Point, Rise, Why};
use crate::scenario::{Failure, Standing};

/// What is known of a failure besides the run itself.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What is kept, and what becomes of the run without it.
    pub kept: Vec<Kept>,
    /// What was left out of the run to get it as small as it is, in a line.
    pub shrunk: Option<String>,
    /// How often the run fails where only what is kept is as it was.
    pub sufficiency: Option<String>,
    /// How often it fails when all from a record on is drawn afresh: the record, the share, and the ends of an interval for it.
    pub curve: Vec<(u64, f64, f64, f64)>,
    /// The events by which it became more likely: the record, and in words.
    pub rises: Vec<(u64, String)>,
    /// The nearest run that passes.
    pub sibling: Option<SideBySide>,
    /// What was waited for, and what carries it: each a heading and lines of text.
    pub more: Vec<(&'static str, String)>,
    /// The scenario as a file, if it is not the one that the command was given.
    pub scenario: Option<String>,
    /// Where it stood in a sweep.
    pub standing: Option<Standing>,
    /// How to see where it stands, if that is not known: in words, and the command.
    pub sweep: Option<(&'static str, String)>,
}

/// Something that is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What it is.
    pub part: String,
    /// What becomes of the run without it: `holds`.
    pub without: String,
    /// Whether it is necessary.
    pub necessary: bool,
}

impl Findings {
    /// The same, and where it stands among other runs: of a failure that was saved, what its file knows; of a scenario, how to see it.
    #[must_use]
    pub fn among_others(self, called: &Invocation, saved: Option<&Failure>, verdict: Verdict) -> Self {
        if let Some(saved) = saved {
            return Self { standing: saved.sweep, ..self };
        }
        let words = match verdict {
            _ if self.shrunk.is_some() => "How often that fails which it was cut from, over many seeds:",
            Verdict::Violated => "How often it fails, over many seeds:",
            _ => "Whether it holds under other seeds:",
        };
        let called = Invocation { keep_going: verdict == Verdict::Violated, as_meant: false, ..called.clone() };
        Self { sweep: Some((words, called.sweep(1, 1_000))), ..self }
    }

    /// What shrinking came to. The page is of what it left.
    pub fn of_shrunk(shrunk: &Shrunk) -> Self {
        let kept = shrunk.left.iter().map(|left| Kept {
            part: left.part.clone(),
            without: match left.without {
                Without::Holds => "holds".to_owned(),
                Without::Violates(property) => format!("violates {property} instead"),
                Without::FailsStill => "fails all the same".to_owned(),
            },
            necessary: left.without == Without::Holds,
        });
        Self {
            kept: kept.collect(),
            shrunk: Some(changes(&shrunk.before, &shrunk.after)),
            scenario: Some(shrunk.text.clone()),
            ..Self::default()
        }
    }

    /// Why it fails.
    pub fn of_why(why: &Why) -> Self {
        let kept = why.elements.iter().map(|element| Kept {
            part: match element.at {
                Some(at) => format!("{}  ({at})", element.text),
                None => element.text.clone(),
            },
            without: match element.without {
                Came::Holds => "holds".to_owned(),
                Came::Violates(property) => format!("violates {property} instead"),
                Came::Fails => "fails all the same".to_owned(),
                Came::Unknown => "is not known".to_owned(),
            },
            necessary: element.is_necessary(),
        });
        let point = |point: &Point| {
            let (low, high) = point.share.interval();
            (point.after, point.share.part(), low, high)
        };
        let rise = |rise: &Rise| {
            let first = rise.records.first()?;
            let chances = format!("from {} to {}", why::percent(rise.before.part()), why::percent(rise.after.part()));
            Some((first.number, format!("{chances} at {}: {}", first.at, why::in_words(first))))
        };
        let awaited: String = why.awaited.iter().map(|link| format!("{}\n", why::awaited(link))).collect();
        Self {
            kept: kept.collect(),
            shrunk: why.shrunk.as_ref().map(|cut| changes(&cut.before, &cut.after)),
            sufficiency: Some(plain(&why::sufficiency(why))).filter(|text| !text.is_empty()),
            curve: why.curve.points.iter().map(point).collect(),
            rises: why.curve.rises.iter().filter_map(rise).collect(),
            sibling: why.sibling.as_ref().map(SideBySide::of),
            more: vec![
                ("What was waited for", awaited),
                ("Whose chance carries it: with theirs alone drawn afresh, it still fails in", plain(&why::carriers(why))),
            ],
            scenario: why.shrunk.as_ref().map(|cut| cut.text.clone()),
            ..Self::default()
        }
    }
}

/// The lines without the indent that all have.
fn plain(text: &str) -> String {
    let indent = text.lines().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let lines: Vec<&str> = text.lines().map(|line| line.get(indent..).unwrap_or_default()).collect();
    clean(lines.join("\n").trim_end())
}
