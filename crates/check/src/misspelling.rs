//! What a mistyped word was meant to be.

/// The candidate that `word` was probably meant to be, if one is near enough: at most a third of its letters differ, capitals aside.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    const LONGEST: usize = 100;
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let farthest = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        // A single letter is not a misspelling of every other single letter.
        .filter(|(distance, candidate)| *distance <= farthest && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word() {
        let words = ["nodes", "election_timeout", "heartbeat", "At", "Every", "When"];
        for (word, expected) in [
            ("nods", Some("nodes")),
            ("Nodes", Some("nodes")),
            ("electoin_timeout", Some("election_timeout")),
            ("heart_beat", Some("heartbeat")),
            ("every", Some("Every")),
            ("Wen", Some("When")),
            ("at", Some("At")),
            ("x", None),
            ("", None),
            ("latency", None),
        ] {
            assert_eq!(nearest(word, words), expected, "{word}");
        }
        assert_eq!(nearest(&"a".repeat(10_000_000), words), None);
    }
}
