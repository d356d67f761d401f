//! What pages show of the command is what it really prints. `UPDATE_EXPECT=1 cargo test --test cli readme` writes it anew.

#![cfg(feature = "cli")]
#![allow(clippy::disallowed_methods, reason = "one variable says whether to write the pages anew")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// What a line of the tour prints: the command, and perhaps `head` or `tail`.
fn output_of(line: &str) -> String {
    let (command, cut) = line.split_once(" | ").unwrap_or((line, ""));
    let said = said_by(command);
    assert!(shows(command, &said), "the tour shows nothing: {line}");
    let lines: Vec<&str> = said.lines().collect();
    let count = |count: &str| count.parse::<usize>().expect("a number of lines").min(lines.len());
    let kept = match cut.split_once(" -") {
        Some(("head", number)) => &lines[..count(number)],
        Some(("tail", number)) => &lines[lines.len() - count(number)..],
        _ => &lines[..],
    };
    kept.iter().flat_map(|line| [line, "\n"]).collect()
}

/// Whether there is something to see: of a replay, records.
fn shows(command: &str, said: &str) -> bool {
    let is_record =
        |line: &&str| line.split_whitespace().next().is_some_and(|time| time.ends_with('s') && time.starts_with(char::is_numeric));
    match command.starts_with("stormglass replay") {
        true => said.lines().skip(2).take_while(|line| !line.starts_with(['✓', '✗', '?'])).any(|line| is_record(&line)),
        false => !said.trim().is_empty(),
    }
}

#[test]
fn a_tour_that_shows_nothing_is_seen() {
    let nothing = "stormglass replay scenarios/raft/bugs/forgets-vote.ron --seed 19 --from 1ns --until 2ns --node n3";
    assert!(!shows(nothing, &said_by(nothing)), "{}", said_by(nothing));
    assert!(!shows("stormglass list", "\n"));
}

/// What the command prints, with what it complains about.
fn said_by(line: &str) -> String {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let ["stormglass", arguments @ ..] = arguments.as_slice() else { panic!("not a line of the tour: {line}") };
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(arguments)
        .env("COLUMNS", "120")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the command can be started");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    text.concat()
}

/// The page with every console block's output as it is now.
fn fresh(page: &str) -> String {
    let mut text = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        if line != "```console" {
            continue;
        }
        let command = lines.next().and_then(|line| line.strip_prefix("$ ")).expect("a console block begins with a command");
        text.push_str(&format!("$ {command}\n{}```\n", output_of(command)));
        let end = lines.find(|line| *line == "```");
        assert!(end.is_some(), "a console block ends");
    }
    text
}

/// The pages that show what the command prints.
const PAGES: [&str; 3] = ["README.md", "docs/checking.md", "docs/monitoring.md"];

#[test]
fn pages_show_what_the_command_prints() {
    for name in PAGES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let page = fs::read_to_string(&path).expect("there is such a page");
        let fresh = fresh(&page);
        if env::var("UPDATE_EXPECT").is_ok_and(|value| value == "1") {
            fs::write(&path, fresh).expect("the page can be written");
        } else {
            assert!(page == fresh, "{name} has changed: run UPDATE_EXPECT=1 cargo test --test cli readme, and look at it\n{fresh}");
        }
    }
}
