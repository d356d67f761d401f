//! Everything that has a name in a scenario or a report, with what is to be said about it.

use crate::check::consistency::Guarantee;
use crate::check::isolation::Level;
use crate::check::model::ModelName;
use crate::check::recorded::transactions::TransactionModel;
use crate::check::{Property, PropertyKind};
use crate::fault::{Cut, Fault, FaultKind, Happening, Moment, Target};
use crate::notation::{Setting, Variant};
use crate::systems::{AnySystem, Mutant, Registry};
use crate::world;

/// One named thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) class: Class,
    /// What it is, in a sentence or two.
    pub(super) about: String,
    /// What else there is to say, under headings.
    pub(super) more: Vec<(&'static str, String)>,
}

/// What kind of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    System,
    Setting,
    Fault,
    Step,
    Cut,
    Target,
    Trigger,
    Property,
    Mutant,
    Decoy,
    Mark,
    Role,
    Kind,
    Model,
    Guarantee,
    Level,
}

impl Class {
    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::System => "a system",
            Self::Setting => "a setting",
            Self::Fault => "a fault",
            Self::Step => "a step of the plan of faults: when a fault strikes",
            Self::Cut => "a way to partition",
            Self::Target => "whom a fault may strike",
            Self::Trigger => "a trigger of faults",
            Self::Property => "a property that is judged",
            Self::Mutant => "a mutant: a planted bug",
            Self::Decoy => "a decoy: odd, and right",
            Self::Mark => "a sometimes mark",
            Self::Role => "a role, which faults can be aimed at",
            Self::Kind => "a kind of message",
            Self::Model => "a model: what a recorded history can be judged by",
            Self::Level => "a level: how far transactions can be asked to be kept apart",
            Self::Guarantee => "a guarantee: what a recorded history can be asked to keep",
        }
    }

    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::System => "systems",
            Self::Fault => "faults",
            Self::Property => "properties",
            Self::Mutant => "mutants",
            Self::Decoy => "decoys",
            Self::Model => "models",
            Self::Guarantee => "guarantees",
            Self::Level => "levels",
            Self::Setting | Self::Step | Self::Cut | Self::Target | Self::Trigger | Self::Mark | Self::Role | Self::Kind => "others",
        }
    }
}

/// All of them.
pub(super) fn topics(registry: &Registry) -> Vec<Topic> {
    let mut topics: Vec<Topic> = registry.systems().map(system).collect();
    topics.extend(faults());
    for (class, variants) in [
        (Class::Step, Moment::VARIANTS),
        (Class::Cut, Cut::VARIANTS),
        (Class::Target, Target::VARIANTS),
        (Class::Trigger, Happening::VARIANTS),
    ] {
        topics.extend(variants.iter().map(|variant| written(class, variant)));
    }
    topics.extend(settings(registry));
    topics.extend(properties(registry));
    let (decoys, mutants) = planted(registry).partition::<Vec<Topic>, _>(|topic| topic.class == Class::Decoy);
    topics.extend(mutants.into_iter().chain(decoys));
    topics.extend(named(Class::Mark, marks, registry));
    topics.extend(named(Class::Role, roles, registry));
    topics.extend(named(Class::Kind, kinds, registry));
    topics.extend(ModelName::ALL.map(model));
    topics.extend(TransactionModel::ALL.map(transactions));
    topics.extend(Guarantee::ALL.map(guarantee));
    topics.extend(Level::ALL.map(level));
    topics
}

fn faults() -> impl Iterator<Item = Topic> {
    Fault::VARIANTS.iter().map(|variant| {
        let mut topic = written(Class::Fault, variant);
        if let Some(kind) = FaultKind::ALL.iter().find(|kind| kind.name == variant.name) {
            topic.more.push(("strikes", kind.family.to_string()));
            topic.more.push(("bites if", kind.bites.to_owned()));
            topic.more.push(("ended by", kind.ends.to_string()));
        }
        topic
    })
}

