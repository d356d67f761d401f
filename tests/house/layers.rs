//! Who may name whom.

use crate::rust::{CodePath, code_of, paths, tokens};
use crate::{File, demand_none, file, inside, sources};

/// What a room may name, besides itself.
#[derive(Clone, Copy)]
enum May {
    /// These.
    Name(&'static [&'static str]),
    /// All that stand above it in the list.
    NameAllAbove,
    /// All that stand above it but these.
    NameAllAboveBut(&'static [&'static str]),
    /// These; and what judges a protocol from outside, its `properties.rs` and its tests, also those.
    NameAndInProperties(&'static [&'static str], &'static [&'static str]),
}

/// Where the crates lie that have the lower rooms; the others are at the root.
const PROCESS: &str = "crates/process";
const CHECK: &str = "crates/check";
const POLICIES: &str = "crates/policies";
const ROOT: &str = "";

/// The rooms, bottom up, each with its crate. `docs/ARCHITECTURE.md` shows the same list.
const ROOMS: &[(&str, &str, May)] = &[
    ("base", PROCESS, May::Name(&[])),
    ("process", PROCESS, May::Name(&["base"])),
    ("policies", POLICIES, May::Name(&["base"])),
    ("misspelling", CHECK, May::Name(&[])),
    ("history", CHECK, May::Name(&["base", "misspelling"])),
    ("check", CHECK, May::Name(&["base", "history", "misspelling"])),
    ("diagnostic", ROOT, May::Name(&["base", "misspelling"])),
    ("notation", ROOT, May::Name(&["base", "diagnostic", "misspelling"])),
    ("engine", ROOT, May::Name(&["base"])),
    ("environment", ROOT, May::Name(&["base"])),
    ("fault", ROOT, May::Name(&["base", "diagnostic", "notation"])),
    ("trace", ROOT, May::Name(&["base", "check", "fault", "history"])),
    ("require", ROOT, May::Name(&["base", "check", "diagnostic", "fault", "history", "notation", "trace"])),
    ("metrics", ROOT, May::Name(&["base", "check", "diagnostic", "fault", "notation", "require", "trace"])),
    (
        "protocols",
        ROOT,
        May::NameAndInProperties(&["base", "history", "notation", "policies", "process"], &["check", "fault", "require", "trace"]),
    ),
    ("workload", ROOT, May::Name(&["base", "history", "policies", "process"])),
    ("world", ROOT, May::NameAllAboveBut(&["protocols", "workload"])),
    ("systems", ROOT, May::NameAllAbove),
    ("scenario", ROOT, May::NameAllAbove),
    ("explore", ROOT, May::NameAllAbove),
    ("report", ROOT, May::NameAllAbove),
    ("cli", ROOT, May::NameAllAbove),
];

/// The rooms within `check`, bottom up, each with those that it may name. `docs/ARCHITECTURE.md` shows the same list.
const WITHIN_CHECK: &[(&str, &[&str])] = &[
    ("verdict", &[]),
    ("monitor", &[]),
    ("model", &["monitor"]),
    ("linearizability", &["model", "monitor", "verdict"]),
    ("consistency", &["linearizability", "model", "verdict"]),
    ("isolation", &["model", "verdict"]),
    ("conservation", &["verdict"]),
    ("streams", &["isolation", "verdict"]),
    ("recorded", &["consistency", "isolation", "linearizability", "model", "monitor", "streams", "verdict"]),
    ("generate", &["model"]),
];

impl May {
    /// Whether a file of the room at this place in the list may name that room.
    fn allows(self, place: usize, path: &str, named: &str) -> bool {
        let is_above = ROOMS[..place].iter().any(|(room, ..)| *room == named);
        match self {
            Self::Name(rooms) => rooms.contains(&named),
            Self::NameAllAbove => is_above,
            Self::NameAllAboveBut(rooms) => is_above && !rooms.contains(&named),
            Self::NameAndInProperties(rooms, in_properties) => {
                let judges = ["/properties.rs", "/properties/", "/tests.rs", "/tests/"].iter().any(|part| path.contains(part));
                rooms.contains(&named) || judges && in_properties.contains(&named)
            }
        }
    }

