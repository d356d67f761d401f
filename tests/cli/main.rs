//! The command as people and programs use it: arguments in; text, files and an exit code out.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may panic as tests may")]

mod formats;
mod histories;
mod lookup;
mod misbehaving;
mod one_explanation;
mod page;
mod readme;
mod rogue;
mod runs;
mod safety;
mod schemas;
mod toy;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use expect_test::{Expect, expect};
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
    check(
        &desk.expect(1, &["run", "bad.ron", "--seed", "7", "--set", "name=a bad day"]).out,
        expect![[r#"
            a bad day
            Toy · 2 servers, 1 client · seed 7

            ✗ violated: nothing-bad, as this scenario means to show

              ✗ nothing-bad          at 11ms
                  n1 did something bad
                  after record 8
              ✓ sane-answers
              ✓ progress
              ✓ no-panic
              ✓ time-advances
              ✓ well-formed-history

              sometimes
                ✓ asked twice  1
                · never        never seen

              210ms simulated · 82 events · 40 messages: 40 delivered
              20 operations: 20 completed
              seed 7 · digest 5a8a5defe1c638d5

              toy replay bad.ron --seed 7 --set 'name=a bad day'
        "#]],
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
    check(
        &format!("{run:#}\n"),
        expect![[r#"
            {
              "schema": 2,
              "scenario": "a toy",
              "system": "Toy",
              "mutant": null,
              "meant": null,
              "came_true": false,
              "seed": 7,
              "verdict": "violated",
              "digest": "920a600e97eac158",
              "events": 42,
              "messages": {
                "sent": 20,
                "delivered": 20,
                "dropped": 0,
                "duplicated": 0
              },
              "sim_time_ns": 110000000,
              "operations": 10,
              "history": {
                "invoked": 10,
                "completed": 10,
                "failed": 0,
                "unknown": 0
              },
              "properties": [
                {
                  "name": "sane-answers",
                  "kind": "always",
                  "verdict": "holds",
                  "explanation": null,
                  "at_ns": null,
                  "detail": ""
                },
                {
                  "name": "nothing-bad",
                  "kind": "always",
                  "verdict": "violated",
                  "explanation": {
                    "of": "text",
                    "text": "n1 did something bad\nafter record 8"
                  },
                  "at_ns": 11000000,
                  "detail": "n1 did something bad\nafter record 8"
                },
                {
                  "name": "progress",
                  "kind": "eventually",
                  "verdict": "holds",
                  "explanation": null,
                  "at_ns": null,
                  "detail": ""
                },
                {
                  "name": "no-panic",
                  "kind": "always",
                  "verdict": "holds",
                  "explanation": null,
                  "at_ns": null,
                  "detail": ""
                },
                {
                  "name": "time-advances",
                  "kind": "always",
                  "verdict": "holds",
                  "explanation": null,
                  "at_ns": null,
                  "detail": ""
                },
                {
                  "name": "well-formed-history",
                  "kind": "always",
                  "verdict": "holds",
                  "explanation": null,
                  "at_ns": null,
                  "detail": ""
                }
              ],
              "tables": [],
              "sometimes": [
                {
                  "name": "asked twice",
                  "count": 1
                },
                {
                  "name": "never",
                  "count": 0
                }
              ],
              "faults": [],
              "steps": [],
              "fates": {
                "fixed": 0,
                "never_met": []
              },
              "strays": [],
              "struck": [],
              "replay": "toy replay bad.ron --seed 7 --set duration=100ms"
            }
        "#]],
    );
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
    assert_eq!(plain, desk.lines("rows.jsonl")[0]["digest"]);
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
            first run:  n1 ⇢ c1 Answer #1 (1000) at 11.2ms
            second run: n1 ⇢ c1 Answer #1 (1020) at 11.2ms
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
    check(
        &desk.expect(0, &short).out,
        expect![[r#"
            a toy
            Toy · 2 servers, 1 client · seed 7

                        0s  n1         starts
                        0s  n2         starts
                        0s  c1         starts
                      10ms  c1         timer  ()
                      10ms  c1         client  Invoke { client: c1, id: c1#1, op: () }
                      10ms  c1 ⇢ n1    Ask #1  { trouble: true }
                      11ms  c1 → n1    Ask #1  { trouble: true }
                      11ms  n1         writes log: 5 bytes more
                    11.2ms  n1         has synced all up to write 1
                    11.2ms  n1 ⇢ c1    Answer #1  (1)
                    12.2ms  n1 → c1    Answer #1  (1)
                    12.2ms  c1         client  Complete { client: c1, outcome: Done(1) }
                      20ms  c1         timer  ()
                      20ms  c1         client  Invoke { client: c1, id: c1#2, op: () }
                      20ms  c1 ⇢ n1    Ask #2  { trouble: true }
                      21ms  c1 → n1    Ask #2  { trouble: true }
                      21ms  n1         sometimes: asked twice
                      21ms  n1         writes log: 5 bytes more
                    21.2ms  n1         has synced all up to write 2
                    21.2ms  n1 ⇢ c1    Answer #2  (2)
                    22.2ms  n1 → c1    Answer #2  (2)
                    22.2ms  c1         client  Complete { client: c1, outcome: Done(2) }
                      30ms             the faults are over, everything is healed
                      30ms  c1         timer  ()
                      30ms  c1         client  Invoke { client: c1, id: c1#3, op: () }
                      30ms  c1 ⇢ n1    Ask #3  { trouble: true }
                      31ms  c1 → n1    Ask #3  { trouble: true }
                      31ms  n1         writes log: 5 bytes more
                    31.2ms  n1         has synced all up to write 3
                    31.2ms  n1 ⇢ c1    Answer #3  (3)
                    32.2ms  n1 → c1    Answer #3  (3)
                    32.2ms  c1         client  Complete { client: c1, outcome: Done(3) }

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

              40ms simulated · 14 events · 6 messages: 6 delivered
              3 operations: 3 completed
              seed 7 · digest 59d9ed3c010681ab
        "#]],
    );
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

              ✗ nothing-bad  1 seed · fingerprint 851dd67cbf3e18bd
                  n1 did something bad
                toy replay some.ron --seed 1
        "#]],
    );
    let done = desk.expect(1, &["sweep", "some.ron", "--seeds", "50", "--keep-going", "--out", "rows.jsonl"]);
    assert_eq!(done.err, "", "no bar where there is no terminal");
    let rows = desk.lines("rows.jsonl");
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
    check(
        &format!("{summary:#}\n"),
        expect![[r#"
            {
              "schema": 2,
              "scenario": "a toy",
              "system": "Toy",
              "mutant": null,
              "meant": null,
              "came_true": false,
              "start": 0,
              "seeds": 20,
              "ended": "complete",
              "verdict": "violated",
              "verdicts": {
                "holds": 11,
                "violated": 9,
                "unknown": 0,
                "defect": 0
              },
              "events": 1640,
              "messages": {
                "sent": 800,
                "delivered": 800,
                "dropped": 0,
                "duplicated": 0
              },
              "sim_time_ns": 4200000000,
              "operations": 400,
              "history": {
                "invoked": 400,
                "completed": 400,
                "failed": 0,
                "unknown": 0
              },
              "properties": [
                {
                  "name": "sane-answers",
                  "violated": 0,
                  "unknown": 0
                },
                {
                  "name": "nothing-bad",
                  "violated": 9,
                  "unknown": 0
                },
                {
                  "name": "progress",
                  "violated": 0,
                  "unknown": 0
                },
                {
                  "name": "no-panic",
                  "violated": 0,
                  "unknown": 0
                },
                {
                  "name": "time-advances",
                  "violated": 0,
                  "unknown": 0
                },
                {
                  "name": "well-formed-history",
                  "violated": 0,
                  "unknown": 0
                }
              ],
              "tables": [],
              "sometimes": [
                {
                  "name": "asked twice",
                  "count": 20,
                  "seeds": 20
                },
                {
                  "name": "never",
                  "count": 0,
                  "seeds": 0
                }
              ],
              "never_seen": [],
              "faults": [],
              "steps": [],
              "failures": [
                {
                  "fingerprint": "851dd67cbf3e18bd",
                  "property": "nothing-bad",
                  "besides": [],
                  "detail": "n1 did something bad",
                  "explanation": {
                    "of": "text",
                    "text": "n1 did something bad\nafter record 8"
                  },
                  "count": 9,
                  "seeds": [
                    1,
                    6,
                    7,
                    8,
                    10
                  ],
                  "replay": "toy replay some.ron --seed 1"
                }
              ],
              "unknown": [],
              "stalled": [],
              "defects": []
            }
        "#]],
    );
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
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    let child = desk.command(&["sweep", "calm.ron", "--seeds", "100000000", "--out", "rows.jsonl"]).spawn().unwrap();
    let rows = desk.path("rows.jsonl");
    wait_until(|| fs::read_to_string(&rows).is_ok_and(|text| text.lines().count() > 20));
    interrupt(&child);
    let done = done(child);
    assert_eq!(done.code, Some(130), "{}", done.err);
    let rows = desk.lines("rows.jsonl");
    assert!(rows.iter().zip(0..).all(|(row, seed)| row["seed"] == seed));
    let told = format!("✓ holds in the {0} seeds that were run; interrupted after {0} of ", rows.len());
    assert!(done.out.replace(',', "").contains(&told), "{told}\n{}", done.out);
}

#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_ends_at_once() {
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
    check(
        &desk.expect(0, &["list"]).out,
        expect![[r#"
            systems
              Toy  Clients ask, the first server answers

            fields
              name               What people call the scenario (Scenario)
              system             The system that runs, with its own fields; `stormglass list systems` names all (Scenario)
              mutant             The planted bug that it runs with, one of the system's; "none" is none, so that `--set mutant=none` sets one aside (Scenario)
              seed               The seed of a run that is given none; without it, one is drawn, and printed (Scenario)
              network            How links behave: latency, loss and duplication (Scenario)
              latency            How long a message takes, drawn anew for each (network)
              low                The shortest length (Exponential)
              mean               What is added to the shortest length, on average (Exponential)
              loss               The chance that a message is lost (network)
              duplicate          The chance that a message is delivered twice (network)
              links              Links that behave otherwise, each in one direction: what is left out is as on every link (network)
              from               The sender (links, fates)
              to                 The receiver (links, fates)
              latency            How long a message takes, drawn anew for each (links)
              loss               The chance that a message is lost (links)
              duplicate          The chance that a message is delivered twice (links)
              disk               How disks behave (Scenario)
              sync               How long a sync takes, drawn anew for each (disk)
              clocks             How far off clocks are (Scenario)
              offset             How far each clock is off at most, either way (clocks)
              drift              How much faster or slower each clock goes at most, in parts per million (clocks)
              workload           What clients do; the system says what it reads (Scenario)
              faults             What goes wrong, and when (Scenario)
              time               When it strikes, counted from the beginning of the run (At)
              fault              What strikes (At, Every, When)
              cut                Who is cut off from whom (Partition)
              nodes              Who is cut off (Isolate)
              from               Senders (OneWay)
              to                 Receivers (OneWay)
              groups             The groups, each a list of nodes (Groups)
              lasting            How long it lasts (Partition, Lose, Duplicate, Delay and 1 more)
              chance             The chance for each message (Lose, Duplicate, Reorder)
              by                 How much longer a message takes: drawn for each (Delay)
              node               Whose messages, to and fro (Delay)
              by                 How long a message is held at most: drawn for each (Reorder)
              node               Whom it strikes (Crash, Restart, Pause, Resume and 2 more)
              down               How long the node is down (Crash)
              lasting            How long it stands still (Pause)
              lasting            How long it lasts (StallDisk)
              faults             Those that it may be (OneOf)
              name               What the step is called: what is drawn for it hangs on its name (At, Every, When)
              gap                How long until it strikes, and then until it strikes again (Every)
              trigger            What it waits for (When)
              kind               The kind of the message (Sent, Delivered, fates)
              node               Only what happens on this node counts (the sender of what is sent, the receiver of what arrives); without one, on any (Sent, Delivered, Wrote, Synced and 3 more)
              nth                The n-th time sets the fault off, counted from 1 (Sent, Delivered, Wrote, Synced and 3 more)
              file               The name of the file (Wrote)
              mark               The mark that is set (Marked)
              fates              Messages whose fate is fixed, whatever the network and the seed would make of them (Scenario)
              count              Which of its kind it is on its link, counted from 1 (fates)
              content            What it says, in place of `count`: a digest, as traces show it (fates)
              nth                Which of those with this content it is on its link, counted from 1 (fates)
              fate               What becomes of it (fates)
              duration           How long faults may strike: until they are over (Scenario)
              settle             How long the run may then take to settle; with "0s", it is not judged whether it does (Scenario)
              budget             How much a run may take (Scenario)
              events             How many events; when they are used up, `progress` is unknown (budget)
              same_instant       How many events in one instant, without time going on; one more is a violation of `time-advances` (budget)
              messages           How many messages may be under way at once; when there are more, `progress` is unknown (budget)
              disk_bytes         How many bytes each node's disk may hold; when one is to hold more, `progress` is unknown (budget)
              effects            How many effects one step of a process may have; one more is a violation of `no-panic` (budget)
              states             How many states the judging of the history may explore; when they are used up, its property is unknown (budget)
              stop_at_violation  Whether the run ends as soon as it is known that something is violated (budget)
              expect             What a sweep must see: *sometimes* marks, and steps of the plan that strike, or bite (Scenario)
              outcome            What the scenario is meant to show; exit codes follow it only with `--as-meant` (Scenario)

            steps
              At     A fault strikes once, at this time
              Every  A fault strikes again and again, each time after a length drawn from this range, until the faults end
              When   A fault strikes once, at the end of the instant in which this happens

            faults
              Partition  Messages across a cut are lost when they are sent
              Heal       Ends all partitions, and all degradations in which links lose, duplicate, delay or reorder messages
              Lose       Every link loses messages with a given chance, on top of its own
              Duplicate  Every link delivers messages twice with a given chance, on top of its own
              Delay      Messages take longer: those from and to a node, which is then slow, or all
              Reorder    Every link holds messages with a given chance until a later one on the same link has arrived
              Crash      A node loses its volatile state, its timers, and of its unsynced writes all but a part that the seed decides
              Restart    A node that is down starts
              Pause      A node stands still with its state
              Resume     A paused node goes on
              Destroy    A node crashes for good: nothing starts it again, not the end of the faults either
              StallDisk  A node's disk completes no sync
              OneOf      One of several faults, each as likely

            cuts
              Isolate  Nodes are cut off from all other servers
              Halves   The servers fall into two random halves
              OneWay   What any of some nodes sends to any other of some is lost
              Groups   Each group is cut off from every other

            targets
              Any       A server, any
              All       All servers
              Minority  Fewer than half of the servers, at least one if there are three or more
              Majority  More than half of the servers
              Sender    The sender of the message that set the trigger off
              Receiver  The receiver of the message that set the trigger off
              Subject   The node that set the trigger off

            triggers
              Sent       A message of a kind was sent
              Delivered  A message of a kind was delivered
              Wrote      A file was written
              Synced     A sync of a disk completed
              Marked     A sometimes mark was set
              Crashed    A node crashed
              Restarted  A node started again

            values
              Scenario     What runs, what surrounds it, what goes wrong, and what that is meant to show (a scenario file)
              Constant     It takes always as long (a latency)
              Uniform      Each length from the shortest to the longest is as likely (a latency)
              Exponential  Seldom much longer than usual: the shortest, and what is added follows the exponential distribution (a latency)
              n1           A server: n1, n2 and so on, as many as the system has (a node)
              c1           A client: c1, c2 and so on, as many as the workload has (a node)
              Lost         The message does not arrive (a fate)
              Deliver      The message arrives after this length, which is above zero (a fate)
              Duplicate    The message arrives twice, after these two lengths, which are above zero (a fate)
              true         It is so (a choice of two)
              false        It is not so (a choice of two)
              Sometimes    This mark of the system is set in one run of a sweep at least; else it ends with exit code 5 (something that a sweep must see)
              Strikes      The step of the plan of faults that has this name strikes in one run of a sweep at least; else it ends with exit code 5 (something that a sweep must see)
              Bites        The step of the plan of faults that has this name strikes and makes a difference in one run of a sweep at least; else it ends with exit code 5 (something that a sweep must see)
              Holds        Every property holds (an outcome)
              Violates     This property of the system is violated (an outcome)

            roles
              Only  A role of the system, which does not say what it means

            messages
              Ask     A message of the system, which does not say what it means
              Answer  A message of the system, which does not say what it means

            marks
              asked twice          Set when a run passes a place that a good sweep should pass sometimes
              never                Set when a run passes a place that a good sweep should pass sometimes
              unsynced write lost  A crash lost writes that were not synced

            properties
              sane-answers         no answer is odd
              nothing-bad          the server notes nothing bad
              progress             when the faults are over and everything is healed, a fresh operation completes, nothing stays under way, and the replicas agree
              no-panic             no node's code panics
              time-advances        simulated time goes on: no endless chain of events in one instant
              well-formed-history  each client does one operation at a time, but for those whose outcome it never learned
              judge-panicked       no judge panics
              deterministic        two runs of one scenario and seed are the same, record by record, and so is what is judged of them

            mutants
              toy/bad  Does something bad

            decoys
              none

            models
              register         one value, or nothing
              cas-register     one value, or nothing, that can be compared and set
              kv               a register for each key, that can also be appended to and deleted; keys are judged apart
              counter          a number that is added to, of 64 bits: it wraps around
              set              elements that come and go; each is judged apart
              grow-set         elements that only come, read all together
              queue            first in, first out
              stack            last in, first out
              priority-queue   the least item out first: whole numbers, or texts
              lock             held by one owner at a time
              fenced-lock      held by one owner at a time, with a token, from 1 on, that grows from grant to grant
              log              entries that are appended and stay, read from any offset
              unordered-queue  a queue that hands out its items in any order
              total-queue      a queue that is emptied at the end: each item comes out as often as it went in, at any time after
              unique-ids       a source of ids, none of which comes twice
              multi-register   registers that are read and written together, as one object
              bank             accounts between which money moves: each read sees the total, and no account below zero; not whether it is of the past
              list-append      transactions on lists: append, r (read)
              rw-register      transactions on registers: w (write), r (read)

            guarantees
              linearizable         one order of all operations that keeps to real time and explains every answer
              sequential           one order of all operations that keeps to each client's own and explains every answer
              causal               a client that sees a write sees what came before it, and all agree on what overwrites what
              monotonic-writes     a client that sees a write sees what the writing client had written before
              writes-follow-reads  a client that sees a write sees what the writing client had read before
              monotonic-reads      what a client has seen, it goes on seeing, or something newer
              read-your-writes     what a client has written, it sees, or something newer

            levels
              strict-serializable                serializable in an order that keeps to real time
              strong-session-serializable        serializable in an order that keeps to each client's own
              serializable                       as if transactions had run one after another
              strong-snapshot-isolation          snapshot isolation, and a snapshot holds all that had committed before
              strong-session-snapshot-isolation  snapshot isolation, and a snapshot holds what its client had committed before
              snapshot-isolation                 each transaction reads from one snapshot, and of two that write one key at once, one aborts
              parallel-snapshot-isolation        as snapshot isolation, but snapshots may see other transactions in different orders
              read-committed                     no transaction reads what was aborted or not final
              read-uncommitted                   writes of two transactions are not interleaved

            exit-codes
              0    All held
              1    A property was violated
              2    The command line makes no sense
              3    An input file makes no sense
              4    A budget ended before the answer was known, or a seed of a sweep gave no answer in time
              5    Something expected was never seen: a mark or a strike by a sweep, or the violation that was meant
              70   Stormglass itself failed
              74   A file could not be read or written
              130  The command was interrupted, by Ctrl-C, SIGTERM or SIGHUP
        "#]],
    );
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
    check(
        &desk.expect(0, &["explain", "toy"]).out,
        expect![[r#"
            Toy: a system

              Clients ask, the first server answers. It misbehaves as it is told.

              written
                system: Toy()

              roles
                Only

              messages
                Ask, Answer

              properties
                sane-answers: no answer is odd
                nothing-bad: the server notes nothing bad
                progress: when the faults are over and everything is healed, a fresh operation completes, nothing stays under way, and the replicas agree
                no-panic: no node's code panics
                time-advances: simulated time goes on: no endless chain of events in one instant
                well-formed-history: each client does one operation at a time, but for those whose outcome it never learned
                judge-panicked: no judge panics

              sometimes
                asked twice, never, unsynced write lost

              mutants
                toy/bad
        "#]],
    );
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
    check(
        &help(&["--help"]).1,
        expect![[r#"
            Runs distributed systems in a deterministic simulation, under faults, and judges what their clients
            saw.

            Usage: stormglass <COMMAND>

            Commands:
              run      Run a scenario once, and judge it
              sweep    Run many seeds of a scenario, on all cores
              replay   Show a run record by record
              lint     Check scenario files without running them
              check    Judge a recorded history, of any origin
              convert  Write a recorded history in another format
              list     List what there is: systems, faults, properties, mutants, decoys, models, guarantees,
                       levels
              explain  Explain a system, a fault, a check, a mutant, a model, a mark, …

            Options:
              -h, --help     Print help
              -V, --version  Print version

            Example: stormglass run scenarios/raft/leader-crash.ron --seed 7 --set duration=60s
        "#]],
    );
    check(
        &help(&["run", "--help"]).1,
        expect![[r#"
            Run a scenario once, and judge it

            Usage: stormglass run [OPTIONS] <SCENARIO>

            Arguments:
              <SCENARIO>  A scenario file

            Options:
                  --seed <N>            The seed; without it the scenario's own, or a fresh one
                  --verify              Run twice, in two processes, and name the first record that differs
                  --as-meant            End with 0 if the scenario's outcome came true, even if that is a
                                        violation
                  --format <FORMAT>     How the result is written [default: text] [possible values: text, json,
                                        junit, github]
                  --trace <FILE>        Write every record to this file, as JSON lines
                  --history <FILE>      Write what clients saw to this file, for check: x.edn as EDN, x.jsonl as
                                        JSON lines
                  --report <FILE.html>  Write the verdict on a page of its own; what the clients of a key-value
                                        system saw is drawn there
                  --set <PATH=VALUE>    Set a value of the scenario, such as system.nodes=7; may be repeated
              -h, --help                Print help

            Example: stormglass run scenarios/raft/leader-crash.ron --seed 7 --set duration=60s
        "#]],
    );
    check(
        &help(&["sweep", "--help"]).1,
        expect![[r#"
            Run many seeds of a scenario, on all cores

            Usage: stormglass sweep [OPTIONS] --seeds <N> <SCENARIO>

            Arguments:
              <SCENARIO>  A scenario file

            Options:
                  --seeds <N>         How many seeds
                  --start <N>         The first seed [default: 0]
                  --jobs <N>          How many worker processes; without it, one for each core
                  --stall <T>         How long a seed may take, by the clock on the wall, before its worker is
                                      ended and the seed told as unknown [default: 10min]
                  --out <FILE>        Write a row for every seed to this file, as JSON lines
                  --verify            Run each seed twice, in two processes, and compare
                  --keep-going        Go on after a violation
                  --as-meant          End with 0 if the scenario's outcome came true: at the first seed that
                                      violates what it means to
                  --format <FORMAT>   How the summary is written [default: text] [possible values: text, json,
                                      junit, github]
                  --set <PATH=VALUE>  Set a value of the scenario, such as system.nodes=7; may be repeated
              -h, --help              Print help

            Example: stormglass sweep scenarios/raft/crash-storm.ron --seeds 1000 --keep-going --out rows.jsonl
        "#]],
    );
    check(
        &help(&["replay", "--help"]).1,
        expect![[r#"
            Show a run record by record

            Usage: stormglass replay [OPTIONS] <SCENARIO>

            Arguments:
              <SCENARIO>  A scenario file

            Options:
                  --seed <N>          The seed; without it the scenario's own
                  --from <T>          Show nothing before this time, such as 2.5s
                  --until <T>         Show nothing after this time
                  --node <NODE>       Show only what concerns this node, such as n2 or c1; may be repeated.
                                      Faults are shown all the same
                  --kind <KIND>       Show only messages of this kind, or records of this sort (timer, write,
                                      note, fault, …); may be repeated
                  --full              Show messages, timers and notes whole, on a terminal too
                  --set <PATH=VALUE>  Set a value of the scenario, such as system.nodes=7; may be repeated
              -h, --help              Print help

            Example: stormglass replay scenarios/raft/leader-crash.ron --seed 7 --from 2s --until 2.5s --node n2
        "#]],
    );
    check(
        &help(&["check", "--help"]).1,
        expect![[r#"
            Judge a recorded history, of any origin

            Usage: stormglass check [OPTIONS] --model <MODEL> <HISTORY>...

            Arguments:
              <HISTORY>...  Histories: EDN, Jepsen's log or JSON lines, compressed by gzip or not; - for
                            standard input

            Options:
                  --model <MODEL>          What the object is: register, cas-register, kv, …, or list-append or
                                           rw-register for transactions; `list models` shows all
                  --input-format <FORMAT>  The format of the histories: edn, log or json; without it, what each
                                           seems to be
                  --guarantee <GUARANTEE>  What the history is to keep: linearizable, sequential, causal, …;
                                           `list guarantees` shows all. With `strongest`, each is judged.
                                           Without it, linearizable
                  --level <LEVEL>          How far transactions are to be kept apart: serializable,
                                           snapshot-isolation, …; `list levels` shows all. Without it,
                                           strict-serializable
                  --initial <VALUE>        What the object holds at first, as EDN, and for transactions each
                                           key, as in `{:x 0 :y 0}`; without it, nothing
                  --initial-unknown        It is not known what it holds at first: for registers and stores
                  --nil-reads <MEANING>    What a read of nil saw: that there was nothing, or, if unknown, it
                                           saw nothing, as for Jepsen's registers [default: nothing] [possible
                                           values: nothing, unknown]
                  --observe-failed-cas     Take a compare-and-set that failed for one that saw another value;
                                           without this it is left out
                  --budget <STATES>        How many states may be explored; without it, four million and twenty
                                           for each operation. For transactions: steps of each search; without
                                           it, twenty million
                  --witness                If it holds, show the order that explains it
                  --report <FILE.html>     Draw it on a page of its own, to be opened in a browser
                  --full                   Explain every key that is violated, not only the one with the
                                           smallest explanation
                  --no-explain             Give the verdict alone, and by which line it is violated: an
                                           explanation may explore a million states and twenty for each
                                           operation besides
                  --format <FORMAT>        How the verdict is written [default: text] [possible values: text,
                                           json, junit, github]
              -h, --help                   Print help

            Example: stormglass check history.edn --model cas-register --report why.html
        "#]],
    );
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
