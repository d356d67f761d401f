//! Numbers in one spelling for equal ones, so that their texts can be compared.
//!
//! In EDN, equal is what Clojure's `=` calls so: numbers of one kind and of one value. There are four kinds: whole numbers (`1`, `1N`,
//! `2/2`), ratios, doubles, and decimals (`1.5M`). In JSON, which has one kind, equal is what has exactly one value.

use super::value::Value;

/// A number as EDN writes it, sign included; nothing if this is none.
pub(super) fn edn(text: &str) -> Option<Value> {
    let (negative, digits) = signed(text);
    if let Some(hex) = digits.strip_prefix("0x") {
        return u128::from_str_radix(hex, 16).ok().map(|number| whole(negative, &number.to_string()));
    }
    if let Some((above, below)) = digits.split_once('/') {
        return ratio(negative, above, below);
    }
    if let Some(digits) = digits.strip_suffix('N') {
        return is_whole(digits).then(|| whole(negative, digits));
    }
    if is_whole(digits) {
        return Some(whole(negative, digits));
    }
    if let Some(digits) = digits.strip_suffix('M') {
        return Decimal::read(negative, digits).map(|decimal| Value::Number(decimal.spelled().into()));
    }
    Decimal::read(negative, digits)?;
    text.parse().ok().map(double)
}

/// A number as JSON writes it; nothing if this is none.
pub(super) fn json(text: &str) -> Option<Value> {
    let (negative, digits) = signed(text);
    let decimal = Decimal::read(negative, digits)?;
    if let Some(digits) = decimal.plain() {
        return Some(whole(negative, &digits));
    }
    // What a double says exactly is spelled as one, and anything else as the decimal that it is.
    let nearest = double(text.parse().ok()?);
    let exact = |value: &Value| match value {
        Value::Number(spelled) => {
            let (negative, digits) = signed(spelled);
            decimal.exponent < 0 && Decimal::read(negative, digits).as_ref() == Some(&decimal)
        }
        _ => false,
    };
    Some(if exact(&nearest) { nearest } else { Value::Number(decimal.spelled().into()) })
}

/// A double. All that are not numbers are one.
pub(super) fn double(number: f64) -> Value {
    // Adding zero takes the sign off a zero.
    Value::Number(format!("{:?}", number + 0.0).into())
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn is_whole(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A whole number of these digits.
fn whole(negative: bool, digits: &str) -> Value {
    let digits = digits.trim_start_matches('0');
    let text = format!("{}{}", if negative && !digits.is_empty() { "-" } else { "" }, if digits.is_empty() { "0" } else { digits });
    text.parse().map_or_else(|_| Value::Number(text.into()), Value::Int)
}

/// A ratio in its lowest terms, which may be a whole number. Neither part may have more than 128 bits.
fn ratio(negative: bool, above: &str, below: &str) -> Option<Value> {
    if !is_whole(above) || !is_whole(below) {
        return None;
    }
    let (above, below) = (above.parse::<u128>().ok()?, below.parse::<u128>().ok().filter(|below| *below > 0)?);
    let (mut divisor, mut rest) = (above, below);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    let above = (above / divisor).to_string();
    if below == divisor {
        return Some(whole(negative, &above));
    }
    Some(Value::Number(format!("{}{above}/{}", if negative { "-" } else { "" }, below / divisor).into()))
}

/// Digits, and a power of ten: neither the first digit nor the last is a zero. Without a digit, it is zero.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

/// A power of ten beyond this is no number of anybody's.
const EXPONENT_MAX: i64 = 1 << 40;
/// A whole number is spelled out up to so many digits.
const PLAIN_MAX: i64 = 400;
/// And so many zeros stand in front of one that is no whole number.
const ZEROS_MAX: i64 = 20;

impl Decimal {
    fn read(negative: bool, text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok().filter(|exponent| exponent.abs() <= EXPONENT_MAX)?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if !is_whole(whole) || !(fraction.is_empty() || is_whole(fraction)) {
            return None;
        }
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let exponent = exponent - fraction.len() as i64 + (all.len() - digits.len()) as i64;
        let digits = digits.trim_start_matches('0').to_owned();
        let zero = digits.is_empty();
        Some(Self { negative: negative && !zero, digits, exponent: if zero { 0 } else { exponent } })
    }

    /// All digits of a whole number, unless there are too many.
    fn plain(&self) -> Option<String> {
        let few = self.exponent >= 0 && self.digits.len() as i64 + self.exponent <= PLAIN_MAX;
        few.then(|| self.digits.clone() + &"0".repeat(self.exponent as usize))
    }

    fn spelled(&self) -> String {
        let (sign, digits, length) = (if self.negative { "-" } else { "" }, &self.digits, self.digits.len() as i64);
        match self.exponent {
            _ if digits.is_empty() => "0M".to_owned(),
            0.. => match self.plain() {
                Some(plain) => format!("{sign}{plain}M"),
                None => format!("{sign}{digits}e{}M", self.exponent),
            },
            exponent if -exponent < length => {
                let (whole, fraction) = digits.split_at((length + exponent) as usize);
                format!("{sign}{whole}.{fraction}M")
            }
            exponent if -exponent - length <= ZEROS_MAX => format!("{sign}0.{}{digits}M", "0".repeat((-exponent - length) as usize)),
            exponent => format!("{sign}{digits}e{exponent}M"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of a table in the page on checking: a notation, two numbers, and whether they are equal.
    fn rows(page: &str) -> Vec<(&str, &str, &str, bool)> {
        let table = page.split("| notation | one | other | equal |").nth(1).expect("a table of numbers");
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        rows.map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
            let [notation, one, other, equal] = cells[..] else { panic!("{row}") };
            (notation, one, other, equal == "yes")
        })
        .collect()
    }

    #[test]
    fn numbers_are_equal_as_the_page_on_checking_says() {
        let rows = rows(include_str!("../../../../../docs/checking.md"));
        assert!(rows.len() > 20, "{}", rows.len());
        for (notation, one, other, equal) in rows {
            let read = |text: &str| match notation {
                "edn" => text.parse::<Value>().expect("a value"),
                _ => super::super::json::value(text).expect("a value"),
            };
            assert_eq!(read(one) == read(other), equal, "{notation}: {one} and {other}");
        }
    }

    /// What is printed is read as the same, in EDN at least.
    #[test]
    fn each_number_has_one_spelling() {
        let texts = [
            "0",
            "-0",
            "007",
            "-1",
            "1N",
            "99999999999999999999",
            "6/4",
            "-6/4",
            "4/2",
            "1.50",
            "-0.0",
            "1e400",
            "1e-400",
            "1.50M",
            "1e30M",
        ];
        for text in texts.into_iter().chain(["0.00001M", "1e-30M", "-1e500M", "0x2f683722", "123.456e1M"]) {
            let value = edn(text).expect(text);
            assert_eq!(value.to_string().parse(), Ok(value.clone()), "{text}");
        }
        for text in ["1", "0.1", "1e2", "1e1000", "-1e-1000", "0.1000000000000000000000001", "340282366920938463463374607431768211455.5"] {
            let value = json(text).expect(text);
            assert_eq!(value.to_string().parse(), Ok(value.clone()), "{text}");
        }
        for text in ["", "-", "1e", "1/0", "1/", "1.5N", "1e99999999999999999999", "0x", "1.5/2", "1,5"] {
            assert_eq!(edn(text), None, "{text}");
        }
    }
}
