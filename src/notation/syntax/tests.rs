//! What people are told about errors of syntax, and where values are.

use expect_test::{Expect, expect};

use super::*;
use crate::diagnostic::Source;

fn check(text: &str, expected: Expect) {
    let source = Source::new("storm.ron", text);
    let problem = value(text).expect_err("the syntax is wrong");
    expected.assert_eq(&problem.render(&source, false));
}

#[test]
fn unclosed_brackets_and_texts() {
    check(
        "Scenario(\n    faults: [Heal,\n",
        expect![[r#"
                error: this `[` is never closed
                 --> storm.ron:2:13
                  |
                2 |     faults: [Heal,
                  |             ^     - the file ends here
                  |             |
                  |             `]` is missing
            "#]],
    );
    check(
        "(a: 1, b: [1, 2)",
        expect![[r#"
            error: expected `,` or `]`, found `)`
             --> storm.ron:1:16
              |
            1 | (a: 1, b: [1, 2)
              |           -    ^ expected `]`
              |           |
              |           to close this
        "#]],
    );
    check(
        "(a: 1))",
        expect![[r#"
            error: expected the end of the file, found `)`
             --> storm.ron:1:7
              |
            1 | (a: 1))
              |       ^ the value above is complete
              |
              = help: a file holds one value; was a bracket closed too early?
        "#]],
    );
    check(
        "(a: \"calm)",
        expect![[r#"
            error: this text is never closed
             --> storm.ron:1:5
              |
            1 | (a: "calm)
              |     ^ it begins here
              |
              = help: close it with `"`
        "#]],
    );
    check(
        "(\n    name: \"calm,\n    duration: \"30s\",\n)",
        expect![[r#"
            error: this text goes on for several lines
             --> storm.ron:2:11
              |
            2 |     name: "calm,
              |           ^ it begins here
            3 |     duration: "30s",
              |               - it ends here
              |
              = help: close it with `"` where it should end
        "#]],
    );
    check(
        "(a: 1) /* more",
        expect![[r#"
            error: this comment is never closed
             --> storm.ron:1:8
              |
            1 | (a: 1) /* more
              |        ^^
              |
              = help: close it with `*/`
        "#]],
    );
}

#[test]
fn missing_separators() {
    check(
        "(\n    a: 1\n    b: 2,\n)",
        expect![[r#"
            error: expected `,` or `)`, found `b`
             --> storm.ron:3:5
              |
            3 |     b: 2,
              |     ^ a `,` is missing before this
        "#]],
    );
    check(
        "(a = 1)",
        expect![[r#"
            error: expected `,` or `)`, found `=`
             --> storm.ron:1:4
              |
            1 | (a = 1)
              |    ^
              |
              = help: a field is written `name: value`
        "#]],
    );
    check(
        "(a: 1;)",
        expect![[r#"
            error: expected `,` or `)`, found `;`
             --> storm.ron:1:6
              |
            1 | (a: 1;)
              |      ^
        "#]],
    );
    check(
        "(election-timeout: 1)",
        expect![[r#"
            error: expected `,` or `)`, found `-`
             --> storm.ron:1:10
              |
            1 | (election-timeout: 1)
              |          ^
              |
              = help: a name is made of letters, digits and `_`
        "#]],
    );
    check(
        "[1 2]",
        expect![[r#"
            error: expected `,` or `]`, found `2`
             --> storm.ron:1:4
              |
            1 | [1 2]
              |    ^ a `,` is missing before this
        "#]],
    );
}

#[test]
fn misplaced_names_and_values() {
    check(
        "(a: , b: 2)",
        expect![[r#"
            error: expected a value, found `,`
             --> storm.ron:1:5
              |
            1 | (a: , b: 2)
              |     ^
        "#]],
    );
    check(
        "(a: 1, 5)",
        expect![[r#"
            error: expected the name of a field, found `5`
             --> storm.ron:1:8
              |
            1 | (a: 1, 5)
              |        ^
              |
              = help: either all values in parentheses have names or none has; a name is made of letters, digits and `_`
        "#]],
    );
    check(
        "At(\"2s\", node: 3)",
        expect![[r#"
            error: expected `,` or `)`, found `:`
             --> storm.ron:1:14
              |
            1 | At("2s", node: 3)
              |              ^
              |
              = help: either all values in parentheses have names or none has; names stand without quotes
        "#]],
    );
    check(
        "(\"a\": 2)",
        expect![[r#"
            error: expected `,` or `)`, found `:`
             --> storm.ron:1:5
              |
            1 | ("a": 2)
              |     ^
              |
              = help: either all values in parentheses have names or none has; names stand without quotes
        "#]],
    );
    check(
        "(a: 1) (b: 2)",
        expect![[r#"
            error: expected the end of the file, found `(`
             --> storm.ron:1:8
              |
            1 | (a: 1) (b: 2)
              |        ^ the value above is complete
              |
              = help: a file holds one value; was a bracket closed too early?
        "#]],
    );
    check(
        "(a: 1.2.3)",
        expect![[r#"
            error: this is not a number
             --> storm.ron:1:5
              |
            1 | (a: 1.2.3)
              |     ^
        "#]],
    );
}

#[test]
fn texts_without_quotes() {
    check(
        "(a: 150ms..300ms)",
        expect![[r#"
            error: a text without quotes
             --> storm.ron:1:5
              |
            1 | (a: 150ms..300ms)
              |     ^^^^^^^^^^^^
              |
              = help: write "150ms..300ms"
        "#]],
    );
    check(
        "(a: 100/s)",
        expect![[r#"
            error: a text without quotes
             --> storm.ron:1:5
              |
            1 | (a: 100/s)
              |     ^^^^^
              |
              = help: write "100/s"
        "#]],
    );
    check(
        "(a: 1%)",
        expect![[r#"
            error: a text without quotes
             --> storm.ron:1:5
              |
            1 | (a: 1%)
              |     ^^
              |
              = help: write "1%"
        "#]],
    );
    check(
        "(a: 'calm')",
        expect![[r#"
                error: a text in single quotes
                 --> storm.ron:1:5
                  |
                1 | (a: 'calm')
                  |     ^^
                  |
                  = help: texts stand in double quotes: "text"
            "#]],
    );
    check(
        "(a: \"C:\\qemu\")",
        expect![[r#"
            error: this text holds an unknown escape
             --> storm.ron:1:6
              |
            1 | (a: "C:\qemu")
              |      ^^^^ unknown escape character
              |
              = help: write `\\` for a backslash, or a raw text: r"…"
        "#]],
    );
}

#[test]
fn strange_files() {
    check(
        "",
        expect![[r#"
            error: the file is empty
             --> storm.ron:1:1
              |
            1 |
              | ^
        "#]],
    );
    check(
        "// nothing yet\n",
        expect![[r#"
            error: the file is empty
             --> storm.ron:2:1
              |
            2 |
              | ^
        "#]],
    );
    check(
        "\0\x01ELF",
        expect![[r#"
            error: expected a value, found `\u{0}`
             --> storm.ron:1:1
              |
            1 | ␀␁ELF
              | ^
        "#]],
    );
    check(
        "\u{feff}(ä: «»)",
        expect![[r#"
                error: expected a value, found `«`
                 --> storm.ron:1:5
                  |
                1 | (ä: «»)
                  |     ^
            "#]],
    );
    check(
        "(a: 1\r\n\tb: 2)\r\n",
        expect![[r#"
            error: expected `,` or `)`, found `b`
             --> storm.ron:2:2
              |
            2 |     b: 2)
              |     ^ a `,` is missing before this
        "#]],
    );
    check(
        "#![enable(magic)] (a: 1)",
        expect![[r#"
            error: unknown attribute
             --> storm.ron:1:16
              |
            1 | #![enable(magic)] (a: 1)
              |                ^ no RON extension named `magic`
        "#]],
    );
}

/// A stack that overflows would end the whole program.
#[test]
fn deep_nesting_is_an_error() {
    for bracket in ["(", "[", "{", "A(", "(a:", "Some(", "[(", "{1:", "-", "/*", "r#", "\"\\"] {
        let text = bracket.repeat(100_000);
        assert!(value(&text).is_err(), "{bracket}");
    }
    assert!(value(&format!("{}{}", "[".repeat(60), "]".repeat(60))).is_ok());
}

#[test]
fn values_are_found_among_comments() {
    for (text, expected) in [
        ("5", "5"),
        (" 5 // five", "5"),
        ("/* a */ Leader /* b */ // c", "Leader"),
        ("Leader\n", "Leader"),
        ("#![enable(implicit_some)] Leader /* c */ (a: 1) /* d */\n", "Leader /* c */ (a: 1)"),
        ("\u{feff}\t\"x\" //", "\"x\""),
        ("r#\"a\"#", "r#\"a\"#"),
    ] {
        assert_eq!(value(text).expect("valid"), expected);
    }
}

#[test]
fn parts_are_found_among_comments() {
    let text = "A(/*1*/ x /*2*/ : /*3*/ Leader /*4*/ , // 5\n y: [ /*6*/ 1, 2 /*7*/ ], z : r#\"]\"#, )";
    let Contents::Fields(fields) = contents(text) else { panic!("fields") };
    assert_eq!(fields, [("x", "Leader"), ("y", "[ /*6*/ 1, 2 /*7*/ ]"), ("z", "r#\"]\"#")]);
    let Contents::Items(items) = contents(fields[1].1) else { panic!("items") };
    assert_eq!(items, ["1", "2"]);
    for (text, items) in [("At(\"2s\", Heal)", vec!["\"2s\"", "Heal"]), ("Some(5)", vec!["5"]), ("(A(b: 1))", vec!["A(b: 1)"])] {
        let Contents::Items(found) = contents(text) else { panic!("{text}") };
        assert_eq!(found, items);
    }
    for nothing in ["Leader", "Leader()", "None", "()", "[]", "A ( /* b */ )"] {
        assert!(matches!(contents(nothing), Contents::Nothing), "{nothing}");
    }
    for other in ["5", "\"a\"", "true", "{1: 2}", "inf", "1..2", "'x'", "b\"x\""] {
        assert!(matches!(contents(other), Contents::Other), "{other}");
    }
}
