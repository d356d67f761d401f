//! Everything that has a name in a scenario or a report, with what is to be said about it.

use crate::base::Setting;
use crate::check::guarantee::Guarantee;
use crate::check::isolation::{Level, Notation};
use crate::check::model::ModelName;
use crate::check::{Property, PropertyKind};
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

/// What sort of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    System,
    Setting,
    Fault,
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
            Self::Setting | Self::Cut | Self::Target | Self::Trigger | Self::Mark | Self::Role | Self::Kind => "others",
        }
    }
}

/// All of them.
pub(super) fn topics(registry: &Registry) -> Vec<Topic> {
    let mut topics: Vec<Topic> = registry.systems().map(system).collect();
    for (class, entries) in [(Class::Fault, FAULTS), (Class::Cut, CUTS), (Class::Target, TARGETS), (Class::Trigger, TRIGGERS)] {
        topics.extend(entries.iter().map(|entry| written(class, entry)));
    }
    topics.extend(settings(registry));
    topics.extend(properties(registry));
    let (decoys, mutants) = planted(registry).partition::<Vec<Topic>, _>(|topic| topic.class == Class::Decoy);
    topics.extend(mutants.into_iter().chain(decoys));
    for (class, names) in [(Class::Mark, marks(registry)), (Class::Role, roles(registry)), (Class::Kind, kinds(registry))] {
        topics.extend(owned(class, &names, registry));
    }
    topics.extend(ModelName::ALL.map(model));
    topics.extend(Notation::ALL.map(transactions));
    topics.extend(Guarantee::ALL.map(guarantee));
    topics.extend(Level::ALL.map(level));
    topics
}

