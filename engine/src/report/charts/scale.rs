//! Axes from zero with round steps in the unit that fits.

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

    fn unit(self, value: f64) -> Unit {
        match self {
            Self::Secs => Unit::of(value, &TIME_UNITS),
            Self::Bytes => Unit::of(value, &BYTE_UNITS),
        }
    }
}

/// An axis from zero to a round value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// The value at the far end.
    pub max: f64,
    /// The distance between two grid lines.
    step: f64,
    unit: Unit,
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
        Self { max, step: round.unwrap_or(10.0) * power * unit.size, unit }
    }

    /// The grid lines: value and label, without the unit.
    pub fn ticks(&self) -> Vec<(f64, String)> {
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

    /// The unit's name.
    pub fn unit(&self) -> &'static str {
        self.unit.name
    }

    /// Where a value lies between zero and the far end, as a share.
    pub fn share(&self, value: f64) -> f64 {
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
    fn odd_values_still_make_an_axis() {
        for largest in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9, 1e300, f64::MIN_POSITIVE] {
            for ticks in [0, 1, 5] {
                let scale = Scale::reaching(largest, ticks, Measure::Bytes);
                assert!(scale.max > 0.0 && scale.max.is_finite(), "{largest}");
                assert!((1..=101).contains(&scale.ticks().len()), "{largest}");
            }
        }
    }
}