    /// The rule as the document's table has it.
    fn text(self) -> String {
        let list = |rooms: &[&str]| rooms.iter().map(|room| format!("`{room}`")).collect::<Vec<_>>().join(", ");
        match self {
            Self::Name([]) => "–".to_owned(),
            Self::Name(rooms) => list(rooms),
            Self::NameAllAbove => "all above".to_owned(),
            Self::NameAllAboveBut(rooms) => format!("all above but {}", list(rooms)),
            Self::NameAndInProperties(rooms, more) => format!("{}; `properties.rs` and tests also {}", list(rooms), list(more)),
        }
    }
}

/// What a path leads to at the root of the crate.
enum Named<'c> {
    Room(&'c str),
    /// The root itself, under another name or with all that is in it.
    Root,
}

#[test]
fn rooms_name_only_the_rooms_they_may() {
    demand_none(&sources().iter().flat_map(complaints).collect::<Vec<_>>());
}

#[test]
fn the_document_shows_the_same_rooms() {
    let document = file("docs/ARCHITECTURE.md");
    let rows = document.text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ").collect();
        let [room, home, _, may] = cells[..] else { return None };
        Some([room.strip_suffix('`')?, home.trim_matches('`'), may].map(str::to_owned))
    });
    let shown: Vec<_> = rows.collect();
    let home = |home: &str| if home == ROOT { "the root".to_owned() } else { home.to_owned() };
    let ruled: Vec<_> = ROOMS.iter().map(|(room, at, may)| [(*room).to_owned(), home(at), may.text()]).collect();
    assert_eq!(shown, ruled, "the table of rooms in {} and the one in this test differ", document.path);
}

#[test]
fn rooms_within_check_name_only_those_they_may() {
    demand_none(&sources().iter().flat_map(complaints_within_check).collect::<Vec<_>>());
    for (place, (room, may)) in WITHIN_CHECK.iter().enumerate() {
        let above = &WITHIN_CHECK[..place];
        assert!(may.iter().all(|named| above.iter().any(|(above, _)| above == named)), "`{room}` may name what stands below it");
    }
}

#[test]
fn the_document_shows_the_same_rooms_within_check() {
    let document = file("docs/ARCHITECTURE.md");
    let rows = document.text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `check::")?.strip_suffix(" |")?.split(" | ").collect();
        let [room, _, may] = cells[..] else { return None };
        Some([room.strip_suffix('`')?.to_owned(), may.to_owned()])
    });
    let ruled: Vec<_> = WITHIN_CHECK.iter().map(|(room, may)| [(*room).to_owned(), May::Name(may).text()]).collect();
    assert_eq!(rows.collect::<Vec<_>>(), ruled, "the table of rooms within check in {} and the one in this test differ", document.path);
}

/// What is wrong with whom a file of a room within `check` names. The front page of `check` may name all.
fn complaints_within_check(file: &File) -> Vec<String> {
    let (home, inside) = inside(&file.path).expect("a source file");
    let parts: Vec<&str> = inside.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
    let (CHECK, ["check", room, ..]) = (home, &parts[..]) else { return vec![] };
    let Some((_, may)) = WITHIN_CHECK.iter().find(|(known, _)| known == room) else {
        return vec![file.complaint(1, format_args!("`{room}` is no room of `check`: give it a row in the table"))];
    };
    let code = code_of(&file.text);
    let complaint = |path: &CodePath<'_>| {
        let named = named_in_check(path, &parts)?;
        let allowed = named == *room || may.contains(&named);
        (!allowed)
            .then(|| file.complaint(path.line, format_args!("`{room}` may not name `{named}`; it may name: {}", May::Name(may).text())))
    };
    paths(&tokens(&code)).iter().filter_map(complaint).collect()
}

