//! What people are told about a file that is wrong: all of it, at once, with its place.

use expect_test::{Expect, expect};

use super::toy::registry;
use crate::diagnostic::{Diagnostics, Source};
use crate::scenario::Scenario;
use crate::systems::Registry;

/// Every problem of a file, as people read them.
fn problems(text: &str) -> String {
    let (source, problems) = (Source::new("storm.ron", text), Diagnostics::new());
    let scenario = Scenario::parse(&source, &registry(), &problems);
    assert_eq!(scenario.is_none(), problems.has_errors());
    problems.render(&source, false)
}

pub(super) fn check(text: &str, expected: Expect) {
    expected.assert_eq(&problems(text));
}

/// These fields in an otherwise valid scenario of five servers and three clients.
pub(super) fn check_fields(fields: &str, expected: Expect) {
    check(&format!("Scenario(name: \"s\", system: Toy(nodes: 5), workload: (clients: 3),\n{fields}\n)"), expected);
}

/// These steps in an otherwise valid scenario of ten seconds.
pub(super) fn check_faults(steps: &str, expected: Expect) {
    check_fields(&format!("faults: [\n{steps}\n]"), expected);
}

#[test]
fn nothing_in_the_file() {
    check(
        "",
        expect![[r#"
        error: the file is empty
         --> storm.ron:1:1
          |
        1 |
          | ^
          |
          = help: a scenario begins Scenario(name: "calm", system: Toy(…), …)
    "#]],
    );
    check(
        "\u{feff}// soon\n\n",
        expect![[r#"
        error: the file is empty
         --> storm.ron:3:1
          |
        3 |
          | ^
          |
          = help: a scenario begins Scenario(name: "calm", system: Toy(…), …)
    "#]],
    );
    let problems = Scenario::from_ron("", &Registry::new()).expect_err("empty");
    assert!(problems.contains("RaftKv"), "{problems}");
}

#[test]
fn something_else_in_the_file() {
    check(
        "[1, 2]",
        expect![[r#"
        error: expected `Scenario(…)`, found a list
         --> storm.ron:1:1
          |
        1 | [1, 2]
          | ^
          |
          = help: a scenario begins Scenario(name: "calm", system: Toy(…), …)
    "#]],
    );
    check(
        "(name: \"calm\")",
        expect![[r#"
        error: expected `Scenario(…)`, found named fields
         --> storm.ron:1:1
          |
        1 | (name: "calm")
          | ^
          |
          = help: a scenario begins Scenario(name: "calm", system: Toy(…), …)
    "#]],
    );
    check(
        "Toy(nodes: 5)",
        expect![[r#"
        error: expected `Scenario(…)`, found `Toy(…)`
         --> storm.ron:1:1
          |
        1 | Toy(nodes: 5)
          | ^^^
          |
          = help: a scenario begins Scenario(name: "calm", system: Toy(…), …)
    "#]],
    );
    check(
        "Scenari(nme: \"calm\")",
        expect![[r#"
            error: expected `Scenario(…)`, found `Scenari(…)`
             --> storm.ron:1:1
              |
            1 | Scenari(nme: "calm")
              | ^^^^^^^
              |
              = help: did you mean `Scenario`?

            error: `Scenari` needs the field `name`
             --> storm.ron:1:1
              |
            1 | Scenari(nme: "calm")
              | ^^^^^^^
              |
              = help: add name: …, a text in quotes

            error: `Scenari` needs the field `system`
             --> storm.ron:1:1
              |
            1 | Scenari(nme: "calm")
              | ^^^^^^^
              |
              = help: add system: …, a system with its fields, like `RaftKv(nodes: 5)`

            error: `Scenari` has no field `nme`
             --> storm.ron:1:9
              |
            1 | Scenari(nme: "calm")
              |         ^^^
              |
              = help: did you mean `name`? known here: name, system, mutant, seed, network, disk, clocks, workload, operations, generated, faults, fates, duration, settle, alerts, require, budget, expect, outcome
        "#]],
    );
    check(
        "Scenario",
        expect![[r#"
        error: `Scenario` needs the field `name`
         --> storm.ron:1:1
          |
        1 | Scenario
          | ^^^^^^^^
          |
          = help: add name: …, a text in quotes

        error: `Scenario` needs the field `system`
         --> storm.ron:1:1
          |
        1 | Scenario
          | ^^^^^^^^
          |
          = help: add system: …, a system with its fields, like `RaftKv(nodes: 5)`
    "#]],
    );
    check(
        "Scenario(name: \"calm\", system: Toy",
        expect![[r#"
        error: this `(` is never closed
         --> storm.ron:1:9
          |
        1 | Scenario(name: "calm", system: Toy
          |         ^ `)` is missing          - the file ends here
    "#]],
    );
}

#[test]
fn names_that_are_not_known() {
    check(
        "Scenario(name: \"s\", system: Toi(nodes: 5), faults: [At(\"1s\", Crash(node: Leader))], mutant: \"x\")",
        expect![[r#"
        error: expected a system, found `Toi`
         --> storm.ron:1:29
          |
        1 | Scenario(name: "s", system: Toi(nodes: 5), faults: [At("1s", Crash(node: Leader))], mutant: "x")
          |                             ^^^
          |
          = help: did you mean `Toy`? known here: Toy, Sister, RaftKv
    "#]],
    );
    check(
        "Scenario(name: s, system: \"Toy\", sead: 1, seed: -1)",
        expect![[r#"
            error: expected a text in quotes, found the name `s`
             --> storm.ron:1:16
              |
            1 | Scenario(name: s, system: "Toy", sead: 1, seed: -1)
              |                ^
              |
              = help: a text stands in quotes: "s"

            error: expected a system, found the text "Toy"
             --> storm.ron:1:27
              |
            1 | Scenario(name: s, system: "Toy", sead: 1, seed: -1)
              |                           ^^^^^
              |
              = help: did you mean `Toy`? known here: Toy, Sister, RaftKv

            error: `Scenario` has no field `sead`
             --> storm.ron:1:34
              |
            1 | Scenario(name: s, system: "Toy", sead: 1, seed: -1)
              |                                  ^^^^
              |
              = help: did you mean `seed`? known here: name, system, mutant, seed, network, disk, clocks, workload, operations, generated, faults, fates, duration, settle, alerts, require, budget, expect, outcome

            error: expected a whole number, at least 0, found the number `-1`
             --> storm.ron:1:49
              |
            1 | Scenario(name: s, system: "Toy", sead: 1, seed: -1)
              |                                                 ^^
        "#]],
    );
    check_fields(
        "mutant: \"toy/forget\"",
        expect![[r#"
        error: `Toy` has no mutant "toy/forget"
         --> storm.ron:2:9
          |
        2 | mutant: "toy/forget"
          |         ^^^^^^^^^^^^
          |
          = help: did you mean `toy/forgets`?
    "#]],
    );
    check_fields(
        "mutant: \"sister/forgets\"",
        expect![[r#"
        error: the mutant "sister/forgets" is one of `Sister`, not of `Toy`
         --> storm.ron:2:9
          |
        2 | mutant: "sister/forgets"
          |         ^^^^^^^^^^^^^^^^
          |
          = help: known here: toy/forgets
    "#]],
    );
    check_fields(
        "mutant: [\"toy/forgets\", \"none\", \"toy/forgets\"]",
        expect![[r#"
        error: `Toy` has no mutant "none"
         --> storm.ron:2:25
          |
        2 | mutant: ["toy/forgets", "none", "toy/forgets"]
          |                         ^^^^^^
          |
          = help: known here: toy/forgets

        error: the mutant "toy/forgets" stands here twice
         --> storm.ron:2:33
          |
        2 | mutant: ["toy/forgets", "none", "toy/forgets"]
          |                                 ^^^^^^^^^^^^^
          |
          = help: name it once
    "#]],
    );
    check_fields(
        "expect: [Sometimes(\"leder lost\"), Somtimes(\"leader lost\"), \"leader lost\"]",
        expect![[r#"
            error: `Toy` has no mark "leder lost"
             --> storm.ron:2:20
              |
            2 | expect: [Sometimes("leder lost"), Somtimes("leader lost"), "leader lost"]
              |                    ^^^^^^^^^^^^
              |
              = help: did you mean `leader lost`? known here: leader lost, client started, client gave up, unsynced write lost

            error: expected something that a sweep must see, found `Somtimes`
             --> storm.ron:2:35
              |
            2 | expect: [Sometimes("leder lost"), Somtimes("leader lost"), "leader lost"]
              |                                   ^^^^^^^^
              |
              = help: did you mean `Sometimes`? known here: Sometimes, Strikes, Bites

            error: expected something that a sweep must see, found the text "leader lost"
             --> storm.ron:2:60
              |
            2 | expect: [Sometimes("leder lost"), Somtimes("leader lost"), "leader lost"]
              |                                                            ^^^^^^^^^^^^^
              |
              = help: known here: Sometimes, Strikes, Bites
        "#]],
    );
    check_fields(
        "outcome: Violates(\"progres\")",
        expect![[r#"
            error: `Toy` has no property "progres"
             --> storm.ron:2:19
              |
            2 | outcome: Violates("progres")
              |                   ^^^^^^^^^
              |
              = help: did you mean `progress`? known here: counts, latency, availability, recovers, alert-fires, alert-silent, progress, no-panic, time-advances, well-formed-history, judge-panicked
        "#]],
    );
    check_fields(
        "expect: [Strikes(\"firts\"), Bites(\"second\")], faults: [At(time: \"1s\", fault: Heal, name: \"first\")]",
        expect![[r#"
            error: no step of the plan of faults is called "firts"
             --> storm.ron:2:10
              |
            2 | expect: [Strikes("firts"), Bites("second")], faults: [At(time: "1s", fault: Heal, name: "first")]
              |          ^^^^^^^^^^^^^^^^
              |
              = help: did you mean `first`?

            error: no step of the plan of faults is called "second"
             --> storm.ron:2:28
              |
            2 | expect: [Strikes("firts"), Bites("second")], faults: [At(time: "1s", fault: Heal, name: "first")]
              |                            ^^^^^^^^^^^^^^^
              |
              = help: known here: first
        "#]],
    );
    check_fields(
        "expect: [Strikes(\"first\")]",
        expect![[r#"
        error: no step of the plan of faults is called "first"
         --> storm.ron:2:10
          |
        2 | expect: [Strikes("first")]
          |          ^^^^^^^^^^^^^^^^
          |
          = help: the plan has no step
    "#]],
    );
    check_fields(
        "outcome: Violate, expect: Sometimes(\"leader lost\")",
        expect![[r#"
        error: expected an outcome, found `Violate`
         --> storm.ron:2:10
          |
        2 | outcome: Violate, expect: Sometimes("leader lost")
          |          ^^^^^^^
          |
          = help: did you mean `Violates`? known here: Holds, Violates

        error: expected a list, found `Sometimes(…)`
         --> storm.ron:2:27
          |
        2 | outcome: Violate, expect: Sometimes("leader lost")
          |                           ^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: lists stand in square brackets, even those of one: [a], [a, b]
    "#]],
    );
}

#[test]
fn nodes_that_there_are_not() {
    check_faults(
        "At(\"1s\", Crash(node: n7)),\nAt(\"1s\", Pause(node: [n1, c9, n0])),\nAt(\"1s\", Resume(node: \"n1\")),\nAt(\"1s\", Resume(node: \"n\")),",
        expect![[r#"
            error: there is no node `n7`
             --> storm.ron:3:22
              |
            3 | At("1s", Crash(node: n7)),
              |                      ^^ the system has 5 servers, n1 to n5

            error: there is no node `c9`
             --> storm.ron:4:27
              |
            4 | At("1s", Pause(node: [n1, c9, n0])),
              |                           ^^ the system has 3 clients, c1 to c3

            error: expected a node, like n1, found the name `n0`
             --> storm.ron:4:31
              |
            4 | At("1s", Pause(node: [n1, c9, n0])),
              |                               ^^
              |
              = help: servers are n1, n2, …, clients c1, c2, …, without quotes

            error: expected a target, found the text "n1"
             --> storm.ron:5:23
              |
            5 | At("1s", Resume(node: "n1")),
              |                       ^^^^
              |
              = help: write n1, without quotes

            error: expected a target, found the text "n"
             --> storm.ron:6:23
              |
            6 | At("1s", Resume(node: "n")),
              |                       ^^^
              |
              = help: known here: Leader, Follower, Any, All, Minority, Majority, Sender, Receiver, Subject, n1, [n1, n2]
        "#]],
    );
    check(
        "Scenario(name: \"s\", system: Toy(nodes: 1), workload: (clients: 0), faults: [At(\"1s\", Partition(OneWay(from: n2, to: c1)))])",
        expect![[r#"
            error: there is no node `n2`
             --> storm.ron:1:109
              |
            1 | Scenario(name: "s", system: Toy(nodes: 1), workload: (clients: 0), faults: [At("1s", Partition(OneWay(from: n2, to: c1)))])
              |                                                                                                             ^^ the system has one server, n1

            error: there is no node `c1`
             --> storm.ron:1:117
              |
            1 | Scenario(name: "s", system: Toy(nodes: 1), workload: (clients: 0), faults: [At("1s", Partition(OneWay(from: n2, to: c1)))])
              |                                                                                                                     ^^ the system has no clients
        "#]],
    );
    check_fields(
        "network: (links: [(from: n6, to: Leader)])",
        expect![[r#"
        error: there is no node `n6`
         --> storm.ron:2:26
          |
        2 | network: (links: [(from: n6, to: Leader)])
          |                          ^^ the system has 5 servers, n1 to n5

        error: expected a node, like n1, found the name `Leader`
         --> storm.ron:2:34
          |
        2 | network: (links: [(from: n6, to: Leader)])
          |                                  ^^^^^^
          |
          = help: servers are n1, n2, …, clients c1, c2, …, without quotes
    "#]],
    );
    check(
        "Scenario(name: \"s\", system: Toy(nodes: 1000000000))",
        expect![[r#"
        error: expected a whole number from 1 to 1000000, found the number `1000000000`
         --> storm.ron:1:40
          |
        1 | Scenario(name: "s", system: Toy(nodes: 1000000000))
          |                                        ^^^^^^^^^^
    "#]],
    );
    check(
        "Scenario(name: \"s\", system: Toy(nodes: 999999), workload: (clients: 999999))",
        expect![[r#"
        error: 1999998 nodes are too many
         --> storm.ron:1:29
          |
        1 | Scenario(name: "s", system: Toy(nodes: 999999), workload: (clients: 999999))
          |                             ^^^^^^^^^^^^^^^^^^ at most 1000000, clients included
    "#]],
    );
}

#[test]
fn surroundings_that_make_no_sense() {
    check_fields(
        "network: (latency: Uniform(\"5ms\", \"1ms\"), loss: 1, duplicat: 0)",
        expect![[r#"
        error: the range is inverted: the shorter length comes first
         --> storm.ron:2:20
          |
        2 | network: (latency: Uniform("5ms", "1ms"), loss: 1, duplicat: 0)
          |                    ^^^^^^^^^^^^^^^^^^^^^
          |
          = help: write Uniform("1ms", "5ms")

        warning: every message is lost
         --> storm.ron:2:49
          |
        2 | network: (latency: Uniform("5ms", "1ms"), loss: 1, duplicat: 0)
          |                                                 ^
          |
          = help: to cut nodes off for a while, use a Partition

        error: there is no field `duplicat` here
         --> storm.ron:2:52
          |
        2 | network: (latency: Uniform("5ms", "1ms"), loss: 1, duplicat: 0)
          |                                                    ^^^^^^^^
          |
          = help: did you mean `duplicate`? known here: latency, loss, duplicate, links
    "#]],
    );
    check_fields(
        "network: (latency: \"5ms\", links: [(from: n1, to: n2, latency: Uniform(\"5ms..1ms\")), (from: n1, to: n2), (to: n1, loss: 2)])",
        expect![[r#"
            error: expected a latency, found the text "5ms"
             --> storm.ron:2:20
              |
            2 | network: (latency: "5ms", links: [(from: n1, to: n2, latency: Uniform("5ms..1ms")), (from: n1, to: n2), (to: n1, loss: 2)])
              |                    ^^^^^
              |
              = help: known here: Constant, Uniform, Exponential

            error: expected a range of lengths of time, like "1ms..5ms", found the text "5ms..1ms"
             --> storm.ron:2:71
              |
            2 | network: (latency: "5ms", links: [(from: n1, to: n2, latency: Uniform("5ms..1ms")), (from: n1, to: n2), (to: n1, loss: 2)])
              |                                                                       ^^^^^^^^^^ the range is inverted: the shorter length comes first

            error: the link from `n1` to `n2` is given twice
             --> storm.ron:2:85
              |
            2 | network: (latency: "5ms", links: [(from: n1, to: n2, latency: Uniform("5ms..1ms")), (from: n1, to: n2), (to: n1, loss: 2)])
              |                                   ------------------------------------------------  ^^^^^^^^^^^^^^^^^^ given again here
              |                                   |
              |                                   given first here

            error: the field `from` is missing here
             --> storm.ron:2:105
              |
            2 | network: (latency: "5ms", links: [(from: n1, to: n2, latency: Uniform("5ms..1ms")), (from: n1, to: n2), (to: n1, loss: 2)])
              |                                                                                                         ^
              |
              = help: add from: …, a node, like `n1`

            error: expected a chance, like "1/100" or "1%", found the number `2`
             --> storm.ron:2:120
              |
            2 | network: (latency: "5ms", links: [(from: n1, to: n2, latency: Uniform("5ms..1ms")), (from: n1, to: n2), (to: n1, loss: 2)])
              |                                                                                                                        ^ a chance lies between 0 and 1
        "#]],
    );
    check_fields(
        "network: (latency: Exponential(\"1ms\", \"2ms\")), disk: (sync: Uniform(\"1ms\", \"2ms\", \"3ms\"), size: 5)",
        expect![[r#"
            error: the fields of `Exponential` need names
             --> storm.ron:2:20
              |
            2 | network: (latency: Exponential("1ms", "2ms")), disk: (sync: Uniform("1ms", "2ms", "3ms"), size: 5)
              |                    ^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write Exponential(name: value, …)

            error: `Uniform` takes 2 arguments, the shortest and the longest length; found 3
             --> storm.ron:2:61
              |
            2 | network: (latency: Exponential("1ms", "2ms")), disk: (sync: Uniform("1ms", "2ms", "3ms"), size: 5)
              |                                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write Uniform("1ms", "5ms")

            error: there is no field `size` here
             --> storm.ron:2:91
              |
            2 | network: (latency: Exponential("1ms", "2ms")), disk: (sync: Uniform("1ms", "2ms", "3ms"), size: 5)
              |                                                                                           ^^^^
              |
              = help: known here: sync
        "#]],
    );
    check_fields(
        "network: (latency: Exponential(low: \"1ms\")), disk: Constant(\"1ms\")",
        expect![[r#"
            error: `Exponential` needs the field `mean`
             --> storm.ron:2:20
              |
            2 | network: (latency: Exponential(low: "1ms")), disk: Constant("1ms")
              |                    ^^^^^^^^^^^
              |
              = help: add mean: …, a length

            error: expected named fields in parentheses, found `Constant(…)`
             --> storm.ron:2:52
              |
            2 | network: (latency: Exponential(low: "1ms")), disk: Constant("1ms")
              |                                                    ^^^^^^^^^^^^^^^
              |
              = help: write (sync: Constant("1ms"))
        "#]],
    );
    check_fields(
        "clocks: (offset: \"fast\", drift: \"1000000ppm\")",
        expect![[r#"
        error: expected a length of time, like "150ms", found the text "fast"
         --> storm.ron:2:18
          |
        2 | clocks: (offset: "fast", drift: "1000000ppm")
          |                  ^^^^^^ expected a number and a unit, like "150ms"

        error: expected a drift, like "100ppm", found the text "1000000ppm"
         --> storm.ron:2:33
          |
        2 | clocks: (offset: "fast", drift: "1000000ppm")
          |                                 ^^^^^^^^^^^^ a clock that drifts by 1000000ppm or more would stand still
    "#]],
    );
    check_fields(
        "clocks: (offset: \"1s\", drift: 5)",
        expect![[r#"
        error: expected a drift, like "100ppm", found the number `5`
         --> storm.ron:2:31
          |
        2 | clocks: (offset: "1s", drift: 5)
          |                               ^
    "#]],
    );
    check_fields(
        "clocks: (drift: \"-5ppm\"), budget: (events: 0, stats: 5)",
        expect![[r#"
            error: expected a drift, like "100ppm", found the text "-5ppm"
             --> storm.ron:2:17
              |
            2 | clocks: (drift: "-5ppm"), budget: (events: 0, stats: 5)
              |                 ^^^^^^^ expected a whole number of parts per million

            error: expected a whole number, at least 1, found the number `0`
             --> storm.ron:2:44
              |
            2 | clocks: (drift: "-5ppm"), budget: (events: 0, stats: 5)
              |                                            ^

            error: there is no field `stats` here
             --> storm.ron:2:47
              |
            2 | clocks: (drift: "-5ppm"), budget: (events: 0, stats: 5)
              |                                               ^^^^^
              |
              = help: did you mean `states`? known here: events, same_instant, messages, disk_bytes, effects, states, state_bytes, stop_at_violation
        "#]],
    );
    check_fields(
        "fates: [\n(from: n1, to: n2, kind: \"Add\", count: 0, fate: Lose),\n(from: n1, to: n9, kind: \"Ad\", count: 1, fate: Deliver(\"0s\")),\n(from: n1, to: n2, kind: \"Add\", count: 1, fate: Lost),\n(from: n1, to: n2, kind: \"Add\", count: 1, fate: Duplicate(\"1ms\")),\n(from: n1, to: n2, kind: \"Add\", count: 1, fate: Deliver(\"1ms\")),\n]",
        expect![[r#"
            error: expected a whole number, at least 1, found the number `0`
             --> storm.ron:3:40
              |
            3 | (from: n1, to: n2, kind: "Add", count: 0, fate: Lose),
              |                                        ^

            error: expected a fate, found `Lose`
             --> storm.ron:3:49
              |
            3 | (from: n1, to: n2, kind: "Add", count: 0, fate: Lose),
              |                                                 ^^^^
              |
              = help: did you mean `Lost`? known here: Lost, Deliver, Duplicate

            error: there is no node `n9`
             --> storm.ron:4:16
              |
            4 | (from: n1, to: n9, kind: "Ad", count: 1, fate: Deliver("0s")),
              |                ^^ the system has 5 servers, n1 to n5

            error: `Toy` has no kind of message "Ad"
             --> storm.ron:4:26
              |
            4 | (from: n1, to: n9, kind: "Ad", count: 1, fate: Deliver("0s")),
              |                          ^^^^
              |
              = help: did you mean `Add`? known here: Add, Added, AppendEntries

            error: expected a length of time above zero, found the text "0s"
             --> storm.ron:4:56
              |
            4 | (from: n1, to: n9, kind: "Ad", count: 1, fate: Deliver("0s")),
              |                                                        ^^^^

            error: `Duplicate` takes 2 arguments: how long the one takes, how long the other takes; found 1
             --> storm.ron:6:49
              |
            6 | (from: n1, to: n2, kind: "Add", count: 1, fate: Duplicate("1ms")),
              |                                                 ^^^^^^^^^^^^^^^^

            error: the fate of this message is given twice
             --> storm.ron:7:1
              |
            5 | (from: n1, to: n2, kind: "Add", count: 1, fate: Lost),
              | ----------------------------------------------------- given first here
            6 | (from: n1, to: n2, kind: "Add", count: 1, fate: Duplicate("1ms")),
            7 | (from: n1, to: n2, kind: "Add", count: 1, fate: Deliver("1ms")),
              | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ given again here
        "#]],
    );
}

#[test]
fn messages_that_are_named_in_two_ways() {
    let field = |which: &str| format!("fates: [(from: n1, to: n2, kind: \"Add\", {which}, fate: Lost)]");
    check_fields(
        &field("content: \"0123456789abcdef\", nth: 1, count: 2"),
        expect![[r#"
        error: this goes with no `content`
         --> storm.ron:2:85
          |
        2 | fates: [(from: n1, to: n2, kind: "Add", content: "0123456789abcdef", nth: 1, count: 2, fate: Lost)]
          |                                                                                     ^
          |
          = help: a message is named by `count`, or by `content` and `nth`
    "#]],
    );
    check_fields(
        &field("count: 1, nth: 2"),
        expect![[r#"
        error: this goes with a `content`
         --> storm.ron:2:56
          |
        2 | fates: [(from: n1, to: n2, kind: "Add", count: 1, nth: 2, fate: Lost)]
          |                                                        ^
          |
          = help: a message is named by `count`, or by `content` and `nth`
    "#]],
    );
    check_fields(
        &field("content: \"0123456789abcdef\""),
        expect![[r#"
        error: the field `nth` is missing here
         --> storm.ron:2:9
          |
        2 | fates: [(from: n1, to: n2, kind: "Add", content: "0123456789abcdef", fate: Lost)]
          |         ^
          |
          = help: add nth: …, a whole number, at least 1
    "#]],
    );
    check_fields(
        &field("content: \"abc\", nth: 1"),
        expect![[r#"
        error: expected the digest of a message's content, like "0123456789abcdef", found the text "abc"
         --> storm.ron:2:50
          |
        2 | fates: [(from: n1, to: n2, kind: "Add", content: "abc", nth: 1, fate: Lost)]
          |                                                  ^^^^^ expected sixteen hexadecimal digits, in small letters
    "#]],
    );
}

#[test]
fn all_at_once() {
    check(
        r#"Scenario(
    system: Toy(nodes: "five", heartbeat: "0s"),
    mutnat: "toy/forgets",
    network: (latency: Uniform("5ms"), loss: "2"),
    workload: (client: 3),
    faults: [
        At("2s", Crash(node: n9)),
        At("99s", Heal),
        At("1s", Crash(node: Leder)),
    ],
    duration: "10s",
    settle: 10,
    expect: [Sometimes("nothing")],
)"#,
        expect![[r#"
            error: `Scenario` needs the field `name`
             --> storm.ron:1:1
              |
            1 | Scenario(
              | ^^^^^^^^
              |
              = help: add name: …, a text in quotes

            error: expected a whole number from 1 to 1000000, found the text "five"
             --> storm.ron:2:24
              |
            2 |     system: Toy(nodes: "five", heartbeat: "0s"),
              |                        ^^^^^^

            error: expected a length of time above zero, found the text "0s"
             --> storm.ron:2:43
              |
            2 |     system: Toy(nodes: "five", heartbeat: "0s"),
              |                                           ^^^^

            error: `Scenario` has no field `mutnat`
             --> storm.ron:3:5
              |
            3 |     mutnat: "toy/forgets",
              |     ^^^^^^
              |
              = help: did you mean `mutant`? known here: name, system, mutant, seed, network, disk, clocks, workload, operations, generated, faults, fates, duration, settle, alerts, require, budget, expect, outcome

            error: expected a chance, like "1/100" or "1%", found the text "2"
             --> storm.ron:4:46
              |
            4 |     network: (latency: Uniform("5ms"), loss: "2"),
              |                                              ^^^ a chance lies between 0 and 1

            error: there is no field `client` here
             --> storm.ron:5:16
              |
            5 |     workload: (client: 3),
              |                ^^^^^^
              |
              = help: did you mean `clients`?

            error: this fault never strikes
              --> storm.ron:8:12
               |
             8 |         At("99s", Heal),
               |            ^^^^^ faults strike before 10s only
            ...
            11 |     duration: "10s",
               |               ----- as said here

            error: expected a target, found the name `Leder`
             --> storm.ron:9:30
              |
            9 |         At("1s", Crash(node: Leder)),
              |                              ^^^^^
              |
              = help: did you mean `Leader`? known here: Leader, Follower, Any, All, Minority, Majority, Sender, Receiver, Subject, n1, [n1, n2]

            error: expected a length of time, like "150ms", found the number `10`
              --> storm.ron:12:13
               |
            12 |     settle: 10,
               |             ^^ the unit is missing
               |
               = help: write "10ms"

            error: `Toy` has no mark "nothing"
              --> storm.ron:13:24
               |
            13 |     expect: [Sometimes("nothing")],
               |                        ^^^^^^^^^
               |
               = help: known here: leader lost, client started, client gave up, unsynced write lost
        "#]],
    );
}
