//! Why transactions were not kept apart.

use std::fmt::Write as _;

use super::{counted, sentence};
use crate::base::{SortedSet, sort_by_key};
use crate::check::Fact;
use crate::check::isolation::{Access, CastMember, Did, Doubt, Fate, Finding, LeftOut, transaction_name};
use crate::report::words::size;

/// How many acts of a transaction are shown.
const ACTS: usize = 8;
/// How many keys that were left out are named.
const KEYS_NAMED: usize = 5;

/// An anomaly: its name, who did what, and what that shows.
pub(in crate::report) fn finding_text(finding: &Finding) -> String {
    let mut text = format!("{}: {}\n", finding.anomaly, finding.anomaly.meaning());
    let concern = Concern::of(finding);
    for member in &finding.cast {
        let _ = writeln!(text, "  {}", member_line(member, &concern));
    }
    text.push('\n');
    for broken in &finding.evidence {
        let _ = writeln!(text, "  {}", sentence(broken));
    }
    text
}

/// What an anomaly is about, and what is told of it: the acts that are shown first.
pub(in crate::report) struct Concern<'f> {
    keys: SortedSet<&'f str>,
    told: SortedSet<String>,
}

impl<'f> Concern<'f> {
    pub(in crate::report) fn of(finding: &'f Finding) -> Self {
        let facts = finding.evidence.iter().flat_map(|broken| &broken.facts);
        let facts = facts.flat_map(|(_, fact)| if let Fact::All(facts) = fact { facts.as_slice() } else { std::slice::from_ref(fact) });
        let (mut keys, mut told) = (SortedSet::new(), SortedSet::new());
        for fact in facts {
            match fact {
                Fact::Key(key) => drop(keys.insert(key.as_str())),
                Fact::Value(_) | Fact::Version(_) => drop(told.insert(fact.to_string())),
                _ => {}
            }
        }
        Self { keys, told }
    }

    fn is_told(&self, act: &Access) -> bool {
        match &act.did {
            Did::Append(value) | Did::Write(value) => self.told.contains(value),
            Did::Read(Some(seen)) => self.told.contains(&seen.to_string()),
            Did::Read(None) | Did::Add(_) => false,
        }
    }

    /// The acts to be shown: of many, those on the keys concerned, and of those the ones that are told of first.
    fn shown<'a>(&self, acts: &'a [Access]) -> Vec<&'a Access> {
        let mut shown: Vec<(usize, &Access)> = acts.iter().enumerate().collect();
        if shown.len() > ACTS {
            shown.retain(|(_, act)| self.keys.contains(&*act.key));
            sort_by_key(&mut shown, |(_, act)| !self.is_told(act));
            shown.truncate(ACTS);
            shown.sort_unstable_by_key(|(place, _)| *place);
        }
        shown.into_iter().map(|(_, act)| act).collect()
    }
}

/// `T1 (c1): read x → [], append 1 to x`. Of one with many acts those on the keys concerned are shown.
pub(in crate::report) fn member_line(CastMember { transaction, client, fate, acts }: &CastMember, concern: &Concern<'_>) -> String {
    let fate = match fate {
        Fate::Committed => "",
        Fate::Aborted => ", aborted",
        Fate::Unknown => ", outcome unknown",
    };
    let shown: Vec<String> = concern.shown(acts).into_iter().map(Access::to_string).collect();
    let more = (shown.len() < acts.len()).then(|| format!("and {} more", acts.len() - shown.len()));
    let shown: Vec<String> = shown.into_iter().chain(more).collect();
    format!("{} ({client}{fate}): {}", transaction_name(*transaction), shown.join(", "))
}

/// Why a level is unknown.
pub(super) fn doubt_text(doubt: &Doubt) -> String {
    let lines = doubt_lines(doubt);
    if lines.is_empty() { "the budget ended first".to_owned() } else { lines.join("\n") }
}

/// A line for each reason why a level is unknown.
pub(in crate::report) fn doubt_lines(doubt: &Doubt) -> Vec<String> {
    let mut lines = Vec::new();
    if doubt.unordered > 0 {
        lines.push(format!(
            "{} do not show in which order all their versions were written, and the budget ended before one was found that will do",
            counted(doubt.unordered, "key")
        ));
    }
    if let Some(bytes) = doubt.bytes {
        lines.push(format!("a search held {} of state: more room would help (--memory)", size(bytes)));
    }
    for why in [LeftOut::Added, LeftOut::Mixed, LeftOut::Repeated] {
        let left: Vec<&str> = doubt.left_out.iter().filter(|left| left.why == why).map(|left| left.key.as_str()).collect();
        if left.is_empty() {
            continue;
        }
        let named = left[..left.len().min(KEYS_NAMED)].join(", ");
        let more = if left.len() > KEYS_NAMED { ", …" } else { "" };
        lines.push(format!("not judged: {} ({named}{more}): {}", counted(left.len(), "key"), reason(why)));
    }
    lines
}

/// Why a key was not judged.
const fn reason(why: LeftOut) -> &'static str {
    match why {
        LeftOut::Added => "it was added to, and many ways lead to one sum",
        LeftOut::Mixed => "it was used both as a list and as a register",
        LeftOut::Repeated => "one value was put into it twice, so that nobody can tell which of the two was read",
    }
}
