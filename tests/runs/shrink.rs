//! Shrinking: what is found is as small as the smallest, fails in the same way, and stays as it is.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use stormglass::base::{Duration, Fate, NodeId};
use stormglass::check::{Property, PropertyReport, Rule, Verdict, Violations};
use stormglass::environment::Latency;
use stormglass::explore::shrink::{Extent, Shrink, Shrunk, Without};
use stormglass::explore::{Row, fingerprint};
use stormglass::fault::{FaultPlan, FaultStep, Moment};
use stormglass::notation::{Count, Form, Settings, Text};
use stormglass::process::{Context, Files, Message, NoNote, Process};
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::{Nodes, Population, Registry, System, Watch, Written};
use stormglass::trace::{Event, Judge, Record};
use stormglass::workload::NoClient;
use stormglass::world::{Cluster, Conditions};

/// How often each server sends one.
const BEAT: Duration = Duration::from_millis(50);

/// Servers that send each other beats, and are judged by what goes wrong around them.
struct Toy;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Beat;
impl Message for Beat {}

struct Server {
    next: NodeId,
}

impl Process for Server {
    type Config = u32;
    type Message = Beat;
    type Timer = ();
    type Note = NoNote;

    fn boot(servers: &u32, _: &Files, context: &mut Context<'_, Self>) -> Self {
        context.set_timer((), BEAT);
        Self { next: NodeId::server((context.me().index() as u32 + 1) % servers) }
    }

    fn on_message(&mut self, _: NodeId, Beat: Beat, _: &mut Context<'_, Self>) {}

    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        context.send(self.next, Beat);
        context.set_timer((), BEAT);
    }
}

stormglass::settings! {
    /// What the toy has fields for.
    #[derive(Clone, Debug)]
    struct Wanted {
        /// How many servers there are.
        nodes: u32 = 5, Count(2..=100);
        /// The kinds of faults that violate `first`, once they have struck in this order.
        first: String = String::new(), Text;
        /// The same for `second`.
        second: String = String::new(), Text;
        /// How many beats lost in a row on a link violate `lost`; zero: any number is fine.
        lost: u32 = 0, Count(0..);
    }
}

const FIRST: Property = Property::always("first", "the first bug does not show");
const SECOND: Property = Property::always("second", "the second bug does not show");
const LOST: Property = Property::always("lost", "not too many beats are lost");
static STRUCK: Rule = Rule::new("struck", "all that is wanted has struck");

impl Cluster for Toy {
    type Message = Beat;
    type Operation = NoNote;
    type Response = NoNote;
    type Server = Server;
    type Client = NoClient<Beat>;
}

impl System for Toy {
    const NAME: &'static str = "Toy";
    const ABOUT: &'static str = "servers that beat";
    type Config = Wanted;

    fn properties() -> Vec<Property> {
        vec![FIRST, SECOND, LOST]
    }

    fn decode(system: Form<'_>, _: Option<Form<'_>>) -> Option<Wanted> {
        let mut fields = system.fields()?;
        let (wanted, _) = Wanted::read(&mut fields);
        fields.finish();
        Some(wanted)
    }

    fn write(wanted: &Wanted) -> Written {
        Written { system: format!("Toy({})", wanted.written()), workload: None }
    }

    fn population(wanted: &Wanted) -> Population {
        Population { servers: wanted.nodes, clients: 0 }
    }

