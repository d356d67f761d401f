//! Instructions, as valgrind's callgrind counts them.

use std::path::Path;
use std::process::Command;

/// What a program prints, and how many instructions it takes, as valgrind's callgrind counts; nothing where valgrind is not installed.
#[allow(clippy::disallowed_methods, reason = "a program is run")]
pub(crate) fn instructions(program: &Path, arguments: &[&str]) -> Option<(String, u64)> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program).args(arguments);
    let output = valgrind.output().ok()?;
    let told = String::from_utf8_lossy(&output.stderr);
    let collected = told.lines().find_map(|line| line.split_once("Collected : "))?.1.trim().parse().ok()?;
    Some((String::from_utf8_lossy(&output.stdout).trim().to_owned(), collected))
}
