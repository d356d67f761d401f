//! The tables of settings in the documents are those that the code declares. A table stands below a line `<!-- settings of NAME -->`, and
//! is written anew by `UPDATE_EXPECT=1 cargo test --test house settings`.

use std::collections::BTreeMap;

use stormglass::fault::{Cut, Fault, Happening, Moment};
use stormglass::notation::{Setting, Within};
use stormglass::scenario;
use stormglass::systems::Registry;

use crate::{File, demand_none, files, root};

#[test]
fn tables_of_settings_are_fresh() {
    let declared = declared();
    let mut complaints = Vec::new();
    for document in files(&["docs"], ".md") {
        let fresh = renewed(&document.text, &declared);
        if fresh != document.text && std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(root().join(&document.path), &fresh).expect("a document can be written");
        } else if let Some(line) = first_difference(&document.text, &fresh) {
            complaints.push(document.complaint(line, "this table is stale: UPDATE_EXPECT=1 cargo test --test house settings"));
        }
    }
    demand_none(&complaints);
}

#[test]
fn every_setting_is_in_a_table() {
    let documents: Vec<File> = files(&["docs"], ".md");
    let told = |name: &String| documents.iter().any(|document| document.text.lines().any(|line| marked(line) == Some(name)));
    let declared = declared();
    let missing = declared.iter().filter(|(_, settings)| !declared.iter().any(|(name, same)| same == *settings && told(name)));
    demand_none(&missing.map(|(name, _)| format!("no document has a line <!-- settings of {name} -->")).collect::<Vec<_>>());
}

#[test]
fn a_stale_table_is_seen() {
    let declared = declared();
    let stale = "# Raft\n\n<!-- settings of RaftKv -->\n| field |\n| --- |\n\nMore.\n";
    let fresh = renewed(stale, &declared);
    assert_eq!(first_difference(stale, &fresh), Some(4));
    assert!(fresh.contains("| `nodes` | How many servers there are. | a whole number from 1 to 1000 | `5` |\n"), "{fresh}");
    assert_eq!(renewed(&fresh, &declared), fresh);
}

/// All settings: those of systems by the name of the system, or as `workload of RaftKv`; those of a value by the value, or the field that
/// takes it, as `Bank of TwoPhase`, `mix of Bank`, `network`. The notation of faults has tables of its own.
fn declared() -> BTreeMap<String, Vec<Setting>> {
    let mut declared = BTreeMap::new();
    add("Scenario", "", scenario::NOTATION.fields(), &mut declared);
    add("Failure", "", scenario::FAILURE.fields(), &mut declared);
    for system in Registry::standard().systems() {
        for (part, settings) in system.settings() {
            add(if part == system.name() { "" } else { part }, system.name(), settings, &mut declared);
        }
    }
    declared
}

/// These settings, and those within; the first of a name stays.
fn add(part: &str, owner: &str, settings: Vec<Setting>, declared: &mut BTreeMap<String, Vec<Setting>>) {
    let faults = [Fault::VARIANTS, Moment::VARIANTS, Cut::VARIANTS, Happening::VARIANTS].concat();
    for setting in &settings {
        match setting.within.item() {
            Within::Fields(fields) => {
                add(setting.name, owner, fields.clone(), declared);
                add(setting.name, part, fields.clone(), declared);
            }
            Within::OneOf(_, variants) => {
                let told_here = variants.iter().filter(|variant| faults.iter().all(|fault| fault.name != variant.name));
                told_here.for_each(|variant| add(variant.name, owner, variant.fields(), declared));
            }
            Within::Nothing | Within::Each(_) => {}
        }
    }
    let name = match (part, owner) {
        ("", only) | (only, "" | "Scenario") => only.to_owned(),
        (part, owner) => format!("{part} of {owner}"),
    };
    if !settings.is_empty() {
        declared.entry(name).or_insert(settings);
    }
}

/// The document with each marked table as it is declared.
fn renewed(text: &str, declared: &BTreeMap<String, Vec<Setting>>) -> String {
    let mut fresh = String::new();
    let mut is_old = false;
    for line in text.lines() {
        is_old = is_old && line.starts_with('|');
        if !is_old {
            fresh += &format!("{line}\n");
        }
        if let Some(settings) = marked(line).and_then(|name| declared.get(name)) {
            fresh += &table(settings);
            is_old = true;
        }
    }
    fresh
}

fn marked(line: &str) -> Option<&str> {
    line.strip_prefix("<!-- settings of ")?.strip_suffix(" -->")
}

fn table(settings: &[Setting]) -> String {
    let row = |Setting { name, about, takes, default, .. }: &Setting| {
        let default = default.as_deref().unwrap_or("must be given");
        format!("| `{name}` | {about} | {takes} | {default} |\n")
    };
    let rows: String = settings.iter().map(row).collect();
    format!("| field | what it means | what it takes | default |\n| --- | --- | --- | --- |\n{rows}")
}

fn first_difference(text: &str, fresh: &str) -> Option<usize> {
    (1..).zip(text.lines().zip(fresh.lines())).find(|(_, (old, new))| old != new).map(|(line, _)| line)
}