    fn nodes(wanted: &Wanted, _: &[&'static str]) -> Nodes<Self> {
        Nodes { servers: vec![wanted.nodes; wanted.nodes as usize], clients: vec![] }
    }

    fn judges(wanted: &Wanted, _: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        let list = |text: &str| text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let wants = vec![(FIRST, list(&wanted.first)), (SECOND, list(&wanted.second))];
        vec![Box::new(Planted { wants, lost: wanted.lost, in_a_row: 0, found: Violations::default() })]
    }
}

struct Planted {
    wants: Vec<(Property, Vec<String>)>,
    lost: u32,
    in_a_row: u32,
    found: Violations,
}

impl Judge<Toy> for Planted {
    fn observe(&mut self, record: &Record<'_, Toy>) {
        match record.event {
            Event::Strike { strike } => {
                for (property, wants) in &mut self.wants {
                    if wants.first().is_some_and(|kind| kind == strike.name()) {
                        wants.remove(0);
                        if wants.is_empty() {
                            self.found.add(property, record.sighting(), STRUCK.with("node", NodeId::server(0)));
                        }
                    }
                }
            }
            Event::Send { id, fate, .. } if id.from == NodeId::server(0) => {
                let is_missing = matches!(fate, Fate::Lost(_)) || matches!(fate, Fate::Deliver(delay) if *delay > Duration::from_secs(1));
                self.in_a_row = if is_missing { self.in_a_row + 1 } else { 0 };
                if self.lost > 0 && self.in_a_row == self.lost {
                    self.found.add(&LOST, record.sighting(), STRUCK.with("node", id.from));
                }
            }
            _ => {}
        }
    }

    fn violated(&self) -> bool {
        self.reports().iter().any(|report| report.verdict == Verdict::Violated)
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.found.reports(&[FIRST, SECOND, LOST])
    }
}

fn registry() -> Registry {
    Registry::new().with::<Toy>()
}

fn scenario(system: &str, rest: &str) -> Scenario {
    let text = format!("Scenario(name: \"toy\", system: Toy({system}), duration: \"3s\", settle: \"1s\", {rest})");
    Scenario::from_ron(&text, &registry()).unwrap_or_else(|problems| panic!("{problems}"))
}

static NEVER: AtomicBool = AtomicBool::new(false);

/// Shrinks, and checks what holds of all that is found on the way.
fn shrink(scenario: &Scenario, seed: u64, jobs: usize) -> Shrunk {
    let registry = registry();
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let shrink = Shrink { registry: &registry, jobs, runs: 100_000, cancel: &NEVER, mends: true, run: &run };
    let target = Row::new(seed, Ok(scenario.run(seed))).fingerprint;
    let mut steps = 0;
    let shrunk = shrink.shrink(scenario, seed, &mut |smaller| {
        steps += 1;
        let outcome = smaller.scenario.run(smaller.seed);
        assert_eq!(Row::new(0, Ok(outcome.clone())).fingerprint, target, "it fails in the same way: {:?}", smaller.scenario);
        assert_eq!(outcome.events, smaller.extent.events);
    });
    let shrunk = shrunk.unwrap_or_else(|row| panic!("it fails: {row:?}"));
    assert!(shrunk.finished && (steps > 0 || shrunk.before == shrunk.after));
    assert_eq!(Some(fingerprint(&shrunk.violated)), target);
    let read = Scenario::from_ron(&shrunk.text, &registry).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(Row::new(0, Ok(read.run(shrunk.seed))).fingerprint, target, "it fails as it is written");
    assert_eq!((read.seed, read.expected), (Some(shrunk.seed), Expected::Violates(shrunk.violated.name)));
    shrunk
}

const STORM: &str = r#"
    network: (latency: Uniform("1ms", "5ms"), loss: "1/50"), disk: (sync: Uniform("1ms", "5ms")), clocks: (offset: "10ms"),
    faults: [
        Every("50ms..200ms", OneOf([
            Crash(node: Any, down: "10ms..100ms"), Pause(node: Any, lasting: "10ms..50ms"), Partition(cut: Halves, lasting: "20ms..60ms"),
            StallDisk(node: Any, lasting: "10ms"), Lose(chance: "1/2", lasting: "20ms"),
        ])),
        Every("300ms..900ms", Crash(node: [n2, n4], down: "20ms")),
        At("1s", Heal),
        When(Crashed(nth: 3), Pause(node: Subject, lasting: "20ms")),
    ]"#;

#[test]
fn a_storm_becomes_the_few_strikes_that_matter() {
    for (first, strikes) in [("Crash", 1), ("Partition Partition Lose Crash", 4)] {
        let shrunk = shrink(&scenario(&format!("nodes: 5, first: \"{first}\""), STORM), 3, 2);
        let Extent { faults, fates, servers, .. } = shrunk.after;
        assert_eq!((faults, fates, servers), (strikes, 0, 2), "{first}: {:?}", shrunk.scenario);
        assert!(shrunk.after.time.as_nanos() <= 10_000_000, "{first}: {:?}", shrunk.scenario);
        assert_eq!(shrunk.left.len(), strikes);
        let time = |step: &FaultStep| if let Moment::At { time } = step.moment { Some(time) } else { None };
        assert!(shrunk.scenario.conditions.faults.steps().is_sorted_by_key(time), "{first}: {:?}", shrunk.scenario);
        assert!(shrunk.left.iter().all(|left| left.without == Without::Holds), "{first}: {:?}", shrunk.left);
    }
}

#[test]
fn what_is_shrunk_stays_as_it_is_on_any_number_of_threads() {
    let storm = scenario("nodes: 4, first: \"Pause Crash\", second: \"Crash Crash Heal\"", STORM);
    let (one, four) = (shrink(&storm, 5, 1), shrink(&storm, 5, 4));
    assert_eq!((&one.scenario, one.seed, one.runs, &one.left), (&four.scenario, four.seed, four.runs, &four.left));
    let again = shrink(&one.scenario, one.seed, 2);
    assert_eq!((&again.scenario, again.seed), (&one.scenario, one.seed));
    assert_eq!(again.before, again.after);
}

/// The size of the smallest set of strikes that violates the same, by trying all.
fn smallest(scenario: &Scenario, seed: u64, target: u64) -> usize {
    let steps = scenario.run(seed).struck.steps().to_vec();
    assert!(steps.len() <= 12, "{} strikes are too many to try all sets", steps.len());
    let fails = |set: u32| {
        let kept = steps.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1).map(|(_, step)| step.clone());
        let plan = FaultPlan::new(kept.collect());
        Row::new(0, Ok(scenario.clone().with_faults(plan).run(seed))).fingerprint == Some(target)
    };
    (0..1_u32 << steps.len()).filter(|set| fails(*set)).map(u32::count_ones).min().expect("all strikes together fail") as usize
}

