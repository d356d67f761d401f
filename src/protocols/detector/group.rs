//! A node that carries several detectors at once, so that they can be compared, and a worker that they may watch.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use super::{Config, Detector, Message, Note, Timer, mark};
use crate::base::{Duration, Kind, NodeId};
use crate::process::{self, Context, Embeds, Files, Mark, Process, SyncToken};

/// A node with a worker and detectors.
///
/// The worker is what the node is there for: at each tick it writes and syncs, and when that is done it has come one step further; and it
/// asks the next node for a piece of work, which that answers once it is on disk. While its disk stands still, so does it, and heartbeats
/// go on: a gray failure.
#[derive(Debug)]
pub struct DetectorGroup {
    detectors: Vec<Detector>,
    worker: Option<Worker>,
}

/// What such a node is built from.
#[derive(Clone, Debug)]
pub struct DetectorGroupConfig {
    /// How many nodes there are.
    pub nodes: u32,
    /// Its detectors, each with its own slot: its place in this list.
    pub detectors: Vec<Config>,
    /// Its worker, if it has one.
    pub worker: Option<WorkerConfig>,
}

/// What a worker is built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    /// How often it works.
    pub every: Duration,
}

#[derive(Debug)]
struct Worker {
    config: WorkerConfig,
    next: NodeId,
    done: u64,
    /// The sync that it waits for.
    waits_for: Option<SyncToken>,
    asked: u64,
    answered: u64,
}

/// What such nodes send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DetectorGroupMessage {
    /// A piece of work to be done.
    Work(u64),
    /// It is done, and on disk.
    Worked(u64),
    /// A detector speaks.
    Detector(Message),
}

impl process::Message for DetectorGroupMessage {
    #[inline]
    fn kind(&self) -> Kind {
        let detectors = Message::kinds().len() as u16;
        match self {
            Self::Detector(message) => message.kind(),
            Self::Work(_) => Kind { index: detectors, name: "Work" },
            Self::Worked(_) => Kind { index: detectors + 1, name: "Worked" },
        }
    }

    fn kinds() -> &'static [&'static str] {
        static KINDS: std::sync::LazyLock<Vec<&'static str>> =
            std::sync::LazyLock::new(|| Message::kinds().iter().copied().chain(["Work", "Worked"]).collect());
        &KINDS
    }

    fn about(kind: &str) -> &'static str {
        match kind {
            "Work" => "A worker asks the next node for a piece of work.",
            "Worked" => "The answer to Work: it is done, and on disk.",
            detector => Message::about(detector),
        }
    }
}

/// What its timers are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum DetectorGroupTimer {
    /// A detector's.
    Detector(Timer),
    /// To work.
    Work,
}

/// The files that its worker writes: what it has done, and what it was asked for by another.
const WORK: &str = "work";
const ASKED: &str = "work asked for";

const WORK_ANSWERED: Mark = Mark::new("work answered", "A request for work was answered.");
const WORK_WAITS: Mark =
    Mark::new("work waits for the disk", "The disk had not finished the last piece of work when the next one was due.");

impl DetectorGroup {
    /// Its detectors.
    pub fn detectors(&self) -> &[Detector] {
        &self.detectors
    }

    fn work(&mut self, context: &mut Context<'_, Self>) {
        let Some(worker) = &mut self.worker else { return };
        context.set_timer(DetectorGroupTimer::Work, worker.config.every);
        if worker.waits_for.is_some() {
            context.sometimes(WORK_WAITS);
            return;
        }
        context.write_at(WORK, 0, &(worker.done + 1).to_le_bytes());
        worker.waits_for = Some(context.sync());
        if worker.next != context.me() {
            worker.asked += 1;
            context.send(worker.next, DetectorGroupMessage::Work(worker.asked));
        }
    }
}

impl Embeds<Detector> for DetectorGroup {
    const SCOPE: &'static str = "detector";

    fn wrap_message(message: Message) -> DetectorGroupMessage {
        DetectorGroupMessage::Detector(message)
    }

    fn wrap_timer(timer: Timer) -> DetectorGroupTimer {
        DetectorGroupTimer::Detector(timer)
    }

    fn wrap_note(note: Note) -> Option<Note> {
        Some(note)
    }
}

impl Process for DetectorGroup {
    type Config = DetectorGroupConfig;
    type Message = DetectorGroupMessage;
    type Timer = DetectorGroupTimer;
    type Note = Note;

    const MARKS: &'static [Mark] = &MARKS;

    fn boot(config: &DetectorGroupConfig, files: &Files, context: &mut Context<'_, Self>) -> Self {
        let boot = |detector: &Config| Self::boot_inner(detector, files, context);
        let detectors = config.detectors.iter().map(boot).collect();
        let next = NodeId::server((context.me().index() as u32 + 1) % config.nodes);
        let worker = |config| Worker { config, next, done: 0, waits_for: None, asked: 0, answered: 0 };
        let mut group = Self { detectors, worker: config.worker.map(worker) };
        group.work(context);
        group
    }

    #[inline]
    fn on_message(&mut self, from: NodeId, message: DetectorGroupMessage, context: &mut Context<'_, Self>) {
        match message {
            DetectorGroupMessage::Detector(message) => {
                if let Some(detector) = self.detectors.get_mut(usize::from(message.slot)) {
                    context.embed(|context| detector.on_message(from, message, context));
                }
            }
            DetectorGroupMessage::Work(number) => {
                context.write_at(ASKED, 0, &number.to_le_bytes());
                context.send_when_durable(from, DetectorGroupMessage::Worked(number));
            }
            DetectorGroupMessage::Worked(number) => {
                if let Some(worker) = &mut self.worker {
                    worker.answered = worker.answered.max(number);
                    context.sometimes(WORK_ANSWERED);
                }
            }
        }
    }

    #[inline]
    fn on_timer(&mut self, timer: DetectorGroupTimer, context: &mut Context<'_, Self>) {
        match timer {
            DetectorGroupTimer::Work => self.work(context),
            DetectorGroupTimer::Detector(timer) => {
                if let Some(detector) = self.detectors.get_mut(usize::from(timer.slot)) {
                    context.embed(|context| detector.on_timer(timer, context));
                }
            }
        }
    }

    fn on_synced(&mut self, token: SyncToken, _: &mut Context<'_, Self>) {
        if let Some(worker) = self.worker.as_mut().filter(|worker| worker.waits_for == Some(token)) {
            worker.waits_for = None;
            worker.done += 1;
            let done = worker.done;
            self.detectors.iter_mut().for_each(|detector| detector.work_done(done));
        }
    }

    fn status(&self) -> String {
        let mut parts: Vec<String> = self.detectors.iter().map(Process::status).collect();
        parts.extend(
            self.worker
                .as_ref()
                .map(|worker| format!("{} pieces of work done, {} of {} asked for answered", worker.done, worker.answered, worker.asked)),
        );
        parts.join("; ")
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }

    fn read_disk(disk: &Files) -> Option<String> {
        let told = [WORK, ASKED].map(|file| Some(format!("{file}: {}", Self::read_records(file, disk.read(file)?)?)));
        let told: Vec<String> = told.into_iter().flatten().collect();
        (!told.is_empty()).then(|| told.join(", "))
    }

    fn read_records(file: &str, bytes: &[u8]) -> Option<String> {
        let number = u64::from_le_bytes(bytes.try_into().ok()?);
        [WORK, ASKED].contains(&file).then(|| format!("up to piece {number}"))
    }
}

static MARKS: [Mark; mark::ALL.len() + 2] = mark::and(&[WORK_ANSWERED, WORK_WAITS]);
