//! What two failures have in common that are the same failure.

use crate::base::Digest;
use crate::check::{Explanation, Verdict};
use crate::world::Outcome;

/// A stable name for the way in which a run failed: equal for runs that violate the same properties for the same reason, whatever their
/// seeds. Nothing for a run that did not fail.
///
/// The reason is the first sentence of each property's detail without all that has a digit in it: times, nodes, terms, values.
pub fn fingerprint(outcome: &Outcome) -> Option<u64> {
    let mut digest = Digest::new();
    let mut violated = false;
    for property in outcome.properties.iter().filter(|property| property.verdict == Verdict::Violated) {
        violated = true;
        digest.bytes(property.name.as_bytes());
        digest.bytes(reason(property.explanation.as_ref()).as_bytes());
    }
    violated.then(|| digest.finish())
}

/// What stays the same of an explanation from seed to seed.
fn reason(explanation: Option<&Explanation>) -> String {
    match explanation {
        None => String::new(),
        Some(Explanation::Linearizability(_) | Explanation::Doubt(_)) => String::new(),
        Some(Explanation::Isolation(finding)) => finding.anomaly.name(),
        Some(Explanation::Rule(broken)) => broken.rule.id.to_owned(),
        Some(Explanation::Text(text)) => normalise(text),
    }
}

/// The first sentence or line, with every word that has a digit replaced by `#`, and a run of those by a single one.
fn normalise(detail: &str) -> String {
    let line = detail.lines().next().unwrap_or_default();
    let sentence = line.split("; ").next().unwrap_or_default();
    let mut words: Vec<&str> = Vec::new();
    for word in sentence.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = if word.contains(|letter: char| letter.is_ascii_digit()) { "#" } else { word };
        if word != "#" || words.last() != Some(&"#") {
            words.push(word);
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Time;
    use crate::check::PropertyReport;
    use crate::explore::samples::outcome;

    #[test]
    fn what_differs_from_seed_to_seed_is_left_out() {
        for (a, b) in [
            ("n1 and n3 both lead term 7, at 2.5s", "n2 and n5 both lead term 12, at 310ms"),
            ("no order of k1: r3, w4, w5\n  more\n  lines", "no order of k2: w17\n  others"),
            ("10s after: 3 operations wait; n1 is leader", "5s after: 12 operations wait; n1 is follower"),
        ] {
            assert_eq!(normalise(a), normalise(b));
        }
        assert_ne!(normalise("two leaders in term 7"), normalise("a lost entry in term 7"));
    }

    #[test]
    fn failures_of_different_properties_differ() {
        let failed = |names: &[&'static str]| {
            let mut outcome = outcome(1);
            outcome.properties.extend(names.iter().map(|name| PropertyReport::violated(name, Time::ZERO, "broken")));
            fingerprint(&outcome)
        };
        assert_eq!(failed(&[]), None);
        assert_eq!(failed(&["a"]), failed(&["a"]));
        assert_ne!(failed(&["a"]), failed(&["b"]));
        assert_ne!(failed(&["a"]), failed(&["a", "b"]));
    }
}
