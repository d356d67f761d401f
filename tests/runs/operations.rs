//! Operations that a scenario writes down: those of a run, written down, give the same run again.

use std::any::Any;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;
use stormglass::base::{Duration, NodeId, OperationId, Time};
use stormglass::check::Verdict;
use stormglass::fault::{FaultPlan, FaultStep, Moment};
use stormglass::history::formats::Entry;
use stormglass::process::TakesSteps;
use stormglass::protocols::{broker, bus, queue, services};
use stormglass::scenario::{Observed, Scenario};
use stormglass::systems::{Registry, Tenant, Watch};
use stormglass::trace::{Sink, UntypedRecord};
use stormglass::workload::ClientTimer;
use stormglass::world::{Outcome, ScriptCounts, Scripted};

fn read(text: &str) -> Scenario {
    Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Every scenario that there is, by its path.
fn shipped() -> Vec<(String, Scenario)> {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() { collect(&entry, files) } else { files.push(entry) }
        }
    }
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"), &mut files);
    files.sort();
    let read = |path: &PathBuf| (path.display().to_string(), read(&fs::read_to_string(path).expect("a scenario")));
    files.iter().map(read).collect()
}

/// Whether this is the timer of an operation that is due.
fn is_due(timer: &dyn Any) -> bool {
    fn says_so<C: TakesSteps>(timer: &dyn Any) -> bool {
        timer.downcast_ref().and_then(C::is_due).is_some()
    }
    matches!(timer.downcast_ref(), Some(ClientTimer::Due(_)))
        || says_so::<bus::Party>(timer)
        || says_so::<queue::Client>(timer)
        || says_so::<broker::Client>(timer)
        || says_so::<Tenant>(timer)
        || says_so::<services::Client>(timer)
}

/// Counts how often an operation was due, and sees which timers were not the first to happen in their instant.
#[derive(Default)]
struct Dues {
    count: usize,
    last: Option<Time>,
    late: Vec<(NodeId, Time)>,
}

impl Sink for Dues {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        self.count += usize::from(entry.payload.is_some_and(|payload| is_due(payload.any())));
        let is_late = entry.sort == "timer" && self.last == Some(entry.at);
        self.late.extend(entry.node.filter(|_| is_late).map(|node| (node, entry.at)));
        self.last = Some(entry.at);
    }
}

/// A run with what its clients saw, and when operations were due.
fn run(scenario: &Scenario) -> (Outcome, Vec<Scripted>, Vec<Entry>, Dues) {
    let (mut operations, mut history, mut dues) = (Vec::new(), Vec::new(), Dues::default());
    let (sinks, watched): (Vec<&mut dyn Sink>, _) = (vec![&mut dues], (Some(&mut operations), Some(&mut history)));
    let outcome = scenario.run_watched(1, Watch { sinks, operations: watched.0, history: watched.1, ..Watch::default() });
    (outcome, operations, history, dues)
}

