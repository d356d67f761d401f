//! The places that a good sweep passes sometimes.

/// A member was held to have failed.
pub(super) const SUSPECTED: &str = "peer suspected";
/// Who was held to have failed is trusted again.
pub(super) const TRUSTED_AGAIN: &str = "peer trusted again";
/// A heartbeat came that was overtaken or doubled.
pub(super) const OLD_BEAT: &str = "old heartbeat ignored";
/// A heartbeat told that the worker had not come further.
pub(super) const WORK_STALLED: &str = "heartbeat without work";
/// Nobody was convicted, because the watcher had stood still itself.
pub(super) const LENIENT: &str = "own pause noticed";
/// A probe was not answered, and others were asked.
pub(super) const INDIRECT: &str = "probe went indirect";
/// A probe was answered through another.
pub(super) const RELAYED: &str = "probe relayed";
/// Another reported that it could not reach the probed one either.
pub(super) const NACKED: &str = "probe nacked";
/// A member was suspected.
pub(super) const DOUBTED: &str = "member suspected";
/// A suspicion was confirmed by another, and shrank.
pub(super) const CONFIRMED: &str = "suspicion confirmed by another";
/// A member refuted that it had failed.
pub(super) const REFUTED: &str = "suspicion refuted";
/// A suspicion was over, and its member declared dead.
pub(super) const DECLARED: &str = "suspicion ran out";
/// A member that was held dead came back in a higher incarnation.
pub(super) const CAME_BACK: &str = "dead member came back";
/// Old news of a dead member were ignored.
pub(super) const TOMBSTONE: &str = "old news of the dead ignored";
/// The local health was bad, and a probe was given more time.
pub(super) const UNHEALTHY: &str = "probe lengthened by local health";

/// All of them.
pub(super) const ALL: &[&str] = &[
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

/// All of them, and these of whoever carries a detector.
pub(super) const fn and<const COUNT: usize>(more: &[&'static str]) -> [&'static str; COUNT] {
    let mut marks = [""; COUNT];
    let mut place = 0;
    while place < COUNT {
        marks[place] = if place < ALL.len() { ALL[place] } else { more[place - ALL.len()] };
        place += 1;
    }
    marks
}
