//! Services under load: scenarios show what they say, and what is planted is found.

use stormglass::base::{Duration, Time};
use stormglass::check::Verdict;
use stormglass::diagnostic::{Diagnostics, Source};
use stormglass::protocols::services::{DECOYS, MUTANTS, ROUTING};
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::Registry;
use stormglass::trace::Cell;

use super::trials::{all_hold, each_mutant, others, read, scenario, text, violates};

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
fn each_bug_planted_in_routing_is_caught() {
    each_mutant(ROUTING, 200, 1);
}

/// What callers know of instances, and how they choose one, is read, runs, and is written as it was read.
#[test]
fn every_way_to_choose_an_instance_can_be_said() {
    let ways = [
        "balance: RoundRobin",
        "balance: Weighted, slow_start: (window: \"2s\", least_percent: 20)",
        "balance: Random",
        "balance: LeastRequests, slow_start: ()",
        "balance: Choices(d: 3)",
        "balance: LeastLoaded(refresh: \"50ms\")",
        "balance: LeastLoaded, reports: \"20ms\"",
        "balance: PeakEwma(decay: \"5s\")",
        "balance: RingHash(points: 50, load_percent: 125)",
        "balance: Maglev(table: 251)",
        "balance: Prequal",
        "balance: Prequal(probes: \"2.5\", pool: 8, age: \"500ms\", removed: \"0.5\", hot_percent: 70)",
        "outliers: (deviations: \"1.9\", hosts_min: 3, calls_min: 50, interval: \"1s\", longest: \"1min\")",
        "timeout: \"50ms\", retry: (attempts: 2, elsewhere: true), lookup: (every: \"1s\", watch: true)",
    ];
    for way in ways {
        let text = format!(
            r#"Scenario(name: "ways", system: Services(services: [
                Proxy(name: "proxy", instances: 2, to: "api.get", work: Constant("100us"), {way}),
                Service(name: "api", instances: 4, workers: 2, registry: "names", heartbeat: "500ms",
                    unlike: [(instance: 2, work_percent: 300, weight: 5), (instance: 3, fails: "1/2", from: "1s", lasting: "500ms")],
                    endpoints: [Endpoint(name: "get", work: Exponential("5ms"), rejects: "1/50"), Endpoint(name: "put")]),
                Registry(name: "names", instances: 2, lease: "1500ms"),
            ]), workload: (to: "proxy", arrivals: Poisson("300/s"), {way}), duration: "3s",
            require: [Availability(at_least: "80%"), Bounded(work: "proxy", at_most: 300)])"#
        );
        let scenario = read(&text);
        let again = read(&scenario.to_ron());
        assert_eq!(scenario, again, "{way}");
        let (first, second) = (scenario.run(1), again.run(1));
        assert_eq!((first.verdict(), first.digest), (Verdict::Holds, second.digest), "{way}: {}", scenario.describe_failure(&first));
        let told = first.tables.iter().find(|table| table.title == "what instances have answered").expect("some are unlike the others");
        assert!(told.rows.len() == 4 && told.rows[1].name == "api 2, unlike the others", "{told:?}");
    }
}

/// Prequal and peak EWMA send a slow instance little; by turns it gets its share.
#[test]
fn a_slow_instance_gets_what_the_balance_says() {
    let share = |balance: &str| {
        let text = text("service/balancing.ron").replace("balance: LeastRequests", balance);
        let mut scenario = read(&text);
        scenario.conditions.duration = Duration::from_secs(10);
        let outcome = scenario.run(1);
        let table = outcome.tables.iter().find(|table| table.title == "what instances have answered").expect("one is unlike the others");
        let Cell::Share(share) = table.rows[3].cells[1] else { panic!("it is a share") };
        share
    };
    let by_turns = share("balance: RoundRobin");
    assert!((0.03..0.11).contains(&by_turns), "{by_turns}");
    for balance in ["balance: PeakEwma", "balance: Prequal", "balance: LeastRequests"] {
        assert!(share(balance) < 0.06, "{balance}: {}", share(balance));
    }
}

