//! What a server has on disk: one file of records, only ever appended to.
//!
//! Votes and entries share one write-ahead file, so that their order on disk is the order in which they were written, whatever a crash
//! leaves: a term can be durable no later than the entries of that term. The file is never cut, apart from a torn tail at boot: an entry's
//! record carries its index and thereby replaces whatever the log had from there on, so that there is no moment between "truncated" and
//! "appended" for a crash to fall into.
//!
//! Each record is its body's length and CRC-32 (four bytes each, little-endian), then the body.

use super::{Command, Entry, EntryId, Log, Term};
use crate::base::{ClientId, KvOp, NodeId};

/// The name of the file.
pub(super) const FILE: &str = "wal";

const VOTE: u8 = 1;
const ENTRY: u8 = 2;

/// Appends the record of a term and the vote in it to `out`.
pub(super) fn encode_vote(term: Term, vote: Option<NodeId>, out: &mut Vec<u8>) {
    let mut body = Body::of(VOTE);
    body.put(term.0.to_le_bytes());
    if let Some(candidate) = vote {
        body.put((candidate.index() as u32).to_le_bytes());
    }
    body.frame(out);
}

/// Appends the record of an entry to `out`.
pub(super) fn encode_entry(id: EntryId, command: &Command, out: &mut Vec<u8>) {
    let mut body = Body::of(ENTRY);
    body.put(id.index.to_le_bytes());
    body.put(id.term.0.to_le_bytes());
    encode_command(command, &mut body);
    body.frame(out);
}

fn encode_command(command: &Command, body: &mut Body) {
    match command {
        Command::Noop => body.put([0]),
        Command::Open { session } => {
            body.put([1]);
            encode_session(*session, body);
        }
        Command::Apply { session, number, operation } => {
            body.put([2]);
            encode_session(*session, body);
            body.put(number.to_le_bytes());
            encode_operation(operation, body);
        }
    }
}

fn encode_session(session: ClientId, body: &mut Body) {
    body.put(session.client.to_le_bytes());
    body.put(session.session.to_le_bytes());
}

fn encode_operation(operation: &KvOp, body: &mut Body) {
    let (tag, value) = match operation {
        KvOp::Read { .. } => (0, None),
        KvOp::Write { value, .. } => (1, Some(*value)),
        KvOp::Cas { expected: None, value, .. } => (2, Some(*value)),
        KvOp::Cas { expected: Some(_), value, .. } => (3, Some(*value)),
    };
    body.put([tag]);
    body.put(operation.key().to_le_bytes());
    for number in value.into_iter().chain(if let KvOp::Cas { expected, .. } = operation { *expected } else { None }) {
        body.put(number.to_le_bytes());
    }
}

/// The body of a record while it is put together. The longest, an entry that sets a value if another is found, has 59 bytes.
struct Body {
    bytes: [u8; 64],
    length: usize,
}

impl Body {
    fn of(kind: u8) -> Self {
        let mut body = Self { bytes: [0; 64], length: 0 };
        body.put([kind]);
        body
    }

    #[inline]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes[self.length..self.length + N].copy_from_slice(&bytes);
        self.length += N;
    }

    /// Appends the record to `out`.
    fn frame(&self, out: &mut Vec<u8>) {
        let body = &self.bytes[..self.length];
        out.extend_from_slice(&(body.len() as u32).to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
        out.extend_from_slice(body);
    }
}

/// What a server finds on its disk at boot.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// The last term it knew.
    pub(super) term: Term,
    /// For whom it voted in that term.
    pub(super) vote: Option<NodeId>,
    /// Its log.
    pub(super) log: Log,
    /// How many bytes from the start of the file are whole records. What follows is a torn write, which nobody has been told of.
    pub(super) length: usize,
}

/// Reads the file, up to the first record that is not whole.
pub(super) fn recover(bytes: &[u8]) -> Recovered {
    let mut recovered = Recovered::default();
    let mut rest = Reader(bytes);
    while let Some(record) = rest.record()
        && recovered.take(record)
    {
        recovered.length = bytes.len() - rest.0.len();
    }
    recovered
}

enum Record {
    Vote(Term, Option<NodeId>),
    Entry(u64, Entry),
}

impl Recovered {
    /// Takes a record over, unless it cannot follow what came before.
    fn take(&mut self, record: Record) -> bool {
        match record {
            Record::Vote(term, vote) => {
                (self.term, self.vote) = (term, vote);
                true
            }
            Record::Entry(index, entry) => {
                let follows = (1..=self.log.last_index() + 1).contains(&index);
                if follows {
                    if entry.term > self.term {
                        // Whoever wrote this entry knew of its term.
                        (self.term, self.vote) = (entry.term, None);
                    }
                    self.log.truncate(index - 1);
                    self.log.push(entry);
                }
                follows
            }
        }
    }
}

