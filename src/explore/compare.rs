//! Two variants on the same seeds: which figures differ, and by how much, for certain and not by chance.
//!
//! A seed is run with both, so that what chance does to the one it does to the other as far as they are alike (common random numbers). Of
//! each figure the differences are taken seed by seed, and their mean has an interval by Student's t. There are many figures, and one in
//! twenty would differ by chance alone: the intervals are so wide that with 95 % *all* of them hold at once (Bonferroni).

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::figures::{Better, Figure, Unit};

/// How sure all intervals together are to hold what they are of.
pub const CONFIDENCE: f64 = 0.95;

/// A figure of two variants.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// What it measures: see [`Figure::name`].
    pub name: String,
    /// In what.
    pub unit: Unit,
    /// What one would have of it.
    pub better: Better,
    /// In how many seeds both have it.
    pub seeds: u64,
    /// Its mean, of the first and of the second.
    pub means: [f64; 2],
    /// By how much the second is above the first, on average.
    pub difference: f64,
    /// Half the width of the interval of that. It is infinite where there are too few seeds to tell.
    pub half: f64,
}

impl Compared {
    /// Whether the two differ, as far as these seeds can tell.
    pub fn differs(&self) -> bool {
        self.difference.abs() > self.half
    }

    /// Which of them is better, 0 or 1; neither if they do not differ, or if one cannot say.
    pub fn winner(&self) -> Option<usize> {
        let is_more = self.difference > 0.0;
        match self.better {
            _ if !self.differs() => None,
            Better::More => Some(usize::from(is_more)),
            Better::Less => Some(usize::from(!is_more)),
            Better::Neither => None,
        }
    }

    /// The difference as a part of the first; nothing if that is zero.
    pub fn part(&self) -> Option<f64> {
        (self.means[0] != 0.0).then(|| self.difference / self.means[0].abs())
    }
}

/// What comes of comparing variants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// All figures that both have, in their order.
    pub figures: Vec<Compared>,
    /// How many of them differed in some seed: for so many the intervals are wide.
    pub corrected: usize,
}

/// Compares figures, of the first and of the second variant, for each seed.
pub fn compare(seeds: &[[Vec<Figure>; 2]]) -> Comparison {
    let mut known: Vec<(Figure, Vec<[f64; 2]>)> = Vec::new();
    for [first, second] in seeds {
        // Figures come in one order mostly: what was found last is where it is looked first.
        let (mut place, mut other) = (0, 0);
        for figure in first {
            let Some(value) = found(second, &figure.name, &mut other) else { continue };
            let pair = [figure.value, second[value].value];
            let at = (place..known.len()).chain(0..place).find(|at| known[*at].0.name == figure.name);
            let at = at.unwrap_or_else(|| {
                known.push((figure.clone(), Vec::new()));
                known.len() - 1
            });
            known[at].1.push(pair);
            place = at + 1;
        }
    }
    let corrected = known.iter().filter(|(_, pairs)| pairs.iter().any(|[first, second]| first != second)).count();
    let figures = known.into_iter().map(|(figure, pairs)| compared(figure, &pairs, corrected)).collect();
    Comparison { figures, corrected }
}

/// Where the figure of this name is, looked for from a place on.
fn found(figures: &[Figure], name: &str, from: &mut usize) -> Option<usize> {
    let at = (*from..figures.len()).chain(0..(*from).min(figures.len())).find(|at| figures[*at].name == name)?;
    *from = at + 1;
    Some(at)
}

fn compared(Figure { name, unit, better, .. }: Figure, pairs: &[[f64; 2]], corrected: usize) -> Compared {
    let count = pairs.len() as f64;
    let mean = |side: usize| pairs.iter().map(|pair| pair[side]).sum::<f64>() / count;
    let differences: Vec<f64> = pairs.iter().map(|[first, second]| second - first).collect();
    let (difference, half) = interval(&differences, (1.0 - CONFIDENCE) / corrected.max(1) as f64);
    Compared { name, unit, better, seeds: pairs.len() as u64, means: [mean(0), mean(1)], difference, half }
}

