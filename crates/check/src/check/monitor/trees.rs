//! Trees over a row of places: each answers in logarithmic time.

/// The greatest number among some places, and where it is.
pub(super) struct Greatest {
    size: usize,
    /// The root is at 1, the children of `node` at `2 * node` and the next; leaves are places. Each holds the greatest place below it.
    best: Vec<u32>,
    numbers: Vec<u32>,
}

impl Greatest {
    /// All numbers are zero at first.
    pub(super) fn new(length: usize) -> Self {
        let size = length.next_power_of_two().max(1);
        let mut best = vec![0; 2 * size];
        for node in (1..2 * size).rev() {
            best[node] = if node >= size { (node - size) as u32 } else { best[2 * node] };
        }
        Self { size, best, numbers: vec![0; size] }
    }

    /// Gives this place another number.
    pub(super) fn set(&mut self, place: usize, number: u32) {
        self.numbers[place] = number;
        let mut node = (self.size + place) / 2;
        while node > 0 {
            let (left, right) = (self.best[2 * node], self.best[2 * node + 1]);
            self.best[node] = self.better(left, right);
            node /= 2;
        }
    }

    fn better(&self, left: u32, right: u32) -> u32 {
        if self.numbers[right as usize] > self.numbers[left as usize] { right } else { left }
    }

    /// The place with the greatest number in this range, if one is above zero, and the number.
    pub(super) fn within(&self, range: std::ops::Range<usize>) -> Option<(usize, u32)> {
        let (mut low, mut high) = (range.start + self.size, range.end + self.size);
        let mut found: Option<u32> = None;
        while low < high {
            if low % 2 == 1 {
                found = Some(found.map_or(self.best[low], |found| self.better(found, self.best[low])));
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                found = Some(found.map_or(self.best[high], |found| self.better(found, self.best[high])));
            }
            low /= 2;
            high /= 2;
        }
        found.map(|place| (place as usize, self.numbers[place as usize])).filter(|(_, number)| *number > 0)
    }
}

/// How often each place is covered, and where the first is that is not.
pub(super) struct Cover {
    size: usize,
    /// For each node the least count of a place below it, and what is to be added to all of them.
    least: Vec<i32>,
    added: Vec<i32>,
}

impl Cover {
    /// Nothing is covered at first.
    pub(super) fn new(length: usize) -> Self {
        let size = length.next_power_of_two().max(1);
        Self { size, least: vec![0; 2 * size], added: vec![0; 2 * size] }
    }

    /// Covers a range once more, or once less.
    pub(super) fn add(&mut self, range: std::ops::Range<usize>, times: i32) {
        if range.start < range.end {
            self.add_below(1, 0..self.size, &range, times);
        }
    }

    fn add_below(&mut self, node: usize, places: std::ops::Range<usize>, range: &std::ops::Range<usize>, times: i32) {
        if range.end <= places.start || places.end <= range.start {
            return;
        }
        if range.start <= places.start && places.end <= range.end {
            self.least[node] += times;
            self.added[node] += times;
            return;
        }
        let middle = places.start.midpoint(places.end);
        self.add_below(2 * node, places.start..middle, range, times);
        self.add_below(2 * node + 1, middle..places.end, range, times);
        self.least[node] = self.least[2 * node].min(self.least[2 * node + 1]) + self.added[node];
    }

    /// The first place in this range that is not covered.
    pub(super) fn first_free(&self, range: std::ops::Range<usize>) -> Option<usize> {
        if range.start < range.end { self.free_below(1, 0..self.size, &range, 0) } else { None }
    }

    fn free_below(&self, node: usize, places: std::ops::Range<usize>, range: &std::ops::Range<usize>, above: i32) -> Option<usize> {
        if range.end <= places.start || places.end <= range.start || self.least[node] + above > 0 {
            return None;
        }
        if places.len() == 1 {
            return Some(places.start);
        }
        let (middle, above) = (places.start.midpoint(places.end), above + self.added[node]);
        self.free_below(2 * node, places.start..middle, range, above)
            .or_else(|| self.free_below(2 * node + 1, middle..places.end, range, above))
    }
}

/// Places that go one by one; the next one that is left is found in nearly constant time.
pub(super) struct Remaining {
    next: Vec<u32>,
}

impl Remaining {
    /// All are left at first.
    pub(super) fn new(length: usize) -> Self {
        Self { next: (0..=length as u32).collect() }
    }

    /// The first place from here on that is left; one past the last if there is none.
    pub(super) fn from(&mut self, place: usize) -> usize {
        let mut root = place;
        while self.next[root] as usize != root {
            root = self.next[root] as usize;
        }
        let mut place = place;
        while self.next[place] as usize != root {
            place = std::mem::replace(&mut self.next[place], root as u32) as usize;
        }
        root
    }

    /// This one goes.
    pub(super) fn remove(&mut self, place: usize) {
        self.next[place] = place as u32 + 1;
    }

    /// All in this range go.
    pub(super) fn remove_all(&mut self, range: std::ops::Range<usize>) {
        let mut place = self.from(range.start);
        while place < range.end {
            self.remove(place);
            place = self.from(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RunKey;

    #[test]
    fn trees_agree_with_rows() {
        for length in [1, 2, 5, 8, 13] {
            let mut random = RunKey::from_seed(length as u64).stream("trees", 0);
            let (mut greatest, mut numbers) = (Greatest::new(length), vec![0; length]);
            let (mut cover, mut counts) = (Cover::new(length), vec![0; length]);
            let (mut remaining, mut left) = (Remaining::new(length), vec![true; length]);
            for _ in 0..400 {
                let mut draw = |bound: usize| random.below(bound as u64 + 1) as usize;
                let (place, start) = (draw(length - 1), draw(length));
                let range = start..start + draw(length - start);
                numbers[place] = draw(4) as u32;
                greatest.set(place, numbers[place]);
                let found = greatest.within(range.clone());
                assert_eq!(found.map(|(_, number)| number), numbers[range.clone()].iter().max().copied().filter(|number| *number > 0));
                assert!(found.is_none_or(|(place, number)| range.contains(&place) && numbers[place] == number));

                let times = if counts[range.clone()].iter().all(|count| *count > 0) && draw(2) > 0 { -1 } else { 1 };
                counts[range.clone()].iter_mut().for_each(|count| *count += times);
                cover.add(range.clone(), times);
                let wide = draw(start)..length;
                assert_eq!(cover.first_free(wide.clone()), wide.clone().find(|place| counts[*place] == 0));

                if draw(20) == 0 {
                    remaining.remove_all(range.clone());
                    left[range].iter_mut().for_each(|left| *left = false);
                }
                assert_eq!(remaining.from(start), (start..length).find(|place| left[*place]).unwrap_or(length));
            }
        }
    }
}
