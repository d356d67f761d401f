//! Scenarios out of structure: from what is declared of each system, fault and setting, with values near those that it names, so that
//! nearly all of them run. None panics, each does the same again from its own file, and what came of it can be told.

#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use stormglass::check::Verdict;
use stormglass::notation::{Setting, Variant, Within, set};
use stormglass::scenario::{NOTATION, Scenario};
use stormglass::systems::{AnySystem, Registry};
use stormglass::world::{JUDGE_PANICKED, NO_PANIC};

/// So deep values stand in one another: faults may hold faults.
const DEEP: usize = 4;
/// So many fields are tried.
const EDITS: usize = 12;
/// What a run may cost: a few milliseconds, most often.
const BUDGET: &str = "(events: 5000, states: 5000, messages: 5000)";

struct Writer<'u, 'd> {
    bytes: &'u mut Unstructured<'d>,
    /// Names that only this system has.
    roles: Vec<&'static str>,
    kinds: &'static [&'static str],
    marks: Vec<&'static str>,
}

impl Writer<'_, '_> {
    /// A value as it would be written: near the declared example, or of parts that are.
    fn value(&mut self, setting: &Setting, depth: usize) -> Result<String> {
        let plain = depth == DEEP || matches!(setting.within, Within::Nothing);
        if plain { self.near(&setting.example) } else { self.within(&setting.within, depth) }
    }

    fn within(&mut self, within: &Within, depth: usize) -> Result<String> {
        match within {
            Within::Nothing => Ok(String::new()),
            Within::Fields(fields) => Ok(format!("({})", self.fields(fields, depth)?)),
            Within::OneOf(_, variants) => {
                let variant = self.bytes.choose(variants)?;
                self.variant(variant, depth)
            }
            Within::Each(item) => {
                let items = (0..self.bytes.int_in_range(0..=3)?).map(|_| self.within(item, depth + 1)).collect::<Result<Vec<_>>>()?;
                Ok(format!("[{}]", items.join(", ")))
            }
        }
    }

    fn variant(&mut self, variant: &Variant, depth: usize) -> Result<String> {
        let fields = variant.fields();
        if fields.is_empty() { Ok(variant.name.to_owned()) } else { Ok(format!("{}({})", variant.name, self.fields(&fields, depth + 1)?)) }
    }

    /// All that must be given, and some of the rest.
    fn fields(&mut self, fields: &[Setting], depth: usize) -> Result<String> {
        let mut written = Vec::new();
        for field in fields {
            if field.default.is_none() || self.bytes.ratio(1, 3)? {
                written.push(format!("{}: {}", field.name, self.value(field, depth)?));
            }
        }
        Ok(written.join(", "))
    }

    /// The same with other numbers, nodes and names.
    fn near(&mut self, example: &str) -> Result<String> {
        match example {
            "true" | "false" => return Ok(bool::to_string(&self.bytes.arbitrary()?)),
            "" => return Ok("\"x\"".to_owned()),
            _ => {}
        }
        if self.bytes.ratio(1, 8)? {
            let names = [&self.roles[..], self.kinds, &self.marks].concat();
            if let Some(name) = (!names.is_empty()).then(|| self.bytes.choose(&names)).transpose()? {
                return Ok(if self.roles.contains(name) { (*name).to_owned() } else { format!("{name:?}") });
            }
        }
        let mut near = String::new();
        let mut rest = example;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let end = rest[start..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |length| start + length);
            let number: u64 = rest[start..end].parse().unwrap_or(1);
            let scaled = match self.bytes.int_in_range(0..=9)? {
                0 => 0,
                1 => 1,
                2 => number / 10,
                3 => number.saturating_mul(10),
                4 => number.saturating_sub(1),
                5 => number.saturating_add(1),
                6 => number.saturating_mul(3),
                7 => self.bytes.int_in_range(0..=5)?,
                _ => number,
            };
            near.push_str(&rest[..start]);
            near.push_str(&scaled.to_string());
            rest = &rest[end..];
        }
        Ok(near + rest)
    }
}

/// A scenario of this system: every edit that can be read is kept.
fn scenario(system: &dyn AnySystem, registry: &Registry, bytes: &mut Unstructured<'_>) -> Result<Scenario> {
    let name = system.name();
    let needed = system.settings().into_iter().filter(|(part, _)| *part == name).flat_map(|(_, settings)| settings);
    let needed = needed.filter(|field| field.default.is_none()).map(|field| format!("{}: {}", field.name, field.example));
    let needed = needed.collect::<Vec<_>>().join(", ");
    let mut text = format!("Scenario(name: \"fuzzed\", system: {name}({needed}), duration: \"1s\", settle: \"1s\", budget: {BUDGET})");
    let mut scenario = Scenario::from_ron(&text, registry).unwrap_or_else(|problems| panic!("{problems}"));
    let mut fields: Vec<(String, Setting)> = Vec::new();
    for (part, settings) in system.settings() {
        let place = if part == name { "system" } else { "workload" };
        fields.extend(settings.into_iter().map(|field| (format!("{place}.{}", field.name), field)));
    }
    let whole = NOTATION.fields().into_iter().filter(|field| !["name", "system", "workload", "budget", "seed"].contains(&field.name));
    fields.extend(whole.map(|field| (field.name.to_owned(), field)));
    let mut writer = Writer {
        bytes,
        roles: system.roles().iter().map(|role| role.name).collect(),
        kinds: system.kinds(),
        marks: system.marks().iter().map(|mark| mark.name).collect(),
    };
    let faults = fields.iter().position(|(path, _)| path == "faults").expect("a scenario has faults");
    for edit in 0..EDITS {
        let place = if edit < 2 { faults } else { writer.bytes.choose_index(fields.len())? };
        let (path, field) = &fields[place];
        let value = match path.as_str() {
            "mutant" => format!("{:?}", writer.bytes.choose(&system.mutants())?.name),
            _ => writer.value(field, 0)?,
        };
        let Ok(edited) = set(&text, path, &value) else { continue };
        if let Ok(read) = Scenario::from_ron(&edited, registry) {
            (text, scenario) = (edited, read);
        }
    }
    Ok(scenario)
}

fuzz_target!(|data: &[u8]| {
    let registry = Registry::standard();
    let systems: Vec<&dyn AnySystem> = registry.systems().collect();
    let mut bytes = Unstructured::new(data);
    let Ok(system) = bytes.choose(&systems) else { return };
    let (Ok(seed), Ok(scenario)) = (bytes.arbitrary(), scenario(*system, &registry, &mut bytes)) else { return };
    let written = scenario.to_ron();
    let outcome = scenario.run(seed);
    for property in [&NO_PANIC, &JUDGE_PANICKED] {
        assert!(!outcome.violates(property.name), "{}", scenario.describe_failure(&outcome));
    }
    let read = Scenario::from_ron(&written, &registry).unwrap_or_else(|problems| panic!("{problems}\n{written}"));
    assert_eq!((read.to_ron(), read.run(seed).digest), (written, outcome.digest), "seed {seed}, from its own file");
    if outcome.verdict() != Verdict::Holds {
        assert!(!scenario.describe_failure(&outcome).is_empty());
    }
});
