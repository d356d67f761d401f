//! The command's side of one worker.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::message::{Answer, Closeness, Request};
use super::serve::{FIRST, MARK, SECOND, VARIABLE};
use crate::scenario::Scenario;

/// A worker process. It is ended when this is dropped.
pub(super) struct Worker {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<Answer<'static>>,
    /// What it complained of last, if that is listened to.
    last_words: Option<Receiver<String>>,
}

/// In what surroundings a worker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surroundings {
    /// Those of the command.
    Same,
    /// The same, but what it complains of is kept, to be asked for.
    Overheard,
    /// Another directory, another time zone, another language, another user: what no run may depend on.
    Other,
}

/// What is heard of a worker.
pub(super) enum Heard {
    /// It says something.
    Answer(Answer<'static>),
    /// Nothing so far.
    Nothing,
    /// Its process has ended.
    Gone,
}

/// How long one waits for an answer before one looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(20);

impl Worker {
    /// Starts one for this scenario.
    pub(super) fn start(scenario: &Scenario, surroundings: Surroundings) -> io::Result<Self> {
        let mut command = program()?;
        let role = if surroundings == Surroundings::Other { SECOND } else { FIRST };
        command.env(VARIABLE, role).stdin(Stdio::piped()).stdout(Stdio::piped());
        match surroundings {
            Surroundings::Same => {}
            Surroundings::Overheard => {
                command.stderr(Stdio::piped());
            }
            Surroundings::Other => {
                command.current_dir(std::env::temp_dir());
                command.envs([("TZ", "Pacific/Kiritimati"), ("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8"), ("USER", "somebody-else")]);
                command.envs([("HOME", "/nowhere"), ("HOSTNAME", "elsewhere"), ("COLUMNS", "43"), ("STORMGLASS_OTHER", "1")]);
            }
        }
        let mut child = command.spawn()?;
        let missing = || io::Error::other("a worker has no standard streams");
        let requests = child.stdin.take().ok_or_else(missing)?;
        let answers = listen(child.stdout.take().ok_or_else(missing)?)?;
        let last_words = child.stderr.take().map(overhear).transpose()?;
        let mut worker = Self { child, requests, answers, last_words };
        worker.ask([Request::Scenario(scenario.name.clone(), scenario.to_ron())]);
        Ok(worker)
    }

    /// Lets it run these seeds, one after the other; it tells of them in this order. Whether they are to be compared: see [`Request::Run`].
    pub(super) fn run(&mut self, seeds: impl IntoIterator<Item = u64>, watch: Closeness, compared: bool) {
        self.ask(seeds.into_iter().map(|seed| Request::Run { seed, watch, compared }));
    }

    fn ask(&mut self, requests: impl IntoIterator<Item = Request>) {
        let lines: String = requests.into_iter().map(|request| serde_json::to_string(&request).unwrap_or_default() + "\n").collect();
        // If it is gone, that is heard of when it is listened to.
        let _ = self.requests.write_all(lines.as_bytes()).and_then(|()| self.requests.flush());
    }

    /// Listens a little.
    pub(super) fn hear(&self) -> Heard {
        match self.answers.recv_timeout(PATIENCE) {
            Ok(answer) => Heard::Answer(answer),
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(RecvTimeoutError::Disconnected) => Heard::Gone,
        }
    }

    /// How its process ended, which is gone, in words.
    pub(super) fn obituary(mut self) -> String {
        let ended = self.child.wait().map_or_else(|error| error.to_string(), in_words);
        let words = self.last_words.take().and_then(|words| words.recv().ok()).filter(|words| !words.is_empty());
        words.map_or_else(|| ended.clone(), |words| format!("{ended}: {words}"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program, with the arguments that brought it here.
fn program() -> io::Result<Command> {
    // On Linux this is the program that runs, even if its file has been replaced since.
    let own = std::path::Path::new("/proc/self/exe");
    let path = if own.exists() { own.to_owned() } else { std::env::current_exe()? };
    let mut arguments = std::env::args_os();
    let mut command = Command::new(path);
    let name = arguments.next();
    command.args(arguments);
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // Ctrl-C is for the command, which tells its workers.
        command.process_group(0);
        if let Some(name) = name {
            command.arg0(name);
        }
    }
    #[cfg(not(unix))]
    let _ = name;
    Ok(command)
}

/// Passes on what the worker says, on a thread of its own. What the code of its runs prints goes to standard error.
fn listen(out: ChildStdout) -> io::Result<Receiver<Answer<'static>>> {
    let (sender, answers) = mpsc::sync_channel(256);
    let listener = move || {
        let mut reader = BufReader::new(out);
        let (mut line, mut is_ready, mut is_over) = (Vec::new(), false, false);
        while !is_over && reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            match line.strip_prefix(MARK.as_bytes()).and_then(|answer| serde_json::from_slice(answer).ok()) {
                // What a program prints before it comes to be a worker, its command has printed, too.
                Some(Answer::Ready) => is_ready = true,
                Some(answer) => sender.send(answer).unwrap_or_else(|_| is_over = true),
                None if is_ready && line != b"\n" => drop(io::stderr().write_all(&line)),
                None => {}
            }
            line.clear();
        }
    };
    thread::Builder::new().spawn(listener)?;
    Ok(answers)
}

/// Keeps the last line that says something, on a thread of its own.
fn overhear(mut err: ChildStderr) -> io::Result<Receiver<String>> {
    let (sender, last) = mpsc::channel();
    let listener = move || {
        let mut bytes = Vec::new();
        let _ = err.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let says_something = |line: &&str| !line.trim().is_empty() && !line.starts_with("note: ");
        let _ = sender.send(text.lines().rfind(says_something).unwrap_or_default().to_owned());
    };
    thread::Builder::new().spawn(listener)?;
    Ok(last)
}

fn in_words(status: ExitStatus) -> String {
    status.to_string().trim_end_matches(" (core dumped)").to_owned()
}
