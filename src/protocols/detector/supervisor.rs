//! Supervision: the jobs of failed nodes go on, because the nodes are started anew or others take their place.
//!
//! Each job belongs to a node; nodes without a job are spare. The leader ([`Omega`]) supervises: a node with a job that is suspected for a
//! while is [started anew](Context::restart); one that is suspected for longer is replaced by a spare one. The leader tells all nodes which
//! has which job, again and again. A job's epoch grows when it goes to another, and the higher epoch wins.
//!
//! As Ω promises no safety, neither does this: for a while a job may be done twice, or by no node. In the end each is done once.

use serde::{Deserialize, Serialize};

use std::fmt::Debug;
use std::sync::Arc;

use super::omega::NEW_LEADER;
use super::{Config, Message, Omega, OmegaNote, Rules, Timer, mark};
use crate::base::{Duration, Kind, LocalTime, NodeId, SortedMap};
use crate::process::{self, Claim, Context, Embeds, Files, Mark, Process, Role};

/// A node that does jobs, and supervises the others while it leads.
#[derive(Debug)]
pub struct Supervisor {
    omega: Omega,
    rules: Arc<dyn Rules>,
    me: NodeId,
    nodes: u32,
    restart_after: Duration,
    replace_after: Duration,
    every: Duration,
    /// By job: who does it.
    jobs: Vec<Assignment>,
    /// The jobs that it does itself.
    doing: SortedMap<u32, u32>,
    /// Since when nodes with jobs are suspected, and whether they were started anew for it.
    suspected: SortedMap<NodeId, (LocalTime, bool)>,
    /// Since when it leads, if it does.
    leads: Option<LocalTime>,
}

/// What such a node is built from.
#[derive(Clone, Debug)]
pub struct SupervisorConfig {
    /// The detector beneath.
    pub detector: Config,
    /// How many jobs there are: fewer than nodes, for the others are spare. At first the first nodes have them.
    pub jobs: u32,
    /// How long a node is suspected before it is started anew.
    pub restart_after: Duration,
    /// How long it is suspected before another takes its job.
    pub replace_after: Duration,
    /// How often the supervisor looks, and tells who has which job.
    pub every: Duration,
}

/// Who does a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Assignment {
    /// Grows when the job goes to another.
    pub epoch: u32,
    /// Who does it. Of two supervisors that chose in the same epoch, the higher choice wins.
    pub node: NodeId,
}

/// What such nodes send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SupervisorMessage {
    /// What the election and its detector send.
    Omega(Message),
    /// Who does which job, by job.
    Jobs(Vec<Assignment>),
}

impl process::Message for SupervisorMessage {
    fn kind(&self) -> Kind {
        match self {
            Self::Omega(message) => message.kind(),
            Self::Jobs(_) => Kind { index: Message::kinds().len() as u16, name: "Jobs" },
        }
    }

    fn kinds() -> &'static [&'static str] {
        static KINDS: std::sync::LazyLock<Vec<&'static str>> =
            std::sync::LazyLock::new(|| Message::kinds().iter().copied().chain(["Jobs"]).collect());
        &KINDS
    }

    fn about(kind: &str) -> &'static str {
        match kind {
            "Jobs" => "Who does which job, as the sender knows it.",
            omega => Message::about(omega),
        }
    }
}

/// What its timers are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum SupervisorTimer {
    /// The detector's.
    Omega(Timer),
    /// To look after the jobs.
    Supervise,
}

/// What it says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum SupervisorNote {
    /// What the election and its detector say.
    Omega(OmegaNote),
    /// It does this job from now on.
    Does {
        /// Which.
        job: u32,
        /// In which epoch.
        epoch: u32,
    },
    /// It does this job no longer.
    Leaves {
        /// Which.
        job: u32,
    },
}

const RESTARTED: Mark = Mark::new("node started anew", "A node that was suspected was started anew.");
const REPLACED: Mark = Mark::new("node replaced", "The job of a node that was suspected for long went to another.");
const NO_SPARE: Mark = Mark::new("no spare node", "There was no node left to take a job.");

static MARKS: [Mark; mark::ALL.len() + 4] = mark::and(&[NEW_LEADER, RESTARTED, REPLACED, NO_SPARE]);

impl Supervisor {
    fn supervise(&mut self, context: &mut Context<'_, Self>) {
        context.set_timer(SupervisorTimer::Supervise, self.every);
        if self.omega.leader() != self.me {
            self.leads = None;
            self.suspected.clear();
            return;
        }
        // A leader that has just begun may not know who has which job: those who know better tell it when they hear what it believes.
        let since = *self.leads.get_or_insert(context.now());
        if context.now().since(since) >= self.restart_after {
            for job in 0..self.jobs.len() {
                self.look_after(job, context);
            }
            self.take_up(context);
        }
        for node in (0..self.nodes).map(NodeId::server).filter(|node| *node != self.me) {
            context.send(node, SupervisorMessage::Jobs(self.jobs.clone()));
        }
    }

