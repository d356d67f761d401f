//! Whatever is violated has one explanation: a run, a sweep and `check` give the same data, and every format shows it.

use std::fs;

use serde_json::Value;

use super::Desk;
use super::runs::{scenario, stormglass};

/// What a command prints.
type Told<'t> = &'t dyn Fn(&[&str]) -> String;

/// The explanation of a property of the run of this seed, which is the same wherever it is told.
fn explained(desk: &Desk, told: Told<'_>, file: &str, seed: &str, property: &str) -> Value {
    let json = |arguments: &[&str]| serde_json::from_str::<Value>(&told(arguments)).expect("JSON");
    let run = json(&["run", file, "--seed", seed, "--format", "json"]);
    let reports = run["properties"].as_array().expect("a list");
    let report = reports.iter().find(|report| report["name"] == property && report["verdict"] == "violated");
    let report = report.unwrap_or_else(|| panic!("{file} does not violate {property}: {run:#}"));
    let explanation = report["explanation"].clone();

    // A sweep has the explanation of what is violated first.
    let sweep = json(&["sweep", file, "--start", seed, "--seeds", "1", "--format", "json"]);
    let failure = &sweep["failures"][0];
    let first = reports.iter().find(|report| report["name"] == failure["property"]).expect("a property of the run");
    assert_eq!(failure["explanation"], first["explanation"], "{file}: a run and a sweep");

    // What people read is made of the same, line for line.
    let lines: Vec<&str> = report["detail"].as_str().expect("text").lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert!(!lines.is_empty());
    told(&["run", file, "--seed", seed, "--report", "page.html"]);
    let page = fs::read_to_string(desk.path("page.html")).expect("a page");
    let plain = |text: String| {
        let text = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\"")].iter().fold(text, |text, (markup, plain)| text.replace(markup, plain));
        text.replace("&amp;", "&").replace("%25", "%")
    };
    let page = plain(page);
    assert_eq!(page.matches(" simulated · ").count(), 1, "the page has the text once");
    let again = |format: &str| told(&["run", file, "--seed", seed, "--format", format]);
    for (name, text) in [
        ("the page", page),
        ("text", again("text")),
        ("JUnit", plain(again("junit"))),
        ("GitHub", plain(again("github"))),
        ("JUnit of a sweep", plain(told(&["sweep", file, "--start", seed, "--seeds", "1", "--format", "junit"]))),
    ] {
        for line in &lines {
            assert!(text.contains(line), "{file}: {name} has not {line:?}:\n{text}");
        }
    }
    explanation
}

#[test]
fn a_rule_of_a_protocol_that_was_broken() {
    let desk = Desk::new();
    let told = |arguments: &[&str]| stormglass(&desk, arguments).1;
    for (bug, seed, property, rule) in [
        ("raft/bugs/forgets-vote", "1", "persist-before-answer", "asked-unprepared"),
        ("detector/bugs/has-no-floor", "0", "quality-of-service", "many-mistakes"),
    ] {
        let explanation = explained(&desk, &told, &scenario(bug), seed, property);
        assert_eq!((&explanation["of"], &explanation["rule"]), (&"rule".into(), &rule.into()));
        let count = explanation["facts"].as_array().expect("a list").iter().find(|fact| fact["name"] == "count");
        let records = explanation["records"].as_array().expect("a list");
        assert!(count.is_none_or(|count| count["is"]["count"] == records.len()), "each mistake has its record: {explanation:#}");
        assert!(!records.is_empty());
    }
}

/// With its history, the run is judged by `check`, too.
#[test]
fn an_anomaly_of_transactions() {
    let desk = Desk::new();
    let told = |arguments: &[&str]| stormglass(&desk, arguments).1;
    let file = scenario("three-phase/bugs/votes-early");
    let explanation = explained(&desk, &told, &file, "0", "isolation");
    told(&["run", &file, "--seed", "0", "--history", "saw.jsonl"]);
    let check = told(&["check", "saw.jsonl", "--model", "rw-register", "--format", "json"]);
    let check: Value = serde_json::from_str(&check).expect("JSON");
    let mut anomaly = check["isolation"]["anomalies"][0].clone();
    anomaly["of"] = "isolation".into();
    assert_eq!(anomaly, explanation, "a run and check");

    // One name for a transaction, wherever it stands.
    let names: Vec<&Value> = explanation["cast"].as_array().expect("a list").iter().map(|member| &member["transaction"]).collect();
    let all = explanation["transactions"].as_array().expect("a list").iter();
    let lines = check["lines"].as_array().expect("a list").iter().map(|line| &line["transaction"]);
    let facts = explanation["evidence"].as_array().expect("a list").iter().flat_map(|broken| broken["facts"].as_array().expect("a list"));
    let facts: Vec<&Value> = facts.map(|fact| &fact["is"]["transaction"]).filter(|name| !name.is_null()).collect();
    assert!(!facts.is_empty() && all.chain(facts).all(|name| names.contains(&name)), "{explanation:#}");
    assert!(names.iter().all(|name| lines.clone().any(|line| line == *name)), "{check:#}");
}

#[test]
fn a_panic_and_a_history_that_is_not_linearizable() {
    let desk = Desk::new();
    let told = |arguments: &[&str]| desk.run(arguments).out;
    for (trouble, property, of) in [("Panic", "no-panic", "panic"), ("Stale", "sane-answers", "linearizability")] {
        desk.scenario("toy.ron", &format!("system: Toy(trouble: {trouble})"));
        assert_eq!(explained(&desk, &told, "toy.ron", "7", property)["of"], of);
    }
}
