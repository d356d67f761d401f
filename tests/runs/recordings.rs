//! A run that is kept: every record as it was, and what each came of.

use std::collections::BTreeMap;

use stormglass::base::{Fate, Loss, NodeId};
use stormglass::scenario::Scenario;
use stormglass::systems::Registry;
use stormglass::trace::{OwnedRecord, Recording};

/// Runs of Raft under every kind of fault.
pub(crate) fn storms() -> Vec<Recording> {
    let text = r#"Scenario(name: "storm", system: RaftKv(nodes: 5), network: (latency: Uniform("1ms", "5ms"), loss: "1/50", duplicate: "1/50"),
        clocks: (offset: "20ms", drift: "100ppm"), disk: (sync: Constant("15ms")), workload: (clients: 2, rate: "40/s"), duration: "3s", settle: "1s", faults: [
            Every("300ms..900ms", Partition(cut: Halves, lasting: "50ms..200ms")),
            Every("400ms..900ms", Lose(chance: "1/4", lasting: "50ms..200ms")),
            Every("200ms..600ms", OneOf([Heal, Crash(node: Any, down: "20ms..300ms"), Pause(node: Minority, lasting: "10ms..80ms")])),
            Every("400ms..900ms", Reorder(chance: "1/4", by: "5ms..20ms", lasting: "50ms..200ms")),
            Every("700ms..900ms", StallDisk(node: Any, lasting: "20ms..100ms")),
        ])"#;
    let scenario = Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    let recorded = (0..3).map(|seed| {
        let (outcome, recording) = scenario.run_recorded(seed);
        assert_eq!(outcome.digest, scenario.run(seed).digest, "to keep it changes nothing");
        assert_eq!(recording.records().last().map(|record| record.digest), Some(outcome.digest));
        recording
    });
    recorded.collect()
}

/// The records with which a node's step begins.
fn begins(record: &OwnedRecord) -> bool {
    matches!(record.sort, "boot" | "deliver" | "timer" | "synced" | "resume")
}

#[test]
fn each_record_has_the_step_that_it_came_of() {
    for recording in storms() {
        // What the node is at; a crash or a fault is no step.
        let mut at: BTreeMap<NodeId, u64> = BTreeMap::new();
        let (mut held, mut timers) = (0, 0);
        for (place, record) in (0..).zip(recording.records()) {
            assert_eq!(record.number, place);
            let cause = record.cause.and_then(|cause| recording.get(cause));
            assert!(cause.is_none_or(|cause| cause.number < record.number && cause.at <= record.at));
            match record.sort {
                "write" | "mark" | "client" | "note" | "send" => {
                    let Some(cause) = cause else {
                        assert!(recording.records().iter().any(|other| other.sort == "settle" && other.number < place), "told to be quiet");
                        continue;
                    };
                    let node = record.node.expect("it is a node's");
                    if cause.sort == "crash" {
                        assert_eq!((record.sort, cause.node), ("mark", record.node), "the mark of lost writes");
                        continue;
                    }
                    assert!(begins(cause) && cause.node == record.node, "{place} came of {}", cause.number);
                    let released = recording.get(at[&node]).is_some_and(|now| now.sort == "synced" && now.number != cause.number);
                    assert!(released || at[&node] == cause.number, "{place}: what did not wait for the disk came of the step before it");
                    held += u32::from(released);
                }
                // One that the script hands a client came of no record.
                "timer" => {
                    let cause = cause.expect("a timer was set");
                    assert!(begins(cause) && cause.node == record.node);
                    timers += u32::from(cause.at < record.at);
                }
                "crash" | "pause" => assert!(cause.is_some_and(|cause| cause.sort == "fault")),
                "boot" | "settle" | "fault" | "lift" => assert!(cause.is_none()),
                _ => {}
            }
            if let (true, Some(node)) = (begins(record), record.node) {
                at.insert(node, place);
            }
        }
        assert!(held > 20 && timers > 100, "{held} waited for the disk, {timers} timers fired");
    }
}

#[test]
fn what_a_fault_made_of_a_message_is_told() {
    for recording in storms() {
        let strikes: Vec<&OwnedRecord> = recording.strikes().collect();
        let mut blamed = 0;
        for record in recording.records().iter().filter(|record| record.sort == "send") {
            let by_fault = matches!(record.fate, Some(Fate::Lost(Loss::Partition | Loss::Fault)));
            assert!(!by_fault || record.blamed.len() == 1, "one fault lost it");
            for fault in &record.blamed {
                assert!(strikes[*fault as usize].number < record.number, "it has struck");
                blamed += 1;
            }
        }
        assert!(blamed > 20);
        assert!(recording.records().iter().all(|record| record.sort == "send" || record.blamed.is_empty()));
    }
}
