//! What a scenario requires of requests: the streaming judge says what one says who has kept every record, and each requirement is seen to
//! fail.

use std::collections::BTreeMap;

use stormglass::base::{ClientId, Duration, KvOp, KvResponse, NodeId, Time};
use stormglass::check::{PropertyReport, Verdict};
use stormglass::diagnostic::{Diagnostics, Source};
use stormglass::fault::Strike;
use stormglass::history::{Event, Outcome};
use stormglass::scenario::Scenario;
use stormglass::systems::{Registry, Watch};
use stormglass::trace::{Sink, UntypedRecord};

const FAULTS: &str = r#"[
    Every("300ms..900ms", OneOf([Crash(node: Any, down: "50ms..400ms"), Pause(node: Any, lasting: "50ms..400ms"), Heal, Partition(Halves),
        Partition(cut: Isolate(Any), lasting: "50ms..400ms"), Delay(by: "5ms..20ms", lasting: "100ms"), StallDisk(node: Any, lasting: "100ms")])),
]"#;

fn raft(require: &str) -> Scenario {
    let text = format!(
        "Scenario(name: \"required\", system: RaftKv(nodes: 3), workload: (clients: 4, think: \"1ms..20ms\"), faults: {FAULTS}, \
         duration: \"6s\", settle: \"4s\", require: {require})"
    );
    Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Keeps what happens to requests and faults.
#[derive(Default)]
struct Kept {
    /// When a request was due, when it ended, and whether it succeeded.
    ended: Vec<(Time, Time, bool)>,
    open: BTreeMap<ClientId, Time>,
    /// When each fault began, and what it was; and when others of its sort came to an end.
    strikes: Vec<(Time, Strike)>,
    lifts: Vec<(Time, u64)>,
    boots: Vec<(Time, NodeId)>,
    resumes: Vec<(Time, NodeId)>,
    settle: Option<Time>,
}

impl Sink for Kept {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        match (entry.sort, entry.node, entry.payload.map(|payload| payload.any())) {
            ("client", _, Some(event)) => match event.downcast_ref::<Event<KvOp, KvResponse>>().expect("an event of a history") {
                Event::Invoke { client, .. } => _ = self.open.insert(*client, entry.at),
                Event::Complete { client, outcome } => {
                    let due = self.open.remove(client).expect("what ends has begun");
                    self.ended.push((due, entry.at, matches!(outcome, Outcome::Done(_))));
                }
                Event::Recover { .. } => {}
            },
            ("fault", _, Some(strike)) => self.strikes.push((entry.at, strike.downcast_ref::<Strike>().expect("a strike").clone())),
            ("lift", ..) => self.lifts.push((entry.at, entry.numbers[0].1)),
            ("boot", Some(node), _) => self.boots.push((entry.at, node)),
            ("resume", Some(node), _) => self.resumes.push((entry.at, node)),
            ("settle", ..) => self.settle = Some(entry.at),
            _ => {}
        }
    }
}

impl Kept {
    /// From when to when each fault lasted.
    fn windows(&self) -> Vec<(Time, Time)> {
        let healed =
            |from: Time| self.strikes.iter().filter(|(_, strike)| *strike == Strike::Heal).map(|(at, _)| *at).find(|at| *at >= from);
        let first =
            |list: &[(Time, NodeId)], node: NodeId, from: Time| list.iter().find(|(at, of)| *of == node && *at > from).map(|(at, _)| *at);
        let mut windows = Vec::new();
        for (number, (from, strike)) in self.strikes.iter().enumerate() {
            let lifted = self.lifts.iter().find(|(_, of)| *of == number as u64).map(|(at, _)| *at);
            let ends = match strike {
                Strike::Heal | Strike::Restart { .. } | Strike::Resume { .. } => continue,
                Strike::Crash { node, .. } => [first(&self.boots, *node, *from), None],
                Strike::Pause { node, .. } => [first(&self.boots, *node, *from), first(&self.resumes, *node, *from)],
                Strike::StallDisk { .. } => [lifted, None],
                Strike::Destroy { .. } => [Some(*from), None],
                _ => [lifted, healed(*from)],
            };
            let end = ends.into_iter().flatten().chain(self.settle).min();
            windows.push((*from, end.unwrap_or(Time::from_nanos(u64::MAX))));
        }
        windows
    }

