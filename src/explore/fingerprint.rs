//! What two failures have in common that are the same failure.

use crate::base::Digest;
use crate::check::linearizability::Linearizability;
use crate::check::{Broken, Difference, Doing, Explanation, Fact, Panic, Pending, PropertyReport};

/// A stable name for the way in which a property was violated: equal for runs that violate it for the same reason, whatever their seeds.
///
/// The reason is taken from the data of each property's explanation, without nodes, times and values. Of a rule it is its kind, and the
/// kinds of messages and the roles among its facts; of a history that is not linearizable, the kind of the operation that fits nowhere in
/// the key that is violated first, and whether it saw an older, a lost or a never written value; of transactions the anomaly; of a panic
/// its file and its message without numbers. Of words it is their first sentence without all that has a digit in it.
pub fn fingerprint(violated: &PropertyReport) -> u64 {
    let mut digest = Digest::new();
    digest.bytes(violated.name.as_bytes());
    for word in violated.explanation.iter().flat_map(reason) {
        digest.bytes(word.as_bytes());
    }
    digest.finish()
}

/// What stays the same of an explanation from seed to seed.
fn reason(explanation: &Explanation) -> Vec<String> {
    match explanation {
        Explanation::Linearizability(found) => not_linearizable(found),
        Explanation::Isolation(finding) => vec![finding.anomaly.name()],
        Explanation::Doubt(_) => Vec::new(),
        Explanation::Rule(broken) => rule(broken),
        Explanation::Panic(panic) => panicked(panic),
        Explanation::Spin(spin) => vec![doing(&spin.doing)],
        Explanation::Pending(pending) => vec![first_pending(pending).to_owned()],
        Explanation::Difference(difference) => vec![differs(difference).to_owned()],
        Explanation::Text(text) => vec![normalise(text)],
        Explanation::Told(told) => vec![normalise(&told.text)],
    }
}

fn not_linearizable(found: &Linearizability) -> Vec<String> {
    let first = found.violations.iter().min_by_key(|violation| violation.at);
    first.map(|violation| vec![violation.kind.clone().unwrap_or_default(), format!("{:?}", violation.saw)]).unwrap_or_default()
}

fn rule(broken: &Broken) -> Vec<String> {
    let words = broken.facts.iter().filter_map(|(_, fact)| match fact {
        Fact::Kind(word) | Fact::Role(word) => Some((*word).to_owned()),
        _ => None,
    });
    [broken.rule.kind.to_owned()].into_iter().chain(words).collect()
}

fn panicked(panic: &Panic) -> Vec<String> {
    let file = panic.place.as_ref().and_then(|(file, _)| file.rsplit(['/', '\\']).next());
    vec![file.unwrap_or_default().to_owned(), normalise(&panic.message)]
}

fn doing(doing: &Doing) -> String {
    match doing {
        Doing::Handling { kind, .. } => format!("handling {kind}"),
        Doing::Fired(_) => "ringing".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The first of what must come to pass one after the other, and did not.
const fn first_pending(pending: &Pending) -> &'static str {
    match pending {
        Pending { nothing_fresh: true, .. } => "nothing fresh",
        Pending { under_way: 1.., .. } => "under way",
        Pending { disagree: true, .. } => "disagree",
        Pending { lagging, .. } if !lagging.is_empty() => "lag",
        _ => "unsettled",
    }
}

const fn differs(difference: &Difference) -> &'static str {
    match difference {
        Difference::Record { .. } => "record",
        Difference::Judged(property) => property,
        Difference::Counts => "counts",
        Difference::AtTimes => "at times",
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
    use crate::base::NodeId;
    use crate::base::Time;
    use crate::check::{Property, Rule};

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
        let failed = |name| fingerprint(&PropertyReport::violated(&Property::always(name, ""), Time::ZERO, "broken"));
        assert_eq!(failed("a"), failed("a"));
        assert_ne!(failed("a"), failed("b"));
    }

    fn print(explanation: impl Into<Explanation>) -> u64 {
        fingerprint(&PropertyReport::violated(&Property::always("a", ""), Time::ZERO, explanation))
    }

    #[test]
    fn a_rule_counts_with_its_kinds_and_roles() {
        static RULE: Rule = Rule::new("early", "{node} sent {kind}");
        static OTHER: Rule = Rule::new("late", "{node} sent {kind}");
        let broken = |rule: &'static Rule, node, kind| print(rule.with("node", NodeId::server(node)).with("kind", Fact::Kind(kind)));
        assert_eq!(broken(&RULE, 1, "Vote"), broken(&RULE, 2, "Vote"));
        assert_ne!(broken(&RULE, 1, "Vote"), broken(&RULE, 1, "Ack"));
        assert_ne!(broken(&RULE, 1, "Vote"), broken(&OTHER, 1, "Vote"));
        static LATER: Rule = Rule::new("later", "{node} had sent {kind}").of_kind("early");
        assert_eq!(broken(&RULE, 1, "Vote"), broken(&LATER, 1, "Vote"), "when it shows does not count");
    }

    #[test]
    fn a_panic_counts_with_its_file_and_its_message_without_numbers() {
        let panic = |node, message: &str, file: &str, line| {
            let place = Some((file.to_owned(), line));
            let message = message.to_owned();
            let (node, event) = (Some(NodeId::server(node)), Some(7));
            print(Panic { node, doing: Doing::Booting, event, at: Time::ZERO, message, died: false, place })
        };
        let usual = panic(1, "index 7 is beyond 3", "src/log.rs", 40);
        assert_eq!(usual, panic(2, "index 12 is beyond 11", "/home/me/src/log.rs", 44));
        assert_ne!(usual, panic(1, "index 7 is beyond 3", "src/disk.rs", 40));
        assert_ne!(usual, panic(1, "entry 7 is beyond 3", "src/log.rs", 40));
    }

    #[test]
    fn what_is_pending_counts_by_what_comes_first() {
        let fresh = |under_way| print(Pending { nothing_fresh: true, under_way, ..Pending::default() });
        assert_eq!(fresh(0), fresh(3));
        assert_ne!(fresh(0), print(Pending { disagree: true, ..Pending::default() }));
    }
}
