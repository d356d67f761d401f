//! Services of any kind: servers of two kinds, notes that wait for the disk, clients that see their clock and have something to say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stormglass::base::{ClientId, Duration, LocalTime, NodeId, OperationId, Stream, Time};
use stormglass::check::{Property, PropertyReport, Rule, Verdict, Violations};
use stormglass::environment::ClockModel;
use stormglass::process::{Context, Either, Files, Mark, Message, NoNote, Process, Reply, Service};
use stormglass::scenario::Scenario;
use stormglass::systems::service::{Served, Serves};
use stormglass::systems::{Mutant, Registry, Watch};
use stormglass::trace::{Event, Judge, Record, Sink, UntypedRecord};
use stormglass::workload::{Generator, Turn};
use stormglass::world::Conditions;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Talk {
    Ask(ClientId, u64),
    Pass(NodeId, ClientId, u64),
    Counted(ClientId, u64, u64),
}
impl Message for Talk {}

/// Passes on what clients ask.
struct Front;

const STORE: NodeId = NodeId::server(1);
const PASSED: Mark = Mark::new("question passed on", "");

impl Process for Front {
    type Config = ();
    type Message = Talk;
    type Timer = ();
    type Note = NoNote;
    const MARKS: &'static [Mark] = &[PASSED];

    fn boot((): &(), _: &Files, _: &mut Context<'_, Self>) -> Self {
        Self
    }

    fn on_message(&mut self, from: NodeId, message: Talk, context: &mut Context<'_, Self>) {
        if let Talk::Ask(session, number) = message {
            context.sometimes(PASSED);
            context.send(STORE, Talk::Pass(from, session, number));
        }
    }

    fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
}

/// Counts on disk what it is asked, and says so.
struct Store {
    count: u64,
    says_early: bool,
}

#[derive(Debug, Serialize)]
struct OnDisk(u64);

impl Process for Store {
    type Config = bool;
    type Message = Talk;
    type Timer = ();
    type Note = OnDisk;

    fn boot(says_early: &bool, disk: &Files, _: &mut Context<'_, Self>) -> Self {
        Self { count: disk.read("count").map_or(0, |bytes| bytes.len() as u64), says_early: *says_early }
    }

    fn on_message(&mut self, _: NodeId, message: Talk, context: &mut Context<'_, Self>) {
        let Talk::Pass(client, session, number) = message else { return };
        self.count += 1;
        context.append("count", b"+");
        if self.says_early {
            context.note(OnDisk(self.count));
        } else {
            context.note_when_durable(OnDisk(self.count));
        }
        context.send_when_durable(client, Talk::Counted(session, number, self.count));
    }

    fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
}

/// Asks, and says when.
struct Asks;

const ASKED: Mark = Mark::new("client asked", "");

impl Generator<String, u64> for Asks {
    type Config = ();
    type Note = LocalTime;
    const MARKS: &'static [Mark] = &[ASKED];

    fn new((): &()) -> Self {
        Self
    }

    fn next(&mut self, _: OperationId, _: &mut Stream, turn: &mut Turn<LocalTime>) -> String {
        turn.sometimes(ASKED);
        turn.note(turn.now());
        "count".to_owned()
    }
}

struct Counting;

impl Service for Counting {
    type Message = Talk;
    type Operation = String;
    type Response = u64;
    const RETRY: bool = false;

    fn request(session: ClientId, number: u64, _: &String) -> Talk {
        Talk::Ask(session, number)
    }

    fn reply(message: Talk) -> Option<(ClientId, u64, Reply<u64>)> {
        let Talk::Counted(session, number, count) = message else { return None };
        Some((session, number, Reply::Done(count)))
    }
}

const KEPT: Property = Property::always("kept", "what is said to be on disk is there after a crash");
static GONE: Rule = Rule::new("gone", "{node} found {found} of {said}");
const CLOCKS: Property = Property::always("clocks", "a client's clock goes on, and is off by no more than the scenario says");
static BACK: Rule = Rule::new("back", "the clock of {node} went back");
static OFF: Rule = Rule::new("off", "the clock of {node} is off by {by}");

struct Keeping {
    said: u64,
    /// How far off clocks may be.
    offset: Duration,
    drift_ppm: u32,
    clocks: BTreeMap<NodeId, LocalTime>,
    found: Violations,
}

fn off(at: Time, clock: LocalTime) -> u64 {
    (i128::from(clock.as_nanos()) - i128::from(at.as_nanos())).unsigned_abs() as u64
}

impl Keeping {
    fn off_at_most(&self, at: Time) -> u64 {
        self.offset.as_nanos() + 1 + at.as_nanos() * u64::from(self.drift_ppm) / 1_000_000
    }
}

impl Judge<Served<Counting>> for Keeping {
    fn observe(&mut self, record: &Record<'_, Served<Counting>>) {
        match record.event {
            Event::Note { note: Either::Second(OnDisk(count)), .. } => self.said = *count,
            Event::Boot { node: STORE, files, .. } => {
                let found = files.first().map_or(0, |(_, bytes)| bytes.len() as u64);
                if found < self.said {
                    let broken = GONE.with("node", STORE).with("found", found).with("said", self.said);
                    self.found.add(&KEPT, record.sighting(), broken);
                }
            }
            Event::ClientNote { node, note } if off(record.at, **note) > self.off_at_most(record.at) => {
                self.found.add(&CLOCKS, record.sighting(), OFF.with("node", *node).with("by", off(record.at, **note)));
            }
            Event::ClientNote { node, note } if self.clocks.insert(*node, **note).is_some_and(|before| before > **note) => {
                self.found.add(&CLOCKS, record.sighting(), BACK.with("node", *node));
            }
            _ => {}
        }
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.found.reports(&[KEPT, CLOCKS])
    }
}

