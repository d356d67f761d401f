//! What a sweep of a scenario must see.

use std::fmt::{self, Display, Formatter};

use super::names::Names;
use crate::diagnostic::suggestion;
use crate::fault::{FaultPlan, FaultStep, Scope as _};
use crate::notation::{Form, Given, Variant, quoted};

/// Something that some seed of a sweep must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// This *sometimes* mark is set.
    Sometimes(&'static str),
    /// The step of the plan of faults that is called so strikes.
    Strikes(String),
    /// The step of the plan of faults that is called so strikes and makes a difference.
    Bites(String),
}

impl Expectation {
    /// What they are.
    pub(super) const WHAT: &str = "something that a sweep must see";

    /// All that there are.
    pub(super) const VARIANTS: [Variant; 3] = [
        Variant::new(
            "Sometimes",
            "This mark of the system is set in one run of a sweep at least; else it ends with exit code 5.",
            "expect: [Sometimes(\"leader lost\")]",
        ),
        Variant::new(
            "Strikes",
            "The step of the plan of faults that has this name strikes in one run of a sweep at least; else it ends with exit code 5.",
            "expect: [Strikes(\"name of a step\")]",
        ),
        Variant::new(
            "Bites",
            "The step of the plan of faults that has this name strikes and makes a difference in one run of a sweep at least; else it \
             ends with exit code 5.",
            "expect: [Bites(\"name of a step\")]",
        ),
    ];

    /// Reads one. Whether there is such a step is known when the plan is: see [`check_steps`].
    pub(super) fn read(form: Form<'_>, names: &Names<'_>) -> Option<Self> {
        let name = form.variant_of(Self::WHAT, &Self::VARIANTS)?.name;
        if name == "Sometimes" {
            let [mark] = form.arguments(["a mark"])?;
            return names.mark(mark).map(Self::Sometimes);
        }
        let [step] = form.arguments(["the name of a step"])?;
        step.text().map(if name == "Strikes" { Self::Strikes } else { Self::Bites })
    }

    /// The step of the plan that it is about.
    pub fn step(&self) -> Option<&str> {
        match self {
            Self::Sometimes(_) => None,
            Self::Strikes(step) | Self::Bites(step) => Some(step),
        }
    }
}

impl Display for Expectation {
    /// As it is written: `Sometimes("leader lost")`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sometimes(mark) => write!(f, "Sometimes({})", quoted(mark)),
            Self::Strikes(step) => write!(f, "Strikes({})", quoted(step)),
            Self::Bites(step) => write!(f, "Bites({})", quoted(step)),
        }
    }
}

/// Reports steps that are expected to strike, and are not in the plan.
pub(super) fn check_steps(plan: &FaultPlan, given: &Given<'_>, names: &Names<'_>) {
    let is_known = !given.is_wrong("expect") && !given.is_wrong("faults");
    let Some(form) = given.form("expect").filter(|_| is_known) else { return };
    let steps: Vec<&str> = plan.steps().iter().map(FaultStep::name).collect();
    let expected = form.list(|form| Expectation::read(form, names).map(|expected| (expected, form))).unwrap_or_default();
    for (expected, form) in expected {
        if let Some(step) = expected.step().filter(|step| !steps.contains(step)) {
            let problem = form.problem(format!("no step of the plan of faults is called {step:?}"));
            form.report(problem.help(if steps.is_empty() { "the plan has no step".to_owned() } else { suggestion(step, &steps) }));
        }
    }
}
