//! A server that has just started, until it is on disk that it has.

use crate::base::NodeId;
use crate::process::SyncToken;

/// What came before it was on disk that this life has begun. Nothing may be said in the name of a life that could yet be forgotten.
#[derive(Clone, Debug)]
pub(super) struct Recovering<M>(Option<(SyncToken, Vec<(NodeId, M)>)>);

impl<M> Recovering<M> {
    /// A server that recovers until this sync completes.
    pub(super) fn until(token: SyncToken) -> Self {
        Self(Some((token, Vec::new())))
    }

    /// A server that has recovered.
    pub(super) fn over() -> Self {
        Self(None)
    }

    /// Keeps a message for later; gives it back if the server has recovered.
    pub(super) fn admit(&mut self, from: NodeId, message: M) -> Option<M> {
        let Some((_, early)) = &mut self.0 else { return Some(message) };
        early.push((from, message));
        None
    }

    /// The messages that were kept, if this is the sync that the server has waited for.
    pub(super) fn synced(&mut self, token: SyncToken) -> Vec<(NodeId, M)> {
        self.0.take_if(|(awaited, _)| *awaited == token).map_or_else(Vec::new, |(_, early)| early)
    }
}