/// A name, what it means, and how it is written.
type Entry = (&'static str, &'static str, &'static str);

const FAULTS: &[Entry] = &[
    (
        "Partition",
        "Messages across a cut are lost when they are sent, until the network heals or a given time has passed. Partitions add up.",
        "At(\"2s\", Partition(Isolate(Leader)))\nEvery(\"1s..4s\", Partition(cut: Halves, lasting: \"500ms..2s\"))",
    ),
    ("Heal", "Ends all partitions, and all spells in which links lose, double or delay messages.", "At(\"4s\", Heal)"),
    (
        "Crash",
        "A node loses its volatile state, its timers, and of its unsynced writes all but a part that the seed decides. It starts again after a while.",
        "At(\"2s\", Crash(node: Leader, down: \"500ms..3s\"))",
    ),
    ("Restart", "A node that is down starts.", "At(\"5s\", Restart(node: n2))"),
    (
        "Pause",
        "A node stands still with its state. Messages queue and timers fire late.",
        "At(\"2s\", Pause(node: Any, lasting: \"200ms..1s\"))",
    ),
    ("Resume", "A paused node goes on.", "At(\"3s\", Resume(node: n2))"),
    (
        "Lose",
        "Every link loses messages with a given chance, on top of its own, until the network heals or a given time has passed.",
        "At(\"2s\", Lose(chance: \"1/10\", lasting: \"1s\"))",
    ),
    (
        "Duplicate",
        "Every link delivers messages twice with a given chance, on top of its own, until the network heals or a given time has passed.",
        "At(\"2s\", Duplicate(chance: \"1/10\", lasting: \"1s\"))",
    ),
    (
        "Delay",
        "Messages take longer, by a length drawn for each, until the network heals or a given time has passed: those from and to a node, which is then slow, or all.",
        "Every(\"1s..4s\", Delay(by: \"50ms..200ms\", node: Any, lasting: \"1s\"))",
    ),
    (
        "StallDisk",
        "A node's disk completes no sync until a given time has passed or the faults end. All else on the node goes on: a gray failure.",
        "At(\"2s\", StallDisk(node: Leader, lasting: \"2s\"))",
    ),
    ("Destroy", "A node crashes for good: nothing starts it again, not the end of the faults either.", "At(\"5s\", Destroy(node: Any))"),
    ("OneOf", "One of several faults, each as likely.", "Every(\"1s..4s\", OneOf([Crash(node: Any, down: \"1s\"), Heal]))"),
];

const CUTS: &[Entry] = &[
    ("Halves", "The servers fall into two random halves. Of an odd number, one half has one more.", "Partition(Halves)"),
    ("Isolate", "Nodes are cut off from all other servers.", "Partition(Isolate(Leader))"),
    ("OneWay", "What some nodes send to others is lost. The way back is open.", "Partition(OneWay(from: Leader, to: All))"),
    ("Groups", "Each group is cut off from every other. A node in none reaches all.", "Partition(Groups([[n1, n2], [n3, n4, n5]]))"),
];

const TARGETS: &[Entry] = &[
    ("Any", "A server, any.", "Crash(node: Any, down: \"1s\")"),
    ("All", "All servers.", "Crash(node: All, down: \"1s\")"),
    ("Minority", "Fewer than half of the servers, at least one if there are three or more.", "Partition(Isolate(Minority))"),
    ("Majority", "More than half of the servers.", "Crash(node: Majority, down: \"1s\")"),
    ("Sender", "The sender of the message that set the trigger off.", "When(Sent(kind: \"Vote\"), Crash(node: Sender, down: \"1s\"))"),
    (
        "Receiver",
        "The receiver of the message that set the trigger off.",
        "When(Delivered(kind: \"Vote\"), Pause(node: Receiver, lasting: \"1s\"))",
    ),
    ("Subject", "The node that set the trigger off.", "When(Wrote(file: \"log\"), Crash(node: Subject, down: \"1s\"))"),
];

const TRIGGERS: &[Entry] = &[
    ("Sent", "A message of a kind was sent.", "When(Sent(kind: \"Vote\", nth: 3), Heal)"),
    ("Delivered", "A message of a kind was delivered.", "When(Delivered(kind: \"Vote\", nth: 3), Heal)"),
    ("Wrote", "A file was written.", "When(Wrote(file: \"log\", node: n1, nth: 3), Crash(node: Subject, down: \"1s\"))"),
    ("Synced", "A sync of a disk completed.", "When(Synced(node: n1, nth: 3), Crash(node: Subject, down: \"1s\"))"),
    ("Marked", "A sometimes mark was set.", "When(Marked(mark: \"leader lost\", nth: 2), Heal)"),
    ("Crashed", "A node crashed.", "When(Crashed(nth: 2), Partition(Halves))"),
    ("Restarted", "A node started again.", "When(Restarted(nth: 2), Partition(Halves))"),
];

fn written(class: Class, (name, about, example): &Entry) -> Topic {
    Topic { name: (*name).to_owned(), class, about: (*about).to_owned(), more: vec![("written", (*example).to_owned())] }
}

fn system(system: &dyn AnySystem) -> Topic {
    let properties = system.properties().iter().map(|property| format!("{}: {}", property.name, property.about)).collect();
    let (decoys, mutants): (Vec<Mutant>, Vec<Mutant>) = system.mutants().into_iter().partition(Mutant::is_decoy);
    let named = |planted: Vec<Mutant>| lines(planted.iter().map(|mutant| mutant.name.to_owned()).collect());
    let settings = system.settings().into_iter().flat_map(|(part, settings)| settings.into_iter().map(move |setting| (part, setting)));
    let more = [
        ("settings", lines(settings.map(|(part, setting)| told(part, system.name(), &setting)).collect())),
        ("roles", joined(system.roles())),
        ("messages", joined(system.kinds())),
        ("properties", lines(properties)),
        ("sometimes", joined(&system.marks().iter().map(|mark| mark.name).collect::<Vec<_>>())),
        ("mutants", named(mutants)),
        ("decoys", named(decoys)),
    ];
    let more = more.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    Topic { name: system.name().to_owned(), class: Class::System, about: system.about().to_owned(), more }
}

/// A setting in a line; the value that it is a field of is named, unless it is the system itself.
fn told(part: &str, system: &str, Setting { name, about, takes, default }: &Setting) -> String {
    let part = if part == system { String::new() } else { format!("{part}.") };
    let default = if default.is_empty() { String::new() } else { format!("; by default {default}") };
    format!("{part}{name}: {about} Takes {takes}{default}")
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
    let default = if default.is_empty() { "none".to_owned() } else { default };
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

fn transactions((notation, about): (Notation, &str)) -> Topic {
    let (f, answer) = match notation {
        Notation::ListAppend => ("append", "[1 2]"),
        Notation::RwRegister => ("w", "2"),
    };
    Topic {
        name: notation.name().to_owned(),
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
            ("asked for by", format!("stormglass check history.edn --model {} --level serializable", notation.name())),
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
    let told = match guarantee {
        Guarantee::Linearizable => "for every model; judged key by key",
        Guarantee::Sequential => "for every model; all keys together, which may take far longer than linearizability",
        _ => "for registers and stores in which no value is written twice, and for sets that only grow; else it is unknown",
    };
    Topic {
        name: guarantee.name().to_owned(),
        class: Class::Guarantee,
        about: guarantee.about().to_owned(),
        more: vec![("told", told.to_owned()), ("asked for by", format!("stormglass check history.edn --model kv --guarantee {guarantee}"))],
    }
}

/// Names with the systems that they belong to.
type Owned = Vec<(&'static str, Vec<&'static str>)>;

fn marks(registry: &Registry) -> Owned {
    by_name(registry.systems().flat_map(|system| system.marks().into_iter().map(|mark| (mark.name, system.name()))))
}

/// When this mark is set.
fn set_when(name: &str, registry: &Registry) -> &'static str {
    let mut marks = registry.systems().flat_map(AnySystem::marks);
    marks.find(|mark| mark.name == name).map_or("", |mark| mark.about)
}

fn roles(registry: &Registry) -> Owned {
    by_name(registry.systems().flat_map(|system| system.roles().iter().map(|role| (*role, system.name()))))
}

fn kinds(registry: &Registry) -> Owned {
    by_name(registry.systems().flat_map(|system| system.kinds().iter().map(|kind| (*kind, system.name()))))
}

fn by_name(pairs: impl Iterator<Item = (&'static str, &'static str)>) -> Owned {
    let mut names = Owned::new();
    for (name, owner) in pairs {
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, owners)) => owners.push(owner),
            None => names.push((name, vec![owner])),
        }
    }
    names
}

