//! The scenario files of the project.

use std::fs;
use std::path::{Path, PathBuf};

/// All scenario files below a folder, in order.
pub(crate) fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            find(&entry, files);
        } else if entry.extension().is_some_and(|extension| extension == "ron") {
            files.push(entry);
        }
    }
}
