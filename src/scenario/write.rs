//! A scenario written as a file.

use std::fmt::Write as _;

use super::conditions::{Budgets, Clocks, Disk, Drift, Link};
use super::{Expected, Scenario};
use crate::base::{Fate, FixedFate, NodeId, Which};
use crate::environment::{ClockModel, LinkModel};
use crate::notation::Settings;
use crate::world::Conditions;

/// The whole file.
pub(super) fn scenario(scenario: &Scenario) -> String {
    let Scenario { conditions, .. } = scenario;
    let own = scenario.instance.write();
    let ClockModel { offset, drift_ppm } = conditions.clocks;
    let clocks = Clocks { offset, drift: Drift(drift_ppm) };
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
    file.field_if(in_parentheses(Disk { sync: conditions.disk.sync }.unusual(None)), "disk");
    file.field_if(in_parentheses(clocks.unusual(None)), "clocks");
    file.field_if(own.workload, "workload");
    file.field_if((!conditions.faults.steps().is_empty()).then_some(&conditions.faults), "faults");
    file.field_if(fates(scenario), "fates");
    file.field("duration", format!("\"{}\"", conditions.duration));
    file.field("settle", format!("\"{}\"", conditions.settle));
    file.field_if(in_parentheses(budgets.unusual(None)), "budget");
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

/// Fields in parentheses; nothing if there are none.
fn in_parentheses(fields: String) -> Option<String> {
    (!fields.is_empty()).then(|| format!("({fields})"))
}

/// A list, an item a line; nothing if there are none.
fn lines(items: &[String]) -> Option<String> {
    let lines = |items: &[String]| items.iter().map(|item| format!("        {item},\n")).collect::<String>();
    (!items.is_empty()).then(|| format!("[\n{}    ]", lines(items)))
}

fn network(conditions: &Conditions) -> Option<String> {
    let usual = Link::from(conditions.link);
    let link = |(from, to, model): &(NodeId, NodeId, LinkModel)| {
        let own = [format!("from: {from}, to: {to}"), Link::from(*model).unusual(Some(&usual))];
        format!("({})", own.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "))
    };
    let links = lines(&conditions.links.iter().map(link).collect::<Vec<_>>()).map(|links| format!("links: {links}"));
    let fields: Vec<String> = [usual.unusual(None)].into_iter().filter(|part| !part.is_empty()).chain(links).collect();
    in_parentheses(fields.join(", "))
}

fn fates(scenario: &Scenario) -> Option<String> {
    let fixed = |FixedFate { from, to, kind, which, fate }: &FixedFate| {
        let which = match which {
            Which::Count(count) => format!("count: {count}"),
            Which::Content { content, nth } => format!("content: \"{content:016x}\", nth: {nth}"),
        };
        format!("(from: {from}, to: {to}, kind: {}, {which}, fate: {})", quoted(kind), self::fate(*fate))
    };
    lines(&scenario.conditions.fates.iter().map(fixed).collect::<Vec<_>>())
}

fn fate(fate: Fate) -> String {
    match fate {
        Fate::Lost(_) => "Lost".to_owned(),
        Fate::Deliver(delay) => format!("Deliver(\"{delay}\")"),
        Fate::Duplicate(first, second) => format!("Duplicate(\"{first}\", \"{second}\")"),
    }
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
