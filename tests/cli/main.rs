//! The command as people and programs use it: arguments in; text, files and an exit code out.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may panic as tests may")]

mod curves;
mod failures;
mod formats;
mod histories;
mod lookup;
mod machines;
mod misbehaving;
mod moments;
mod new;
mod one_explanation;
mod own_models;
mod page;
mod readme;
mod rogue;
mod run_page;
mod runs;
mod safety;
mod schemas;
mod shrink;
mod toy;
mod why;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use expect_test::{Expect, ExpectFile, expect, expect_file};
use serde_json::Value;
use stormglass::systems::Registry;

/// The command itself: the other tests run it in a process of its own, with its arguments in the environment.
#[test]
#[ignore = "it is run by the other tests"]
fn the_command() {
    command_of("toy", &Registry::new().with::<toy::Toy>());
}

/// The command under this name, with these systems.
#[expect(clippy::disallowed_methods, reason = "the arguments pass through a test harness that has its own")]
fn command_of(name: &str, registry: &Registry) {
    let Ok(arguments) = std::env::var("TOY_ARGUMENTS") else { return };
    let arguments = std::iter::once(name).chain(arguments.split('\u{1}'));
    let code = stormglass::cli::run_from(arguments, registry);
    // An exit code does not say what it is, but it prints.
    let number = CODES.into_iter().find(|number| format!("{:?}", ExitCode::from(*number)) == format!("{code:?}"));
    std::process::exit(number.map_or(99, i32::from));
}

/// All exit codes.
const CODES: [u8; 9] = [0, 1, 2, 3, 4, 5, 70, 74, 130];