fn owned(class: Class, names: &Owned, registry: &Registry) -> Vec<Topic> {
    let about = |name: &str| match class {
        Class::Mark => {
            let told = match set_when(name, registry) {
                "" => "Set when a run passes a place that a good sweep should pass sometimes.",
                told => told,
            };
            format!("{told} Demand it with expect: [Sometimes({name:?})].")
        }
        Class::Role => format!("Faults can be aimed at the server that has this role when they strike: Crash(node: {name}, down: \"1s\")."),
        _ => format!("Triggers and replays can pick messages by their kind: When(Delivered(kind: {name:?}, nth: 1), …), --kind {name}."),
    };
    let topic = |(name, owners): &(&'static str, Vec<&'static str>)| Topic {
        name: (*name).to_owned(),
        class,
        about: about(name),
        more: vec![("known in", owners.join(", "))],
    };
    names.iter().map(topic).collect()
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
    use crate::fault::Fault;

    #[test]
    fn every_fault_is_explained() {
        for kind in Fault::KINDS {
            assert!(FAULTS.iter().any(|(name, ..)| name == kind), "{kind}");
        }
    }

    #[test]
    fn every_mark_has_a_sentence() {
        for system in Registry::standard().systems() {
            for mark in system.marks() {
                assert!(mark.about.ends_with('.'), "{} of {}", mark.name, system.name());
            }
        }
    }
}
