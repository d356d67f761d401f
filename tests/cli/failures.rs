//! Failures as files: saved by `run` and `sweep`, and run again.

use std::collections::BTreeMap;
use std::fs;

use expect_test::expect;
use stormglass::diagnostic::{Diagnostics, Source};
use stormglass::report::Regressions;
use stormglass::scenario::{Failure, Standing};
use stormglass::systems::Registry;

use super::runs::{scenario, stormglass};
use super::{Desk, check};

const BUG: &str = "raft/bugs/forgets-vote";

/// The names of the files in a folder.
fn names(desk: &Desk, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(desk.path(folder)).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(desk: &Desk, file: &str) -> Failure {
    let (source, problems) = (Source::new(file, fs::read_to_string(desk.path(file)).unwrap()), Diagnostics::new());
    let failure = Failure::parse(&source, &Registry::standard(), &problems);
    failure.unwrap_or_else(|| panic!("{}", problems.render(&source, false)))
}

/// A folder with one failure that a sweep saved; its name there.
fn saved() -> (Desk, String) {
    let desk = Desk::new();
    let (code, ..) = stormglass(&desk, &["sweep", &scenario(BUG), "--seeds", "50", "--save", "deep/kept"]);
    assert_eq!(code, Some(1));
    let names = names(&desk, "deep/kept");
    assert_eq!(names.len(), 1, "a sweep ends at the first: {names:?}");
    (desk, format!("deep/kept/{}", names[0]))
}

#[test]
fn what_a_sweep_saved_runs_again() {
    let (desk, file) = saved();
    let failure = read(&desk, &file);
    assert_eq!(file, format!("deep/kept/persist-before-answer-{}.ron", failure.seed));
    assert_eq!(failure.scenario.run(failure.seed).digest, failure.digest);
    for command in [&["run", &file][..], &["replay", &file, "--until", "1ms"]] {
        let (code, out, err) = stormglass(&desk, command);
        assert_eq!(code, Some(1), "{err}");
        assert!(out.contains(&format!("seed {} · digest {:016x}", failure.seed, failure.digest)), "{out}");
        assert!(!out.contains("same failure") && err.is_empty(), "{out}{err}");
    }
    // The same again, by another command: the file is left as it is.
    let before = fs::metadata(desk.path(&file)).unwrap().modified().unwrap();
    stormglass(&desk, &["run", &file, "--save", "deep/kept"]);
    assert_eq!(names(&desk, "deep/kept").len(), 1);
    assert_eq!(fs::metadata(desk.path(&file)).unwrap().modified().unwrap(), before);
    // Another failure of that name has a file of its own.
    stormglass(&desk, &["run", &file, "--save", "deep/kept", "--set", "name=other"]);
    let other = file.replace(".ron", "-2.ron");
    assert_eq!(read(&desk, &other).scenario.name, "other");
    assert_eq!(read(&desk, &file), failure);
}

#[test]
fn what_is_not_as_it_was_is_told() {
    let (desk, file) = saved();
    let told = |arguments: &[&str]| {
        let (_, out, _) = stormglass(&desk, &[&["run", &file], arguments].concat());
        out.lines().last().unwrap_or_default().to_owned()
    };
    let text = fs::read_to_string(desk.path(&file)).unwrap();
    let failure = read(&desk, &file);
    let edit = |from: &str, to: &str| fs::write(desk.path(&file), text.replace(from, to)).unwrap();

    edit(&format!("version: \"{}\"", failure.version), "version: \"0.0.1\"");
    check(&told(&[]), expect!["it was saved by version 0.0.1, and this is 0.1.0: it is the same failure still"]);
    edit(&format!("digest: \"{:016x}\"", failure.digest), "digest: \"0000000000000000\"");
    check(&told(&[]), expect!["its digest was 0000000000000000: it is the same failure still"]);
    edit(&format!("fingerprint: \"{:016x}\"", failure.fingerprint), "fingerprint: \"0000000000000001\"");
    let other = told(&["--set", "duration=9s"]);
    assert!(other.contains("it is another failure now: of persist-before-answer, fingerprint "), "{other}");
    edit("", "");
    let mended = told(&["--set", "mutant=none"]);
    assert!(mended.ends_with(": it fails no more") && mended.starts_with("its digest was "), "{mended}");
    let (_, _, err) = stormglass(&desk, &["run", &file, "--set", "mutant=none", "--format", "json"]);
    assert!(err.contains("it fails no more"), "{err}");
}

#[test]
fn what_is_wrong_with_a_failure_is_told_with_its_place() {
    let (desk, file) = saved();
    let text = fs::read_to_string(desk.path(&file)).unwrap();
    let told = |text: String| {
        fs::write(desk.path("wrong.ron"), text).unwrap();
        let (code, _, err) = stormglass(&desk, &["run", "wrong.ron"]);
        assert_eq!(code, Some(3), "{err}");
        err
    };
    let wrong = told(text.replace("nodes: 5", "nodes: 0").replace("seed:", "sed:").replace("digest: \"", "digest: \"x"));
    for part in ["expected a whole number from 1 to 1000", "needs the field `seed`", "has no field `sed`", "sixteen hexadecimal digits"] {
        assert!(wrong.contains(part), "{part}: {wrong}");
    }
    assert!(told(text.replace("Failure(", "Failur(")).contains("Scenario"), "neither");
    let (code, _, err) = stormglass(&desk, &["sweep", &file, "--seeds", "1"]);
    assert_eq!(code, Some(3));
    assert!(err.contains("expected `Scenario(…)`, found `Failure(…)`"), "{err}");
}

#[test]
fn a_folder_of_regressions_is_a_line_in_a_test() {
    let (desk, file) = saved();
    let folder = desk.path("deep/kept");
    let said = |folder: &std::path::Path| {
        let panic = std::panic::catch_unwind(|| Regressions::replay(folder)).expect_err("it fails");
        panic.downcast_ref::<String>().expect("a text").clone()
    };
    let failing = said(&folder);
    let Failure { seed, .. } = read(&desk, &file);
    assert!(failing.starts_with("1 of 1 failures in "), "{failing}");
    assert!(failing.contains("persist-before-answer is violated at ") && failing.contains("it is as it was saved"), "{failing}");
    assert!(failing.contains(&format!("stormglass replay {} --seed {seed}", desk.path(&file).display())), "{failing}");

    let mended = fs::read_to_string(desk.path(&file)).unwrap().replace("mutant: \"raft/forgets-vote\",\n", "\n");
    fs::write(desk.path(&file), mended).unwrap();
    Regressions::replay(&folder);

    fs::write(folder.join("wrong.ron"), "Failure(seed: x)").unwrap();
    assert!(said(&folder).contains("needs the field `scenario`"), "what cannot be read fails");
    assert!(said(&desk.path("deep")).contains("there is no failure in "), "an empty folder shows nothing");
    assert!(said(&desk.path("elsewhere")).contains("cannot be read"), "nor does one that is not there");
}

#[test]
fn a_system_by_hand_says_how_it_reads_operations() {
    let desk = Desk::new();
    desk.scenario("listed.ron", "system: Toy(trouble: Calm), generated: false");
    let err = desk.expect(3, &["lint", "listed.ron"]).err;
    assert!(err.contains("`Toy` does not read operations that are written down"), "{err}");
    assert!(err.contains("implement `System::scripting`"), "{err}");
}

#[test]
fn a_sweep_that_goes_on_saves_every_failure() {
    let desk = Desk::new();
    let sweep = ["sweep", &scenario(BUG), "--seeds", "8", "--keep-going", "--save", "kept", "--out", "rows.jsonl"];
    assert_eq!(stormglass(&desk, &sweep).0, Some(1));
    let failed: Vec<u64> =
        desk.rows("rows.jsonl").iter().filter(|row| row["verdict"] == "violated").map(|row| row["seed"].as_u64().unwrap()).collect();
    let kept = || names(&desk, "kept").iter().map(|name| read(&desk, &format!("kept/{name}"))).collect::<Vec<_>>();
    let saved = kept();
    let mut seeds: Vec<u64> = saved.iter().map(|failure| failure.seed).collect();
    seeds.sort_unstable();
    assert!(failed.len() > 1, "{failed:?}");
    assert_eq!(seeds, failed);
    // Each knows where it stands among all that were met.
    let kinds: BTreeMap<u64, u64> = saved.iter().fold(BTreeMap::new(), |mut kinds, failure| {
        *kinds.entry(failure.fingerprint).or_default() += 1;
        kinds
    });
    for Failure { fingerprint, sweep, .. } in &saved {
        let alike = kinds[fingerprint];
        let rank = 1 + kinds.values().filter(|count| **count > alike).count() as u64;
        let expected = Standing { start: 0, seeds: 8, failed: failed.len() as u64, kinds: kinds.len() as u64, alike, rank };
        assert_eq!(*sweep, Some(expected));
    }
    let file = format!("kept/{}", names(&desk, "kept")[0]);
    let (_, out, _) = stormglass(&desk, &["run", &file, "--report", "page.html"]);
    let page = fs::read_to_string(desk.path("page.html")).unwrap();
    let told = format!("in a sweep of 8 seeds from 0 on, {} failed, ", failed.len());
    assert!(out.contains(&told) && page.contains(&format!("It stood {told}")), "{out}");
    // A sweep that meets them again changes what it knows of that, and nothing else.
    assert_eq!(
        stormglass(&desk, &["sweep", &scenario(BUG), "--seeds", "1", "--start", &failed[0].to_string(), "--save", "kept"]).0,
        Some(1)
    );
    let again = kept();
    assert_eq!(again.len(), saved.len());
    for (before, now) in saved.iter().zip(&again) {
        let met = now.sweep.map(|sweep| (sweep.start, sweep.seeds));
        assert_eq!(met, Some(if now.seed == failed[0] { (failed[0], 1) } else { (0, 8) }));
        assert_eq!(Failure { sweep: None, ..before.clone() }, Failure { sweep: None, ..now.clone() });
    }
}

/// A failure is told by its own property, also where another one is violated before: by all who save it, and by all who run it again.
#[test]
fn what_is_violated_later_is_the_same_failure_still() {
    let desk = Desk::new();
    let args = ["shrink", &scenario(BUG), "--seed", "6", "--runs", "1", "--save", "kept", "--out", "small.ron"];
    assert_eq!(stormglass(&desk, &args).0, Some(0));
    let file = "kept/election-safety-6.ron";
    assert!(names(&desk, "kept").contains(&"election-safety-6.ron".to_owned()), "{:?}", names(&desk, "kept"));
    let text = fs::read_to_string(desk.path(file)).unwrap();
    assert!(text.starts_with("// election-safety is violated at "), "{text}");
    let outcome = read(&desk, file).scenario.run(6);
    assert_eq!(stormglass::explore::first_violated(&outcome).unwrap().name, "persist-before-answer", "what comes first is another");
    fs::write(desk.path(file), text.replace("version: \"", "version: \"0.")).unwrap();
    let (_, out, _) = stormglass(&desk, &["run", file, "--save", "again"]);
    assert!(out.ends_with(": it is the same failure still\n"), "{out}");
    assert_eq!(names(&desk, "again"), ["election-safety-6.ron"]);
    let panic = std::panic::catch_unwind(|| Regressions::replay(desk.path("kept"))).expect_err("it fails");
    let said = panic.downcast_ref::<String>().unwrap();
    assert!(said.contains(": it is the same failure still\n"), "{said}");
}

/// A failure is shrunk as what it was saved as, also if its scenario means another property; and not as anything else.
#[test]
fn a_failure_is_shrunk_as_what_it_was_saved_as() {
    let desk = Desk::new();
    stormglass(&desk, &["run", &scenario(BUG), "--seed", "6", "--save", "kept"]);
    let file = "kept/persist-before-answer-6.ron";
    assert_eq!(read(&desk, file).scenario.expected, stormglass::scenario::Expected::Violates("election-safety"));
    let shrink = |more: &[&str]| stormglass(&desk, &[&["shrink", file, "--runs", "1"], more].concat());
    let (code, out, err) = shrink(&[]);
    assert!(code == Some(0) && err.is_empty(), "{err}");
    assert!(out.contains("✗ persist-before-answer is violated at ") && !out.contains("same failure"), "{out}");

    let text = fs::read_to_string(desk.path(file)).unwrap();
    fs::write(desk.path(file), text.replace("version: \"", "version: \"0.")).unwrap();
    assert!(shrink(&[]).1.contains("it was saved by version 0.0.1.0, and this is 0.1.0: it is the same failure still\n"));
    let print = format!("{:016x}", read(&desk, file).fingerprint);
    fs::write(desk.path(file), text.replace(&print, "0000000000000001")).unwrap();
    let (code, _, err) = shrink(&[]);
    let other =
        format!("error: there is nothing to shrink: it is another failure now: of persist-before-answer, fingerprint {print} and not ");
    assert!(code == Some(2) && err.starts_with(&other), "{err}");
    let (code, _, err) = shrink(&["--seed", "7", "--set", "mutant=none"]);
    assert_eq!((code, err.as_str()), (Some(2), "error: there is nothing to shrink: seed 7 is not that of the file, 6: it fails no more\n"));
}

/// What the shrinker writes is not warned about: time to settle and operations are for what is to hold.
#[test]
fn what_is_meant_to_fail_needs_no_time_to_settle_and_no_operations() {
    let desk = Desk::new();
    for (outcome, settles, idle) in
        [("Holds", true, true), ("Violates(\"progress\")", true, false), ("Violates(\"election-safety\")", false, false)]
    {
        let fields = "settle: \"0s\", generated: false, faults: [At(\"1s\", Crash(node: n1, down: \"1s\"))]";
        let text = format!("Scenario(name: \"x\", system: RaftKv(nodes: 3), {fields}, outcome: {outcome})");
        fs::write(desk.path("small.ron"), text).unwrap();
        let (code, _, err) = stormglass(&desk, &["lint", "small.ron"]);
        assert_eq!(code, Some(0), "{err}");
        assert_eq!(err.contains("it is not judged whether the system recovers"), settles, "{outcome}: {err}");
        assert_eq!(err.contains("clients invoke nothing"), idle, "{outcome}: {err}");
    }
}