    /// The requests that lie outside of all faults.
    fn outside(&self, after: Duration) -> Vec<(Duration, bool)> {
        let windows = self.windows();
        let is_outside = |due: Time, end: Time| windows.iter().all(|(from, until)| end < *from || due > *until + after);
        self.ended.iter().filter(|(due, end, _)| is_outside(*due, *end)).map(|(due, end, done)| (end.since(*due), *done)).collect()
    }
}

fn run(scenario: &Scenario, seed: u64) -> (Vec<PropertyReport>, Kept) {
    let mut kept = Kept::default();
    let outcome = scenario.run_watched(seed, Watch { sinks: vec![&mut kept], ..Watch::default() });
    (outcome.properties, kept)
}

fn verdict(reports: &[PropertyReport], name: &str) -> Verdict {
    reports.iter().find(|report| report.name == name).expect("it is judged").verdict
}

/// The bound that just holds holds, and one that is a little shorter does not: both by a count of all that was kept.
#[test]
fn what_streams_is_what_was_kept() {
    let after = Duration::from_millis(150);
    for seed in 0..12 {
        let (_, kept) = run(&raft("[]"), seed);
        let outside = kept.outside(after);
        let mut lengths: Vec<Duration> = outside.iter().filter(|(_, done)| *done).map(|(length, _)| *length).collect();
        lengths.sort_unstable();
        assert!(lengths.len() > 50 && lengths.len() < kept.ended.len(), "seed {seed}: {} of {}", lengths.len(), kept.ended.len());
        // The shortest bound that at most a tenth exceeds.
        let exact = lengths[lengths.len() - 1 - lengths.len() / 10];
        let done = outside.iter().filter(|(_, done)| *done).count();
        let judge = |p90: u64, share: String| {
            let require = format!(
                "[Latency(p90: \"{p90}ns\", outside: Faults(after: \"{after}\")), Availability(at_least: \"{share}\", outside: Faults(after: \"{after}\"))]"
            );
            let (reports, _) = run(&raft(&require), seed);
            (verdict(&reports, "latency"), verdict(&reports, "availability"))
        };
        let (share, more) = (format!("{done}/{}", outside.len()), format!("{}/{}", done + 1, outside.len() + 1));
        assert_eq!(judge(exact.as_nanos(), share), (Verdict::Holds, Verdict::Holds), "seed {seed}");
        assert_eq!(judge(exact.as_nanos() - 1, more.clone()).0, Verdict::Violated, "seed {seed}");
        if done < outside.len() {
            assert_eq!(judge(exact.as_nanos(), more).1, Verdict::Violated, "seed {seed}");
        }
    }
}

#[test]
fn judging_more_changes_no_digest() {
    let all = r#"[Latency(max: "1s"), Availability(at_least: "1/2"), Recovers(within: "1s")]"#;
    assert_eq!(raft("[]").run(3).digest, raft(all).run(3).digest);
}