fn written(class: Class, variant: &Variant) -> Topic {
    let fields = variant.fields().iter().map(|field| format!("{}: {}", field.name, field.in_words())).collect();
    let more = [("fields", lines(fields)), ("written", variant.example.to_owned())];
    let more = more.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    Topic { name: variant.name.to_owned(), class, about: variant.about.to_owned(), more }
}

fn system(system: &dyn AnySystem) -> Topic {
    let properties = system.properties().iter().map(|property| format!("{}: {}", property.name, property.about)).collect();
    let (decoys, mutants): (Vec<Mutant>, Vec<Mutant>) = system.mutants().into_iter().partition(Mutant::is_decoy);
    let planted = |planted: Vec<Mutant>| lines(planted.iter().map(|mutant| mutant.name.to_owned()).collect());
    let settings = system.settings().into_iter().flat_map(|(part, settings)| settings.into_iter().map(move |setting| (part, setting)));
    let more = [
        ("settings", lines(settings.map(|(part, setting)| described(part, system.name(), &setting)).collect())),
        ("roles", names(roles(system))),
        ("messages", joined(system.kinds())),
        ("properties", lines(properties)),
        ("sometimes", names(marks(system))),
        ("mutants", planted(mutants)),
        ("decoys", planted(decoys)),
    ];
    let more = more.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    Topic { name: system.name().to_owned(), class: Class::System, about: system.about().to_owned(), more }
}

/// A setting in a line; the value that it is a field of is named, unless it is the system itself.
fn described(part: &str, system: &str, setting: &Setting) -> String {
    let part = if part == system { String::new() } else { format!("{part}.") };
    format!("{part}{}: {}", setting.name, setting.in_words())
}

/// The settings of all systems and of what surrounds them, those that mean the same once.
fn settings(registry: &Registry) -> Vec<Topic> {
    let own = registry.systems().flat_map(|system| {
        let parts = system.settings().into_iter();
        parts.map(|(part, settings)| {
            (if part == system.name() { part.to_owned() } else { format!("{part} of {}", system.name()) }, settings)
        })
    });
    let surroundings = crate::scenario::settings().into_iter().map(|(part, settings)| (part.to_owned(), settings));
    let mut found: Vec<(Setting, Vec<String>)> = Vec::new();
    for (owner, setting) in own.chain(surroundings).flat_map(|(owner, all)| all.into_iter().map(move |setting| (owner.clone(), setting))) {
        match found.iter_mut().find(|(known, _)| *known == setting) {
            Some((_, owners)) => owners.push(owner),
            None => found.push((setting, vec![owner])),
        }
    }
    found.into_iter().map(|(setting, owners)| self::setting(setting, &owners)).collect()
}

fn setting(Setting { name, about, takes, default }: Setting, owners: &[String]) -> Topic {
    let default = default.unwrap_or_else(|| "nothing: it must be given".to_owned());
    let more = vec![("takes", takes), ("by default", default), ("a field of", owners.join(", "))];
    Topic { name: name.to_owned(), class: Class::Setting, about: about.to_owned(), more }
}

/// The properties of all systems, those of the world once.
fn properties(registry: &Registry) -> Vec<Topic> {
    let mut found: Vec<(Property, Vec<&str>)> = Vec::new();
    for system in registry.systems() {
        for property in system.properties() {
            match found.iter_mut().find(|(known, _)| *known == property) {
                Some((_, owners)) => owners.push(system.name()),
                None => found.push((property, vec![system.name()])),
            }
        }
    }
    for property in world::PROPERTIES {
        if found.iter().all(|(known, _)| known.name != property.name) {
            found.push((property, Vec::new()));
        }
    }
    found.into_iter().map(|(property, owners)| self::property(&property, &owners)).collect()
}

