//! User code that misbehaves is a finding with a seed: a table of how, and of what is told. `UPDATE_EXPECT=1 cargo test --test cli
//! misbehaving` writes it anew.

use std::fs;
use std::path::Path;
#[cfg(target_os = "linux")]
use std::{process::Command, time::Duration};

use serde_json::Value;
use stormglass::systems::Registry;

use crate::Desk;
use crate::rogue::{DEEDS, How, Rogue};

/// The command with the system that misbehaves: see [`crate::the_command`].
#[test]
#[ignore = "it is run by the other tests"]
fn the_rogue() {
    crate::command_of("rogue", &Registry::new().with::<Rogue>());
}

/// Every deed is told, with its seed, by a command that ends.
#[test]
fn misbehaving_code_is_a_finding() {
    let table = DEEDS.iter().filter(|(deed, ..)| !["OverflowAtOddSeeds", "PanicThenNeverReturn"].contains(deed));
    let rows: String = table.map(|(deed, how, about, faults)| row(deed, *how, about, faults)).collect();
    let table = format!("| what the code does | | exit code | what is told |\n| --- | --- | --- | --- |\n{rows}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/misbehaving.md");
    let page = fs::read_to_string(&path).expect("the page is there");
    let (before, old) = page.split_once("<!-- what is told -->\n").expect("the page has a place for the table");
    let after = old.split_once("\n\n").map_or("", |(_, after)| after);
    let fresh = format!("{before}<!-- what is told -->\n{table}{}{after}", if after.is_empty() { "" } else { "\n" });
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, fresh).expect("the page can be written");
    } else {
        assert!(page == fresh, "run UPDATE_EXPECT=1 cargo test --test cli misbehaving, and look at docs/misbehaving.md\n{table}");
    }
}

/// A sweep whose seeds never end ends: five seconds after the first Ctrl-C, or at the second. No worker outlives it, and the rows are
/// whole.
#[cfg(target_os = "linux")]
#[test]
fn a_sweep_that_hangs_can_be_ended() {
    if !crate::hears_interrupts() {
        return;
    }
    let ends = [("one Ctrl-C", vec!["-INT"], 5.0..30.0), ("two", vec!["-INT", "-INT"], 0.0..5.0), ("none", vec!["-KILL"], 0.0..5.0)];
    for (name, signals, expected) in ends {
        let desk = Desk::of("misbehaving::the_rogue");
        desk.scenario("rogue.ron", "system: Rogue(deed: NeverReturn)");
        let child = desk.command(&["sweep", "rogue.ron", "--seeds", "100", "--jobs", "2", "--out", "rows.jsonl"]).spawn().unwrap();
        let mut workers = Vec::new();
        crate::wait_until(|| {
            workers = children(child.id());
            workers.len() == 2
        });
        // So that it listens to Ctrl-C.
        crate::wait_until(|| desk.path("rows.jsonl").exists());
        let begun = begin();
        for signal in &signals {
            let sent = Command::new("kill").args([*signal, &child.id().to_string()]).status().unwrap();
            assert!(sent.success());
            std::thread::sleep(Duration::from_millis(200));
        }
        let done = crate::done(child);
        let took = begun.elapsed().as_secs_f64();
        assert!(expected.contains(&took), "{name}: {took} s");
        assert_eq!(done.code, if signals == ["-KILL"] { None } else { Some(130) }, "{name}: {}", done.err);
        crate::wait_until(|| workers.iter().all(|worker| !is_alive(*worker)));
        assert!(desk.rows("rows.jsonl").is_empty(), "{name}: no seed has a row");
    }
}

/// A run that never ends ends what shrinks it at the second Ctrl-C, when it has had time; the smallest so far is written all the same.
#[cfg(target_os = "linux")]
#[test]
fn a_shrinking_that_hangs_leaves_the_smallest_so_far() {
    if !crate::hears_interrupts() {
        return;
    }
    for out in [&["--out", "small.ron"][..], &[]] {
        let desk = Desk::of("misbehaving::the_rogue");
        desk.scenario("rogue.ron", "system: Rogue(deed: PanicThenNeverReturn)");
        let mut command = desk.command(&[&["shrink", "rogue.ron", "--seed", "3", "--jobs", "1"], out].concat());
        let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let interrupt = || assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        std::thread::sleep(Duration::from_secs(1));
        interrupt();
        std::thread::sleep(Duration::from_secs(6));
        interrupt();
        let done = crate::done(child);
        assert_eq!((done.code, done.err.as_str()), (Some(130), "stopping: the smallest so far is written\ninterrupted\n"));
        let text = if out.is_empty() { done.out } else { fs::read_to_string(desk.path("small.ron")).unwrap() };
        assert!(text.contains("// It is not finished: ") && text.contains("seed: ") && text.ends_with(")\n"), "{text}");
    }
}

#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "it measures how long a command takes to end")]
fn begin() -> std::time::Instant {
    std::time::Instant::now()
}

#[cfg(target_os = "linux")]
fn children(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let of_task = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
    tasks.flat_map(|task| of_task(task).split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<_>>()).collect()
}

/// Whether it runs: one that has ended, and that nobody has asked for how, does not.
#[cfg(target_os = "linux")]
fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