/// What a path names right below `check`, if it leads there.
fn named_in_check<'c>(path: &CodePath<'c>, file: &[&'c str]) -> Option<&'c str> {
    let mut module: Vec<&str> = match path.segments[0] {
        name if is_root(name) => Vec::new(),
        "super" | "self" => file.iter().chain(&path.within).copied().collect(),
        _ => return None,
    };
    for segment in &path.segments {
        match *segment {
            "super" => drop(module.pop()),
            name if is_root(name) || name == "self" => {}
            name => module.push(name),
        }
    }
    match module[..] {
        ["check", named, ..] => Some(named),
        _ => None,
    }
}

/// What is wrong with whom a source file names.
fn complaints(file: &File) -> Vec<String> {
    let (home, inside) = inside(&file.path).expect("a source file");
    let parts: Vec<&str> = inside.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
    let room = parts[0];
    // A crate's front page declares the rooms, and the command is a program of its own.
    if matches!(room, "lib" | "bin") {
        return vec![];
    }
    let Some(place) = ROOMS.iter().position(|(known, at, _)| (*known, *at) == (room, home)) else {
        return vec![file.complaint(1, format_args!("`{room}` is no room of this crate: give it a row in the table"))];
    };
    let may = ROOMS[place].2;
    let code = code_of(&file.text);
    let complaint = |path: &CodePath<'_>| {
        let what = match named(path, &parts)? {
            Named::Root => "the root of the crate is named as a whole: name the room that is meant".to_owned(),
            Named::Room(named) if named == room || may.allows(place, &file.path, named) => return None,
            Named::Room(named) => format!("`{room}` may not name `{named}`; it may name: {}", may.text()),
        };
        Some(file.complaint(path.line, what))
    };
    paths(&tokens(&code)).iter().filter_map(complaint).collect()
}

/// What a path names at the root of the crate, if it leads there. It stands in a module of the file's, which is the module `file`.
fn named<'c>(path: &CodePath<'c>, file: &[&str]) -> Option<Named<'c>> {
    let mut depth = match path.segments[0] {
        name if is_root(name) => 0,
        "super" | "self" => file.len() + path.within.len(),
        _ => return None,
    };
    for (place, segment) in path.segments.iter().enumerate() {
        match *segment {
            "super" => depth = depth.saturating_sub(1),
            name if place == 0 && is_root(name) => {}
            "self" => {}
            "*" if depth == 0 => return Some(Named::Root),
            room if depth == 0 => return Some(Named::Room(room)),
            _ => return None,
        }
    }
    // A lone `crate`, `super` or `self` is one of visibility, or a value.
    (depth == 0 && path.segments.len() > 1).then_some(Named::Root)
}

/// Whether this names a crate of ours, where rooms are.
fn is_root(name: &str) -> bool {
    matches!(name, "crate" | "stormglass" | "stormglass_check" | "stormglass_policies" | "stormglass_process")
}

