//! The manifest: what the project stands on, and under which terms it is given away.

use std::collections::BTreeMap;

use crate::{file, root};

/// Those of all crates.
const MANIFESTS: [&str; 4] = ["Cargo.toml", "crates/check/Cargo.toml", "crates/policies/Cargo.toml", "crates/process/Cargo.toml"];

#[test]
fn the_licence_is_given() {
    let manifest = file("Cargo.toml");
    assert!(manifest.text.contains("\nlicense = \"MIT OR Apache-2.0\"\n"), "Cargo.toml names the licence");
    for path in MANIFESTS {
        let manifest = file(path).text;
        assert!(manifest.contains("\nlicense.workspace = true\n"), "{path} names the licence");
        assert!(manifest.contains("\ndescription = ") && manifest.contains("\ndocumentation = \"https://docs.rs/stormglass"), "{path}");
    }
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(root().join(licence).is_file(), "{licence} is missing");
    }
}

/// Each dependency has its reason in the document, and the document names no other.
#[test]
fn every_dependency_has_its_reason() {
    let manifests: String = MANIFESTS.iter().map(|path| file(path).text).collect();
    let document = file("docs/ARCHITECTURE.md");
    let reasons = reasons(&document.text);
    let unexplained: Vec<_> = reasons.iter().filter(|(_, why)| why.len() < 10).map(|(name, _)| name).collect();
    assert!(unexplained.is_empty(), "dependencies without a reason in docs/ARCHITECTURE.md: {unexplained:?}");
    let (named, explained) = (dependencies(&manifests), reasons.into_keys().collect::<Vec<_>>());
    assert_eq!(named, explained, "the dependencies in the manifests (left) and in docs/ARCHITECTURE.md (right) differ");
}

/// What lints keep out, no rule of ours looks for; so they must be on, in each crate.
#[test]
fn the_lints_are_on() {
    let manifest = file("Cargo.toml").text;
    let (_, lints) = manifest.split_once("[workspace.lints.rust]").expect("it has lints");
    for lint in ["allow_attributes_without_reason", "dbg_macro", "ignore_without_reason", "todo", "unimplemented", "unwrap_used"] {
        assert!(lints.contains(&format!("\n{lint} = \"warn\"\n")), "Cargo.toml has `{lint}`");
    }
    assert!(lints.contains("\nunsafe_code = \"forbid\"\n"), "Cargo.toml forbids unsafe code");
    for path in MANIFESTS {
        assert!(file(path).text.contains("\n[lints]\nworkspace = true\n"), "{path} takes over the lints");
        let library = path.replace("Cargo.toml", "src/lib.rs");
        let prints = "\n#![warn(clippy::print_stderr, clippy::print_stdout)]\n";
        assert!(file(&library).text.contains(prints), "{library} does not print");
    }
    let clippy = file("clippy.toml").text;
    for path in ["std::time::Instant::now", "std::time::SystemTime"] {
        assert!(clippy.contains(&format!("path = \"{path}\"")), "clippy.toml has `{path}`");
    }
}

/// Production code depends on the contract: what that drags along stays a handful.
#[test]
fn the_contract_stands_on_little() {
    let manifest = file("crates/process/Cargo.toml").text;
    let (before_tests, _) = manifest.split_once("[dev-dependencies]").expect("it has tests");
    assert_eq!(dependencies(before_tests), ["chacha20", "serde", "serde_json"]);
    let manifest = file("crates/policies/Cargo.toml").text;
    let (before_tests, _) = manifest.split_once("[dev-dependencies]").expect("it has tests");
    assert_eq!(dependencies(before_tests), ["libm"]);
}

/// The names in all tables of dependencies but our own, sorted, each once.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if let Some(title) = line.strip_prefix('[') {
            let title = title.trim_end_matches(']');
            inside = title.ends_with("dependencies");
            names.extend(title.split_once("dependencies.").map(|(_, name)| name.to_owned()));
        } else if inside && let Some((name, _)) = line.split_once('=').filter(|_| !line.starts_with([' ', '#'])) {
            names.push(name.trim().trim_end_matches(".workspace").to_owned());
        }
    }
    // Our crates depend on each other, and that at the root on itself in tests, to have all its features there.
    names.retain(|name| !name.starts_with("stormglass"));
    names.sort();
    names.dedup();
    names
}

/// The items of the section on dependencies: name and reason.
fn reasons(document: &str) -> BTreeMap<String, String> {
    let section = document.lines().skip_while(|line| *line != "## Dependencies").skip(1).take_while(|line| !line.starts_with("## "));
    let item = |line: &str| {
        let (name, why) = line.strip_prefix("- `")?.split_once("`: ")?;
        Some((name.to_owned(), why.to_owned()))
    };
    section.filter_map(item).collect()
}

#[test]
fn dependencies_are_read() {
    let manifest = "[features]\ncli = []\n[dependencies]\na = \"1\"\n# b = \"1\"\nc = { version = \"1\" }\ne.workspace = true\n[dependencies.d]\n\
                    version = \"1\"\n[dev-dependencies]\na = \"1\"\nstormglass = { path = \".\" }\nstormglass-check.workspace = true\n";
    assert_eq!(dependencies(manifest), ["a", "c", "d", "e"]);
    let document = "## Dependencies\n\n- `a`: because.\n- `c`\n\n## Else\n\n- `d`: no.\n";
    assert_eq!(reasons(document).into_iter().collect::<Vec<_>>(), [("a".to_owned(), "because.".to_owned())]);
}
