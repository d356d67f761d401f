//! The worker's side: it does as it is told, until it is told nothing more.

use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{self, ExitCode};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::message::{Answer, Closeness, Handler, Request, Sent, Step};
use crate::cli::exit::Exit;
use crate::cli::{files, panics};
use crate::diagnostic::{Diagnostics, Source};
use crate::explore::{Defect, NoOutcome, Row, STACK, line};
use crate::scenario::Scenario;
use crate::systems::{Registry, Watch};
use crate::trace::{Sink, UntypedRecord};

/// The variable of the environment by which a program is told that it is a worker.
pub(super) const VARIABLE: &str = "STORMGLASS_WORKER";
/// What each line of a worker begins with: whatever else is on its standard output, the code of its runs has printed.
pub(super) const MARK: &str = "\u{1}stormglass ";

/// Its values: for a worker, and for one whose runs are held against those of another.
pub(super) const FIRST: &str = "first";
pub(super) const SECOND: &str = "second";

/// Whether this process is to be a worker.
pub(in crate::cli) fn is_wanted() -> bool {
    role().is_some()
}

#[expect(clippy::disallowed_methods, reason = "it decides who runs a seed, and reaches no run")]
fn role() -> Option<String> {
    std::env::var(VARIABLE).ok()
}

/// Runs what comes in on standard input, until that ends.
pub(in crate::cli) fn serve(registry: &Registry) -> ExitCode {
    panics::take_over();
    give_way();
    let (sender, requests) = mpsc::channel();
    #[expect(clippy::disallowed_methods, reason = "each run stays on one thread; the other one only listens")]
    thread::scope(|scope| {
        let runs =
            thread::Builder::new().name("worker".to_owned()).stack_size(STACK).spawn_scoped(scope, move || work(&requests, registry));
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        for request in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
            if runs.is_err() || sender.send(request).is_err() {
                break;
            }
        }
        // Whoever asked is gone, or has enough: nobody waits for the end of what is under way.
        process::exit(Exit::Held as i32)
    })
}

/// Where memory runs out, this process is to go, and not the command.
fn give_way() {
    // Elsewhere than on Linux there is no such file, and nothing can be done.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

fn work(requests: &Receiver<Request>, registry: &Registry) {
    let mut scenario = None;
    for request in requests {
        match request {
            Request::Scenario(name, text) => {
                scenario = Scenario::parse(&Source::new(name, text).with_files(files::beside), registry, &Diagnostics::new());
                // Twice, as the first run has perhaps had one before it.
                let second = scenario.iter().filter(|_| role().as_deref() == Some(SECOND));
                second.flat_map(|scenario| [scenario; 2]).for_each(warm_up);
                say(&Answer::Ready);
            }
            Request::Run { seed, watch, compared } => {
                let row = Row::new(seed, run(scenario.as_ref(), seed, watch));
                say(&Answer::Ended(Box::new(Sent::of(&row, compared))));
            }
        }
    }
}

fn run(scenario: Option<&Scenario>, seed: u64, closeness: Closeness) -> Result<crate::world::Outcome, NoOutcome> {
    let scenario = scenario.ok_or_else(|| Defect { message: "the worker cannot read the scenario of its command".to_owned() })?;
    let judged = closeness != Closeness::Steps { judged: false };
    let mut narrator = Narrator(closeness);
    let sinks: Vec<&mut dyn Sink> = if closeness == Closeness::Outcome { Vec::new() } else { vec![&mut narrator] };
    let run = || panics::watched(|| scenario.run_watched(seed, Watch { sinks, judged, ..Watch::default() }));
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| Defect { message: panics::message(panic.as_ref()) }.into())
}

/// Runs something else first, so that what the code of a run keeps from one run to the next is not as it is in a fresh process.
fn warm_up(scenario: &Scenario) {
    let mut other = scenario.clone();
    other.conditions.events = other.conditions.events.min(20_000);
    let watch = Watch { judged: false, ..Watch::default() };
    let run = || panics::watched(|| other.run_watched(u64::MAX, watch));
    // A panic is found by the run itself.
    let _ = catch_unwind(AssertUnwindSafe(run));
}

/// Tells what happens, while it does.
struct Narrator(Closeness);

impl Sink for Narrator {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        match self.0 {
            Closeness::Outcome => {}
            Closeness::Records => say(&Answer::Record { digest: entry.digest, at: entry.at, line: line(entry) }),
            Closeness::Steps { .. } => {
                if let (Some(node), Some(doing)) = (entry.node, handler(entry)) {
                    say(&Answer::Step(Step { node, at: entry.at, digest: entry.digest, doing }));
                }
            }
        }
    }
}

/// What a node does next, if this record begins a step of one.
fn handler(entry: &UntypedRecord<'_>) -> Option<Handler> {
    match (entry.sort, entry.message) {
        ("boot", _) => Some(Handler::Booting),
        ("deliver", Some((id, kind))) => Some(Handler::Handling { kind: kind.name.to_owned(), count: u64::from(id.count), from: id.from }),
        ("timer", _) => Some(Handler::Fired(entry.line(200).detail)),
        ("synced", _) => Some(Handler::Synced),
        ("resume", _) => Some(Handler::Waking),
        _ => None,
    }
}

/// Says it in a line of its own, whatever the code of a run has printed before; and at once, so that its command wakes up once for it.
fn say(answer: &Answer<'_>) {
    let mut line = format!("\n{MARK}").into_bytes();
    line.extend(serde_json::to_vec(answer).unwrap_or_default());
    line.push(b'\n');
    let mut out = io::stdout().lock();
    if out.write_all(&line).and_then(|()| out.flush()).is_err() {
        // Nobody listens any more.
        process::exit(Exit::File as i32);
    }
}
