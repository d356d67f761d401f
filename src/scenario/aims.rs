//! Where a scenario file says what it is to show.

use super::Expectation;
use crate::base::SortedMap;
use crate::diagnostic::{Diagnostics, Place, Source};
use crate::notation::{Form, quoted};

/// Where a scenario file says what it is to show. What it does not say has the place of the file's beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aims {
    outcome: Option<Place>,
    expected: SortedMap<String, Place>,
}

impl Aims {
    /// Those of this file, even if it is wrong in other respects.
    pub fn of(source: &Source) -> Self {
        let problems = Diagnostics::new();
        let whole = Form::parse(source, &problems);
        // Of a failure, its scenario says so.
        let within =
            whole.and_then(Form::fields).and_then(|fields| fields.look_at("scenario")).filter(|form| form.name() == Some("Scenario"));
        let Some(fields) = within.or(whole).and_then(Form::fields) else { return Self::default() };
        let place = |form: Form<'_>| source.place(form.span().start);
        let one = |form: Form<'_>| {
            let written = format!("{}({})", form.name()?, quoted(&form.arguments(["a name"])?[0].text()?));
            Some((written, place(form)))
        };
        let expected = fields.look_at("expect").and_then(|form| form.list(one)).unwrap_or_default();
        Self { outcome: fields.look_at("outcome").map(place), expected: expected.into_iter().collect() }
    }

    /// Its `outcome`, or else the file's beginning.
    pub fn outcome(&self) -> Place {
        self.outcome.unwrap_or(Place { line: 1, column: 1 })
    }

    /// Where it expects this, or else its `outcome`.
    pub fn expected(&self, expected: &Expectation) -> Place {
        self.expected.get(&expected.to_string()).copied().unwrap_or_else(|| self.outcome())
    }
}
