//! Why a run fails: what is asked is answered as it is known to be, since the answer was planted.
//!
//! All of it is run by `cargo test --release --test runs why -- --include-ignored --test-threads 1`: two coins, twenty planted chains, each
//! in under five seconds of CPU, and figure 8 of the Raft paper. Four of the chains run always.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use stormglass::base::{Duration, Fate, NodeId};
use stormglass::check::{Property, PropertyReport, Rule, Verdict, Violations};
use stormglass::explore::why::{Alteration, Ask, KeptElement, NamedCause, Share, Silence, Why};
use stormglass::notation::{Count, Form, Settings, Text};
use stormglass::process::{Context, Files, Message, Process};
use stormglass::report::{Invocation, why_text};
use stormglass::scenario::Scenario;
use stormglass::systems::{Nodes, Population, Registry, System, Watch, Written};
use stormglass::trace::{Event, Judge, Record};
use stormglass::workload::NoClient;
use stormglass::world::{Cluster, Conditions, Entity};

/// Servers that beat, each to the next, in a ring. What is planted in them is said by the settings.
struct Planted;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Talk {
    Beat(u64),
    /// The sender is infected, and so is now whoever hears of it.
    Sick,
    /// The first coin fell so.
    Coin(bool),
}
impl Message for Talk {}

