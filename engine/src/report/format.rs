//! Numbers as people read them: seconds, bytes, counts, ratios. Three significant digits and one
//! unit, so that columns of a table and labels of a chart stay narrow and comparable.

/// Units of time, each with its length in seconds and the length from which it is used.
pub(super) const TIME_UNITS: [Unit; 7] = [
    Unit { name: "µs", size: 1e-6, from: 0.0 },
    Unit { name: "ms", size: 1e-3, from: 1e-3 },
    Unit { name: "s", size: 1.0, from: 1.0 },
    Unit { name: "min", size: 60.0, from: 120.0 },
    Unit { name: "h", size: 3_600.0, from: 7_200.0 },
    Unit { name: "days", size: 86_400.0, from: 172_800.0 },
    Unit { name: "years", size: 31_557_600.0, from: 63_115_200.0 },
];

/// Units of memory and of files, decimal as disks and networks count.
pub(super) const BYTE_UNITS: [Unit; 7] = [
    Unit { name: "B", size: 1.0, from: 0.0 },
    Unit { name: "kB", size: 1e3, from: 1e3 },
    Unit { name: "MB", size: 1e6, from: 1e6 },
    Unit { name: "GB", size: 1e9, from: 1e9 },
    Unit { name: "TB", size: 1e12, from: 1e12 },
    Unit { name: "PB", size: 1e15, from: 1e15 },
    Unit { name: "EB", size: 1e18, from: 1e18 },
];

const COUNT_UNITS: [Unit; 5] = [
    Unit { name: "M", size: 1e6, from: 0.0 },
    Unit { name: "G", size: 1e9, from: 1e9 },
    Unit { name: "T", size: 1e12, from: 1e12 },
    Unit { name: "P", size: 1e15, from: 1e15 },
    Unit { name: "E", size: 1e18, from: 1e18 },
];

/// Counts below this are written with every digit.
const EXACT_BELOW: u64 = 10_000_000;

/// A unit of measurement in the terms of its base unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    /// The name beside the number.
    pub name: &'static str,
    /// How many base units it is.
    pub size: f64,
    /// The least value, in base units, that is written in this unit.
    pub from: f64,
}

impl Unit {
    /// The unit of `units` in which `value` reads best.
    pub fn of(value: f64, units: &[Unit]) -> Unit {
        // A value such as 999.9 ms rounds up to the next unit's first value.
        let rounded = value.abs() * 1.0005;
        let fitting = units.iter().rev().find(|unit| rounded >= unit.from);
        fitting.or(units.first()).copied().unwrap_or(Unit { name: "", size: 1.0, from: 0.0 })
    }

    fn write(value: f64, units: &[Unit]) -> String {
        if !value.is_finite() {
            return "–".to_owned();
        }
        let unit = Unit::of(value, units);
        format!("{} {}", three_digits(value / unit.size), unit.name)
    }
}

/// A duration: `850 µs`, `12.3 ms`, `2.84 s`, `12.1 min`, `3.20 h`, `4.10 days`. A value that is
/// not a number is a dash.
#[must_use]
pub fn secs(seconds: f64) -> String {
    if seconds == 0.0 { "0 s".to_owned() } else { Unit::write(seconds, &TIME_UNITS) }
}

/// A duration with five digits, for who asks for the exact value: `2.8413 s`.
#[must_use]
pub fn exact_secs(seconds: f64) -> String {
    if !seconds.is_finite() || seconds == 0.0 {
        return secs(seconds);
    }
    let unit = Unit::of(seconds, &TIME_UNITS);
    format!("{} {}", five_digits(seconds / unit.size), unit.name)
}

/// A size with every byte beside the short form: `390 MB (389,973,120 B)`.
#[must_use]
pub fn exact_bytes(bytes: f64) -> String {
    let short = bytes_f64(bytes);
    let is_short = !bytes.is_finite() || !(999.5..1e15).contains(&bytes);
    if is_short { short } else { format!("{short} ({} B)", grouped(bytes.round() as u64)) }
}

