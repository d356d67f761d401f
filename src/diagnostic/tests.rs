//! What people see of problems, and which spelling is the nearest.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

fn check(source: &Source, problem: Diagnostic, expected: Expect) {
    expected.assert_eq(&problem.render(source, false));
}

#[test]
fn places_count_lines_and_characters_from_one() {
    let source = Source::new("storm.ron", "a\r\nä«b\n\n");
    for (offset, place) in
        [(0, "1:1"), (2, "1:3"), (3, "2:1"), (5, "2:2"), (6, "2:2"), (7, "2:3"), (8, "2:4"), (9, "3:1"), (10, "4:1"), (99, "4:1")]
    {
        assert_eq!(source.place(offset).to_string(), place, "{offset}");
    }
}

#[test]
fn places_at_the_edges() {
    check(
        &Source::new("storm.ron", ""),
        Diagnostic::error(Span::at(0), "empty"),
        expect![[r#"
            error: empty
             --> storm.ron:1:1
              |
            1 |
              | ^
        "#]],
    );
    check(
        &Source::new("storm.ron", "(a: 1"),
        Diagnostic::error(Span::at(5), "at the end").label("here"),
        expect![[r#"
            error: at the end
             --> storm.ron:1:6
              |
            1 | (a: 1
              |      ^ here
        "#]],
    );
    check(
        &Source::new("storm.ron", "(a: 1)\n"),
        Diagnostic::warning(Span::new(90, 80), "beyond the end"),
        expect![[r#"
            warning: beyond the end
             --> storm.ron:2:1
              |
            2 |
              | ^
        "#]],
    );
}

#[test]
fn lines_of_every_kind() {
    let text = "(\r\n\tname: \"größe\", // 💨\r\n\tnodes: (\r\n\t\t5))\r\n";
    let source = Source::new("storm.ron", text);
    let of = |part: &str| Span::new(text.find(part).unwrap_or(0), text.find(part).unwrap_or(0) + part.len());
    check(
        &source,
        Diagnostic::error(of("\"größe\""), "wide letters").label("a label"),
        expect![[r#"
            error: wide letters
             --> storm.ron:2:8
              |
            2 |     name: "größe", // 💨
              |           ^^^^^^^ a label
        "#]],
    );
    check(
        &source,
        Diagnostic::error(of("💨"), "a wide one"),
        expect![[r#"
            error: a wide one
             --> storm.ron:2:20
              |
            2 |     name: "größe", // 💨
              |                       ^^
        "#]],
    );
    check(
        &source,
        Diagnostic::error(of("(\r\n\t\t5)"), "over two lines").label("from here"),
        expect![[r#"
            error: over two lines
             --> storm.ron:3:9
              |
            3 |     nodes: (
              |            ^ from here
        "#]],
    );
}

#[test]
fn two_places() {
    let text = format!("(\n    nodes: 5,\n    nodes: 7,\n{}    last: 1,\n)", "    // …\n".repeat(40));
    let source = Source::new("storm.ron", text.as_str());
    let near = Diagnostic::error(Span::new(20, 25), "twice").label("again").context(Span::new(6, 11), "first").help("remove one");
    check(
        &source,
        near,
        expect![[r#"
                error: twice
                 --> storm.ron:3:5
                  |
                2 |     nodes: 5,
                  |     ----- first
                3 |     nodes: 7,
                  |     ^^^^^ again
                  |
                  = help: remove one
            "#]],
    );
    let last = text.find("last").unwrap_or(0);
    let far = Diagnostic::error(Span::new(last, last + 4), "far away").label("here").context(Span::new(6, 11), "there");
    check(
        &source,
        far,
        expect![[r#"
            error: far away
              --> storm.ron:44:5
               |
            44 |     last: 1,
               |     ^^^^ here
               |
              ::: storm.ron:2:5
               |
             2 |     nodes: 5,
               |     ----- there
        "#]],
    );
}

#[test]
fn long_lines_are_cut() {
    for length in [1_000, 100_000] {
        let source = Source::new("storm.ron", format!("{}BAD{}", "1, ".repeat(length), ", 1".repeat(length)));
        let text = Diagnostic::error(Span::new(3 * length, 3 * length + 3), "in the middle").label("here").render(&source, false);
        assert!(text.lines().all(|line| line.chars().count() < 160) && text.contains("BAD"), "{text}");
        assert!(text.contains(&format!("storm.ron:1:{}\n", 3 * length + 1)), "{text}");
    }
}

#[test]
fn a_huge_file_is_no_burden() {
    let text = "    rate: 5, // a line like others\n".repeat(1_500_000);
    let source = Source::new("storm.ron", text.as_str());
    let problem = Diagnostic::error(Span::new(text.len() - 30, text.len() - 20), "at the end").context(Span::new(4, 8), "at the start");
    assert!(problem.render(&source, false).lines().count() < 15);
}

#[test]
fn colour_only_where_asked() {
    let (source, problem) = (Source::new("storm.ron", "(a: 1)"), Diagnostic::error(Span::new(1, 2), "red"));
    assert!(problem.render(&source, true).contains('\u{1b}'));
    assert!(!problem.render(&source, false).contains('\u{1b}'));
}

#[test]
fn a_collector_sorts_and_forgets_repetitions() {
    let problems = Diagnostics::new();
    assert!(problems.is_empty() && !problems.has_errors());
    problems.push(Diagnostic::warning(Span::new(4, 5), "second"));
    assert!(!problems.is_empty() && !problems.has_errors());
    problems.push(Diagnostic::error(Span::new(1, 2), "first"));
    problems.push(Diagnostic::error(Span::new(1, 2), "first"));
    assert!(problems.has_errors());
    expect![[r#"
            error: first
             --> storm.ron:1:2
              |
            1 | (a: 1)
              |  ^

            warning: second
             --> storm.ron:1:5
              |
            1 | (a: 1)
              |     ^
        "#]]
    .assert_eq(&problems.render(&Source::new("storm.ron", "(a: 1)"), false));
}

#[test]
fn a_flood_is_counted() {
    let problems = Diagnostics::new();
    for place in 0..5_000 {
        problems.push(Diagnostic::error(Span::at(place), "again"));
    }
    let text = problems.render(&Source::new("storm.ron", "x".repeat(5_000)), false);
    assert_eq!(text.matches("error: again").count(), 20);
    assert!(text.ends_with("\n… and 4980 more problems\n"), "{text}");
}

proptest! {
    #[test]
    fn any_place_in_any_text_can_be_shown(
        text in "(\\PC|[\\r\\n\\t\\x00 ,:ä💨\u{feff}\u{202e}\u{301}]){0,80}",
        spans in any::<[u8; 4]>(),
        name in ".*",
        color in any::<bool>(),
    ) {
        let [a, b, c, d] = spans.map(|byte| usize::from(byte) % 100);
        let source = Source::new(name, text);
        let problem = Diagnostic::error(Span::new(a, b), "message").label("label\nof two lines");
        let problem = problem.context(Span::new(c, d), "context").help("help");
        prop_assert!(problem.render(&source, color).contains("message"));
    }
}