/// The mean of these, and half the width of the interval that misses it with this chance, by Student's t.
pub fn interval(samples: &[f64], doubt: f64) -> (f64, f64) {
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let variance = samples.iter().map(|sample| (sample - mean) * (sample - mean)).sum::<f64>() / (count - 1.0);
    match StudentsT::new(0.0, 1.0, count - 1.0) {
        Ok(t) if samples.len() > 1 => (mean, t.inverse_cdf(1.0 - doubt / 2.0) * libm::sqrt(variance / count)),
        _ => (mean, f64::INFINITY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{RunKey, Stream};

    fn figure(name: &str, value: f64) -> Figure {
        Figure { name: name.to_owned(), value, unit: Unit::Number, better: Better::Less }
    }

    /// A number that is near normal: the sum of twelve uniform ones.
    fn noise(stream: &mut Stream) -> f64 {
        (0..12).map(|_| stream.below(1_000_000) as f64 / 1e6).sum::<f64>() - 6.0
    }

    #[test]
    fn an_interval_has_the_quantile_of_students_t() {
        let (mean, half) = interval(&[1.0, 2.0, 3.0, 4.0], 0.01);
        // s = 1.29099, and t(0.995, 3) = 5.8409.
        assert!((mean - 2.5).abs() < 1e-12 && (half - 5.8409 * 1.290_994 / 2.0).abs() < 1e-3, "{half}");
        assert_eq!(interval(&[1.0], 0.05), (1.0, f64::INFINITY));
    }

    #[test]
    fn what_differs_in_every_seed_alike_is_found_however_much_seeds_differ() {
        let seeds: Vec<[Vec<Figure>; 2]> = (0..50)
            .map(|seed| {
                let mut stream = RunKey::from_seed(seed).stream("of the test", 0);
                let (common, own) = (10.0 * noise(&mut stream), 0.1 * noise(&mut stream));
                [vec![figure("a", 100.0 + common), figure("b", common)], vec![figure("b", common), figure("a", 101.0 + common + own)]]
            })
            .collect();
        let Comparison { figures, corrected } = compare(&seeds);
        let [a, b] = &figures[..] else { panic!("{figures:?}") };
        assert!(a.differs() && a.winner() == Some(0) && a.seeds == 50 && corrected == 1, "{a:?}");
        assert!((a.difference - 1.0).abs() < a.half && a.part().is_some_and(|part| (part - 0.01).abs() < 0.002), "{a:?}");
        assert!(!b.differs() && b.winner().is_none(), "{b:?}");
    }

    /// With as many figures as there may be, noise is taken for a difference in one of twenty comparisons, not in most of them.
    #[test]
    fn noise_is_not_taken_for_a_difference() {
        let claims = (0..200).filter(|trial| {
            let mut stream = RunKey::from_seed(*trial).stream("of the test", 1);
            let mut side = || (0..30).map(|number| figure(&number.to_string(), noise(&mut stream))).collect::<Vec<_>>();
            let seeds: Vec<[Vec<Figure>; 2]> = (0..20).map(|_| [side(), side()]).collect();
            compare(&seeds).figures.iter().any(Compared::differs)
        });
        let claims = claims.count();
        assert!(claims <= 18, "{claims} of 200, where 10 are to be expected");
    }

    #[test]
    fn what_one_side_lacks_is_not_compared() {
        let seeds = [[vec![figure("a", 1.0), figure("b", 1.0)], vec![figure("a", 2.0)]], [vec![figure("a", 1.0)], vec![figure("a", 2.0)]]];
        let Comparison { figures, .. } = compare(&seeds);
        assert_eq!(figures.len(), 1);
        assert!(figures[0].differs() && figures[0].half == 0.0, "it differs by as much in every seed");
    }
}
