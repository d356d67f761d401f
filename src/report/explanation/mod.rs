//! An explanation as people read it. As JSON, it is as it serialises.

mod counterexample;
mod drawing;
mod transactions;
mod trouble;

use super::words::counted;
use crate::check::{Broken, Explanation};

pub(super) use counterexample::{
    counterexample_line, counterexample_text, labels, linearizability_text, place, smallest_first, undecided_text, violations_text,
};
pub(super) use transactions::{Concern, doubt_lines, finding_text, member_line};

/// An explanation in words: lines, each ended, the first of which says the most.
pub fn explanation_text(explanation: &Explanation) -> String {
    let text = match explanation {
        Explanation::Linearizability(found) => linearizability_text(found),
        Explanation::Isolation(finding) => finding_text(finding),
        Explanation::Doubt(doubt) => transactions::doubt_text(doubt),
        Explanation::Rule(broken) => sentence(broken),
        Explanation::Panic(panic) => trouble::panic(panic),
        Explanation::Spin(spin) => trouble::spin(spin),
        Explanation::Pending(pending) => trouble::pending(pending),
        Explanation::Difference(difference) => trouble::difference(difference),
        Explanation::Text(text) => text.clone(),
        Explanation::Told(told) => told.text.clone(),
    };
    if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" }
}

/// What says the most, in a line.
pub(super) fn explanation_line(explanation: &Explanation) -> String {
    match explanation {
        Explanation::Linearizability(found) if !found.violations.is_empty() => counterexample_line(smallest_first(&found.violations)[0].1),
        _ => explanation_text(explanation).lines().next().unwrap_or_default().to_owned(),
    }
}

/// The sentences of rules with their facts, in a line.
pub(super) fn sentences(broken: &[Broken]) -> String {
    broken.iter().map(sentence).collect::<Vec<_>>().join("; ")
}

/// The sentence of a rule with its facts.
pub(super) fn sentence(broken: &Broken) -> String {
    let mut text = broken.within.as_ref().map(|(what, which)| format!("in {what} {which}: ")).unwrap_or_default();
    let mut rest = broken.rule.sentence;
    while let Some((before, gap)) = rest.split_once('{') {
        let (name, after) = gap.split_once('}').unwrap_or((gap, ""));
        text += before;
        match broken.fact(name) {
            Some(fact) => text += &fact.to_string(),
            None => text += &format!("{{{name}}}"),
        }
        rest = after;
    }
    text + rest
}
