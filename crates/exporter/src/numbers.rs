//! Numbers as both formats spell them, without the machinery for widths and fills: half of a page's time
//! went there.

use std::fmt::Write as _;

/// Digits of the longest whole number, and its sign.
const DIGITS_MAX: usize = 20;
/// Floats below are whole numbers exactly; decimals of so many digits are told apart by floats.
const EXACT: f64 = 1e15;
/// Fractions of so much are written by the short way: seconds are mostly whole milliseconds.
const PARTS: u64 = 1_000;
const PART_DIGITS: usize = 3;

/// Writes a whole number.
pub(crate) fn push_whole(value: i64, out: &mut String) {
    if value < 0 {
        out.push('-');
    }
    push_digits(value.unsigned_abs(), out);
}

/// Writes a number that may have a fraction: the shortest decimal that is read as the same number, as Rust
/// writes it, but for infinity.
pub(crate) fn push_float(value: f64, out: &mut String) {
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    }
    // The nearest whole number of thousandths, if that is the same number.
    let parts = (value * PARTS as f64).round();
    let is_short = value.is_sign_positive() && parts < EXACT && parts / PARTS as f64 == value;
    if !is_short {
        return write!(out, "{value}").expect("writing to a string");
    }
    let parts = parts as u64;
    push_digits(parts / PARTS, out);
    let mut rest = parts % PARTS;
    if rest > 0 {
        out.push('.');
        for _ in 0..PART_DIGITS {
            // What is left moves to the front; zeros at the end are not written.
            let digit = (rest * 10 / PARTS) as u8;
            out.push(char::from(b'0' + digit));
            rest = rest * 10 % PARTS;
            if rest == 0 {
                break;
            }
        }
    }
}

/// Ends the line of a sample with a whole number, in one piece.
pub(crate) fn end_line(value: i64, out: &mut Vec<u8>) {
    // With the space before it and what ends the line.
    let mut text = [b'\n'; DIGITS_MAX + 2];
    let mut from = digits_to(DIGITS_MAX + 1, value.unsigned_abs(), &mut text);
    if value < 0 {
        from -= 1;
        text[from] = b'-';
    }
    from -= 1;
    text[from] = b' ';
    out.extend_from_slice(&text[from..]);
}

fn push_digits(value: u64, out: &mut String) {
    if value < 10 {
        return out.push(char::from(b'0' + value as u8));
    }
    let mut digits = [0; DIGITS_MAX];
    let from = digits_to(DIGITS_MAX, value, &mut digits);
    out.push_str(str::from_utf8(&digits[from..]).expect("digits are characters"));
}

/// Writes digits up to `end`, and tells where they begin.
#[inline]
fn digits_to(end: usize, mut value: u64, text: &mut [u8]) -> usize {
    let mut from = end;
    loop {
        from -= 1;
        text[from] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            return from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(value: i64) -> String {
        let mut text = String::new();
        push_whole(value, &mut text);
        text
    }

    fn float(value: f64) -> String {
        let mut text = String::new();
        push_float(value, &mut text);
        text
    }

    #[test]
    fn whole_numbers_are_written_as_rust_writes_them() {
        for value in [0, 1, -1, 9, 10, 99, 100, 12_345, i64::MAX, i64::MIN] {
            assert_eq!(whole(value), value.to_string());
        }
        (0..64).for_each(|bits| assert_eq!(whole(1 << bits), (1_i64 << bits).to_string()));
        for value in [0, 7, -7, 10, 12_345, i64::MAX, i64::MIN] {
            let mut line = b"x".to_vec();
            end_line(value, &mut line);
            assert_eq!(line, format!("x {value}\n").into_bytes());
        }
    }

    #[test]
    fn floats_are_written_as_rust_writes_them() {
        let odd = [
            0.0,
            -0.0,
            0.001,
            0.0005,
            0.1,
            0.3,
            1.0,
            1.5,
            1.005,
            12.34,
            0.123_4,
            1e-7,
            1e14,
            1e15,
            1e16,
            999_999_999_999.999,
            9_999_999_999_999.999,
            1e300,
            f64::MIN_POSITIVE,
            f64::MAX,
            f64::NAN,
            0.1 + 0.2,
            -1.5,
            2.000_000_000_000_000_4,
        ];
        for value in odd {
            assert_eq!(float(value), format!("{value}"));
        }
        let mut seed = 1_u64;
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let parts = (seed >> (20 + seed % 40)) as f64;
            for value in [
                parts / 1_000.0,
                parts / 1_024.0,
                parts / 10.0,
                f64::from_bits(seed),
            ] {
                if value.is_finite() {
                    assert_eq!(float(value), format!("{value}"));
                }
            }
        }
        assert_eq!(float(f64::INFINITY), "+Inf");
        assert_eq!(float(f64::NEG_INFINITY), "-Inf");
    }
}
