//! How large a failing run is: what is told of it, and by what two of them are compared.

use super::Candidate;
use crate::base::{Duration, DurationRange, Time};
use crate::check::PropertyReport;
use crate::environment::Latency;
use crate::fault::{Fault, FaultStep, Moment};
use crate::notation;
use crate::scenario::{Scenario, write_fate};
use crate::world::{Conditions, Outcome};

/// How large a failing run is, as people count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Steps of the plan that struck.
    pub faults: usize,
    /// Operations: those that clients invoked, or, where none is generated, those that are written down.
    pub operations: u64,
    /// Messages whose fate is fixed.
    pub fates: usize,
    /// Servers.
    pub servers: u32,
    /// Clients.
    pub clients: u32,
    /// How long it took, in simulated time.
    pub time: Time,
    /// Events handled.
    pub events: u64,
}

impl Extent {
    /// That of a run of this scenario, of which what comes after this time does not count.
    pub(super) fn of(scenario: &Scenario, outcome: &Outcome, until: Time) -> Self {
        let population = scenario.roster().population;
        let scripted = scenario.operations.scripted.iter().filter(|scripted| Time::ZERO + scripted.at <= until);
        Self {
            faults: outcome.struck.steps().iter().filter(|step| matches!(step.moment, Moment::At { time } if time <= until)).count(),
            // One that waits to be invoked may matter: it has opened a session.
            operations: if scenario.operations.generated { outcome.operations.invoked } else { scripted.count() as u64 },
            fates: scenario.conditions.fates.len(),
            servers: population.servers,
            clients: population.clients,
            time: outcome.sim_time,
            events: outcome.events,
        }
    }
}

/// By what two failing runs are compared: the first that differs counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size {
    /// What is left to chance about the surroundings: no number of fixed fates is as bad, for those can be left out one by one.
    pub(super) noise: u64,
    /// Faults, operations and fixed fates.
    pub(super) parts: u64,
    /// Servers and clients.
    nodes: u64,
    /// Whole numbers of the workload: keys, accounts, sessions.
    load: u64,
    /// What the seed draws besides: when and what strikes, of steps that strike again and again or name no node and no length; and what a
    /// workload generates.
    pub(super) drawn: u64,
    /// How much there is to read: what is round and unnamed is less.
    rough: u64,
    /// Nanoseconds: of the run, and of all that lasts.
    lasts: u64,
}

impl Size {
    /// That of a run of this candidate.
    pub(super) fn of(candidate: &Candidate, outcome: &Outcome, violated: &PropertyReport) -> Self {
        let scenario = &candidate.scenario;
        let until = violated.at.unwrap_or(outcome.sim_time);
        let extent = Extent::of(scenario, outcome, until);
        let (rough, lasts) = reading(scenario);
        Self {
            noise: noise(&scenario.conditions),
            parts: extent.faults as u64 + extent.operations + extent.fates as u64,
            nodes: u64::from(extent.servers) + u64::from(extent.clients),
            load: load(scenario),
            drawn: scenario.conditions.faults.steps().iter().map(draws).sum::<u64>()
                + u64::from(scenario.operations.generated && scenario.takes_operations()),
            rough,
            lasts: lasts.saturating_add(until.since(Time::ZERO).as_nanos()),
        }
    }
}

/// How many things about the surroundings are left to chance, besides the fates that are fixed.
pub(super) fn noise(conditions: &Conditions) -> u64 {
    let Conditions { link, links, disk, clocks, .. } = conditions;
    let random = |latency: Latency| !matches!(latency, Latency::Constant(_));
    let parts = [
        random(link.latency),
        !link.loss.is_never(),
        !link.duplicate.is_never(),
        random(disk.sync),
        !clocks.offset.is_zero(),
        clocks.drift_ppm > 0,
    ];
    parts.into_iter().map(u64::from).sum::<u64>() + links.len() as u64
}

