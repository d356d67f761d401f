//! Everything that has a name in a scenario or a report, with what is to be said about it.

mod written;

use clap::ValueEnum;

use super::exit::Exit;
use crate::base::{Metric, MetricSort};
use crate::check::consistency::Guarantee;
use crate::check::isolation::Level;
use crate::check::model::{ModelName, Operation};
use crate::check::recorded::streams;
use crate::check::recorded::transactions::TransactionModel;
use crate::check::streams::{Promise, StreamAnomaly};
use crate::check::{Property, PropertyKind};
use crate::explore::DETERMINISTIC;
use crate::systems::{AnySystem, EVERY_RUN, Mutant, Practice, Registry};
use crate::world;
pub(super) use written::at_path;

/// One named thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) class: Class,
    /// What kind of thing it is: "a fault".
    pub(super) what: &'static str,
    /// What it is, in a sentence or two.
    pub(super) about: String,
    /// What else there is to say, under headings.
    pub(super) more: Vec<(&'static str, String)>,
    /// What it belongs to, by which it is told apart from others of its name.
    pub(super) owners: Vec<String>,
}

macro_rules! classes {
    ($( $Class:ident: $plural:literal, $singular:literal; )+) => {
        /// What kind of thing it is, as `list` takes it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        pub(super) enum Class {
            $( #[value(name = $plural)] $Class ),+
        }

        impl Class {
            pub(super) fn singular(self) -> &'static str {
                match self { $( Self::$Class => $singular ),+ }
            }

            pub(super) fn plural(self) -> &'static str {
                match self { $( Self::$Class => $plural ),+ }
            }
        }
    };
}

classes! {
    System: "systems", "a system";
    Field: "fields", "a field";
    Step: "steps", "a step of the plan of faults: when a fault strikes";
    Fault: "faults", "a fault";
    Cut: "cuts", "a way to partition";
    Target: "targets", "whom a fault may strike";
    Trigger: "triggers", "a trigger of faults";
    Value: "values", "a value of a field";
    Role: "roles", "a role, which faults can be aimed at";
    Kind: "messages", "a kind of message";
    Mark: "marks", "a sometimes mark";
    Metric: "metrics", "a metric: what runs measure over time";
    Property: "properties", "a property that is judged";
    Mutant: "mutants", "a mutant: a planted bug";
    Decoy: "decoys", "a decoy: odd, and right";
    Practice: "practices", "a practice, with a pair of scenarios that differ in it";
    Model: "models", "a model: what a recorded history can be judged by";
    Guarantee: "guarantees", "a guarantee: what a recorded history can be asked to keep";
    Level: "levels", "a level: how far transactions can be asked to be kept apart";
    ExitCode: "exit-codes", "an exit code";
}

/// All of them.
pub(super) fn topics(registry: &Registry) -> Vec<Topic> {
    let mut topics: Vec<Topic> = registry.systems().map(system).collect();
    topics.extend(written::topics(registry));
    topics.extend(named(Class::Role, roles, registry));
    topics.extend(named(Class::Kind, kinds, registry));
    topics.extend(named(Class::Mark, marks, registry));
    topics.extend(metrics(registry));
    topics.extend(properties(registry));
    topics.extend(registry.systems().flat_map(|system| system.mutants().into_iter().map(|planted| mutant(&planted, system))));
    topics.extend(registry.systems().flat_map(|system| system.practices().iter().map(|shown| practice(shown, system))));
    let ours = ModelName::ALL.map(|model| (model.name(), model.about(), model.operations()));
    let own = registry.models().iter().map(|own| (own.name, own.about, own.operations));
    topics.extend(ours.into_iter().filter(|(name, ..)| own.clone().all(|(own, ..)| own != *name)).chain(own.clone()).map(model));
    topics.extend(TransactionModel::ALL.map(transactions));
    topics.push(stream());
    topics.extend(Guarantee::ALL.map(guarantee));
    topics.extend(Level::ALL.map(level));
    topics.extend(Exit::ALL.iter().map(|(code, about)| Topic::new(code, Class::ExitCode, about, vec![])));
    topics
}

