//! Times pulled together, and shorter and rounder lengths.

use super::{operations, registry};
use crate::base::{Duration, DurationRange, Time};
use crate::explore::shrink::candidate::{parsed, with_steps, without_value};
use crate::explore::shrink::{Candidate, Search};
use crate::fault::{FaultStep, Moment};
use crate::notation::{self, Change};
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
        search.attempt(changed(search.scenario(), registry, &is_time, &|time, _| round_down(time, grain)));
    }
    for parts in [2, 4, 16] {
        while search.attempt(earlier(&search.kept(), parts, registry)).is_some() {}
    }
    for place in 0..timed(&search.scenario().to_ron(), &is_time).count() {
        if search.judge.is_over() {
            return;
        }
        let scenario = search.kept();
        search.attempt(ROUND.iter().filter_map(|digits| {
            changed(&scenario, registry, &is_time, &|time, other| if other == place { to_digits(time, *digits) } else { time })
        }));
    }
}

/// Strikes earlier, the last one first, under the same seed and whatever that is to read; then fewer operations: those after a violation
/// that comes earlier need not be there.
pub(super) fn strikes(search: &mut Search<'_>) {
    if search.scenario().operations.scripted.is_empty() {
        return;
    }
    let (start, seed) = (search.kept(), search.best.candidate.seed);
    let mut earliest = Scenario::clone(&start);
    while let Some(sooner) = sooner(&earliest).into_iter().find(|sooner| {
        let candidate = Candidate::new(sooner.clone(), seed);
        search.judge.one(&candidate).is_some()
    }) {
        earliest = sooner;
    }
    if earliest != *start {
        search.within(earliest, &|search| {
            search.trim();
            operations::pass(search);
        });
    }
}

/// The scenario with the strikes from one on earlier, by a part of the time since the strike before.
fn sooner(scenario: &Scenario) -> Vec<Scenario> {
    let steps = scenario.conditions.faults.steps();
    let time = |step: &FaultStep| if let Moment::At { time } = step.moment { Some(time.since(Time::ZERO)) } else { None };
    let mut known: Vec<Duration> = steps.iter().filter_map(time).chain([Duration::ZERO]).collect();
    known.sort_unstable();
    known.dedup();
    let with = |from: Duration, to: Duration, parts: u64| {
        let by = to.saturating_sub(from) / parts;
        let moved = steps.iter().map(|step| match time(step) {
            Some(time) if time >= to => FaultStep::at(Time::ZERO + time.saturating_sub(by), step.fault.clone()),
            _ => step.clone(),
        });
        (by >= GRAIN).then(|| with_steps(scenario, moved.collect()))
    };
    let gaps = known.windows(2).rev().flat_map(|gap| [2, 4, 8, 16, 32].map(|parts| with(gap[0], gap[1], parts)));
    gaps.flatten().collect()
}

/// By less than this no strike comes earlier.
const GRAIN: Duration = Duration::from_millis(1);

/// To what all times are rounded.
const GRAINS: [Duration; 5] =
    [Duration::from_secs(1), Duration::from_millis(100), Duration::from_millis(10), Duration::from_millis(1), Duration::from_micros(100)];
/// To how many digits one time is rounded.
const ROUND: [u32; 3] = [1, 2, 3];

/// The scenario with a gap between times, or before the first, reduced by such a part of it or all of it: what comes after moves with it.
fn earlier<'s>(scenario: &'s Scenario, parts: u64, registry: &'s Registry) -> impl Iterator<Item = Scenario> + 's {
    let text = scenario.to_ron();
    let mut known: Vec<Duration> = timed(&text, &is_time).map(|(_, time)| time.low()).collect();
    known.sort_unstable();
    known.dedup();
    let gaps: Vec<(Duration, Duration)> = std::iter::once(Duration::ZERO).chain(known.iter().copied()).zip(known.clone()).collect();
    let reduced = move |(from, to): (Duration, Duration)| {
        let by = to.saturating_sub(from) / parts;
        changed(scenario, registry, &is_time, &|time, _| if time >= to { time.saturating_sub(by) } else { time })
    };
    gaps.into_iter().filter_map(reduced)
}

/// Lengths of faults: left out, halved, rounder.
pub(super) fn lengths(search: &mut Search<'_>) {
    let registry = registry(search);
    let mut place = 0;
    while let Some((path, length)) = timed(&search.scenario().to_ron(), &is_lasting).nth(place).filter(|_| !search.judge.is_over()) {
        let scenario = search.kept();
        let without = without_value(&scenario, &path, registry);
        let shorter = [to_digits(length.low(), 1), to_digits(length.low(), 2), length.low() / 2, length.low() / 4 * 3, length.low()];
        let shorter = shorter.into_iter().filter_map(|shorter| {
            changed(&scenario, registry, &is_lasting, &|length, other| if other == place { shorter } else { length })
        });
        if search.attempt(without.into_iter().chain(shorter)).is_none() {
            place += 1;
        }
    }
}

/// Whether a time stands at this path.
fn is_time(path: &str) -> bool {
    TIMED.iter().any(|part| path.starts_with(part)) && (path.ends_with("].at") || path.ends_with("].time") || is_first_of_step(path))
}

/// `faults[3][0]`.
fn is_first_of_step(path: &str) -> bool {
    path.starts_with("faults[") && path.ends_with("][0]") && path.matches('[').count() == 2 && !path.contains('.')
}

/// Whether a length may stand at this path.
fn is_lasting(path: &str) -> bool {
    LASTING.iter().any(|part| path.starts_with(part)) && !is_time(path)
}

/// The lengths of a file that stand at such paths, with these.
fn timed(text: &str, wanted: &dyn Fn(&str) -> bool) -> impl Iterator<Item = (String, DurationRange)> {
    let leaves = notation::leaves(text).into_iter().filter(|leaf| wanted(&leaf.path));
    leaves.filter_map(|leaf| Some((leaf.path, length(leaf.raw)?))).collect::<Vec<_>>().into_iter()
}

/// The length that is written so.
fn length(raw: &str) -> Option<DurationRange> {
    raw.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

/// The scenario with the lengths at such paths changed; nothing if that makes no sense, or no difference.
fn changed(
    scenario: &Scenario,
    registry: &Registry,
    wanted: &dyn Fn(&str) -> bool,
    change: &dyn Fn(Duration, usize) -> Duration,
) -> Option<Scenario> {
    let mut unnamed = scenario.clone();
    // A step that is called by what it says is called by what it says then.
    unnamed.conditions.faults = crate::fault::FaultPlan::new(
        scenario.conditions.faults.steps().iter().map(|step| if step.is_named() { step.clone() } else { step.clone().named("") }).collect(),
    );
    let mut places = 0..;
    let text = notation::edited(&unnamed.to_ron(), &mut |value| {
        let length = Some(value).filter(|value| !value.holds && wanted(&value.path)).and_then(|value| length(value.raw));
        let Some((length, place)) = length.and_then(|length| Some((length, places.next()?))) else { return Change::Keep };
        let other = (change(length.low(), place), change(length.high(), place));
        let range = (other != (length.low(), length.high())).then(|| DurationRange::new(other.0, other.1)).flatten();
        range.map_or(Change::Keep, |range| Change::Replace(format!("\"{range}\"")))
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
