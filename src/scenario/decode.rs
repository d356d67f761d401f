//! A file made into a scenario.

use super::conditions::{self, Budgets, Lasting};
use super::names::{self, Names};
use super::roster::{NODES_MOST, Roster};
use super::{DURATION_DEFAULT, Expected, SETTLE_DEFAULT, Scenario, faults, lint};
use crate::base::Duration;
use crate::diagnostic::{Diagnostic, Diagnostics, Source, Span, nearest};
use crate::fault::FaultPlan;
use crate::notation::{Fields, Form, Settings};
use crate::systems::{AnySystem, Instance, Population, Registry};
use crate::world::Conditions;

/// Reads a scenario: everything apart, so that all problems show, and gives up at the end if there was an error.
pub(super) fn scenario(source: &Source, registry: &Registry, problems: &Diagnostics) -> Option<Scenario> {
    let parts = Parts::take(fields(source, registry, problems)?);
    let system = parts.system.and_then(|form| names::system(form, registry));
    let instance = system.and_then(|system| decode_system(system, parts.system?, parts.workload));
    let names = Names { system, population: instance.as_ref().map(|instance| instance.population()) };

    let name = parts.name.and_then(Form::text);
    let mutant = parts.mutant.and_then(|form| names.mutant(form, registry));
    let seed = parts.seed.and_then(|form| form.count(0..));
    let ends = &parts.ends;
    let (plan, places) = parts.faults.map(|form| faults::plan(form, &names, ends)).unwrap_or_default();
    let conditions = Surroundings::decode(&parts, &names);
    let expect = parts.expect.and_then(|form| form.list(|mark| expectation(mark, &names))).unwrap_or_default();
    let expected = parts.outcome.and_then(|form| expected(form, &names)).unwrap_or_default();
    if problems.has_errors() {
        // Advice would rest on what was left out.
        return None;
    }
    let crashes = plan.may_crash() || system.is_some_and(AnySystem::restarts);
    lint::check(&parts, &places, crashes, ends, &expect);
    let budgets = conditions.budgets;
    Some(Scenario {
        name: name?,
        seed,
        mutant,
        conditions: conditions.under(plan, ends),
        expect: expect.into_iter().map(|(mark, _)| mark).collect(),
        expected,
        states: budgets.states,
        roster: Roster::new(system?, names.population?),
        instance: instance?,
    })
}

/// The fields of the one value of the file, `Scenario(…)`.
fn fields<'s>(source: &'s Source, registry: &Registry, problems: &'s Diagnostics) -> Option<Fields<'s>> {
    if is_blank(&source.text) {
        problems.push(Diagnostic::error(Span::at(source.text.len()), "the file is empty").help(example(registry)));
        return None;
    }
    let form = Form::parse(source, problems)?;
    if form.name() == Some("Scenario") {
        return form.fields();
    }
    let misspelt = form.name().and_then(|name| nearest(name, ["Scenario"])).is_some();
    let problem = Diagnostic { span: form.name_span(), ..form.mismatch("`Scenario(…)`") };
    form.report(problem.help(if misspelt { "did you mean `Scenario`?".to_owned() } else { example(registry) }));
    if misspelt { form.fields() } else { None }
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

/// All fields of the file, not yet read.
pub(super) struct Parts<'s> {
    pub(super) name: Option<Form<'s>>,
    pub(super) system: Option<Form<'s>>,
    pub(super) mutant: Option<Form<'s>>,
    pub(super) seed: Option<Form<'s>>,
    pub(super) network: Option<Form<'s>>,
    pub(super) disk: Option<Form<'s>>,
    pub(super) clocks: Option<Form<'s>>,
    pub(super) workload: Option<Form<'s>>,
    pub(super) faults: Option<Form<'s>>,
    pub(super) fates: Option<Form<'s>>,
    pub(super) ends: Ends<'s>,
    pub(super) budget: Option<Form<'s>>,
    pub(super) expect: Option<Form<'s>>,
    pub(super) outcome: Option<Form<'s>>,
}

impl<'s> Parts<'s> {
    /// Takes them apart in the order in which they are usually written.
    fn take(mut fields: Fields<'s>) -> Self {
        let parts = Self {
            name: fields.required("name", Some),
            system: fields.required("system", Some),
            mutant: fields.take("mutant"),
            seed: fields.take("seed"),
            network: fields.take("network"),
            disk: fields.take("disk"),
            clocks: fields.take("clocks"),
            workload: fields.take("workload"),
            faults: fields.take("faults"),
            fates: fields.take("fates"),
            ends: Ends::read(&mut fields),
            budget: fields.take("budget"),
            expect: fields.take("expect"),
            outcome: fields.take("outcome"),
        };
        fields.finish();
        parts
    }
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

/// When faults end, and how long the run may then take.
pub(super) struct Ends<'s> {
    /// How long faults may strike; nothing if that is not known, since the file gives it wrong.
    pub(super) duration: Option<Duration>,
    /// Where the file says so.
    pub(super) duration_form: Option<Form<'s>>,
    /// How long the run may then take to settle; nothing if that is not known.
    pub(super) settle: Option<Duration>,
    /// Where the file says so.
    pub(super) settle_form: Option<Form<'s>>,
}

impl<'s> Ends<'s> {
    fn read(fields: &mut Fields<'s>) -> Self {
        let (Lasting { duration, settle }, given) = Lasting::read(fields);
        Self {
            duration: (!given.is_wrong("duration")).then_some(duration),
            duration_form: given.form("duration"),
            settle: (!given.is_wrong("settle")).then_some(settle),
            settle_form: given.form("settle"),
        }
    }
}

/// All conditions but the faults and the ends.
struct Surroundings {
    conditions: Conditions,
    budgets: Budgets,
}

impl Surroundings {
    fn decode(parts: &Parts<'_>, names: &Names<'_>) -> Self {
        let usual = Conditions::default();
        let (link, links) = parts.network.and_then(|form| conditions::network(form, names)).unwrap_or_default();
        let conditions = Conditions {
            link,
            links,
            fates: parts.fates.and_then(|form| conditions::fates(form, names)).unwrap_or_default(),
            disk: parts.disk.and_then(conditions::disk).unwrap_or(usual.disk),
            clocks: parts.clocks.and_then(conditions::clocks).unwrap_or(usual.clocks),
            ..usual
        };
        Self { conditions, budgets: parts.budget.and_then(conditions::budget).unwrap_or_default() }
    }

    fn under(self, faults: FaultPlan, ends: &Ends<'_>) -> Conditions {
        Conditions {
            faults,
            duration: ends.duration.unwrap_or(DURATION_DEFAULT),
            settle: ends.settle.unwrap_or(SETTLE_DEFAULT),
            events: self.budgets.events,
            same_instant: self.budgets.same_instant,
            stop_at_violation: self.budgets.stop_at_violation,
            ..self.conditions
        }
    }
}

/// `Sometimes("mark")`, with its place.
fn expectation(form: Form<'_>, names: &Names<'_>) -> Option<(&'static str, Span)> {
    form.variant("`Sometimes(\"…\")`", &["Sometimes"])?;
    let [mark] = form.arguments(["a mark"])?;
    Some((names.mark(mark)?, mark.span()))
}

/// `Holds` or `Violates("property")`.
fn expected(form: Form<'_>, names: &Names<'_>) -> Option<Expected> {
    if form.variant("an outcome", &["Holds", "Violates"])? == "Holds" {
        return form.arguments([]).map(|[]| Expected::Holds);
    }
    let [property] = form.arguments(["a property"])?;
    names.property(property).map(Expected::Violates)
}