#[test]
fn a_majority_that_stays_away_is_no_recovery() {
    let scenario = |lasting: &str| {
        let text = format!(
            "Scenario(name: \"away\", system: RaftKv(nodes: 3), workload: (clients: 4), duration: \"20s\", settle: \"0s\",
                faults: [At(\"2s\", Partition(cut: Halves, lasting: \"1s\")), At(\"10s\", Crash(node: Majority, down: \"{lasting}\"))],
                require: [Recovers(within: \"2s\")])"
        );
        Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}")).run(1).properties
    };
    assert_eq!(verdict(&scenario("1s"), "recovers"), Verdict::Holds);
    // Two of three are gone for good: faults that are over at once, and nothing succeeds after them. Soon every session has ended in doubt.
    let never = r#"Scenario(name: "never", system: RaftKv(nodes: 3), workload: (clients: 4), duration: "20s", settle: "0s",
        faults: [At("2s", Destroy(node: n1)), At("2s", Destroy(node: n2))], require: [Recovers(within: "100ms"), Availability(at_least: "99%")])"#;
    let reports = Scenario::from_ron(never, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}")).run(1).properties;
    assert_eq!((verdict(&reports, "recovers"), verdict(&reports, "availability")), (Verdict::Violated, Verdict::Violated));
}

#[test]
fn what_has_nothing_left_is_unknown() {
    let text = r#"Scenario(name: "always", system: RaftKv(nodes: 3), workload: (clients: 4), duration: "3s", settle: "0s",
        faults: [At("0s", Delay(by: "1ms..2ms"))],
        require: [Latency(p99: "1ns", outside: Faults(after: "1s")), Availability(at_least: "1", outside: Faults(after: "0s")), Recovers(within: "1s")])"#;
    let reports = Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}")).run(1).properties;
    let unknown: Vec<&str> = reports.iter().filter(|report| report.verdict == Verdict::Unknown).map(|report| report.name).collect();
    assert!(["latency", "availability", "recovers"].iter().all(|name| unknown.contains(name)), "{unknown:?}");
}