impl Topic {
    fn new(name: &str, class: Class, about: &str, more: Vec<(&'static str, String)>) -> Self {
        let more = more.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        Self { name: name.to_owned(), class, what: class.singular(), about: about.to_owned(), more, owners: Vec::new() }
    }

    fn of(self, owners: &[&str]) -> Self {
        Self { owners: owners.iter().map(|owner| (*owner).to_owned()).collect(), ..self }
    }
}

/// Things that are the same are kept once, each with all that it belongs to.
fn gathered<T: PartialEq, O: PartialEq>(things: impl IntoIterator<Item = (T, O)>) -> Vec<(T, Vec<O>)> {
    let mut found: Vec<(T, Vec<O>)> = Vec::new();
    for (thing, owner) in things {
        match found.iter_mut().find(|(known, _)| *known == thing) {
            Some((_, owners)) if owners.contains(&owner) => {}
            Some((_, owners)) => owners.push(owner),
            None => found.push((thing, vec![owner])),
        }
    }
    found
}

fn system(system: &dyn AnySystem) -> Topic {
    let properties = system.properties().iter().map(|property| format!("{}: {}", property.name, property.about)).collect();
    let (decoys, mutants): (Vec<Mutant>, Vec<Mutant>) = system.mutants().into_iter().partition(Mutant::is_decoy);
    let planted = |planted: Vec<Mutant>| lines(planted.iter().map(|mutant| mutant.name.to_owned()).collect());
    let (own, workload) = written::parts(system);
    let more = vec![
        ("fields", written::described(&own)),
        ("fields of its workload", written::described(&workload)),
        ("written", format!("system: {}({})", system.name(), written::needed(&own))),
        ("roles", names(roles(system))),
        ("messages", numbers_apart(&kinds(system))),
        ("properties", lines(properties)),
        ("metrics", lines(own_metrics(system))),
        ("sometimes", names(marks(system))),
        ("mutants", planted(mutants)),
        ("decoys", planted(decoys)),
    ];
    Topic::new(system.name(), Class::System, system.about(), more)
}

/// What runs of the system measure, besides what every run does.
fn own_metrics(system: &dyn AnySystem) -> Vec<String> {
    let own = system.metrics().into_iter().filter(|(of, _)| *of != EVERY_RUN).flat_map(|(_, metrics)| metrics);
    own.map(|metric| format!("{}: {}", metric.name, metric.about)).collect()
}

/// What runs measure: what those of all systems do once.
fn metrics(registry: &Registry) -> Vec<Topic> {
    let all = registry.systems().flat_map(|system| {
        let own = system.metrics().into_iter();
        own.flat_map(move |(of, metrics)| {
            let of = if of == EVERY_RUN { "every system" } else { system.name() };
            metrics.into_iter().map(move |metric| (metric, of))
        })
    });
    gathered(all).into_iter().map(|(metric, owners)| self::metric(&metric, &owners)).collect()
}

fn metric(metric: &Metric, owners: &[&str]) -> Topic {
    let (is, compared) = match metric.sort {
        MetricSort::Counter => ("a counter", format!("Above(Rate({:?}), \"5/s\")", metric.name)),
        MetricSort::Gauge => ("a gauge", format!("Above(Value({:?}), {})", metric.name, bound(metric))),
        MetricSort::Histogram => ("a histogram", format!("Above(Quantile({:?}), {})", metric.name, bound(metric))),
    };
    let more = vec![
        ("is", is.to_owned()),
        ("in", metric.unit.to_owned()),
        ("told apart by", joined(metric.labels)),
        ("measured in", owners.join(", ")),
        ("written", format!("alerts: [(name: \"watched\", when: {compared})]")),
        ("asked for by", "stormglass run SCENARIO --metrics metrics.om".to_owned()),
    ];
    Topic::new(metric.name, Class::Metric, metric.about, more).of(owners)
}

/// What a metric of this unit can be compared with.
fn bound(metric: &Metric) -> &'static str {
    match metric.unit {
        "seconds" => "\"200ms\"",
        "ratio" => "\"80%\"",
        _ => "10",
    }
}

/// The properties of all systems, those of the world once.
fn properties(registry: &Registry) -> Vec<Topic> {
    let own = registry.systems().flat_map(|system| system.properties().into_iter().map(|property| (property, system.name())));
    let mut found = gathered(own);
    for property in everywhere() {
        if found.iter().all(|(known, _)| known.name != property.name) {
            found.push((property, Vec::new()));
        }
    }
    found.into_iter().map(|(property, owners)| self::property(&property, &owners)).collect()
}

/// Those that are judged whatever the system.
fn everywhere() -> impl Iterator<Item = Property> {
    world::PROPERTIES.into_iter().chain([DETERMINISTIC])
}

