//! How nodes stand at a time, what leads to a violation, and pages of what was shrunk or explained.

#![cfg(feature = "cli")]

use std::fs;

use crate::Desk;
use crate::runs::{scenario, stormglass};

#[test]
fn how_every_node_stands_at_a_time() {
    let desk = Desk::new();
    let vote = scenario("raft/bugs/forgets-vote");
    let (code, out, _) = stormglass(&desk, &["replay", &vote, "--seed", "1", "--set", "duration=400ms", "--at", "154.802395ms"]);
    assert_eq!(code, Some(1), "the verdict is that of the run");
    for node in ["n1", "n5", "c2"] {
        assert!(out.contains(&format!("\n  {node}\n")), "{node} is told of: {out}");
    }
    let fifth = out.split("\n  n5\n").nth(1).and_then(|rest| rest.split("\n  c1\n").next()).expect("the fifth");
    for told in [
        "role         Candidate 1",
        "timers       Election at ",
        "clock        reads ",
        "not synced",
        "on disk      term 0",
        "when synced  term 1",
        "sent         RequestVote #1 to n1",
    ] {
        assert!(fifth.contains(told), "{told}: {fifth}");
    }
    let (_, one, _) =
        stormglass(&desk, &["replay", &vote, "--seed", "1", "--set", "duration=400ms", "--at", "154.802395ms", "--node", "n5"]);
    assert!(one.contains(fifth.trim_end()) && !one.contains("\n  n1\n"), "that node alone: {one}");
}

#[test]
fn what_leads_to_the_violation() {
    let desk = Desk::new();
    let vote = scenario("raft/bugs/forgets-vote");
    let (code, out, _) = stormglass(&desk, &["replay", &vote, "--seed", "1", "--set", "duration=400ms", "--around", "violation"]);
    let records: Vec<&str> = out
        .lines()
        .filter(|line| line.trim_start_matches('▶').trim_start().split("  ").next().is_some_and(|time| time.ends_with("ms")))
        .collect();
    assert_eq!(code, Some(1));
    assert!((20..=75).contains(&records.len()) && records.iter().any(|line| line.starts_with('▶')), "{} records: {out}", records.len());
    let calm = scenario("raft/leader-crash");
    let calm = |around: &str| {
        stormglass(&desk, &["replay", &calm, "--seed", "1", "--set", "duration=300ms", "--set", "faults=[]", "--around", around])
    };
    let (code, _, said) = calm("violation");
    assert!(code == Some(2) && said.contains("nothing is violated"), "{code:?} {said}");
    assert_eq!(calm("100ms").0, Some(0));
}

#[test]
fn a_run_is_gone_through_by_hand_on_a_terminal_only() {
    let desk = Desk::new();
    let (code, _, said) = stormglass(&desk, &["replay", &scenario("raft/leader-crash"), "--seed", "1", "--step"]);
    assert!(code == Some(2) && said.contains("needs a terminal"), "{code:?} {said}");
}

#[test]
fn what_is_shrunk_or_explained_has_a_page() {
    let desk = Desk::new();
    let bug = scenario("three-phase/bugs/votes-early");
    let run = |arguments: &[&str]| stormglass(&desk, arguments);
    let (code, _, said) =
        run(&["shrink", &bug, "--seed", "1", "--runs", "200", "--jobs", "1", "--out", "small.ron", "--report", "small.html"]);
    assert_eq!(code, Some(0), "{said}");
    let page = fs::read_to_string(desk.path("small.html")).expect("a page");
    for told in ["What happened", "replay small.ron --seed ", "The scenario", "id=\"run-data\"", " → "] {
        assert!(page.contains(told), "{told}");
    }
    let (code, _, said) = run(&["why", "small.ron", "--runs", "60", "--jobs", "1", "--report", "why.html"]);
    assert_eq!(code, Some(0), "{said}");
    let page = fs::read_to_string(desk.path("why.html")).expect("a page");
    assert!(page.contains("What it takes") && page.contains("id=\"run-data\""), "{page}");
    assert_eq!(run(&["shrink", &bug, "--seed", "1", "--out", "x", "--report", "x"]).0, Some(2), "two outputs to one file");
}
