//! Steps of a plan: when a fault strikes.

use std::fmt::{self, Display, Formatter};

use serde::{Serialize, Serializer};

#[cfg(any(test, feature = "proptest"))]
use super::draw::Context;
use super::planned::{OccasionKind, Planned};
use super::{Fault, Trigger};
use crate::base::{DurationRange, Time};
use crate::diagnostic::Diagnostic;
use crate::notation::{
    Codec, Form, Length, LengthRange, Maybe, Required, Settings as _, Variants as _, codecs, in_quotes, settings, variants,
};

/// One entry of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultStep {
    pub(super) name: String,
    /// When it strikes.
    pub moment: Moment,
    /// What strikes.
    pub fault: Fault,
}

variants! {
    |planned: Planned<'c>, Context|
    /// When a fault strikes.
    pub enum Moment: "a step of the plan" with Happens {
        /// A fault strikes once, at this time. Strikes come last in their instant, in the order of the plan.
        At {
            /// When it strikes, counted from the beginning of the run.
            time: Time, Instant;
        } bare 2 => r#"At("2s", Crash(node: Leader, down: "1s"))"#,
        /// A fault strikes again and again, each time after a length drawn from this range, until the faults end.
        Every {
            /// How long until it strikes, and then until it strikes again.
            gap: DurationRange, Gap;
        } bare 2 => r#"Every("1s..4s", Crash(node: Any, down: "1s"))"#,
        /// A fault strikes once, at the end of the instant in which this happens.
        When {
            /// What it waits for.
            trigger: Trigger, planned;
        } bare 2 => r#"When(Delivered(kind: "AppendEntries", nth: 3), Partition(Halves))"#,
    }
}

settings! {
    |planned: Planned<'c>|
    /// What strikes then.
    pub(super) struct Happens {
        /// What strikes.
        fault: Option<Fault> = None, Required(planned);
        /// What the step is called: what is drawn for it hangs on its name. Without one, it is called by what it says.
        name: Option<String> = None, Maybe(StepName);
    }
}

codecs! {
    /// A time of the run: `"2s"`.
    pub(super) Instant: Time = |form| Length.read(form).map(|time| Time::ZERO + time), in_quotes, "a time", like "\"2s\"";
    /// How long until a fault strikes again.
    pub(super) Gap: DurationRange = gap, in_quotes, "a length, or a range of lengths", like "\"1s..4s\"";
    /// The name of a step.
    StepName: String = step_name, |name| format!("{name:?}"), "a text in quotes", like "\"the first crash\"";
}

fn gap(form: Form<'_>) -> Option<DurationRange> {
    let gap = LengthRange.read(form)?;
    if gap.high().is_zero() {
        form.report(form.problem("this fault would strike without end in one instant").label("expected a length above zero"));
        return None;
    }
    Some(gap)
}

fn step_name(form: Form<'_>) -> Option<String> {
    let name = form.text()?;
    if name.is_empty() {
        form.report(form.problem("a name has a letter at least").help("leave it out: the step is then named by what it says"));
        return None;
    }
    Some(name)
}

impl FaultStep {
    /// Strikes once, at this time.
    pub fn at(time: Time, fault: Fault) -> Self {
        Self::new(Moment::At { time }, fault)
    }

    /// Strikes again and again, each time after a length drawn from this range.
    pub fn every(gap: DurationRange, fault: Fault) -> Self {
        Self::new(Moment::Every { gap }, fault)
    }

    /// Strikes once, when this has set it off.
    pub fn when(trigger: Trigger, fault: Fault) -> Self {
        Self::new(Moment::When { trigger }, fault)
    }

    /// Strikes at this moment.
    pub fn new(moment: Moment, fault: Fault) -> Self {
        Self { name: String::new(), moment, fault }
    }

    /// The same under this name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Its name; empty if it has none and is in no plan yet.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has a name that is not just what it says.
    pub(crate) fn is_named(&self) -> bool {
        !self.name.is_empty() && self.name != self.written(false)
    }

    /// As it is written: with its name, or without one.
    pub(super) fn written(&self, is_named: bool) -> String {
        let name = if is_named { StepName.write(&self.name) } else { String::new() };
        let rest = vec![("fault", self.fault.to_string()), ("name", name)];
        self.moment.variant().written(&[self.moment.texts(), rest].concat())
    }

    pub(super) fn read(form: Form<'_>, planned: Planned<'_>) -> Option<Self> {
        if form.name().is_some_and(|name| Fault::VARIANTS.iter().any(|variant| variant.name == name)) {
            let problem = Diagnostic { span: form.name_span(), ..form.problem("this fault does not say when it strikes") };
            form.report(problem.help("write At(\"2s\", …), Every(\"1s..4s\", …) or When(…, …) around it"));
            Fault::read_noted(&planned.after(OccasionKind::Unclear), form);
            return None;
        }
        let (variant, mut fields) = Moment::open(form)?;
        let when = variant.fields().first().and_then(|field| fields.look_at(field.name));
        let moment = Moment::take(variant.name, &mut fields, planned);
        let occasion = match &moment {
            Some(Moment::When { trigger }) => trigger.on.occasion(),
            None if variant.name == "When" => OccasionKind::Unclear,
            _ => OccasionKind::Nothing,
        };
        let (Happens { fault, name }, given) = Happens::read_within(&mut fields, None, planned.after(occasion));
        fields.finish();
        planned.note(|places| {
            places.moments.extend(moment.clone().zip(when.map(Form::span)));
            let again = matches!(moment, Some(Moment::Every { .. }));
            places.names.extend(name.clone().zip(given.form("name")).map(|(name, form)| (name, form.span(), again)));
        });
        Some(Self::new(moment?, fault?).named(name.unwrap_or_default()))
    }
}

impl Display for FaultStep {
    /// With its name, if that is not just what it says.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(self.is_named()))
    }
}

impl Serialize for FaultStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