#[test]
fn what_is_found_is_as_small_as_the_smallest_set_of_strikes() {
    let faults = r#"faults: [Every("100ms..400ms", OneOf([Crash(node: Any, down: "10ms..50ms"), Pause(node: Any, lasting: "20ms"), Heal]))], duration: "1500ms""#;
    let text = |first: &str| {
        format!(
            "Scenario(name: \"toy\", system: Toy(nodes: 3, first: \"{first}\", second: \"Heal Heal Heal Heal\"), settle: \"0s\", {faults})"
        )
    };
    for first in ["Crash Crash", "Pause Crash", "Heal Pause Heal"] {
        let scenario = Scenario::from_ron(&text(first), &registry()).unwrap_or_else(|problems| panic!("{problems}"));
        let mut failing = (0..).filter_map(|seed| Some((seed, Row::new(0, Ok(scenario.run(seed))).fingerprint?)));
        let (seed, target) = failing.next().expect("it fails under some seed");
        let shrunk = shrink(&scenario, seed, 1);
        assert!(shrunk.after.faults <= smallest(&scenario, seed, target), "{first}, seed {seed}: {:?}", shrunk.scenario);
    }
}

#[test]
fn of_two_bugs_the_one_is_followed_and_the_other_told() {
    let (seed, first, second) = (0, "Pause Crash", "Crash Crash");
    let both = scenario(&format!("nodes: 4, first: \"{first}\", second: \"{second}\""), STORM);
    let shrunk = shrink(&both, seed, 2);
    let text = shrunk.scenario.to_ron();
    let name = shrunk.violated.name;
    let wanted = if name == FIRST.name { first } else { second };
    let (mended, alone) = if name == FIRST.name { (first, second) } else { (second, first) };
    let without = |bug: &str| Scenario::from_ron(&text.replace(&format!("\"{bug}\""), "\"\""), &registry()).unwrap();
    assert_ne!(without(mended).run(shrunk.seed).verdict(), Verdict::Violated, "with it mended, it holds: {text}");
    assert!(without(alone).run(shrunk.seed).violates(name), "it fails with it alone: {text}");
    assert_eq!(shrunk.after.faults, wanted.split(' ').count(), "{text}");
    let others: BTreeSet<&str> = shrunk.others.iter().map(|other| other.property).collect();
    assert!(others.iter().all(|other| *other != name));
    for other in &shrunk.others {
        assert_eq!(Row::new(0, Ok(other.scenario.run(other.seed))).fingerprint, Some(other.fingerprint));
    }
}

