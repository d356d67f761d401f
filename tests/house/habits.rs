//! Words and habits that are not for this code, where no lint of the compiler or of Clippy keeps them out.

use crate::rust::{Token, code_of, paths, test_lines, test_modules, tokens};
use crate::{File, demand_none, file, files, files_at_root, sources};

/// What must not be written in sources, where it may be all the same, and what to do instead.
struct Habit {
    /// The tokens of a macro or a call; or a path, or the beginning of one.
    what: What,
    except: Except,
    instead: &'static str,
}

enum What {
    Tokens(&'static [&'static str]),
    Path(&'static [&'static str]),
}

#[derive(Clone, Copy)]
enum Except {
    Nowhere,
    InTests,
    InCommand,
}

use Except::{InCommand, InTests, Nowhere};
use What::{Path, Tokens};

const HABITS: &[Habit] = &[
    Habit {
        what: Tokens(&["panic", "!"]),
        except: InTests,
        instead: "return an error, or say with `expect` or `assert!` what was relied on",
    },
    Habit { what: Tokens(&["unreachable", "!", "(", ")"]), except: InTests, instead: "say why it cannot be reached" },
    Habit { what: Tokens(&["#", "[", "path", "="]), except: Nowhere, instead: "let a module lie where its name says" },
    Habit { what: Tokens(&["include", "!"]), except: Nowhere, instead: "let code be a module" },
    Habit { what: Tokens(&["thread_rng"]), except: Nowhere, instead: "all randomness comes from base::RunKey" },
    Habit {
        what: Path(&["std", "time", "Instant"]),
        except: InCommand,
        instead: "a run knows simulated time only: base::Time, base::LocalTime",
    },
    Habit { what: Path(&["std", "process"]), except: InCommand, instead: "only the command exits" },
    Habit { what: Path(&["process", "exit"]), except: InCommand, instead: "only the command exits" },
    Habit { what: Path(&["std", "env"]), except: InCommand, instead: "only the command reads the environment" },
    Habit { what: Path(&["std", "fs"]), except: InCommand, instead: "only the command touches files" },
    Habit { what: Path(&["std", "net"]), except: Nowhere, instead: "nothing here speaks to a real network" },
    Habit { what: Path(&["std", "thread"]), except: InCommand, instead: "only explore starts threads, and the command may" },
];

/// Words for work that is left over: it belongs into an issue.
const LEFT_OVER: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];

/// How many columns a line of Rust may have.
const COLUMNS_MAX: usize = 140;
/// How many lines a source file may have, tests aside, before it is time to look for its parts.
const LINES_MAX: usize = 800;

