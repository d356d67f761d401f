//! Any bytes as a recorded history: reading never panics, and what was read comes back from each format that can say it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stormglass::history::formats::{Entries, Entry, Format, ReadError, convert};

/// The entries, without their lines; nothing if a line is wrong.
fn read(bytes: &[u8], format: Option<Format>) -> Option<Vec<Entry>> {
    let mut all = Vec::new();
    let mut wrong = false;
    for entry in Entries::open(bytes, format).ok()? {
        match entry {
            Ok(entry) => all.push(Entry { line: 0, ..entry }),
            Err(ReadError::Line(problem)) => {
                assert!(problem.line > 0 && !problem.message.is_empty());
                wrong = true;
            }
            Err(_) => return None,
        }
    }
    (!wrong).then_some(all)
}

fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else { return };
    let format = [None, Some(Format::Edn), Some(Format::Log), Some(Format::Json)][usize::from(*first % 4)];
    let Some(entries) = read(bytes, format) else { return };
    // A log has no room for keys, times and other fields.
    for to in [Format::Edn, Format::Json] {
        let mut written = Vec::new();
        let input = Entries::open(bytes, format).expect("it was opened before");
        let converted = convert(input, to, &mut written).expect("memory can be written");
        assert_eq!(converted.entries, entries.len() as u64);
        assert_eq!(read(&written, Some(to)).as_ref(), Some(&entries), "{to}: {}", String::from_utf8_lossy(&written));
    }
});
