//! What a server's disk says, read by those who judge it.
//!
//! A reader of its own for the format that `store` writes: if both shared code, a mistake in it would go unseen.

use std::marker::PhantomData;

use super::{Command, Operation, Term};
use crate::base::{ClientId, Digest, KvOp, NodeId};

/// What entries of a log ask for, read by those who judge it.
pub trait Audited: Operation {
    /// Reads an operation as it lies on disk, in another way than the servers do where that can be: as JSON, if it says nothing else.
    fn audit(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// The one file that counts.
pub(super) const FILE: &str = "wal";

/// Something that a record on a disk asserts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    /// A term, and who has the server's vote in it.
    Vote(Term, Option<NodeId>),
    /// An entry: all that followed this index is gone.
    Entry { index: u64, term: Term, digest: u64 },
}

/// A log as a chain: each place stands for itself and all before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain(Vec<Link>);

/// One place of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// The entry's term.
    pub(super) term: Term,
    /// A digest of this entry and all before it: equal only for equal logs up to here.
    pub(super) prefix: u64,
}

impl Chain {
    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub(super) fn get(&self, index: u64) -> Option<&Link> {
        self.0.get(usize::try_from(index.checked_sub(1)?).ok()?)
    }

    pub(super) fn truncate(&mut self, last: u64) {
        self.0.truncate(last as usize);
    }

    pub(super) fn push(&mut self, term: Term, digest: u64) -> Link {
        let mut prefix = Digest::new();
        prefix.word(self.0.last().map_or(0, |link| link.prefix));
        prefix.word(term.0);
        prefix.word(digest);
        let link = Link { term, prefix: prefix.finish() };
        self.0.push(link);
        link
    }
}

/// All that a disk asserts.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) term: Term,
    pub(super) vote: Option<NodeId>,
    pub(super) log: Chain,
}

impl Disk {
    /// What a file says, up to the first record that is broken or cannot follow.
    #[cfg(test)]
    pub(super) fn read<O: Audited>(bytes: &[u8]) -> Self {
        let mut disk = Self::default();
        disk.read_on::<O>(bytes);
        disk
    }

    /// Takes in what follows in the file, up to the first record that is broken or cannot follow; returns whether that is all.
    pub(super) fn read_on<O: Audited>(&mut self, bytes: &[u8]) -> bool {
        let mut assertions = assertions::<O>(bytes);
        assertions.all(|assertion| self.learn(assertion)) && assertions.is_whole()
    }

    /// Takes an assertion in, unless it cannot follow: an entry after a gap.
    pub(super) fn learn(&mut self, assertion: Assertion) -> bool {
        match assertion {
            Assertion::Vote(term, vote) => (self.term, self.vote) = (term, vote),
            Assertion::Entry { index, .. } if index > self.log.len() + 1 => return false,
            Assertion::Entry { index, term, digest } => {
                if term > self.term {
                    (self.term, self.vote) = (term, None);
                }
                self.log.truncate(index - 1);
                self.log.push(term, digest);
            }
        }
        true
    }
}

/// A piece of a file, to be known again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    length: usize,
    digest: u64,
    /// Whether all that it says was taken in.
    is_read: bool,
}

impl Piece {
    pub(super) fn of(bytes: &[u8], is_read: bool) -> Self {
        Self { length: bytes.len(), digest: digest_of(bytes), is_read }
    }

    /// The same, if all that it says was taken in; else as one that was not read.
    pub(super) fn if_read(self, is_read: bool) -> Self {
        Self { is_read: self.is_read && is_read, ..self }
    }
}

fn digest_of(bytes: &[u8]) -> u64 {
    let mut digest = Digest::new();
    digest.bytes(bytes);
    digest.finish()
}

/// The beginning of a file, all of which was read before: it is known again by digests, which takes a fraction of reading it again.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// How long its pieces are, in order.
    lengths: Vec<u32>,
    digest: Digest,
    /// Whether anything in it was not read.
    has_unread: bool,
}

impl Known {
    pub(super) fn add(&mut self, Piece { length, digest, is_read }: Piece) {
        let length = u32::try_from(length);
        self.has_unread |= !is_read || length.is_err();
        self.lengths.push(length.unwrap_or(u32::MAX));
        self.digest.word(digest);
    }

    /// What follows in this file, if it begins so.
    pub(super) fn rest<'b>(&self, file: &'b [u8]) -> Option<&'b [u8]> {
        let (mut rest, mut digest) = (file, Digest::new());
        for length in &self.lengths {
            let (piece, after) = rest.split_at_checked(*length as usize)?;
            digest.word(digest_of(piece));
            rest = after;
        }
        (!self.has_unread && digest == self.digest).then_some(rest)
    }
}

/// What these records assert, up to the first that is broken.
pub(super) fn assertions<O: Audited>(bytes: &[u8]) -> Assertions<'_, O> {
    Assertions { bytes, operation: PhantomData }
}