#[test]
fn habits_are_kept_out() {
    let sources = sources();
    let tests = test_files(&sources);
    let complaints = |source| habit_complaints(source, tests.contains(&source.path));
    demand_none(&sources.iter().flat_map(complaints).collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_over() {
    // This test names the words.
    let sources = rust_files().into_iter().filter(|source| !source.path.ends_with("tests/house/habits.rs"));
    demand_none(&sources.flat_map(|source| left_over_complaints(&source)).collect::<Vec<_>>());
}

/// Effects, faults, events: a new variant does not compile until whoever takes it apart, in whatever crate, has thought of it. Errors may
/// grow, for users' sake.
#[test]
fn only_errors_may_grow() {
    demand_none(&sources().iter().flat_map(growth_complaints).collect::<Vec<_>>());
}

#[test]
fn every_source_file_says_what_it_is() {
    let silent = |source: &File| !source.text.starts_with("//! ");
    let complaint = |source: &File| source.complaint(1, "begin with a `//!` line that says what the file is");
    demand_none(&sources().iter().filter(|source| silent(source)).map(complaint).collect::<Vec<_>>());
}

#[test]
fn files_are_of_a_size_to_be_read() {
    let sources = sources();
    let tests = test_files(&sources);
    let large = sources.iter().filter(|source| !tests.contains(&source.path)).filter_map(|source| {
        let lines = lines_besides_tests(&source.text);
        (lines > LINES_MAX).then(|| format!("{}: {lines} lines besides tests; look for its parts above {LINES_MAX}", source.path))
    });
    demand_none(&large.collect::<Vec<_>>());
}

#[test]
fn text_is_tidy() {
    let mut texts = rust_files();
    texts.extend(["md", "toml"].iter().flat_map(|ending| files_at_root(&format!(".{ending}"))));
    texts.extend(files(&["docs", "crates"], ".md"));
    texts.extend(files(&["crates"], ".toml"));
    texts.extend(files(&["scenarios"], ".ron"));
    texts.push(file(".ci/run"));
    demand_none(&texts.iter().flat_map(tidiness_complaints).collect::<Vec<_>>());
}

fn rust_files() -> Vec<File> {
    files(&["src", "crates", "tests", "examples", "benches", "fuzz"], ".rs")
}

/// The paths of the sources that are declared as tests, and of all below these.
fn test_files(sources: &[File]) -> Vec<String> {
    let declared: Vec<String> = sources
        .iter()
        .flat_map(|source| {
            let code = code_of(&source.text);
            let folder = source.path.trim_end_matches(".rs").trim_end_matches("/mod").to_owned();
            test_modules(&tokens(&code)).iter().map(|module| format!("{folder}/{module}")).collect::<Vec<_>>()
        })
        .collect();
    let is_test = |path: &str| declared.iter().any(|module| path == format!("{module}.rs") || path.starts_with(&format!("{module}/")));
    sources.iter().map(|source| source.path.clone()).filter(|path| is_test(path)).collect()
}

fn habit_complaints(source: &File, is_test: bool) -> Vec<String> {
    let code = code_of(&source.text);
    let tokens = tokens(&code);
    let tests = test_lines(&tokens);
    let is_command = source.path == "src/cli.rs" || source.path.starts_with("src/cli/") || source.path.starts_with("src/bin/");
    let mut complaints = Vec::new();
    let mut complain = |habit: &Habit, line: usize, what: String| {
        let in_test = is_test || tests.iter().any(|lines| lines.contains(&line));
        // Threads are what `explore` is for.
        let is_explore = source.path.starts_with("src/explore") && what.starts_with("std::thread");
        // A user's test is told its seed by a variable, and tells its own name by that of its thread.
        let is_for_tests = match &*source.path {
            "src/report/testing.rs" => what.starts_with("std::env") || what.starts_with("std::thread"),
            "src/report/regressions.rs" => what.starts_with("std::fs"),
            _ => false,
        };
        let excepted = match habit.except {
            Nowhere => false,
            InTests => in_test,
            InCommand => is_command || is_explore || is_for_tests,
        };
        if !excepted {
            complaints.push(source.complaint(line, format_args!("`{what}`: {}", habit.instead)));
        }
    };
    for habit in HABITS {
        match habit.what {
            Tokens(wanted) => {
                let found = tokens.windows(wanted.len()).filter(|window| is(window, wanted));
                found.for_each(|window| complain(habit, window[0].line, wanted.concat()));
            }
            Path(wanted) => {
                let all = paths(&tokens);
                let found = all.iter().filter(|path| path.segments.starts_with(wanted));
                found.for_each(|path| complain(habit, path.line, path.segments.join("::")));
            }
        }
    }
    complaints
}

fn is(tokens: &[Token<'_>], wanted: &[&str]) -> bool {
    tokens.iter().map(|token| token.text).eq(wanted.iter().copied())
}

/// A public enum is `#[non_exhaustive]` if it is an error, and only then.
fn growth_complaints(source: &File) -> Vec<String> {
    let code = code_of(&source.text);
    let tokens = tokens(&code);
    let is_error = |name: &str| tokens.windows(3).any(|window| is(window, &["Error", "for", name]));
    let mut complaints = Vec::new();
    for (place, window) in tokens.windows(3).enumerate() {
        let [public, keyword, name] = window else { continue };
        if public.text != "pub" || keyword.text != "enum" {
            continue;
        }
        let mut attributes = tokens[..place].iter().rev().take_while(|token| !matches!(token.text, "}" | ";"));
        let may_grow = attributes.any(|token| token.text == "non_exhaustive");
        if may_grow != is_error(name.text) {
            complaints
                .push(source.complaint(name.line, format_args!("`{}`: errors are `#[non_exhaustive]`, and no other enum", name.text)));
        }
    }
    complaints
}

fn left_over_complaints(source: &File) -> Vec<String> {
    let words = |line: &'_ str| line.split(|character: char| !character.is_alphanumeric()).any(|word| LEFT_OVER.contains(&word));
    let lines = source.text.lines().zip(1..).filter(|(line, _)| words(line));
    lines.map(|(_, number)| source.complaint(number, "what is left to do belongs into an issue")).collect()
}

fn lines_besides_tests(text: &str) -> usize {
    let code = code_of(text);
    let tests = test_lines(&tokens(&code));
    (1..=text.lines().count()).filter(|line| !tests.iter().any(|lines| lines.contains(line))).count()
}

fn tidiness_complaints(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    let code = if file.path.ends_with(".rs") { code_of(&file.text) } else { String::new() };
    for (line, number) in file.text.lines().zip(1..) {
        if line.ends_with([' ', '\t', '\r']) {
            complaints.push(file.complaint(number, "the line ends in a blank"));
        }
        if line.contains('\t') {
            complaints.push(file.complaint(number, "there is a tab"));
        }
    }
    for ((line, code), number) in file.text.lines().zip(code.lines()).zip(1..) {
        let columns = line.chars().count();
        // What people are shown in the end stands in strings as it is.
        let is_text = !line.trim_start().starts_with("//") && !code.chars().skip(COLUMNS_MAX).any(char::is_alphanumeric);
        if columns > COLUMNS_MAX && !is_text {
            complaints.push(file.complaint(number, format_args!("{columns} columns, above {COLUMNS_MAX}")));
        }
    }
    if !file.text.ends_with('\n') || file.text.ends_with("\n\n") {
        complaints.push(file.complaint(file.text.lines().count(), "a file ends with one line break"));
    }
    complaints
}

#[test]
fn planted_habits_are_found() {
    for code in [
        "fn f() { panic!(\"no\") }",
        "fn f() { unreachable!() }",
        "#[path = \"elsewhere.rs\"]\nmod f;",
        "fn f() { rand::thread_rng() }",
        "use std::{fmt, env};",
        "fn f() { std::fs::read() }",
        "use std::fs;",
        "fn f() { std::process::exit(1) }",
        "fn f() { process::exit(1) }",
        "fn f() { std::thread::scope() }",
    ] {
        assert_eq!(habit_complaints(&File::planted("crates/process/src/base/time.rs", code), false).len(), 1, "{code}");
    }
    for code in [
        "#[derive(Debug)]\n#[non_exhaustive]\npub enum Fate { Lost }",
        "pub enum ParseError { Empty }\nimpl std::error::Error for ParseError {}",
    ] {
        assert_eq!(growth_complaints(&File::planted("crates/process/src/base/time.rs", code)).len(), 1, "{code}");
    }
    for text in ["fn f() {} \n", "\tfn f() {}\n", "fn f() {}", "fn f() {}\n\n"] {
        assert_eq!(tidiness_complaints(&File::planted("crates/process/src/base/time.rs", text)).len(), 1, "{text}");
    }
    let wide = "é".repeat(140);
    for (text, count) in [
        (format!("// {wide}\n"), 1),
        (format!("f({wide});\n"), 1),
        (format!("f(\"{wide}\");\n"), 0),
        (format!("let f = \"\n{wide}wide\n\";\n"), 0),
    ] {
        assert_eq!(tidiness_complaints(&File::planted("crates/process/src/base/time.rs", &text)).len(), count, "{text}");
    }
    assert_eq!(left_over_complaints(&File::planted("crates/process/src/base/time.rs", "// FIXME: this\n")).len(), 1);
}

#[test]
fn exceptions_are_not_found() {
    for (path, code) in [
        ("crates/process/src/base/time.rs", "// panic!(\"no\")\nfn f() { \"panic!()\"; }"),
        ("crates/process/src/base/time.rs", "fn f() { unreachable!(\"it was looked at before\") }"),
        ("crates/process/src/base/time.rs", "#[cfg(test)]\nmod tests { fn f() { panic!(\"no\") } }"),
        ("crates/process/src/base/time.rs", "use crate::process; fn f() { process::boot(); }"),
        ("src/cli/mod.rs", "fn f() { std::process::exit(std::env::args().count()) }"),
        ("src/explore/mod.rs", "fn f() { std::thread::scope(|scope| {}) }"),
        ("src/report/testing.rs", "fn f() { std::env::var(std::thread::current().name()) }"),
    ] {
        assert_eq!(habit_complaints(&File::planted(path, code), false), Vec::<String>::new(), "{path}: {code}");
    }
    for code in ["#[non_exhaustive]\npub enum E { A }\nimpl Error for E {}\npub enum F { B }", "enum E { A }\nimpl Error for E {}"] {
        assert_eq!(growth_complaints(&File::planted("src/fault/mod.rs", code)), Vec::<String>::new(), "{code}");
    }
    assert_eq!(lines_besides_tests("fn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n"), 1);
    let parent = File::planted("crates/process/src/base/mod.rs", "#[cfg(test)]\nmod tests;");
    let [tests, below] = ["crates/process/src/base/tests.rs", "crates/process/src/base/tests/more.rs"].map(|path| File::planted(path, ""));
    assert_eq!(test_files(&[parent, tests, below]), ["crates/process/src/base/tests.rs", "crates/process/src/base/tests/more.rs"]);
}
