//! Services under load: scenarios show what they say, and what is planted is found.

use stormglass::base::{Duration, Time};
use stormglass::check::Verdict;
use stormglass::diagnostic::{Diagnostics, Source};
use stormglass::protocols::services::{DECOYS, MUTANTS};
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::Registry;

use super::trials::{all_hold, each_mutant, others, read, scenario, violates};

fn lasting(name: &str, seconds: u64) -> Scenario {
    let mut scenario = scenario(name);
    scenario.conditions.duration = Duration::from_secs(seconds);
    scenario
}

/// A scenario is as it says, in a short run.
#[test]
fn every_scenario_of_services_is_as_it_says() {
    for name in others("service", &[]) {
        let scenario = scenario(&name);
        match scenario.expected {
            Expected::Holds => drop(all_hold(&scenario, 1)),
            Expected::Violates(property) => assert!(violates(&scenario, property, 0), "{name} violates {property}"),
        }
    }
}

#[test]
fn each_bug_planted_in_services_is_caught() {
    each_mutant(MUTANTS, 200, 1);
}

#[test]
fn decoys_of_services_are_left_alone() {
    for decoy in DECOYS {
        let plain = scenario("service/storm.ron");
        let mut odd = plain.clone();
        odd.mutants = vec![decoy.name];
        assert_ne!(plain.run(0).digest, odd.run(0).digest, "{}", decoy.name);
        all_hold(&odd, 1);
    }
}

/// Of each practice that is told of, one scenario goes by it and holds, and the other does not.
#[test]
fn practices_have_pairs() {
    let registry = Registry::standard();
    let practices: Vec<_> = registry.systems().flat_map(|system| system.practices()).collect();
    assert!(practices.len() > 10);
    for practice in practices {
        let expected = |path: &str| scenario(path.strip_prefix("scenarios/").expect("a scenario of ours")).expected;
        assert_eq!(expected(practice.with), Expected::Holds, "{}", practice.name);
        assert!(matches!(expected(practice.without), Expected::Violates(_)), "{}", practice.name);
    }
}

/// In an open loop a request counts from when it was due, however late its client gets round to it.
#[test]
fn latency_counts_from_when_a_request_was_due() {
    let text = r#"Scenario(name: "late", system: Services(services: [Service(name: "desk", work: Constant("1ms"))]),
        workload: (to: "desk", arrivals: Constant("100/s")), faults: [At("1s", Pause(node: c1, lasting: "1s"))], duration: "4s",
        require: [Latency(max: "900ms")])"#;
    assert!(read(text).run(1).violates("latency"));
    assert_eq!(read(&text.replace("max: \"900ms\"", "max: \"20ms\", outside: Faults(after: \"1s\")")).run(1).verdict(), Verdict::Holds);
}

#[test]
fn a_graph_that_cannot_be_is_refused_with_its_place() {
    let refused = |services: &str, to: &str| {
        let text = format!(
            "Scenario(name: \"refused\", system: Services(services: {services}), workload: (to: \"{to}\", arrivals: Poisson(\"1/s\")))"
        );
        let (source, problems) = (Source::new("refused.ron", &*text), Diagnostics::new());
        assert!(Scenario::parse(&source, &Registry::standard(), &problems).is_none(), "{text}");
        problems.render(&source, false)
    };
    for (services, to, words) in [
        ("[Service(name: \"a\", calls: [Call(to: \"b\")]), Service(name: \"b\", calls: [Call(to: \"a\")])]", "a", "a → b → a"),
        ("[Service(name: \"users\")]", "user", "did you mean `users`?"),
        ("[Service(name: \"a\", calls: [Call(to: \"bb\")]), Service(name: \"b\")]", "a", "there is no service `bb`"),
        ("[Service(name: \"a\"), Service(name: \"b\")]", "a", "no request ever reaches `b`"),
        ("[Service(name: \"a\", endpoints: [Endpoint(name: \"get\")])]", "a.put", "`a` has no endpoint `put`"),
        ("[Service(name: \"a\"), Service(name: \"a\")]", "a", "called `a`"),
        ("[]", "a", "there is no service at all"),
        ("[Service(name: \"a\", calls: [Call(to: \"a\", retry: (attempts: 0))])]", "a", "attempts"),
        ("[Service(name: \"a\", does: Reads)]", "a", "`a` stores nothing"),
        (
            "[Service(name: \"a\", calls: [Call(to: \"b\", cache: (ttl: \"1s\"))]), Service(name: \"b\", stores: true)]",
            "a",
            "which reads nothing",
        ),
        ("[Service(name: \"a\", stores: true, atomic: true)]", "a", "has an endpoint that is atomic"),
        (
            "[Service(name: \"a\", calls: [Call(to: \"b.x\", undo: \"b.y\")]), Service(name: \"b\", stores: true, endpoints: [\
          Endpoint(name: \"x\"), Endpoint(name: \"y\", does: Undoes)])]",
            "a",
            "its endpoint is not atomic",
        ),
        (
            "[Service(name: \"a\", atomic: true, calls: [Call(to: \"b.x\", undo: \"b.x\")]), Service(name: \"b\", stores: true, endpoints: [\
          Endpoint(name: \"x\")])]",
            "a",
            "`b.x` does not undo",
        ),
        ("[Service(name: \"a\", calls: [Call(to: \"a\", credits: (window: 4, batch: 8))])]", "a", "batch"),
    ] {
        let told = refused(services, to);
        assert!(told.contains(words) && told.contains("refused.ron:1:"), "{services}: {told}");
    }
}

