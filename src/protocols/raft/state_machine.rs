//! What Raft replicates.

use std::fmt::{Debug, Display};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::Digest;

/// A machine that carries out operations, one after the other. It must be deterministic: machines that were equal and have carried out the
/// same operations in the same order are equal (paper §2).
pub trait StateMachine: Clone + Debug + 'static {
    /// What it is asked for.
    type Operation: Operation;
    /// What it answers.
    type Response: Response;
    /// What it has to say to the server that runs it, besides answers: what watchers are to be told, say.
    /// [`NoNote`](crate::process::NoNote) if nothing.
    type Output: Clone + Debug + 'static;

    /// Carries out an operation, and folds whatever it changes into the digest. What the server is to be told goes into `outputs`, from
    /// which it takes it with [`Raft::take_outputs`](super::Raft::take_outputs): on each server the same, once in each of its lives.
    fn execute(&mut self, operation: &Self::Operation, changes: &mut Digest, outputs: &mut Vec<Self::Output>) -> Self::Response;

    /// Answers an operation that only reads.
    fn query(&self, operation: &Self::Operation) -> Self::Response;

    /// A digest of the whole state. Costs as much as the state is big.
    fn fingerprint(&self) -> u64;
}

/// What a state machine is asked for: part of log entries and messages.
pub trait Operation: Clone + Eq + Debug + Display + Serialize + DeserializeOwned + 'static {
    /// Whether it changes nothing: then it is answered by the leader, and no entry of the log (thesis §6.4).
    fn is_read(&self) -> bool;

    /// Appends it to a record on disk: as JSON, if it says nothing else.
    ///
    /// # Panics
    /// If it cannot be written as JSON, as it has a map whose keys are no texts.
    fn encode(&self, out: &mut Vec<u8>) {
        serde_json::to_writer(out, self).expect("an operation has no maps, so that it can be written as JSON");
    }

    /// Reads what [`encode`](Self::encode) wrote, which is all there is; nothing if it is not that.
    fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// What a state machine answers.
pub trait Response: Clone + Eq + Debug + Serialize + DeserializeOwned + 'static {}
impl<T: Clone + Eq + Debug + Serialize + DeserializeOwned + 'static> Response for T {}
