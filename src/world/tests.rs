//! The world with a toy in it: servers that write down what they are told and answer once it is durable, clients that tell them numbers.

use serde::{Deserialize, Serialize};

use super::*;
use crate::base::{ClientId, Duration, DurationRange, Fate, FixedFate, Loss, OperationId, Ratio, Which};
use crate::check::{Doing, Explanation, Panic, PropertyReport, Verdict};
use crate::environment::Latency;
use crate::fault::{Cut, Fault, FaultPlan, FaultStep, Happening, Target, Trigger};
use crate::history;
use crate::process::{Claim, ClientProcess, Context, Files, Mark, NoNote, Process, Role};
use crate::trace::Table;
use crate::trace::{Record, UntypedRecord};

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Talk {
    Tell(u64),
    Told(u64),
}
impl Message for Talk {}

/// How a toy misbehaves.
#[derive(Clone, Copy, Default)]
struct Quirks {
    payload: u64,
    disk: u8,
    panics_at: Option<u64>,
    spins_at: Option<u64>,
    mute: bool,
    /// Panics when it is asked for this.
    shy: Option<&'static str>,
    /// Its fingerprint, and how far it has come; by default it has none.
    state: Option<(u64, u64)>,
}

impl Quirks {
    fn bear(&self, question: &str) {
        assert!(self.shy != Some(question), "a shy node was asked for its {question}");
    }
}

struct Listener {
    quirks: Quirks,
    heard: u64,
}

const WISE: Role = Role::new("Wise", "");

impl Process for Listener {
    type Config = Quirks;
    type Message = Talk;
    type Timer = ();
    type Note = NoNote;
    const ROLES: &'static [Role] = &[WISE];

    fn boot(quirks: &Quirks, disk: &Files, _: &mut Context<'_, Self>) -> Self {
        Self { quirks: *quirks, heard: disk.read("heard").map_or(0, |bytes| bytes.len() as u64 / 8) }
    }

    fn on_message(&mut self, from: NodeId, message: Talk, context: &mut Context<'_, Self>) {
        let Talk::Tell(number) = message else { return };
        self.heard += 1;
        if self.quirks.panics_at == Some(self.heard) {
            panic!("cannot bear the number {number}");
        }
        if self.quirks.spins_at == Some(self.heard) {
            context.set_timer((), Duration::ZERO);
        }
        let mut bytes = number.to_le_bytes();
        bytes[7] ^= self.quirks.disk;
        context.append("heard", &bytes);
        if !self.quirks.mute {
            context.send_when_durable(from, Talk::Told(number ^ self.quirks.payload));
        }
    }

    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        context.set_timer((), Duration::ZERO);
    }

    fn role(&self) -> Option<Claim> {
        self.quirks.bear("role");
        Some(WISE.ranked(self.heard))
    }

    fn status(&self) -> String {
        self.quirks.bear("status");
        String::new()
    }
}

/// Tells the servers a number each ten milliseconds, each in turn.
struct Explainer {
    servers: u32,
    told: u64,
    session: u32,
    open: bool,
    quiet: bool,
}

impl Explainer {
    fn client(&self, context: &Context<'_, Self>) -> ClientId {
        ClientId { client: context.me().index() as u32, session: self.session }
    }
}

impl Process for Explainer {
    type Config = u32;
    type Message = Talk;
    type Timer = ();
    type Note = history::Event<u64, u64>;
    const MARKS: &'static [Mark] = &[Mark::new("answered", "")];

    fn boot(servers: &u32, _: &Files, context: &mut Context<'_, Self>) -> Self {
        context.set_timer((), Duration::from_millis(10));
        Self { servers: *servers, told: 0, session: 0, open: false, quiet: false }
    }

    fn on_message(&mut self, _: NodeId, message: Talk, context: &mut Context<'_, Self>) {
        if let (Talk::Told(number), true) = (message, self.open) {
            self.open = false;
            context.sometimes("answered");
            let client = self.client(context);
            context.note(history::Event::Complete { client, outcome: history::Outcome::Done(number) });
        }
    }

    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        if self.open {
            let client = self.client(context);
            context.note(history::Event::Complete { client, outcome: history::Outcome::Unknown });
            (self.open, self.session) = (false, self.session + 1);
        }
        if self.quiet {
            return;
        }
        self.told += 1;
        self.open = true;
        let client = self.client(context);
        context.note(history::Event::Invoke { client, id: OperationId::new(client, self.told as u32), op: self.told });
        context.send(NodeId::server((self.told % u64::from(self.servers)) as u32), Talk::Tell(self.told));
        context.set_timer((), Duration::from_millis(10));
    }
}

