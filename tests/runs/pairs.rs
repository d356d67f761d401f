//! Two planted bugs at once: each is found by its own property, as if it were alone.

use stormglass::check::Verdict;
use stormglass::scenario::Scenario;
use stormglass::systems::Registry;

/// Two mutants, each with the property that is named for it, and scenarios under which both show themselves soon.
const PAIRS: [([(&str, &str); 2], &str); 5] = [
    ([("raft/forgets-vote", "election-safety"), ("raft/commits-old-term", "leader-completeness")], STORM),
    ([("commit/yes-before-durable", "persist-before-yes"), ("commit/acks-before-durable", "persist-before-ack")], BANK),
    ([("commit/forgets-commit-early", "decision-findable"), ("commit/unlocks-after-reading", "two-phase-locking")], BANK),
    ([("detector/misses-a-member", "strong-completeness"), ("detector/does-not-refute", "eventual-accuracy")], MEMBERS),
    ([("paxos-commit/votes-early", "commit-needs-all-yes"), ("paxos-commit/forgets-promise", "no-reversal")], ACCEPTORS),
];

/// Leaders are cut off before their first entry has reached anybody, and voters crash.
const STORM: &str = r#"
    system: RaftKv(nodes: 3, election_timeout: "150ms..200ms", batch: 1),
    network: (latency: Constant("10ms")),
    disk: (sync: Constant("10ms")),
    workload: (clients: 1, think: "1s"),
    faults: [
        When(Sent(kind: "Vote"), Partition(cut: OneWay(from: Receiver, to: All), lasting: "400ms")),
        When(Sent(kind: "Vote", nth: 3), Partition(cut: Isolate(Receiver), lasting: "400ms")),
        When(Sent(kind: "AppendReply", nth: 2), Partition(cut: Isolate(Receiver), lasting: "400ms")),
        Every("500ms..900ms", Partition(cut: Isolate(Leader), lasting: "300ms")),
        When(Sent(kind: "Vote", nth: 9), Crash(node: Sender, down: "1ms")),
        When(Sent(kind: "Vote", nth: 11), Crash(node: Sender, down: "1ms")),
        When(Sent(kind: "Vote", nth: 13), Crash(node: Sender, down: "1ms")),
        When(Sent(kind: "Vote", nth: 15), Crash(node: Sender, down: "1ms")),
    ],
    duration: "6s",
"#;

const BANK: &str = r#"
    system: TwoPhase(nodes: 2),
    workload: (clients: 2, load: Bank(accounts: 4, mix: (transfer: 1, audit: 1)), rate: "50/s", request_timeout: "1s"),
    duration: "1s",
"#;

const MEMBERS: &str = r#"
    system: Detectors(nodes: 3, detectors: [Swim()]),
    faults: [At("2s", Pause(node: n1, lasting: "20s")), At("40s", Destroy(node: n3))],
    duration: "50s",
    settle: "60s",
"#;

const ACCEPTORS: &str = r#"
    system: PaxosCommit(nodes: 2, acceptors: 1, takeover: "40ms..100ms"),
    disk: (sync: Constant("20ms")),
    workload: (clients: 1, load: Registers(keys: 2, acts: 2), rate: "20/s", request_timeout: "1s"),
    faults: [Every("20ms..100ms", Crash(node: Any, down: "5ms"))],
    duration: "3s",
"#;

fn scenario(mutants: &[&str], fields: &str) -> Scenario {
    let text = format!("Scenario(name: \"a pair\", mutant: {mutants:?}, {fields})");
    Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Whether this property is violated under one of the first seeds.
fn is_found(scenario: &Scenario, property: &str) -> bool {
    (0..60).any(|seed| scenario.run(seed).violates(property))
}

#[test]
fn each_of_two_is_found_by_its_own_property() {
    for (pair, fields) in PAIRS {
        let names = pair.map(|(mutant, _)| mutant);
        let both = scenario(&names, fields);
        let again = Scenario::from_ron(&both.to_ron(), &Registry::standard()).expect("what was written");
        assert_eq!((&again.mutants[..], &again), (&names[..], &both));
        assert_ne!(both.clone().without_mutants().run(1).verdict(), Verdict::Violated, "neither of {names:?}");
        for (mutant, property) in pair {
            assert!(is_found(&both, property), "{mutant}, of both");
            assert!(is_found(&scenario(&[mutant], fields), property), "{mutant}, alone");
        }
    }
}

/// Which is named first matters only where both change one answer.
#[test]
fn the_order_does_not_matter() {
    let digest = |mutants: [&str; 2]| scenario(&mutants, BANK).run(1).digest;
    let pair = ["commit/yes-before-durable", "commit/unlocks-after-reading"];
    assert_eq!(digest(pair), digest([pair[1], pair[0]]));
    assert_ne!(digest(pair), scenario(&pair[..1], BANK).run(1).digest);
}
