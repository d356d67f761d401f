//! Files that are read and written.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use super::exit::{Exit, Failure};
use super::interrupt;

/// No scenario is as long as this.
const LONGEST: u64 = 64 << 20;

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    // The bound is on what is read, not on what the file claims to be: it may be a device.
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err(match error.kind() {
            ErrorKind::IsADirectory => Failure::new(Exit::File, &format!("{} is a directory, not a scenario file", path.display())),
            _ => Failure::file("read", path, &error),
        });
    }
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::new(Exit::Invalid, &format!("{} is longer than 64 MiB: no scenario is", path.display())));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..place].iter().filter(|byte| **byte == b'\n').count() + 1;
        Failure::new(Exit::Invalid, &format!("{} is not UTF-8 text: byte {place}, in line {line}", path.display()))
    })
}

/// Opens a file for writing, before the long run that fills it. The scenario is not overwritten.
pub(super) fn create(path: &Path, scenario: &Path) -> Result<Output, Failure> {
    if same(path, scenario) {
        return Err(Failure::new(Exit::Usage, &format!("{} is the scenario itself: it is not overwritten", path.display())));
    }
    File::create(path).map(Output).map_err(|error| Failure::file("write", path, &error))
}

/// A file whose lines are whole if they are written at once, whatever ends the process.
pub(super) struct Output(File);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let _hold = interrupt::hold();
        self.0.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(unix)]
fn same(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino()));
    matches!((identity(a), identity(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(not(unix))]
fn same(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}
