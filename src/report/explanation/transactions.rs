//! Why transactions were not kept apart.

use std::fmt::Write as _;

use super::{counted, sentence};
use crate::check::isolation::{Doubt, Fate, Finding, LeftOut, Member};

/// How many keys that were left out are named.
const KEYS_NAMED: usize = 5;

/// An anomaly: its name, who did what, and what that shows.
pub(in crate::report) fn finding_text(finding: &Finding) -> String {
    let mut text = format!("{}: {}\n", finding.anomaly, finding.anomaly.meaning());
    for member in &finding.cast {
        let _ = writeln!(text, "  {}", member_line(member));
    }
    text.push('\n');
    for broken in &finding.evidence {
        let _ = writeln!(text, "  {}", sentence(broken));
    }
    text
}

/// `T1 (c1): read x → [], append 1 to x`.
pub(in crate::report) fn member_line(Member { transaction, client, fate, acts, more }: &Member) -> String {
    let fate = match fate {
        Fate::Committed => "",
        Fate::Aborted => ", aborted",
        Fate::Unknown => ", outcome unknown",
    };
    let more = (*more > 0).then(|| format!("and {more} more"));
    let acts: Vec<String> = acts.iter().map(ToString::to_string).chain(more).collect();
    format!("T{} ({client}{fate}): {}", transaction + 1, acts.join(", "))
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
        LeftOut::Repeated => "one value was written to it twice, so that nobody can tell which of the two was read",
    }
}