#[test]
fn a_run_whose_operations_are_written_down_is_the_same_run() {
    const LONG: Duration = Duration::from_secs(2);
    let (mut all, mut same, mut others) = (0, 0, Vec::new());
    // What is drawn for a request of services hangs on those before it: one that is written down has words of its own.
    let is_repeated = |scenario: &Scenario| scenario.takes_operations() && scenario.system() != "Services";
    // Of systems whose clients do more than is written down there are many: each eighth is run.
    let goes_on = |scenario: &Scenario| ["EventBus", "Queue", "Broker", "Registry"].contains(&scenario.system());
    let wanted = shipped().into_iter().filter(|(_, scenario)| is_repeated(scenario)).enumerate();
    for (_, (name, scenario)) in wanted.filter(|(place, (_, scenario))| !goes_on(scenario) || place % 8 == 0) {
        let strikes = |step: &FaultStep| !matches!(step.moment, Moment::At { time } if time >= Time::ZERO + LONG);
        let faults = scenario.conditions.faults.steps().iter().filter(|step| strikes(step)).cloned().collect();
        let mut scenario = scenario.with_faults(FaultPlan::new(faults));
        scenario.conditions.duration = scenario.conditions.duration.min(LONG);
        let (drawn, operations, history, dues) = run(&scenario);
        assert!(!operations.is_empty(), "{name}: nothing was invoked");
        // Where clients do more than is written down, and none of that is due after the faults, they are told at once to come to an end.
        let goes_on = goes_on(&scenario);
        if goes_on && operations.iter().all(|operation| operation.at < scenario.conditions.duration) {
            continue;
        }
        let written = read(&scenario.with_operations(operations.clone()).to_ron());
        let (again, repeated, history_again, _) = run(&written);
        if goes_on && (history != history_again || operations != repeated) {
            others.push(format!("{name}: clients saw or did something else"));
            continue;
        }
        assert!(history == history_again, "{name}: clients saw something else");
        let judged =
            |outcome: &Outcome| outcome.properties.iter().map(|report| (report.name, report.verdict, report.at)).collect::<Vec<_>>();
        assert_eq!((judged(&drawn), &operations), (judged(&again), &repeated), "{name}");
        let never: Vec<OperationId> = operations.iter().filter(|operation| operation.op.is_none()).map(|operation| operation.id).collect();
        assert_eq!(again.scripted.never_invoked, never, "{name}");
        // The identity of what a client was to do before it had made any session is that of what it does in its next life; and what is
        // written down comes first in its instant, but for what waited for its client to go on.
        let is_late = operations.iter().any(|operation| dues.late.contains(&(operation.client, Time::ZERO + operation.at)));
        if drawn.digest != again.digest && dues.count <= operations.len() && !is_late {
            others.push(name);
        }
        same += u32::from(drawn.digest == again.digest);
        all += 1;
    }
    assert!(others.is_empty(), "these are other runs: {others:#?}");
    assert!(all > 60 && (all - same) * 20 < all, "of {all} runs {same} are the same");
}

/// Three servers without faults, and two clients that do these things alone.
fn scripted(operations: &str, more: &str) -> String {
    format!(
        r#"Scenario(name: "s", system: RaftKv(nodes: 3), workload: (clients: 2), duration: "3s", settle: "5s",
operations: [
{operations}
],
{more}
)"#
    )
}

const THREE: &str = r#"(id: 7, at: "1.2s", client: c1, op: Write(key: 0, value: 7)),
(id: 8, at: "1.3s", client: c2, op: Read(key: 0)),
(id: 9, at: "1.4s", client: c1, op: Cas(key: 0, expected: Some(7), value: 8)),"#;

#[test]
fn clients_do_what_is_written_down_and_nothing_else() {
    let scenario = read(&scripted(THREE, "generated: false"));
    let Observed { outcome, operations } = scenario.run_observed(1);
    assert_eq!(outcome.verdict(), Verdict::Holds, "nothing fresh is demanded: {:?}", outcome.properties);
    assert_eq!(outcome.operations.completed, 3);
    assert_eq!(operations, scenario.operations.scripted, "what was written down, when it was due");
    assert_eq!(outcome.scripted, ScriptCounts { scripted: 3, never_invoked: vec![] });
    let ids: Vec<String> = operations.iter().map(|operation| operation.id.to_string()).collect();
    assert_eq!(ids, ["c1@7", "c2@8", "c1@9"]);
}

/// A client has one job at a time: what is due meanwhile waits. One under lock 2 is the first of its client, and does not wait for others.
#[test]
fn jobs_under_locks_are_written_down_too() {
    for system in ["Lock(servers: 3)", "Election(servers: 3)", "TtlLock"] {
        let scenario = read(&format!(
            r#"Scenario(name: "s", system: {system}, workload: (clients: 3, locks: 2, accesses: 1, work: "200ms"), duration: "5s",
settle: "60s", operations: [
    (id: 1, at: "2s", client: c1, op: (lock: 1, mode: Exclusive)),
    (id: 2, at: "2.01s", client: c1, op: (lock: 2, mode: Exclusive)),
    (id: 3, at: "2.02s", client: c3, op: (lock: 2, mode: Exclusive)),
], generated: false)"#
        ));
        let (outcome, operations, _, _) = run(&scenario);
        assert_eq!(outcome.verdict(), Verdict::Holds, "{system}: {:?}", outcome.properties);
        assert_eq!((outcome.operations.invoked, outcome.operations.completed), (3, 3), "{system}");
        assert_eq!(operations, scenario.operations.scripted, "{system}: what was written down, when it was due");
        assert_eq!(outcome.scripted, ScriptCounts { scripted: 3, never_invoked: vec![] }, "{system}");
    }
}

