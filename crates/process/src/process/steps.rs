//! Steps that a client is handed, in place of those that it makes up, or besides them.

use std::collections::VecDeque;

use super::ClientProcess;
use crate::base::{LocalTime, OperationId, SortedMap};

/// A client whose work comes in steps that can be written down: it takes those that it is handed as it takes those that it makes up.
///
/// Each step has an [identity](OperationId), and a timer that fires when it is due. What a step comes to is the client's own affair: one
/// operation of a history, several, or none.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stormglass_process::base::{Duration, NodeId, OperationId};
/// use stormglass_process::process::{ClientProcess, Context, Files, Message, NoNote, Process, Steps, TakesSteps};
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Greeting(String);
/// impl Message for Greeting {}
///
/// /// Greets a server, once a second, or when it is told to.
/// struct Greets {
///     greeted: u32,
///     steps: Steps<String>,
/// }
///
/// /// This greeting is due.
/// #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
/// struct Due(OperationId);
///
/// impl Greets {
///     fn expect_next(&mut self, alone: bool, context: &mut Context<'_, Self>) {
///         self.greeted += 1;
///         if alone {
///             let next = OperationId { client: context.me().index() as u32, life: 0, nth: self.greeted };
///             context.set_timer(Due(next), Duration::from_secs(1));
///         }
///     }
/// }
///
/// impl Process for Greets {
///     /// Whether it greets by itself.
///     type Config = bool;
///     type Message = Greeting;
///     type Timer = Due;
///     type Note = NoNote;
///
///     fn boot(alone: &bool, _: &Files, context: &mut Context<'_, Self>) -> Self {
///         let mut greets = Self { greeted: 0, steps: Steps::default() };
///         greets.expect_next(*alone, context);
///         greets
///     }
///
///     fn on_message(&mut self, _: NodeId, _: Greeting, _: &mut Context<'_, Self>) {}
///
///     fn on_timer(&mut self, Due(step): Due, context: &mut Context<'_, Self>) {
///         let is_own = !self.steps.is_handed(step);
///         let greeting = self.steps.begin(step, context.now(), || "hello".to_owned());
///         context.send(NodeId::server(0), Greeting(greeting));
///         self.expect_next(is_own, context);
///     }
/// }
///
/// impl ClientProcess for Greets {
///     fn quiesce(&mut self, context: &mut Context<'_, Self>) {
///         self.steps.clear();
///         context.cancel_timer(Due(OperationId { client: context.me().index() as u32, life: 0, nth: self.greeted }));
///     }
///
///     fn under_way(&self) -> usize {
///         0
///     }
/// }
///
/// impl TakesSteps for Greets {
///     type Step = String;
///
///     fn steps(&self) -> &Steps<String> {
///         &self.steps
///     }
///
///     fn steps_mut(&mut self) -> &mut Steps<String> {
///         &mut self.steps
///     }
///
///     fn due(step: OperationId) -> Due {
///         Due(step)
///     }
///
///     fn is_due(Due(step): &Due) -> Option<OperationId> {
///         Some(*step)
///     }
///
///     fn only_handed(alone: &mut bool) {
///         *alone = false;
///     }
/// }
///
/// let mut greets = Greets { greeted: 0, steps: Steps::default() };
/// let step = OperationId::scripted(0, 7);
/// assert_eq!(greets.hand(step, Some("good evening".to_owned())), Due(step), "this timer is to fire");
/// ```
#[diagnostic::on_unimplemented(
    message = "what `{Self}` does cannot be written down step by step",
    label = "this client takes no steps",
    note = "implement `TakesSteps`: what a step is, when one is due, and how the client is built to make up none"
)]
pub trait TakesSteps: ClientProcess {
    /// What it does in a step.
    type Step: Clone + 'static;

    /// The steps that it was handed, and those that it has begun.
    fn steps(&self) -> &Steps<Self::Step>;

    /// The same, to be changed.
    fn steps_mut(&mut self) -> &mut Steps<Self::Step>;

    /// The timer that fires when this step is due.
    fn due(step: OperationId) -> Self::Timer;

    /// The step that is due when this timer fires, if it says so of one.
    fn is_due(timer: &Self::Timer) -> Option<OperationId>;

