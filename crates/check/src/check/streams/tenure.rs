//! Who acts for a group or a producer of which another has taken over.

use rustc_hash::FxHashMap;

use super::StreamAnomaly;
use super::report::Finder;
use crate::base::{Holder, Time};
use crate::check::verdict::{Fact, Rule};

static ZOMBIE: Rule = Rule::new("zombie", "{client} acted in {tenure}, which began once {other} had acted in {later}");

/// Finds what was acknowledged of an earlier tenure, though it began when something of a later one had been.
pub(super) fn zombies(finder: &mut Finder<'_>) {
    let effective = || finder.attempts.iter().enumerate().filter(|(_, attempt)| attempt.took_effect());
    let mut ended: Vec<(Time, usize)> = effective().map(|(index, attempt)| (attempt.over(), index)).collect();
    ended.sort_unstable();
    let begun: Vec<usize> = effective().map(|(index, _)| index).collect();
    let mut ended = ended.into_iter().peekable();
    // The latest tenure of each of which an act was over, and which act that was.
    let mut latest: FxHashMap<Holder, (u64, usize)> = FxHashMap::default();
    for index in begun {
        let attempt = &finder.attempts[index];
        while let Some((_, over)) = ended.next_if(|(at, _)| *at < attempt.invoked) {
            for tenure in &finder.attempts[over].streamed.tenures {
                let known = latest.entry(tenure.of).or_insert((tenure.number, over));
                if known.0 < tenure.number {
                    *known = (tenure.number, over);
                }
            }
        }
        for tenure in &attempt.streamed.tenures {
            let Some((number, by)) = latest.get(&tenure.of).copied().filter(|(number, _)| *number > tenure.number) else { continue };
            let later = crate::base::Tenure { of: tenure.of, number };
            let evidence = ZOMBIE
                .with("client", finder.client(index))
                .with("tenure", Fact::Text(tenure.to_string()))
                .with("other", finder.client(by))
                .with("later", Fact::Text(later.to_string()));
            finder.found(StreamAnomaly::Zombie, &[by, index], evidence);
        }
    }
}