fn property(property: &Property, owners: &[&str]) -> Topic {
    let is_everywhere = everywhere().any(|own| own.name == property.name);
    let kind = match property.kind {
        PropertyKind::Always => "something bad that must never happen",
        PropertyKind::Eventually => "something good that must happen in the end",
    };
    let judged = if is_everywhere { "every system".to_owned() } else { owners.join(", ") };
    let use_of_it = match *property == DETERMINISTIC {
        true => ("asked for by", "stormglass run SCENARIO --verify".to_owned()),
        false => ("written", format!("outcome: Violates({:?})", property.name)),
    };
    let more = vec![("about", kind.to_owned()), ("judged in", judged), use_of_it];
    Topic::new(property.name, Class::Property, property.about, more).of(owners)
}

fn mutant(mutant: &Mutant, system: &dyn AnySystem) -> Topic {
    let more = vec![
        ("of the system", system.name().to_owned()),
        ("caught by", mutant.property.unwrap_or_default().to_owned()),
        ("what it takes to show", mutant.needs.join("\n")),
        (if mutant.is_decoy() { "that it is right says" } else { "published in" }, mutant.source.to_owned()),
        ("written", format!("mutant: {:?}", mutant.name)),
    ];
    let class = if mutant.is_decoy() { Class::Decoy } else { Class::Mutant };
    Topic::new(mutant.name, class, mutant.about, more).of(&[system.name()])
}

fn practice(practice: &Practice, system: &dyn AnySystem) -> Topic {
    let run = |path: &str| format!("stormglass run {path} --as-meant");
    let more = vec![("with it", run(practice.with)), ("without it", run(practice.without)), ("of the system", system.name().to_owned())];
    Topic::new(practice.name, Class::Practice, practice.about, more).of(&[system.name()])
}

fn model((name, about, operations): (&str, &str, &[Operation])) -> Topic {
    let invoked = |f: &str, value: &str| format!("{{:process 0, :type :invoke, :f :{f}, :value {value}}}");
    let written: Vec<String> = operations.iter().map(|operation| invoked(operation.name, operation.asked)).collect();
    let answers: Vec<String> = operations.iter().map(|operation| format!("{}: {}", operation.name, operation.answer)).collect();
    let more = vec![
        ("how an operation begins in a file of EDN", lines(written)),
        ("what its end, :type :ok, has for a :value", lines(answers)),
        ("asked for by", format!("stormglass check history.edn --model {name}")),
    ];
    Topic::new(name, Class::Model, about, more)
}

fn transactions((model, about): (TransactionModel, &str)) -> Topic {
    let (f, answer) = match model {
        TransactionModel::ListAppend => ("append", "[1 2]"),
        TransactionModel::RwRegister => ("w", "2"),
    };
    let ends = format!("{{:process 0, :type :ok, :f :txn, :value [[:{f} :x 2] [:r :x {answer}]]}}");
    let more = vec![
        (
            "how a transaction begins and ends in a file of EDN",
            lines(vec![format!("{{:process 0, :type :invoke, :f :txn, :value [[:{f} :x 2] [:r :x nil]]}}"), ends]),
        ),
        ("asked for by", format!("stormglass check history.edn --model {} --level serializable", model.name())),
    ];
    Topic::new(model.name(), Class::Model, about, more)
}

fn stream() -> Topic {
    let ends = [
        "{:process 0, :type :ok, :f :send, :value [[:send 1 [4 7]]]}",
        "{:process 0, :type :ok, :f :poll, :value [[:poll {1 [[4 7]]}]]}",
        "{:process 0, :type :ok, :f :assign, :value [1 2]}, or with :f :subscribe",
    ];
    let begins = ["{:process 0, :type :invoke, :f :send, :value [[:send 1 7]]}", "{:process 0, :type :invoke, :f :poll, :value [[:poll]]}"];
    let promises = Promise::ALL.map(|promise| format!("{promise}: {}", promise.about()));
    let anomalies = StreamAnomaly::ALL.map(|anomaly| format!("{anomaly}: {}", anomaly.property().about));
    let more = vec![
        ("how sends and polls begin in a file of EDN", lines(begins.map(str::to_owned).to_vec())),
        ("how they end", lines(ends.map(str::to_owned).to_vec())),
        ("what can be promised", lines(promises.to_vec())),
        ("what is judged", lines(anomalies.to_vec())),
        ("asked for by", format!("stormglass check history.edn --model {} --promise at-least-once", streams::MODEL)),
    ];
    Topic::new(streams::MODEL, Class::Model, streams::ABOUT, more)
}

