//! Two-phase commit over Raft groups: its scenario holds, what is planted is found, decoys raise no alarm, and the crash of any one server
//! blocks nothing.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use stormglass::base::Duration;
use stormglass::check::Verdict;
use stormglass::explore::{Sweep, Until};
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::Registry;
use stormglass::trace::Cell;
use stormglass::world::Outcome;

fn read(text: &str) -> Scenario {
    Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn scenario(name: &str) -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/commit").join(name);
    read(&fs::read_to_string(file).expect("the scenario is there"))
}

/// All that the scenario expects to see is seen, and all seeds hold.
fn holds(name: &str, seeds: u64) {
    let scenario = scenario(name);
    let run = |seed| {
        let outcome = scenario.run(seed);
        assert_eq!(outcome.verdict(), Verdict::Holds, "{}", scenario.describe_failure(&outcome));
        assert!(outcome.operations.completed > 100, "{name} does something under seed {seed}: {:?}", outcome.operations);
        outcome
    };
    let sweep = Sweep { start: 0, seeds, jobs: 2, until: Until::Done, cancel: &AtomicBool::new(false) };
    let summary = sweep.run(&run, &mut |_| ControlFlow::Continue(())).expect("threads can be had");
    let expected = ["transactions taken over", "later decision fenced", "votes overdue", "late message fenced", "leader deposed"];
    for name in expected {
        assert!(summary.sometimes.iter().any(|mark| mark.name == name && mark.count > 0), "{name} in {seeds} seeds");
    }
}

#[test]
fn fifty_banks_hold() {
    holds("bank-over-raft.ron", 50);
}

#[test]
#[ignore = "minutes: cargo test --release --test runs commit_over_raft:: -- --ignored"]
fn a_thousand_banks_hold() {
    holds("bank-over-raft.ron", 1_000);
}

fn violates(outcome: &Outcome, property: &str) -> bool {
    outcome.properties.iter().any(|found| found.name == property && found.verdict == Verdict::Violated)
}

/// The planted bug is caught within 200 seeds by the property that is named for it; without it, the same seeds hold.
fn is_caught(name: &str) {
    let planted = scenario(&format!("../raft-group/bugs/{name}.ron"));
    let Expected::Violates(property) = planted.expected else { panic!("{name} names the property that catches it") };
    let seed = (0..200).find(|seed| violates(&planted.run(*seed), property));
    let seed = seed.unwrap_or_else(|| panic!("{name} violates {property} within 200 seeds"));
    let sound = planted.without_mutants();
    for seed in [seed, seed + 1, seed + 2] {
        sound.assert_holds(seed);
    }
}

#[test]
fn a_yes_before_it_is_replicated_is_caught() {
    is_caught("yes-before-replicated");
}

#[test]
fn a_commit_before_it_is_replicated_is_caught() {
    is_caught("commit-before-replicated");
}

#[test]
fn two_coordinators_are_caught() {
    is_caught("two-coordinators");
}

#[test]
fn a_second_decision_is_caught() {
    is_caught("last-decision-wins");
}

/// Speaking for a group before it has agreed is caught at once, with no fault at all.
#[test]
fn what_is_said_too_early_is_caught_when_it_is_said() {
    for (name, property) in [("yes-before-replicated", "replicate-before-yes"), ("commit-before-replicated", "replicate-before-decision")] {
        assert!(violates(&scenario(&format!("../raft-group/bugs/{name}.ron")).run(0), property), "{name}");
    }
}

#[test]
fn decoys_raise_no_alarm() {
    for decoy in ["raft-group/proposes-twice", "raft-group/tells-all"] {
        let mut odd = scenario("bank-over-raft.ron");
        odd.mutants = vec![decoy];
        for seed in 0..5 {
            let outcome = odd.run(seed);
            assert_eq!(outcome.verdict(), Verdict::Holds, "{decoy}: {}", odd.describe_failure(&outcome));
        }
    }
}

/// How long somebody was in doubt at most.
fn longest_doubt(outcome: &Outcome) -> Duration {
    let blocking = outcome.tables.iter().find(|table| table.title == "Blocking").expect("every run tells of blocking");
    let row = blocking.rows.iter().find(|row| row.name == "participants in doubt").expect("every run tells of doubts");
    match row.cells.last() {
        Some(Cell::Length(length)) => *length,
        other => panic!("the last cell is the longest doubt, and not {other:?}"),
    }
}

/// A bank on this system, on which these servers are down from the second to the tenth second.
fn crashed(system: &str, down: &[u32]) -> Scenario {
    let crashes: String = down.iter().map(|server| format!("At(\"2s\", Crash(node: n{server}, down: \"8s\")),")).collect();
    read(&format!(
        r#"Scenario(
            name: "some servers are down for long",
            system: {system},
            network: (latency: Uniform("1ms", "5ms")),
            disk: (sync: Uniform("500us", "5ms")),
            workload: (
                clients: 5,
                load: Bank(accounts: 12, balance: 100, parties: 3, mix: (transfer: 4, audit: 1)),
                rate: "100/s",
                request_timeout: "300ms", operation_timeout: "3s",
            ),
            faults: [{crashes}],
            duration: "11s",
            settle: "10s",
        )"#
    ))
}

/// Whichever server crashes, and though one of each group does, nobody is in doubt for longer than an election and a few rounds take. In
/// plain two-phase commit, those in doubt of a server that is down wait until it is back.
#[test]
fn the_crash_of_any_one_server_blocks_nothing() {
    let worst = |scenario: &Scenario, seeds: u64| {
        let doubt = |seed| {
            let outcome = scenario.run(seed);
            assert_eq!(outcome.verdict(), Verdict::Holds, "{}", scenario.describe_failure(&outcome));
            longest_doubt(&outcome)
        };
        (0..seeds).map(doubt).max().expect("there are seeds")
    };
    let groups = "TwoPhaseOverRaft(groups: 3, replicas: 3)";
    for server in 1..=9 {
        assert!(worst(&crashed(groups, &[server]), 1) < Duration::from_secs(2), "n{server}");
    }
    for down in [[1, 4, 7], [2, 5, 8], [3, 6, 9]] {
        assert!(worst(&crashed(groups, &down), 2) < Duration::from_secs(2), "{down:?}");
    }
    let plain = (1..=3).map(|server| worst(&crashed("TwoPhase(nodes: 3)", &[server]), 5)).max();
    assert!(plain > Some(Duration::from_secs(7)), "plain two-phase commit waits for the server: {plain:?}");
}

/// `batch` bounds how many entries a message of Raft carries: with two at a time more messages are needed for the same, and all holds the
/// same. (With one at a time, a server that was away for eight seconds does not come up again within the ten seconds that this run has to
/// settle.)
#[test]
fn a_batch_may_be_small() {
    let run = |batch: &str| {
        let outcome = crashed(&format!("TwoPhaseOverRaft(groups: 3, replicas: 3{batch})"), &[2, 5, 8]).run(1);
        assert_eq!(outcome.verdict(), Verdict::Holds, "{batch}");
        outcome
    };
    let usual = run("");
    assert_eq!(run(", batch: 64").digest, usual.digest, "64 is the default");
    assert!(run(", batch: 2").messages.sent > usual.messages.sent, "more messages for the same entries");
}