impl ClientProcess for Explainer {
    fn quiesce(&mut self, _: &mut Context<'_, Self>) {
        self.quiet = true;
    }

    fn under_way(&self) -> usize {
        usize::from(self.open)
    }
}

struct Toy;

impl Cluster for Toy {
    type Message = Talk;
    type Operation = u64;
    type Response = u64;
    type Server = Listener;
    type Client = Explainer;

    fn fingerprint(server: &Listener) -> Option<u64> {
        server.quirks.bear("fingerprint");
        server.quirks.state.map(|(print, _)| print)
    }

    fn reached(server: &Listener) -> Option<Reached> {
        server.quirks.state.map(|(_, count)| Reached { count, of: "steps" })
    }
}

fn setup(quirks: Quirks, steps: Vec<FaultStep>) -> Setup<Toy> {
    let conditions = Conditions {
        link: crate::environment::LinkModel {
            latency: Latency::Uniform(range("1ms..5ms")),
            loss: Ratio::new(1, 50).unwrap(),
            duplicate: Ratio::new(1, 50).unwrap(),
        },
        faults: FaultPlan::new(steps),
        duration: Duration::from_secs(2),
        settle: Duration::from_secs(1),
        ..Conditions::default()
    };
    Setup { servers: vec![quirks; 5], clients: vec![5; 2], conditions, script: None }
}

fn run(setup: Setup<Toy>, seed: u64) -> Outcome {
    World::run(setup, seed, vec![], vec![]).outcome
}

fn range(text: &str) -> DurationRange {
    text.parse().unwrap()
}

fn at(millis: u64, fault: Fault) -> FaultStep {
    FaultStep::at(Time::ZERO + Duration::from_millis(millis), fault)
}

fn crash(node: Target) -> Fault {
    Fault::Crash { node, down: Some(range("10ms..200ms").into()) }
}

/// Some of everything.
fn storm() -> Vec<FaultStep> {
    let choice = Fault::OneOf {
        faults: vec![
            crash(Target::Any),
            crash(Target::Minority),
            Fault::Pause { node: Target::Role("Wise"), lasting: Some(range("10ms..100ms").into()) },
            Fault::Partition { cut: Cut::Halves, lasting: Some(range("50ms..100ms").into()) },
            Fault::Partition {
                cut: Cut::OneWay { from: Target::Nodes(vec![NodeId::client(0), NodeId::client(1)]), to: Target::Role("Wise") },
                lasting: None,
            },
            Fault::Lose { chance: Ratio::new(1, 2).unwrap(), lasting: Some(range("10ms..50ms").into()) },
            Fault::Duplicate { chance: Ratio::new(1, 2).unwrap(), lasting: Some(range("10ms..50ms").into()) },
            Fault::Delay { by: range("5ms..20ms"), node: Some(Target::Any), lasting: Some(range("10ms..50ms").into()) },
            Fault::Delay { by: range("5ms..20ms"), node: None, lasting: Some(range("10ms..50ms").into()) },
            Fault::StallDisk { node: Target::Any, lasting: Some(range("10ms..50ms").into()) },
            Fault::Heal,
        ],
    };
    let trigger = |on, nth| Trigger { on, node: None, nth };
    vec![
        FaultStep::every(range("20ms..200ms"), choice),
        FaultStep::when(trigger(Happening::Delivered { kind: "Tell" }, 20), crash(Target::Receiver)),
        FaultStep::when(trigger(Happening::Crashed, 2), crash(Target::Any)),
        at(
            500,
            Fault::Partition {
                cut: Cut::Groups { groups: vec![vec![NodeId::client(0)], (0..5).map(NodeId::server).collect()] },
                lasting: None,
            },
        ),
        at(700, Fault::Heal),
    ]
}

fn report<'o>(outcome: &'o Outcome, name: &str) -> &'o PropertyReport {
    outcome.properties.iter().find(|property| property.name == name).unwrap()
}

#[test]
fn a_run_is_a_function_of_setup_and_seed() {
    let first = run(setup(Quirks::default(), storm()), 7);
    assert_eq!(first, run(setup(Quirks::default(), storm()), 7));
    assert_ne!(first.digest, run(setup(Quirks::default(), storm()), 8).digest);
    assert_eq!(first.verdict(), Verdict::Holds);
    assert!(first.operations.completed > 100 && first.operations.unknown > 0);
}