    /// Changes what a client is built from, so that it makes up no steps by itself.
    fn only_handed(config: &mut Self::Config);

    /// Whether a client that is built from this can take such a step.
    ///
    /// # Errors
    /// Why it cannot.
    fn fits(config: &Self::Config, step: &Self::Step) -> Result<(), Misfit> {
        let _ = (config, step);
        Ok(())
    }

    /// Takes in a step, under this identity; without one, it will be what the client makes up for that. It is due when the timer fires that
    /// this returns.
    fn hand(&mut self, id: OperationId, step: Option<Self::Step>) -> Self::Timer {
        self.steps_mut().hand(id, step);
        Self::due(id)
    }
}

/// Why a client cannot take a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// What is wrong: `there is no topic 5`.
    pub problem: String,
    /// What to do about it.
    pub help: String,
}

impl Misfit {
    /// What is counted from 0 must be below how many there are.
    ///
    /// # Errors
    /// That it is not.
    pub fn below(what: &str, number: u64, count: u64) -> Result<(), Self> {
        if number < count {
            return Ok(());
        }
        let last = count.saturating_sub(1);
        let there_is = if last == 0 { format!("the only {what} is 0") } else { format!("{what}s are 0 to {last}") };
        Err(Self { problem: format!("there is no {what} {number}"), help: there_is })
    }
}

/// The steps of a client: those that it was handed and has not begun, those that are due and wait, and those that it has begun last.
///
/// ```
/// use stormglass_process::base::{LocalTime, OperationId};
/// use stormglass_process::process::Steps;
///
/// let (mut steps, now) = (Steps::default(), LocalTime::default());
/// let written = OperationId::scripted(0, 7);
/// steps.hand(written, Some("knock"));
/// steps.wait(written);
/// let next = steps.next_waiting().expect("it waits");
/// assert!(steps.is_handed(next));
/// assert_eq!(steps.begin(next, now, || "ring"), "knock");
/// assert_eq!(steps.begin(OperationId { life: 0, ..written }, now, || "ring"), "ring", "nothing was written down for this one");
/// assert_eq!(steps.begun().len(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Steps<T> {
    handed: SortedMap<OperationId, Option<T>>,
    /// Those that are due and wait until the client is free for them.
    waiting: VecDeque<OperationId>,
    /// Those that were begun at the time at which the last one was.
    begun: Vec<(OperationId, T)>,
    at: LocalTime,
}

impl<T> Default for Steps<T> {
    fn default() -> Self {
        Self { handed: SortedMap::new(), waiting: VecDeque::new(), begun: Vec::new(), at: LocalTime::default() }
    }
}

impl<T: Clone> Steps<T> {
    /// Takes in a step; nothing in its place is what the client makes up for this identity.
    pub fn hand(&mut self, id: OperationId, step: Option<T>) {
        self.handed.insert(id, step);
    }

    /// Whether this step was handed, and was not begun yet.
    pub fn is_handed(&self, id: OperationId) -> bool {
        self.handed.contains_key(&id)
    }

    /// This step is due, and waits until the client is free.
    pub fn wait(&mut self, id: OperationId) {
        self.waiting.push_back(id);
    }

    /// The step that has waited longest, if one does.
    pub fn next_waiting(&mut self) -> Option<OperationId> {
        self.waiting.pop_front()
    }

    /// Begins a step: which one. What the client makes up for its identity is asked for only where nothing is written down.
    pub fn begin(&mut self, id: OperationId, now: LocalTime, made_up: impl FnOnce() -> T) -> T {
        let handed = if self.handed.is_empty() { None } else { self.handed.remove(&id).flatten() };
        let step = handed.unwrap_or_else(made_up);
        if now != self.at {
            self.begun.clear();
            self.at = now;
        }
        self.begun.push((id, step.clone()));
        step
    }

    /// Those that were begun at the time at which the last one was, in order: all that the client began in its last event among them.
    pub fn begun(&self) -> &[(OperationId, T)] {
        &self.begun
    }

    /// Nothing new is to be begun: what was handed, and what waits, is forgotten.
    pub fn clear(&mut self) {
        self.handed.clear();
        self.waiting.clear();
    }
}