    fn look_after(&mut self, job: usize, context: &mut Context<'_, Self>) {
        let Assignment { epoch, node } = self.jobs[job];
        if node == self.me || !self.omega.detector().suspects(node) {
            self.suspected.remove(&node);
            return;
        }
        let now = context.now();
        let (since, restarted) = *self.suspected.entry(node).or_insert((now, false));
        if now.since(since) >= self.replace_after {
            match self.spare() {
                Some(spare) => {
                    context.sometimes(REPLACED);
                    self.suspected.remove(&node);
                    self.jobs[job] = Assignment { epoch: epoch + 1, node: spare };
                }
                None => context.sometimes(NO_SPARE),
            }
        } else if now.since(since) >= self.restart_after && !restarted {
            context.sometimes(RESTARTED);
            self.suspected.insert(node, (since, true));
            context.restart(node);
        }
    }

    /// The first node that has no job and is not suspected.
    fn spare(&self) -> Option<NodeId> {
        let idle = |node: &NodeId| self.jobs.iter().all(|job| job.node != *node);
        let fits = |node: &NodeId| *node == self.me || self.rules.may_replace(self.omega.detector().suspects(*node));
        (0..self.nodes).map(NodeId::server).find(|node| idle(node) && fits(node))
    }

    fn hear_of_jobs(&mut self, from: NodeId, jobs: Vec<Assignment>, context: &mut Context<'_, Self>) {
        if jobs.len() != self.jobs.len() {
            return;
        }
        let knows_better = self.jobs.iter().zip(&jobs).any(|(own, other)| own > other);
        for (own, other) in self.jobs.iter_mut().zip(jobs) {
            *own = (*own).max(other);
        }
        if knows_better && from == self.omega.leader() {
            context.send(from, SupervisorMessage::Jobs(self.jobs.clone()));
        }
        if from == self.omega.leader() {
            self.take_up(context);
        }
    }

    /// Does the jobs that it has, and no others.
    fn take_up(&mut self, context: &mut Context<'_, Self>) {
        for (job, assignment) in (0..).zip(&self.jobs) {
            if assignment.node == self.me {
                if self.doing.insert(job, assignment.epoch) != Some(assignment.epoch) {
                    context.note(SupervisorNote::Does { job, epoch: assignment.epoch });
                }
            } else if self.doing.remove(&job).is_some() {
                context.note(SupervisorNote::Leaves { job });
            }
        }
    }
}

impl Embeds<Omega> for Supervisor {
    const SCOPE: &'static str = "omega";

    fn wrap_message(message: Message) -> SupervisorMessage {
        SupervisorMessage::Omega(message)
    }

    fn wrap_timer(timer: Timer) -> SupervisorTimer {
        SupervisorTimer::Omega(timer)
    }

    fn wrap_note(note: OmegaNote) -> Option<SupervisorNote> {
        Some(SupervisorNote::Omega(note))
    }
}

impl Process for Supervisor {
    type Config = SupervisorConfig;
    type Message = SupervisorMessage;
    type Timer = SupervisorTimer;
    type Note = SupervisorNote;

    const ROLES: &'static [Role] = Omega::ROLES;
    const RESTARTS: bool = true;
    const MARKS: &'static [Mark] = &MARKS;

    fn boot(config: &SupervisorConfig, files: &Files, context: &mut Context<'_, Self>) -> Self {
        let omega = Self::boot_inner(&config.detector, files, context);
        context.set_timer(SupervisorTimer::Supervise, config.every);
        Self {
            omega,
            rules: Arc::clone(&config.detector.rules),
            me: context.me(),
            nodes: config.detector.nodes,
            restart_after: config.restart_after,
            replace_after: config.replace_after,
            every: config.every,
            jobs: (0..config.jobs).map(|job| Assignment { epoch: 0, node: NodeId::server(job) }).collect(),
            doing: SortedMap::new(),
            suspected: SortedMap::new(),
            leads: None,
        }
    }

    fn on_message(&mut self, from: NodeId, message: SupervisorMessage, context: &mut Context<'_, Self>) {
        match message {
            SupervisorMessage::Omega(message) => context.embed(|context| self.omega.on_message(from, message, context)),
            SupervisorMessage::Jobs(jobs) => self.hear_of_jobs(from, jobs, context),
        }
    }

    fn on_timer(&mut self, timer: SupervisorTimer, context: &mut Context<'_, Self>) {
        match timer {
            SupervisorTimer::Omega(timer) => context.embed(|context| self.omega.on_timer(timer, context)),
            SupervisorTimer::Supervise => self.supervise(context),
        }
    }

    fn role(&self) -> Option<Claim> {
        self.omega.role()
    }

    fn status(&self) -> String {
        let jobs: Vec<String> = self.doing.keys().map(|job| (job + 1).to_string()).collect();
        let jobs = if jobs.is_empty() { "does nothing".to_owned() } else { format!("does jobs {}", jobs.join(", ")) };
        format!("{jobs}, {}", self.omega.status())
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}
