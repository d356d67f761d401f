//! A system that misbehaves as it is told: clients ask, the first server answers.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use stormglass::base::{Act, ClientId, Committed, Duration, KvOp, KvResponse, NodeId, OperationId, Transaction};
use stormglass::check::isolation::{self, Level};
use stormglass::check::model::registers::Registers;
use stormglass::check::{Budget, Property, PropertyReport, Verdict, linearizability};
use stormglass::history::{self, History};
use stormglass::notation::Form;
use stormglass::process::{ClientProcess, Context, Files, Mark, Message, Process, Role};
use stormglass::systems::{Mutant, Nodes, Population, System, Written};
use stormglass::trace::{Event, Judge, Record, Table};
use stormglass::world::{Cluster, Conditions};

pub(crate) struct Toy;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Trouble {
    /// Nothing.
    Calm,
    /// The server panics.
    Panic,
    /// The server spins.
    Spin,
    /// The server notes that something bad happened.
    Violate,
    /// The judge of the history gives up.
    Unknown,
    /// The judge of the history panics.
    Judge,
    /// The judge of the history uses what is ours, which panics.
    Defect,
    /// The server answers what differs from run to run.
    Drift,
    /// Answers are judged as what was read of a store that nobody wrote to.
    Stale,
    /// Operations are judged as transactions that add to a sum, of which nobody can tell what they saw.
    Doubt,
}

const TROUBLES: &[(&str, Trouble)] = &[
    ("Calm", Trouble::Calm),
    ("Panic", Trouble::Panic),
    ("Spin", Trouble::Spin),
    ("Violate", Trouble::Violate),
    ("Unknown", Trouble::Unknown),
    ("Judge", Trouble::Judge),
    ("Defect", Trouble::Defect),
    ("Drift", Trouble::Drift),
    ("Stale", Trouble::Stale),
    ("Doubt", Trouble::Doubt),
];

#[derive(Clone, Debug)]
pub(crate) struct Config {
    trouble: Trouble,
    /// One seed in so many is in trouble.
    odds: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    Ask { trouble: bool },
    Answer(u64),
}
impl Message for Word {}

#[derive(Debug, Serialize)]
pub(crate) struct SomethingBad;

pub(crate) struct Server {
    trouble: Trouble,
    asked: u64,
}

/// What a seed cannot know.
static DRIFT: AtomicU64 = AtomicU64::new(1_000);
/// The answer of a server in trouble.
const ODD: u64 = u64::MAX;

impl Process for Server {
    type Config = Trouble;
    type Message = Word;
    type Timer = ();
    type Note = SomethingBad;

    const ROLES: &'static [Role] = &[Role::new("Only", "")];
    const MARKS: &'static [Mark] = &[Mark::new("asked twice", "")];

    fn boot(trouble: &Trouble, _: &Files, _: &mut Context<'_, Self>) -> Self {
        Self { trouble: *trouble, asked: 0 }
    }

    fn on_message(&mut self, from: NodeId, message: Word, context: &mut Context<'_, Self>) {
        let Word::Ask { trouble } = message else { return };
        self.asked += 1;
        tracing::info!(asked = self.asked, "was asked");
        if self.asked == 2 {
            context.sometimes("asked twice");
        }
        context.append("log", b"asked");
        let mut answer = self.asked;
        if trouble {
            match self.trouble {
                Trouble::Calm | Trouble::Stale | Trouble::Doubt => {}
                Trouble::Panic => panic!("the toy fell over"),
                Trouble::Spin => context.set_timer((), Duration::ZERO),
                Trouble::Violate => context.note(SomethingBad),
                Trouble::Unknown | Trouble::Judge | Trouble::Defect => answer = ODD,
                Trouble::Drift => answer = DRIFT.fetch_add(1, Ordering::Relaxed),
            }
        }
        context.send_when_durable(from, Word::Answer(answer));
    }

    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        context.set_timer((), Duration::ZERO);
    }
}

pub(crate) struct Client {
    me: ClientId,
    trouble: bool,
    asked: u32,
    open: bool,
    quiet: bool,
}

impl Process for Client {
    type Config = u64;
    type Message = Word;
    type Timer = ();
    type Note = history::Event<(), u64>;

    const MARKS: &'static [Mark] = &[Mark::new("never", "")];

    fn boot(odds: &u64, _: &Files, context: &mut Context<'_, Self>) -> Self {
        context.set_timer((), Duration::from_millis(10));
        let trouble = context.random().below(*odds) == 0;
        Self { me: ClientId::new(context.me().index() as u32), trouble, asked: 0, open: false, quiet: false }
    }

