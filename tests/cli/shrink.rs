//! `shrink`: what it writes fails in the same way, and what cannot be shrunk is told.

use std::fs;

use super::Desk;

const STORM: &str = "faults: [At(\"50ms\", Crash(node: n2, down: \"10ms\")), Every(\"10ms..30ms\", Pause(node: n2, lasting: \"1ms\"))]";

#[test]
fn a_failing_run_becomes_a_scenario_that_fails_in_the_same_way() {
    for (trouble, property) in [("Violate", "nothing-bad"), ("Panic", "no-panic")] {
        let desk = Desk::new();
        desk.scenario("bad.ron", &format!("system: Toy(trouble: {trouble}), {STORM}"));
        let done = desk.expect(0, &["shrink", "bad.ron", "--seed", "7", "--out", "small.ron"]);
        let (first, last) = (done.out.contains(&format!("✗ {property} is violated at ")), done.out.trim_end().lines().last().unwrap_or(""));
        assert!(first && done.err.is_empty(), "{}{}", done.out, done.err);
        assert!(last.trim_start().starts_with("toy replay small.ron --seed "), "{}", done.out);
        let text = fs::read_to_string(desk.path("small.ron")).unwrap();
        assert!(text.starts_with(&format!("// {property} is violated at ")) && text.contains("seed: "), "{text}");
        assert!(!text.contains("faults:") && text.contains(&format!("outcome: Violates(\"{property}\")")), "{text}");
        desk.expect(0, &["run", "small.ron", "--as-meant"]);

        let printed = desk.expect(0, &["shrink", "bad.ron", "--seed", "7", "--jobs", "3"]).out;
        assert!(printed.ends_with(&text), "without a file it is printed, for any number of threads the same:\n{printed}");
        let again = desk.expect(0, &["shrink", "small.ron", "--out", "again.ron"]).out;
        assert!(again.contains("nothing smaller was found"), "{again}");
        // But for how large it was: a panic ends the run, and only its file got smaller.
        let is_size = |line: &&str| line.starts_with("// Shrunk: ");
        let rest = |text: &str| text.lines().filter(|line| !is_size(line)).map(|line| format!("{line}\n")).collect::<String>();
        let was = text.lines().find(is_size).map(|line| line.trim_start_matches("// Shrunk: ").trim_end_matches('.'));
        assert_eq!(was.is_some(), trouble == "Violate", "{text}");
        assert!(was.is_none_or(|was| was.contains(" faults → 0") && was.contains(" events → ") && done.out.contains(was)), "{was:?}");
        assert_eq!(fs::read_to_string(desk.path("again.ron")).unwrap(), rest(&text));
        // With no runs left, it is as large as it was.
        let large = desk.expect(0, &["shrink", "bad.ron", "--seed", "7", "--runs", "1"]).out;
        assert!(large.contains("; it could be smaller") && large.contains("\n// It is not finished: it could be smaller"), "{large}");
    }
}

#[test]
fn what_cannot_be_shrunk_is_told() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy()");
    desk.scenario("hard.ron", "system: Toy(trouble: Unknown)");
    desk.scenario("bad.ron", "system: Toy(trouble: Violate)");
    for (code, arguments, told) in [
        (2, &["shrink", "calm.ron"][..], "which run? The scenario names no seed: add --seed N"),
        (2, &["shrink", "calm.ron", "--seed", "3"], "there is nothing to shrink: under seed 3 the scenario holds"),
        (4, &["shrink", "hard.ron", "--seed", "3"], "there is nothing to shrink: under seed 3 the scenario is unknown"),
        (2, &["shrink", "bad.ron", "--seed", "3", "--out", "bad.ron"], "bad.ron is the scenario itself: it is not overwritten"),
        (2, &["shrink", "bad.ron", "--seed", "3", "--runs", "0"], "invalid value '0' for '--runs <N>'"),
        (74, &["shrink", "none.ron", "--seed", "3"], "cannot read none.ron"),
    ] {
        let done = desk.run(arguments);
        assert!(done.code == Some(code) && done.err.contains(told), "{arguments:?}: {:?}\n{}", done.code, done.err);
        assert!(fs::read_dir(desk.path("")).unwrap().count() == 3, "no file is left behind");
    }
}

/// What `--out` cannot take is printed, besides the error: it may have taken long.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_printed() {
    let desk = Desk::new();
    desk.scenario("bad.ron", "system: Toy(trouble: Violate)");
    let done = desk.expect(74, &["shrink", "bad.ron", "--seed", "7", "--out", "/dev/full", "--save", "kept"]);
    assert!(done.err.starts_with("error: cannot write /dev/full: "), "{}", done.err);
    assert!(done.out.contains("\n// nothing-bad is violated at ") && done.out.ends_with(")\n"), "{}", done.out);
    assert!(done.out.contains("\n  the shrunk failure, as a file that runs again: kept/nothing-bad-"), "{}", done.out);
}

/// It says at once that it stops; and who is impatient loses nothing.
#[cfg(target_os = "linux")]
#[test]
fn what_is_interrupted_twice_keeps_the_smallest_so_far() {
    if !crate::hears_interrupts() {
        return;
    }
    for signals in [&["-INT"][..], &["-INT", "-TERM"], &["-HUP", "-INT", "-INT"]] {
        let desk = Desk::new();
        let long = ["shrink", &super::runs::scenario("raft/bugs/forgets-vote"), "--seed", "6", "--out", "small.ron", "--jobs", "1"];
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_stormglass"));
        command.args(long).current_dir(desk.path("")).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let child = command.spawn().unwrap();
        // It listens soon after the draft is there.
        crate::wait_until(|| fs::read_dir(desk.path("")).unwrap().count() == 1);
        std::thread::sleep(std::time::Duration::from_millis(200));
        for signal in signals {
            let sent = std::process::Command::new("kill").args([*signal, &child.id().to_string()]).status().unwrap();
            assert!(sent.success());
        }
        let done = crate::done(child);
        assert_eq!((done.code, done.err.as_str()), (Some(130), "stopping: the smallest so far is written\n"), "{signals:?}");
        let text = fs::read_to_string(desk.path("small.ron")).unwrap();
        assert!(text.starts_with("// election-safety is violated at ") && text.contains("\n// It is not finished"), "{text}");
        assert_eq!(super::runs::stormglass(&desk, &["run", "small.ron", "--as-meant"]).0, Some(0));
    }
}
