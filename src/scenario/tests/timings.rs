//! What is advised about lengths of time: for any system, from what its settings are declared to be for.

use expect_test::{Expect, expect};

use super::super::Scenario;
use crate::base::{Duration, DurationRange};
use crate::diagnostic::{Diagnostics, Source};
use crate::notation::{Form, LengthRange, Maybe, PositiveLength, Record, Setting, Settings, Timed, Timing, settings};
use crate::process::NoNote;
use crate::protocols::detector;
use crate::systems::{Nodes, Population, Registry, System, Written};
use crate::workload::NoClient;
use crate::world::Cluster;

settings! {
    /// Lengths within a value of a system that nobody here knows.
    #[derive(Clone, Debug)]
    struct Lease {
        /// How long a lease is.
        lasts: DurationRange = "1s..2s".parse().expect("a range"), Timed(LengthRange, &[Timing::Apart, Timing::Silence("renewed")]);
        /// How often it is renewed.
        renewed: Duration = Duration::from_millis(300), PositiveLength;
        /// How long its holder waits for an answer, if it does.
        waits: Option<Duration> = None, Maybe(Timed(PositiveLength, &[Timing::Answer]));
    }
}

settings! {
    /// What it has fields for.
    #[derive(Clone, Debug)]
    struct Own {
        /// The lease.
        lease: Lease = Lease::default(), Record::like("(lasts: \"2s\")");
    }
}

/// A system of a user's own.
struct Leases;

impl Cluster for Leases {
    type Message = detector::Message;
    type Operation = NoNote;
    type Response = NoNote;
    type Server = detector::Omega;
    type Client = NoClient<detector::Message>;
}

impl System for Leases {
    const NAME: &'static str = "Leases";
    const ABOUT: &'static str = "";
    type Config = Own;

    fn decode(system: Form<'_>, _: Option<Form<'_>>) -> Option<Own> {
        let mut fields = system.fields()?;
        let (own, _) = Own::read(&mut fields);
        fields.finish();
        Some(own)
    }

    fn write(own: &Own) -> Written {
        Written { system: format!("Leases({})", own.written()), workload: None }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(Self::NAME, Own::declared())]
    }

    fn population(_: &Own) -> Population {
        Population { servers: 1, clients: 0 }
    }

    fn nodes(_: &Own, _: &[&'static str]) -> Nodes<Self> {
        Nodes { servers: Vec::new(), clients: Vec::new() }
    }
}

fn advice(text: &str) -> String {
    let (source, problems) = (Source::new("storm.ron", text), Diagnostics::new());
    let _ = Scenario::parse(&source, &Registry::standard().with::<Leases>(), &problems);
    problems.render(&source, false)
}

fn check(fields: &str, expected: Expect) {
    expected.assert_eq(&advice(&format!("Scenario(name: \"s\",\n{fields}\n)")));
}