/// A folder of its own for a test, and the command within it.
struct Desk(tempfile::TempDir, &'static str);

/// What came of a command.
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Desk {
    fn new() -> Self {
        Self::of("the_command")
    }

    /// One whose command is this test.
    fn of(command: &'static str) -> Self {
        Self(tempfile::tempdir().unwrap(), command)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a scenario around these fields.
    fn scenario(&self, name: &str, fields: &str) {
        let text = format!("Scenario(\n    name: \"a toy\",\n    duration: \"200ms\",\n    settle: \"1s\",\n    {fields},\n)\n");
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", self.1, "--nocapture", "--quiet"]);
        command.env("TOY_ARGUMENTS", arguments.join("\u{1}")).env_remove("RUST_BACKTRACE").env_remove("CLICOLOR_FORCE");
        command.current_dir(self.0.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Done {
        done(self.command(arguments).spawn().unwrap())
    }

    /// Runs, and expects this exit code.
    fn expect(&self, code: i32, arguments: &[&str]) -> Done {
        let done = self.run(arguments);
        assert_eq!(done.code, Some(code), "{arguments:?}\n{}\n{}", done.out, done.err);
        assert!(!done.err.contains("panicked at"), "{}", done.err);
        done
    }

    fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let out = self.expect(code, arguments).out;
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.ends_with('\n'), "the last line is whole");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The rows of a sweep, behind the header.
    fn rows(&self, name: &str) -> Vec<Value> {
        let mut lines = self.lines(name);
        assert_eq!(lines.remove(0)["schema"], 2, "a header");
        lines
    }
}

fn done(child: Child) -> Done {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let out = text(output.stdout);
    // The harness says first that it runs one test.
    let own = out.split_once("running 1 test\n").map_or("", |(_, own)| own);
    Done { code: output.status.code(), out: own.to_owned(), err: text(output.stderr) }
}

fn check(found: &str, expected: Expect) {
    expected.assert_eq(found);
}

/// What is longer than a screen stands in a file of its own.
fn check_file(found: &str, expected: ExpectFile) {
    expected.assert_eq(found);
}

#[test]
fn a_run_that_holds() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy(trouble: Calm), seed: 5");
    check(
        &desk.expect(0, &["run", "calm.ron", "--seed", "7"]).out,
        expect![[r#"
            a toy
            Toy · 2 servers, 1 client · seed 7

            ✓ holds

              ✓ sane-answers
              ✓ nothing-bad
              ✓ progress
              ✓ no-panic
              ✓ time-advances
              ✓ well-formed-history

              sometimes
                ✓ asked twice  1
                · never        never seen

              210ms simulated · 82 events · 40 messages: 40 delivered
              20 operations: 20 completed
              seed 7 · digest 2f474c75245f99b3
        "#]],
    );
    assert!(desk.expect(0, &["run", "calm.ron"]).out.contains("seed 5"), "the scenario's own");
    assert!(desk.expect(0, &["run", "calm.ron", "--seed", "0x10"]).out.contains("seed 16"));
}

#[test]
fn a_run_that_does_not() {
    let desk = Desk::new();
    desk.scenario("bad.ron", "system: Toy(trouble: Violate), outcome: Violates(\"nothing-bad\")");
    check_file(
        &desk.expect(1, &["run", "bad.ron", "--seed", "7", "--set", "name=a bad day"]).out,
        expect_file!["expected/a_run_that_does_not.txt"],
    );
}

#[test]
fn every_way_to_fail() {
    let desk = Desk::new();
    for (trouble, code, told) in [
        ("Panic", 1, "violated: no-panic"),
        ("Spin", 1, "violated: time-advances"),
        ("Violate", 1, "violated: nothing-bad"),
        ("Judge", 1, "violated: judge-panicked"),
        ("Unknown", 4, "unknown: sane-answers"),
    ] {
        desk.scenario("bad.ron", &format!("system: Toy(trouble: {trouble})"));
        let done = desk.expect(code, &["run", "bad.ron", "--seed", "7"]);
        assert!(done.out.contains(told), "{}", done.out);
        assert_eq!(done.out.lines().last(), Some("  toy replay bad.ron --seed 7"));
        assert_eq!(done.err, "");
    }
    desk.scenario("bad.ron", "system: Toy(trouble: Defect)");
    let done = desk.expect(70, &["run", "bad.ron", "--seed", "7"]);
    assert!(done.err.starts_with("error: a defect in Stormglass itself: "), "{}", done.err);
    assert!(done.err.contains("a row has a cell for each column") && done.err.contains("at src/trace/table.rs:"), "{}", done.err);
}

#[test]
fn a_panic_is_told_with_its_place() {
    let desk = Desk::new();
    desk.scenario("bad.ron", "system: Toy(trouble: Panic)");
    let out = desk.expect(1, &["run", "bad.ron", "--seed", "7"]).out;
    assert!(out.contains("n1 panicked while it handled Ask #1 from c1"), "{out}");
    assert!(out.contains("the toy fell over\n      at tests/cli/toy.rs:"), "{out}");
}

#[test]
fn a_fresh_seed_is_printed_first_and_last() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    let out = desk.expect(0, &["run", "calm.ron"]).out;
    let seed = out.lines().nth(1).unwrap().rsplit_once("seed ").unwrap().1;
    assert!(seed.parse::<u64>().is_ok());
    assert!(out.lines().last().unwrap().contains(&format!("seed {seed} ")), "{out}");
    assert_ne!(out, desk.expect(0, &["run", "calm.ron"]).out);
}

#[test]
fn the_json_of_a_run() {
    let desk = Desk::new();
    desk.scenario("bad.ron", "system: Toy(trouble: Violate)");
    let run = desk.json(1, &["run", "bad.ron", "--seed", "7", "--format", "json", "--set", "duration=100ms"]);
    check_file(&format!("{run:#}\n"), expect_file!["expected/the_json_of_a_run.txt"]);
}

#[test]
fn a_run_is_the_same_however_it_is_watched() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    let digest = |arguments: &[&str]| {
        let out = desk.expect(0, arguments).out;
        out.split("digest ").nth(1).unwrap().trim().to_owned()
    };
    let plain = digest(&["run", "calm.ron", "--seed", "7"]);
    assert_eq!(plain, digest(&["run", "calm.ron", "--seed", "7", "--trace", "trace.jsonl"]));
    assert_eq!(plain, digest(&["run", "calm.ron", "--seed", "7", "--verify"]));
    assert_eq!(plain, digest(&["replay", "calm.ron", "--seed", "7"]));
    assert_eq!(plain, desk.lines("trace.jsonl").last().unwrap()["digest"]);
    desk.expect(0, &["sweep", "calm.ron", "--start", "7", "--seeds", "1", "--out", "rows.jsonl"]);
    assert_eq!(plain, desk.rows("rows.jsonl")[0]["digest"]);
}

#[test]
fn verifying_names_the_first_record_that_differs() {
    let desk = Desk::new();
    desk.scenario("drift.ron", "system: Toy(trouble: Drift)");
    let done = desk.expect(1, &["run", "drift.ron", "--seed", "7", "--verify"]);
    let told: Vec<&str> = done.out.lines().map(str::trim).filter(|line| line.contains(" run")).collect();
    check(
        &told.join("\n"),
        expect![[r#"
            two runs of this seed differ from record 9 on
            first run:  n1 ⇢ c1 Answer #1 (1020) at 11.2ms
            second run: n1 ⇢ c1 Answer #1 (1040) at 11.2ms
            toy run drift.ron --seed 7 --verify"#]],
    );
    assert_eq!(done.out.lines().last(), Some("  toy run drift.ron --seed 7 --verify"));
    desk.expect(0, &["run", "drift.ron", "--seed", "7"]);
    desk.expect(0, &["run", "drift.ron", "--seed", "7", "--verify", "--set", "system.trouble=Calm"]);
}

#[test]
fn a_trace_holds_every_record() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    desk.expect(0, &["run", "calm.ron", "--seed", "7", "--trace", "trace.jsonl"]);
    let records = desk.lines("trace.jsonl");
    assert!(records.iter().zip(0..).all(|(record, number)| record["number"] == number));
    for sort in ["boot", "send", "deliver", "timer", "write", "synced", "client", "mark", "settle"] {
        assert!(records.iter().any(|record| record["sort"] == sort), "{sort}");
    }
}

#[test]
fn a_replay_shows_what_is_asked_for() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy(), seed: 7");
    let short = ["replay", "calm.ron", "--set", "duration=30ms"];
    check_file(&desk.expect(0, &short).out, expect_file!["expected/a_replay_shows_what_is_asked_for.txt"]);
    let shown = |more: &[&str]| {
        let out = desk.expect(0, &[&short, more].concat()).out;
        out.lines().filter(|line| line.get(5..6) == Some(".")).count()
    };
    let all = shown(&[]);
    assert_eq!(shown(&["--until", "15ms"]) + shown(&["--from", "15.000001ms"]), all);
    assert!(shown(&["--node", "n2"]) < 3);
    assert_eq!(shown(&["--kind", "Ask"]) + shown(&["--kind", "Answer"]), shown(&["--kind", "send", "--kind", "deliver"]));
}

#[test]
fn a_replay_refuses_what_would_show_nothing() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    for (arguments, told) in [
        (&["--seed", "1", "--node", "n3"][..], "error: --node n3: there is no such node; the last is n2\n"),
        (&["--seed", "1", "--kind", "Aks"], "error: --kind Aks: did you mean Ask? known are Ask, Answer, boot"),
        (&[], "error: which run? The scenario names no seed: add --seed N\n"),
        (&["--seed", "1", "--node", "x"], "expected a node"),
        (&["--seed", "1", "--from", "soon"], "invalid value 'soon' for '--from <T>'"),
    ] {
        let done = desk.expect(2, &[&["replay", "calm.ron"], arguments].concat());
        assert!(done.err.contains(told) && done.out.is_empty(), "{}", done.err);
    }
}

#[test]
fn a_sweep() {
    let desk = Desk::new();
    desk.scenario("some.ron", "system: Toy(trouble: Violate, odds: 5)");
    check(
        &desk.expect(1, &["sweep", "some.ron", "--seeds", "50"]).out,
        expect![[r#"
            a toy
            Toy · 2 servers, 1 client · seeds 0 to 49

            ✗ violated in 1 of 2 seeds; the sweep stopped there

              sometimes
                ✓ asked twice  2 in 2 seeds
                · never        never seen

              420ms simulated · 164 events · 80 messages: 80 delivered
              40 operations: 40 completed
              2 runs judged · 1 of 2 marks set
              a run fails with a chance of between 1.26 % and 98.7 % (95 % confidence)

              ✗ nothing-bad  1 seed · first at 11ms · fingerprint 851dd67cbf3e18bd
                  n1 did something bad
                toy replay some.ron --seed 1
        "#]],
    );
    let done = desk.expect(1, &["sweep", "some.ron", "--seeds", "50", "--keep-going", "--out", "rows.jsonl"]);
    assert_eq!(done.err, "", "no bar where there is no terminal");
    let rows = desk.rows("rows.jsonl");
    assert_eq!(rows.len(), 50);
    for row in &rows {
        for field in ["seed", "verdict", "digest", "fingerprint", "events", "sim_time_ns", "operations", "messages", "violated"] {
            assert!(row.get(field).is_some(), "{field}");
        }
        assert_eq!(row["verdict"] == "violated", row["fingerprint"].is_string());
    }
    let prints: std::collections::BTreeSet<_> = rows.iter().filter_map(|row| row["fingerprint"].as_str()).collect();
    assert_eq!(prints.len(), 1, "they fail alike");
    let last = done.out.lines().last().unwrap();
    assert!(last.starts_with("    toy replay some.ron --seed "), "{last}");
}

#[test]
fn a_sweep_is_the_same_on_one_and_two_threads() {
    let desk = Desk::new();
    for (trouble, more) in
        [("Violate", "--keep-going"), ("Violate", "--format=text"), ("Panic", "--keep-going"), ("Defect", "--keep-going")]
    {
        desk.scenario("some.ron", &format!("system: Toy(trouble: {trouble}, odds: 4)"));
        let one = desk.run(&["sweep", "some.ron", "--seeds", "100", more, "--jobs", "1", "--out", "1.jsonl"]);
        let two = desk.run(&["sweep", "some.ron", "--seeds", "100", more, "--jobs", "2", "--out", "2.jsonl"]);
        assert_eq!((one.code, &one.out), (two.code, &two.out));
        assert_eq!(fs::read(desk.path("1.jsonl")).unwrap(), fs::read(desk.path("2.jsonl")).unwrap());
        assert_eq!(one.err, "", "panics are findings");
    }
}

#[test]
fn what_a_sweep_ends_with() {
    let desk = Desk::new();
    let sweep = |fields: &str| {
        desk.scenario("some.ron", fields);
        desk.run(&["sweep", "some.ron", "--seeds", "30", "--keep-going"])
    };
    for (fields, code, told) in [
        ("system: Toy()", 0, "✓ holds in all 30 seeds\n"),
        ("system: Toy(), expect: [Sometimes(\"asked twice\")]", 0, "✓ holds in all 30 seeds\n"),
        ("system: Toy(), expect: [Sometimes(\"never\")]", 5, "? holds in all 30 seeds, but never seen: never\n"),
        ("system: Toy(trouble: Unknown, odds: 3)", 4, "? unknown in 15 of 30 seeds\n"),
        ("system: Toy(trouble: Unknown, odds: 3), expect: [Sometimes(\"never\")]", 5, "? unknown in 15 of 30 seeds\n"),
        ("system: Toy(trouble: Violate, odds: 3), expect: [Sometimes(\"never\")]", 1, "✗ violated in 15 of 30 seeds\n"),
        ("system: Toy(trouble: Defect, odds: 3)", 70, "? not judged in 15 of 30 seeds: a defect in Stormglass itself\n"),
    ] {
        let done = sweep(fields);
        assert_eq!(done.code, Some(code), "{fields}\n{}{}", done.out, done.err);
        assert_eq!(done.out.split_inclusive('\n').nth(3), Some(told), "{fields}");
    }
    desk.scenario("some.ron", "system: Toy(), expect: [Sometimes(\"never\")]");
    assert!(desk.expect(0, &["run", "some.ron", "--seed", "1"]).out.contains("never seen"), "a single run only reports it");
}

#[test]
fn the_json_of_a_sweep() {
    let desk = Desk::new();
    desk.scenario("some.ron", "system: Toy(trouble: Violate, odds: 5)");
    let summary = desk.json(1, &["sweep", "some.ron", "--seeds", "20", "--keep-going", "--format", "json"]);
    check_file(&format!("{summary:#}\n"), expect_file!["expected/the_json_of_a_sweep.txt"]);
}

#[test]
fn files_that_are_no_scenarios() {
    let desk = Desk::new();
    fs::create_dir(desk.path("folder")).unwrap();
    fs::write(desk.path("empty.ron"), "").unwrap();
    fs::write(desk.path("latin.ron"), b"Scenario(\n name: \"\xe9\")").unwrap();
    fs::write(desk.path("prose.ron"), "once upon a time").unwrap();
    fs::write(desk.path("unknown.ron"), "Scenario(name: \"a\", system: Tyo())").unwrap();
    for (file, code, told) in [
        ("folder", 74, "error: folder is a directory, not a scenario file\n"),
        ("absent.ron", 74, "error: cannot read absent.ron: no such file or directory\n"),
        ("empty.ron", 3, "empty.ron:1:1"),
        ("latin.ron", 3, "error: latin.ron is not UTF-8 text: byte 18, in line 2\n"),
        ("prose.ron", 3, "prose.ron:1:"),
        ("unknown.ron", 3, "did you mean `Toy`?"),
    ] {
        for command in [&["run"][..], &["replay", "--seed", "1"], &["sweep", "--seeds", "3"], &["lint"]] {
            let done = desk.expect(code, &[command, &[file]].concat());
            assert!(done.err.contains(told), "{file}: {}", done.err);
            assert_eq!(done.out, "", "{file}");
        }
    }
}

#[test]
fn huge_files() {
    let desk = Desk::new();
    let scenario = |length| format!("Scenario(name: \"a\", duration: \"20ms\", system: Toy()) // {}\n", "x".repeat(length));
    fs::write(desk.path("large.ron"), scenario(50 << 20)).unwrap();
    desk.expect(0, &["run", "large.ron", "--seed", "1"]);
    fs::write(desk.path("larger.ron"), scenario(64 << 20)).unwrap();
    assert!(desk.expect(3, &["run", "larger.ron", "--seed", "1"]).err.contains("longer than 64 MiB"));
    #[cfg(unix)]
    assert!(desk.expect(3, &["run", "/dev/zero", "--seed", "1"]).err.contains("longer than 64 MiB"));
}

#[test]
fn values_that_cannot_be_set() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    fs::write(desk.path("prose.ron"), "once upon a time").unwrap();
    for (file, setting, code, told) in [
        ("calm.ron", "nonsense", 2, "expected PATH=VALUE, like system.nodes=7"),
        ("calm.ron", "systm.odds=3", 2, "error: --set systm.odds=3: no field `systm`: did you mean `system`?"),
        ("calm.ron", "system.odds=many", 3, "calm.ron with --set:"),
        ("prose.ron", "system.odds=3", 3, "--> prose.ron:1:"),
    ] {
        let done = desk.expect(code, &["run", file, "--seed", "1", "--set", setting]);
        assert!(done.err.contains(told) && done.out.is_empty(), "{}", done.err);
    }
    let out = desk.expect(1, &["run", "calm.ron", "--seed", "1", "--set", "system=Toy(odds: 1)", "--set", "system.trouble=Violate"]).out;
    assert_eq!(out.lines().last(), Some("  toy replay calm.ron --seed 1 --set 'system=Toy(odds: 1)' --set system.trouble=Violate"));
}

#[test]
fn the_scenario_is_not_overwritten() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    let before = fs::read(desk.path("calm.ron")).unwrap();
    fs::hard_link(desk.path("calm.ron"), desk.path("same.ron")).unwrap();
    for file in ["calm.ron", "./calm.ron", "same.ron"] {
        let done = desk.expect(2, &["run", "calm.ron", "--seed", "1", "--trace", file]);
        assert!(done.err.contains("is the scenario itself: it is not overwritten"), "{}", done.err);
        desk.expect(2, &["sweep", "calm.ron", "--seeds", "3", "--out", file]);
    }
    assert_eq!(fs::read(desk.path("calm.ron")).unwrap(), before);
}

#[test]
fn files_that_cannot_be_written() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    fs::create_dir(desk.path("folder")).unwrap();
    for file in ["folder", "no/such/folder"] {
        let done = desk.expect(74, &["run", "calm.ron", "--seed", "1", "--trace", file]);
        assert!(done.err.starts_with(&format!("error: cannot write {file}: ")) && done.out.is_empty(), "{}", done.err);
        desk.expect(74, &["sweep", "calm.ron", "--seeds", "3", "--out", file]);
    }
    // A scenario that is wrong does not cost the file that is there.
    fs::write(desk.path("old.jsonl"), "old").unwrap();
    desk.expect(3, &["run", "calm.ron", "--seed", "1", "--set", "system.odds=0", "--trace", "old.jsonl"]);
    assert_eq!(fs::read(desk.path("old.jsonl")).unwrap(), b"old");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    let full = "error: cannot write /dev/full: no space left on device\n";
    let done = desk.expect(74, &["run", "calm.ron", "--seed", "1", "--trace", "/dev/full"]);
    assert_eq!(done.err, full);
    assert!(done.out.contains("✓ holds"), "the verdict is told all the same");
    let done = desk.expect(74, &["sweep", "calm.ron", "--seeds", "300", "--out", "/dev/full"]);
    assert_eq!(done.err, full);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let listed = Command::new(env!("CARGO_BIN_EXE_stormglass")).arg("list").stdout(full).output().unwrap();
    assert_eq!(listed.status.code(), Some(74));
    assert_eq!(String::from_utf8(listed.stderr).unwrap(), "error: cannot write to standard output: no space left on device\n");
}

