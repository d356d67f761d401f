//! The documents: what they point at is there.

use stormglass::fault::{Cut, Fault, FaultKind, Happening, Moment, Target};
use stormglass::notation::Variant;

use crate::{File, demand_none, file, files, files_at_root, root};

#[test]
fn links_lead_somewhere() {
    demand_none(&documents().iter().flat_map(|document| link_complaints(document, &exists, &headings_of)).collect::<Vec<_>>());
}

#[test]
fn files_that_are_spoken_of_exist() {
    demand_none(&documents().iter().flat_map(|document| path_complaints(document, &exists)).collect::<Vec<_>>());
}

/// A piece of code that is shown apart (in a fence of `rs`, which is not compiled) is cut from code that is compiled: an example of the
/// same document, or one of the files of examples.
#[test]
fn pieces_of_code_are_cut_from_code_that_is_compiled() {
    let examples: Vec<String> = files(&["examples"], ".rs").into_iter().map(|example| example.text).collect();
    demand_none(&documents().iter().flat_map(|document| piece_complaints(document, &examples)).collect::<Vec<_>>());
}

/// The tables of the notation of faults are made of its declarations; `UPDATE_EXPECT=1` writes them anew.
#[test]
fn the_tables_of_faults_are_fresh() {
    let page = file("docs/scenarios.md").text;
    let page = with_table(&page, "faults", &table(Fault::VARIANTS, "fault", &["what goes wrong", "bites if", "ended by"]));
    let page = with_table(&page, "steps", &table(Moment::VARIANTS, "step", &["when its fault strikes"]));
    let page = with_table(&page, "cuts", &table(Cut::VARIANTS, "cut", &["who is cut off from whom"]));
    let page = with_table(&page, "targets", &table(Target::VARIANTS, "target", &["whom it strikes"]));
    let page = with_table(&page, "triggers", &table(Happening::VARIANTS, "trigger", &["what sets it off"]));
    expect_test::expect_file!["../../docs/scenarios.md"].assert_eq(&page);
}

fn with_table(page: &str, name: &str, table: &str) -> String {
    let mark = format!("<!-- {name} -->\n");
    let (before, rest) = page.split_once(&mark).unwrap_or_else(|| panic!("docs/scenarios.md has no {mark}"));
    let (_, after) = rest.split_once("<!-- end -->").expect("a table has an end");
    format!("{before}{mark}\n{table}\n<!-- end -->{after}")
}

/// What is declared, one a line; of faults also what else is declared of their kind.
fn table(variants: &[Variant], title: &str, columns: &[&str]) -> String {
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let titles = [title].iter().chain(columns).map(|title| (*title).to_owned()).collect();
    let mut table = row(titles) + &row(vec!["---".to_owned(); columns.len() + 1]);
    for variant in variants {
        let fields = variant.fields().into_iter().map(|field| format!("<br>`{}`: {}", field.name, field.in_words()));
        let mut cells = vec![format!("`{}`", variant.name), variant.about.to_owned() + &fields.collect::<String>()];
        if columns.len() > 1 {
            let kind = FaultKind::ALL.iter().find(|kind| kind.name == variant.name);
            cells
                .extend(kind.map_or(["as it is".to_owned(), "as it is".to_owned()], |kind| [kind.bites.to_owned(), kind.ends.to_string()]));
        }
        table += &row(cells);
    }
    table
}

#[test]
fn the_changelog_has_a_place_for_what_is_new() {
    let changelog = file("CHANGELOG.md");
    assert!(changelog.text.lines().any(|line| line == "## [Unreleased]"), "CHANGELOG.md needs the heading `## [Unreleased]`");
}

/// The promises of the design are told as invariants, so that a reader can find what must never be there.
#[test]
fn the_architecture_has_invariants() {
    let count = file("docs/ARCHITECTURE.md").text.matches("*Invariant:*").count();
    assert!(count >= 10, "docs/ARCHITECTURE.md has {count} lines that begin with *Invariant:*");
}

fn documents() -> Vec<File> {
    let mut documents = files_at_root(".md");
    documents.extend(files(&["docs", "scenarios", "fuzz", "crates"], ".md"));
    documents
}

fn exists(path: &str) -> bool {
    root().join(path).exists()
}

fn headings_of(path: &str) -> Vec<String> {
    headings(&file(path).text)
}

/// What is wrong with the relative links of a document.
fn link_complaints(document: &File, exists: &dyn Fn(&str) -> bool, headings_of: &dyn Fn(&str) -> Vec<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (line, number) in prose(&document.text) {
        for target in targets(&line) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
            let path = if path.is_empty() { document.path.clone() } else { resolve(&document.path, path) };
            if !exists(&path) {
                complaints.push(document.complaint(number, format_args!("the link to `{target}` leads nowhere")));
            } else if let Some(anchor) = anchor.filter(|_| path.ends_with(".md"))
                && !headings_of(&path).iter().any(|heading| heading == anchor)
            {
                complaints.push(document.complaint(number, format_args!("`{path}` has no heading `#{anchor}`")));
            }
        }
    }
    complaints
}

