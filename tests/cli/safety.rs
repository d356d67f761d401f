//! What reaches a terminal or a page is safe, and what is written is whole.

use std::fs;
use std::process::Stdio;

use crate::{Desk, done};

/// Nothing that a terminal would obey.
fn assert_safe(text: &str) {
    let is_obeyed = |letter: char| (letter.is_control() && letter != '\n') || "\u{202e}\u{2066}\u{200f}\u{2028}".contains(letter);
    assert!(!text.contains(is_obeyed), "{text:?}");
}

/// Names of files, of scenarios and of all that stands in quotes forge no line and steer no terminal, in whatever is said of them.
#[cfg(unix)]
#[test]
fn names_forge_no_line() {
    const EVIL: &str = "h\n0: holds\u{1b}[2J\u{202e}";
    let desk = Desk::new();
    let (history, scenario, absent) = (format!("{EVIL}.edn"), format!("{EVIL}.ron"), format!("absent{EVIL}"));
    fs::write(desk.path(&history), "{:process 0, :type :invoke, :f :read}\n{:process 0, :type :ok, :f :read, :value 1}\n").unwrap();
    desk.scenario(&scenario, "system: Toy(trouble: Violate), seed: 7");
    let name = EVIL.replace('\n', "\\\\n").replace('\u{1b}', "\\\\u{1b}").replace('\u{202e}', "\\\\u{202e}");
    desk.scenario("named.ron", &format!("system: Toy(), seed: 7, settle: \"5{name}\", odds: \"{name}\""));
    let twice = [history.as_str(), &history];
    for arguments in [
        &["check", "--model", "register", twice[0], twice[1]][..],
        &["check", "--model", "register", &absent],
        &["check", "--model", "register", &history, "--report", "page.html"],
        &["check", "--model", "register", &scenario],
        &["run", &scenario],
        &["run", &scenario, "--set", &format!("name={EVIL}")],
        &["run", &scenario, "--set", &format!("{EVIL}=1")],
        &["run", &scenario, "--history", &absent],
        &["run", "named.ron"],
        &["lint", "named.ron", &scenario],
        &["replay", &scenario, "--kind", EVIL],
        &["sweep", &scenario, "--seeds", "3", "--keep-going"],
        &["explain", EVIL],
        &["list", EVIL],
        &[EVIL],
    ] {
        let done = desk.run(arguments);
        assert_safe(&done.out);
        assert_safe(&done.err);
        for line in done.out.lines().chain(done.err.lines()) {
            assert!(!line.starts_with("0: holds"), "{arguments:?} {line}");
        }
    }
    assert_safe(&fs::read_to_string(desk.path("page.html")).unwrap_or_default());
    let replay = desk.run(&["run", &scenario]).out.lines().last().unwrap().trim().to_owned();
    assert_eq!(replay, r"toy replay $'h\0120: holds\033[2J\342\200\256.ron' --seed 7");
}

/// A disk that fills up in the middle of a line: those before it stay, and no part of it.
#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_leaves_whole_lines() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy(), seed: 7");
    for (arguments, file) in [
        (&["run", "calm.ron", "--trace", "trace.jsonl", "--set", "duration=20s"][..], "trace.jsonl"),
        (&["sweep", "calm.ron", "--seeds", "300", "--out", "rows.jsonl"], "rows.jsonl"),
    ] {
        // The limit is in blocks of half a KiB, or of a whole one.
        let command = desk.command(arguments);
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", "trap '' XFSZ; ulimit -f 40; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
        limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(desk.path(""));
        limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let done = done(limited.spawn().unwrap());
        assert_eq!(done.code, Some(74), "{}", done.err);
        assert!(done.err.contains(&format!("cannot write {file}: file too large")), "{}", done.err);
        let lines = desk.lines(file);
        assert!(lines.len() > 10, "{} lines", lines.len());
    }
}

#[test]
fn two_outputs_are_two_files() {
    let desk = Desk::new();
    desk.scenario("calm.ron", "system: Toy(), seed: 7");
    let same = std::path::Path::new(".").join("x.jsonl");
    for (one, two) in [(["--trace", "x.jsonl"], ["--report", "x.jsonl"]), (["--trace", "x.jsonl"], ["--report", same.to_str().unwrap()])] {
        let done = desk.expect(2, &[&["run", "calm.ron"], &one[..], &two[..]].concat());
        assert!(done.err.contains("is to be written twice: give each its own file") && done.out.is_empty(), "{}", done.err);
        assert!(!desk.path("x.jsonl").exists(), "nothing is opened");
    }
    if cfg!(unix) {
        desk.expect(0, &["run", "calm.ron", "--trace", "/dev/null", "--report", "/dev/null"]);
    }
}

/// What asks a process to end ends it as Ctrl-C does: with its code, and without drafts.
#[cfg(target_os = "linux")]
#[test]
fn signals_that_ask_for_the_end_are_as_ctrl_c() {
    if !crate::hears_interrupts() {
        return;
    }
    for signal in ["-TERM", "-HUP"] {
        let desk = Desk::new();
        desk.scenario("calm.ron", "system: Toy(), seed: 1");
        let arguments = ["run", "calm.ron", "--set", "duration=100000s", "--trace", "trace.jsonl", "--report", "page.html"];
        let child = desk.command(&arguments).spawn().unwrap();
        let trace = desk.path("trace.jsonl");
        crate::wait_until(|| fs::metadata(&trace).is_ok_and(|file| file.len() > 0));
        let sent = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let done = done(child);
        assert_eq!((done.code, done.err.as_str()), (Some(130), "interrupted\n"), "{signal}");
        let mut left: Vec<_> = fs::read_dir(desk.path("")).unwrap().map(|file| file.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["calm.ron", "trace.jsonl"]);
        assert!(!desk.lines("trace.jsonl").is_empty(), "it ends with a whole line");
    }
}