#[test]
fn planted_violations_are_found() {
    for (path, code) in [
        ("crates/process/src/base/time.rs", "use crate::engine::Engine;"),
        ("crates/process/src/base.rs", "use super::engine::Engine;"),
        ("src/engine/queue.rs", "use crate::{base::Time, process::Message};"),
        ("src/engine/queue.rs", "use super::super::process;"),
        ("src/engine/queue.rs", "mod tests { use super::super::super::{process as p}; }"),
        ("crates/process/src/process/mod.rs", "fn f() { stormglass::world::World::run(); }"),
        ("crates/process/src/process/mod.rs", "fn f() { ::stormglass::world::run(); }"),
        ("crates/check/src/check/mod.rs", "use crate::*;"),
        ("crates/check/src/check/mod.rs", "use crate::{self as house};"),
        ("crates/check/src/check/mod.rs", "use super::{protocols::raft::Raft};"),
        ("src/world/mod.rs", "use crate::workload::Client;"),
        ("src/world/mod.rs", "use crate::systems;"),
        ("src/workload/mod.rs", "use crate::trace::Judge;"),
        ("src/protocols/raft/machine.rs", "use crate::trace::Record;"),
        ("src/protocols/raft/properties.rs", "use crate::world::World;"),
        ("src/protocols/raft/tests/mod.rs", "use crate::world::World;"),
        ("src/explore/mod.rs", "use crate::report::Report;"),
        ("src/attic/mod.rs", ""),
        ("src/base/mod.rs", ""),
        ("crates/check/src/trace/mod.rs", ""),
        ("crates/check/src/history/mod.rs", "use stormglass_check::check::Verdict;"),
        ("crates/check/src/check/mod.rs", "use stormglass_process::process::Process;"),
        ("crates/check/src/check/mod.rs", "use stormglass_policies::policies::retry::Backoff;"),
        ("crates/policies/src/policies/retry.rs", "use stormglass_process::process::Context;"),
    ] {
        assert_eq!(complaints(&File::planted(path, code)).len(), 1, "{path}: {code}");
    }
}

#[test]
fn planted_violations_within_check_are_found() {
    let check = |path: &str, code: &str| complaints_within_check(&File::planted(&format!("crates/check/src/check/{path}"), code)).len();
    for (path, code) in [
        ("model/kv.rs", "use crate::check::linearizability::check;"),
        ("model/mod.rs", "use super::recorded::Schema;"),
        ("verdict/rule.rs", "use super::super::isolation::Version;"),
        ("isolation/mod.rs", "use super::Verdict;"),
        ("isolation/report.rs", "mod tests { use super::super::super::recorded::transactions; }"),
        ("recorded/judge.rs", "use crate::check::{generate, model};"),
        ("attic.rs", ""),
    ] {
        assert_eq!(check(path, code), 1, "{path}: {code}");
    }
    for (path, code) in [
        ("mod.rs", "pub use recorded::run_check; use self::model::Model;"),
        ("model/kv.rs", "use super::{Key, Model}; use crate::check::monitor::Opinion; pub(in crate::check) fn f() {}"),
        ("linearizability/mod.rs", "use super::model::Model; use self::search::Search; use crate::history::History;"),
        ("isolation/report.rs", "mod tests { use super::super::check; use super::*; }"),
    ] {
        assert_eq!(check(path, code), 0, "{path}: {code}");
    }
}

#[test]
fn what_is_allowed_is_not_found() {
    for (path, code) in [
        ("crates/process/src/base/time.rs", "use super::Ratio; use crate::base::Digest; pub(crate) fn f() {} pub(super) fn g() {}"),
        (
            "crates/process/src/base/time.rs",
            "//! See `crate::world`.\n/// ```\n/// use stormglass::world::World;\n/// ```\nfn f() { g(\"crate::world\") }",
        ),
        ("src/engine/queue.rs", "mod tests { use super::super::Engine; use super::*; use crate::base::Time; }"),
        ("src/protocols/raft/properties.rs", "use crate::{base, check::Rule, history, trace::{Event, Judge}};"),
        ("src/protocols/raft/tests/stories.rs", "use crate::trace::Judge;"),
        ("src/protocols/raft/machine.rs", "use crate::process::{self, Context}; use super::rules::Rules;"),
        ("src/world/mod.rs", "use crate::{check, engine, environment, fault, history, process, trace};"),
        ("src/cli/run.rs", "use crate::{scenario, explore::sweep, report};"),
        ("src/lib.rs", "pub use crate::cli;"),
        ("src/trace/judge.rs", "use stormglass_check::check::Verdict;"),
        ("crates/check/src/lib.rs", "pub use stormglass_process::base;"),
    ] {
        assert_eq!(complaints(&File::planted(path, code)), Vec::<String>::new(), "{path}: {code}");
    }
}
