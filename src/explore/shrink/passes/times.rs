//! Times pulled together, and shorter and rounder lengths.

use super::registry;
use crate::base::{Duration, DurationRange};
use crate::explore::shrink::Search;
use crate::explore::shrink::candidate::{parsed, without_value};
use crate::notation;
use crate::scenario::Scenario;
use crate::systems::Registry;

/// Where times stand.
const TIMED: [&str; 2] = ["faults[", "operations["];
/// Where lengths stand.
const LASTING: [&str; 2] = ["faults[", "fates["];

/// Times: all of them earlier, those from one on earlier, each rounder.
pub(super) fn pass(search: &mut Search<'_>) {
    let registry = registry(search);
    for grain in GRAINS {
        let variants = changed(search.scenario(), registry, &times, &|time, _| round_down(time, grain));
        search.attempt(&variants.into_iter().collect::<Vec<_>>());
    }
    for parts in [2, 4, 16] {
        while search.attempt(&earlier(search.scenario(), parts, registry)).is_some() {}
    }
    for place in 0..times(&search.scenario().to_ron()).len() {
        if search.judge.is_over() {
            return;
        }
        let variants: Vec<Scenario> = ROUND
            .iter()
            .filter_map(|digits| {
                changed(search.scenario(), registry, &times, &|time, other| if other == place { to_digits(time, *digits) } else { time })
            })
            .collect();
        search.attempt(&variants);
    }
}

/// To what all times are rounded.
const GRAINS: [Duration; 5] =
    [Duration::from_secs(1), Duration::from_millis(100), Duration::from_millis(10), Duration::from_millis(1), Duration::from_micros(100)];
/// To how many digits one time is rounded.
const ROUND: [u32; 3] = [1, 2, 3];

/// The scenario with a gap between times, or before the first, reduced by such a part of it or all of it: what comes after moves with it.
fn earlier(scenario: &Scenario, parts: u64, registry: &Registry) -> Vec<Scenario> {
    let text = scenario.to_ron();
    let mut known: Vec<Duration> = times(&text).into_iter().map(|(_, time)| time.low()).collect();
    known.sort_unstable();
    known.dedup();
    let gaps = std::iter::once(Duration::ZERO).chain(known.iter().copied()).zip(known.clone());
    let reduced = |(from, to): (Duration, Duration)| {
        let by = to.saturating_sub(from) / parts;
        changed(scenario, registry, &times, &|time, _| if time >= to { time.saturating_sub(by) } else { time })
    };
    gaps.filter_map(reduced).collect()
}

/// Lengths of faults: left out, halved, rounder.
pub(super) fn lengths(search: &mut Search<'_>) {
    let registry = registry(search);
    let mut place = 0;
    while let Some((path, length)) = lasting(&search.scenario().to_ron()).into_iter().nth(place).filter(|_| !search.judge.is_over()) {
        let mut variants: Vec<Scenario> = without_value(search.scenario(), &path, registry).into_iter().collect();
        let shorter = [to_digits(length.low(), 1), to_digits(length.low(), 2), length.low() / 2, length.low() / 4 * 3, length.low()];
        variants.extend(shorter.into_iter().filter_map(|shorter| {
            changed(search.scenario(), registry, &lasting, &|length, other| if other == place { shorter } else { length })
        }));
        if search.attempt(&variants).is_none() {
            place += 1;
        }
    }
}

/// The times of a file, with their paths.
fn times(text: &str) -> Vec<(String, DurationRange)> {
    let is_time = |path: &str| {
        TIMED.iter().any(|part| path.starts_with(part)) && (path.ends_with("].at") || path.ends_with("].time") || is_first_of_step(path))
    };
    timed(text, &is_time)
}

/// `faults[3][0]`.
fn is_first_of_step(path: &str) -> bool {
    path.starts_with("faults[") && path.ends_with("][0]") && path.matches('[').count() == 2 && !path.contains('.')
}

/// The lengths of a file, with their paths.
fn lasting(text: &str) -> Vec<(String, DurationRange)> {
    let times: Vec<String> = times(text).into_iter().map(|(path, _)| path).collect();
    timed(text, &|path| LASTING.iter().any(|part| path.starts_with(part)) && !times.iter().any(|time| time == path))
}

fn timed(text: &str, wanted: &dyn Fn(&str) -> bool) -> Vec<(String, DurationRange)> {
    let leaves = notation::leaves(text).into_iter().filter(|leaf| wanted(&leaf.path));
    leaves.filter_map(|leaf| Some((leaf.path, leaf.raw.strip_prefix('"')?.strip_suffix('"')?.parse().ok()?))).collect()
}

/// The scenario with these lengths changed; nothing if that makes no sense, or no difference.
fn changed(
    scenario: &Scenario,
    registry: &Registry,
    which: &dyn Fn(&str) -> Vec<(String, DurationRange)>,
    change: &dyn Fn(Duration, usize) -> Duration,
) -> Option<Scenario> {
    let mut unnamed = scenario.clone();
    // A step that is called by what it says is called by what it says then.
    unnamed.conditions.faults = crate::fault::FaultPlan::new(
        scenario.conditions.faults.steps().iter().map(|step| if step.is_named() { step.clone() } else { step.clone().named("") }).collect(),
    );
    let text = unnamed.to_ron();
    let lengths = which(&text);
    let text = notation::with_leaves(&text, &|leaf| {
        let place = lengths.iter().position(|(path, _)| *path == leaf.path)?;
        let (low, high) = (lengths[place].1.low(), lengths[place].1.high());
        let other = (change(low, place), change(high, place));
        (other != (low, high)).then(|| DurationRange::new(other.0, other.1).map(|range| format!("\"{range}\"")))?
    });
    parsed(&text, registry).filter(|changed| changed != scenario)
}

fn round_down(time: Duration, grain: Duration) -> Duration {
    Duration::from_nanos(time.as_nanos() / grain.as_nanos() * grain.as_nanos())
}

/// The length with so many digits, no longer than it was.
fn to_digits(length: Duration, digits: u32) -> Duration {
    let nanos = length.as_nanos();
    let grain = 10_u64.pow((nanos.checked_ilog10().unwrap_or(0) + 1).saturating_sub(digits));
    Duration::from_nanos(nanos / grain * grain)
}
