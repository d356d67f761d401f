//! What a node's disk holds, as its process reads it at boot.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

/// The name of a file on a node's disk.
pub type FileName = Cow<'static, str>;

/// Named byte files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<FileName, Vec<u8>>);

impl Files {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// The content of a file, or nothing if there is none of this name.
    pub fn read(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// The records that [`Context::append_record`](super::Context::append_record) wrote to a file, in order. One that a crash has torn is
    /// left out, and so is one that is not a `T`.
    pub fn records<T: DeserializeOwned>(&self, name: &str) -> impl Iterator<Item = T> {
        self.read(name).unwrap_or_default().split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
    }

    /// The names of all files, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }

    /// Puts a file in place, whole.
    pub fn insert(&mut self, name: impl Into<FileName>, content: Vec<u8>) {
        self.0.insert(name.into(), content);
    }

    /// The files of an embedded process: those whose names begin with `scope/`, without that.
    pub fn scoped(&self, scope: &str) -> Self {
        let within = |name: &FileName| Some(name.strip_prefix(scope)?.strip_prefix('/')?.to_owned());
        Self(self.0.iter().filter_map(|(name, content)| Some((within(name)?.into(), content.clone()))).collect())
    }

    /// The content of a file, for changing; made empty if there is none of this name.
    pub fn content_mut(&mut self, name: &FileName) -> &mut Vec<u8> {
        if !self.0.contains_key(name) {
            self.0.insert(name.clone(), Vec::new());
        }
        self.0.get_mut(name).expect("inserted above")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_sees_its_own_files() {
        let mut files = Files::new();
        files.insert("raft/log", vec![1]);
        files.insert("raftish", vec![2]);
        files.insert("own", vec![3]);
        assert_eq!(files.scoped("raft").names().collect::<Vec<_>>(), ["log"]);
        assert_eq!(files.scoped("raft").read("log"), Some(&[1][..]));
    }

    #[test]
    fn torn_records_are_left_out() {
        let mut files = Files::new();
        files.insert("log", b"\n[1,2]\n[3,\n[5,6]".to_vec());
        assert_eq!(files.records::<(u8, u8)>("log").collect::<Vec<_>>(), [(1, 2), (5, 6)]);
        assert_eq!(files.records::<u8>("none").count(), 0);
    }
}
