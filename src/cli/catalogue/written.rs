//! What a scenario file can say, from its fields on: each field, each value that has a name, and where it stands.

use super::{Class, Topic, gathered, lines};
use crate::fault::{Cut, Fault, FaultKind, Happening, Moment};
use crate::misspelling::nearest;
use crate::notation::{Segment, Setting, Variant, Variants as _, Within, parse_path};
use crate::scenario;
use crate::systems::{AnySystem, Registry};

/// All that a file can say.
pub(super) fn topics(registry: &Registry) -> Vec<Topic> {
    let Found { fields, values, .. } = Found::all(registry);
    let fields = gathered(fields).into_iter().map(|(setting, places)| field(&setting, places));
    fields.chain(values.iter().map(value)).collect()
}

/// What stands at a path, as `--set` takes it: in each system that has something there. If there is nothing, a path that leads somewhere,
/// if one is spelled almost so.
pub(in crate::cli) fn at_path(path: &str, registry: &Registry) -> Result<Vec<Topic>, Option<String>> {
    let segments = parse_path(path).map_err(|_| None)?;
    let (mut there, mut within) = (Vec::new(), vec![Within::Fields(root(registry))]);
    for segment in segments {
        (there, within) = match segment {
            Segment::Field(name) => {
                let known: Vec<Setting> = within.iter().flat_map(fields_of).collect();
                let fields: Vec<Setting> = known.iter().filter(|field| field.name == name).cloned().collect();
                if fields.is_empty() {
                    return Err(nearest(name, known.iter().map(|field| field.name)).map(|near| path.replacen(name, near, 1)));
                }
                (fields.clone(), fields.into_iter().map(|field| field.within).collect())
            }
            Segment::Item(place) => item(there, &within, place),
        };
    }
    let known = gathered(Found::all(registry).fields).into_iter();
    Ok(known.filter(|(setting, _)| there.contains(setting)).map(|(setting, places)| field(&setting, places)).collect())
}

/// The fields of a scenario, with those of all systems.
fn root(registry: &Registry) -> Vec<Setting> {
    let all: Vec<_> = registry.systems().map(parts).collect();
    let mut fields = scenario::NOTATION.fields();
    for field in &mut fields {
        match field.name {
            "system" => field.within = Within::Fields(all.iter().flat_map(|(own, _)| own.clone()).collect()),
            "workload" => field.within = Within::Fields(all.iter().flat_map(|(_, workload)| workload.clone()).collect()),
            _ => {}
        }
    }
    fields
}

fn fields_of(within: &Within) -> Vec<Setting> {
    match within {
        Within::Fields(fields) => fields.clone(),
        Within::OneOf(_, variants) => variants.iter().flat_map(Variant::fields).collect(),
        Within::Nothing | Within::Each(_) => Vec::new(),
    }
}

/// An item of a list is what the list is made of, that of a value its field of this place. What has no items of a name stays what it is.
fn item(there: Vec<Setting>, within: &[Within], place: usize) -> (Vec<Setting>, Vec<Within>) {
    let (mut fields, mut items) = (Vec::new(), Vec::new());
    for within in within {
        match within {
            Within::Each(item) => items.push((**item).clone()),
            Within::OneOf(_, variants) => {
                fields.extend(variants.iter().filter(|variant| place < variant.bare).map(|variant| variant.fields().swap_remove(place)));
            }
            Within::Nothing | Within::Fields(_) => {}
        }
    }
    if fields.is_empty() {
        return (there, items);
    }
    items.extend(fields.iter().map(|field| field.within.clone()));
    (fields, items)
}

/// What a system has fields for: those of its own, and those of its workload.
pub(super) fn parts(system: &dyn AnySystem) -> (Vec<Setting>, Vec<Setting>) {
    let (own, workload): (Vec<_>, Vec<_>) = system.settings().into_iter().partition(|(part, _)| *part == system.name());
    let settings = |parts: Vec<(&str, Vec<Setting>)>| parts.into_iter().flat_map(|(_, settings)| settings).collect();
    (settings(own), settings(workload))
}

/// What was found on the way through all that is declared.
#[derive(Default)]
struct Found {
    /// Each field with each place where it stands.
    fields: Vec<(Setting, FieldPath)>,
    values: Vec<Value>,
    /// Those kinds of values that the way leads through: faults may hold faults.
    entered: Vec<&'static str>,
}

/// Where a field stands: a path, and what it is a field of.
type FieldPath = (String, String);

/// A value that has a name.
struct Value {
    /// What it is: "a fault".
    what: &'static str,
    variant: Variant,
    /// The fields that take it.
    taken_by: Vec<&'static str>,
}

impl Found {
    fn all(registry: &Registry) -> Self {
        let mut found = Self::default();
        found.within(&Within::OneOf("a scenario file", vec![scenario::NOTATION]), "", "");
        // Its fields stand at no path of a scenario.
        found.value("a scenario file", &scenario::FAILURE, "");
        for system in registry.systems() {
            let (own, workload) = parts(system);
            found.fields(&own, (system.name(), 0), "system");
            found.fields(&workload, (system.name(), 0), "workload");
        }
        found
    }