/// Takes values from the front; nothing where there are not enough bytes.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn record(&mut self) -> Option<Record> {
        let length = self.u32()? as usize;
        let sum = self.u32()?;
        let (body, rest) = self.0.split_at_checked(length)?;
        if crc32fast::hash(body) != sum {
            return None;
        }
        self.0 = rest;
        Reader(body).body()
    }

    fn body(mut self) -> Option<Record> {
        match self.u8()? {
            VOTE => {
                let term = Term(self.u64()?);
                let vote = if self.0.is_empty() { None } else { Some(self.server()?) };
                self.end(Record::Vote(term, vote))
            }
            ENTRY => {
                let (index, term, command) = (self.u64()?, Term(self.u64()?), self.command()?);
                self.end(Record::Entry(index, Entry { term, command }))
            }
            _ => None,
        }
    }

    fn end(self, record: Record) -> Option<Record> {
        self.0.is_empty().then_some(record)
    }

    fn command(&mut self) -> Option<Command> {
        match self.u8()? {
            0 => Some(Command::Noop),
            1 => Some(Command::Open { session: self.session()? }),
            2 => Some(Command::Apply { session: self.session()?, number: self.u64()?, operation: self.operation()? }),
            _ => None,
        }
    }

    fn session(&mut self) -> Option<ClientId> {
        Some(ClientId { client: self.u32()?, session: self.u32()? })
    }

    fn operation(&mut self) -> Option<KvOp> {
        let (tag, key) = (self.u8()?, self.u64()?);
        match tag {
            0 => Some(KvOp::Read { key }),
            1 => Some(KvOp::Write { key, value: self.u64()? }),
            2 => Some(KvOp::Cas { key, value: self.u64()?, expected: None }),
            3 => Some(KvOp::Cas { key, value: self.u64()?, expected: Some(self.u64()?) }),
            _ => None,
        }
    }

    fn server(&mut self) -> Option<NodeId> {
        let index = self.u32()?;
        (index < 1 << 31).then(|| NodeId::server(index))
    }

    fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands() -> Vec<Command> {
        let session = ClientId { client: 7, session: 2 };
        let apply = |operation| Command::Apply { session, number: 9, operation };
        vec![
            Command::Noop,
            Command::Open { session },
            apply(KvOp::Read { key: 1 }),
            apply(KvOp::Write { key: 1, value: 2 }),
            apply(KvOp::Cas { key: 1, expected: None, value: 3 }),
            apply(KvOp::Cas { key: 1, expected: Some(u64::MAX), value: 0 }),
        ]
    }

    fn file() -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_vote(Term(4), None, &mut bytes);
        encode_vote(Term(4), Some(NodeId::server(3)), &mut bytes);
        for (index, command) in (1..).zip(commands()) {
            encode_entry(EntryId { term: Term(4), index }, &command, &mut bytes);
        }
        bytes
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = file();
        let recovered = recover(&bytes);
        assert_eq!((recovered.term, recovered.vote, recovered.length), (Term(4), Some(NodeId::server(3)), bytes.len()));
        let read: Vec<_> = recovered.log.slice(1, 99).iter().map(|entry| entry.command).collect();
        assert_eq!(read, commands());
    }

    #[test]
    fn a_tail_torn_anywhere_is_cut() {
        let bytes = file();
        let mut lengths = Vec::new();
        for cut in 0..=bytes.len() {
            let length = recover(&bytes[..cut]).length;
            assert!(length <= cut);
            assert_eq!(recover(&bytes[..length]).length, length);
            lengths.push(length);
        }
        lengths.dedup();
        assert_eq!(lengths.len(), 2 + commands().len() + 1, "one for each record, and none");
    }

    #[test]
    fn a_flipped_bit_ends_the_file() {
        let whole = file();
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            assert!(recover(&bytes).length <= place, "byte {place}");
        }
    }

    #[test]
    fn zeros_are_no_record() {
        assert_eq!(recover(&[0; 64]).length, 0);
    }

    #[test]
    fn an_entry_replaces_what_follows() {
        let mut bytes = file();
        encode_entry(EntryId { term: Term(5), index: 2 }, &Command::Noop, &mut bytes);
        assert_eq!(recover(&bytes).log.last(), EntryId { term: Term(5), index: 2 });
        let length = bytes.len();
        encode_entry(EntryId { term: Term(5), index: 9 }, &Command::Noop, &mut bytes);
        assert_eq!(recover(&bytes).length, length, "an entry after a gap cannot be read");
    }
}