fn level(level: Level) -> Topic {
    let implied: Vec<&str> = Level::ALL.into_iter().filter(|other| *other != level && level.implies(*other)).map(Level::name).collect();
    let more = vec![
        ("whoever keeps it keeps", joined(&implied)),
        ("asked for by", format!("stormglass check history.edn --model list-append --level {}", level.name())),
    ];
    Topic::new(level.name(), Class::Level, level.about(), more)
}

fn guarantee(guarantee: Guarantee) -> Topic {
    let account = match guarantee {
        Guarantee::Linearizable => "for every model; judged key by key",
        Guarantee::Sequential => "for every model; all keys together, which may take far longer than linearizability",
        _ => "for registers and stores in which no value is written twice, and for sets that only grow; else it is unknown",
    };
    let asked = format!("stormglass check history.edn --model kv --guarantee {guarantee}");
    Topic::new(guarantee.name(), Class::Guarantee, guarantee.about(), vec![("told", account.to_owned()), ("asked for by", asked)])
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
    let all = registry.systems().flat_map(|system| of(system).into_iter().map(|named| (named, system.name())));
    let topic = |((name, about), owners): (Named, Vec<&str>)| {
        let written = match class {
            Class::Mark => format!("expect: [Sometimes({name:?})]\nWhen(Marked(mark: {name:?}), Heal)"),
            Class::Role => format!("At(\"2s\", Crash(node: {name}, down: \"1s\"))"),
            _ => format!("When(Delivered(kind: {name:?}, nth: 1), Heal)\nstormglass replay SCENARIO --seed N --kind {name}"),
        };
        let about = match (about, class) {
            ("", Class::Mark) => "Set when a run passes a place that a good sweep should pass sometimes.",
            ("", Class::Role) => "A role of the system, which does not say what it means.",
            ("", _) => "A message of the system, which does not say what it means.",
            (about, _) => about,
        };
        Topic::new(name, class, about, vec![("written", written), ("known in", owners.join(", "))]).of(&owners)
    };
    gathered(all).into_iter().map(topic).collect()
}

/// The names, those that are only numbered at the end.
fn numbers_apart(kinds: &[Named]) -> String {
    let (numbered, own): (Vec<Named>, Vec<Named>) =
        kinds.iter().partition(|(name, about)| stem_of(name).is_some_and(|stem| kinds.contains(&(stem, about))));
    let rest = numbered.first().zip(numbered.last()).map(|((first, _), (last, _))| format!("\nand the same from {first} to {last}"));
    names(own) + &rest.unwrap_or_default()
}

/// What the name is without its number, if it is numbered: `Ping` of `Ping/2`.
pub(super) fn stem_of(name: &str) -> Option<&str> {
    name.rsplit_once('/').filter(|(_, number)| number.parse::<u32>().is_ok()).map(|(stem, _)| stem)
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
    use crate::scenario::Scenario;

    #[test]
    fn every_mark_role_and_kind_has_a_sentence() {
        for system in Registry::standard().systems() {
            for (name, about) in [marks(system), roles(system), kinds(system)].concat() {
                assert!(about.ends_with('.'), "{name} of {}", system.name());
            }
        }
    }

    #[test]
    fn every_topic_says_something_and_every_field_has_an_example() {
        for topic in topics(&Registry::standard()) {
            assert!(topic.about.len() > 7, "{topic:?}");
            let written = topic.more.iter().any(|(heading, text)| *heading == "written" && !text.ends_with(": "));
            assert!(written || topic.class != Class::Field, "{topic:?}");
        }
    }

    #[test]
    fn what_is_written_of_a_system_can_be_read() {
        let registry = Registry::standard();
        for topic in topics(&registry).iter().filter(|topic| topic.class == Class::System) {
            let (_, written) = topic.more.iter().find(|(heading, _)| *heading == "written").expect("a system is written");
            let scenario = Scenario::from_ron(&format!("Scenario(name: \"calm\", {written})"), &registry);
            assert!(scenario.is_ok(), "{written}: {scenario:?}");
        }
    }

    #[test]
    fn a_range_that_depends_on_another_setting_names_it() {
        let topics = topics(&Registry::standard());
        for (name, range) in [("missed", "from 1 to `of`"), ("parties", "from 2 to `accounts`")] {
            let topic = topics.iter().find(|topic| topic.name == name).expect("a field");
            assert!(topic.more.iter().any(|(_, text)| text.ends_with(range)), "{topic:?}");
        }
    }
}