#[test]
fn whoever_reads_may_stop_reading() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy(), seed: 7");
    for arguments in [&["replay", "calm.ron", "--set", "duration=20s"][..], &["run", "calm.ron"], &["list"]] {
        let mut child = desk.command(arguments).spawn().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        for _ in 0..3 {
            reader.read_line(&mut line).unwrap();
        }
        drop(reader);
        let done = done(child);
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_sweep_that_is_interrupted_keeps_what_is_complete() {
    if !hears_interrupts() {
        return;
    }
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    let child = desk.command(&["sweep", "calm.ron", "--seeds", "100000000", "--out", "rows.jsonl"]).spawn().unwrap();
    let rows = desk.path("rows.jsonl");
    wait_until(|| fs::read_to_string(&rows).is_ok_and(|text| text.lines().count() > 21));
    interrupt(&child);
    let done = done(child);
    assert_eq!(done.code, Some(130), "{}", done.err);
    let rows = desk.rows("rows.jsonl");
    assert!(rows.iter().zip(0..).all(|(row, seed)| row["seed"] == seed));
    let told = format!("✓ holds in the {0} seeds that were run; interrupted after {0} of ", rows.len());
    assert!(done.out.replace(',', "").contains(&told), "{told}\n{}", done.out);
}

#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_ends_at_once() {
    if !hears_interrupts() {
        return;
    }
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    let mut child =
        desk.command(&["run", "calm.ron", "--seed", "1", "--set", "duration=100000s", "--trace", "trace.jsonl"]).spawn().unwrap();
    let trace = desk.path("trace.jsonl");
    wait_until(|| fs::metadata(&trace).is_ok_and(|file| file.len() > 0));
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(err, "interrupted\n");
    assert!(desk.lines("trace.jsonl").len() > 100, "the trace ends with a line");
}

