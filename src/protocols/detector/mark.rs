//! The places that a good sweep passes sometimes.

use crate::process::Mark;

pub(super) const SUSPECTED: Mark = Mark::new("peer suspected", "A member was held to have failed.");
pub(super) const TRUSTED_AGAIN: Mark = Mark::new("peer trusted again", "Who was held to have failed is trusted again.");
pub(super) const OLD_BEAT: Mark = Mark::new("old heartbeat ignored", "A heartbeat came that was overtaken or doubled.");
pub(super) const WORK_STALLED: Mark = Mark::new("heartbeat without work", "A heartbeat told that the worker had not come further.");
pub(super) const LENIENT: Mark = Mark::new("own pause noticed", "No node was suspected, because the watcher had stood still itself.");
pub(super) const INDIRECT: Mark = Mark::new("probe went indirect", "A probe was not answered, and others were asked.");
pub(super) const RELAYED: Mark = Mark::new("probe relayed", "A probe was answered through another.");
pub(super) const NACKED: Mark = Mark::new("probe nacked", "Another reported that it could not reach the probed one either.");
pub(super) const DOUBTED: Mark = Mark::new("member suspected", "A member was suspected.");
pub(super) const CONFIRMED: Mark = Mark::new("suspicion confirmed by another", "A suspicion was confirmed by another, and shrank.");
pub(super) const REFUTED: Mark = Mark::new("suspicion refuted", "A member refuted that it had failed.");
pub(super) const DECLARED: Mark = Mark::new("suspicion ran out", "A suspicion was over, and its member declared dead.");
pub(super) const CAME_BACK: Mark = Mark::new("dead member came back", "A member that was held dead came back in a higher incarnation.");
pub(super) const TOMBSTONE: Mark = Mark::new("old news of the dead ignored", "Old news of a dead member were ignored.");
pub(super) const UNHEALTHY: Mark =
    Mark::new("probe lengthened by local health", "The local health was bad, and a probe was given more time.");

/// All of them.
pub(super) const ALL: &[Mark] = &[
    SUSPECTED,
    TRUSTED_AGAIN,
    OLD_BEAT,
    WORK_STALLED,
    LENIENT,
    INDIRECT,
    RELAYED,
    NACKED,
    DOUBTED,
    CONFIRMED,
    REFUTED,
    DECLARED,
    CAME_BACK,
    TOMBSTONE,
    UNHEALTHY,
];

/// All of them, and these of the process that carries a detector.
pub(super) const fn and<const COUNT: usize>(more: &[Mark]) -> [Mark; COUNT] {
    let mut marks = [Mark::new("", ""); COUNT];
    let mut place = 0;
    while place < COUNT {
        marks[place] = if place < ALL.len() { ALL[place] } else { more[place - ALL.len()] };
        place += 1;
    }
    marks
}