    /// The fields of an owner, of which so many need no names.
    fn fields(&mut self, fields: &[Setting], (owner, bare): (&str, usize), path: &str) {
        for (place, field) in fields.iter().enumerate() {
            let path = match path {
                "" => field.name.to_owned(),
                path if place < bare => format!("{path}[{place}]"),
                path => format!("{path}.{}", field.name),
            };
            self.fields.push((field.clone(), (path.clone(), owner.to_owned())));
            self.within(&field.within, field.name, &path);
        }
    }

    fn within(&mut self, within: &Within, field: &'static str, path: &str) {
        match within {
            Within::Nothing => {}
            Within::Each(item) => self.within(item, field, &format!("{path}[0]")),
            Within::Fields(fields) => self.fields(fields, (field, 0), path),
            Within::OneOf(what, variants) => {
                variants.iter().for_each(|variant| self.value(what, variant, field));
                if !self.entered.contains(what) {
                    self.entered.push(what);
                    variants.iter().for_each(|variant| self.fields(&variant.fields(), (variant.name, variant.bare), path));
                    self.entered.pop();
                }
            }
        }
    }

    fn value(&mut self, what: &'static str, variant: &Variant, field: &'static str) {
        let known = self.values.iter_mut().find(|known| known.what == what && known.variant.name == variant.name);
        match known {
            Some(known) if known.taken_by.contains(&field) => {}
            Some(known) => known.taken_by.push(field),
            None => self.values.push(Value { what, variant: *variant, taken_by: vec![field] }),
        }
    }
}

fn field(setting: &Setting, places: Vec<FieldPath>) -> Topic {
    let (choices, fields) = match setting.within.item() {
        Within::OneOf(_, variants) => (variants.iter().map(|variant| format!("{}: {}", variant.name, variant.about)).collect(), ""),
        Within::Fields(fields) => (Vec::new(), &*described(fields)),
        Within::Nothing | Within::Each(_) => (Vec::new(), ""),
    };
    let mut owners: Vec<&str> =
        gathered(places.iter().map(|(_, owner)| (owner.as_str(), ()))).into_iter().map(|(owner, _)| owner).collect();
    let first = format!("workload of {}", owners.first().copied().unwrap_or_default());
    if places.iter().all(|(path, _)| path.strip_prefix("workload.") == Some(setting.name)) {
        owners[0] = &first;
    }
    let stands = gathered(places.iter().map(|(path, owner)| (path, owner.as_str()))).into_iter();
    let default = setting.default.as_deref().unwrap_or("nothing: it must be given");
    let more = vec![
        ("takes", setting.takes.clone()),
        ("for", lines(setting.timings.iter().map(|timing| timing.in_words()).collect())),
        ("by default", unquoted(default).to_owned()),
        ("one of", lines(choices)),
        ("fields", fields.to_owned()),
        ("written", given(setting)),
        ("stands at", lines(stands.map(|(path, owners)| format!("{path}, in {}", owners.join(", "))).collect())),
    ];
    Topic::new(setting.name, Class::Field, setting.about, more).of(&owners)
}

/// A value without the backticks around it.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('`').and_then(|text| text.strip_suffix('`')).filter(|text| !text.contains('`')).unwrap_or(text)
}

fn value(Value { what, variant, taken_by }: &Value) -> Topic {
    let class = match *what {
        Moment::WHAT => Class::Step,
        Fault::WHAT => Class::Fault,
        Cut::WHAT => Class::Cut,
        Happening::WHAT => Class::Trigger,
        "a target" => Class::Target,
        _ => Class::Value,
    };
    let mut more = vec![("fields", described(&variant.fields())), ("written", variant.example.to_owned())];
    match class {
        Class::Fault => {
            if let Some(kind) = FaultKind::ALL.iter().find(|kind| kind.name == variant.name) {
                more.push(("strikes", kind.family.to_string()));
                more.push(("bites if", kind.bites.to_owned()));
                more.push(("ended by", kind.ends.to_string()));
            }
        }
        _ => more.push(("taken by", taken_by.join(", "))),
    }
    let topic = Topic::new(variant.name, class, variant.about, more).of(&[what]);
    if class == Class::Value { Topic { what, ..topic } } else { topic }
}

/// The fields in lines: what each means.
pub(super) fn described(settings: &[Setting]) -> String {
    lines(settings.iter().map(|setting| format!("{}: {}", setting.name, setting.in_words())).collect())
}

/// A field as it is given: `nodes: 5`.
pub(super) fn given(setting: &Setting) -> String {
    format!("{}: {}", setting.name, setting.example)
}

/// The first of these fields, and all that must be given.
pub(super) fn needed(settings: &[Setting]) -> String {
    let needed = settings.iter().enumerate().filter(|(place, setting)| *place == 0 || setting.default.is_none());
    needed.map(|(_, setting)| given(setting)).collect::<Vec<_>>().join(", ")
}
