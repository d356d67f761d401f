//! Names that are read, where what they name has static ones.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The name, for the rest of the process. A program has few names: each is kept once.
pub fn name_of(text: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(text) {
        return known;
    }
    let name: &'static str = text.to_owned().leak();
    names.insert(name);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once() {
        assert!(std::ptr::eq(name_of("storm"), name_of("storm")));
    }
}