/// Whether what is started here hears of Ctrl-C. Below `nohup` it does not, since the command heeds that: then there is nothing to try.
#[cfg(unix)]
fn hears_interrupts() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    let hears = ignored.is_none_or(|signals| signals & 1 == 0);
    if !hears {
        println!("skipped: hangups are ignored here, so that the command listens to nothing");
    }
    hears
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn wait_until(mut done: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited for too long");
}

#[test]
fn linting() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    desk.scenario("wrong.ron", "system: Toy(odds: 0, truble: Calm)");
    assert_eq!(desk.expect(0, &["lint", "calm.ron"]).out, "✓ calm.ron\n");
    let done = desk.expect(3, &["lint", "wrong.ron", "calm.ron"]);
    assert_eq!(done.out, "✓ calm.ron\n", "the others are checked all the same");
    assert!(done.err.contains("expected a whole number") && done.err.contains("did you mean `trouble`"), "{}", done.err);
    desk.expect(74, &["lint", "wrong.ron", "absent.ron", "wrong.ron"]);
}

#[test]
fn lists() {
    let desk = Desk::new();
    check_file(&desk.expect(0, &["list"]).out, expect_file!["expected/list.txt"]);
    check(
        &desk.expect(0, &["list", "systems"]).out,
        expect![[r#"
        Toy  Clients ask, the first server answers
    "#]],
    );
}

#[test]
fn explanations() {
    let desk = Desk::new();
    check_file(&desk.expect(0, &["explain", "toy"]).out, expect_file!["expected/explain_toy.txt"]);
    check(
        &desk.expect(0, &["explain", "Crash"]).out,
        expect![[r#"
            Crash: a fault

              A node loses its volatile state, its timers, and of its unsynced writes all but a part that the seed decides. It starts again after a while.

              fields
                node: Whom it strikes (a target, like `Any`, `Leader`, `n1` or `[n1, n2]`)
                down: How long the node is down (a length, a range of lengths, or a list of lengths; until `Restart`, or until the faults end if not given)

              written
                At("2s", Crash(node: Leader, down: "500ms..3s"))

              strikes
                nodes

              bites if
                the node runs

              ended by
                Restart, and the end of the faults
        "#]],
    );
    check(
        &desk.expect(0, &["explain", "toy/bad"]).out,
        expect![[r#"
        toy/bad: a mutant: a planted bug

          Does something bad. Always.

          of the system
            Toy

          caught by
            nothing-bad

          what it takes to show
            no fault at all

          published in
            nobody published it

          written
            mutant: "toy/bad"
    "#]],
    );
    check(
        &desk.expect(0, &["explain", "progress"]).out,
        expect![[r#"
            progress: a property that is judged

              when the faults are over and everything is healed, a fresh operation completes, nothing stays under way, and the replicas agree

              about
                something good that must happen in the end

              judged in
                every system

              written
                outcome: Violates("progress")
        "#]],
    );
    check(
        &desk.expect(0, &["explain", "asked twice"]).out,
        expect![[r#"
            asked twice: a sometimes mark

              Set when a run passes a place that a good sweep should pass sometimes.

              written
                expect: [Sometimes("asked twice")]
                When(Marked(mark: "asked twice"), Heal)

              known in
                Toy
        "#]],
    );
    check(
        &desk.expect(2, &["explain", "Partiton"]).err,
        expect![[r#"
        error: nothing is called `Partiton`: did you mean Partition?
    "#]],
    );
    check(
        &desk.expect(2, &["explain", "weather"]).err,
        expect![[r#"
        error: nothing is called `weather`: `toy list` shows what there is
    "#]],
    );
}

#[test]
fn usage() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    for arguments in [
        &["sink"][..],
        &["run"],
        &["run", "calm.ron", "--seed", "-1"],
        &["run", "calm.ron", "--seed", "1", "--format", "xml"],
        &["sweep", "calm.ron"],
        &["sweep", "calm.ron", "--seeds", "0"],
        &["sweep", "calm.ron", "--seeds", "1", "--jobs", "0"],
        &["sweep", "calm.ron", "--seeds", "2", "--start", "18446744073709551615"],
        &["list", "clouds"],
        &["lint"],
        &["shrink", "calm.ron"],
    ] {
        let done = desk.expect(2, arguments);
        assert!(done.out.is_empty() && done.err.starts_with("error: "), "{arguments:?}: {}", done.err);
    }
}

/// The help of the command as it is installed.
fn help(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass")).args(arguments).env_remove("COLUMNS").output().unwrap();
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn helps() {
    check_file(&help(&["--help"]).1, expect_file!["expected/help.txt"]);
    check_file(&help(&["run", "--help"]).1, expect_file!["expected/help_run.txt"]);
    check_file(&help(&["sweep", "--help"]).1, expect_file!["expected/help_sweep.txt"]);
    check_file(&help(&["replay", "--help"]).1, expect_file!["expected/help_replay.txt"]);
    check_file(&help(&["shrink", "--help"]).1, expect_file!["expected/help_shrink.txt"]);
    check_file(&help(&["why", "--help"]).1, expect_file!["expected/help_why.txt"]);
    check_file(&help(&["check", "--help"]).1, expect_file!["expected/help_check.txt"]);
    check(
        &help(&["convert", "--help"]).1,
        expect![[r#"
        Write a recorded history in another format

        Usage: stormglass convert [OPTIONS] --to <FORMAT> <HISTORY>

        Arguments:
          <HISTORY>  A history; - for standard input

        Options:
              --to <FORMAT>            The format to write: edn, log or json
              --input-format <FORMAT>  The format of the history: edn, log or json; without it, what it
                                       seems to be
          -o, --out <FILE>             Write to this file, which appears when it is whole; without it, to
                                       standard output
          -h, --help                   Print help

        Example: stormglass convert jepsen.log --to json -o history.jsonl
    "#]],
    );
    assert_eq!(help(&[]), (Some(2), help(&["--help"]).1), "alone it says what it can do");
    for command in ["lint", "list", "explain"] {
        let (code, text) = help(&[command, "--help"]);
        assert!(code == Some(0) && text.contains(&format!("Example: stormglass {command} ")), "{text}");
    }
    assert_eq!(help(&["--version"]).1, format!("stormglass (Stormglass {})\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_documented_exit_codes() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/command.md")).unwrap();
    let section = text.split("## Exit codes").nth(1).unwrap().split("\n## ").next().unwrap();
    let codes: Vec<u8> = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect();
    assert_eq!(codes, CODES);
}