stormglass::settings! {
    /// What is planted.
    #[derive(Clone, Debug)]
    struct Plant {
        /// How many servers there are.
        nodes: u32 = 5, Count(2..=100);
        /// What infects the first: `Coins` are another game.
        trigger: String = String::new(), Text;
        /// Which server it is.
        patient: u32 = 1, Count(0..);
        /// The number of the beat that it must not miss.
        beat: u32 = 10, Count(0..);
        /// How many pass it on until it shows.
        links: u32 = 2, Count(1..);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
enum Alarm {
    Beat,
    /// It may be infected by its own choice.
    Choose,
    Flip,
    PassOn,
}

#[derive(Clone, Debug, Serialize)]
enum Note {
    Infected,
    Shows,
    Flipped(bool),
}

struct Server {
    plant: Plant,
    beats: u64,
    heard: u64,
    is_infected: bool,
    /// How many have passed it on before.
    links: u32,
}

impl Server {
    fn next(&self, context: &Context<'_, Self>) -> NodeId {
        NodeId::server((context.me().index() as u32 + 1) % self.plant.nodes)
    }

    fn is_patient(&self, context: &Context<'_, Self>) -> bool {
        context.me().index() as u32 == self.plant.patient
    }

    fn infect(&mut self, context: &mut Context<'_, Self>) {
        if !self.is_infected {
            self.is_infected = true;
            context.note(Note::Infected);
            context.set_timer(Alarm::PassOn, Duration::from_millis(25));
        }
    }
}

impl Process for Server {
    type Config = Plant;
    type Message = Talk;
    type Timer = Alarm;
    type Note = Note;

    fn boot(plant: &Plant, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let mut server = Self { plant: plant.clone(), beats: 0, heard: 0, is_infected: false, links: 0 };
        if plant.trigger == "Coins" && context.me() == NodeId::server(0) {
            context.set_timer(Alarm::Flip, Duration::from_millis(35));
        }
        context.set_timer(Alarm::Beat, Duration::from_millis(10));
        context.set_timer(Alarm::Choose, Duration::from_millis(100));
        let has_started_before = disk.read("started").is_some();
        context.append("started", b"+");
        context.sync();
        if plant.trigger == "Crash" && server.is_patient(context) && has_started_before {
            server.infect(context);
        }
        server
    }

    fn on_message(&mut self, _: NodeId, message: Talk, context: &mut Context<'_, Self>) {
        match message {
            Talk::Beat(number) => {
                let missed = (self.heard + 1..number).contains(&u64::from(self.plant.beat));
                self.heard = self.heard.max(number);
                if self.plant.trigger == "Lost" && self.is_patient(context) && missed {
                    self.infect(context);
                }
            }
            Talk::Sick => {
                self.links += 1;
                self.infect(context);
            }
            Talk::Coin(first) => {
                let second = context.random().below(2) == 1;
                context.note(Note::Flipped(second));
                if first && second {
                    context.note(Note::Shows);
                }
            }
        }
    }

    fn on_timer(&mut self, alarm: Alarm, context: &mut Context<'_, Self>) {
        let next = self.next(context);
        match alarm {
            Alarm::Beat => {
                self.beats += 1;
                context.send(next, Talk::Beat(self.beats));
                context.set_timer(Alarm::Beat, Duration::from_millis(10));
            }
            Alarm::Choose => {
                let is_chosen = context.random().below(5) == 0;
                if self.plant.trigger == "Draw" && self.is_patient(context) && is_chosen {
                    self.infect(context);
                }
            }
            Alarm::Flip => {
                let heads = context.random().below(2) == 1;
                context.note(Note::Flipped(heads));
                context.send(next, Talk::Coin(heads));
            }
            Alarm::PassOn => {
                let me = context.me().index() as u32;
                let links = (me + self.plant.nodes - self.plant.patient) % self.plant.nodes;
                if links >= self.plant.links {
                    context.note(Note::Shows);
                } else {
                    // Told again, so that no later loss matters.
                    context.send(next, Talk::Sick);
                    context.set_timer(Alarm::PassOn, Duration::from_millis(25));
                }
            }
        }
    }
}

const HEALTHY: Property = Property::always("healthy", "nothing shows");
static SHOWN: Rule = Rule::new("shown", "it shows on {node}");

impl Cluster for Planted {
    type Message = Talk;
    type Operation = stormglass::process::NoNote;
    type Response = stormglass::process::NoNote;
    type Server = Server;
    type Client = NoClient<Talk>;
}

impl System for Planted {
    const NAME: &'static str = "Planted";
    const ABOUT: &'static str = "servers in which something is planted";
    type Config = Plant;

    fn properties() -> Vec<Property> {
        vec![HEALTHY]
    }

    fn decode(system: Form<'_>, _: Option<Form<'_>>) -> Option<Plant> {
        let mut fields = system.fields()?;
        let (plant, _) = Plant::read(&mut fields);
        fields.finish();
        Some(plant)
    }

    fn write(plant: &Plant) -> Written {
        Written { system: format!("Planted({})", plant.written()), workload: None }
    }

    fn population(plant: &Plant) -> Population {
        Population { servers: plant.nodes, clients: 0 }
    }

    fn nodes(plant: &Plant, _: &[&'static str]) -> Nodes<Self> {
        Nodes { servers: vec![plant.clone(); plant.nodes as usize], clients: vec![] }
    }

    fn judges(_: &Plant, _: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        vec![Box::new(Health(Violations::default()))]
    }
}

struct Health(Violations);

impl Judge<Planted> for Health {
    fn observe(&mut self, record: &Record<'_, Planted>) {
        if let Event::Note { node, note: Note::Shows } = record.event {
            self.0.add(&HEALTHY, record.sighting(), SHOWN.with("node", *node));
        }
    }

    fn violated(&self) -> bool {
        self.reports().iter().any(|report| report.verdict == Verdict::Violated)
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.0.reports(&[HEALTHY])
    }
}

static NEVER: AtomicBool = AtomicBool::new(false);

fn scenario(system: &str, rest: &str) -> Scenario {
    let text = format!("Scenario(name: \"planted\", system: Planted({system}), duration: \"600ms\", settle: \"0s\", {rest})");
    Scenario::from_ron(&text, &Registry::new().with::<Planted>()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn ask(scenario: &Scenario, seed: u64, jobs: usize) -> Why {
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let ask = Ask { registry: &Registry::new().with::<Planted>(), jobs, runs: 10_000, cancel: &NEVER, run: &run };
    ask.why(None, scenario, seed, &mut |_| {}).unwrap_or_else(|row| panic!("it fails: {row:?}"))
}

/// The first seed from this one on under which it fails.
fn failing(scenario: &Scenario, from: u64) -> u64 {
    (from..from + 1_000).find(|seed| scenario.run(*seed).violates(HEALTHY.name)).expect("one in many fails")
}

fn last(share: &[Share]) -> Share {
    *share.last().expect("the curve has points")
}

/// Two coins, one after the other, each by another server: the chance is a quarter, then a half, then one.
#[test]
fn two_coins_are_both_named_and_their_chances_are_a_quarter_a_half_and_one() {
    let coins = scenario("nodes: 3, trigger: \"Coins\"", "network: (latency: Uniform(\"1ms\", \"5ms\"))");
    let (mut seed, mut held, mut of) = (0, 0, 0);
    for _ in 0..6 {
        seed = failing(&coins, seed + 1);
        let why = ask(&coins, seed, 2);
        let named: Vec<String> = why.curve.rises.iter().map(|rise| rise.records[0].line(80).to_string()).collect();
        assert_eq!(named.len(), 2, "{named:?}");
        assert!(named[0].starts_with("n1 timer Flip") && named[1].starts_with("n1 → n2 Coin #1"), "{named:?}");
        let flips = why.curve.rises.iter().map(|rise| rise.records.iter().filter(|record| record.sort == "note").count());
        assert_eq!(flips.collect::<Vec<_>>(), [1, 2], "each has its flip, and the second shows it");
        let [first, second] = &why.curve.rises[..] else { unreachable!() };
        for (share, chance) in [(first.before, 0.25), (first.after, 0.5), (second.before, 0.5), (why.sufficiency.alone, 0.25)] {
            held += u32::from(share.may_be(chance));
            of += 1;
        }
        let end = last(&why.curve.points.iter().map(|point| point.share).collect::<Vec<_>>());
        assert!(second.after.may_be(1.0) && end.failed == end.of, "{:?}", second.after);
        assert_eq!(why.curve.inevitable, Some(second.records[0].number + 1));
        let mut pins = why.sufficiency.pins.clone();
        pins.sort_unstable();
        assert_eq!(pins, [0, 1].map(|server| Entity::Node(NodeId::server(server))), "both coins, and nothing else");
        assert!(why.sufficiency.suffices);
        assert!(why.carriers.iter().all(|carrier| carrier.share.failed == carrier.share.of || pins.contains(&carrier.entity)));
    }
    // Nineteen of twenty intervals hold the chance.
    assert!(held >= of - 3, "{held} of {of}");
}

#[test]
fn the_answer_is_the_same_on_any_number_of_threads() {
    let coins = scenario("nodes: 3, trigger: \"Coins\"", "network: (latency: Uniform(\"1ms\", \"5ms\"))");
    let seed = failing(&coins, 0);
    let told = |why: &Why| format!("{:?} {:?} {:?} {:?} {:?}", why.elements, why.carriers, why.sufficiency, why.curve.points, why.runs);
    assert_eq!(told(&ask(&coins, seed, 1)), told(&ask(&coins, seed, 4)));
}

fn told(why: &Why) -> String {
    why_text(why, &Invocation::new("stormglass", "a.ron"), 100, false)
}

fn ask_standard(text: &str, seed: u64) -> Why {
    let registry = Registry::standard();
    let scenario = Scenario::from_ron(text, &registry).unwrap_or_else(|problems| panic!("{problems}"));
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let ask = Ask { registry: &registry, jobs: 2, runs: 10_000, cancel: &NEVER, run: &run };
    ask.why(None, &scenario, seed, &mut |_| {}).unwrap_or_else(|row| panic!("it fails: {row:?}"))
}

/// Figure 8 of the Raft paper: an entry that was counted as committed is overwritten, when the second leader is elected again.
#[test]
fn on_figure_8_the_election_and_the_entry_are_named() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/smallest/raft/commits-old-term.ron"));
    let explicit = text.expect("a scenario").replace("duration: \"2s\"", "generated: false, duration: \"2s\"");
    let why = ask_standard(&explicit, 0);
    assert!(why.shrunk.is_none() && why.elements.len() == 3 && why.elements.iter().all(KeptElement::is_necessary), "{:?}", why.elements);
    let told = told(&why);
    let verdict = told.lines().next().unwrap_or_default();
    assert!(verdict.contains("leads term 6") && verdict.contains("without entry 1 of term 1"), "the entry is named: {verdict}");
    assert!(verdict.contains("it has one of term 2 there"), "and what it is overwritten by: {verdict}");
    let steepest = why.curve.rises.iter().max_by(|one, other| one.by().total_cmp(&other.by())).expect("a rise");
    let shows = steepest.shows.first().map(|record| record.line(80).to_string()).unwrap_or_default();
    assert!(shows.ends_with(" timer Election"), "the election is named: {told}");
    assert!(why.curve.inevitable.is_some_and(|after| after < why.records()) && why.sufficiency.suffices, "{told}");
    assert!(why.sibling.is_some(), "{told}");
}

/// A write waits for a leader that waits for the majority that is gone.
#[test]
fn what_was_waited_for_is_told() {
    let stuck = |fault: &str| {
        let operations =
            r#"(id: 1, at: "1s", client: c1, op: Write(key: 0, value: 7)), (id: 2, at: "2500ms", client: c1, op: Write(key: 0, value: 8))"#;
        let text = format!(
            "Scenario(name: \"stuck\", system: RaftKv(nodes: 3), network: (latency: Uniform(\"1ms\", \"5ms\")), workload: (clients: 1), \
             generated: false, operations: [{operations}], faults: [{fault}], duration: \"2400ms\", settle: \"3s\")"
        );
        ask_standard(&text, 1)
    };
    let why = stuck("At(\"2s\", Destroy(node: [n2, n3]))");
    assert_eq!(why.violated.name, "progress");
    let [client, leader] = &why.awaited[..] else { panic!("two links: {:?}", why.awaited) };
    let (n1, n2) = (NodeId::server(0), NodeId::server(1));
    assert_eq!((client.waits, client.from, client.silence.clone()), (NodeId::client(0), Some(n1), Silence::WaitsItself));
    let asked = leader.asked.map(|(_, kind)| kind);
    assert_eq!((leader.waits, leader.from, asked), (n1, Some(n2), Some("AppendEntries")));
    assert!(matches!(leader.silence, Silence::Down(at, false) if at.as_nanos() == 2_000_000_000), "{:?}", leader.silence);
    assert!(told(&why).contains("n2 went down at 2s, and did not come back"), "{}", told(&why));
    let needed: Vec<bool> = why.elements.iter().map(KeptElement::is_necessary).collect();
    assert_eq!(needed, [true, false, true], "the fault and the second write: {:?}", why.elements);
    assert_eq!((why.sufficiency.alone.failed, why.sufficiency.pins.len()), (100, 0));
}

/// What passes differs in one thing, and up to where they part in nothing.
#[test]
fn the_nearest_run_that_passes_passes_and_parts_where_it_is_told() {
    let Chain { scenario, seed, .. } = chain(7);
    let why = ask(&scenario, seed, 2);
    let sibling = why.sibling.as_ref().expect("a run that passes");
    assert!(matches!(&sibling.change, Alteration::Fate { kind: "Beat", was: Fate::Lost(_), .. }), "{:?}", sibling.change);
    let (outcome, other) = sibling.scenario.run_recorded(seed);
    assert_eq!(outcome.verdict(), Verdict::Holds);
    let place = sibling.common as usize;
    let digests = |place: usize| (why.recording.records()[place].digest, other.records()[place].digest);
    let ((one, same), (two, differs)) = (digests(place - 1), digests(place));
    assert!(one == same && two != differs);
    let first = &sibling.parted[0];
    assert_eq!(first.fails.as_ref().map(|record| record.number), Some(sibling.common));
    assert!(first.passes.as_ref().is_some_and(|record| record.message == first.fails.as_ref().and_then(|fails| fails.message)));
}

/// With few runs it tells what it knows by then, and takes no more.
#[test]
fn no_more_runs_are_made_than_it_may() {
    let Chain { scenario, seed, .. } = chain(0);
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    for runs in [1, 2, 20, 300] {
        let ask = Ask { registry: &Registry::new().with::<Planted>(), jobs: 2, runs, cancel: &NEVER, run: &run };
        let why = ask.why(None, &scenario, seed, &mut |_| {}).unwrap_or_else(|row| panic!("it fails: {row:?}"));
        assert!(!why.finished && why.runs <= runs.max(2), "{} of {runs}", why.runs);
        assert!(!told(&why).is_empty());
    }
}

/// A chain: what triggers it, and what is only there.
struct Chain {
    scenario: Scenario,
    seed: u64,
    trigger: Trigger,
}

enum Trigger {
    /// This element, as it is written.
    KeptElement(String),
    /// The event that begins with a record that reads so.
    Event(String),
}

const CHAINS: u32 = 20;

/// The n-th chain: five kinds of triggers, each in four places, among faults that strike others.
fn chain(nth: u32) -> Chain {
    let (patient, beat, links) = (nth % 4 + 1, 8 + nth % 7, 1 + nth % 3);
    let name = |server: u32| format!("n{}", server % 6 + 1);
    // None of them touches the patient, the one before it, and those that pass it on so that it does not show.
    let far = [patient + 4, patient + 5].map(name);
    let at = |place: u32| format!("{}ms", 40 + 13 * nth % 11 + 27 * place);
    let decoys = vec![
        format!("At(\"{}\", Pause(node: {}, lasting: \"20ms\"))", at(0), far[0]),
        format!("At(\"{}\", Crash(node: {}, down: \"15ms\"))", at(1), far[0]),
        format!("At(\"{}\", Partition(cut: Isolate({}), lasting: \"12ms\"))", at(2), far[0]),
        format!("At(\"{}\", Delay(by: \"1ms..3ms\", node: {}, lasting: \"30ms\"))", at(3), far[0]),
        format!("At(\"{}\", StallDisk(node: {}, lasting: \"20ms\"))", at(4), far[0]),
        format!("At(\"{}\", Crash(node: {}, down: \"5ms\"))", at(5), far[0]),
    ];
    let before = name(patient + 5);
    let me = name(patient);
    let plant = |trigger: &str| format!("nodes: 6, trigger: \"{trigger}\", patient: {patient}, beat: {beat}, links: {links}");
    let whole = |trigger: &str, more: Option<&str>, network: &str, fates: &str| {
        let mut steps = decoys.clone();
        steps.extend(more.map(str::to_owned));
        let place = nth as usize % steps.len();
        steps.rotate_right(place);
        scenario(&plant(trigger), &format!("{network}, faults: [{}], fates: [{fates}]", steps.join(", ")))
    };
    let uniform = "network: (latency: Uniform(\"1ms\", \"4ms\"))";
    let lost = |from: &str, to: &str, count: u32| format!("(from: {from}, to: {to}, kind: \"Beat\", count: {count}, fate: Lost)");
    let fate_decoys = [lost(&far[0], &name(patient + 5), 9), lost(&me, &name(patient + 1), 7)].join(", ");
    let (scenario, trigger) = match nth % 5 {
        0 => {
            let crash = format!("At(\"{}\", Crash(node: {me}, down: \"8ms\"))", at(3));
            (whole("Crash", Some(&crash), uniform, ""), Trigger::KeptElement(crash))
        }
        1 => {
            let cut = format!("At(\"{}ms\", Partition(cut: OneWay(from: {before}, to: {me}), lasting: \"10ms\"))", 10 * beat - 5);
            (whole("Lost", Some(&cut), uniform, ""), Trigger::KeptElement(cut))
        }
        2 => {
            let fate = lost(&before, &me, beat);
            let fates = format!("{fate_decoys}, {fate}");
            (whole("Lost", None, uniform, &fates), Trigger::KeptElement(format!("{before} → {me} Beat #{beat}: Lost")))
        }
        3 => (whole("Draw", None, uniform, ""), Trigger::Event(format!("{me} timer Choose"))),
        _ => {
            let lossy = "network: (latency: Uniform(\"1ms\", \"4ms\"), loss: \"1/20\")";
            (whole("Lost", None, lossy, ""), Trigger::Event(format!("{before} timer Beat")))
        }
    };
    let seed = failing(&scenario, u64::from(nth) * 1_000);
    Chain { scenario, seed, trigger }
}

fn words(cause: &NamedCause<'_>) -> String {
    match cause {
        NamedCause::Element(KeptElement { text, .. }) => text.clone(),
        NamedCause::Event(rise) => rise.records.iter().map(|record| record.line(80).to_string()).collect::<Vec<_>>().join(" · "),
    }
}

/// Whether the trigger is among the first three that are named. A decoy never is.
fn is_named(nth: u32) -> bool {
    let Chain { scenario, seed, trigger } = chain(nth);
    let before = cpu_time::ProcessTime::now();
    let why = ask(&scenario, seed, 1);
    let spent = before.elapsed();
    println!("chain {nth}: {spent:?} of CPU");
    // What stands beside it in this process spends, too.
    assert!(cfg!(debug_assertions) || spent.as_secs() < 5, "chain {nth} took {spent:?}");
    let named: Vec<String> = why.causes().iter().map(words).collect();
    let is_trigger = |named: &String| match &trigger {
        Trigger::KeptElement(text) => named == text,
        Trigger::Event(begins) => named.starts_with(begins.as_str()),
    };
    let is_strike = |cause: &NamedCause<'_>| match cause {
        NamedCause::Element(_) => true,
        NamedCause::Event(rise) => rise.records.iter().any(|record| record.sort == "fault"),
    };
    let strikes = why.causes().into_iter().filter(is_strike).map(|cause| words(&cause));
    let decoys: Vec<String> = strikes.filter(|named| !is_trigger(named)).collect();
    assert!(decoys.is_empty(), "chain {nth}, seed {seed}: a decoy is named: {decoys:?}");
    assert!(why.finished && why.violated.name == HEALTHY.name);
    if nth % 5 == 4 {
        let pins = (&why.sufficiency.pins, &why.sufficiency.fates);
        assert!(pins.0.is_empty() && pins.1.len() == 1 && why.sufficiency.suffices, "the one lost beat is pinned, and no more: {pins:?}");
    }
    let found = named.iter().take(3).any(is_trigger);
    if !found {
        eprintln!("chain {nth}, seed {seed}: {named:#?}\n{:?}", why.curve.points);
    }
    found
}

#[test]
fn the_trigger_of_a_chain_is_named_and_no_decoy() {
    for nth in [0, 3, 4, 7] {
        assert!(is_named(nth), "chain {nth}");
    }
}

#[test]
#[ignore = "all twenty: see above"]
fn the_triggers_of_twenty_chains_are_named() {
    let named = (0..CHAINS).filter(|nth| is_named(*nth)).count();
    assert!(named >= 19, "{named} of {CHAINS}");
}