fn property(property: &Property, owners: &[&str]) -> Topic {
    let everywhere = world::PROPERTIES.iter().any(|own| own.name == property.name);
    let kind = match property.kind {
        PropertyKind::Always => "something bad that must never happen",
        PropertyKind::Eventually => "something good that must happen in the end",
    };
    let judged = if everywhere { "every system".to_owned() } else { owners.join(", ") };
    Topic {
        name: property.name.to_owned(),
        class: Class::Property,
        about: property.about.to_owned(),
        more: vec![("about", kind.to_owned()), ("judged in", judged)],
    }
}

/// The mutants and decoys of all systems.
fn planted(registry: &Registry) -> impl Iterator<Item = Topic> {
    registry.systems().flat_map(|system| system.mutants().into_iter().map(|planted| mutant(&planted, system)))
}

fn mutant(mutant: &Mutant, system: &dyn AnySystem) -> Topic {
    let more = [
        ("of the system", system.name().to_owned()),
        ("caught by", mutant.property.unwrap_or_default().to_owned()),
        ("what it takes to show", mutant.needs.join("\n")),
        (if mutant.is_decoy() { "that it is right says" } else { "published in" }, mutant.source.to_owned()),
        ("written", format!("mutant: {:?}", mutant.name)),
    ];
    Topic {
        name: mutant.name.to_owned(),
        class: if mutant.is_decoy() { Class::Decoy } else { Class::Mutant },
        about: mutant.about.to_owned(),
        more: more.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
    }
}

fn model(model: ModelName) -> Topic {
    let invoked = |f: &str, value: &str| format!("{{:process 0, :type :invoke, :f :{f}, :value {value}}}");
    let written: Vec<String> = model.operations().iter().map(|operation| invoked(operation.name, operation.asked)).collect();
    let answers: Vec<String> = model.operations().iter().map(|operation| format!("{}: {}", operation.name, operation.answer)).collect();
    Topic {
        name: model.name().to_owned(),
        class: Class::Model,
        about: model.about().to_owned(),
        more: vec![
            ("how an operation begins in a file of EDN", lines(written)),
            ("what its end, :type :ok, has for a :value", lines(answers)),
            ("asked for by", format!("stormglass check history.edn --model {model}")),
        ],
    }
}

fn transactions((model, about): (TransactionModel, &str)) -> Topic {
    let (f, answer) = match model {
        TransactionModel::ListAppend => ("append", "[1 2]"),
        TransactionModel::RwRegister => ("w", "2"),
    };
    Topic {
        name: model.name().to_owned(),
        class: Class::Model,
        about: about.to_owned(),
        more: vec![
            (
                "how a transaction begins and ends in a file of EDN",
                lines(vec![
                    format!("{{:process 0, :type :invoke, :f :txn, :value [[:{f} :x 2] [:r :x nil]]}}"),
                    format!("{{:process 0, :type :ok, :f :txn, :value [[:{f} :x 2] [:r :x {answer}]]}}"),
                ]),
            ),
            ("asked for by", format!("stormglass check history.edn --model {} --level serializable", model.name())),
        ],
    }
}

fn level(level: Level) -> Topic {
    let implied: Vec<&str> = Level::ALL.into_iter().filter(|other| *other != level && level.implies(*other)).map(Level::name).collect();
    let more = [
        ("whoever keeps it keeps", joined(&implied)),
        ("asked for by", format!("stormglass check history.edn --model list-append --level {}", level.name())),
    ];
    let more = more.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    Topic { name: level.name().to_owned(), class: Class::Level, about: level.about().to_owned(), more }
}

fn guarantee(guarantee: Guarantee) -> Topic {
    let account = match guarantee {
        Guarantee::Linearizable => "for every model; judged key by key",
        Guarantee::Sequential => "for every model; all keys together, which may take far longer than linearizability",
        _ => "for registers and stores in which no value is written twice, and for sets that only grow; else it is unknown",
    };
    Topic {
        name: guarantee.name().to_owned(),
        class: Class::Guarantee,
        about: guarantee.about().to_owned(),
        more: vec![
            ("told", account.to_owned()),
            ("asked for by", format!("stormglass check history.edn --model kv --guarantee {guarantee}")),
        ],
    }
}

