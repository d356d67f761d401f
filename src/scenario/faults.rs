//! The plan of faults: when each strikes. What strikes is read by [`crate::fault`].

use std::cell::RefCell;

use super::decode::Ends;
use super::lengths;
use super::names::Names;
use crate::base::{Diagnostic, Duration, DurationRange, Form, NodeId, Time};
use crate::fault::{Cause, Fault, FaultPlan, FaultStep, Places, Reader, Scope, Trigger};

/// Reads the value of `faults`: the plan, and where its parts are.
pub(super) fn plan(form: Form<'_>, names: &Names<'_>, ends: &Ends<'_>) -> (FaultPlan, Places) {
    let decoder = Decoder { names, ends, places: RefCell::default() };
    let steps = form.list(|step| decoder.step(step)).unwrap_or_default();
    (FaultPlan { steps }, decoder.places.into_inner())
}

/// More strikes of one step than this are refused: what struck is kept.
const STRIKES_MOST: u64 = 1_000_000;

struct Decoder<'d> {
    names: &'d Names<'d>,
    ends: &'d Ends<'d>,
    places: RefCell<Places>,
}

impl Decoder<'_> {
    fn step(&self, form: Form<'_>) -> Option<FaultStep> {
        if form.name().is_some_and(|name| Fault::ENTRIES.iter().any(|entry| entry.name == name)) {
            let problem = Diagnostic { span: form.name_span(), ..form.problem("this fault does not say when it strikes") };
            form.report(problem.help("write At(\"2s\", …), Every(\"1s..4s\", …) or When(…, …) around it"));
            self.fault(form, Cause::Unclear);
            return None;
        }
        match form.variant("a step of the plan", &["At", "Every", "When"])? {
            "At" => self.at(form),
            "Every" => self.every(form),
            _ => self.when(form),
        }
    }

    /// `At("2s", Heal)`.
    fn at(&self, form: Form<'_>) -> Option<FaultStep> {
        let [time, fault] = form.arguments(["a time", "a fault"])?;
        let (time, fault) = (self.time(time), self.fault(fault, Cause::Nothing));
        Some(FaultStep::at(Time::ZERO + time?, fault?))
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

    /// `Every("1s..4s", Heal)`.
    fn every(&self, form: Form<'_>) -> Option<FaultStep> {
        let [gap, fault] = form.arguments(["a range of lengths", "a fault"])?;
        let (gap, fault) = (self.gap(gap), self.fault(fault, Cause::Nothing));
        Some(FaultStep::every(gap?, fault?))
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

    /// `When(Delivered(kind: "AppendEntries", nth: 7), Crash(node: Receiver))`.
    fn when(&self, form: Form<'_>) -> Option<FaultStep> {
        let [trigger, fault] = form.arguments(["what sets it off", "a fault"])?;
        let trigger = Trigger::read(trigger, &self.reader(Cause::Unclear));
        let fault = self.fault(fault, trigger.as_ref().map_or(Cause::Unclear, |trigger| trigger.on.cause()));
        Some(FaultStep::when(trigger?, fault?))
    }

    fn fault(&self, form: Form<'_>, cause: Cause) -> Option<Fault> {
        Fault::read(form, &self.reader(cause))
    }

    fn reader(&self, cause: Cause) -> Reader<'_> {
        Reader { scope: self.names, cause, places: &self.places }
    }
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

    fn roles(&self) -> Option<&'static [&'static str]> {
        self.system.map(|system| system.roles())
    }

    fn servers(&self) -> Option<u32> {
        self.population.map(|population| population.servers)
    }

    fn range(&self, form: Form<'_>) -> Option<DurationRange> {
        lengths::range(form)
    }
}
