//! What the command writes for programs is as the schemas in `docs/schemas` say: no field is missing, and none is there that they do
//! not name.

#![cfg(feature = "cli")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

use crate::Desk;

/// The schemas of this document, and which of them is that of a whole value. It must be a schema of draft 2020-12.
fn compiled(name: &str) -> (Schemas, SchemaIndex) {
    let path = format!("{}/docs/schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let document = serde_json::from_str(&fs::read_to_string(&path).expect("a schema")).expect("JSON");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource(&path, document).expect("a document");
    let index = compiler.compile(&path, &mut schemas).unwrap_or_else(|error| panic!("{path}: {error:#}"));
    (schemas, index)
}

/// What is wrong with a value that is not as this schema says.
fn complaint(schema: &str, value: &Value) -> Option<String> {
    let (schemas, index) = compiled(schema);
    schemas.validate(value, index).err().map(|error| format!("{error:#}"))
}

pub(crate) fn demand(schema: &str, value: &Value, of: &str) {
    if let Some(wrong) = complaint(schema, value) {
        panic!("{of}, by {schema}.json: {wrong}\n{value:#}");
    }
}

/// What the command prints, whatever it ends with; its folder is that of the project.
fn printed(arguments: &[&str]) -> Vec<Value> {
    let command = Command::new(env!("CARGO_BIN_EXE_stormglass")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let output = command.expect("the command can be started");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(!text.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(|line| serde_json::from_str(line).expect("a line is an object")).collect()
}

fn check_all(schema: &str, arguments: &[&str]) -> Vec<Value> {
    let values = printed(arguments);
    values.iter().for_each(|value| demand(schema, value, &arguments.join(" ")));
    values
}

#[test]
fn the_schemas_are_schemas() {
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas")).expect("a folder") {
        let path = file.expect("a file").path();
        compiled(path.file_stem().and_then(|name| name.to_str()).expect("a name"));
    }
}

/// The kinds of the explanations of a run, which is as its schema says.
fn kinds(run: &Value, of: &str) -> Vec<String> {
    demand("run", run, of);
    let explanations = run["properties"].as_array().expect("a list").iter().map(|property| &property["explanation"]);
    explanations.filter_map(|explanation| explanation["of"].as_str()).map(str::to_owned).collect()
}

/// What several schemas share stands in one file, and what is defined is used.
#[test]
fn what_is_shared_is_defined_once() {
    let mut defined = BTreeMap::new();
    let mut texts = String::new();
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas")).expect("a folder") {
        let path = file.expect("a file").path();
        let text = fs::read_to_string(&path).expect("a schema");
        let schema: Value = serde_json::from_str(&text).expect("JSON");
        for name in schema["$defs"].as_object().into_iter().flat_map(|known| known.keys()) {
            let other = defined.insert(name.clone(), path.clone());
            assert!(other.is_none(), "{name} stands in {} and in {other:?}", path.display());
        }
        texts += &text;
    }
    assert!(defined.len() > 15);
    for name in defined.keys() {
        assert!(texts.contains(&format!("#/$defs/{name}\"")), "{name} is used nowhere");
    }
}

/// All kinds of explanations that there are.
fn kinds_in_schema() -> BTreeSet<String> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/common.json")).expect("a schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    let kinds = schema["$defs"]["explanation"]["oneOf"].as_array().expect("alternatives").clone();
    kinds.iter().map(|kind| kind["properties"]["of"]["const"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn runs() {
    let mut seen = BTreeSet::new();
    for (scenario, more) in [
        ("scenarios/raft/every-fault.ron", &[][..]),
        ("scenarios/raft/bugs/forgets-vote.ron", &[]),
        ("scenarios/three-phase/bugs/votes-early.ron", &[]),
        ("scenarios/commit/bugs/aborts-in-doubt.ron", &[]),
        ("scenarios/commit/bugs/never-asks.ron", &[]),
        ("scenarios/detector/compare.ron", &[]),
        ("scenarios/raft/bugs/commits-old-term.ron", &[]),
        ("scenarios/raft/leader-crash.ron", &["--verify"]),
    ] {
        let arguments = [&["run", scenario, "--seed", "1", "--format", "json"], more].concat();
        seen.extend(kinds(&printed(&arguments)[0], scenario));
    }
    let desk = Desk::new();
    for (trouble, kind, more) in [
        ("Violate", "text", &[][..]),
        ("Panic", "panic", &[]),
        ("Spin", "spin", &[]),
        ("Stale", "linearizability", &[]),
        ("Doubt", "doubt", &[]),
        ("Drift", "difference", &["--verify"]),
    ] {
        desk.scenario("toy.ron", &format!("system: Toy(trouble: {trouble}), seed: 7"));
        let done = desk.run(&[&["run", "toy.ron", "--format", "json"], more].concat());
        let run = serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{error}: {}", done.out));
        let found = kinds(&run, trouble);
        assert!(found.contains(&kind.to_owned()), "{trouble}: {kind} is not among {found:?}");
        seen.extend(found);
    }
    assert_eq!(seen, kinds_in_schema(), "each kind of explanation is seen, and no other");
}

#[test]
fn sweeps_and_traces() {
    let home = tempfile::tempdir().expect("a folder");
    let (rows, trace) = (home.path().join("rows.jsonl"), home.path().join("trace.jsonl"));
    let (rows_path, trace_path) = (rows.to_str().expect("text"), trace.to_str().expect("text"));
    for scenario in ["scenarios/raft/bugs/forgets-vote.ron", "scenarios/raft/every-fault.ron", "scenarios/detector/heartbeat.ron"] {
        check_all("sweep", &["sweep", scenario, "--seeds", "4", "--keep-going", "--format", "json", "--out", rows_path]);
        check_all("run", &["run", scenario, "--seed", "1", "--format", "json", "--trace", trace_path]);
        for (schema, file) in [("row", &rows), ("trace", &trace)] {
            let mut text = fs::read_to_string(file).expect("text");
            if schema == "row" {
                let (header, rows) = text.split_once('\n').expect("a header");
                demand("rows", &serde_json::from_str(header).expect("JSON"), scenario);
                text = rows.to_owned();
            }
            let lines = text;
            // Of the records of one sort a few say as much as all.
            let mut seen = BTreeMap::new();
            for line in lines.lines() {
                let value: Value = serde_json::from_str(line).expect("JSON");
                let seen = seen.entry(value["sort"].to_string()).or_insert(0);
                *seen += 1;
                if *seen <= 20 {
                    demand(schema, &value, scenario);
                }
            }
        }
    }
    let defect = json!({ "seed": 7, "verdict": "defect", "digest": null, "fingerprint": null,
        "violated": [], "events": null, "sim_time_ns": null,
        "message": "x" });
    demand("row", &defect, "a defect");
    let stalled = json!({ "seed": 7, "verdict": "unknown", "digest": null, "fingerprint": null,
        "violated": [], "events": null, "sim_time_ns": null, "stalled": true });
    demand("row", &stalled, "a seed that gave no answer");
}

/// The records that a broken rule rests on are records of the trace: the last is that in which it shows, and each time that is among the
/// facts is the time of one of them.
#[test]
fn records_of_an_explanation_are_those_of_the_trace() {
    let home = tempfile::tempdir().expect("a folder");
    let trace = home.path().join("trace.jsonl");
    let trace_path = trace.to_str().expect("text");
    for (scenario, name) in [
        ("scenarios/raft/bugs/forgets-vote.ron", "election-safety"),
        ("scenarios/commit/bugs/yes-before-durable.ron", "persist-before-yes"),
        ("scenarios/commit/bugs/forgets-locks.ron", "exclusive-locks"),
        ("scenarios/detector/bugs/old-news-resurrect.ron", "never-resurrect"),
    ] {
        let violated = (1..60).find_map(|seed: u32| {
            let run = printed(&["run", scenario, "--seed", &seed.to_string(), "--format", "json", "--trace", trace_path]).remove(0);
            let mut properties = run["properties"].as_array().expect("a list").clone().into_iter();
            properties.find(|property| property["name"] == name && property["verdict"] == "violated")
        });
        let violated = violated.unwrap_or_else(|| panic!("{scenario} violates {name} in no seed"));
        let lines = fs::read_to_string(&trace).expect("text");
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let explanation = &violated["explanation"];
        let numbers = explanation["records"].as_array().expect("a list");
        let records: Vec<&Value> = numbers.iter().map(|number| &lines[number.as_u64().expect("a number") as usize]).collect();
        assert!(records.len() > 1, "{scenario}: {explanation}");
        assert!(records.iter().zip(numbers).all(|(record, number)| record["number"] == *number), "{scenario}: {explanation}");
        assert_eq!(records.last().map(|record| &record["at_ns"]), Some(&violated["at_ns"]), "{scenario}: {explanation}");
        let facts = explanation["facts"].as_array().expect("a list");
        let times: Vec<&Value> = facts.iter().map(|fact| &fact["is"]["time_ns"]).filter(|time| !time.is_null()).collect();
        assert!(!times.is_empty(), "{scenario}: {explanation}");
        for time in times {
            assert!(records.iter().any(|record| record["at_ns"] == *time), "{scenario}: {time} in {records:#?}");
        }
    }
}

#[test]
fn histories() {
    let stale = "docs/examples/stale-read.edn";
    let json = check_all("history", &["check", stale, "--model", "kv", "--format", "json"]).remove(0);
    assert!(json["violations"][0]["attempts"][0]["states"].is_array(), "a counterexample: {json:#}");
    check_all("history", &["check", stale, stale, "--model", "kv", "--format", "json"]);
    check_all("history", &["check", stale, "--model", "kv", "--format", "json", "--guarantee", "strongest"]);
    check_all("history", &["check", stale, "--model", "kv", "--format", "json", "--budget", "1"]);
    check_all("history", &["check", "docs/examples/calm.log", "--model", "cas-register", "--format", "json", "--witness"]);
    let json =
        check_all("transactions", &["check", "docs/examples/write-skew.edn", "--model", "list-append", "--format", "json"]).remove(0);
    assert!(json["isolation"]["anomalies"][0]["evidence"][0]["facts"].is_array(), "an anomaly: {json:#}");
    let several = ["check", "docs/examples/write-skew.edn", "docs/examples/write-skew.edn", "--model", "list-append", "--format", "json"];
    check_all("transactions", &several);
    let json = check_all("streams", &["check", "docs/examples/lost-write.edn", "--model", "kafka", "--format", "json"]).remove(0);
    assert!(json["anomalies"][0]["evidence"]["facts"].is_array(), "an anomaly: {json:#}");
    let malformed = check_all("unjudged", &["check", "docs/examples/mistaken.edn", "--model", "register", "--format", "json"]).remove(0);
    assert!(!malformed["problems"].as_array().expect("a list").is_empty(), "{malformed:#}");
    check_all("unjudged", &["check", "no/such.edn", "no/such.log", "--model", "register", "--format", "json"]);
}

#[test]
fn linted_files() {
    let files = ["lint", "docs/examples/mistaken.ron", "scenarios/raft/leader-crash.ron", "no/such.ron", "--format", "json"];
    let lint = check_all("lint", &files).remove(0);
    assert_eq!(lint["files"][0]["problems"].as_array().map(Vec::len), Some(5));
}

/// A schema that names too little or too much is noticed.
#[test]
fn planted_drift_is_found() {
    let mut run = printed(&["run", "scenarios/raft/leader-crash.ron", "--seed", "1", "--format", "json"]).remove(0);
    demand("run", &run, "as it is");
    run["surprise"] = Value::from(1);
    assert!(complaint("run", &run).is_some());
    run.as_object_mut().expect("an object").remove("surprise");
    run.as_object_mut().expect("an object").remove("digest");
    assert!(complaint("run", &run).is_some());
}
