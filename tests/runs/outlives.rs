//! Failures outlive changes of the code: one that was saved still fails, in the same way, when servers draw once more, say one more kind of
//! message, set a timer more, put a field more into a message, or get ready in another order; shrunk or not.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use stormglass::base::{ClientId, Duration, KvOp, KvResponse, NodeId};
use stormglass::check::Verdict;
use stormglass::check::linearizability::LINEARIZABILITY;
use stormglass::diagnostic::{Diagnostics, Source};
use stormglass::explore::shrink::Shrink;
use stormglass::explore::{Row, fingerprint};
use stormglass::process::{self, Context, Files, NoNote, Process, Release, Reply, Service};
use stormglass::scenario::{Failure, Scenario};
use stormglass::systems::kv::{KeyValue, Kv};
use stormglass::systems::{Mutant, Registry, Watch};

/// What was changed since the failure was saved.
const NOTHING: u8 = 0;
const A_DRAW: u8 = 1;
const A_KIND: u8 = 2;
const A_TIMER: u8 = 3;
const A_FIELD: u8 = 4;
const BOOT_ORDER: u8 = 5;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Talk {
    Request(ClientId, u64, KvOp),
    Answer(ClientId, u64, KvResponse),
    Do {
        session: ClientId,
        number: u64,
        operation: KvOp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<u64>,
    },
    Done(ClientId, u64, KvResponse),
    Hello,
}
impl process::Message for Talk {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
enum Alarm {
    Ready,
    Idle,
}

const STORE: NodeId = NodeId::server(1);

/// The first server passes on what clients ask, the second one keeps it.
struct Server<const CHANGE: u8> {
    release: Release,
    is_ready: bool,
    early: Vec<(NodeId, Talk)>,
    clients: BTreeMap<ClientId, NodeId>,
    values: BTreeMap<u64, u64>,
    done: BTreeMap<ClientId, (u64, KvResponse)>,
}

impl<const CHANGE: u8> Process for Server<CHANGE> {
    type Config = Release;
    type Message = Talk;
    type Timer = Alarm;
    type Note = NoNote;

    fn boot(release: &Release, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let mut server = Self {
            release: *release,
            is_ready: CHANGE != BOOT_ORDER,
            early: vec![],
            clients: BTreeMap::new(),
            values: BTreeMap::new(),
            done: BTreeMap::new(),
        };
        for (session, number, operation) in disk.records("log") {
            server.apply(session, number, operation);
        }
        if CHANGE == BOOT_ORDER {
            // The store is ready first.
            context.set_timer(Alarm::Ready, Duration::from_micros(if context.me() == STORE { 1 } else { 200 }));
        }
        if CHANGE == A_TIMER {
            context.set_timer(Alarm::Idle, Duration::from_millis(7));
        }
        server
    }

    fn on_message(&mut self, from: NodeId, message: Talk, context: &mut Context<'_, Self>) {
        if !self.is_ready {
            return self.early.push((from, message));
        }
        if CHANGE == A_DRAW {
            context.random().word();
        }
        match message {
            Talk::Request(session, number, operation) => {
                self.clients.insert(session, from);
                if CHANGE == A_KIND {
                    context.send(STORE, Talk::Hello);
                }
                let hint = (CHANGE == A_FIELD).then_some(7);
                context.send(STORE, Talk::Do { session, number, operation, hint });
            }
            Talk::Do { session, number, operation, .. } => {
                let response = match self.done.get(&session) {
                    Some((last, _)) if *last > number => return,
                    Some((last, response)) if *last == number => *response,
                    _ => {
                        context.append_record("log", &(session, number, operation));
                        self.apply(session, number, operation)
                    }
                };
                context.release(self.release, from, Talk::Done(session, number, response));
            }
            Talk::Done(session, number, response) => {
                if let Some(client) = self.clients.get(&session) {
                    context.send(*client, Talk::Answer(session, number, response));
                }
            }
            Talk::Answer(..) | Talk::Hello => {}
        }
    }

    fn on_timer(&mut self, alarm: Alarm, context: &mut Context<'_, Self>) {
        match alarm {
            Alarm::Idle => context.set_timer(Alarm::Idle, Duration::from_millis(7)),
            Alarm::Ready => {
                self.is_ready = true;
                for (from, message) in std::mem::take(&mut self.early) {
                    self.on_message(from, message, context);
                }
            }
        }
    }
}

impl<const CHANGE: u8> Server<CHANGE> {
    fn apply(&mut self, session: ClientId, number: u64, operation: KvOp) -> KvResponse {
        let response = match operation {
            KvOp::Write { key, value } => {
                self.values.insert(key, value);
                KvResponse::Written
            }
            operation => KvResponse::Value(self.values.get(&operation.key()).copied()),
        };
        self.done.insert(session, (number, response));
        response
    }
}

struct Store<const CHANGE: u8>;

impl<const CHANGE: u8> Service for Store<CHANGE> {
    type Message = Talk;
    type Operation = KvOp;
    type Response = KvResponse;