/// Of systems whose clients do more than invoke one operation of a history at a time: what they do in a step, and the next step waits.
#[test]
fn steps_of_clients_are_written_down_too() {
    for (system, steps) in [
        ("EventBus()", ["Publish(topic: 0, key: 0)", "Publish(topic: 1, key: 0)", "Publish(topic: 0, key: 0)"]),
        ("Queue(nodes: 3)", ["Publish()"; 3]),
        ("Broker()", ["Send([(partition: 0)])", "Send([(partition: 1)])", "Send([(partition: 0)])"]),
        ("Registry(nodes: 3)", ["List(service: 0)", "Look", "Update(weight: 5)"]),
        ("Services(services: [Service(name: \"shop\")]), workload: (to: \"shop\", clients: 2, users: 1)", ["Request(priority: 0)"; 3]),
    ] {
        let [first, second, third] = steps;
        let scenario = read(&format!(
            r#"Scenario(name: "s", system: {system}, duration: "5s", operations: [
    (id: 1, at: "2s", client: c1, op: {first}),
    (id: 2, at: "2.000001s", client: c1, op: {second}),
    (id: 3, at: "2.02s", client: c2, op: {third}),
], generated: false)"#
        ));
        let (outcome, operations, _, _) = run(&scenario);
        assert_eq!(outcome.verdict(), Verdict::Holds, "{system}: {:?}", outcome.properties);
        assert_eq!(operations, scenario.operations.scripted, "{system}: what was written down, when it was due");
        assert_eq!(outcome.scripted, ScriptCounts { scripted: 3, never_invoked: vec![] }, "{system}");
    }
}

#[test]
fn what_is_generated_stays_what_it_is_beside_what_is_written_down() {
    let of = |scenario: &Scenario| {
        let generated = scenario.run_observed(1).operations.into_iter().filter(|operation| operation.id.script_number().is_none());
        generated.filter_map(|operation| Some((operation.id, operation.op?))).collect::<Vec<_>>()
    };
    let both = read(&scripted(THREE, ""));
    let outcome = both.run(1);
    assert_eq!(outcome.scripted, ScriptCounts { scripted: 3, never_invoked: vec![] });
    let mut alone = both.clone();
    alone.operations.scripted.clear();
    let (both, alone) = (of(&both), of(&alone));
    assert!(alone.len() > 100);
    // What a client expects of a key may hang on what it saw: all else is as it was.
    let plain =
        |operations: Vec<(_, String)>| operations.into_iter().filter(|(_, op)| !op.starts_with("Cas")).take(100).collect::<Vec<_>>();
    assert_eq!(plain(both), plain(alone));
}

