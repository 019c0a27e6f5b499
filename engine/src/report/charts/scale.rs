//! Axes from zero with round steps in the unit that fits, and logarithmic ones where values span
//! too much for that.

use crate::report::format::{self, BYTE_UNITS, TIME_UNITS, Unit};

use super::frame::Frame;

/// What an axis measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Secs,
    Bytes,
}

impl Measure {
    /// A value with its unit, as labels show it.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Secs => format::secs(value),
            Self::Bytes => format::bytes_f64(value),
        }
    }

    /// A power of ten with its unit, as a logarithmic axis shows it.
    fn power_text(self, value: f64) -> String {
        // Minutes and hours have no powers of ten: a long time is many seconds.
        let units: &[Unit] = match self {
            Self::Secs => &TIME_UNITS[..3],
            Self::Bytes => &BYTE_UNITS,
        };
        let unit = Unit::of(value, units);
        let number = value / unit.size;
        let whole = (0.99..1e12).contains(&number).then(|| format::grouped(number.round() as u64));
        format!("{} {}", whole.unwrap_or_else(|| format::three_digits(number)), unit.name)
    }

    fn unit(self, value: f64) -> Unit {
        match self {
            Self::Secs => Unit::of(value, &TIME_UNITS),
            Self::Bytes => Unit::of(value, &BYTE_UNITS),
        }
    }
}

/// Values that are farther apart than this are shown on a logarithmic axis: on one from zero the
/// least of them would be a bar of a few pixels.
const WIDEST_LINEAR_SPAN: f64 = 40.0;

/// An axis from zero, or from a power of ten, to the largest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// The value at the far end.
    pub max: f64,
    /// The distance between two grid lines.
    step: f64,
    unit: Unit,
    /// The value at the near end of a logarithmic axis; zero on one from zero.
    floor: f64,
    measure: Measure,
}

impl Scale {
    /// An axis that ends at `largest` and has about `ticks` grid lines. Without anything to show
    /// it ends at one second or one byte.
    pub fn reaching(largest: f64, ticks: usize, measure: Measure) -> Self {
        let max = if largest.is_finite() && largest > 1e-12 { largest.min(1e30) } else { 1.0 };
        let unit = measure.unit(max);
        let rough = max / unit.size / ticks.max(1) as f64;
        let power = 10f64.powf(rough.log10().floor());
        let round = [1.0, 2.0, 5.0, 10.0].into_iter().find(|round| power * round >= rough * 0.75);
        Self { max, step: round.unwrap_or(10.0) * power * unit.size, unit, floor: 0.0, measure }
    }

    /// An axis that shows `least` and `largest`: logarithmic where they are far apart.
    pub fn spanning(least: f64, largest: f64, ticks: usize, measure: Measure) -> Self {
        let linear = Self::reaching(largest, ticks, measure);
        let near = least.max(1e-9).min(linear.max);
        if linear.max / near < WIDEST_LINEAR_SPAN {
            return linear;
        }
        // The least value gets a bar of its own, not only the foot of one.
        let floor = 10f64.powf((near * 0.6).log10().floor());
        let decades = (linear.max / floor).log10();
        let step = 10f64.powf((decades / ticks.max(1) as f64).ceil().max(1.0));
        Self { step, floor, ..linear }
    }

    /// Whether it is logarithmic.
    pub fn is_logarithmic(&self) -> bool {
        self.floor > 0.0
    }

    /// The grid lines: value and label, without the unit unless the axis is logarithmic.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        if self.is_logarithmic() {
            let powers = std::iter::successors(Some(self.floor), |value| Some(value * self.step));
            let shown = powers.take_while(|value| *value <= self.max * 1.000_001);
            return shown.map(|value| (value, self.measure.power_text(value))).take(100).collect();
        }
        let step = self.step / self.unit.size;
        let decimals = (-(step.log10() + 1e-9).floor()).clamp(0.0, 9.0) as usize;
        let count = (self.max / self.step + 1e-6).floor().min(100.0) as usize;
        (0..=count)
            .map(|i| {
                let value = i as f64 * self.step;
                let decimals = if i == 0 { 0 } else { decimals };
                (value, format!("{:.decimals$}", value / self.unit.size))
            })
            .collect()
    }

    /// The unit's name; of a logarithmic axis, whose labels have units, that it is one.
    pub fn unit(&self) -> &'static str {
        if self.is_logarithmic() { "logarithmic" } else { self.unit.name }
    }

    /// Where a value lies between the near and the far end, as a share.
    pub fn share(&self, value: f64) -> f64 {
        if self.is_logarithmic() {
            let share = (value / self.floor).ln() / (self.max / self.floor).ln();
            // Zero has no logarithm; it lies at the near end.
            return if value > 0.0 { share.clamp(0.0, 1.0) } else { 0.0 };
        }
        (value / self.max).clamp(0.0, 1.0)
    }

    /// Where a value lies on the vertical axis of `plot`.
    pub fn y(&self, plot: Frame, value: f64) -> f64 {
        plot.bottom - plot.height() * self.share(value)
    }

    /// Where a value lies on the horizontal axis of `plot`.
    pub fn x(&self, plot: Frame, value: f64) -> f64 {
        plot.left + plot.width() * self.share(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(largest: f64, ticks: usize, measure: Measure) -> (Vec<String>, &'static str) {
        let scale = Scale::reaching(largest, ticks, measure);
        (scale.ticks().into_iter().map(|(_, label)| label).collect(), scale.unit())
    }

    #[test]
    fn axes_have_round_steps_in_a_fitting_unit() {
        let text = |values: &[&str]| values.iter().map(|&v| v.to_owned()).collect::<Vec<_>>();
        assert_eq!(labels(3.1, 4, Measure::Secs), (text(&["0", "1", "2", "3"]), "s"));
        assert_eq!(labels(0.0123, 3, Measure::Secs), (text(&["0", "5", "10"]), "ms"));
        assert_eq!(labels(820e6, 4, Measure::Bytes).1, "MB");
        assert_eq!(labels(1.2e9, 4, Measure::Bytes), (text(&["0", "0.5", "1.0"]), "GB"));
        assert_eq!(labels(600.0, 5, Measure::Secs).1, "min");
    }

    #[test]
    fn values_far_apart_have_a_logarithmic_axis() {
        let scale = Scale::spanning(0.02, 3.0, 5, Measure::Secs);
        let labels: Vec<_> = scale.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["10 ms", "100 ms", "1 s"]);
        assert_eq!(scale.unit(), "logarithmic");
        assert_eq!((scale.share(0.0), scale.share(0.01), scale.share(3.0)), (0.0, 0.0, 1.0));
        assert!(scale.share(0.1) > 0.3 && scale.share(0.1) < 0.5);
        assert!(!Scale::spanning(0.2, 3.0, 5, Measure::Secs).is_logarithmic());
    }

    #[test]
    fn odd_values_still_make_an_axis() {
        for largest in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9, 1e300, f64::MIN_POSITIVE] {
            for ticks in [0, 1, 5] {
                let scale = Scale::reaching(largest, ticks, Measure::Bytes);
                assert!(scale.max > 0.0 && scale.max.is_finite(), "{largest}");
                assert!((1..=101).contains(&scale.ticks().len()), "{largest}");
                for least in [0.0, f64::NAN, 1e-12, largest] {
                    let scale = Scale::spanning(least, largest, ticks, Measure::Secs);
                    assert!((1..=101).contains(&scale.ticks().len()), "{least} {largest}");
                    assert!(scale.share(largest).is_finite(), "{least} {largest}");
                }
            }
        }
    }
}
