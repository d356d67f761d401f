//! Faults as data: what goes wrong in a run, when, and to whom.
//!
//! A [`FaultPlan`] is a list of steps. Whom a [`Fault`] strikes may be left open (`Any`, `Leader`, `Minority`) until the moment it strikes;
//! a [`Strike`] has nothing open any more. What struck is recorded as a plan of `At` steps, which repeats the run when it is given in place
//! of the first. Everything prints as it is written in a scenario file.
//!
//! Each fault is declared once, with its fields and all that is to be said about it, in [`Kind`]'s own file; so are cuts, targets and
//! triggers. Reading, printing, documents, advice and random plans follow from the declarations.

mod cut;
#[cfg(any(test, feature = "proptest"))]
mod draw;
mod kinds;
mod notation;
mod reader;
mod resolve;
mod target;
mod trigger;
mod values;

use std::fmt::{self, Display, Formatter};

use serde::{Serialize, Serializer};

use crate::base::{DurationRange, Form, Time};

pub use cut::{Cut, Parting};
#[cfg(any(test, feature = "proptest"))]
pub(crate) use draw::Draw;
pub use kinds::{Ends, Family, Fault, Kind, Strike};
pub use notation::{Entry, Field};
pub(crate) use reader::{Cause, Places, Reader, Scope};
pub(crate) use resolve::Chooser;
pub use target::Target;
pub use trigger::{Happening, Trigger};

/// What goes wrong in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// In any order.
    pub steps: Vec<FaultStep>,
}

impl FaultPlan {
    /// The kinds of all faults in it, as often as it has them.
    pub fn kinds(&self) -> impl Iterator<Item = &'static Kind> {
        self.steps.iter().flat_map(|step| step.fault.kinds())
    }

    /// Whether anything in it may crash a node.
    pub fn may_crash(&self) -> bool {
        self.kinds().any(|kind| kind.crashes)
    }
}

/// One entry of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultStep {
    /// When it strikes.
    pub moment: Moment,
    /// What strikes.
    pub fault: Fault,
}

/// When a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Once, at this time. Strikes come last in their instant, in the order of the plan.
    At(Time),
    /// Again and again, each time after a length drawn from this range, until the faults end.
    Every(DurationRange),
    /// Once, at the end of the instant in which this happens.
    When(Trigger),
}

impl FaultStep {
    /// Strikes once, at this time.
    pub fn at(time: Time, fault: Fault) -> Self {
        Self { moment: Moment::At(time), fault }
    }

    /// Strikes again and again, each time after a length drawn from this range.
    pub fn every(gap: DurationRange, fault: Fault) -> Self {
        Self { moment: Moment::Every(gap), fault }
    }

    /// Strikes once, when this has set it off.
    pub fn when(trigger: Trigger, fault: Fault) -> Self {
        Self { moment: Moment::When(trigger), fault }
    }
}

impl Fault {
    pub(crate) fn read(form: Form<'_>, reader: &Reader<'_>) -> Option<Self> {
        notation::Value::read(form, reader)
    }
}

impl Display for FaultPlan {
    /// A list, one step a line.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("[]");
        }
        f.write_str("[\n")?;
        for step in &self.steps {
            writeln!(f, "        {step},")?;
        }
        f.write_str("    ]")
    }
}

impl Display for FaultStep {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let fault = &self.fault;
        match &self.moment {
            Moment::At(time) => write!(f, "At(\"{time}\", {fault})"),
            Moment::Every(gap) => write!(f, "Every(\"{gap}\", {fault})"),
            Moment::When(trigger) => write!(f, "When({trigger}, {fault})"),
        }
    }
}

impl Serialize for FaultStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Duration, NodeId, Ratio};

    #[test]
    fn plans_print_as_they_are_written() {
        let range = |text: &str| text.parse().unwrap();
        let isolate = Cut::Isolate { nodes: Target::Role("Leader") };
        let groups = Cut::Groups { groups: vec![vec![NodeId::server(0)], vec![NodeId::server(1), NodeId::server(2)]] };
        let crash = Fault::Crash { node: Target::Any, down: Some(range("500ms..3s")) };
        let trigger = Trigger { on: Happening::Delivered("AppendEntries".to_owned()), node: None, nth: 7 };
        let steps = [
            FaultStep::at(Time::ZERO + Duration::from_secs(2), Fault::Partition { cut: isolate, lasting: None }),
            FaultStep::at(Time::ZERO, Fault::Partition { cut: groups, lasting: Some(range("1s")) }),
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
        for kind in Kind::ALL {
            if let Ends::By(cure) = kind.ends {
                assert!(Kind::ALL.iter().any(|other| other.name == cure && other.ends == Ends::AtOnce), "{}", kind.name);
            }
        }
    }
}
