//! Plain values in the fields of a plan.

use super::notation::Value;
use super::reader::Reader;
use super::{Fault, Lengths, Target};
use crate::base::{DurationRange, NodeId, Ratio};
use crate::diagnostic::Diagnostic;
use crate::notation::Form;
#[cfg(any(test, feature = "proptest"))]
use {
    super::draw::{Draw, GRAINS},
    proptest::prelude::*,
};

impl Value for Ratio {
    const WHAT: &'static str = "a chance";

    fn read(form: Form<'_>, _: &Reader<'_>) -> Option<Self> {
        let ratio = form.ratio()?;
        warn(ratio.is_never(), form, "this fault changes nothing");
        Some(ratio)
    }

    fn write(&self) -> Option<String> {
        Some(format!("\"{self}\""))
    }

    #[cfg(any(test, feature = "proptest"))]
    fn strategy(_: &Draw) -> BoxedStrategy<Self> {
        (1..=9_u32).prop_map(|tenths| Self::new(tenths, 10).expect("less than one")).boxed()
    }
}

/// What something takes.
impl Value for DurationRange {
    const WHAT: &'static str = "a length, or a range of lengths";

    fn read(form: Form<'_>, reader: &Reader<'_>) -> Option<Self> {
        let range = reader.scope.range(form)?;
        warn(range.high().is_zero(), form, "this fault changes nothing");
        Some(range)
    }

    fn write(&self) -> Option<String> {
        Some(format!("\"{self}\""))
    }

    #[cfg(any(test, feature = "proptest"))]
    fn strategy(draw: &Draw) -> BoxedStrategy<Self> {
        draw.lengths(1..GRAINS / 20).boxed()
    }
}

/// How long a fault lasts. Zero means something, if little: what was struck comes back in the next instant.
impl Value for Option<Lengths> {
    const WHAT: &'static str = "a length, a range of lengths, or a list of lengths";

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn read(form: Form<'_>, reader: &Reader<'_>) -> Option<Self> {
        let lengths = if form.raw().starts_with('[') { each_length(form, reader)? } else { reader.scope.range(form)?.into() };
        let is_zero = match &lengths {
            Lengths::Drawn(range) => range.high().is_zero(),
            Lengths::Each(lengths) => lengths.iter().all(|length| length.is_zero()),
        };
        warn(is_zero, form, "this fault is over as soon as it strikes");
        Some(Some(lengths))
    }

    fn write(&self) -> Option<String> {
        Some(match self.as_ref()? {
            Lengths::Drawn(range) => format!("\"{range}\""),
            Lengths::Each(lengths) => list(&lengths.iter().map(|length| format!("\"{length}\"")).collect::<Vec<_>>()),
        })
    }

    #[cfg(any(test, feature = "proptest"))]
    fn strategy(draw: &Draw) -> BoxedStrategy<Self> {
        proptest::option::weighted(0.8, draw.lengths(1..GRAINS / 4).prop_map(Lengths::Drawn)).boxed()
    }
}

/// `["1s", "3s"]`.
fn each_length(form: Form<'_>, reader: &Reader<'_>) -> Option<Lengths> {
    let lengths = form.list(|length| {
        let range = reader.scope.range(length)?;
        if range.low() != range.high() {
            length.report(length.problem("a list of lengths has no ranges"));
            return None;
        }
        Some(range.low())
    })?;
    if lengths.is_empty() {
        form.report(form.problem("there is no length in this list"));
        return None;
    }
    Some(Lengths::Each(lengths))
}

impl Value for Option<Target> {
    const WHAT: &'static str = Target::WHAT;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn read(form: Form<'_>, reader: &Reader<'_>) -> Option<Self> {
        Target::read(form, reader).map(Some)
    }

    fn write(&self) -> Option<String> {
        self.as_ref().and_then(Value::write)
    }

    #[cfg(any(test, feature = "proptest"))]
    fn strategy(draw: &Draw) -> BoxedStrategy<Self> {
        proptest::option::of(Target::strategy(draw)).boxed()
    }
}

impl Value for Vec<Vec<NodeId>> {
    const WHAT: &'static str = "a list of groups";

    fn read(form: Form<'_>, reader: &Reader<'_>) -> Option<Self> {
        reader.groups(form)
    }

    fn write(&self) -> Option<String> {
        Some(list(&self.iter().map(|group| list(group)).collect::<Vec<_>>()))
    }

    #[cfg(any(test, feature = "proptest"))]
    fn strategy(draw: &Draw) -> BoxedStrategy<Self> {
        draw.groups().boxed()
    }
}

impl Value for Vec<Fault> {
    const WHAT: &'static str = "a list of faults";

    fn read(form: Form<'_>, reader: &Reader<'_>) -> Option<Self> {
        let faults = form.list(|fault| Fault::read(fault, reader))?;
        if faults.is_empty() {
            form.report(form.problem("there is no fault to choose from"));
            return None;
        }
        Some(faults)
    }

    fn write(&self) -> Option<String> {
        Some(list(self))
    }

    /// Plans that are drawn choose among faults by themselves.
    #[cfg(any(test, feature = "proptest"))]
    fn strategy(_: &Draw) -> BoxedStrategy<Self> {
        Just(vec![Fault::Heal]).boxed()
    }
}

/// `[n1, n2]`.
pub(super) fn list<T: ToString>(items: &[T]) -> String {
    format!("[{}]", items.iter().map(T::to_string).collect::<Vec<_>>().join(", "))
}

fn warn(doubtful: bool, form: Form<'_>, message: &str) {
    if doubtful {
        form.report(Diagnostic::warning(form.span(), message));
    }
}