/// A size in decimal units: `512 B`, `21.6 kB`, `390 MB`, `4.09 GB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    bytes_f64(bytes as f64)
}

/// A size that was averaged or predicted, as [`bytes`] writes it.
#[must_use]
pub fn bytes_f64(bytes: f64) -> String {
    if bytes.is_finite() && bytes.abs() < 999.5 {
        return format!("{bytes:.0} B");
    }
    Unit::write(bytes, &BYTE_UNITS)
}

/// A count of things: every digit while it is short (`651,720`), three digits beyond (`4.09 G`).
#[must_use]
pub fn count(count: u64) -> String {
    if count < EXACT_BELOW { grouped(count) } else { Unit::write(count as f64, &COUNT_UNITS) }
}

/// A count for a narrow column: every digit up to six (`651,720`), three digits beyond (`4.09 M`).
#[must_use]
pub fn short_count(count: u64) -> String {
    const EXACT_BELOW: u64 = 1_000_000;
    if count < EXACT_BELOW { grouped(count) } else { Unit::write(count as f64, &COUNT_UNITS) }
}

/// A count with every digit, in groups of three: `4,089,184,256`.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share of one: `54%`, `0.4%`, `<0.1%`.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if !percent.is_finite() => "–".to_owned(),
        0.0 => "0%".to_owned(),
        _ if percent.abs() < 0.1 => "<0.1%".to_owned(),
        _ if percent.abs() < 9.95 => format!("{percent:.1}%"),
        _ => format!("{percent:.0}%"),
    }
}

/// How a value compares with a reference: `2.3× less`, `1.4× more`, `the same`. Nothing where
/// either is zero or not a number.
#[must_use]
pub fn against(value: f64, reference: f64) -> Option<String> {
    let ratio = reference / value;
    if !ratio.is_finite() || ratio <= 0.0 {
        return None;
    }
    let (factor, word) = if ratio >= 1.0 { (ratio, "less") } else { (1.0 / ratio, "more") };
    Some(if factor < 1.05 {
        "the same".to_owned()
    } else if factor < 9.95 {
        format!("{factor:.1}× {word}")
    } else {
        format!("{}× {word}", grouped(factor.round() as u64))
    })
}

/// By how much a value changed, as a share of what it was: `+12%`, `−3.4%`, `±0%`; `new` where it
/// was nothing.
#[must_use]
pub fn change(was: f64, is: f64) -> String {
    let share = (is - was) / was;
    if was == is {
        "±0%".to_owned()
    } else if !share.is_finite() {
        "new".to_owned()
    } else {
        format!("{}{}", if share > 0.0 { '+' } else { '−' }, percent(share.abs()))
    }
}

/// Three significant digits without an exponent for what a unit leaves: `0.012`, `2.84`, `390`.
#[must_use]
pub fn three_digits(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !size.is_finite() => "–".to_owned(),
        0.0 => "0".to_owned(),
        _ if size >= 999.5 => grouped_f64(value),
        _ if size >= 99.95 => format!("{value:.0}"),
        _ if size >= 9.995 => format!("{value:.1}"),
        _ if size >= 0.095 => format!("{value:.2}"),
        _ if size >= 0.0095 => format!("{value:.3}"),
        _ => format!("{value:.1e}"),
    }
}

/// A distance of probabilities, such as D1, with up to three significant digits: `0.0123`, `0.005`,
/// `0.00042`; below a millionth with an exponent.
#[must_use]
pub fn distance(value: f64) -> String {
    let size = value.abs();
    if !size.is_finite() || size == 0.0 || size >= 0.1 {
        return three_digits(value);
    }
    if size < 1e-6 {
        return format!("{value:.1e}");
    }
    let decimals = (2.0 - size.log10().floor()).clamp(3.0, 9.0) as usize;
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').to_owned()
}

