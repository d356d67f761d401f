//! Consistent hashing on a ring, with bounded loads.

use stormglass_process::base::Digest;

use super::member::{Member, View};

/// The points of all instances on the ring, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Ring {
    points: Vec<(u64, usize)>,
}

/// An instance has no more points than this, whatever its weight.
const POINTS_MAX: u32 = 1 << 16;

impl Ring {
    /// `points` for each unit of weight.
    pub(super) fn new(members: &[Member], points: u32) -> Self {
        let listed = members.iter().enumerate().filter(|(_, member)| member.listed);
        let of = |(place, member): (usize, &Member)| {
            let (id, count) = (member.id, points.saturating_mul(member.weight).min(POINTS_MAX));
            (0..count).map(move |nth| (hash([id, u64::from(nth)]), place))
        };
        let mut points: Vec<_> = listed.flat_map(of).collect();
        points.sort_unstable();
        Self { points }
    }

    /// The first on the ring from the key on that may be picked, and bears less than its bound: so many percent of the mean load with
    /// the call that is to come, by weight, rounded up. Mirrokni, Thorup and Zadimoghaddam, *Consistent Hashing with Bounded Loads*,
    /// SODA 2018.
    pub(super) fn pick(&self, view: &View<'_>, key: u64, load_percent: Option<u32>) -> Option<usize> {
        let key = hash([key]);
        let start = self.points.partition_point(|(point, _)| *point < key);
        let mut places = self.points[start..].iter().chain(&self.points[..start]).map(|(_, place)| *place).filter(|place| view.may(*place));
        let Some(percent) = load_percent else { return places.next() };
        let (mut calls, mut weights) = (1_u128, 0_u128);
        for place in view.places() {
            let member = &view.members[place];
            calls += u128::from(member.in_flight);
            weights += u128::from(member.weight);
        }
        // Not all can be at their bounds: together those are more than the calls.
        places.find(|place| {
            let member = &view.members[*place];
            let bound = (calls * u128::from(percent) * u128::from(member.weight)).div_ceil(weights * 100);
            u128::from(member.in_flight) < bound
        })
    }
}

pub(super) fn hash<const N: usize>(words: [u64; N]) -> u64 {
    let mut digest = Digest::new();
    words.into_iter().for_each(|word| digest.word(word));
    digest.finish()
}