#[test]
fn a_closed_loop_goes_on_as_it_did() {
    let operations =
        |more: &str| read(&scripted(THREE, more).replace("clients: 2", r#"clients: 2, think: "10ms", sessions: 1"#)).run(1).operations;
    assert!(operations("").completed > 200, "{:?}", operations(""));
    assert_eq!(operations("generated: false").completed, 3);
}

#[test]
fn what_is_due_while_a_client_is_down_is_not_invoked() {
    let crash = r#"generated: false, faults: [At("1.1s", Crash(node: c1, down: "250ms"))]"#;
    let outcome = read(&scripted(THREE, crash)).run(1);
    assert_eq!(outcome.scripted.never_invoked, [OperationId::scripted(0, 7)]);
    assert_eq!(outcome.operations.invoked, 2);
    let pause = r#"generated: false, faults: [At("1.1s", Pause(node: c1, lasting: "250ms"))]"#;
    let Observed { outcome, operations } = read(&scripted(THREE, pause)).run_observed(1);
    assert_eq!(outcome.scripted.never_invoked, []);
    let first = operations.iter().find(|operation| operation.id == OperationId::scripted(0, 7)).expect("it was invoked");
    assert_eq!(first.at, Duration::from_millis(1_350), "it is due when its client goes on");
}

#[test]
fn taking_one_away_changes_nothing_that_is_drawn_for_another() {
    /// When each request of each operation was sent.
    fn requests(scenario: &Scenario, of: u32) -> Vec<String> {
        #[derive(Default)]
        struct Sends(Vec<String>);
        impl Sink for Sends {
            fn record(&mut self, entry: &UntypedRecord<'_>) {
                let asked = entry.sort == "send" && entry.node == Some(NodeId::client(1));
                self.0.extend(entry.payload.filter(|_| asked).map(|message| format!("{} {message:?}", entry.at)));
            }
        }
        let mut sends = Sends::default();
        let outcome = scenario.run_watched(1, Watch { sinks: vec![&mut sends], ..Watch::default() });
        assert_eq!(outcome.scripted.scripted as u32, of);
        sends.0
    }
    // No server hears of another, and none leads: the client asks on and on, and pauses each time.
    let faults = r#"generated: false, faults: [At("900ms", Partition(cut: Groups([[n1], [n2], [n3]]), lasting: "2s"))]"#;
    let whole = read(&scripted(THREE, faults));
    let mut less = whole.clone();
    less.operations.scripted.remove(0);
    let (whole, less) = (requests(&whole, 3), requests(&less, 2));
    assert!(whole.len() > 5, "{whole:?}");
    assert_eq!(whole, less);
}

#[test]
fn progress_is_demanded_of_what_is_due_after_the_faults() {
    let lasting = |at: &str| format!(r#"(id: 1, at: "{at}", client: c1, op: Read(key: 0)),"#);
    let whole = read(&scripted(&lasting("3.5s"), "generated: false")).run(1);
    assert_eq!((whole.verdict(), whole.operations.completed), (Verdict::Holds, 1));
    // All servers are gone for good: what is due then waits in vain.
    let destroyed = r#"generated: false, faults: [At("1s", Destroy(node: All))]"#;
    assert!(read(&scripted(&lasting("3.5s"), destroyed)).run(1).violates("progress"));
}

fn complaint(text: &str) -> String {
    Scenario::from_ron(text, &Registry::standard()).err().unwrap_or_default()
}

#[test]
fn what_is_wrong_with_an_operation_is_told_with_its_place() {
    let wrong = r#"(id: 7, at: "1.2s", client: c3, op: Write(key: 0, value: 7)),
(id: 7, at: "1.2s", client: n1, op: Write(key: 0, val: 7)),
(id: "c1@7", at: "9s", client: c2, op: Raed(key: 0)),
(id: -1, at: 5, client: c1, op: Read(key: 0)),
(at: "1s", client: c1),"#;
    expect![[r#"
        error: there is no node `c3`
         --> scenario:3:29
          |
        3 | (id: 7, at: "1.2s", client: c3, op: Write(key: 0, value: 7)),
          |                             ^^ the system has 2 clients, c1 to c2

        error: n1 is a server, and invokes nothing
         --> scenario:4:29
          |
        4 | (id: 7, at: "1.2s", client: n1, op: Write(key: 0, val: 7)),
          |                             ^^
          |
          = help: clients are c1, c2, …

        error: expected an operation of the system, found `Write(…)`
         --> scenario:4:57
          |
        4 | (id: 7, at: "1.2s", client: n1, op: Write(key: 0, val: 7)),
          |                                                         ^ unexpected missing field named `value` in `Write`
          |
          = help: it is written in RON, as its type derives `Deserialize`

        error: expected the name of a generated operation, like "c1#7", found the text "c1@7"
         --> scenario:5:6
          |
        5 | (id: "c1@7", at: "9s", client: c2, op: Raed(key: 0)),
          |      ^^^^^^
          |
          = help: an operation that is written down has its number alone: id: 7

        error: expected an operation of the system, found `Raed(…)`
         --> scenario:5:40
          |
        5 | (id: "c1@7", at: "9s", client: c2, op: Raed(key: 0)),
          |                                        ^^^^ unexpected variant named `Raed` in enum `KvOp`, expected one of `Read`, `Write`, or `Cas` instead
          |
          = help: it is written in RON, as its type derives `Deserialize`

        error: expected a whole number from 0 to 4294967295, found the number `-1`
         --> scenario:6:6
          |
        6 | (id: -1, at: 5, client: c1, op: Read(key: 0)),
          |      ^^

        error: expected a length of time, like "150ms", found the number `5`
         --> scenario:6:14
          |
        6 | (id: -1, at: 5, client: c1, op: Read(key: 0)),
          |              ^ the unit is missing
          |
          = help: write "5ms"

        error: the field `id` is missing here
         --> scenario:7:1
          |
        7 | (at: "1s", client: c1),
          | ^
          |
          = help: add id: …, a whole number, or the name of a generated operation, like `"c1#7"`
    "#]].assert_eq(&complaint(&scripted(wrong, "generated: false")));
    let twice = r#"(id: 7, at: "1.2s", client: c1, op: Read(key: 0)),
(id: 7, at: "1.3s", client: c2, op: Read(key: 0)),
(id: "c1#1", at: "1.3s", client: c2, op: Read(key: 0)),
(id: "c1#1", at: "1.4s", client: c2, op: Read(key: 0)),"#;
    expect![[r#"
        error: the identity `7` is given twice
         --> scenario:4:1
          |
        3 | (id: 7, at: "1.2s", client: c1, op: Read(key: 0)),
          | ------------------------------------------------- given first here
        4 | (id: 7, at: "1.3s", client: c2, op: Read(key: 0)),
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ given again here

        error: the identity `"c1#1"` is given twice
         --> scenario:6:1
          |
        5 | (id: "c1#1", at: "1.3s", client: c2, op: Read(key: 0)),
          | ------------------------------------------------------ given first here
        6 | (id: "c1#1", at: "1.4s", client: c2, op: Read(key: 0)),
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ given again here
    "#]]
    .assert_eq(&complaint(&scripted(twice, "generated: false")));
    let late = r#"(id: 7, at: "8s", client: c1, op: Read(key: 0)),"#;
    expect![[r#"
        error: this operation is never invoked
         --> scenario:3:13
          |
        3 | (id: 7, at: "8s", client: c1, op: Read(key: 0)),
          |             ^^^^ the run is over after 8s at the latest
          |
          = help: give the scenario a longer `duration`, or time to `settle`
    "#]]
    .assert_eq(&complaint(&scripted(late, "generated: false")));
    let by_the_wrong_ones = r#"Scenario(name: "s", system: EventBus(), operations: [
(id: 1, at: "1s", client: c1, op: Publish(topic: 5)),
(id: 2, at: "1s", client: c3, op: Publish(topic: 1)),
], generated: false)"#;
    expect![[r#"
        error: there is no topic 5
         --> scenario:2:35
          |
        2 | (id: 1, at: "1s", client: c1, op: Publish(topic: 5)),
          |                                   ^^^^^^^^^^^^^^^^^
          |
          = help: topics are 0 to 1

        error: this client subscribes, and publishes nothing
         --> scenario:3:35
          |
        3 | (id: 2, at: "1s", client: c3, op: Publish(topic: 1)),
          |                                   ^^^^^^^^^^^^^^^^^
          |
          = help: the first clients publish; subscribers take what comes, by themselves
    "#]]
    .assert_eq(&complaint(by_the_wrong_ones));
    let nobody = r#"Scenario(name: "s", system: Detectors(detectors: [Heartbeat(timeout: "3s")]), generated: false)"#;
    expect![[r#"
        error: `Detectors` has no clients, and nobody to invoke anything
         --> scenario:1:90
          |
        1 | Scenario(name: "s", system: Detectors(detectors: [Heartbeat(timeout: "3s")]), generated: false)
          |                                                                                          ^^^^^
          |
          = help: leave it out
    "#]]
    .assert_eq(&complaint(nobody));
}