impl Serves for Counting {
    const NAME: &'static str = "Counting";
    const ABOUT: &'static str = "a front, and a store behind it";
    type Server = Either<Front, Store>;
    type Settings = ();
    type Generator = Asks;
    type Load = ();

    fn servers(_: &(), mutants: &[&'static str]) -> Vec<Either<(), bool>> {
        vec![Either::First(()), Either::Second(!mutants.is_empty())]
    }

    fn fronts(_: &()) -> u32 {
        1
    }

    fn mutants() -> Vec<Mutant> {
        let (about, needs) = ("It says what is on disk before it is.", &["a crash"]);
        vec![Mutant { name: "counting/says-early", property: Some(KEPT.name), about, source: "this file", needs, rules: () }]
    }

    fn properties() -> Vec<Property> {
        vec![KEPT, CLOCKS]
    }

    fn judges(_: &(), conditions: &Conditions) -> Vec<Box<dyn Judge<Served<Self>>>> {
        let ClockModel { offset, drift_ppm } = conditions.clocks;
        vec![Box::new(Keeping { said: 0, offset, drift_ppm, clocks: BTreeMap::new(), found: Violations::default() })]
    }
}

/// Counts what clients note besides their history, and what the store notes.
#[derive(Default)]
struct Notes {
    clients: u64,
    /// By how much a clock was off at most.
    off: u64,
    store: Vec<String>,
}

impl Sink for Notes {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        match entry.node.filter(|_| entry.sort == "note") {
            Some(node) if node.is_client() => {
                self.clients += 1;
                let (note, clock) = (entry.payload.expect("a note says something"), entry.clock.expect("clocks are off"));
                assert_eq!(note.json(), clock.as_nanos(), "the client noted what its clock read");
                self.off = self.off.max(off(entry.at, clock));
            }
            Some(_) => self.store.extend(entry.payload.map(|note| format!("{note:?}"))),
            None => {}
        }
    }
}

fn scenario() -> Scenario {
    let text = r#"Scenario(
        name: "the store crashes", system: Counting(), workload: (clients: 2, think: "0s..5ms", request_timeout: "100ms"),
        disk: (sync: Uniform("1ms", "9ms")), clocks: (offset: "1s", drift: "1000ppm"),
        faults: [Every("50ms..150ms", Crash(node: n2, down: "5ms..20ms"))], duration: "2s", settle: "2s",
    )"#;
    Scenario::from_ron(text, &Registry::new().with::<Served<Counting>>()).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn servers_of_two_kinds_serve_clients_that_note_and_mark() {
    for seed in 0..5 {
        let mut notes = Notes::default();
        let outcome = scenario().run_watched(seed, Watch { sinks: vec![&mut notes], ..Watch::default() });
        let broken = outcome.properties.iter().filter(|report| report.verdict != Verdict::Holds).collect::<Vec<_>>();
        assert!(broken.is_empty(), "{broken:?}");
        let count = |name: &str| outcome.sometimes.iter().find(|mark| mark.name == name).map(|mark| mark.count);
        assert!(outcome.strays.is_empty(), "{:?}", outcome.strays);
        assert!(count(PASSED.name) > Some(50), "{:?}", outcome.sometimes);
        assert_eq!(count(ASKED.name), Some(notes.clients), "a note for each operation");
        assert!(notes.off > 1_000_000, "clocks are off, and the judge knows by how much they may be");
        assert!(notes.store.len() > 20 && notes.store.iter().all(|note| note.starts_with("OnDisk(")), "as if it stood alone");
    }
}

#[test]
fn a_note_that_waits_for_the_disk_is_never_undone() {
    let mut early = scenario();
    early.mutants = vec!["counting/says-early"];
    let undone = |seed| early.run(seed).properties.iter().any(|report| report.name == KEPT.name && report.verdict == Verdict::Violated);
    assert!((0..5).any(undone), "a note that does not wait is");
    for seed in 0..20 {
        scenario().assert_holds(seed);
    }
}

/// A service whose operation derives `Deserialize` needs no line of its own for it, whatever its clients' clocks say.
#[test]
fn operations_of_a_service_are_written_down() {
    let drawn = scenario().run_observed(1);
    assert!(drawn.operations.len() > 100 && drawn.operations.iter().all(|operation| operation.op.is_some()));
    let again = scenario().with_operations(drawn.operations.clone()).run_observed(1);
    assert_eq!(again.operations, drawn.operations);
    assert_eq!(again.outcome.digest, drawn.outcome.digest, "what the generator notes and marks is part of the run");
    let text = scenario().with_operations(drawn.operations).to_ron();
    let read = Scenario::from_ron(&text, &Registry::new().with::<Served<Counting>>()).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(read.run(1).digest, again.outcome.digest);
}
