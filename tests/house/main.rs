//! The rules of the house, as tests: who may name whom, which words and habits are not for this code, and that the documents are true.
//!
//! Each rule is a function from text to complaints, so that it can be shown a violation and seen to complain.

mod documents;
mod habits;
mod layers;
mod manifest;
mod reading;
mod rust;
mod scenarios;
mod settings;
mod traits;

use std::fs;
use std::path::Path;

/// A file of the project: its path from the root, with `/`, and its text.
struct File {
    path: String,
    text: String,
}

impl File {
    /// A file that exists in a test only.
    #[cfg(test)]
    fn planted(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// A complaint about one of its lines, counted from 1.
    fn complaint(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// Where the project lies.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One file of the project.
fn file(path: &str) -> File {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    File { path: path.to_owned(), text }
}

/// All files below the given directories whose names end in this, in order. A directory that is not there has none.
fn files(directories: &[&str], ending: &str) -> Vec<File> {
    let mut paths = Vec::new();
    for directory in directories {
        gather(&root().join(directory), ending, &mut paths);
    }
    paths.iter().map(|path| file(path)).collect()
}

/// The sources of all crates.
fn sources() -> Vec<File> {
    files(&["src", "crates"], ".rs").into_iter().filter(|file| inside(&file.path).is_some()).collect()
}

/// The folder of the crate, empty for the one at the root, and what follows its `src/`.
fn inside(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("src/").map(|inside| ("", inside)).or_else(|| path.split_once("/src/"))
}

/// The text files that lie in the root itself.
fn files_at_root(ending: &str) -> Vec<File> {
    let mut paths: Vec<String> = entries(root()).filter(|path| root().join(path).is_file() && path.ends_with(ending)).collect();
    paths.sort();
    paths.iter().map(|path| file(path)).collect()
}

fn gather(directory: &Path, ending: &str, paths: &mut Vec<String>) {
    let mut below: Vec<String> = entries(directory).collect();
    below.sort();
    for path in below {
        let full = root().join(&path);
        // What a build leaves behind is not the project's.
        if full.is_dir() && !path.ends_with("/target") {
            gather(&full, ending, paths);
        } else if path.ends_with(ending) {
            paths.push(path);
        }
    }
}

/// What lies in a directory, as paths from the root.
fn entries(directory: &Path) -> impl Iterator<Item = String> {
    let found = fs::read_dir(directory).into_iter().flatten();
    found.map(|entry| {
        let path = entry.expect("a directory that can be read").path();
        let relative = path.strip_prefix(root()).expect("it is below the root");
        relative.iter().map(|part| part.to_str().expect("a name in UTF-8")).collect::<Vec<_>>().join("/")
    })
}

/// Fails with all complaints at once.
#[track_caller]
fn demand_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