/// A mark, a role or a kind: its name, and its sentence if it has one.
type Named = (&'static str, &'static str);

fn marks(system: &dyn AnySystem) -> Vec<Named> {
    system.marks().into_iter().map(|mark| (mark.name, mark.about)).collect()
}

fn roles(system: &dyn AnySystem) -> Vec<Named> {
    system.roles().iter().map(|role| (role.name, role.about)).collect()
}

fn kinds(system: &dyn AnySystem) -> Vec<Named> {
    system.kinds().iter().map(|kind| (*kind, system.about_kind(kind))).collect()
}

/// Those of all systems. One that means the same in several is described once.
fn named(class: Class, of: fn(&dyn AnySystem) -> Vec<Named>, registry: &Registry) -> Vec<Topic> {
    let mut found: Vec<(Named, Vec<&str>)> = Vec::new();
    for (named, owner) in registry.systems().flat_map(|system| of(system).into_iter().map(|named| (named, system.name()))) {
        match found.iter_mut().find(|(known, _)| *known == named) {
            Some((_, owners)) => owners.push(owner),
            None => found.push((named, vec![owner])),
        }
    }
    let topic = |(named @ (name, _), owners): (Named, Vec<&str>)| Topic {
        name: name.to_owned(),
        class,
        about: sentences(class, named),
        more: vec![("known in", owners.join(", "))],
    };
    found.into_iter().map(topic).collect()
}

/// What it is, and what can be done with it.
fn sentences(class: Class, (name, about): Named) -> String {
    let use_of_it = match class {
        Class::Mark => format!("Demand it with expect: [Sometimes({name:?})]."),
        Class::Role => format!("Faults can be aimed at the server that has this role when they strike: Crash(node: {name}, down: \"1s\")."),
        _ => format!("Triggers and replays can pick messages by their kind: When(Delivered(kind: {name:?}, nth: 1), …), --kind {name}."),
    };
    match (about, class) {
        ("", Class::Mark) => format!("Set when a run passes a place that a good sweep should pass sometimes. {use_of_it}"),
        ("", _) => use_of_it,
        (about, _) => format!("{about} {use_of_it}"),
    }
}

fn names(named: Vec<Named>) -> String {
    joined(&named.iter().map(|(name, _)| *name).collect::<Vec<_>>())
}

fn joined(names: &[&str]) -> String {
    names.join(", ")
}

fn lines(lines: Vec<String>) -> String {
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_role_and_kind_has_a_sentence() {
        for system in Registry::standard().systems() {
            for (name, about) in [marks(system), roles(system), kinds(system)].concat() {
                assert!(about.ends_with('.'), "{name} of {}", system.name());
            }
        }
    }

    #[test]
    fn explain_knows_every_field_of_a_scenario() {
        let topics = topics(&Registry::standard());
        for name in ["name", "system", "seed", "faults", "fates", "budget", "outcome", "links", "content", "At", "Every", "When"] {
            assert!(topics.iter().any(|topic| topic.name == name && !topic.about.is_empty()), "{name}");
        }
    }

    #[test]
    fn a_range_that_depends_on_another_setting_names_it() {
        let topics = topics(&Registry::standard());
        for (name, range) in [("missed", "from 1 to `of`"), ("parties", "from 2 to `accounts`")] {
            let topic = topics.iter().find(|topic| topic.name == name).expect("a setting");
            assert!(topic.more.iter().any(|(_, text)| text.ends_with(range)), "{topic:?}");
        }
    }

    #[test]
    fn explain_tells_the_sentence() {
        let topics = topics(&Registry::standard());
        for (name, class, sentence) in
            [("Leader", Class::Role, "It was elected in its term"), ("AppendEntries", Class::Kind, "A leader replicates its log")]
        {
            assert!(topics.iter().any(|topic| topic.name == name && topic.class == class && topic.about.starts_with(sentence)), "{name}");
        }
    }
}