/// Requests are due when a file says so, and the file that is written holds the times themselves.
#[test]
fn arrivals_come_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("times.txt"), "# three\n0.5\n750ms\n\n1.25s # the last\n").expect("it is written");
    let read_beside = |arrivals: &str| {
        let text = format!(
            r#"Scenario(name: "file", system: Services(services: [Service(name: "desk", work: Constant("1ms"))]),
                workload: (to: "desk", arrivals: {arrivals}), duration: "2s", require: [Latency(max: "20ms")])"#
        );
        let source =
            Source::new(folder.path().join("file.ron").display().to_string(), text).with_files(|path| std::fs::read_to_string(path));
        let problems = Diagnostics::new();
        Scenario::parse(&source, &Registry::standard(), &problems).ok_or_else(|| problems.render(&source, false))
    };
    let from_file = read_beside("File(\"times.txt\")").unwrap_or_else(|problems| panic!("{problems}"));
    let listed = read_beside(r#"Times(["500ms", "750ms", "1250ms"])"#).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(from_file, listed);
    assert_eq!(read(&from_file.to_ron()), listed);
    let outcome = from_file.run(1);
    assert_eq!((outcome.operations.invoked, outcome.verdict()), (3, Verdict::Holds));
    for (name, lines, words) in
        [("late.txt", "2s\n1s\n", "time 2 is earlier"), ("odd.txt", "1s\nsoon\n", "line 2 of "), ("none.txt", "", "no request")]
    {
        std::fs::write(folder.path().join(name), lines).expect("it is written");
        let told = read_beside(&format!("File(\"{name}\")")).expect_err("it is refused");
        assert!(told.contains(words), "{told}");
    }
    assert!(read_beside("File(\"gone.txt\")").expect_err("it is refused").contains("cannot be read"));
    let in_code = r#"Scenario(name: "code", system: Services(services: [Service(name: "desk")]), workload: (to: "desk", arrivals: File("times.txt")))"#;
    assert!(Scenario::from_ron(in_code, &Registry::standard()).expect_err("it is in no file").contains("no files beside it"));
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

/// What is told of these services, which clients ask so, and which cannot be.
fn refused(services: &str, to: &str) -> String {
    let text = format!(
        "Scenario(name: \"refused\", system: Services(services: {services}), workload: (to: \"{to}\", arrivals: Poisson(\"1/s\")))"
    );
    let (source, problems) = (Source::new("refused.ron", &*text), Diagnostics::new());
    assert!(Scenario::parse(&source, &Registry::standard(), &problems).is_none(), "{text}");
    problems.render(&source, false)
}

#[test]
fn a_graph_that_cannot_be_is_refused_with_its_place() {
    for (services, to, words) in [
        ("[Service(name: \"a\", calls: [Call(to: \"b\")]), Service(name: \"b\", calls: [Call(to: \"a\")])]", "a", "a → b → a"),
        ("[Service(name: \"users\")]", "user", "did you mean `users`?"),
        ("[Service(name: \"a\", calls: [Call(to: \"bb\")]), Service(name: \"b\")]", "a", "there is no service `bb`"),
        ("[Service(name: \"a\"), Service(name: \"b\")]", "a", "no request ever reaches `b`"),
        ("[Service(name: \"a\", endpoints: [Endpoint(name: \"get\")])]", "a.put", "`a` has no endpoint `put`"),
        ("[Service(name: \"a\"), Service(name: \"a\")]", "a", "called `a`"),
        ("[]", "a", "there is no service at all"),
        ("[Service(name: \"a\", registry: \"r\")]", "a", "there is no registry `r`"),
        ("[Service(name: \"a\", registry: \"r\"), Registry(name: \"r\")]", "r", "`r` is a registry"),
        ("[Service(name: \"a\"), Registry(name: \"r\")]", "a", "no request ever reaches `r`"),
        ("[Service(name: \"a\", stores: true, registry: \"r\"), Registry(name: \"r\")]", "a", "hangs on the key"),
        ("[Service(name: \"a\", unlike: [(instance: 3)])]", "a", "`a` has no instance 3"),
        ("[Proxy(name: \"p\", to: \"a\"), Service(name: \"b\")]", "p", "there is no service `a`"),
        ("[Service(name: \"a\", calls: [Call(to: \"b\", reports: \"1s\")]), Service(name: \"b\")]", "a", "LeastLoaded does"),
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

/// What is wrong with a call is told where it says whom it calls, whether its service has endpoints or not.
#[test]
fn a_call_of_what_is_not_there_is_told_at_its_place() {
    for calls in ["calls: [Call(to: \n\"bb\")]", "endpoints: [Endpoint(name: \"get\", calls: [Call(to: \n\"bb\")])]"] {
        let told = refused(&format!("[Service(name: \"a\", {calls})]"), "a");
        assert!(told.contains("refused.ron:2:1"), "{told}");
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