    fn request(session: ClientId, number: u64, operation: &KvOp) -> Talk {
        Talk::Request(session, number, *operation)
    }

    fn reply(message: Talk) -> Option<(ClientId, u64, Reply<KvResponse>)> {
        if let Talk::Answer(session, number, response) = message { Some((session, number, Reply::Done(response))) } else { None }
    }
}

impl<const CHANGE: u8> KeyValue for Store<CHANGE> {
    const NAME: &'static str = "Store";
    const ABOUT: &'static str = "a server that passes on, and one that keeps";
    const CAS: bool = false;
    type Server = Server<CHANGE>;
    type Settings = ();

    fn server((): &(), _: u32, mutants: &[&'static str]) -> Release {
        if mutants.is_empty() { Release::Durable } else { Release::Now }
    }

    fn mutants() -> Vec<Mutant> {
        let (about, needs) = ("The store answers before what it keeps is on disk.", &["a crash"]);
        vec![Mutant { name: "store/early", property: Some(LINEARIZABILITY.name), about, source: "this file", needs, rules: () }]
    }
}

fn registry<const CHANGE: u8>() -> Registry {
    Registry::new().with::<Kv<Store<CHANGE>>>()
}

const STORM: &str = r#"Scenario(
    name: "a store that forgets",
    system: Store(nodes: 2),
    mutant: "store/early",
    network: (latency: Uniform("1ms", "5ms"), loss: "1/50"),
    disk: (sync: Uniform("5ms", "20ms")),
    workload: (clients: 3, keys: 2, rate: "100/s", mix: (read: 1, write: 1), request_timeout: "50ms"),
    faults: [Every("50ms..200ms", Crash(node: Any, down: "5ms..20ms"))],
    duration: "2s",
)"#;

/// Reads what was saved after this change of the code, and demands that it fails as it did.
fn fails_still<const CHANGE: u8>(saved: &str, what: &str) {
    let (source, problems) = (Source::new("saved.ron", saved), Diagnostics::new());
    let failure =
        Failure::parse(&source, &registry::<CHANGE>(), &problems).unwrap_or_else(|| panic!("{}", problems.render(&source, false)));
    let outcome = failure.scenario.run(failure.seed);
    let mut violated = outcome.properties.iter().filter(|report| report.verdict == Verdict::Violated);
    assert!(violated.any(|report| fingerprint(report) == failure.fingerprint), "{what}: {:?}", outcome.properties);
}

#[test]
fn a_saved_failure_outlives_changes_of_the_code() {
    let storm = Scenario::from_ron(STORM, &registry::<NOTHING>()).unwrap_or_else(|problems| panic!("{problems}"));
    storm.clone().without_mutants().assert_holds(1);
    let failing = (0..20).find_map(|seed| {
        let outcome = storm.run(seed);
        Row::new(seed, Ok(outcome.clone())).fingerprint.map(|fingerprint| (seed, outcome, fingerprint))
    });
    let (seed, outcome, print) = failing.expect("one of twenty seeds shows it");
    let (registry, cancel) = (registry::<NOTHING>(), AtomicBool::new(false));
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let shrink = Shrink { registry: &registry, jobs: 2, runs: 400, cancel: &cancel, mends: true, run: &run };
    let small = shrink.shrink(&storm, seed, &mut |_| {}).expect("it fails");
    let smallest = small.scenario.run(small.seed);
    let saved = [
        ("as it failed", Failure::new(&storm.with_faults(outcome.struck.clone()), &outcome, print)),
        ("shrunk", Failure::new(&small.scenario, &smallest, small.fingerprint)),
    ];
    for (what, failure) in saved {
        let mended = failure.scenario.clone().without_mutants().run(failure.seed);
        assert_ne!(mended.verdict(), Verdict::Violated, "{what}, and mended");
        let text = failure.to_ron();
        fails_still::<NOTHING>(&text, &format!("{what}, nothing changed"));
        fails_still::<A_DRAW>(&text, &format!("{what}, a draw"));
        fails_still::<A_KIND>(&text, &format!("{what}, a kind of message"));
        fails_still::<A_TIMER>(&text, &format!("{what}, a timer"));
        fails_still::<A_FIELD>(&text, &format!("{what}, a field"));
        fails_still::<BOOT_ORDER>(&text, &format!("{what}, the order of boots"));
    }
}
