//! Records of a file that is only ever appended to, so that one which a crash has torn, or a flipped bit has changed, is told from one that
//! is whole.
//!
//! Each record is its body's length and CRC-32 (four bytes each, little-endian), then the body.

/// How many bytes come before a body.
const HEADER: usize = 8;

/// Appends a record with this body to `out`.
pub(super) fn append(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let header = out.len();
    out.extend_from_slice(&[0; HEADER]);
    body(out);
    let written = &out[header + HEADER..];
    let (length, sum) = (written.len() as u32, crc32fast::hash(written));
    out[header..header + 4].copy_from_slice(&length.to_le_bytes());
    out[header + 4..header + HEADER].copy_from_slice(&sum.to_le_bytes());
}

/// The body of the first record, and what follows it; nothing if it is not whole.
pub(super) fn first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    (crc32fast::hash(body) == u32::from_le_bytes(*sum)).then_some((body, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_whole_is_no_record() {
        let mut bytes = Vec::new();
        append(&mut bytes, |body| body.extend_from_slice(b"one"));
        let length = bytes.len();
        append(&mut bytes, |_| {});
        let (body, rest) = first(&bytes).expect("it is whole");
        assert_eq!((body, rest), (&b"one"[..], &bytes[length..]));
        assert_eq!(first(rest), Some((&[][..], &[][..])), "a record may be empty");
        assert!((0..length).all(|cut| first(&bytes[..cut]).is_none()));
        for bit in 0..length * 8 {
            let mut flipped = bytes[..length].to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(first(&flipped), None, "bit {bit}");
        }
    }
}
