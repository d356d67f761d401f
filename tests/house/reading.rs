//! Rooms whose files have an order in which to read them: each names only files that stand above it, so that there is no
//! cycle of imports. A page tells the order, and names every file.

use crate::rust::{CodePath, code_of, paths, tokens};
use crate::{File, demand_none, file, files};

/// The folder of such a room, and the page with its table.
const ROOM: &str = "crates/check/src/check/linearizability/";
const PAGE: &str = "docs/linearizability.md";

#[test]
fn files_name_only_files_that_are_read_before_them() {
    let order = table(&file(PAGE).text);
    demand_none(&files(&[ROOM], ".rs").iter().flat_map(|file| complaints(file, &order)).collect::<Vec<_>>());
}

#[test]
fn the_page_names_every_file() {
    let mut shown = table(&file(PAGE).text);
    shown.sort();
    let there: Vec<String> = files(&[ROOM], ".rs").iter().map(|file| file.path[ROOM.len()..].to_owned()).collect();
    let mut there = there;
    there.sort();
    assert_eq!(shown, there, "the table in {PAGE} and the files in {ROOM} differ");
}

/// The files in the first column of the page's table, in their order.
fn table(page: &str) -> Vec<String> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    cells.map(|(file, _)| file.to_owned()).filter(|file| file.ends_with(".rs")).collect()
}

/// What is wrong with whom a file names. The first file of the order is the front page, which may name all.
fn complaints(file: &File, order: &[String]) -> Vec<String> {
    let own = &file.path[ROOM.len()..];
    let place = |file: &str| order.iter().position(|known| known == file);
    let Some(here) = place(own).filter(|here| *here > 0) else { return Vec::new() };
    let code = code_of(&file.text);
    let complaint = |path: &CodePath<'_>| {
        let named = named(path, own, order)?;
        let above = place(&named).is_some_and(|there| (1..=here).contains(&there));
        (!above).then(|| file.complaint(path.line, format_args!("`{named}` is read after `{own}`: the latter may not name it")))
    };
    paths(&tokens(&code)).iter().filter_map(complaint).collect()
}

/// The file of the room that a path leads into, if it leads into one.
fn named(path: &CodePath<'_>, own: &str, order: &[String]) -> Option<String> {
    let room: Vec<&str> = ROOM.trim_end_matches('/').split('/').skip_while(|part| *part != "src").skip(1).collect();
    let inside = own.trim_end_matches(".rs").split('/').filter(|part| *part != "mod");
    let mut module: Vec<&str> = match path.segments[0] {
        "crate" => Vec::new(),
        _ => room.iter().copied().chain(inside).chain(path.within.iter().copied()).collect(),
    };
    let is_relative = !matches!(path.segments[0], "crate" | "super" | "self");
    for segment in &path.segments {
        match *segment {
            "super" => drop(module.pop()),
            "crate" | "self" => {}
            segment => module.push(segment),
        }
    }
    if path.segments.len() == 1 || !module.starts_with(&room) {
        return None;
    }
    let is_file = |file: &String| order.contains(file);
    let below = &module[room.len()..];
    let found = (0..=below.len()).rev().find_map(|length| {
        let stem = below[..length].join("/");
        [format!("{stem}.rs"), format!("{stem}/mod.rs"), "mod.rs".to_owned()]
            .into_iter()
            .take(if length == 0 { 3 } else { 2 })
            .find(is_file)
    });
    // A word that begins no path to a module is a type, or something of another crate.
    found.filter(|found| found != own && (!is_relative || found.starts_with(own.trim_end_matches("mod.rs"))))
}

#[test]
fn planted_violations_are_found() {
    let order = ["mod.rs", "report.rs", "search/bits.rs", "search/mod.rs", "keys.rs"].map(str::to_owned);
    let check = |path: &str, code: &str| complaints(&File::planted(&format!("{ROOM}{path}"), code), &order).len();
    for (path, code) in [
        ("report.rs", "use super::keys::judge;"),
        ("report.rs", "fn f() { crate::check::linearizability::search::Search::new(); }"),
        ("search/bits.rs", "use super::Search;"),
        ("search/bits.rs", "mod tests { use super::super::Search; }"),
        ("keys.rs", "use super::check;"),
        ("keys.rs", "use crate::check::linearizability::{report::Report, check};"),
    ] {
        assert_eq!(check(path, code), 1, "{path}: {code}");
    }
    for (path, code) in [
        ("mod.rs", "pub use self::keys::judge; use self::search::Search;"),
        ("search/mod.rs", "mod bits; use self::bits::Bits; use super::report::Report; fn f() { bits::f(); Bits::new(); }"),
        ("search/bits.rs", "pub(super) fn f() -> Self { Self(0) } mod tests { use super::*; }"),
        ("keys.rs", "use crate::check::model::Model; use crate::check::linearizability::search::Search; pub(in crate::check) fn f() {}"),
    ] {
        assert_eq!(check(path, code), 0, "{path}: {code}");
    }
}
