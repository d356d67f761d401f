//! What the names in a scenario mean, as far as its system is known: nodes, roles, kinds of messages, marks, properties, mutants.
//!
//! Where the system is unknown or its own part is wrong, that has been reported, and names that hang on it are not held against anybody.

use std::cell::RefCell;

use crate::base::NodeId;
use crate::diagnostic::suggestion;
use crate::fault::{Places, Scope};
use crate::metrics::Measurable;
use crate::misspelling::nearest;
use crate::notation::Form;
use crate::require::Subjects;
use crate::systems::{AnySystem, Population, Registry};

/// The names that a scenario may use.
#[derive(Clone, Copy, Default)]
pub(super) struct Names<'r> {
    /// The system, if the file names one that there is.
    pub(super) system: Option<&'r dyn AnySystem>,
    /// How many nodes it has, if its own part of the file is right.
    pub(super) population: Option<Population>,
    /// What requirements can be about, if that part is right.
    pub(super) subjects: Option<&'r Subjects>,
    /// What alerts can be about, if that part is right.
    pub(super) measurable: Option<&'r Measurable>,
    /// The systems that there are.
    pub(super) registry: Option<&'r Registry>,
    /// Where the places of the plan's parts are noted.
    pub(super) places: Option<&'r RefCell<Places>>,
}

/// The system that the value of `system` names.
pub(super) fn system<'r>(form: Form<'_>, registry: &'r Registry) -> Option<&'r dyn AnySystem> {
    let names: Vec<&str> = registry.systems().map(AnySystem::name).collect();
    let name = form.variant("a system", &names)?;
    registry.find(name)
}

impl Scope for Names<'_> {
    fn node(&self, form: Form<'_>) -> Option<NodeId> {
        let Ok(node) = form.raw().parse() else {
            form.report(form.mismatch("a node, like n1").help("servers are n1, n2, …, clients c1, c2, …, without quotes"));
            return None;
        };
        self.exists(node, form).then_some(node)
    }

    fn exists(&self, node: NodeId, form: Form<'_>) -> bool {
        let Some(Population { servers, clients }) = self.population else { return true };
        let (count, one, letter) = if node.is_client() { (clients, "client", 'c') } else { (servers, "server", 'n') };
        if node.index() < count as usize {
            return true;
        }
        let there_is = match count {
            0 => format!("the system has no {one}s"),
            1 => format!("the system has one {one}, {letter}1"),
            count => format!("the system has {count} {one}s, {letter}1 to {letter}{count}"),
        };
        form.report(form.problem(format!("there is no node `{node}`")).label(there_is));
        false
    }

    fn kind(&self, form: Form<'_>) -> Option<&'static str> {
        self.known(form, "kind of message", |system| system.kinds().to_vec())
    }

    fn mark(&self, form: Form<'_>) -> Option<&'static str> {
        self.known(form, "mark", |system| system.marks().iter().map(|mark| mark.name).collect())
    }

    fn roles(&self) -> Option<Vec<&'static str>> {
        self.system.map(|system| system.roles().iter().map(|role| role.name).collect())
    }

    fn servers(&self) -> Option<u32> {
        self.population.map(|population| population.servers)
    }
}

impl Names<'_> {
    /// A property that is judged.
    pub(super) fn property(&self, form: Form<'_>) -> Option<&'static str> {
        self.known(form, "property", |system| system.properties().iter().map(|property| property.name).collect())
    }

    /// Planted bugs, one or a list; `none` is none, so that what stands in the file can be set aside: `--set mutant=none`.
    pub(super) fn mutants(&self, form: Form<'_>) -> Option<Vec<&'static str>> {
        if !form.raw().starts_with('[') {
            let known = [self.system.map(mutants).unwrap_or_default(), vec!["none"]].concat();
            return if quoted_text(form, &known)? == "none" { Some(Vec::new()) } else { Some(vec![self.mutant(form)?]) };
        }
        let mut planted = Vec::new();
        form.list(|form| {
            let mutant = self.mutant(form)?;
            if planted.contains(&mutant) {
                form.report(form.problem(format!("the mutant \"{mutant}\" stands here twice")).help("name it once"));
                return None;
            }
            planted.push(mutant);
            Some(mutant)
        })
    }

    fn mutant(&self, form: Form<'_>) -> Option<&'static str> {
        let text = quoted_text(form, &self.system.map(mutants).unwrap_or_default())?;
        let (system, registry) = (self.system?, self.registry?);
        let known = mutants(system);
        if let Some(found) = known.iter().find(|name| **name == text) {
            return Some(found);
        }
        let problem = match registry.systems().find(|other| mutants(*other).contains(&text.as_str())) {
            Some(other) => form.problem(format!("the mutant \"{text}\" is one of `{}`, not of `{}`", other.name(), system.name())),
            None => form.problem(format!("`{}` has no mutant \"{text}\"", system.name())),
        };
        form.report(problem.help(suggestion_or_none(&text, &known, "mutant")));
        None
    }

    fn known(&self, form: Form<'_>, what: &str, list: impl FnOnce(&dyn AnySystem) -> Vec<&'static str>) -> Option<&'static str> {
        let known = self.system.map(list);
        let text = quoted_text(form, known.as_deref().unwrap_or_default())?;
        let (system, known) = (self.system?, known?);
        let found = known.iter().find(|name| **name == text).copied();
        if found.is_none() {
            let problem = form.problem(format!("`{}` has no {what} \"{text}\"", system.name()));
            form.report(problem.help(suggestion_or_none(&text, &known, what)));
        }
        found
    }
}

/// A text in quotes; of a name without them, which of these was meant.
fn quoted_text(form: Form<'_>, known: &[&str]) -> Option<String> {
    match form.name().filter(|name| *name == form.raw()).and_then(|name| nearest(name, known.iter().copied())) {
        Some(near) => {
            form.report(form.mismatch("a text in quotes").help(format!("did you mean {near:?}?")));
            None
        }
        None => form.text(),
    }
}

fn mutants(system: &dyn AnySystem) -> Vec<&'static str> {
    system.mutants().iter().map(|mutant| mutant.name).collect()
}

fn suggestion_or_none(word: &str, known: &[&str], what: &str) -> String {
    if known.is_empty() { format!("it has no {what} at all") } else { suggestion(word, known) }
}
