//! Scenario files: what to run, under which conditions, and what it is meant to show.

use crate::base::{Diagnostics, Form, Source};
use crate::systems::{Instance, Population, Registry, Watch};
use crate::world::{Conditions, Outcome};

/// A scenario, ready to run.
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// Its own seed, if it names one.
    pub seed: Option<u64>,
    /// The planted bug that it runs with.
    pub mutant: Option<&'static str>,
    /// What surrounds its system.
    pub conditions: Conditions,
    /// The *sometimes* marks that a sweep must see.
    pub expect: Vec<&'static str>,
    /// What it is meant to show.
    pub expected: Expected,
    /// How many states the judging of one history may spend.
    pub states: u64,
    instance: Box<dyn Instance>,
}

/// What a scenario is meant to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// That every property holds.
    Holds,
    /// That this property is violated.
    Violates(&'static str),
}

impl Scenario {
    /// Reads a scenario; every problem is reported.
    pub fn parse(source: &Source, registry: &Registry, problems: &Diagnostics) -> Option<Self> {
        let mut fields = Form::parse(source, problems)?.fields()?;
        let name = fields.required("name", Form::text);
        let seed = fields.optional("seed", |seed| seed.count(0..));
        let system = fields.required("system", Some);
        let workload = fields.take("workload");
        let mut conditions = Conditions::default();
        conditions.duration = fields.read_or("duration", conditions.duration, Form::duration_positive);
        conditions.settle = fields.read_or("settle", conditions.settle, Form::duration);
        let states = fields.read_or("states", Watch::STATES, |states| states.count(1..));
        let expect = fields.take("expect");
        let outcome = fields.take("outcome");
        fields.finish();
        let names: Vec<&str> = registry.systems().map(|system| system.name()).collect();
        let form = system?;
        let system = registry.find(form.variant("a system", &names)?)?;
        let marks = system.marks();
        let expect = expect.map_or(Some(Vec::new()), |list| {
            list.list(|item| {
                let [mark] = item.arguments(["a mark"])?;
                let text = mark.text()?;
                marks.iter().copied().find(|known| *known == text)
            })
        });
        let expected = outcome.map_or(Some(Expected::Holds), |outcome| match outcome.variant("an outcome", &["Holds", "Violates"])? {
            "Holds" => Some(Expected::Holds),
            _ => {
                let [property] = outcome.arguments(["a property"])?;
                let text = property.text()?;
                system.checks().iter().map(|check| check.name).find(|known| *known == text).map(Expected::Violates)
            }
        });
        let instance = system.decode(form, workload)?;
        if problems.has_errors() {
            return None;
        }
        Some(Self { name: name?, seed, mutant: None, conditions, expect: expect?, expected: expected?, states, instance })
    }

    /// The scenario as a file.
    pub fn to_ron(&self) -> String {
        format!("Scenario(\n    name: {:?},\n    system: {},\n)\n", self.name, self.instance.write().system)
    }

    /// One run, judged and shown to nobody.
    pub fn run(&self, seed: u64) -> Outcome {
        self.run_watched(seed, Watch { states: self.states, ..Watch::default() })
    }

    /// One run, watched.
    pub fn run_watched(&self, seed: u64, watch: Watch<'_>) -> Outcome {
        self.instance.run(self.mutant, &self.conditions, seed, watch)
    }

    /// The name of its system.
    pub fn system(&self) -> &'static str {
        self.instance.system()
    }

    /// How many nodes its system has.
    pub fn population(&self) -> Population {
        self.instance.population()
    }
}
