//! Files that are read and written.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use super::exit::{Exit, Failure};
use super::interrupt;
use crate::base::printable;
use crate::scenario::is_history;

/// No scenario is as long as this.
const LONGEST: u64 = 64 << 20;

/// The path as messages have it: in one line, whatever is in it.
pub(super) fn shown(path: &Path) -> String {
    printable(&path.display().to_string()).into_owned()
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    // The bound is on what is read, not on what the file claims to be: it may be a device.
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err(match error.kind() {
            ErrorKind::IsADirectory => Failure::new(Exit::File, &format!("{} is a directory, not a scenario file", shown(path))),
            _ => Failure::file("read", path, &error),
        });
    }
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::new(Exit::Invalid, &format!("{} is longer than 64 MiB: no scenario is", shown(path))));
    }
    String::from_utf8(bytes).map_err(|error| {
        if is_history(error.as_bytes()) {
            return Failure::new(Exit::Invalid, &format!("{} is no scenario: it is a history, which `check` judges", shown(path)));
        }
        let place = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..place].iter().filter(|byte| **byte == b'\n').count() + 1;
        Failure::new(Exit::Invalid, &format!("{} is not UTF-8 text: byte {place}, in line {line}", shown(path)))
    })
}

/// The text of a file that a scenario names.
pub(in crate::cli) fn beside(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::new(ErrorKind::FileTooLarge, "it is longer than 64 MiB"));
    }
    Ok(text)
}

/// Opens a file for writing, before the long run that fills it. The scenario is not overwritten.
pub(super) fn create(path: &Path, scenario: &Path) -> Result<Output, Failure> {
    spare(path, "scenario", &[scenario])?;
    File::create(path).map(Output::new).map_err(|error| Failure::file("write", path, &error))
}

/// Opens a file of rows for writing, or to go on with it; what is there stays until it is [`cut`](Output::cut). The scenario is not
/// overwritten, and neither is what another process writes.
pub(super) fn open_rows(path: &Path, scenario: &Path, to_go_on: bool) -> Result<Output, Failure> {
    spare(path, "scenario", &[scenario])?;
    if to_go_on && fs::metadata(path).is_ok_and(|known| !known.is_file()) {
        return Err(Failure::new(Exit::Usage, &format!("--resume: {} is no plain file", shown(path))));
    }
    let file = File::options().read(to_go_on).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(|error| Failure::file("write", path, &error))?;
    // Where files cannot be locked, this is not found out.
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return Err(Failure::new(Exit::File, &format!("cannot write {}: another process is writing it", shown(path))));
    }
    Ok(Output::new(file))
}

/// Refuses to write two things to one file. What is no plain file may well be given twice.
///
/// # Errors
/// The usage is wrong.
pub(super) fn distinct(outputs: &[Option<&PathBuf>]) -> Result<(), Failure> {
    let places: Vec<(&PathBuf, PathBuf)> = outputs.iter().flatten().map(|path| (*path, place(path))).collect();
    for (number, (path, place)) in places.iter().enumerate() {
        let is_special = fs::metadata(path).is_ok_and(|known| !known.is_file());
        if !is_special && places[..number].iter().any(|(other, known)| known == place || same(other, path)) {
            return Err(Failure::new(Exit::Usage, &format!("{} is to be written twice: give each its own file", shown(path))));
        }
    }
    Ok(())
}

/// Where the file is, or will be.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let known = fs::canonicalize(path).ok();
    let new = || Some(fs::canonicalize(folder).ok()?.join(path.file_name()?));
    known.or_else(new).unwrap_or_else(|| path.to_owned())
}

/// Refuses to write what is read.
fn spare(path: &Path, what: &str, inputs: &[impl AsRef<Path>]) -> Result<(), Failure> {
    if inputs.iter().any(|input| same(path, input.as_ref())) {
        return Err(Failure::new(Exit::Usage, &format!("{} is the {what} itself: it is not overwritten", shown(path))));
    }
    Ok(())
}

/// A file whose lines are whole if they are written at once, whatever ends the process, and if the disk fills up.
pub(super) struct Output {
    file: File,
    /// How many bytes it has that end in a line break.
    whole: u64,
}

impl Output {
    fn new(file: File) -> Self {
        Self { file, whole: 0 }
    }

    /// The file.
    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// Cuts off what is behind so many bytes, which end in a line break, and writes on from there. What is no plain file has no length.
    pub(super) fn cut(&mut self, whole: u64) -> io::Result<()> {
        if self.file.metadata()?.is_file() {
            self.file.set_len(whole)?;
            self.file.seek(SeekFrom::Start(whole))?;
        }
        self.whole = whole;
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    /// Writes lines. If not all of them fit, those stay that are whole.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let _hold = interrupt::hold();
        let mut written = 0;
        while written < bytes.len() {
            match self.file.write(&bytes[written..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(length) if length > 0 => written += length,
                failed => {
                    let whole = bytes[..written].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                    // What is no file has no length, and keeps what it got.
                    let _ = self.file.set_len(self.whole + whole as u64);
                    return Err(failed.err().unwrap_or_else(|| ErrorKind::WriteZero.into()));
                }
            }
        }
        self.whole += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file that appears only when it is whole: it is written under another name beside it, and then renamed.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    to: To,
}

#[derive(Debug)]
enum To {
    /// Something that was there and is no plain file: a device, a pipe. It is written at once.
    Device(File),
    Draft(NamedTempFile),
}

/// Opens a file for writing, before the work that fills it. What is read is not overwritten.
pub(super) fn draft(path: &Path, what: &str, inputs: &[impl AsRef<Path>]) -> Result<Draft, Failure> {
    spare(path, what, inputs)?;
    let failed = |error: io::Error| Failure::file("write", path, &error);
    if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
        let device = File::options().write(true).open(path).map_err(failed)?;
        return Ok(Draft { path: path.to_owned(), to: To::Device(device) });
    }
    // What a link leads to is written, not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = draft_in(folder).map_err(failed)?;
    Ok(Draft { path, to: To::Draft(file) })
}

/// A file in this folder that has no name yet: it goes if it is not given one.
pub(super) fn draft_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".stormglass-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder)?;
    interrupt::clean_up(file.path());
    Ok(file)
}

/// A folder in this one that goes, with all that is in it then, unless that is moved out of it.
pub(super) fn folder_in(folder: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new().prefix(".stormglass-").tempdir_in(folder)
}

impl Draft {
    /// Writes all of it, and lets the file appear.
    pub(super) fn fill(mut self, path: &Path, text: &str) -> Result<(), Failure> {
        self.write_all(text.as_bytes()).map_err(|error| Failure::file("write", path, &error))?;
        self.finish()
    }

    /// Lets the file appear.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let To::Draft(file) = self.to else { return Ok(()) };
        let _hold = interrupt::hold();
        let draft = file.path().to_owned();
        let kept = file.persist(&self.path);
        interrupt::keep(&draft);
        kept.map(|_| ()).map_err(|error| Failure::file("write", &self.path, &error.error))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Device(file) => file.write(bytes),
            To::Draft(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Device(file) => file.flush(),
            To::Draft(file) => file.flush(),
        }
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
