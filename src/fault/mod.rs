//! Faults as data: what goes wrong in a run, when, and to whom.
//!
//! A [`FaultPlan`] is a list of steps. Whom a [`Fault`] strikes may be left open (`Any`, `Leader`, `Minority`) until the moment it strikes;
//! a [`Strike`] has nothing open any more. What struck is recorded as a plan of `At` steps, which repeats the run when it is given in place
//! of the first. Everything prints as it is written in a scenario file.
//!
//! Each fault is declared once, with its fields and all that is to be said about it, in [`FaultKind`]'s own file; so are cuts, targets,
//! triggers and steps. Reading, printing, documents, advice and random plans follow from the declarations.

use crate::base::SortedSet;
mod cut;
#[cfg(any(test, feature = "proptest"))]
mod draw;
mod kinds;
mod lengths;
mod planned;
mod resolve;
mod step;
mod target;
mod trigger;

use std::fmt::{self, Display, Formatter};

pub use cut::{Cut, Parting};
#[cfg(any(test, feature = "proptest"))]
pub(crate) use draw::Draw;
pub use kinds::{Ends, Family, Fault, FaultKind, Strike};
pub use lengths::Lengths;
pub(crate) use planned::{Name, Named, Places, Planned, Scope};
pub(crate) use resolve::Chooser;
pub use step::{FaultStep, Moment};
pub use target::Target;
pub use trigger::{Happening, Trigger};

/// What goes wrong in a run: steps, in any order, each with a name of its own. What is drawn for a step hangs on its name, so that taking
/// another one away changes nothing for it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FaultPlan {
    steps: Vec<FaultStep>,
}

/// As it is written.
impl fmt::Debug for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FaultPlan {
    /// A plan of these steps. One without a name is named by what it says. A name that another step has already gets a number: from the
    /// second of its like on.
    pub fn new(mut steps: Vec<FaultStep>) -> Self {
        let mut taken = SortedSet::new();
        // Given names come first: what a step is called by itself gives way.
        let (named, unnamed): (Vec<_>, Vec<_>) = steps.iter_mut().partition(|step| !step.name.is_empty());
        for step in named.into_iter().chain(unnamed) {
            let name = if step.name.is_empty() { step.written(false) } else { step.name.clone() };
            let numbered = (2..).map(|number| format!("{name} {number}"));
            step.name = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(name);
            taken.insert(step.name.clone());
        }
        Self { steps }
    }

    /// Its steps, as they were given.
    pub fn steps(&self) -> &[FaultStep] {
        &self.steps
    }

    /// The kinds of all faults in it, as often as it has them.
    pub fn kinds(&self) -> impl Iterator<Item = &'static FaultKind> {
        self.steps.iter().flat_map(|step| step.fault.kinds())
    }

    /// Whether anything in it may crash a node.
    pub fn may_crash(&self) -> bool {
        self.kinds().any(|kind| kind.crashes)
    }
}

impl Display for FaultPlan {
    /// A list, one step a line, with the names that a reader would not give by itself.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("[]");
        }
        f.write_str("[\n")?;
        for (step, is_named) in self.steps.iter().zip(self.names_needed()) {
            writeln!(f, "        {},", step.written(is_named))?;
        }
        f.write_str("    ]")
    }
}

impl FaultPlan {
    /// Of each step whether its name must be written, since a reader would give it another.
    fn names_needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.steps.len()];
        loop {
            let named = |(step, needed): (&FaultStep, &bool)| if *needed { step.clone() } else { step.clone().named("") };
            let read = Self::new(self.steps.iter().zip(&needed).map(named).collect());
            let other: Vec<bool> = read.steps.iter().zip(&self.steps).map(|(read, step)| read.name != step.name).collect();
            if !other.contains(&true) {
                return needed;
            }
            needed.iter_mut().zip(other).for_each(|(needed, other)| *needed |= other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Duration, DurationRange, NodeId, Ratio, Time};

    #[test]
    fn plans_print_as_they_are_written() {
        let range = |text: &str| text.parse::<DurationRange>().unwrap();
        let isolate = Cut::Isolate { nodes: Target::Role("Leader") };
        let groups = Cut::Groups { groups: vec![vec![NodeId::server(0)], vec![NodeId::server(1), NodeId::server(2)]] };
        let crash = Fault::Crash { node: Target::Any, down: Some(range("500ms..3s").into()) };
        let trigger = Trigger { on: Happening::Delivered { kind: "AppendEntries" }, node: None, nth: 7 };
        let steps = [
            FaultStep::at(Time::ZERO + Duration::from_secs(2), Fault::Partition { cut: isolate, lasting: None }),
            FaultStep::at(Time::ZERO, Fault::Partition { cut: groups, lasting: Some(range("1s").into()) }),
            FaultStep::every(range("1s..4s"), Fault::OneOf { faults: vec![Fault::Heal, crash] }),
            FaultStep::when(trigger, Fault::Lose { chance: Ratio::new(1, 2).unwrap(), lasting: None }),
        ];
        let text: Vec<String> = steps.iter().map(FaultStep::to_string).collect();
        assert_eq!(
            text,
            [
                r#"At("2s", Partition(Isolate(Leader)))"#,
                r#"At("0s", Partition(cut: Groups([[n1], [n2, n3]]), lasting: "1s"))"#,
                r#"Every("1s..4s", OneOf([Heal, Crash(node: Any, down: "500ms..3s")]))"#,
                r#"When(Delivered(kind: "AppendEntries", nth: 7), Lose(chance: "1/2"))"#,
            ]
        );
    }

    #[test]
    fn what_ends_a_fault_is_a_fault() {
        for kind in FaultKind::ALL {
            if let Ends::By(cure) = kind.ends {
                assert!(FaultKind::ALL.iter().any(|other| other.name == cure && other.ends == Ends::AtOnce), "{}", kind.name);
            }
        }
    }
}
