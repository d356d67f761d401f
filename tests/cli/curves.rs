//! `compare` and `curve`: what differs between two variants, and how figures go with a value.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::Done;
use super::schemas::demand;

const DESK: &str = r#"Scenario(name: "a desk", system: Services(services: [Service(name: "desk", workers: 4, work: Exponential("10ms"))]),
    workload: (to: "desk", arrivals: Poisson("200/s")), network: (latency: Constant("100us")), duration: "3s", require: [Latency(p99: "70ms")])"#;

/// What came of the installed command in this folder, in which `desk.ron` is.
fn done(folder: &Path, arguments: &[&str]) -> Done {
    fs::write(folder.join("desk.ron"), DESK).expect("the folder is there");
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass")).args(arguments).current_dir(folder).output().expect("it can be started");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Done { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn works(folder: &Path, arguments: &[&str]) -> String {
    let Done { code, out, err } = done(folder, arguments);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}: {out}");
    out
}

fn refused(folder: &Path, arguments: &[&str], words: &str) {
    let Done { code, err, .. } = done(folder, arguments);
    assert!(code == Some(2) && err.contains(words), "{arguments:?}: {code:?} {err}");
}

#[test]
fn two_settings_are_compared_on_the_same_seeds() {
    let folder = tempfile::tempdir().expect("a folder");
    let slower = ["compare", "desk.ron", "--seeds", "8", "--set", "system.services[0].work[0]=11ms"];
    let text = works(folder.path(), &slower);
    assert!(text.contains("first   desk.ron\n  second  desk.ron --set system.services[0].work[0]=11ms\n"), "{text}");
    let row = text.lines().find(|line| line.trim_start().starts_with("all: mean")).unwrap_or_else(|| panic!("{text}"));
    assert!(row.contains('+') && row.trim_end().ends_with("first"), "{text}");
    let json = works(folder.path(), &[&slower[..], &["--format", "json", "--jobs", "1"]].concat());
    let json: Value = serde_json::from_str(&json).expect("one object");
    demand("compare", &json, "compare");
    assert_eq!(json["seeds"], 8);
    // The same file twice: there is nothing that varies.
    let same = works(folder.path(), &["compare", "desk.ron", "desk.ron", "--seeds", "2"]);
    assert!(same.contains("no difference"), "{same}");
    refused(folder.path(), &["compare", "desk.ron", "--seeds", "8"], "<OTHER>");
    refused(folder.path(), &["compare", "desk.ron", "desk.ron", "--seeds", "2", "--metric", "mean"], "requests of clients/all/mean");
}

#[test]
fn figures_go_with_a_value() {
    let folder = tempfile::tempdir().expect("a folder");
    let vary = ["curve", "desk.ron", "--vary", "workload.arrivals[0]=100/s..380/s", "--steps", "3", "--seeds", "2"];
    let mean = [&vary[..], &["--metric", "waits for a worker/desk/mean", "--csv", "a.csv", "--svg", "a.svg", "--out", "rows"]].concat();
    let text = works(folder.path(), &mean);
    for value in ["100/s", "240/s", "380/s"] {
        assert!(text.lines().any(|line| line.trim_start().starts_with(value)), "{text}");
    }
    let csv = fs::read_to_string(folder.path().join("a.csv")).expect("it is written");
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(fs::read_to_string(folder.path().join("a.svg")).expect("it is written").starts_with("<svg"));
    // Rows are those of a sweep; what is there is not run again, and comes to the same.
    let rows = folder.path().join("rows/240-per-s.jsonl");
    let whole = fs::read_to_string(&rows).expect("each value has its rows");
    let sweep = works(
        folder.path(),
        &["sweep", "desk.ron", "--seeds", "2", "--keep-going", "--set", "workload.arrivals[0]=240/s", "--out", "swept.jsonl"],
    );
    assert!(sweep.contains("2 seeds"), "{sweep}");
    assert_eq!(whole, fs::read_to_string(folder.path().join("swept.jsonl")).expect("it is written"));
    fs::write(&rows, whole.split_inclusive('\n').take(2).collect::<String>()).expect("it can be written");
    let again = works(folder.path(), &[&mean[..], &["--resume"]].concat());
    assert_eq!((again, fs::read_to_string(&rows).expect("it is there")), (text, whole));
    assert_eq!(csv, fs::read_to_string(folder.path().join("a.csv")).expect("it is written"));
}

#[test]
fn a_second_value_makes_a_curve_for_each() {
    let folder = tempfile::tempdir().expect("a folder");
    let vary = ["--vary", "workload.arrivals[0]=100/s..200/s", "--vary", "system.services[0].workers=2..4"];
    let text = works(folder.path(), &[&["curve", "desk.ron", "--steps", "2", "--seeds", "1"], &vary[..]].concat());
    assert!(text.contains("100/s · 2") && text.contains("200/s · 4"), "{text}");
}

#[test]
fn a_threshold_is_bracketed() {
    let folder = tempfile::tempdir().expect("a folder");
    let find = ["curve", "desk.ron", "--vary", "workload.arrivals[0]=50/s..2000/s", "--seeds", "4", "--find", "Latency"];
    let text = works(folder.path(), &find);
    assert!(text.contains("all seeds hold up to ") && text.contains("some seeds hold up to "), "{text}");
    refused(folder.path(), &[&find[..6], &["--find", "Lateness"]].concat(), "`lateness`; it is by");
    for (vary, words) in [("a=1", "expected FROM..TO"), ("workload.arrivals[7]=1/s..2/s", "workload.arrivals[7]")] {
        refused(folder.path(), &["curve", "desk.ron", "--vary", vary], words);
    }
    // What is set makes the file one that is none, as with any command.
    let Done { code, err, .. } = done(folder.path(), &["curve", "desk.ron", "--vary", "x=a|b"]);
    assert!(code == Some(3) && err.contains("no field `x`"), "{code:?} {err}");
}
