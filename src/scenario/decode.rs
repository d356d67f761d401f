//! A file made into a scenario.

use std::cell::RefCell;

use super::names::{self, Names};
use super::roster::{NODES_MOST, Roster};
use super::whole::Whole;
use super::{Scenario, alerts, expect, faults, lint, operations};
use crate::diagnostic::{Diagnostic, Diagnostics, Source, Span};
use crate::fault::Places;
use crate::history::formats::Entries;
use crate::misspelling::nearest;
use crate::notation::{Fields, Form, Settings as _};
use crate::systems::{AnySystem, Instance, Operations, Population, Registry};

/// Reads a scenario: everything apart, so that all problems show, and gives up at the end if there was an error.
pub(super) fn scenario(source: &Source, registry: &Registry, problems: &Diagnostics) -> Option<Scenario> {
    scenario_of(value(source, registry, problems)?, registry, problems)
}

/// The same of a scenario that stands within another value.
pub(super) fn scenario_of(form: Form<'_>, registry: &Registry, problems: &Diagnostics) -> Option<Scenario> {
    let mut fields = fields(form, registry)?;
    // First what the names in all other fields hang on.
    let system_form = fields.look_at("system");
    let system = system_form.and_then(|form| names::system(form, registry));
    let instance = system.and_then(|system| decode_system(system, system_form?, fields.look_at("workload")));
    let population = instance.as_ref().map(|instance| instance.population());
    let subjects = instance.as_ref().map(|instance| instance.subjects());
    let measurable = instance.as_ref().map(|instance| instance.measurable());
    let places = RefCell::new(Places::default());
    let names = Names {
        system,
        population,
        subjects: subjects.as_ref(),
        measurable: measurable.as_ref(),
        registry: Some(registry),
        places: Some(&places),
    };

    let (whole, given) = Whole::read_within(&mut fields, None, names);
    fields.finish();
    let places = places.take();
    faults::fit(&whole, &given, &places);
    operations::fit(&whole, &given, instance.as_deref());
    alerts::fit(&whole, &given);
    expect::check_steps(&whole.faults, &given, &names);
    if problems.has_errors() {
        // Advice would rest on what was left out.
        return None;
    }
    lint::check(&whole, &given, &places, &names);
    Some(Scenario {
        conditions: whole.conditions(),
        operations: Operations { scripted: whole.operations, generated: whole.generated },
        name: whole.name?,
        seed: whole.seed,
        mutants: whole.mutant,
        alerts: whole.alerts,
        requirements: whole.require,
        expect: whole.expect,
        expected: whole.outcome,
        states: whole.budget.states,
        state_bytes: whole.budget.state_bytes,
        roster: Roster::new(system?, population?),
        instance: instance?,
    })
}

/// The one value of the file.
pub(super) fn value<'s>(source: &'s Source, registry: &Registry, problems: &'s Diagnostics) -> Option<Form<'s>> {
    if is_blank(&source.text) {
        problems.push(Diagnostic::error(Span::at(source.text.len()), "the file is empty").help(example(registry)));
        return None;
    }
    if let Some(problem) = foreign(source, registry) {
        problems.push(problem);
        return None;
    }
    Form::parse(source, problems)
}

/// The fields of `Scenario(…)`.
fn fields<'s>(form: Form<'s>, registry: &Registry) -> Option<Fields<'s>> {
    if form.name() == Some("Scenario") {
        return form.fields();
    }
    let misspelt = form.name().and_then(|name| nearest(name, ["Scenario"])).is_some();
    let problem = Diagnostic { span: form.name_span(), ..form.mismatch("`Scenario(…)`") };
    form.report(problem.help(if misspelt { "did you mean `Scenario`?".to_owned() } else { example(registry) }));
    if misspelt { form.fields() } else { None }
}

/// That a file is something else: what does not begin as a scenario, and is a history or no RON at all.
fn foreign(source: &Source, registry: &Registry) -> Option<Diagnostic> {
    let line = source.text.lines().find(|line| !is_blank(line))?;
    let head = line.trim_start_matches('\u{feff}').trim_start();
    let name = head.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default();
    if head.starts_with("/*") || head.starts_with("#![") || nearest(name, ["Scenario", "Failure"]).is_some() {
        return None;
    }
    let is_history = is_history(source.text.as_bytes());
    if !is_history && Form::parse(source, &Diagnostics::new()).is_some() {
        return None;
    }
    let start = head.as_ptr() as usize - source.text.as_ptr() as usize;
    let problem = Diagnostic::error(Span::new(start, start + head.trim_end().len()), "this is no scenario");
    Some(match is_history {
        true => problem.label("an event of a history").help("`check` judges histories"),
        false => problem.help(example(registry)),
    })
}

/// Whether this begins as a recorded history does.
pub(crate) fn is_history(bytes: &[u8]) -> bool {
    const LOOKED_AT: usize = 10;
    Entries::open(bytes, None).is_ok_and(|entries| entries.take(LOOKED_AT).any(|entry| entry.is_ok()))
}

/// Whether a text holds nothing but blanks and comments that take a line.
fn is_blank(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with("//"))
}

/// How a file begins.
fn example(registry: &Registry) -> String {
    let system = registry.systems().next().map_or("RaftKv", AnySystem::name);
    format!("a scenario begins Scenario(name: \"calm\", system: {system}(…), …)")
}

/// The system's own part, and that it does not ask for more nodes than there can be.
fn decode_system(system: &dyn AnySystem, form: Form<'_>, workload: Option<Form<'_>>) -> Option<Box<dyn Instance>> {
    let instance = system.decode(form, workload)?;
    let Population { servers, clients } = instance.population();
    let nodes = u64::from(servers) + u64::from(clients);
    if nodes > u64::from(NODES_MOST) {
        form.report(form.problem(format!("{nodes} nodes are too many")).label(format!("at most {NODES_MOST}, clients included")));
        return None;
    }
    Some(instance)
}
