//! A scenario written as a file.

use std::fmt::Write as _;

use super::conditions::{Budgets, Drift};
use super::{Expected, Scenario};
use crate::base::{Fate, MessageId};
use crate::environment::{ClockModel, LinkModel};
use crate::world::Conditions;

/// The whole file.
pub(super) fn scenario(scenario: &Scenario) -> String {
    let Scenario { conditions, .. } = scenario;
    let (usual, own) = (Conditions::default(), scenario.instance.write());
    let budgets = Budgets {
        events: conditions.events,
        same_instant: conditions.same_instant,
        states: scenario.states,
        stop_at_violation: conditions.stop_at_violation,
    };
    let mut file = File::default();
    file.field("name", quoted(&scenario.name));
    file.field("system", own.system);
    file.field_if(scenario.mutant.map(quoted), "mutant");
    file.field_if(scenario.seed, "seed");
    file.field_if(network(conditions), "network");
    file.field_if((conditions.disk != usual.disk).then(|| format!("(sync: {})", conditions.disk.sync)), "disk");
    file.field_if(clocks(conditions.clocks), "clocks");
    file.field_if(own.workload, "workload");
    file.field_if((!conditions.faults.steps.is_empty()).then_some(&conditions.faults), "faults");
    file.field_if(fates(scenario), "fates");
    file.field("duration", format!("\"{}\"", conditions.duration));
    file.field("settle", format!("\"{}\"", conditions.settle));
    file.field_if(budget(budgets), "budget");
    file.field_if(expect(&scenario.expect), "expect");
    file.field_if(outcome(scenario.expected), "outcome");
    file.finish()
}

/// Fields, one below the other.
#[derive(Default)]
struct File(String);

impl File {
    fn field(&mut self, name: &str, value: impl std::fmt::Display) {
        writeln!(self.0, "    {name}: {value},").expect("a text takes everything");
    }

    fn field_if(&mut self, value: Option<impl std::fmt::Display>, name: &str) {
        if let Some(value) = value {
            self.field(name, value);
        }
    }

    fn finish(self) -> String {
        format!("Scenario(\n{})\n", self.0)
    }
}

/// Fields in a row, in parentheses; nothing if there are none.
fn row(fields: Vec<String>) -> Option<String> {
    (!fields.is_empty()).then(|| format!("({})", fields.join(", ")))
}

/// A list, an item a line; nothing if there are none.
fn lines(items: &[String]) -> Option<String> {
    let lines = |items: &[String]| items.iter().map(|item| format!("        {item},\n")).collect::<String>();
    (!items.is_empty()).then(|| format!("[\n{}    ]", lines(items)))
}

fn network(conditions: &Conditions) -> Option<String> {
    let mut fields = link(&conditions.link, &LinkModel::default());
    let links: Vec<String> = conditions
        .links
        .iter()
        .map(|(from, to, model)| {
            let own = [format!("from: {from}"), format!("to: {to}")];
            format!("({})", own.into_iter().chain(link(model, &conditions.link)).collect::<Vec<_>>().join(", "))
        })
        .collect();
    fields.extend(lines(&links).map(|links| format!("links: {links}")));
    row(fields)
}

/// What is unusual about a link.
fn link(link: &LinkModel, usual: &LinkModel) -> Vec<String> {
    let mut fields = Vec::new();
    fields.extend((link.latency != usual.latency).then(|| format!("latency: {}", link.latency)));
    fields.extend((link.loss != usual.loss).then(|| format!("loss: \"{}\"", link.loss)));
    fields.extend((link.duplicate != usual.duplicate).then(|| format!("duplicate: \"{}\"", link.duplicate)));
    fields
}

fn clocks(clocks: ClockModel) -> Option<String> {
    let mut fields = Vec::new();
    fields.extend((!clocks.offset.is_zero()).then(|| format!("offset: \"{}\"", clocks.offset)));
    fields.extend((clocks.drift_ppm != 0).then(|| format!("drift: \"{}\"", Drift(clocks.drift_ppm))));
    row(fields)
}

fn fates(scenario: &Scenario) -> Option<String> {
    let kinds = scenario.roster.kinds;
    let fates: Vec<String> = scenario
        .conditions
        .fates
        .iter()
        .map(|(MessageId { from, to, kind, count }, fate)| {
            let kind = kinds.get(usize::from(*kind)).copied().unwrap_or("a kind that there is not");
            format!("(from: {from}, to: {to}, kind: {}, count: {count}, fate: {})", quoted(kind), self::fate(*fate))
        })
        .collect();
    lines(&fates)
}

fn fate(fate: Fate) -> String {
    match fate {
        Fate::Lost(_) => "Lost".to_owned(),
        Fate::Deliver(delay) => format!("Deliver(\"{delay}\")"),
        Fate::Duplicate(first, second) => format!("Duplicate(\"{first}\", \"{second}\")"),
    }
}

fn budget(budgets: Budgets) -> Option<String> {
    let usual = Budgets::default();
    let field = |name: &str, count: u64, usual: u64| (count != usual).then(|| format!("{name}: {count}"));
    let fields = [
        field("events", budgets.events, usual.events),
        field("same_instant", budgets.same_instant, usual.same_instant),
        field("states", budgets.states, usual.states),
        budgets.stop_at_violation.then(|| "stop_at_violation: true".to_owned()),
    ];
    row(fields.into_iter().flatten().collect())
}

fn expect(marks: &[&str]) -> Option<String> {
    let marks: Vec<String> = marks.iter().map(|mark| format!("Sometimes({})", quoted(mark))).collect();
    (!marks.is_empty()).then(|| format!("[{}]", marks.join(", ")))
}

fn outcome(expected: Expected) -> Option<String> {
    match expected {
        Expected::Holds => None,
        Expected::Violates(property) => Some(format!("Violates({})", quoted(property))),
    }
}

fn quoted(text: &str) -> String {
    ron::to_string(text).expect("every text can be written as RON")
}