/// What is demanded of important requests is judged by them alone; where a system tells none apart, it cannot be demanded.
#[test]
fn requirements_are_about_a_priority() {
    let text = r#"Scenario(name: "both", system: Services(services: [Service(name: "api", workers: 4, work: Exponential("10ms"),
        queue: (bound: 40, discipline: Priority, when_full: ShedLowest))]),
        workload: (to: "api", arrivals: Poisson("800/s"), important: "1/4"), duration: "2s",
        require: [Availability(priority: PRIORITY, at_least: "99%")])"#;
    assert_eq!(read(&text.replace("PRIORITY", "1")).run(1).verdict(), Verdict::Holds);
    assert!(read(&text.replace("PRIORITY", "0")).run(1).violates("availability"));
    let (source, problems) = (
        Source::new("refused.ron", "Scenario(name: \"no\", system: RaftKv(), require: [Availability(priority: 1, at_least: \"1/2\")])"),
        Diagnostics::new(),
    );
    assert!(Scenario::parse(&source, &Registry::standard(), &problems).is_none());
    assert!(problems.render(&source, false).contains("requests of `RaftKv` have no priorities"));
}

/// A cache that all changes of its items go through is held to tell what is so; one that is not, to be no older than it may be.
#[test]
fn caches_are_as_old_as_they_may_be() {
    let text = r#"Scenario(name: "behind", system: Services(services: [
        Service(name: "shop", workers: 100, calls: [Call(to: "prices.get", cache: (ttl: "1s"))]),
        Service(name: "prices", workers: 100, stores: true, endpoints: [Endpoint(name: "get", does: Reads), Endpoint(name: "set")]),
        ]), workload: (to: "shop", mix: [(to: "prices.set", share: "1/5")], items: 2, arrivals: Poisson("100/s")), duration: "5s")"#;
    let outcome = read(text).run(1);
    assert_eq!(outcome.verdict(), Verdict::Holds, "changes pass the cache by, and it is stale for a second at most");
    assert!(outcome.sometimes.iter().any(|mark| mark.name == "cache hit" && mark.count > 100));
}

/// What is written of any scenario is read as the same again.
#[test]
fn services_are_written_as_they_are_read() {
    for name in others("service", &[]) {
        let scenario = scenario(&name);
        let again = Scenario::from_ron(&scenario.to_ron(), &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(scenario, again, "{name}");
    }
}

/// Nothing is kept of a request that is over: a run counts its operations, and its history is empty.
#[test]
fn requests_are_counted() {
    let outcome = lasting("service/four-workers.ron", 5).run(1);
    let operations = outcome.operations;
    assert!(operations.invoked > 1500 && operations.completed == operations.invoked, "{operations:?}");
    assert!(outcome.sim_time > Time::ZERO);
}