#[test]
fn one_fate_one_bit_or_one_byte_changes_the_digest() {
    let plain = run(setup(Quirks::default(), vec![]), 1);
    let payload = run(setup(Quirks { payload: 1 << 40, ..Quirks::default() }, vec![]), 1);
    let disk = run(setup(Quirks { disk: 1, ..Quirks::default() }, vec![]), 1);
    let mut fated = setup(Quirks::default(), vec![]);
    let (which, fate) = (Which::Count(3), Fate::Lost(Loss::Override));
    fated.conditions.fates.push(FixedFate { from: NodeId::client(1), to: NodeId::server(1), kind: "Tell", which, fate });
    let fate = run(fated, 1);
    for other in [&payload, &disk, &fate] {
        assert_ne!(other.digest, plain.digest);
    }
    // A payload and a disk byte that nobody acts upon change the digest and nothing else.
    assert_eq!((payload.events, payload.messages), (plain.events, plain.messages));
    assert_eq!((disk.events, disk.messages), (plain.events, plain.messages));
}

#[test]
fn what_struck_repeats_the_run() {
    let mut struck_in_all = 0;
    for seed in 0..200 {
        let first = run(setup(Quirks::default(), storm()), seed);
        struck_in_all += first.struck.steps().len();
        let again = run(setup(Quirks::default(), first.struck.steps().to_vec()), seed);
        assert_eq!(again.digest, first.digest, "seed {seed}");
        assert_eq!(again.struck, first.struck);
    }
    assert!(struck_in_all > 2_000, "{struck_in_all}");
}