/// How much of a step is left to chance.
pub(super) fn draws(step: &FaultStep) -> u64 {
    const CHOICES: [&str; 4] = ["Any", "Minority", "Majority", "Halves"];
    let text = step.fault.to_string();
    let is_range = |raw: &str| raw.trim_matches('"').parse::<DurationRange>().is_ok_and(|range| range.low() != range.high());
    let fields = notation::leaves(&text).iter().filter(|leaf| CHOICES.contains(&leaf.raw) || is_range(leaf.raw)).count();
    let is_repeated = matches!(step.moment, Moment::Every { .. });
    fields as u64 + u64::from(is_repeated) + u64::from(matches!(step.fault, Fault::OneOf { .. }))
}

/// The whole numbers together that say how much there is to do.
fn load(scenario: &Scenario) -> u64 {
    scenario.loads().iter().filter_map(|(_, raw)| raw.parse::<u64>().ok()).sum()
}

/// How much there is to read of faults, operations and fates, and how long they last together.
fn reading(scenario: &Scenario) -> (u64, u64) {
    let Conditions { faults, fates, .. } = &scenario.conditions;
    let mut texts = vec![faults.to_string()];
    texts.extend(fates.iter().map(|fixed| format!("{fixed} {}", write_fate(&fixed.fate))));
    texts.extend(scenario.operations.scripted.iter().map(|scripted| {
        let id = scripted.id.script_number().map_or_else(|| scripted.id.to_string(), |number| number.to_string());
        format!("{id} \"{}\" {}", scripted.at, scripted.op.as_deref().unwrap_or_default())
    }));
    texts.iter().map(|text| read(text)).fold((0, 0), |(rough, lasts), (more, longer)| (rough + more, lasts.saturating_add(longer)))
}

/// Of a text: how many letters and significant digits it has, and the sum of its lengths.
fn read(text: &str) -> (u64, u64) {
    let (mut rough, mut lasts) = (0, 0_u64);
    // What stands between quotes has an odd place.
    for (place, part) in text.split('"').enumerate() {
        match part.parse::<DurationRange>().ok().filter(|_| place % 2 == 1) {
            Some(range) => {
                let ends = if range.low() == range.high() { vec![range.low()] } else { vec![range.low(), range.high()] };
                rough += ends.iter().map(|length| 1 + significant(*length)).sum::<u64>();
                lasts = lasts.saturating_add(range.high().as_nanos());
            }
            None => rough += part.chars().filter(|letter| !letter.is_whitespace()).count() as u64,
        }
    }
    (rough, lasts)
}

/// How many digits a length has but for the zeros at its end.
fn significant(length: Duration) -> u64 {
    length.as_nanos().to_string().trim_end_matches('0').len() as u64
}

/// The shortest length of so many digits that is no shorter.
pub(super) fn round_up(length: Duration, digits: u32) -> Duration {
    let nanos = length.as_nanos();
    let grain = 10_u64.pow(nanos.checked_ilog10().unwrap_or(0).saturating_sub(digits - 1));
    Duration::from_nanos(nanos.div_ceil(grain).saturating_mul(grain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_round_is_less_to_read() {
        for (more, less) in [
            ("At(\"1234567ns\", Heal)", "At(\"1200us\", Heal)"),
            ("At(\"1200us\", Heal)", "At(\"10s\", Heal)"),
            ("At(\"1s\", Crash(node: n1, down: \"1s\"))", "At(\"1s\", Crash(node: n1))"),
            ("At(\"1s\", Pause(node: [n1, n2]))", "At(\"1s\", Pause(node: n1))"),
        ] {
            assert!(read(more).0 > read(less).0, "{more} {less}");
        }
        assert_eq!(read("At(\"2s\", Crash(node: n1, down: \"1s\"))").1, 3_000_000_000);
    }

    #[test]
    fn lengths_are_rounded_up_to_a_few_digits() {
        for (nanos, digits, expected) in [(1_234, 2, 1_300), (1_234, 1, 2_000), (99, 1, 100), (7, 2, 7), (0, 2, 0), (1_000, 1, 1_000)] {
            assert_eq!(round_up(Duration::from_nanos(nanos), digits), Duration::from_nanos(expected));
        }
    }
}