/// What becomes of losing so many beats in a row, where links lose some.
fn lossy(lost: u32) -> Shrunk {
    let lossy = scenario(&format!("nodes: 3, lost: {lost}"), r#"network: (latency: Uniform("1ms", "5ms"), loss: "1/10")"#);
    let seed = (0..2_000).find(|seed| lossy.run(*seed).violates(LOST.name)).expect("so many in a row are lost");
    let shrunk = shrink(&lossy, seed, 2);
    assert!(shrunk.scenario.conditions.link.loss.is_never(), "{:?}", shrunk.scenario);
    assert!(matches!(shrunk.scenario.conditions.link.latency, Latency::Constant(_)), "{:?}", shrunk.scenario);
    shrunk
}

#[test]
fn a_lossy_network_becomes_a_calm_one_with_the_fate_that_matters() {
    let shrunk = lossy(1);
    assert_eq!((shrunk.after.faults, shrunk.after.fates), (0, 1), "{:?}", shrunk.scenario);
    assert!(shrunk.left.iter().all(|left| left.part.ends_with(": Lost")), "what becomes of it: {:?}", shrunk.left);
}

#[test]
fn what_arrives_too_late_is_lost_in_the_end() {
    let late = r#"fates: [(from: n1, to: n2, kind: "message", count: 3, fate: Deliver("123456789ms"))]"#;
    let shrunk = shrink(&scenario("nodes: 3, lost: 1", late), 1, 2);
    assert_eq!(shrunk.after.fates, 1, "{:?}", shrunk.scenario);
    assert!(shrunk.left.iter().all(|left| left.part.ends_with(": Lost")), "{:?}", shrunk.left);
}

#[test]
fn one_cut_stands_in_the_place_of_many_fates() {
    let shrunk = lossy(3);
    assert_eq!((shrunk.after.faults, shrunk.after.fates), (1, 0), "{:?}", shrunk.scenario);
    assert!(shrunk.left.iter().all(|left| left.part.contains("Partition") && left.without == Without::Holds), "{:?}", shrunk.left);
}

#[test]
fn what_a_strike_leaves_to_chance_is_fixed() {
    let open = r#"faults: [At("100ms", Pause(node: Any, lasting: "0s..90ms")), At("200ms", Crash(node: Minority, down: "10ms..20ms"))]"#;
    let shrunk = shrink(&scenario("nodes: 4, first: \"Pause Crash\"", open), 1, 2);
    let text = shrunk.scenario.conditions.faults.to_string();
    assert!(["Any", "Minority", ".."].iter().all(|chance| !text.contains(chance)), "{text}");
}

#[test]
fn how_operations_are_generated_is_not_said_where_none_is() {
    let (registry, text) = (Registry::standard(), include_str!("../../scenarios/commit/bugs/unlocks-after-reading.ron"));
    let bug = Scenario::from_ron(text, &registry).unwrap_or_else(|problems| panic!("{problems}"));
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let shrink = Shrink { registry: &registry, jobs: 2, runs: 100_000, cancel: &NEVER, mends: false, run: &run };
    let shrunk = shrink.shrink(&bug, 0, &mut |_| {}).unwrap_or_else(|row| panic!("it fails: {row:?}"));
    assert!(shrunk.finished && !shrunk.scenario.operations.generated && text.contains("rate: "), "{}", shrunk.text);
    assert!(!shrunk.text.contains("rate: ") && !shrunk.text.contains("mix: "), "{}", shrunk.text);
}

#[test]
#[ignore = "six seconds of CPU: cargo test --release --test runs a_protocol_that_did_not_come_along -- --ignored --nocapture"]
fn a_protocol_that_did_not_come_along_is_shrunk_like_all_others() {
    let registry = crate::abd_register::registry();
    let text = include_str!("../../examples/abd_register.ron").replace("network:", "mutant: \"abd/skips-write-back\", network:");
    let scenario = Scenario::from_ron(&text, &registry).unwrap_or_else(|problems| panic!("{problems}"));
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let shrink = Shrink { registry: &registry, jobs: 2, runs: 20_000, cancel: &NEVER, mends: true, run: &run };
    let shrunk = shrink.shrink(&scenario, 10, &mut |_| {}).unwrap_or_else(|row| panic!("it fails: {row:?}"));
    println!("{} runs\n{}", shrunk.runs, shrunk.text);
    let Extent { faults, operations, fates, servers, .. } = shrunk.after;
    assert!(faults as u64 + operations + fates as u64 <= 6 && servers == 3, "{}", shrunk.text);
}

/// Shrinks the first failure that the scenario of a planted bug shows, in so many runs at most: it fails in the same way, with few steps of
/// clients at most, which are written down, and holds without the bug; and what came to its end stays as it is when it is shrunk again.
fn few_steps_are_left(bug: &str, most: u64, runs: u64) {
    let registry = Registry::standard();
    let path = format!("{}/scenarios/{bug}.ron", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let scenario = Scenario::from_ron(&text, &registry).unwrap_or_else(|problems| panic!("{problems}"));
    let Expected::Violates(property) = scenario.expected else { panic!("{bug} means to show a violation") };
    let seed = (0..200).find(|seed| scenario.run(*seed).violates(property)).unwrap_or_else(|| panic!("{bug}: no seed shows it"));
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let shrink = Shrink { registry: &registry, jobs: 2, runs, cancel: &NEVER, mends: true, run: &run };
    let shrunk = shrink.shrink(&scenario, seed, &mut |_| {}).unwrap_or_else(|row| panic!("{bug}: it fails: {row:?}"));
    assert!(shrunk.text.contains("generated: false"), "{bug}: {}", shrunk.text);
    assert!(shrunk.after.operations <= most, "{bug}: {} steps are left: {}", shrunk.after.operations, shrunk.text);
    let read = Scenario::from_ron(&shrunk.text, &registry).unwrap_or_else(|problems| panic!("{bug}: {problems}"));
    assert!(read.run(shrunk.seed).violates(property), "{bug}: {}", shrunk.text);
    let sound = read.clone().without_mutants().run(shrunk.seed);
    assert_ne!(sound.verdict(), Verdict::Violated, "{bug} holds without its bug: {}", shrunk.text);
    if shrunk.finished {
        let again = shrink.shrink(&read, shrunk.seed, &mut |_| {}).unwrap_or_else(|row| panic!("{bug}: it fails: {row:?}"));
        assert_eq!(again.text, shrunk.text, "{bug}");
    }
}

#[test]
fn of_what_clients_of_a_bus_do_a_few_steps_are_left() {
    few_steps_are_left("bus/bugs/accepts-before-durable", 4, 5_000);
}

/// Its crash comes to wait for a write, for which it is tried with more time.
#[test]
fn a_moment_that_is_said_by_meaning_takes_no_more_time() {
    few_steps_are_left("bus/bugs/acknowledges-first", 2, 20_000);
}

#[test]
#[ignore = "long: cargo test --release --test runs of_what_clients_of_any_system -- --ignored"]
fn of_what_clients_of_any_system_do_a_few_steps_are_left() {
    for (bug, most) in [
        ("bus/bugs/accepts-before-durable", 2),
        ("queue/bugs/confirms-before-committed", 3),
        ("broker/bugs/acks-before-in-sync", 4),
        ("registry/bugs/looks-up-unproven", 4),
        ("service/bugs/key-per-attempt", 4),
    ] {
        few_steps_are_left(bug, most, 20_000);
    }
}

#[test]
fn what_holds_is_not_shrunk() {
    let (registry, calm) = (registry(), scenario("nodes: 3, first: \"Crash\"", "faults: []"));
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let shrink = Shrink { registry: &registry, jobs: 1, runs: 10, cancel: &NEVER, mends: true, run: &run };
    let row = shrink.shrink(&calm, 1, &mut |_| {}).err().expect("nothing fails");
    assert_eq!(row.verdict(), Some(Verdict::Holds));
}

#[test]
fn what_is_stopped_keeps_the_smallest_so_far() {
    let (registry, storm) = (registry(), scenario("nodes: 7, first: \"Pause Crash\"", STORM));
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let cancel = AtomicBool::new(false);
    let shrink = Shrink { registry: &registry, jobs: 2, runs: 100_000, cancel: &cancel, mends: true, run: &run };
    let shrunk = shrink.shrink(&storm, 3, &mut |smaller| cancel.store(smaller.runs > 1, Ordering::Relaxed)).expect("it fails");
    assert!(!shrunk.finished && shrunk.scenario.run(shrunk.seed).violates(FIRST.name));
    let few = Shrink { registry: &registry, jobs: 2, runs: 20, cancel: &NEVER, mends: true, run: &run };
    let shrunk = few.shrink(&storm, 3, &mut |_| {}).expect("it fails");
    assert!(!shrunk.finished && shrunk.runs <= 20 && shrunk.scenario.run(shrunk.seed).violates(FIRST.name));
}

/// A plan of so many strikes none of which can go: each of them is one that violates it.
fn of_strikes(count: usize) -> Scenario {
    let faults: Vec<String> =
        (0..count).map(|place| format!("At(\"{}ms\", Pause(node: n{}, lasting: \"1ms\"))", place + 1, place % 5 + 1)).collect();
    let first = vec!["Pause"; count].join(" ");
    let system = format!("nodes: 5, first: \"{first}\"");
    scenario(&system, &format!("faults: [{}]", faults.join(", ")))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it measures how long it takes to end")]
fn between_candidates_it_looks_whether_it_is_over() {
    let (registry, plan) = (registry(), of_strikes(1_500));
    let start = std::time::Instant::now();
    for stopped_by_hand in [false, true] {
        let (ran, cancel) = (AtomicU64::new(0), AtomicBool::new(false));
        let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| {
            let stop = ran.fetch_add(1, Ordering::Relaxed) == 20 && stopped_by_hand;
            cancel.fetch_or(stop, Ordering::Relaxed);
            scenario.run_watched(seed, watch)
        };
        let runs = if stopped_by_hand { 200_000 } else { 20 };
        let shrink = Shrink { registry: &registry, jobs: 2, runs, cancel: &cancel, mends: true, run: &run };
        let shrunk = shrink.shrink(&plan, 1, &mut |_| {}).unwrap_or_else(|row| panic!("it fails: {row:?}"));
        assert!(!shrunk.finished && shrunk.after.faults == 1_500 && ran.into_inner() < 100);
    }
    // Each node of the plan looked for anew took minutes, and so did making candidates that are never run.
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
