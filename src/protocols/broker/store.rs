//! What a broker has on disk: for each partition a file of the changes of its log, which is only ever appended to.
//!
//! A change is written in the compact form of postcard, framed by its length and a checksum: the same is read back from all that is whole,
//! and a torn tail is cut at boot.

use std::fmt;

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use super::Entry;
use crate::process::FileName;
use crate::protocols::frame;

/// One change of a log. Its entry is owned when it is read, and borrowed when it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Change<E = Entry> {
    /// This came at the end.
    Put(E),
    /// All from this offset on went.
    Cut(u64),
    /// All before this offset went.
    Trim(u64),
    /// The messages at these offsets were emptied.
    Empty(Vec<u64>),
    /// All went, and the log begins at this offset, behind an entry of this epoch.
    Restart(u64, u32),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(Entry { offset, epoch, content, .. }) => write!(f, "offset {offset}, epoch {epoch}: {content:?}"),
            Self::Cut(to) => write!(f, "cut from offset {to}"),
            Self::Trim(to) => write!(f, "begins at offset {to}"),
            Self::Empty(offsets) => write!(f, "offsets {offsets:?} are empty"),
            Self::Restart(start, before) => write!(f, "begins anew at offset {start}, behind epoch {before}"),
        }
    }
}

/// The name of a partition's file.
pub(super) fn file(partition: u32) -> FileName {
    // Each record is written under its name: those of most clusters are there already.
    const FIRST: [&str; 8] = ["log-0", "log-1", "log-2", "log-3", "log-4", "log-5", "log-6", "log-7"];
    FIRST.get(partition as usize).map_or_else(|| format!("log-{partition}").into(), |name| (*name).into())
}

/// Appends the record of a change to `out`.
pub(super) fn encode(change: &Change<&Entry>, out: &mut Vec<u8>) {
    frame::append(out, |body| {
        postcard::serialize_with_flavor(change, Bytes(body)).expect("what is appended to fits, and the lengths of its lists are known");
    });
}

/// Bytes that grow at the end.
struct Bytes<'a>(&'a mut Vec<u8>);

impl Flavor for Bytes<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// What a file says up to the first record that is not whole, and how many bytes that takes.
pub(super) fn read(bytes: &[u8]) -> (Vec<Change>, usize) {
    let (mut changes, mut rest) = (Vec::new(), bytes);
    while let Some((body, behind)) = frame::first(rest)
        && let Ok((change, [])) = postcard::take_from_bytes(body)
    {
        changes.push(change);
        rest = behind;
    }
    (changes, bytes.len() - rest.len())
}

/// What was written to a file at once, in words, if it is nothing but whole records.
pub(super) fn words(bytes: &[u8]) -> Option<String> {
    let (changes, length) = read(bytes);
    (length == bytes.len() && length > 0).then(|| changes.iter().map(Change::to_string).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::super::{Content, Incarnated, Marker, Sequenced, Stands, TransactionPhase};
    use super::*;
    use crate::base::{ClientId, LocalTime};

    fn changes() -> Vec<Change> {
        let producer = ClientId { client: 7, session: 2 };
        let contents = [
            Content::Message { value: i64::MIN, by: None, transactional: false },
            Content::Message { value: 300, by: Some(Sequenced { producer, epoch: 1, sequence: u32::MAX }), transactional: true },
            Content::Empty { by: None, transactional: true },
            Content::Generation { number: 3 },
            Content::Processed { partition: 1, offset: u64::MAX, generation: Some(3), of: Some(Incarnated { producer, epoch: 1 }) },
            Content::Asked { partition: 1 },
            Content::Marker(Marker { producer, epoch: 2, commits: true, coordinator: 4 }),
            Content::Stands(Box::new(Stands { producer, epoch: 2, phase: TransactionPhase::Decided(true), partitions: vec![0, 9] })),
        ];
        let entries =
            (0..).zip(contents).map(|(offset, content)| Change::Put(Entry { offset, epoch: 5, at: LocalTime::default(), content }));
        entries.chain([Change::Trim(7), Change::Empty(vec![7, 300]), Change::Restart(9, 5), Change::Cut(0)]).collect()
    }

    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        for change in changes() {
            match change {
                Change::Put(entry) => encode(&Change::Put(&entry), &mut bytes),
                Change::Cut(to) => encode(&Change::Cut(to), &mut bytes),
                Change::Trim(to) => encode(&Change::Trim(to), &mut bytes),
                Change::Empty(offsets) => encode(&Change::Empty(offsets), &mut bytes),
                Change::Restart(start, before) => encode(&Change::Restart(start, before), &mut bytes),
            }
        }
        bytes
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = written();
        assert_eq!(read(&bytes), (changes(), bytes.len()));
        let told = words(&bytes).expect("all of it is whole");
        assert!(told.ends_with("; cut from offset 0"), "{told}");
        assert_eq!((words(&bytes[..bytes.len() - 1]), words(b"")), (None, None));
    }

    #[test]
    fn a_tail_torn_anywhere_is_left_out() {
        let bytes = written();
        let mut whole = Vec::new();
        for cut in 0..=bytes.len() {
            let (read, length) = read(&bytes[..cut]);
            assert!(length <= cut && changes().starts_with(&read), "{cut}");
            whole.push(read.len());
        }
        assert!(whole.is_sorted());
        whole.dedup();
        assert_eq!(whole.len(), changes().len() + 1, "one for each record, and none");
    }
}