/// What records assert: see [`assertions`].
pub(super) struct Assertions<'b, O> {
    /// Those that were not read.
    bytes: &'b [u8],
    operation: PhantomData<fn() -> O>,
}

impl<O> Assertions<'_, O> {
    /// Whether there is nothing behind those that were read.
    pub(super) fn is_whole(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl<O: Audited> Iterator for Assertions<'_, O> {
    type Item = Assertion;

    fn next(&mut self) -> Option<Assertion> {
        let header = self.bytes.get(..8)?;
        let end = 8 + number(header, 0, 4)? as usize;
        let body = self.bytes.get(8..end)?;
        if u64::from(crc32fast::hash(body)) != number(header, 4, 4)? {
            return None;
        }
        let assertion = assertion::<O>(body)?;
        self.bytes = &self.bytes[end..];
        Some(assertion)
    }
}

fn assertion<O: Audited>(body: &[u8]) -> Option<Assertion> {
    match (body.first()?, body.len()) {
        (1, 9) => Some(Assertion::Vote(Term(number(body, 1, 8)?), None)),
        (1, 13) => Some(Assertion::Vote(Term(number(body, 1, 8)?), Some(NodeId::server(number(body, 9, 4)? as u32 & (u32::MAX >> 1))))),
        (2, _) => {
            let index = number(body, 1, 8)?;
            (index > 0).then_some(Assertion::Entry {
                index,
                term: Term(number(body, 9, 8)?),
                digest: Digest::of(&command::<O>(&body[17..])?),
            })
        }
        _ => None,
    }
}

fn command<O: Audited>(bytes: &[u8]) -> Option<Command<O>> {
    let session = || Some(ClientId { client: number(bytes, 1, 4)? as u32, session: number(bytes, 5, 4)? as u32 });
    match bytes.first()? {
        0 => Some(Command::Noop),
        1 => Some(Command::Open { session: session()? }),
        2 => Some(Command::Apply { session: session()?, number: number(bytes, 9, 8)?, operation: O::audit(bytes.get(17..)?)? }),
        3 => Some(Command::Internal { operation: O::audit(bytes.get(1..)?)? }),
        _ => None,
    }
}

impl Audited for KvOp {
    fn audit(bytes: &[u8]) -> Option<Self> {
        let (key, value) = (number(bytes, 1, 8)?, number(bytes, 9, 8));
        match bytes[0] {
            0 => Some(Self::Read { key }),
            1 => Some(Self::Write { key, value: value? }),
            2 => Some(Self::Cas { key, expected: None, value: value? }),
            3 => Some(Self::Cas { key, expected: Some(number(bytes, 17, 8)?), value: value? }),
            _ => None,
        }
    }
}

/// The little-endian number in these bytes.
fn number(bytes: &[u8], offset: usize, length: usize) -> Option<u64> {
    let mut word = [0; 8];
    word[..length].copy_from_slice(bytes.get(offset..offset + length)?);
    Some(u64::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{EntryId, store};
    use super::*;

    fn some_command() -> impl Strategy<Value = Command> {
        let session = (0..9_u32, 0..3_u32).prop_map(|(client, session)| ClientId { client, session });
        let operation = prop_oneof![
            any::<u64>().prop_map(|key| KvOp::Read { key }),
            any::<(u64, u64)>().prop_map(|(key, value)| KvOp::Write { key, value }),
            any::<(u64, Option<u64>, u64)>().prop_map(|(key, expected, value)| KvOp::Cas { key, expected, value }),
        ];
        prop_oneof![
            Just(Command::Noop),
            session.clone().prop_map(|session| Command::Open { session }),
            operation.clone().prop_map(|operation| Command::Internal { operation }),
            (session, any::<u64>(), operation).prop_map(|(session, number, operation)| Command::Apply { session, number, operation }),
        ]
    }

    proptest! {
        /// The two readers of the format agree, wherever the file is torn.
        #[test]
        fn both_readers_agree(
            records in proptest::collection::vec((any::<bool>(), 1..9_u64, 0..4_u32, some_command()), 0..20),
            cut in 0..40_usize,
        ) {
            let (mut bytes, mut last) = (Vec::new(), 0);
            for (entry, number, server, command) in records {
                if entry {
                    // Now and then an entry comes after a gap.
                    last = if number == 8 { last + 2 } else { number.min(last + 1) };
                    store::encode_entry(EntryId { term: Term(number / 2), index: last }, &command, &mut bytes);
                } else {
                    store::encode_vote(Term(number), (server > 0).then(|| NodeId::server(server)), &mut bytes);
                }
            }
            bytes.truncate(bytes.len().saturating_sub(cut));
            let (theirs, ours) = (store::recover::<KvOp>(&bytes), Disk::read::<KvOp>(&bytes));
            prop_assert_eq!((theirs.term, theirs.vote), (ours.term, ours.vote));
            let mut chain = Chain::default();
            for entry in theirs.log.slice(1, usize::MAX) {
                chain.push(entry.term, Digest::of(&entry.command));
            }
            prop_assert_eq!(chain.0, ours.log.0);
        }
    }
}
