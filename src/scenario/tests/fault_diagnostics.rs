//! What people are told about lengths and plans of faults that are wrong, or doubtful.

use expect_test::expect;

use super::diagnostics::{check, check_faults, check_fields};

#[test]
fn whom_to_strike() {
    check_faults(
        "At(\"1s\", Crash(node: Leadr)),\nAt(\"1s\", Crash(node: 3)),\nAt(\"1s\", Crash(node: Leader(1))),\nAt(\"1s\", Crash(node: [])),",
        expect![[r#"
            error: expected a target, found the name `Leadr`
             --> storm.ron:3:22
              |
            3 | At("1s", Crash(node: Leadr)),
              |                      ^^^^^
              |
              = help: did you mean `Leader`? known here: Leader, Follower, Any, All, Minority, Majority, Sender, Receiver, Subject, n1, [n1, n2]

            error: expected a target, found the number `3`
             --> storm.ron:4:22
              |
            4 | At("1s", Crash(node: 3)),
              |                      ^
              |
              = help: known here: Leader, Follower, Any, All, Minority, Majority, Sender, Receiver, Subject, n1, [n1, n2]

            error: expected a target, found `Leader(…)`
             --> storm.ron:5:22
              |
            5 | At("1s", Crash(node: Leader(1))),
              |                      ^^^^^^^^^
              |
              = help: did you mean `Leader`? known here: Leader, Follower, Any, All, Minority, Majority, Sender, Receiver, Subject, n1, [n1, n2]

            error: this strikes no node
             --> storm.ron:6:22
              |
            6 | At("1s", Crash(node: [])),
              |                      ^^ expected at least one node
        "#]],
    );
    check_faults(
        "At(\"1s\", Crash(node: Receiver)),\nEvery(\"1s\", Pause(node: Subject)),\nWhen(Synced, Crash(node: Sender)),",
        expect![[r#"
            error: nothing sets this fault off, so it has no `Receiver`
             --> storm.ron:3:22
              |
            3 | At("1s", Crash(node: Receiver)),
              |                      ^^^^^^^^
              |
              = help: `Receiver` means something within When(…, …) only

            error: nothing sets this fault off, so it has no `Subject`
             --> storm.ron:4:25
              |
            4 | Every("1s", Pause(node: Subject)),
              |                         ^^^^^^^
              |
              = help: `Subject` means something within When(…, …) only

            error: no message sets this fault off, so it has no `Sender`
             --> storm.ron:5:26
              |
            5 | When(Synced, Crash(node: Sender)),
              |                          ^^^^^^
              |
              = help: the node that sets it off is the `Subject`
        "#]],
    );
    check_faults(
        "At(\"1s\", Partition(Groups([[n1, n2], [n3, n1]]))),\nAt(\"1s\", Crash(node: [n2, n2])),",
        expect![[r#"
        error: `n1` is named twice
         --> storm.ron:3:43
          |
        3 | At("1s", Partition(Groups([[n1, n2], [n3, n1]]))),
          |                             --            ^^ named again here
          |                             |
          |                             named first here

        error: `n2` is named twice
         --> storm.ron:4:27
          |
        4 | At("1s", Crash(node: [n2, n2])),
          |                       --  ^^ named again here
          |                       |
          |                       named first here
    "#]],
    );
    check_faults(
        "At(\"1s\", Partition(OneWay(from: All, to: Leader))),\nAt(\"1s\", Partition(OneWay(from: All, to: All))),\nAt(\"1s\", Partition(OneWay(from: [n1, n2], to: [n1, n2]))),",
        expect![[""]],
    );
    check_faults(
        "At(\"1s\", Partition(OneWay(from: Leader, to: Leader))),\nAt(\"1s\", Partition(OneWay(from: n1, to: [n1]))),",
        expect![[r#"
            warning: this cut parts no nodes
             --> storm.ron:3:20
              |
            3 | At("1s", Partition(OneWay(from: Leader, to: Leader))),
              |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

            warning: this cut parts no nodes
             --> storm.ron:4:20
              |
            4 | At("1s", Partition(OneWay(from: n1, to: [n1]))),
              |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    check_faults(
        "At(\"1s\", Partition(Groups([[n1], []]))),\nAt(\"1s\", Partition(Isolate(All))),\nAt(\"1s\", Partition(Isolate([n1, n2, n3, n4, n5]))),\nAt(\"1s\", Partition(OneWay(from: n1, to: n1))),",
        expect![[r#"
            warning: this cut parts no nodes
             --> storm.ron:3:20
              |
            3 | At("1s", Partition(Groups([[n1], []]))),
              |                    ^^^^^^^^^^^^^^^^^^

            warning: this cut parts no nodes
             --> storm.ron:4:20
              |
            4 | At("1s", Partition(Isolate(All))),
              |                    ^^^^^^^^^^^^

            warning: this cut parts no nodes
             --> storm.ron:5:20
              |
            5 | At("1s", Partition(Isolate([n1, n2, n3, n4, n5]))),
              |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

            warning: this cut parts no nodes
             --> storm.ron:6:20
              |
            6 | At("1s", Partition(OneWay(from: n1, to: n1))),
              |                    ^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    check(
        "Scenario(name: \"s\", system: Toy(nodes: 2), faults: [At(\"1s\", Crash(node: Minority))])",
        expect![[r#"
        warning: this strikes no node
         --> storm.ron:1:74
          |
        1 | Scenario(name: "s", system: Toy(nodes: 2), faults: [At("1s", Crash(node: Minority))])
          |                                                                          ^^^^^^^^ there is no minority of fewer than three servers
    "#]],
    );
    check_faults(
        &format!("At(\"1s\", Partition(Groups([{}])))", "[],".repeat(255)),
        expect![[r#"
        error: 255 groups are too many
         --> storm.ron:3:27
          |
        3 | ...ps([[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]...],[],[],[],[],[],[],[],[],[],[],[],[],[],[],])))
          |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^...^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ at most 254
    "#]],
    );
}

#[test]
fn what_goes_wrong() {
    check_faults(
        "At(\"1s\", Crsh(node: n1)),\nCrash(node: n7),\nAfter(\"1s\", Heal),\nAt(\"1s\"),\nAt(\"1s\", OneOf([])),\nAt(\"1s\", At(\"1s\", Heal)),",
        expect![[r#"
            error: expected a fault, found `Crsh`
             --> storm.ron:3:10
              |
            3 | At("1s", Crsh(node: n1)),
              |          ^^^^
              |
              = help: did you mean `Crash`? known here: Partition, Heal, Lose, Duplicate, Delay, Reorder, Crash, Restart, Pause, Resume, Destroy, StallDisk, OneOf

            error: this fault does not say when it strikes
             --> storm.ron:4:1
              |
            4 | Crash(node: n7),
              | ^^^^^
              |
              = help: write At("2s", …), Every("1s..4s", …) or When(…, …) around it

            error: there is no node `n7`
             --> storm.ron:4:13
              |
            4 | Crash(node: n7),
              |             ^^ the system has 5 servers, n1 to n5

            error: expected a step of the plan, found `After`
             --> storm.ron:5:1
              |
            5 | After("1s", Heal),
              | ^^^^^
              |
              = help: known here: At, Every, When

            error: `At` takes 2 arguments: a time, a fault; found 1
             --> storm.ron:6:1
              |
            6 | At("1s"),
              | ^^^^^^^^

            error: there is no fault to choose from
             --> storm.ron:7:16
              |
            7 | At("1s", OneOf([])),
              |                ^^

            error: expected a fault, found `At`
             --> storm.ron:8:10
              |
            8 | At("1s", At("1s", Heal)),
              |          ^^
              |
              = help: known here: Partition, Heal, Lose, Duplicate, Delay, Reorder, Crash, Restart, Pause, Resume, Destroy, StallDisk, OneOf
        "#]],
    );
    check_faults(
        "At(\"1s\", Partition),\nAt(\"1s\", Partition(Thirds)),\nAt(\"1s\", Partition(cut: Halves, lastin: \"1s\")),\nAt(\"1s\", Partition(Isolate(n1), \"1s\")),\nAt(\"1s\", Crash(n1)),\nAt(\"1s\", Heal(n1)),",
        expect![[r#"
            error: `Partition` takes one argument, a cut; found 0
             --> storm.ron:3:10
              |
            3 | At("1s", Partition),
              |          ^^^^^^^^^

            error: expected a cut, found `Thirds`
             --> storm.ron:4:20
              |
            4 | At("1s", Partition(Thirds)),
              |                    ^^^^^^
              |
              = help: known here: Isolate, Halves, OneWay, Groups

            error: `Partition` has no field `lastin`
             --> storm.ron:5:33
              |
            5 | At("1s", Partition(cut: Halves, lastin: "1s")),
              |                                 ^^^^^^
              |
              = help: did you mean `lasting`? known here: cut, lasting

            error: `Partition` takes one argument, a cut; found 2
             --> storm.ron:6:10
              |
            6 | At("1s", Partition(Isolate(n1), "1s")),
              |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^

            error: the fields of `Crash` need names
             --> storm.ron:7:10
              |
            7 | At("1s", Crash(n1)),
              |          ^^^^^^^^^
              |
              = help: write Crash(name: value, …)

            error: `Heal` takes no arguments, found 1
             --> storm.ron:8:10
              |
            8 | At("1s", Heal(n1)),
              |          ^^^^^^^^
        "#]],
    );
    check_faults(
        "At(\"1s\", Lose(chance: \"3/2\")),\nAt(\"1s\", Lose(chance: 0, lasting: \"0s\")),\nAt(\"1s\", Crash(node: n1, down: \"3s..1s\")),\nAt(\"1s\", Pause(node: n1, lasting: \"2 parsecs\")),",
        expect![[r#"
            error: expected a chance, like "1/100" or "1%", found the text "3/2"
             --> storm.ron:3:23
              |
            3 | At("1s", Lose(chance: "3/2")),
              |                       ^^^^^ a chance lies between 0 and 1

            warning: this fault changes nothing
             --> storm.ron:4:23
              |
            4 | At("1s", Lose(chance: 0, lasting: "0s")),
              |                       ^

            warning: this fault is over as soon as it strikes
             --> storm.ron:4:35
              |
            4 | At("1s", Lose(chance: 0, lasting: "0s")),
              |                                   ^^^^

            error: expected a range of lengths of time, like "1ms..5ms", found the text "3s..1s"
             --> storm.ron:5:32
              |
            5 | At("1s", Crash(node: n1, down: "3s..1s")),
              |                                ^^^^^^^^ the range is inverted: the shorter length comes first

            error: expected a range of lengths of time, like "1ms..5ms", found the text "2 parsecs"
             --> storm.ron:6:35
              |
            6 | At("1s", Pause(node: n1, lasting: "2 parsecs")),
              |                                   ^^^^^^^^^^^ unknown unit "parsecs": one of ns, us, ms, s, min
        "#]],
    );
}

#[test]
fn what_sets_faults_off() {
    check_faults(
        "When(Delivered(kind: \"AppendEntry\"), Heal),\nWhen(Sent, Heal),\nWhen(Marked(mark: \"leader found\"), Heal),\nWhen(Delivered(\"Add\"), Heal),\nWhen(Recieved(kind: \"Add\"), Crash(node: Receiver)),\nWhen(Wrote(file: count, nth: 0, node: Leader), Heal),",
        expect![[r#"
            error: `Toy` has no kind of message "AppendEntry"
             --> storm.ron:3:22
              |
            3 | When(Delivered(kind: "AppendEntry"), Heal),
              |                      ^^^^^^^^^^^^^
              |
              = help: did you mean `AppendEntries`? known here: Add, Added, AppendEntries

            error: `Sent` needs the field `kind`
             --> storm.ron:4:6
              |
            4 | When(Sent, Heal),
              |      ^^^^
              |
              = help: add kind: …, a kind of message that the system has, like `"AppendEntries"`

            error: `Toy` has no mark "leader found"
             --> storm.ron:5:19
              |
            5 | When(Marked(mark: "leader found"), Heal),
              |                   ^^^^^^^^^^^^^^
              |
              = help: did you mean `leader lost`? known here: leader lost, client started, client gave up, unsynced write lost

            error: the fields of `Delivered` need names
             --> storm.ron:6:6
              |
            6 | When(Delivered("Add"), Heal),
              |      ^^^^^^^^^^^^^^^^
              |
              = help: write Delivered(name: value, …)

            error: expected what sets the fault off, found `Recieved`
             --> storm.ron:7:6
              |
            7 | When(Recieved(kind: "Add"), Crash(node: Receiver)),
              |      ^^^^^^^^
              |
              = help: known here: Sent, Delivered, Wrote, Synced, Marked, Crashed, Restarted

            error: expected a text in quotes, found the name `count`
             --> storm.ron:8:18
              |
            8 | When(Wrote(file: count, nth: 0, node: Leader), Heal),
              |                  ^^^^^
              |
              = help: a text stands in quotes: "count"

            error: expected a whole number, at least 1, found the number `0`
             --> storm.ron:8:30
              |
            8 | When(Wrote(file: count, nth: 0, node: Leader), Heal),
              |                              ^

            error: expected a node, like n1, found the name `Leader`
             --> storm.ron:8:39
              |
            8 | When(Wrote(file: count, nth: 0, node: Leader), Heal),
              |                                       ^^^^^^
              |
              = help: servers are n1, n2, …, clients c1, c2, …, without quotes
        "#]],
    );
    check_faults(
        "When(Crashed, Heal),\nWhen(Restarted, Partition(Halves)),",
        expect![[r#"
            warning: this never sets a fault off: the plan has no Crash or Destroy
             --> storm.ron:3:6
              |
            3 | When(Crashed, Heal),
              |      ^^^^^^^

            warning: this never sets a fault off: the plan has no Crash
             --> storm.ron:4:6
              |
            4 | When(Restarted, Partition(Halves)),
              |      ^^^^^^^^^
        "#]],
    );
}

#[test]
fn when_faults_strike() {
    check_fields(
        "faults: [At(\"30s\", Heal), At(\"12s\", Partition(Halves))], duration: \"12s\"",
        expect![[r#"
        error: this fault never strikes
         --> storm.ron:2:13
          |
        2 | faults: [At("30s", Heal), At("12s", Partition(Halves))], duration: "12s"
          |             ^^^^^ faults strike before 12s only                    ----- as said here

        error: this fault never strikes
         --> storm.ron:2:30
          |
        2 | faults: [At("30s", Heal), At("12s", Partition(Halves))], duration: "12s"
          |                              ^^^^^ faults strike before 12s only   ----- as said here
    "#]],
    );
    check_fields(
        "faults: [At(\"10s\", Partition(Halves)), At(\"-1s\", Heal)]",
        expect![[r#"
        error: this fault never strikes
         --> storm.ron:2:13
          |
        2 | faults: [At("10s", Partition(Halves)), At("-1s", Heal)]
          |             ^^^^^ faults strike before 10s only
          |
          = help: give the scenario a longer `duration`

        error: expected a length of time, like "150ms", found the text "-1s"
         --> storm.ron:2:43
          |
        2 | faults: [At("10s", Partition(Halves)), At("-1s", Heal)]
          |                                           ^^^^^ expected a number and a unit, like "150ms"
    "#]],
    );
    check_faults(
        "Every(\"0s\", Partition(Halves)),\nEvery(\"11s..12s\", Heal),\nEvery(\"1us..2us\", Heal),\nEvery(\"3s..1s\", Heal),",
        expect![[r#"
            error: this fault would strike without end in one instant
             --> storm.ron:3:7
              |
            3 | Every("0s", Partition(Halves)),
              |       ^^^^ expected a length above zero

            warning: this fault never strikes
             --> storm.ron:4:7
              |
            4 | Every("11s..12s", Heal),
              |       ^^^^^^^^^^ faults strike before 10s only

            error: this fault would strike about 6666666 times in 10s
             --> storm.ron:5:7
              |
            5 | Every("1us..2us", Heal),
              |       ^^^^^^^^^^ at most 1000000 strikes

            error: expected a range of lengths of time, like "1ms..5ms", found the text "3s..1s"
             --> storm.ron:6:7
              |
            6 | Every("3s..1s", Heal),
              |       ^^^^^^^^ the range is inverted: the shorter length comes first
        "#]],
    );
}

#[test]
fn lengths_that_make_no_sense() {
    check_fields(
        "duration: \"0s\", settle: \"10000000min\"",
        expect![[r#"
        error: expected a length of time above zero, found the text "0s"
         --> storm.ron:2:11
          |
        2 | duration: "0s", settle: "10000000min"
          |           ^^^^

        error: "10000000min" is too long
         --> storm.ron:2:25
          |
        2 | duration: "0s", settle: "10000000min"
          |                         ^^^^^^^^^^^^^ nothing in a scenario takes longer than a year
    "#]],
    );
    check_fields(
        "duration: \"forever\", faults: [At(\"99s\", Heal), At(\"1s\", Partition(Halves))]",
        expect![[r#"
        error: expected a length of time, like "150ms", found the text "forever"
         --> storm.ron:2:11
          |
        2 | duration: "forever", faults: [At("99s", Heal), At("1s", Partition(Halves))]
          |           ^^^^^^^^^ expected a number and a unit, like "150ms"
    "#]],
    );
    check_fields(
        "duration: 30, settle: \"99999999999999999999s\"",
        expect![[r#"
        error: expected a length of time, like "150ms", found the number `30`
         --> storm.ron:2:11
          |
        2 | duration: 30, settle: "99999999999999999999s"
          |           ^^ the unit is missing
          |
          = help: write "30ms"

        error: expected a length of time, like "150ms", found the text "99999999999999999999s"
         --> storm.ron:2:23
          |
        2 | duration: 30, settle: "99999999999999999999s"
          |                       ^^^^^^^^^^^^^^^^^^^^^^^ longer than 584 years
    "#]],
    );
    check_fields(
        "settle: \"0s\", faults: [At(\"1s\", Crash(node: n1))]",
        expect![[r#"
        warning: it is not judged whether the system recovers from its faults
         --> storm.ron:2:9
          |
        2 | settle: "0s", faults: [At("1s", Crash(node: n1))]
          |         ^^^^
          |
          = help: give it time to settle: progress is judged then
    "#]],
    );
}

#[test]
fn advice() {
    check_faults(
        "At(\"1s\", Heal),\nAt(\"1s\", Restart(node: All)),\nAt(\"1s\", Resume(node: n1)),",
        expect![[r#"
            warning: `Heal` changes nothing: the plan has no Partition or Lose or Duplicate or Delay or Reorder
             --> storm.ron:3:10
              |
            3 | At("1s", Heal),
              |          ^^^^

            warning: `Restart` changes nothing: the plan has no Crash
             --> storm.ron:4:10
              |
            4 | At("1s", Restart(node: All)),
              |          ^^^^^^^

            warning: `Resume` changes nothing: the plan has no Pause
             --> storm.ron:5:10
              |
            5 | At("1s", Resume(node: n1)),
              |          ^^^^^^
        "#]],
    );
    check_faults(
        "At(\"1s\", Destroy(node: n1)),\nWhen(Crashed, Heal),\nWhen(Restarted, Partition(Halves)),",
        expect![[r#"
        warning: this never sets a fault off: the plan has no Crash
         --> storm.ron:5:6
          |
        5 | When(Restarted, Partition(Halves)),
          |      ^^^^^^^^^
          |
          = help: what is destroyed never starts again
    "#]],
    );
    check_faults(
        "At(\"1s\", Heal),\nWhen(Crashed, Partition(Halves)),\nWhen(Restarted, Partition(Halves)),",
        expect![[r#"
        warning: this never sets a fault off: the plan has no Crash or Destroy
         --> storm.ron:4:6
          |
        4 | When(Crashed, Partition(Halves)),
          |      ^^^^^^^

        warning: this never sets a fault off: the plan has no Crash
         --> storm.ron:5:6
          |
        5 | When(Restarted, Partition(Halves)),
          |      ^^^^^^^^^
    "#]],
    );
    check_fields(
        "expect: [Sometimes(\"unsynced write lost\")], faults: [At(\"1s\", Partition(Halves))]",
        expect![[r#"
            warning: this mark is never set: the plan has no Crash or Destroy
             --> storm.ron:2:10
              |
            2 | expect: [Sometimes("unsynced write lost")], faults: [At("1s", Partition(Halves))]
              |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}