    fn on_message(&mut self, _: NodeId, message: Word, context: &mut Context<'_, Self>) {
        if let Word::Answer(answer) = message {
            self.open = false;
            context.note(history::Event::Complete { client: self.me, outcome: history::Outcome::Done(answer) });
        }
    }

    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        context.set_timer((), Duration::from_millis(10));
        if !self.open && !self.quiet {
            self.open = true;
            self.asked += 1;
            context.note(history::Event::Invoke { client: self.me, id: OperationId::new(self.me, self.asked), op: () });
            context.send(NodeId::server(0), Word::Ask { trouble: self.trouble });
        }
    }
}

impl ClientProcess for Client {
    fn quiesce(&mut self, _: &mut Context<'_, Self>) {
        self.quiet = true;
    }

    fn under_way(&self) -> usize {
        usize::from(self.open)
    }
}

impl Cluster for Toy {
    type Message = Word;
    type Operation = ();
    type Response = u64;
    type Server = Server;
    type Client = Client;
}

const NOTHING_BAD: Property = Property::always("nothing-bad", "the server notes nothing bad");
const SANE_ANSWERS: Property = Property::always("sane-answers", "no answer is odd");

impl System for Toy {
    const NAME: &'static str = "Toy";
    const ABOUT: &'static str = "Clients ask, the first server answers. It misbehaves as it is told.";
    type Config = Config;

    fn properties() -> Vec<Property> {
        vec![SANE_ANSWERS, NOTHING_BAD]
    }

    fn mutants() -> Vec<Mutant> {
        vec![Mutant {
            name: "toy/bad",
            property: Some(NOTHING_BAD.name),
            about: "Does something bad. Always.",
            source: "nobody published it",
            needs: &["no fault at all"],
            rules: (),
        }]
    }

    fn decode(system: Form<'_>, _: Option<Form<'_>>) -> Option<Config> {
        let mut fields = system.fields()?;
        let trouble = fields.read_or("trouble", Trouble::Calm, |trouble| trouble.one_of("a trouble", TROUBLES));
        let odds = fields.read_or("odds", 1, |odds| odds.count(1..));
        fields.finish();
        Some(Config { trouble, odds })
    }

    fn write(config: &Config) -> Written {
        Written { system: format!("Toy(trouble: {:?}, odds: {})", config.trouble, config.odds), workload: None }
    }

    fn population(_: &Config) -> Population {
        Population { servers: 2, clients: 1 }
    }

    fn nodes(config: &Config, mutants: &[&'static str]) -> Nodes<Self> {
        let trouble = if !mutants.is_empty() { Trouble::Violate } else { config.trouble };
        Nodes { servers: vec![trouble; 2], clients: vec![config.odds] }
    }

    fn judges(_: &Config, _: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        vec![Box::new(Watcher(PropertyReport::holds(&NOTHING_BAD)))]
    }

    fn judge_history(config: &Config, history: &History<(), u64>, budget: Budget) -> Vec<PropertyReport> {
        match config.trouble {
            Trouble::Stale => {
                let reads = history.clone().map(|()| KvOp::Read { key: 1 }, |answer| KvResponse::Value(Some(answer)));
                return vec![linearizability::judge(&SANE_ANSWERS, &Registers::empty(), &reads, budget)];
            }
            Trouble::Doubt => {
                let acts = || vec![Act::Add { key: 1, amount: 1 }];
                let sums = history.clone().map(|()| Transaction { acts: acts() }, |_| Committed::default());
                return vec![isolation::judge(&SANE_ANSWERS, Level::Serializable, &sums, budget)];
            }
            _ => {}
        }
        let mut report = PropertyReport::holds(&SANE_ANSWERS);
        if history.operations().iter().any(|operation| operation.result() == Some(&ODD)) {
            assert!(config.trouble != Trouble::Judge, "the judge fell over");
            if config.trouble == Trouble::Defect {
                Table::new("a table", &["a column"]).row("a row", Vec::new());
            }
            report.verdict = Verdict::Unknown;
            report.explanation = Some("that is a hard question".into());
        }
        vec![report]
    }
}

struct Watcher(PropertyReport);

impl Judge<Toy> for Watcher {
    fn observe(&mut self, record: &Record<'_, Toy>) {
        if let Event::Note { node, .. } = record.event
            && self.0.verdict == Verdict::Holds
        {
            self.0 = PropertyReport::violated(&NOTHING_BAD, record.at, format!("{node} did something bad\nafter record {}", record.number));
        }
    }

    fn reports(&self) -> Vec<PropertyReport> {
        vec![self.0.clone()]
    }
}
