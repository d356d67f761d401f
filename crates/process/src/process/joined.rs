//! Lists of constants as one.

/// Several lists as one, in a constant: the marks of a process and those of another within it.
///
/// ```
/// use stormglass_process::process::{Joined, Mark};
///
/// const OWN: &[Mark] = &[Mark::new("client retried", "")];
/// const MORE: &[Mark] = &[Mark::new("lock refused", "")];
/// static MARKS: Joined<Mark> = Joined::of(Mark::new("", ""), [OWN, MORE]);
/// assert_eq!(MARKS.list().len(), 2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Joined<T> {
    items: [T; MOST],
    count: usize,
}

/// How many there may be in all.
const MOST: usize = 64;

impl<T: Copy> Joined<T> {
    /// What is in these lists, in order; `blank` fills what is left over, and is not seen.
    ///
    /// # Panics
    /// If there are more than 64, while it is compiled.
    pub const fn of(blank: T, lists: [&[T]; 2]) -> Self {
        let mut joined = Self { items: [blank; MOST], count: 0 };
        let mut list = 0;
        while list < lists.len() {
            let mut item = 0;
            while item < lists[list].len() {
                joined.items[joined.count] = lists[list][item];
                joined.count += 1;
                item += 1;
            }
            list += 1;
        }
        joined
    }

    /// All of them.
    pub const fn list(&self) -> &[T] {
        self.items.split_at(self.count).0
    }
}
