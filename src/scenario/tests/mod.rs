//! What scenarios mean: read, written back, run, and run again from what struck.

mod diagnostics;
mod fault_diagnostics;
mod timings;
mod toy;

use std::collections::BTreeMap;

use expect_test::expect;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestError;

use super::{Expectation, Expected, Scenario, strategy};
use crate::base::{Duration, Fate, FixedFate, Loss, NodeId, Which};
use crate::check::Verdict;
use crate::diagnostic::{Diagnostics, Source};
use crate::environment::Latency;
use crate::fault::{Cut, Fault, FaultKind, FaultPlan, FaultStep, Happening, Moment, Target};
use crate::systems::Registry;
use crate::world::Conditions;
use toy::registry;

fn read(text: &str) -> Scenario {
    Scenario::from_ron(text, &registry()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn warnings(text: &str) -> String {
    warnings_of(text, &registry())
}

fn warnings_of(text: &str, registry: &Registry) -> String {
    let (source, problems) = (Source::new("storm.ron", text), Diagnostics::new());
    let _ = Scenario::parse(&source, registry, &problems);
    problems.render(&source, false)
}

const EVERYTHING: &str = r#"// All that there is.
Scenario(
    name: "all of \"it\"",
    system: Toy(nodes: 5, heartbeat: "20ms"),
    mutant: "toy/forgets",
    seed: 18446744073709551615,
    network: (
        latency: Uniform("1ms..5ms"), loss: "1%", duplicate: "0.5%",
        links: [(from: n1, to: n2, loss: "0"), (from: c1, to: n1, latency: Exponential(low: "1ms", mean: "2ms"))],
    ),
    disk: (sync: Uniform("100us", "2ms")),
    clocks: (offset: "50ms", drift: "100ppm"),
    workload: (clients: 3),
    faults: [
        At("1s", Partition(Isolate(Leader))),
        At("1.5s", Partition(cut: Groups([[n1, c1], [n2, n3], []]), lasting: "100ms..200ms")),
        At("2s", Heal),
        At("2s", Crash(node: [n1, n2])),
        At("3s", Restart(node: All)),
        At("3s", Lose(chance: "1/10", lasting: "1s")),
        Every("100ms..1s", OneOf([Crash(node: Minority, down: "50ms"), Pause(node: Any, lasting: "0s..80ms"), Heal])),
        When(Delivered(kind: "AppendEntries", nth: 7, node: n3), Partition(OneWay(from: Sender, to: Receiver))),
        When(Sent(kind: "Add"), Resume(node: Subject)),
        When(Wrote(file: "count", nth: 3), Crash(node: Subject, down: "10ms")),
        When(Synced, Partition(Halves)),
        When(Marked(mark: "leader lost"), Pause(node: Majority)),
        When(Crashed(node: n1), Heal),
        When(Restarted(nth: 2), Crash(node: c3, down: "1s")),
    ],
    fates: [
        (from: n1, to: n2, kind: "AppendEntries", count: 3, fate: Lost),
        (from: n2, to: n1, kind: "AppendEntries", count: 3, fate: Deliver("5ms")),
        (from: c1, to: n1, kind: "Add", count: 1, fate: Duplicate("1ms", "2ms")),
        (from: n1, to: n2, kind: "AppendEntries", content: "3f2a000011112222", nth: 2, fate: Lost),
    ],
    duration: "5s",
    settle: "3s",
    budget: (events: 1000000, same_instant: 5000, states: 7, state_bytes: 9),
    expect: [Sometimes("leader lost"), Strikes("At(\"2s\", Heal)"), Bites("When(Synced(nth: 1), Partition(Halves))")],
    outcome: Violates("counts"),
)
"#;

#[test]
fn everything_is_read() {
    let scenario = read(EVERYTHING);
    let conditions = &scenario.conditions;
    assert_eq!((scenario.name.as_str(), scenario.seed), ("all of \"it\"", Some(u64::MAX)));
    assert_eq!((scenario.system(), &scenario.mutants[..]), ("Toy", &["toy/forgets"][..]));
    assert_eq!(conditions.link.latency, Latency::Uniform("1ms..5ms".parse().unwrap()));
    assert_eq!((conditions.link.loss, conditions.link.duplicate), ("1/100".parse().unwrap(), "1/200".parse().unwrap()));
    let (from, to, model) = conditions.links[0];
    assert_eq!((from, to, model.latency), (NodeId::server(0), NodeId::server(1), conditions.link.latency));
    assert!(model.loss.is_never() && model.duplicate == conditions.link.duplicate);
    assert_eq!((conditions.clocks.offset, conditions.clocks.drift_ppm), (Duration::from_millis(50), 100));
    assert_eq!(conditions.faults.steps().len(), 14);
    let (from, to, fate) = (NodeId::server(0), NodeId::server(1), Fate::Lost(Loss::Override));
    assert_eq!(conditions.fates[0], FixedFate { from, to, kind: "AppendEntries", which: Which::Count(3), fate });
    let which = Which::Content { content: 0x3f2a_0000_1111_2222, nth: 2 };
    assert_eq!(conditions.fates[3], FixedFate { from, to, kind: "AppendEntries", which, fate });
    assert_eq!((conditions.duration, conditions.settle), (Duration::from_secs(5), Duration::from_secs(3)));
    assert_eq!((conditions.events, conditions.same_instant, scenario.states), (1_000_000, 5_000, Some(7)));
    let [mark, strikes, bites] = &scenario.expect[..] else { panic!("three expectations") };
    assert_eq!(*mark, Expectation::Sometimes("leader lost"));
    assert_eq!((strikes.step(), bites.step()), (Some("At(\"2s\", Heal)"), Some("When(Synced(nth: 1), Partition(Halves))")));
    assert_eq!(scenario.expected, Expected::Violates("counts"));
}

#[test]
fn what_is_not_said_is_as_usual() {
    let scenario = read(r#"Scenario(name: "calm", system: Toy)"#);
    let settle = super::SETTLE_DEFAULT;
    assert_eq!(scenario.conditions, Conditions { duration: super::DURATION_DEFAULT, settle, ..Conditions::default() });
    assert_eq!((scenario.seed, &scenario.mutants[..], scenario.expected), (None, &[][..], Expected::Holds));
    assert!(scenario.expect.is_empty());
    expect![[r#"
        Scenario(
            name: "calm",
            system: Toy(nodes: 5, heartbeat: "50ms"),
            workload: (clients: 2),
            duration: "10s",
            settle: "10s",
        )
    "#]]
    .assert_eq(&scenario.to_ron());
}

#[test]
fn everything_is_written_as_it_is_read() {
    let scenario = read(EVERYTHING);
    expect![[r#"
        Scenario(
            name: "all of \"it\"",
            system: Toy(nodes: 5, heartbeat: "20ms"),
            mutant: "toy/forgets",
            seed: 18446744073709551615,
            network: (latency: Uniform("1ms", "5ms"), loss: "1/100", duplicate: "1/200", links: [
                (from: n1, to: n2, loss: "0"),
                (from: c1, to: n1, latency: Exponential(low: "1ms", mean: "2ms")),
            ]),
            disk: (sync: Uniform("100us", "2ms")),
            clocks: (offset: "50ms", drift: "100ppm"),
            workload: (clients: 3),
            faults: [
                At("1s", Partition(Isolate(Leader))),
                At("1.5s", Partition(cut: Groups([[n1, c1], [n2, n3], []]), lasting: "100ms..200ms")),
                At("2s", Heal),
                At("2s", Crash(node: [n1, n2])),
                At("3s", Restart(node: All)),
                At("3s", Lose(chance: "1/10", lasting: "1s")),
                Every("100ms..1s", OneOf([Crash(node: Minority, down: "50ms"), Pause(node: Any, lasting: "0s..80ms"), Heal])),
                When(Delivered(kind: "AppendEntries", node: n3, nth: 7), Partition(OneWay(from: Sender, to: Receiver))),
                When(Sent(kind: "Add", nth: 1), Resume(node: Subject)),
                When(Wrote(file: "count", nth: 3), Crash(node: Subject, down: "10ms")),
                When(Synced(nth: 1), Partition(Halves)),
                When(Marked(mark: "leader lost", nth: 1), Pause(node: Majority)),
                When(Crashed(node: n1, nth: 1), Heal),
                When(Restarted(nth: 2), Crash(node: c3, down: "1s")),
            ],
            fates: [
                (from: n1, to: n2, kind: "AppendEntries", count: 3, fate: Lost),
                (from: n2, to: n1, kind: "AppendEntries", count: 3, fate: Deliver("5ms")),
                (from: c1, to: n1, kind: "Add", count: 1, fate: Duplicate("1ms", "2ms")),
                (from: n1, to: n2, kind: "AppendEntries", content: "3f2a000011112222", nth: 2, fate: Lost),
            ],
            duration: "5s",
            settle: "3s",
            budget: (events: 1000000, same_instant: 5000, states: 7, state_bytes: 9),
            expect: [Sometimes("leader lost"), Strikes("At(\"2s\", Heal)"), Bites("When(Synced(nth: 1), Partition(Halves))")],
            outcome: Violates("counts"),
        )
    "#]]
    .assert_eq(&scenario.to_ron());
    assert_eq!(read(&scenario.to_ron()), scenario);
    assert_eq!(warnings(&scenario.to_ron()), "");
}

const STORM: &str = r#"Scenario(
    name: "storm",
    system: Toy(nodes: 5, heartbeat: "20ms"),
    network: (latency: Exponential(low: "500us", mean: "2ms"), loss: "1/50", duplicate: "1/50"),
    disk: (sync: Uniform("100us", "5ms")),
    clocks: (offset: "20ms", drift: "1000ppm"),
    faults: [
        At("0s", Crash(node: Any, down: "100ms")),
        At("1.5s", Partition(cut: Halves, lasting: "300ms..500ms")),
        Every("50ms..300ms", OneOf([
            Crash(node: Leader, down: "5ms..200ms"), Pause(node: Any, lasting: "10ms..150ms"), Heal,
            Partition(cut: Isolate(Minority), lasting: "20ms..400ms"), Partition(OneWay(from: Any, to: Majority)),
            Lose(chance: "1/3", lasting: "100ms..200ms"), Duplicate(chance: "1/2"), Delay(by: "1ms..2ms", node: Any, lasting: "1s"),
            Delay(by: "1ms"), Reorder(chance: "1/2", by: "1ms..9ms"), StallDisk(node: All, lasting: "1s"), Crash(node: c1, down: "50ms"), Pause(node: [n1, n2]), Resume(node: Any),
            Destroy(node: n1), Crash(node: Any), Restart(node: Any),
        ])),
        Every("50ms", OneOf([Heal, Restart(node: All), Resume(node: All)])),
        When(Sent(kind: "AppendEntries", nth: 1), Crash(node: Sender, down: "30ms")),
        When(Delivered(kind: "Added", nth: 20), Crash(node: Receiver, down: "30ms")),
        When(Wrote(file: "count", nth: 5), Crash(node: Subject, down: "30ms")),
        When(Synced(nth: 30), Pause(node: Subject, lasting: "20ms..30ms")),
        When(Crashed(nth: 2), Crash(node: All, down: "10ms..40ms")),
        When(Restarted(nth: 3), Lose(chance: "1/2", lasting: "200ms")),
        When(Marked(mark: "leader lost"), Partition(Isolate(Leader))),
    ],
    duration: "3s",
)"#;

#[test]
fn what_struck_repeats_the_run() {
    let scenario = read(STORM);
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let first = scenario.run(seed);
        assert!(first.struck.steps().len() > 10, "a storm");
        assert!(first.struck.steps().iter().all(|step| matches!(step.moment, Moment::At { .. })));
        kinds.extend(first.struck.steps().iter().filter_map(|step| step.fault.kind()).map(|kind| kind.name));
        let recorded = scenario.clone().with_faults(first.struck.clone());
        let again = recorded.run(seed);
        assert_eq!((again.digest, &again.struck), (first.digest, &first.struck), "seed {seed}");
        // And so it does when it went through a file.
        let (text, problems) = (recorded.to_ron(), Diagnostics::new());
        let source = Source::new("recorded.ron", text);
        let read = Scenario::parse(&source, &registry(), &problems).unwrap_or_else(|| panic!("{}", problems.render(&source, false)));
        assert_eq!(read, recorded);
        assert_eq!(read.run(seed).digest, first.digest, "seed {seed}");
    }
    assert_eq!(kinds.len(), FaultKind::ALL.len(), "every kind has struck");
}

#[test]
fn scenarios_go_from_thread_to_thread() {
    fn check<T: Send + Sync + Clone>(_: &T) {}
    check(&read(STORM));
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_another() {
    let scenario = read(STORM);
    assert_eq!(scenario.run(1), scenario.run(1));
    assert_ne!(scenario.run(1).digest, scenario.run(2).digest);
}

#[test]
fn no_fault_strikes_at_the_end() {
    let scenario = read(r#"Scenario(name: "edge", system: Toy, faults: [Every("500ms", Crash(node: n1, down: "1ms"))], duration: "1s")"#);
    let struck = scenario.run(1).struck;
    expect![[r#"
        [
                At(time: "500ms", fault: Crash(node: n1, down: "1ms"), name: "Every(\"500ms\", Crash(node: n1, down: \"1ms\")) #1"),
            ]"#]]
    .assert_eq(&struck.to_string());
}

#[test]
fn what_boots_set_off_strikes_in_their_instant() {
    let text = r#"Scenario(name: "boot", system: Toy, faults: [When(Marked(mark: "client started", nth: 2), Crash(node: Subject))])"#;
    expect![[r#"
        [
                At(time: "0s", fault: Crash(node: c2), name: "When(Marked(mark: \"client started\", nth: 2), Crash(node: Subject))"),
            ]"#]]
    .assert_eq(&read(text).run(1).struck.to_string());
}

#[test]
fn mutants_run_and_are_caught() {
    let scenario = read(r#"Scenario(name: "planted", system: Toy, mutant: "toy/forgets", outcome: Violates("counts"), duration: "1s")"#);
    let outcome = scenario.run(1);
    assert_eq!(outcome.verdict(), Verdict::Violated);
    assert_eq!(scenario.clone().without_mutants().run(1).verdict(), Verdict::Holds);
    expect![[r#"
        "planted" is violated under seed 1
          counts is violated at 1ms: c1.52979571 added, and was told that the count is 0

        Scenario(
            name: "planted",
            system: Toy(nodes: 5, heartbeat: "50ms"),
            mutant: "toy/forgets",
            workload: (clients: 2),
            duration: "1s",
            settle: "10s",
            outcome: Violates("counts"),
        )

        // save the above as SCENARIO.ron
        // run and not replay, with --save stormglass-regressions, keeps it: assert_holds then runs it first
        YOUR-PROGRAM replay SCENARIO.ron --seed 1
    "#]]
    .assert_eq(&scenario.describe_failure(&outcome));
    scenario.without_mutants().assert_holds(1);
}

#[test]
#[should_panic(expected = "YOUR-PROGRAM replay SCENARIO.ron --seed 9")]
fn a_failing_assertion_ends_in_the_command() {
    read(r#"Scenario(name: "planted", system: Toy, mutant: "toy/forgets")"#).assert_holds(9);
}

/// Every example of the page on scenario files is one, or a part of one.
#[test]
fn examples_of_the_page_are_read() {
    let page = include_str!("../../../docs/scenarios.md");
    let blocks: Vec<&str> = page.split("```ron\n").skip(1).map(|rest| rest.split("```").next().unwrap_or("")).collect();
    assert!(blocks.len() > 5, "the page has examples");
    for block in blocks {
        let fields = format!("Scenario(name: \"example\", system: RaftKv(nodes: 5), workload: (clients: 5), {block})");
        let whole = block.contains("Scenario(");
        // The system that stands in for Raft has clients of its own.
        let registry = if block.contains("operations:") { Registry::standard() } else { registry() };
        assert_eq!(warnings_of(if whole { block } else { &fields }, &registry), "", "{block}");
    }
}

fn storm() -> impl Strategy<Value = Scenario> {
    let millis = |range: std::ops::Range<u64>| range.prop_map(Duration::from_millis);
    let plain = r#"Scenario(name: "drawn", system: Toy(nodes: 4, heartbeat: "20ms"), workload: (clients: 2), duration: "2s")"#;
    let environment = (0..9_u32, 0..900_000_u32, proptest::option::of(any::<u64>()), ".{0,8}", millis(0..3_000));
    let fates = proptest::collection::btree_map((0..4_u32, 0..2_u32, 0..3_usize, which()), 1..9_u64, 0..4);
    (strategy::fault_plan(&read(plain)), environment, fates).prop_map(move |(faults, (tenths, drift, seed, name, settle), fates)| {
        let mut scenario = Scenario { name, seed, ..read(plain) }.with_faults(faults);
        scenario.conditions.link.loss = crate::base::Ratio::new(tenths, 10).expect("less than one");
        scenario.conditions.clocks.drift_ppm = drift;
        scenario.conditions.settle = settle;
        let fate = |length: u64| match length {
            1 => Fate::Lost(Loss::Override),
            2..5 => Fate::Deliver(Duration::from_millis(length)),
            _ => Fate::Duplicate(Duration::from_millis(length), Duration::from_nanos(length)),
        };
        let kinds = scenario.roster.kinds;
        let fixed = |((from, to, kind, which), length)| FixedFate {
            from: NodeId::server(from),
            to: NodeId::client(to),
            kind: kinds[kind],
            which,
            fate: fate(length),
        };
        scenario.conditions.fates = fates.into_iter().map(fixed).collect();
        scenario
    })
}

fn which() -> impl Strategy<Value = Which> {
    let content = (any::<u64>(), 1..5_u32).prop_map(|(content, nth)| Which::Content { content, nth });
    prop_oneof![(1..5_u32).prop_map(Which::Count), content]
}

#[test]
fn a_failing_plan_shrinks_to_what_matters() {
    let scenario = read(STORM);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let crashes = |plan: FaultPlan| match plan.steps().iter().any(|step| matches!(step.fault, Fault::Crash { .. })) {
        true => Err(TestCaseError::fail("a crash")),
        false => Ok(()),
    };
    let Err(TestError::Fail(_, minimal)) = runner.run(&strategy::fault_plan(&scenario), crashes) else { panic!("some plan has a crash") };
    expect![[r#"
        [
                At("0s", Crash(node: n1)),
            ]"#]]
    .assert_eq(&minimal.to_string());
}

/// How often each word stands in many plans that are drawn for this scenario.
fn drawn_words(text: &str, steps: usize) -> BTreeMap<String, usize> {
    let (strategy, mut runner) = (strategy::fault_plan(&read(text)), proptest::test_runner::TestRunner::deterministic());
    let (mut counts, mut seen) = (BTreeMap::new(), 0);
    while seen < steps {
        let plan = strategy.new_tree(&mut runner).expect("there are plans").current();
        seen += plan.steps().len();
        let words = plan.steps().iter().map(FaultStep::to_string).collect::<String>();
        for word in words.split(|letter: char| !letter.is_alphanumeric() && letter != '[').filter(|word| !word.is_empty()) {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn every_step_fault_trigger_cut_and_target_is_drawn() {
    let text = r#"Scenario(name: "drawn", system: Toy(nodes: 5), settle: "0s")"#;
    let counts = drawn_words(text, 20_000);
    let variants = [Moment::VARIANTS, Happening::VARIANTS, Cut::VARIANTS, Target::VARIANTS].concat();
    let names = variants.iter().map(|variant| variant.name).chain(FaultKind::ALL.iter().map(|kind| kind.name));
    for name in names.chain(["Leader", "Follower", "n5", "[n1"]) {
        assert!(counts.get(name).is_some_and(|count| *count >= 20), "{name}: {:?}", counts.get(name));
    }
}

#[test]
fn what_must_settle_is_destroyed_by_no_plan_that_is_drawn() {
    let counts = drawn_words(r#"Scenario(name: "drawn", system: Toy(nodes: 5))"#, 2_000);
    assert!(!counts.contains_key("Destroy") && counts.contains_key("Crash"), "{counts:?}");
}

/// What people and editors do to a file: cut, repeat and insert.
fn mangled() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "(",
        ")",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "//",
        "0",
        "n9",
        "-1",
        "Leader",
        "Heal",
        "()",
        "ä",
        "9999999999min",
    ]);
    proptest::collection::vec((any::<proptest::sample::Index>(), 0..30_usize, piece), 1..4).prop_map(|edits| {
        let mut text: Vec<char> = EVERYTHING.chars().collect();
        for (place, cut, piece) in edits {
            let start = place.index(text.len());
            let end = (start + cut).min(text.len());
            text.splice(start..end, piece.chars());
            text.push(' ');
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn drawn_scenarios_are_read_as_they_were_written(scenario in storm()) {
        let read = Scenario::from_ron(&scenario.to_ron(), &registry());
        prop_assert_eq!(read.as_ref(), Ok(&scenario));
    }

    #[test]
    fn drawn_plans_repeat_from_what_struck(scenario in storm(), seed: u64) {
        let first = scenario.run(seed);
        let again = scenario.clone().with_faults(first.struck.clone()).run(seed);
        prop_assert_eq!((first.digest, &first.struck), (again.digest, &again.struck));
    }

    #[test]
    fn nothing_panics(text in prop_oneof![mangled(), ".{0,60}"]) {
        let (source, problems) = (Source::new("storm.ron", text), Diagnostics::new());
        let scenario = Scenario::parse(&source, &registry(), &problems);
        prop_assert_eq!(scenario.is_none(), problems.has_errors());
        if let Some(scenario) = scenario {
            prop_assert_eq!(&read(&scenario.to_ron()), &scenario);
        }
    }
}
