//! The client of a system that has none.

use std::marker::PhantomData;

use crate::base::NodeId;
use crate::history;
use crate::process::{ClientProcess, Context, Files, Message, NoNote, Process};

/// There are no clients: what `Client` is in a cluster whose servers do all by themselves. Operations and responses are [`NoNote`].
///
/// If a run has such clients all the same, they do nothing.
#[derive(Debug)]
pub struct NoClient<M>(PhantomData<M>);

impl<M: Message> Process for NoClient<M> {
    type Config = ();
    type Message = M;
    type Timer = ();
    type Note = history::Event<NoNote, NoNote>;

    fn boot((): &(), _: &Files, _: &mut Context<'_, Self>) -> Self {
        Self(PhantomData)
    }

    fn on_message(&mut self, _: NodeId, _: M, _: &mut Context<'_, Self>) {}

    fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
}

impl<M: Message> ClientProcess for NoClient<M> {
    const INVOKES: bool = false;

    fn quiesce(&mut self, _: &mut Context<'_, Self>) {}

    fn under_way(&self) -> usize {
        0
    }
}