#[test]
fn time_outs_that_are_over_before_an_answer_comes() {
    check(
        "system: TwoPhase(vote_timeout: \"20ms\"), network: (latency: Exponential(low: \"5ms\", mean: \"10ms\")),",
        expect![[r#"
        warning: `vote_timeout` is over before an answer comes
         --> storm.ron:2:32
          |
        2 | system: TwoPhase(vote_timeout: "20ms"), network: (latency: Exponential(low: "5ms", mean: "10ms")),
          |                                ^^^^^^                      ------------------------------------- since messages take so long
          |                                |
          |                                an answer takes 30ms there and back, on average
          |
          = help: make it longer, several times 30ms
    "#]],
    );
    check(
        "system: RaftKv(), workload: (request_timeout: \"1ms\"),",
        expect![[r#"
        warning: `request_timeout` is over before an answer comes
         --> storm.ron:2:47
          |
        2 | system: RaftKv(), workload: (request_timeout: "1ms"),
          |                                               ^^^^^ an answer takes 2ms there and back, on average
          |
          = help: make it longer, several times 2ms
    "#]],
    );
    check(
        "system: RaftKv(),\nnetwork: (latency: Constant(\"400ms\")),",
        expect![[r#"
        warning: an answer takes longer than is waited for it
         --> storm.ron:3:20
          |
        3 | network: (latency: Constant("400ms")),
          |                    ^^^^^^^^^^^^^^^^^ 800ms there and back, on average
          |
          = help: make longer: election_timeout, request_timeout
    "#]],
    );
    check(
        "system: Detectors(detectors: [\nSwim(probe_timeout: \"1ms\"),\nHeartbeat(style: Ping, timeout: \"1ms\")]),",
        expect![[r#"
        warning: `probe_timeout` is over before an answer comes
         --> storm.ron:3:21
          |
        3 | Swim(probe_timeout: "1ms"),
          |                     ^^^^^ an answer takes 2ms there and back, on average
          |
          = help: make it longer, several times 2ms

        warning: `timeout` is over before an answer comes
         --> storm.ron:4:33
          |
        4 | Heartbeat(style: Ping, timeout: "1ms")]),
          |                                 ^^^^^ an answer takes 2ms there and back, on average
          |
          = help: make it longer, several times 2ms

        warning: `interval` is close to `timeout`: one message lost, or late, is a failure
         --> storm.ron:4:33
          |
        4 | Heartbeat(style: Ping, timeout: "1ms")]),
          |                                 ^^^^^ one comes every 1s, and 1.001s without one is a failure
          |
          = help: make `interval` a third of `timeout`, or less
    "#]],
    );
}

#[test]
fn ranges_in_which_nobody_is_first() {
    check(
        "system: RaftKv(election_timeout: \"150ms\"),",
        expect![[r#"
        warning: `election_timeout` has no width: all act at the same time, and nobody is first
         --> storm.ron:2:34
          |
        2 | system: RaftKv(election_timeout: "150ms"),
          |                                  ^^^^^^^
          |
          = help: make the range wider, like "150ms..300ms"
    "#]],
    );
    check(
        "system: PaxosCommit(takeover: \"150ms..155ms\"),\nnetwork: (latency: Uniform(\"1ms\", \"21ms\")),",
        expect![[r#"
        warning: `takeover` is so narrow that all act before they hear of the first
         --> storm.ron:2:31
          |
        2 | system: PaxosCommit(takeover: "150ms..155ms"),
          |                               ^^^^^^^^^^^^^^ 5ms wide, and a message takes 11ms on average
        3 | network: (latency: Uniform("1ms", "21ms")),
          |                    ---------------------- since messages take so long
          |
          = help: make the range wider, like "150ms..300ms"
    "#]],
    );
}

#[test]
fn signs_of_life_that_come_too_seldom() {
    check(
        "system: TwoPhaseOverRaft(heartbeat: \"140ms\"),",
        expect![[r#"
        warning: `heartbeat` is close to `election_timeout`: one message lost, or late, is a failure
         --> storm.ron:2:37
          |
        2 | system: TwoPhaseOverRaft(heartbeat: "140ms"),
          |                                     ^^^^^^^ one comes every 140ms, and 150ms without one is a failure
          |
          = help: make `heartbeat` a third of `election_timeout`, or less
    "#]],
    );
    check(
        "system: Omega(detector: Heartbeat(timeout: \"1500ms\")),",
        expect![[r#"
        warning: `interval` is close to `timeout`: one message lost, or late, is a failure
         --> storm.ron:2:44
          |
        2 | system: Omega(detector: Heartbeat(timeout: "1500ms")),
          |                                            ^^^^^^^^ one comes every 1s, and 1.5s without one is a failure
          |
          = help: make `interval` a third of `timeout`, or less
    "#]],
    );
    // Two must be missed, or the length is counted from the question.
    check("system: Omega(detector: Heartbeat(timeout: \"1500ms\", missed: 2, of: 3)),", expect![]);
    check("system: Omega(detector: Heartbeat(timeout: \"1500ms\", style: Ping)),", expect![]);
}

#[test]
fn nobody_left() {
    let nobody = expect![[r#"
        warning: no server is left: whatever comes after it shows nothing
         --> storm.ron:3:19
          |
        3 | faults: [At("1s", Destroy(node: All))],
          |                   ^^^^^^^
          |
          = help: leave some, as Destroy(node: Minority) does; or let them come back, as Crash(node: All, down: "1s") does
    "#]];
    check("system: RaftKv(nodes: 2),\nfaults: [At(\"1s\", Destroy(node: All))],", nobody);
    let named = expect![[r#"
        warning: `Heal` changes nothing: the plan has no Partition or Lose or Duplicate or Delay or Reorder
         --> storm.ron:3:26
          |
        3 | faults: [At("1s", OneOf([Heal, Destroy(node: [n2, n1])]))],
          |                          ^^^^

        warning: no server is left: whatever comes after it shows nothing
         --> storm.ron:3:32
          |
        3 | faults: [At("1s", OneOf([Heal, Destroy(node: [n2, n1])]))],
          |                                ^^^^^^^
          |
          = help: leave some, as Destroy(node: Minority) does; or let them come back, as Crash(node: All, down: "1s") does
    "#]];
    check("system: RaftKv(nodes: 2),\nfaults: [At(\"1s\", OneOf([Heal, Destroy(node: [n2, n1])]))],", named);
    let some = "system: RaftKv(nodes: 3),\nfaults: [At(\"1s\", Destroy(node: [n2, n1])), At(\"1s\", Destroy(node: Majority))],";
    check(some, expect![]);
}

/// What each warning is about, and in which line it is.
fn warned(fields: &str) -> Vec<(String, String)> {
    let text = advice(&format!("Scenario(name: \"s\",\n{fields}\n)"));
    let warnings = text.split("warning: ").skip(1).map(|warning| {
        let line = warning.split("storm.ron:").nth(1).and_then(|place| place.split(':').next()).unwrap_or_default();
        (warning.split_whitespace().take(3).collect::<Vec<_>>().join(" "), line.to_owned())
    });
    warnings.collect()
}

#[test]
fn systems_of_ones_own() {
    let known = |found: &[(&str, &str)]| found.iter().map(|(what, line)| ((*what).to_owned(), (*line).to_owned())).collect::<Vec<_>>();
    let short = "system: Leases(lease: (\nlasts: \"1s\", renewed: \"500ms\",\nwaits: \"10ms\")),\nnetwork: (latency: Constant(\"20ms\")),";
    let expected = [("`lasts` has no", "3"), ("`renewed` is close", "3"), ("`waits` is over", "4")];
    assert_eq!(warned(short), known(&expected));
    assert_eq!(warned("system: Leases(),\nnetwork: (latency: Constant(\"1s\")),"), known(&[]), "it waits for no answer");
}