fn five_digits(value: f64) -> String {
    match value.abs() {
        size if size >= 9_999.5 => grouped_f64(value),
        size if size >= 999.95 => format!("{value:.1}"),
        size if size >= 99.995 => format!("{value:.2}"),
        size if size >= 9.9995 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

fn grouped_f64(value: f64) -> String {
    if value.abs() >= 1e15 {
        return format!("{value:.2e}");
    }
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", grouped(value.abs().round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_one_unit() {
        let cases = [
            (0.0, "0 s"),
            (850e-6, "850 µs"),
            (0.0123, "12.3 ms"),
            (0.99999, "1.00 s"),
            (2.841, "2.84 s"),
            (75.24, "75.2 s"),
            (725.0, "12.1 min"),
            (11_520.0, "3.20 h"),
            (354_240.0, "4.10 days"),
            (1e12, "31,688 years"),
            (f64::NAN, "–"),
            (f64::INFINITY, "–"),
        ];
        for (value, text) in cases {
            assert_eq!(secs(value), text);
        }
        assert!(secs(f64::MAX).contains("e"));
    }

    #[test]
    fn sizes_are_decimal() {
        let cases = [
            (0, "0 B"),
            (512, "512 B"),
            (999, "999 B"),
            (1_000, "1.00 kB"),
            (21_600, "21.6 kB"),
            (999_999, "1.00 MB"),
            (390_000_000, "390 MB"),
            (4_090_000_000, "4.09 GB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (value, text) in cases {
            assert_eq!(bytes(value), text);
        }
    }

    #[test]
    fn exact_values_have_more_digits() {
        assert_eq!(exact_secs(2.841_37), "2.8414 s");
        assert_eq!(exact_secs(0.012_345_6), "12.346 ms");
        assert_eq!(exact_secs(0.0), "0 s");
        assert_eq!(exact_secs(f64::NAN), "–");
        assert_eq!(exact_bytes(389_973_120.0), "390 MB (389,973,120 B)");
        assert_eq!(exact_bytes(512.0), "512 B");
        assert_eq!(exact_bytes(f64::NAN), "–");
    }

    #[test]
    fn distances_have_no_exponent_while_they_can_be_read() {
        let cases = [
            (0.0, "0"),
            (0.2, "0.20"),
            (0.005, "0.005"),
            (0.012_34, "0.0123"),
            (0.000_42, "0.00042"),
            (1e-9, "1.0e-9"),
            (f64::NAN, "–"),
        ];
        for (value, text) in cases {
            assert_eq!(distance(value), text);
        }
    }

    #[test]
    fn counts_keep_their_digits_while_they_are_short() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (651_720, "651,720"),
            (9_999_999, "9,999,999"),
            (10_000_000, "10.0 M"),
            (4_089_184_256, "4.09 G"),
        ];
        for (value, text) in cases {
            assert_eq!(count(value), text);
        }
        assert_eq!(grouped(4_089_184_256), "4,089,184,256");
        assert_eq!(
            (short_count(651_720), short_count(4_089_184)),
            ("651,720".into(), "4.09 M".into())
        );
    }

    #[test]
    fn shares_and_comparisons_read_as_text() {
        assert_eq!(percent(0.54), "54%");
        assert_eq!(percent(0.004), "0.4%");
        assert_eq!(percent(0.00001), "<0.1%");
        assert_eq!(change(50.0, 56.0), "+12%");
        assert_eq!(change(1000.0, 966.0), "−3.4%");
        assert_eq!((change(3.0, 3.0), change(0.0, 0.0)), ("±0%".into(), "±0%".into()));
        assert_eq!(change(0.0, 3.0), "new");
        assert_eq!(against(2.0, 4.6).as_deref(), Some("2.3× less"));
        assert_eq!(against(1.4, 1.0).as_deref(), Some("1.4× more"));
        assert_eq!(against(1.0, 1.01).as_deref(), Some("the same"));
        assert_eq!(against(0.0, 1.0), None);
        assert_eq!(against(1.0, f64::NAN), None);
    }
}