#[test]
fn watching_changes_nothing() {
    struct Count(u64);
    impl Sink for Count {
        fn record(&mut self, _: &UntypedRecord<'_>) {
            self.0 += 1;
        }
    }
    struct Idle;
    impl Judge<Toy> for Idle {
        fn observe(&mut self, _: &Record<'_, Toy>) {}
        fn reports(&self) -> Vec<PropertyReport> {
            vec![]
        }
    }
    let mut count = Count(0);
    let watched = World::run(setup(Quirks::default(), storm()), 3, vec![Box::new(Idle)], vec![&mut count]).outcome;
    assert_eq!(watched, run(setup(Quirks::default(), storm()), 3));
    assert!(count.0 > 1_000);
}

#[test]
fn every_kind_of_fault_bites() {
    let mut bites = std::collections::BTreeMap::<&str, (u64, u64)>::new();
    for seed in 0..20 {
        for fault in run(setup(Quirks::default(), storm()), seed).faults {
            let total = bites.entry(fault.kind).or_default();
            *total = (total.0 + fault.strikes, total.1 + fault.bites);
        }
    }
    // The toy's servers do not talk to each other, so that most partitions find nothing to lose.
    for (kind, (strikes, bites)) in &bites {
        assert!(bites * 10 > *strikes, "{kind}: {bites} of {strikes}");
    }
    assert_eq!(bites.len(), 8, "{bites:?}");
}

#[test]
fn an_answer_waits_until_it_is_durable() {
    struct Order {
        written: u64,
        durable: u64,
        answers: u64,
    }
    impl Sink for Order {
        fn record(&mut self, entry: &UntypedRecord<'_>) {
            let number = |wanted| entry.numbers.iter().find(|(name, _)| *name == wanted).map_or(0, |(_, number)| *number);
            match (entry.sort, entry.node) {
                ("write", Some(node)) if node == NodeId::server(0) => self.written = number("write"),
                ("synced", Some(node)) if node == NodeId::server(0) => self.durable = number("through"),
                ("send", Some(node)) if node == NodeId::server(0) => {
                    self.answers += 1;
                    assert!(self.answers <= self.durable, "{} answers, {} durable writes", self.answers, self.durable);
                }
                _ => {}
            }
        }
    }
    let mut order = Order { written: 0, durable: 0, answers: 0 };
    World::run(setup(Quirks::default(), vec![]), 3, vec![], vec![&mut order]);
    assert!(order.answers > 20 && order.written >= order.answers);
}

fn panic(report: &PropertyReport) -> &Panic {
    let Some(Explanation::Panic(panic)) = &report.explanation else { panic!("{report:?}") };
    panic
}

#[test]
fn a_panic_is_a_finding() {
    let outcome = run(setup(Quirks { panics_at: Some(9), ..Quirks::default() }, vec![]), 5);
    let found = report(&outcome, NO_PANIC.name);
    assert_eq!(found.verdict, Verdict::Violated);
    let panic = panic(found);
    assert!(matches!(panic.doing, Doing::Handling { kind: "Tell", .. }) && panic.message.contains("cannot bear the number"), "{panic:?}");
    assert_eq!(outcome, run(setup(Quirks { panics_at: Some(9), ..Quirks::default() }, vec![]), 5));
}

/// Replicas that have not come equally far lag, and do not disagree; those of which it is known that they have do.
#[test]
fn who_lags_is_told_from_who_disagrees() {
    let pending = |states: [(u64, u64); 3]| {
        let mut setup = setup(Quirks::default(), vec![]);
        for (quirks, state) in setup.servers.iter_mut().zip(states) {
            quirks.state = Some(state);
        }
        let outcome = run(setup, 5);
        let found = report(&outcome, PROGRESS.name);
        assert_eq!(found.verdict, Verdict::Violated);
        let Some(Explanation::Pending(pending)) = &found.explanation else { panic!("{found:?}") };
        (pending.disagree, pending.lagging.iter().map(|lag| (lag.node.index() + 1, lag.by, lag.before)).collect::<Vec<_>>())
    };
    assert_eq!(pending([(7, 10), (7, 10), (8, 10)]), (true, vec![]));
    assert_eq!(pending([(7, 10), (6, 9), (5, 4)]), (false, vec![(2, 1, Some(1)), (3, 6, Some(6))]));
    assert_eq!(pending([(7, 10), (6, 4), (5, 4)]), (true, vec![(2, 6, Some(6)), (3, 6, Some(6))]));
}

#[test]
fn a_panic_names_the_node_whatever_it_was_asked() {
    let detail = |quirks, steps| {
        // The others say nothing, so that there is no progress to stop at.
        let mut setup = setup(Quirks { mute: true, ..Quirks::default() }, steps);
        setup.servers[2] = quirks;
        let outcome = run(setup, 5);
        assert_eq!(report(&outcome, NO_PANIC.name).verdict, Verdict::Violated);
        let panic = panic(report(&outcome, NO_PANIC.name));
        assert_eq!(panic.node, Some(NodeId::server(2)));
        panic.doing.clone()
    };
    let pause = vec![at(100, Fault::Pause { node: Target::Node(NodeId::server(2)), lasting: Some(range("1s").into()) })];
    let found = detail(Quirks { panics_at: Some(9), ..Quirks::default() }, pause);
    assert_eq!(found, Doing::Waking);
    let found = detail(Quirks { shy: Some("role"), ..Quirks::default() }, vec![at(100, crash(Target::Role("Wise")))]);
    assert_eq!(found, Doing::Asked("role"));
    let found = detail(Quirks { shy: Some("fingerprint"), ..Quirks::default() }, vec![]);
    assert_eq!(found, Doing::Asked("fingerprint"));
    let found = detail(Quirks { shy: Some("status"), mute: true, ..Quirks::default() }, vec![]);
    assert_eq!(found, Doing::Asked("status"));
}

/// Wherever a judge panics, that is a finding, and what the world judges by itself is reported all the same.
#[test]
fn a_judge_that_panics_is_a_finding() {
    struct Lost(&'static str);
    impl Lost {
        fn at(&self, place: &str) {
            assert!(self.0 != place, "the judge is at a loss");
        }
    }
    impl Judge<Toy> for Lost {
        fn observe(&mut self, _: &Record<'_, Toy>) {
            self.at("observe");
        }
        fn finish(&mut self, _: Time) {
            self.at("finish");
        }
        fn reports(&self) -> Vec<PropertyReport> {
            self.at("reports");
            vec![]
        }
        fn tables(&self) -> Vec<Table> {
            self.at("tables");
            vec![]
        }
    }
    impl Drop for Lost {
        fn drop(&mut self) {
            self.at("observe");
        }
    }
    for place in ["observe", "finish", "reports", "tables"] {
        let run = World::run(setup(Quirks::default(), vec![]), 3, vec![Box::new(Lost(place))], vec![]);
        let found = report(&run.outcome, JUDGE_PANICKED.name);
        assert_eq!(found.verdict, Verdict::Violated, "{place}");
        let panic = panic(found);
        assert_eq!((panic.node, &panic.doing, panic.message.as_str()), (None, &Doing::Judging, "the judge is at a loss"));
        assert_eq!(report(&run.outcome, NO_PANIC.name).verdict, Verdict::Holds, "{place}");
    }
}

#[test]
fn a_spin_is_a_finding_and_a_spent_budget_is_unknown() {
    let outcome = run(setup(Quirks { spins_at: Some(3), ..Quirks::default() }, vec![]), 5);
    let spin = report(&outcome, TIME_ADVANCES.name);
    assert_eq!(spin.verdict, Verdict::Violated);
    let Some(Explanation::Spin(spin)) = &spin.explanation else { panic!("{spin:?}") };
    assert!(matches!(spin.doing, Doing::Fired(Some(_))), "{spin:?}");
    let mut short = setup(Quirks::default(), vec![]);
    short.conditions.events = 500;
    let outcome = run(short, 5);
    assert_eq!((outcome.verdict(), outcome.events), (Verdict::Unknown, 500));
}

#[test]
fn no_progress_is_a_finding() {
    let outcome = run(setup(Quirks { mute: true, ..Quirks::default() }, vec![]), 5);
    let found = report(&outcome, PROGRESS.name);
    assert_eq!(found.verdict, Verdict::Violated);
    let Some(Explanation::Pending(pending)) = &found.explanation else { panic!("{found:?}") };
    assert!(pending.nothing_fresh && pending.status.len() == 5, "{pending:?}");
    let mut hurried = setup(Quirks { mute: true, ..Quirks::default() }, vec![]);
    hurried.conditions.settle = Duration::ZERO;
    assert_eq!(report(&run(hurried, 5), PROGRESS.name).verdict, Verdict::Holds);
}

#[test]
fn a_paused_node_answers_late_and_a_crashed_one_not_at_all() {
    let long: Option<crate::fault::Lengths> = Some(range("1s").into());
    let paused = run(setup(Quirks::default(), vec![at(100, Fault::Pause { node: Target::All, lasting: long.clone() })]), 1);
    let crashed = run(setup(Quirks::default(), vec![at(100, Fault::Crash { node: Target::All, down: long })]), 1);
    // Told during the pause, answered after it: nothing is dropped but by chance.
    assert!(crashed.messages.dropped > paused.messages.dropped + 150, "{:?} {:?}", crashed.messages, paused.messages);
    assert_eq!(paused.verdict(), Verdict::Holds);
}

#[test]
fn a_hundred_thousand_idle_nodes_start() {
    let mut wide = setup(Quirks::default(), vec![]);
    wide.servers = vec![Quirks::default(); 100_000];
    let outcome = run(wide, 1);
    assert_eq!(outcome.verdict(), Verdict::Holds);
}

/// An echo that nobody can be told of who has waited long.
struct Echo;

impl crate::check::model::Model for Echo {
    type State = ();
    type Op = u64;
    type Ret = u64;

    fn initial(&self) {}

    fn step(&self, (): &(), op: &u64, ret: Option<&u64>) -> crate::check::model::Next<()> {
        match ret {
            Some(ret) if op >= &3 || ret > &1_000_000 => crate::check::model::Next::Illegal,
            _ => crate::check::model::Next::Same,
        }
    }
}

#[test]
fn a_run_stops_when_a_judge_says_so() {
    let judged = |stop_at_violation| {
        let mut setup = setup(Quirks::default(), vec![]);
        setup.conditions.stop_at_violation = stop_at_violation;
        let judge = crate::check::linearizability::Online::new(Echo)
            .reporting(crate::check::Property::always("echo", "answers are what was asked"));
        World::run(setup, 3, vec![Box::new(judge)], vec![]).outcome
    };
    let (whole, short) = (judged(false), judged(true));
    assert_eq!(whole.digest, run(setup(Quirks::default(), vec![]), 3).digest);
    let found = |outcome: &Outcome| report(outcome, "echo").clone();
    assert_eq!(found(&whole), found(&short));
    assert_eq!(found(&short).verdict, Verdict::Violated, "{:?}", found(&short));
    assert!(short.events * 2 < whole.events, "{} of {} events", short.events, whole.events);
    assert!(short.sim_time < found(&short).at.unwrap() + Duration::from_millis(20));
    assert_eq!(report(&short, PROGRESS.name).verdict, Verdict::Unknown);
}
