//! The plan of faults: when each strikes. What strikes is read by [`crate::fault`].

use std::cell::RefCell;

use super::decode::Ends;
use super::lengths;
use super::names::Names;
use crate::base::{Duration, DurationRange, NodeId, Time};
use crate::diagnostic::Diagnostic;
use crate::fault::{Cause, Fault, FaultPlan, FaultStep, Moment, Places, Reader, Scope, Trigger};
use crate::notation::Form;

/// Reads the value of `faults`: the plan, and where its parts are.
pub(super) fn plan<'s>(form: Form<'s>, names: &'s Names<'_>, ends: &'s Ends<'_>) -> (FaultPlan, Places) {
    let decoder = Decoder { names, ends, places: RefCell::default(), named: RefCell::default() };
    let steps = form.list(|step| decoder.step(step)).unwrap_or_default();
    decoder.check_names();
    (FaultPlan::new(steps), decoder.places.into_inner())
}

/// More strikes of one step than this are refused: what struck is kept.
const STRIKES_MOST: u64 = 1_000_000;

struct Decoder<'d> {
    names: &'d Names<'d>,
    ends: &'d Ends<'d>,
    places: RefCell<Places>,
    /// The names that steps are given, where they stand, and whether the step strikes again and again.
    named: RefCell<Vec<(String, Form<'d>, bool)>>,
}

impl<'d> Decoder<'d> {
    /// Reports names that would mean two steps, or a step and a strike of another: what is drawn hangs on them.
    fn check_names(&self) {
        let named = self.named.borrow();
        for (place, (name, form, _)) in named.iter().enumerate() {
            if let Some((_, first, _)) = named[..place].iter().find(|(other, ..)| other == name) {
                let problem = form.problem(format!("the name {name:?} is given twice")).label("given again here");
                form.report(problem.context(first.span(), "given first here"));
            }
            let strike_of = |other: &str| name.strip_prefix(other)?.strip_prefix(" #")?.parse::<u64>().ok();
            if let Some((_, first, _)) = named.iter().find(|(other, _, again)| *again && strike_of(other).is_some()) {
                let problem = form.problem(format!("the name {name:?} is that of a strike of another step")).label("given here");
                form.report(problem.context(first.span(), "this step strikes again and again, and its strikes are numbered"));
            }
        }
    }

    fn step(&self, form: Form<'d>) -> Option<FaultStep> {
        if form.name().is_some_and(|name| Fault::ENTRIES.iter().any(|entry| entry.name == name)) {
            let problem = Diagnostic { span: form.name_span(), ..form.problem("this fault does not say when it strikes") };
            form.report(problem.help("write At(\"2s\", …), Every(\"1s..4s\", …) or When(…, …) around it"));
            self.fault(form, Cause::Unclear);
            return None;
        }
        let (field, what) = match form.variant("a step of the plan", &["At", "Every", "When"])? {
            "At" => ("time", "a time"),
            "Every" => ("gap", "a range of lengths"),
            _ => ("trigger", "what sets it off"),
        };
        let [moment, fault, name] = parts(form, field, what)?;
        let moment = moment.and_then(|form| self.moment(field, form));
        let cause = match &moment {
            Some(Moment::When(trigger)) => trigger.on.cause(),
            None if field == "trigger" => Cause::Unclear,
            _ => Cause::Nothing,
        };
        let (fault, name_form) = (fault.and_then(|form| self.fault(form, cause)), name);
        let name = name_form.map(name_of);
        if let (Some(form), Some(Some(name))) = (name_form, &name) {
            self.named.borrow_mut().push((name.clone(), form, field == "gap"));
        }
        Some(FaultStep::new(moment?, fault?).named(name.unwrap_or(Some(String::new()))?))
    }

    fn moment(&self, field: &str, form: Form<'_>) -> Option<Moment> {
        match field {
            "time" => self.time(form).map(|time| Moment::At(Time::ZERO + time)),
            "gap" => self.gap(form).map(Moment::Every),
            _ => Trigger::read(form, &self.reader(Cause::Unclear)).map(Moment::When),
        }
    }

    fn time(&self, form: Form<'_>) -> Option<Duration> {
        let time = lengths::length(form)?;
        let Some(end) = self.ends.duration.filter(|end| time >= *end) else { return Some(time) };
        let problem = form.problem("this fault never strikes");
        form.report(match self.ends.duration_form {
            Some(duration) => problem.label(format!("faults strike before {end} only")).context(duration.span(), "as said here"),
            None => problem.label(format!("faults strike before {end} only")).help("give the scenario a longer `duration`"),
        });
        None
    }

    fn gap(&self, form: Form<'_>) -> Option<DurationRange> {
        let gap = lengths::range(form)?;
        if gap.high().is_zero() {
            form.report(form.problem("this fault would strike without end in one instant").label("expected a length above zero"));
            return None;
        }
        let Some(end) = self.ends.duration else { return Some(gap) };
        if gap.low() >= end {
            let problem = Diagnostic::warning(form.span(), "this fault never strikes");
            form.report(problem.label(format!("faults strike before {end} only")));
        }
        let mean = (gap.low().as_nanos() / 2 + gap.high().as_nanos() / 2).max(1);
        let strikes = end.as_nanos() / mean;
        if strikes > STRIKES_MOST {
            let problem = form.problem(format!("this fault would strike about {strikes} times in {end}"));
            form.report(problem.label(format!("at most {STRIKES_MOST} strikes")));
            return None;
        }
        Some(gap)
    }

    fn fault(&self, form: Form<'_>, cause: Cause) -> Option<Fault> {
        Fault::read(form, &self.reader(cause))
    }

    fn reader(&self, cause: Cause) -> Reader<'_> {
        Reader { scope: self.names, cause, places: &self.places }
    }
}

/// When, what and the name: of `At("2s", Heal)`, or of `At(time: "2s", fault: Heal, name: "first")`.
fn parts<'s>(form: Form<'s>, field: &'static str, what: &str) -> Option<[Option<Form<'s>>; 3]> {
    if !form.has_fields() {
        return form.arguments([what, "a fault"]).map(|[moment, fault]| [Some(moment), Some(fault), None]);
    }
    let mut fields = form.fields()?;
    let parts = [fields.required(field, Some), fields.required("fault", Some), fields.take("name")];
    fields.finish();
    Some(parts)
}

fn name_of(form: Form<'_>) -> Option<String> {
    let name = form.text()?;
    if name.is_empty() {
        form.report(form.problem("a name has a letter at least").help("leave it out: the step is then named by what it says"));
        return None;
    }
    Some(name)
}

impl Scope for Names<'_> {
    fn node(&self, form: Form<'_>) -> Option<NodeId> {
        self.node(form)
    }

    fn exists(&self, node: NodeId, form: Form<'_>) -> bool {
        self.check_exists(node, form)
    }

    fn kind(&self, form: Form<'_>) -> Option<&'static str> {
        self.kind(form)
    }

    fn mark(&self, form: Form<'_>) -> Option<&'static str> {
        self.mark(form)
    }

    fn roles(&self) -> Option<Vec<&'static str>> {
        self.system.map(|system| system.roles().iter().map(|role| role.name).collect())
    }

    fn servers(&self) -> Option<u32> {
        self.population.map(|population| population.servers)
    }

    fn range(&self, form: Form<'_>) -> Option<DurationRange> {
        lengths::range(form)
    }
}
