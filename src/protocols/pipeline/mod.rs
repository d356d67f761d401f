//! A data pipeline: replayable sources, stages that compute, sinks; in subtasks, each on a node of its own, over channels that they build
//! themselves.
//!
//! A [`Graph`] says what feeds what, a [`Plan`] what runs where. A [`Subtask`] takes what comes through its channels, in event time
//! ([`Watermarks`]), with credits against slow receivers; the [`Coordinator`] has checkpoints taken by barriers (Chandy and Lamport 1985;
//! Carbone et al. 2015), and after a loss has all stages, or those concerned, go back to the last one.
//!
//! [`Rules`] are the decisions that all rests on; each mutant breaks one, each decoy bends one that may be bent.

mod align;
mod channel;
mod coordinator;
mod decoys;
mod event;
mod function;
mod graph;
mod input;
mod mark;
mod message;
mod mutants;
mod note;
mod operator;
mod plan;
pub mod properties;
mod reader;
mod rules;
mod saved;
mod store;
mod subtask;
mod watermark;
mod window;
mod writer;

use std::sync::Arc;

use crate::process;

pub use channel::Position;
pub use coordinator::{Coordinator, CoordinatorConfig, CoordinatorTimer};
pub use decoys::DECOYS;
pub use event::{Element, Event};
pub use function::{Fold, Function, Own, Predicate};
pub use graph::{Does, Edge, Flaw, Graph, Shuffle, Sink, Stage, Timeline, Windowing, Wrong};
pub use input::Input;
pub use message::Message;
pub use mutants::MUTANTS;
pub use note::{CoordinatorNote, Cut, SubtaskNote};
pub use plan::{Barriers, Flow, Plan, Recovery, Restart};
pub use rules::{Correct, Rules};
pub use subtask::{Subtask, SubtaskConfig, SubtaskTimer};
pub use watermark::Watermarks;
pub use window::Windows;

/// A variant of a pipeline: a bug, or a decoy.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// The rules of the variants of these names; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[MUTANTS, DECOYS]))
}