/// Each seed is run in two processes; that changes no row of code that is as it should be.
#[test]
fn a_sweep_may_verify_each_seed() {
    let desk = Desk::of("misbehaving::the_rogue");
    let sweep = |deed: &str, code: i32, more: &[&str]| {
        desk.scenario("rogue.ron", &format!("system: Rogue(deed: {deed})"));
        let arguments = ["sweep", "rogue.ron", "--seeds", "6", "--keep-going", "--out", "rows.jsonl"];
        let out = desk.expect(code, &[&arguments[..], more].concat()).out;
        let mut rows = desk.rows("rows.jsonl");
        for row in &mut rows {
            let properties = row["properties"].as_array_mut().unwrap();
            let verified = properties.pop_if(|property| property["name"] == "deterministic");
            assert_eq!(verified.is_some(), more.contains(&"--verify"));
        }
        (out, rows)
    };
    assert_eq!(sweep("CatchOwnPanic", 0, &["--verify"]), sweep("CatchOwnPanic", 0, &[]));
    for deed in ["WallClock", "Environment", "KeptBetweenRuns", "JudgeDiffers"] {
        let (out, _) = sweep(deed, 1, &["--verify", "--jobs", "1"]);
        assert!(out.contains("✗ deterministic  6 seeds"), "{deed}: {out}");
        assert!(out.contains("rogue run rogue.ron --seed 0 --verify\n"), "{deed}: {out}");
    }
}

/// The same program that runs all seeds well, whatever one of them does to its worker: the others have the rows that they have alone.
#[test]
fn one_bad_seed_leaves_the_others_alone() {
    let desk = Desk::of("misbehaving::the_rogue");
    desk.scenario("rogue.ron", "system: Rogue(deed: OverflowAtOddSeeds)");
    let sweep = |jobs: &str, more: &[&str]| {
        let done = desk.run(&[&["sweep", "rogue.ron", "--jobs", jobs, "--keep-going", "--out", "rows.jsonl"], more].concat());
        assert_eq!(done.code, Some(1), "{}", done.err);
        (done.out, fs::read_to_string(desk.path("rows.jsonl")).unwrap())
    };
    let one = sweep("1", &["--seeds", "12"]);
    assert_eq!(sweep("3", &["--seeds", "12"]), one);
    let verdicts: Vec<Value> = desk.rows("rows.jsonl").into_iter().map(|row| row["verdict"].clone()).collect();
    assert!(verdicts.iter().any(|verdict| verdict == "holds") && verdicts.iter().any(|verdict| verdict == "violated"), "{verdicts:?}");
    assert!(one.0.contains("n1 ended the process while it handled Ask #1 from c1 (at 11ms): "), "{}", one.0);
}

/// A deed in a line of the table. The second seed of a sweep misbehaves as the first does: it is reached all the same.
fn row(deed: &str, how: How, about: &str, faults: &str) -> String {
    let desk = Desk::of("misbehaving::the_rogue");
    let budget = "(events: 200000, same_instant: 5000, messages: 10000, disk_bytes: 33554432, effects: 10000)";
    desk.scenario("rogue.ron", &format!("system: Rogue(deed: {deed}), faults: [{faults}], budget: {budget}"));
    let (command, arguments) = match how {
        How::Sweep => ("sweep", vec!["sweep", "rogue.ron", "--seeds", "2", "--jobs", "2", "--keep-going", "--stall", stall(deed)]),
        How::Verify => ("run --verify", vec!["run", "rogue.ron", "--verify", "--seed", "1"]),
    };
    let done = desk.run(&[&arguments[..], &["--format", "json"]].concat());
    let report: Value = serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{deed}: {error}: {}\n{}", done.out, done.err));
    let told = match how {
        How::Sweep => swept(&desk, &report),
        How::Verify => verified(&report),
    };
    let told = told.replace('|', "\\|");
    format!("| {about} | `{command}` | {} | {told} |\n", done.code.map_or("none".to_owned(), |code| code.to_string()))
}

/// How long to wait: not long for what never ends, and for all else as long as it takes on a machine that has much to do.
fn stall(deed: &str) -> &'static str {
    let never_ends = ["NeverReturn", "NeverReturnAtBoot", "Deadlock", "ReadStandardInput", "JudgeNeverReturns"];
    if never_ends.contains(&deed) { "2s" } else { "5min" }
}

fn swept(desk: &Desk, sweep: &Value) -> String {
    assert_eq!(sweep["seeds"], 2, "{sweep}");
    let failures: Vec<String> = sweep["failures"].as_array().unwrap().iter().map(failure).collect();
    match (&failures[..], sweep["stalled"].as_array().unwrap().len(), sweep["unknown"].as_array().unwrap().len()) {
        ([], 0, 0) => "nothing: it does no harm".to_owned(),
        ([], 0, _) => unknown(&desk.json(4, &["run", "rogue.ron", "--seed", "0", "--format", "json"])),
        ([], stalled, _) => format!("no answer in time in {stalled} seeds"),
        _ => failures.join("; "),
    }
}

fn failure(failure: &Value) -> String {
    assert_eq!(failure["count"], 2, "both seeds are alike: {failure}");
    format!("`{}`: {}", failure["property"].as_str().unwrap(), failure["detail"].as_str().unwrap())
}

fn unknown(run: &Value) -> String {
    let properties = run["properties"].as_array().unwrap();
    let unknown = properties.iter().find(|report| report["verdict"] == "unknown").unwrap();
    format!("`{}` is unknown: {}", unknown["name"].as_str().unwrap(), unknown["detail"].as_str().unwrap())
}

fn verified(run: &Value) -> String {
    let properties = run["properties"].as_array().unwrap();
    let violated: Vec<&str> =
        properties.iter().filter(|report| report["verdict"] == "violated").filter_map(|report| report["name"].as_str()).collect();
    let strays = run["strays"].as_array().unwrap().iter().map(|stray| {
        let named = ["name", "kind", "to"].into_iter().filter_map(|field| stray[field].as_str());
        format!("{} {} is told", stray["is"].as_str().unwrap(), named.collect::<Vec<_>>().join(" to "))
    });
    let violated = violated.iter().map(|name| format!("`{name}` is violated"));
    violated.chain(strays).collect::<Vec<_>>().join("; ")
}
