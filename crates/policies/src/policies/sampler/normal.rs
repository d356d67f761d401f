//! The inverse of the normal distribution.

/// The x below which a standard normal variable falls with the probability p that a uniform word stands for: (word + ½) / 2⁶⁴.
///
/// Wichura, *Algorithm AS 241: The Percentage Points of the Normal Distribution*, Applied Statistics 37(3), 1988, routine PPND16: a
/// relative error of about 10⁻¹⁶. Additions, multiplications and divisions, `libm`'s logarithm and root: the same bits on every machine.
pub(super) fn quantile(word: u64) -> f64 {
    // The distance to the nearer end is exact near both ends, where a float of p itself would not be.
    let upper = word >> 63 == 1;
    let tail = ((if upper { !word } else { word }) as f64 + 0.5) / TWO_TO_64;
    let distance = 0.5 - tail;
    let magnitude = if distance <= 0.425 {
        let r = 0.180_625 - distance * distance;
        distance * polynomial(r, &A) / polynomial(r, &B)
    } else {
        let r = libm::sqrt(-libm::log(tail));
        if r <= 5.0 { polynomial(r - 1.6, &C) / polynomial(r - 1.6, &D) } else { polynomial(r - 5.0, &E) / polynomial(r - 5.0, &F) }
    };
    if upper { magnitude } else { -magnitude }
}

pub(super) const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;

fn polynomial(x: f64, coefficients: &[f64; 8]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

const A: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const B: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_854,
];
const C: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const D: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const E: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    0.001_242_660_947_388_078_4,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const F: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the distribution function itself, from the middle to both ends.
    #[test]
    fn it_inverts_the_distribution_function() {
        for shift in 0..60 {
            for word in [u64::MAX >> 1 >> shift, (0x6b5f_3c2a_9d01_77e3 >> 1) >> shift] {
                let tail = (word as f64 + 0.5) / TWO_TO_64;
                let x = quantile(word);
                let back = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
                // An error of x by one part is one of the tail by about x² parts.
                let bound = (2.0 + x * x) * 1e-15;
                assert!((back / tail - 1.0).abs() < bound, "{word:x}: {x}, {back} for {tail}");
                assert_eq!(quantile(!word).to_bits(), (-x).to_bits(), "the distribution is symmetric");
            }
        }
    }

    #[test]
    fn known_points() {
        for (p, x) in [(0.5, 0.0), (0.841_344_746_068_542_9, 1.0), (0.975, 1.959_963_984_540_054), (0.999, 3.090_232_306_167_813_5)] {
            let word = (p * TWO_TO_64) as u64;
            assert!((quantile(word) - x).abs() < 1e-14, "{p}: {}", quantile(word));
        }
    }
}
