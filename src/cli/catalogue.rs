//! Everything that has a name in a scenario or a report, with what is to be said about it.

use crate::check::PropertyKind;
use crate::systems::{AnySystem, Check, Mutant, Registry};
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
    Fault,
    Cut,
    Target,
    Trigger,
    Check,
    Mutant,
    Mark,
    Role,
    Kind,
}

impl Class {
    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::System => "a system",
            Self::Fault => "a fault",
            Self::Cut => "a way to partition",
            Self::Target => "whom a fault may strike",
            Self::Trigger => "a trigger of faults",
            Self::Check => "a property that is checked",
            Self::Mutant => "a mutant: a planted bug",
            Self::Mark => "a sometimes mark",
            Self::Role => "a role, which faults can be aimed at",
            Self::Kind => "a kind of message",
        }
    }

    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::System => "systems",
            Self::Fault => "faults",
            Self::Check => "checks",
            Self::Mutant => "mutants",
            Self::Cut | Self::Target | Self::Trigger | Self::Mark | Self::Role | Self::Kind => "others",
        }
    }
}

/// All of them.
pub(super) fn topics(registry: &Registry) -> Vec<Topic> {
    let mut topics: Vec<Topic> = registry.systems().map(system).collect();
    for (class, entries) in [(Class::Fault, FAULTS), (Class::Cut, CUTS), (Class::Target, TARGETS), (Class::Trigger, TRIGGERS)] {
        topics.extend(entries.iter().map(|entry| written(class, entry)));
    }
    topics.extend(checks(registry));
    topics.extend(registry.systems().flat_map(|system| system.mutants().iter().map(|planted| mutant(planted, system))));
    for (class, names) in [(Class::Mark, marks(registry)), (Class::Role, roles(registry)), (Class::Kind, kinds(registry))] {
        topics.extend(owned(class, &names));
    }
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
    let checks = system.checks().iter().map(|check| format!("{}: {}", check.name, check.about)).collect();
    let mutants = system.mutants().iter().map(|mutant| mutant.name.to_owned()).collect();
    let more = [
        ("roles", joined(system.roles())),
        ("messages", joined(system.kinds())),
        ("checks", lines(checks)),
        ("sometimes", joined(&system.marks())),
        ("mutants", lines(mutants)),
    ];
    let more = more.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    Topic { name: system.name().to_owned(), class: Class::System, about: system.about().to_owned(), more }
}

/// The properties of all systems, those of the world once.
fn checks(registry: &Registry) -> Vec<Topic> {
    let mut found: Vec<(Check, Vec<&str>)> = Vec::new();
    for system in registry.systems() {
        for check in system.checks() {
            match found.iter_mut().find(|(known, _)| *known == check) {
                Some((_, owners)) => owners.push(system.name()),
                None => found.push((check, vec![system.name()])),
            }
        }
    }
    for &(name, kind, about) in world::PROPERTIES {
        if found.iter().all(|(known, _)| known.name != name) {
            found.push((Check { name, kind, about }, Vec::new()));
        }
    }
    found.into_iter().map(|(check, owners)| self::check(&check, &owners)).collect()
}

fn check(check: &Check, owners: &[&str]) -> Topic {
    let everywhere = world::PROPERTIES.iter().any(|(name, ..)| *name == check.name);
    let kind = match check.kind {
        PropertyKind::Always => "something bad that must never happen",
        PropertyKind::Eventually => "something good that must happen in the end",
    };
    let judged = if everywhere { "every system".to_owned() } else { owners.join(", ") };
    Topic {
        name: check.name.to_owned(),
        class: Class::Check,
        about: check.about.to_owned(),
        more: vec![("about", kind.to_owned()), ("judged in", judged)],
    }
}

fn mutant(mutant: &Mutant, system: &dyn AnySystem) -> Topic {
    Topic {
        name: mutant.name.to_owned(),
        class: Class::Mutant,
        about: mutant.about.to_owned(),
        more: vec![
            ("of the system", system.name().to_owned()),
            ("caught by", mutant.property.to_owned()),
            ("what it takes to show", mutant.needs.join("\n")),
            ("published in", mutant.source.to_owned()),
            ("written", format!("mutant: {:?}", mutant.name)),
        ],
    }
}

/// Names with the systems that they belong to.
type Owned = Vec<(&'static str, Vec<&'static str>)>;

fn marks(registry: &Registry) -> Owned {
    by_name(registry.systems().flat_map(|system| system.marks().into_iter().map(|mark| (mark, system.name()))))
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

fn owned(class: Class, names: &Owned) -> Vec<Topic> {
    let about = |name: &str| match class {
        Class::Mark => {
            format!("Set when a run passes a place that a good sweep should pass sometimes. Demand it with expect: [Sometimes({name:?})].")
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
}
