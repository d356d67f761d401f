//! `why`: what it tells, in words and as JSON, and what cannot be explained.

use std::fs;

use serde_json::Value;

use super::Desk;

const FAULTS: &str = "faults: [At(\"50ms\", Crash(node: n2, down: \"10ms\")), At(\"70ms\", Pause(node: n2, lasting: \"1ms\"))]";

#[test]
fn what_is_found_is_told_in_words_and_as_json() {
    let desk = Desk::new();
    desk.scenario("bad.ron", &format!("system: Toy(trouble: Violate), {FAULTS}"));
    let text = desk.expect(0, &["why", "bad.ron", "--seed", "7"]);
    assert!(text.out.contains("✗ nothing-bad is violated at "), "{}", text.out);
    for section in ["what brings it about", "what is kept", "whether that suffices", "how likely it is"] {
        assert!(text.out.contains(section), "{section}: {}", text.out);
    }
    let json = desk.expect(0, &["why", "bad.ron", "--seed", "7", "--format", "json", "--jobs", "1"]).out;
    assert_eq!(json, desk.expect(0, &["why", "bad.ron", "--seed", "7", "--format", "json", "--jobs", "3"]).out);
    let found: Value = serde_json::from_str(&json).expect("an object");
    crate::schemas::demand("why", &found, "why --format json");
    assert_eq!((found["property"].as_str(), found["finished"].as_bool()), (Some("nothing-bad"), Some(true)));
}

#[test]
fn what_is_not_written_down_is_shrunk_first() {
    let desk = Desk::new();
    desk.scenario("storm.ron", "system: Toy(trouble: Violate), faults: [Every(\"10ms..30ms\", Pause(node: n2, lasting: \"1ms\"))]");
    let done = desk.expect(0, &["why", "storm.ron", "--seed", "7"]);
    assert_eq!(done.err, "not all of its faults and operations are written down: it is shrunk first\n");
    assert!(done.out.contains("shrunk first: ") && done.out.contains("this is the shrunk scenario\n\nScenario("), "{}", done.out);
    let json = desk.expect(0, &["why", "storm.ron", "--seed", "7", "--format", "json"]).out;
    let found: Value = serde_json::from_str(&json).expect("an object");
    crate::schemas::demand("why", &found, "why --format json");
    fs::write(desk.path("small.ron"), found["shrunk"].as_str().expect("a scenario")).expect("a file");
    let again = desk.expect(0, &["why", "small.ron"]);
    assert!(again.err.is_empty() && !again.out.contains("shrunk first"), "{}{}", again.out, again.err);
}

#[test]
fn a_failure_that_was_saved_is_explained() {
    let desk = Desk::new();
    desk.scenario("bad.ron", &format!("system: Toy(trouble: Panic), {FAULTS}"));
    desk.expect(1, &["run", "bad.ron", "--seed", "7", "--save", "kept"]);
    let done = desk.expect(0, &["why", "kept/no-panic-7.ron"]);
    assert!(done.out.contains("✗ no-panic is violated at "), "{}", done.out);
}

#[test]
fn what_cannot_be_explained_is_told() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    desk.scenario("bad.ron", "system: Toy(trouble: Violate)");
    for (code, arguments, told) in [
        (2, &["why", "calm.ron"][..], "which run? The scenario names no seed: add --seed N"),
        (2, &["why", "calm.ron", "--seed", "3"], "there is nothing to explain: under seed 3 the scenario holds"),
        (2, &["why", "bad.ron", "--seed", "3", "--runs", "0"], "invalid value '0' for '--runs <N>'"),
        (2, &["why", "bad.ron", "--seed", "3", "--format", "junit"], "invalid value 'junit' for '--format <FORMAT>'"),
        (74, &["why", "none.ron", "--seed", "3"], "cannot read none.ron"),
    ] {
        let done = desk.run(arguments);
        assert!(done.code == Some(code) && done.err.contains(told), "{arguments:?}: {:?}\n{}", done.code, done.err);
    }
}

/// It says at once that it stops, and tells what it knows.
#[cfg(target_os = "linux")]
#[test]
fn what_is_interrupted_tells_what_is_known() {
    if !crate::hears_interrupts() {
        return;
    }
    let desk = Desk::new();
    let scenario = super::runs::scenario("smallest/raft/commits-old-term");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_stormglass"));
    command.args(["why", &scenario, "--jobs", "1"]).current_dir(desk.path(""));
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // The first line of what it complains of comes when it listens.
    let mut listens = [0; 1];
    std::io::Read::read_exact(child.stderr.as_mut().expect("a pipe"), &mut listens).unwrap();
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.code() == Some(130) && err.ends_with("stopping: what is known by now is told\n"), "{:?} {err}", output.status);
    assert!(out.contains("✗ leader-completeness is violated at ") && out.contains("; not all was asked"), "{out}");
}
