//! A change of a file, as disks, traces and judges speak of it.

/// A change of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Bytes at the end.
    Append(&'a [u8]),
    /// Bytes at an offset, over what is there; a gap is filled with zeros.
    At(u64, &'a [u8]),
    /// Cut, or filled up with zeros, to this length.
    Truncate(u64),
}

impl<'a> Change<'a> {
    /// Carries the change out.
    pub fn apply(self, content: &mut Vec<u8>) {
        match self {
            Self::Append(bytes) => content.extend_from_slice(bytes),
            Self::At(offset, bytes) => {
                let start = offset as usize;
                let end = start + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[start..end].copy_from_slice(bytes);
            }
            Self::Truncate(length) => content.resize(length as usize, 0),
        }
    }

    /// How much of it a crash can cut off: its bytes, or one for a change of length alone.
    #[inline]
    pub fn weight(self) -> u64 {
        match self {
            Self::Append(bytes) | Self::At(_, bytes) => (bytes.len() as u64).max(1),
            Self::Truncate(_) => 1,
        }
    }

    /// What is left of the change when only this much of its weight reached the disk; nothing if none did.
    pub fn torn(self, weight: u64) -> Option<Self> {
        let cut = |bytes: &'a [u8]| &bytes[..bytes.len().min(weight as usize)];
        match self {
            _ if weight == 0 => None,
            Self::Append(bytes) => Some(Self::Append(cut(bytes))),
            Self::At(offset, bytes) => Some(Self::At(offset, cut(bytes))),
            Self::Truncate(length) => Some(Self::Truncate(length)),
        }
    }
}
