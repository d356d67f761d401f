//! Consistent hashing by a look-up table.

use super::member::{Member, View};
use super::ring::hash;

/// Which member each place of the table belongs to.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    places: Vec<u32>,
}

impl Table {
    /// Each member has a permutation of the places, and takes in turn the first in it that is free, until none is: Eisenbud and others,
    /// *Maglev: A Fast and Reliable Software Network Load Balancer*, NSDI 2016, §3.4. `size` is prime, so that steps of any length reach
    /// all.
    pub(super) fn new(members: &[Member], size: u32) -> Self {
        let listed = members.iter().enumerate().filter(|(_, member)| member.listed && member.weight > 0);
        let size = u64::from(size);
        let mut turns: Vec<(u32, u64, u64)> = listed
            .map(|(place, member)| (place as u32, hash([member.id, OFFSET]) % size, hash([member.id, STEP]) % (size - 1) + 1))
            .collect();
        if turns.is_empty() {
            return Self::default();
        }
        let mut places = vec![FREE; size as usize];
        let mut left = places.len();
        loop {
            for (member, next, step) in &mut turns {
                while places[*next as usize] != FREE {
                    *next = (*next + *step) % size;
                }
                places[*next as usize] = *member;
                left -= 1;
                if left == 0 {
                    return Self { places };
                }
            }
        }
    }

    /// The one to which the key's place belongs; where that may not be picked, the first after it that may.
    pub(super) fn pick(&self, view: &View<'_>, key: u64) -> Option<usize> {
        let start = (hash([key]) % self.places.len().max(1) as u64) as usize;
        let places = self.places[start..].iter().chain(&self.places[..start]);
        places.map(|place| *place as usize).find(|place| view.may(*place))
    }

    #[cfg(test)]
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }
}

const FREE: u32 = u32::MAX;
const OFFSET: u64 = 1;
const STEP: u64 = 2;

/// Whether a number is prime, by trial.
pub(super) fn is_prime(number: u32) -> bool {
    number >= 2
        && (2..).take_while(|divisor| divisor * divisor <= u64::from(number)).all(|divisor| !u64::from(number).is_multiple_of(divisor))
}