/// The targets of `[text](target)` in a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

/// The path that a link in this document means, from the root.
fn resolve(document: &str, link: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in link.trim_end_matches('/').split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The lines outside fenced code, without code spans, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (String, usize)> {
    let mut fenced = false;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then(|| (line.split('`').step_by(2).collect::<Vec<_>>().join("`"), number))
    })
}

/// The anchors of a document's headings: lower case, hyphens for blanks, nothing for the rest.
fn headings(text: &str) -> Vec<String> {
    let mut fenced = false;
    let titles = text.lines().filter_map(|line| {
        fenced ^= line.starts_with("```");
        let title = line.trim_start_matches('#').strip_prefix(' ')?;
        (line.starts_with('#') && !fenced).then_some(title)
    });
    let anchor = |title: &str| {
        title
            .to_lowercase()
            .chars()
            .filter_map(|character| match character {
                ' ' => Some('-'),
                '-' | '_' => Some(character),
                character => character.is_alphanumeric().then_some(character),
            })
            .collect()
    };
    titles.map(anchor).collect()
}

/// Where a path of the project begins.
const BEGINNINGS: &[&str] = &["scenarios/", "src/", "crates/", "tests/", "docs/", "examples/", "benches/", "fuzz/", ".ci/"];

/// What is wrong with the paths that a document names, in code too. One with a placeholder in it names no file.
fn path_complaints(document: &File, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut complaints = Vec::new();
    for (line, number) in document.text.lines().zip(1..) {
        let is_path_part = |character: char| character.is_alphanumeric() || "_-./*…<>{}".contains(character);
        let words = line.split(|character| !is_path_part(character));
        for word in words.map(|word| word.trim_end_matches('.')) {
            let names_file = BEGINNINGS.iter().any(|beginning| word.starts_with(beginning)) && !word.contains(['*', '…', '<', '{']);
            if names_file && !exists(word.trim_end_matches('/')) {
                complaints.push(document.complaint(number, format_args!("there is no `{word}`")));
            }
        }
    }
    complaints
}

fn piece_complaints(document: &File, examples: &[String]) -> Vec<String> {
    let blocks = blocks(&document.text);
    let compiled = blocks.iter().filter(|(tag, ..)| tag == "rust").map(|(_, _, code)| code);
    let wholes: Vec<&String> = compiled.chain(examples).collect();
    let pieces = blocks.iter().filter(|(tag, ..)| tag == "rs");
    let strangers = pieces.filter(|(_, _, code)| !wholes.iter().any(|whole| whole.contains(code.as_str())));
    strangers.map(|(_, line, _)| document.complaint(*line, "this piece of code is in no code that is compiled")).collect()
}

/// The fenced blocks: tag, line of the fence, content.
fn blocks(text: &str) -> Vec<(String, usize, String)> {
    let mut blocks: Vec<(String, usize, String)> = Vec::new();
    let mut open = false;
    for (line, number) in text.lines().zip(1..) {
        if let Some(tag) = line.strip_prefix("```") {
            open = !open;
            if open {
                blocks.push((tag.to_owned(), number, String::new()));
            }
        } else if open && let Some((_, _, code)) = blocks.last_mut() {
            code.push_str(line);
            code.push('\n');
        }
    }
    blocks
}

#[test]
fn planted_untruths_are_found() {
    let exists = |path: &str| ["docs/one.md", "docs/two.md", "README.md", "scenarios/raft"].contains(&path);
    let headings_of =
        |path: &str| headings(if path == "docs/two.md" { "# Two\n## The `sort` of *it*\n```\n# no\n```\n" } else { "# One\n" });
    let check = |text: &str| {
        let document = File::planted("docs/one.md", text);
        link_complaints(&document, &exists, &headings_of).len() + path_complaints(&document, &exists).len()
    };
    for untrue in [
        "[three](three.md)",
        "[two](two.md#three)",
        "[here](#two)",
        "[read me](README.md)",
        "[a](two.md) [b](x.md)",
        "`scenarios/raft/none.ron`",
        "```\ncat docs/three.md\n```",
    ] {
        assert_eq!(check(untrue), 1, "{untrue}");
    }
    let whole = "```rust\nfn f() {\n    g();\n}\n```\n";
    let pieces =
        |piece: &str| piece_complaints(&File::planted("docs/one.md", &format!("{whole}```rs\n{piece}\n```\n")), &["h();\n".to_owned()]);
    assert_eq!((pieces("    g();").len(), pieces("h();").len(), pieces("    h();").len()), (0, 0, 1));
    for fine in [
        "[two](two.md) [sort](two.md#the-sort-of-it) [read me](../README.md) [one](#one) [web](https://example.org/x.md)",
        "`[three](three.md)`\n```\n[three](three.md)\n```",
        "`scenarios/raft/`, `scenarios/raft/*.ron` and scenarios/raft.",
    ] {
        assert_eq!(check(fine), 0, "{fine}");
    }
}
