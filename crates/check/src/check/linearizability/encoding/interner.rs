//! Values as numbers.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

const NONE: u32 = u32::MAX;

/// Equal values get equal numbers, counted from zero in order of appearance.
#[derive(Debug)]
pub(super) struct Interner<T> {
    items: Vec<T>,
    /// Places in `items`, found by hash with linear probing; empty while there are so few that looking at each is quicker.
    table: Vec<u32>,
}

const FEW: usize = 8;

impl<T: Hash + Eq> Interner<T> {
    pub(super) const fn new() -> Self {
        Self { items: Vec::new(), table: Vec::new() }
    }

    pub(super) fn get(&self, id: u32) -> &T {
        &self.items[id as usize]
    }

    /// How many bytes it takes, but for what items hold elsewhere.
    pub(super) const fn bytes(&self) -> usize {
        self.items.capacity() * size_of::<T>() + self.table.capacity() * size_of::<u32>()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn intern(&mut self, item: T) -> u32 {
        if self.table.is_empty() {
            if let Some(found) = self.items.iter().position(|known| *known == item) {
                return found as u32;
            }
        } else {
            let mut place = self.home(&item);
            while self.table[place] != NONE {
                let found = self.table[place];
                if self.items[found as usize] == item {
                    return found;
                }
                place = (place + 1) & (self.table.len() - 1);
            }
            self.table[place] = self.items.len() as u32;
        }
        let id = self.items.len() as u32;
        self.items.push(item);
        if self.items.len() > FEW && self.items.len() * 2 > self.table.len() {
            self.grow();
        }
        id
    }

    fn home(&self, item: &T) -> usize {
        let mut hasher = FxHasher::default();
        item.hash(&mut hasher);
        hasher.finish() as usize & (self.table.len() - 1)
    }

    fn grow(&mut self) {
        self.table = vec![NONE; (self.items.len() * 4).next_power_of_two()];
        for id in 0..self.items.len() {
            let mut place = self.home(&self.items[id]);
            while self.table[place] != NONE {
                place = (place + 1) & (self.table.len() - 1);
            }
            self.table[place] = id as u32;
        }
    }
}