#[test]
fn what_cannot_be_judged_is_refused_with_its_place() {
    let said = |system: &str, require: &str| {
        let text = format!("Scenario(name: \"refused\", system: {system}, require: {require})");
        let (source, problems) = (Source::new("refused.ron", &*text), Diagnostics::new());
        assert!(Scenario::parse(&source, &Registry::standard(), &problems).is_none(), "{text}");
        problems.render(&source, false)
    };
    for (system, require, words) in [
        ("RaftKv(nodes: 3)", "[Latency()]", "give a bound"),
        ("RaftKv(nodes: 3)", "[Latency(service: \"gateway\", p99: \"1s\")]", "`RaftKv` has no services"),
        ("RaftKv(nodes: 3)", "[Bounded(queue: \"db\", at_most: 1)]", "`RaftKv` has no services"),
        ("RaftKv(nodes: 3)", "[Availability()]", "at_least"),
        ("RaftKv(nodes: 3)", "[Latencies(p99: \"1s\")]", "did you mean `Latency`?"),
        ("Detectors(nodes: 3, detectors: [Swim()])", "[Availability(at_least: \"1/2\")]", "`Detectors` cannot judge `Availability`"),
    ] {
        let told = said(system, require);
        assert!(told.contains(words) && told.contains("refused.ron:1:"), "{require}: {told}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    let all =
        r#"[Latency(p50: "1ms", p999: "1s", outside: Faults(after: "2s")), Availability(at_least: "999/1000"), Recovers(within: "5s")]"#;
    let scenario = raft(all);
    let again = Scenario::from_ron(&scenario.to_ron(), &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(scenario, again);
    assert!(scenario.to_ron().contains(all), "{}", scenario.to_ron());
}

/// The explanation of a property of services under this load, and whether it is violated.
fn services(services: &str, workload: &str, more: &str, name: &str) -> (Verdict, String) {
    let text =
        format!("Scenario(name: \"services\", system: Services(services: [{services}]), workload: ({workload}), settle: \"0s\", {more})");
    let scenario = Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    let report = scenario.run(1).properties.into_iter().find(|report| report.name == name).expect("it is judged");
    (report.verdict, report.reason())
}

/// A request that never ends was not served, and took longer than any bound.
#[test]
fn what_never_ends_is_judged() {
    let api = "Service(name: \"api\", workers: 4, work: Exponential(\"10ms\"))";
    let workload = "to: \"api\", arrivals: Poisson(\"100/s\"), bulkhead: (in_flight: 2, waiting: 50)";
    let never = "duration: \"5s\", mutant: \"service/waiting-never-starts\"";
    for (require, name) in [("Availability(at_least: \"98%\")", "availability"), ("Latency(p95: \"1s\")", "latency")] {
        let judged = |more: &str| services(api, workload, &format!("{more}, require: [{require}]"), name);
        let (verdict, told) = judged(never);
        assert!(verdict == Verdict::Violated && told.contains(" have not ended"), "{told}");
        assert_eq!(judged("duration: \"5s\"").0, Verdict::Holds, "{name}");
    }
    // Users whose requests are lost wait for ever: where nothing is asked any more, nothing recovers.
    let lost = "duration: \"5s\", faults: [At(\"1s\", Lose(chance: \"1\", lasting: \"500ms\"))], require: [Recovers(within: \"1s\")]";
    let users = "to: \"api\", users: 5, think: Exponential(\"10ms\")";
    let (verdict, told) = services(api, users, lost, "recovers");
    assert!(verdict == Verdict::Violated && told.contains("succeeded=0 judged=5"), "{told}");
    assert_eq!(services(api, &format!("{users}, timeout: \"200ms\""), lost, "recovers").0, Verdict::Holds);
    // A call of a service that waits without end, for one that is gone.
    let chain = "Service(name: \"front\", workers: 100, calls: [Call(to: \"back\", timeout: \"100ms\")]), Service(name: \"back\")";
    let gone = "duration: \"5s\", faults: [At(\"2s\", Pause(node: n1, lasting: \"9s\"))], require: [Availability(service: \"back\", at_least: \"99.9%\")]";
    let (verdict, told) = services(chain, "to: \"front\", arrivals: Constant(\"1000/s\")", gone, "availability");
    assert!(verdict == Verdict::Violated && told.contains("of=to `back`") && told.contains(" not ended"), "{told}");
}

/// Every place where requests gather can be bounded, and one that stays full is seen to be full.
#[test]
fn what_gathers_is_bounded() {
    let api = "Service(name: \"api\", workers: 4, work: Exponential(\"10ms\"))";
    let bounded = |all: &str, workload: &str, more: &str| {
        let (verdict, told) = services(all, &format!("to: \"api\", {workload}"), &format!("duration: \"6s\", {more}"), "bounded");
        (verdict == Verdict::Violated, told)
    };
    let busy = "arrivals: Poisson(\"300/s\")";
    // The queue grows in a standstill, and is long still half a second after it.
    let still = |at_most| {
        let require = format!("[Bounded(queue: \"api\", at_most: {at_most}, outside: Faults(after: \"500ms\"))]");
        bounded(api, busy, &format!("faults: [At(\"2s\", Pause(node: n1, lasting: \"1s\"))], require: {require}"))
    };
    let (is_too_long, told) = still(150);
    assert!(is_too_long && told.contains("of=`api` at_most=150 at=3.5"), "{told}");
    assert!(!still(350).0);
    // Nothing ever waits.
    let (_, told) = bounded(api, "arrivals: Constant(\"1/s\")", "require: [Bounded(queue: \"api\", at_most: 0)]");
    assert_eq!(told, "");
    let held = |at_most| {
        bounded(
            api,
            &format!("{busy}, bulkhead: (in_flight: 4, waiting: 50)"),
            &format!("require: [Bounded(bulkhead: \"api\", at_most: {at_most})]"),
        )
    };
    let (is_too_long, told) = held(3);
    assert!(is_too_long && told.contains("count=4 place=wait before the bulkhead of a caller of of=`api`"), "{told}");
    assert!(!held(50).0);
    let free = "Service(name: \"api\", workers: 1, holds: false, calls: [Call(to: \"slow\")]), Service(name: \"slow\", workers: 100, work: Constant(\"100ms\"))";
    let working =
        |at_most| bounded(free, "arrivals: Constant(\"100/s\")", &format!("require: [Bounded(work: \"api\", at_most: {at_most})]"));
    let (is_too_much, told) = working(5);
    assert!(is_too_much && told.contains("count=6 place=are at work on an instance of of=`api`"), "{told}");
    assert!(!working(20).0);
}
