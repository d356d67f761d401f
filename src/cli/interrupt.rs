//! Ctrl-C, and the signals that ask a process to end: SIGTERM, and SIGHUP when its terminal closes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError, mpsc};
use std::time::Duration;

use super::exit::Exit;
use super::workers::now;

/// Whether it was pressed.
static PRESSED: AtomicBool = AtomicBool::new(false);
/// Whether the command looks at [`PRESSED`] and ends soon.
static HEEDED: AtomicBool = AtomicBool::new(false);
/// Held while something is written that should not be torn.
static WRITING: Mutex<()> = Mutex::new(());
/// Files that are not finished, and not to be left behind.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// What is said when it is pressed, by a command that is then to come to its end: see [`heed_saying`].
static SAID: OnceLock<&str> = OnceLock::new();
/// What such a command does last of all, if it is ended at once: see [`do_last`].
static LAST: Mutex<Option<Last>> = Mutex::new(None);
/// How long that may take.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long a command that says so has for its end.
const GRACE: Duration = Duration::from_secs(5);

/// Listens for the rest of the process. It ends at once, unless the command [`heed`]s; the second time it ends at once in any case, but for
/// the [`GRACE`] of a command that has said that it ends.
pub(super) fn listen() {
    if hangup_is_ignored() {
        return;
    }
    // Without a listener Ctrl-C still ends the process: by the signal.
    let mut since = None;
    let _ = ctrlc::set_handler(move || {
        let pressed_before = PRESSED.swap(true, Ordering::Relaxed);
        if let Some(words) = SAID.get() {
            if !pressed_before {
                let _ = writeln!(std::io::stderr(), "{words}");
            }
            if now().duration_since(*since.get_or_insert_with(now)) < GRACE {
                return;
            }
        }
        if !HEEDED.load(Ordering::Relaxed) || pressed_before {
            if let Some(last) = last().take() {
                in_time(last);
            }
            let _writing = wait_for_writing();
            for path in unfinished().drain(..) {
                // The user who pressed Ctrl-C wants to go, not to hear of this.
                let _ = std::fs::remove_file(path);
            }
            let _ = std::io::stderr().write_all(b"interrupted\n");
            std::process::exit(Exit::Interrupted as i32);
        }
    });
}

/// Does this, but no longer than [`LAST_WORDS`]: whatever becomes of it, the process ends.
#[expect(clippy::disallowed_methods, reason = "it writes what is there already, and reaches no run")]
fn in_time(last: Last) {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        last();
        done.send(())
    });
    let _ = is_done.recv_timeout(LAST_WORDS);
}

/// Whether the process is to outlive its terminal, as `nohup` asks for: then signals are left as they are, for they can only be listened to
/// together. The list of what is ignored is Linux's.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).is_some_and(|signals| signals & 1 == 1)
}

/// From now on Ctrl-C only sets what is returned.
pub(super) fn heed() -> &'static AtomicBool {
    HEEDED.store(true, Ordering::Relaxed);
    &PRESSED
}

/// The same, and then these words are said at once. For a while nothing ends it before it has come to its end.
pub(super) fn heed_saying(words: &'static str) -> &'static AtomicBool {
    // A process has one command.
    let _ = SAID.set(words);
    heed()
}

/// What is done last of all.
type Last = Box<dyn FnOnce() + Send>;

/// From now on this is done if Ctrl-C ends the process, in place of what was said before; or nothing.
pub(super) fn do_last(what: Option<Last>) {
    *last() = what;
}

fn last() -> MutexGuard<'static, Option<Last>> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes this file if Ctrl-C ends the process.
pub(super) fn clean_up(path: &Path) {
    unfinished().push(path.to_owned());
}

/// Lets this file stay: it has become whole.
pub(super) fn keep(path: &Path) {
    unfinished().retain(|other| other != path);
}

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While this is held, Ctrl-C waits a little before it ends the process.
pub(super) fn hold() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until nothing is being written; not for ever: the reader may have stopped.
fn wait_for_writing() -> Option<MutexGuard<'static, ()>> {
    for _ in 0..100 {
        match WRITING.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    None
}
