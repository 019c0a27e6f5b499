//! Axes from zero with round steps in the unit that fits, and logarithmic ones where values span
//! too much for that.

use crate::report::format::{self, BYTE_UNITS, TIME_UNITS, Unit};

use super::data::Quantity;
use super::frame::Frame;
use super::view::Scaling;

/// What an axis measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Seconds.
    Secs,
    /// Bytes.
    Bytes,
    /// Things that are counted, such as slices.
    Count,
    /// Distances of probabilities, which have no unit.
    Distance,
}

const COUNT: [Unit; 1] = [Unit { name: "", size: 1.0, from: 0.0 }];

impl Measure {
    /// A value with its unit, as labels show it.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Secs => format::secs(value),
            Self::Bytes => format::bytes_f64(value),
            Self::Count => format::count(value.max(0.0).round() as u64),
            Self::Distance => format::distance(value),
        }
    }

    /// A value with more digits than fit on a label.
    #[must_use]
    pub fn exact(self, value: f64) -> String {
        match self {
            Self::Secs => format::exact_secs(value),
            Self::Bytes => format::exact_bytes(value),
            Self::Count | Self::Distance => self.text(value),
        }
    }

    /// A power of ten with its unit, as a logarithmic axis shows it.
    fn power_text(self, value: f64) -> String {
        if self == Self::Distance {
            return format::distance(value);
        }
        // Minutes and hours have no powers of ten: a long time is many seconds.
        let units: &[Unit] = match self {
            Self::Secs => &TIME_UNITS[..3],
            Self::Bytes => &BYTE_UNITS,
            Self::Count | Self::Distance => &COUNT,
        };
        let unit = Unit::of(value, units);
        let number = value / unit.size;
        let whole = (0.99..1e12).contains(&number).then(|| format::grouped(number.round() as u64));
        let number = whole.unwrap_or_else(|| format::three_digits(number));
        format!("{number} {}", unit.name).trim_end().to_owned()
    }

    fn unit(self, value: f64) -> Unit {
        match self {
            Self::Secs => Unit::of(value, &TIME_UNITS),
            Self::Bytes => Unit::of(value, &BYTE_UNITS),
            Self::Count | Self::Distance => COUNT[0],
        }
    }
}

/// The least value above zero and the largest value that a drawing of quantities reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Extent {
    /// Nothing where no value is above zero.
    pub least: Option<f64>,
    pub largest: f64,
}

impl Extent {
    pub fn of<'a>(quantities: impl IntoIterator<Item = &'a Quantity>) -> Self {
        quantities.into_iter().fold(Self::default(), |extent, quantity| Self {
            least: [extent.least, quantity.least()].into_iter().flatten().reduce(f64::min),
            largest: extent.largest.max(quantity.top()),
        })
    }

    /// The same with room above the largest value.
    pub fn raised(self, factor: f64) -> Self {
        Self { largest: self.largest * factor, ..self }
    }
}

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
    /// Where the axis begins: the floor, or above it where only points are drawn.
    near: f64,
    /// Whether a logarithmic axis has lines at two and five times its powers of ten.
    fine: bool,
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
        Self {
            max,
            step: round.unwrap_or(10.0) * power * unit.size,
            unit,
            floor: 0.0,
            near: 0.0,
            fine: false,
            measure,
        }
    }

    /// An axis for values of some extent, divided as was chosen.
    pub fn spanning(extent: Extent, ticks: usize, measure: Measure, scaling: Scaling) -> Self {
        let linear = Self::reaching(extent.largest, ticks, measure);
        let Some(least) = extent.least.filter(|&least| scaling.is_log(least, extent.largest))
        else {
            return linear;
        };
        let near = least.max(1e-9).min(linear.max);
        // The least value gets a bar of its own, not only the foot of one.
        let floor = 10f64.powf((near * 0.6).log10().floor());
        let decades = (linear.max / floor).log10();
        let step = 10f64.powf((decades / ticks.max(1) as f64).ceil().max(1.0));
        let fine = decades * 3.0 <= ticks as f64 + 1.5;
        Self { step, floor, near: floor, fine, ..linear }
    }

    /// The same for points, which need no room to stand on: a logarithmic axis then begins a little
    /// below the least value.
    pub fn close_to(self, extent: Extent, ticks: usize) -> Self {
        if !self.is_logarithmic() {
            return self;
        }
        let least = extent.least.unwrap_or(self.near) * 0.8;
        let near = self.near.max(least.min(self.max / 2.0));
        // Fewer powers of ten are seen now, so that there may be room for more lines.
        let decades = (self.max / near).log10();
        let fine = self.fine || decades < 1.5;
        let step = 10f64.powf((decades / (ticks as f64 + 1.0)).ceil().max(1.0));
        Self { near, fine, step: step.min(self.step), ..self }
    }

    /// Whether it is logarithmic.
    pub fn is_logarithmic(&self) -> bool {
        self.floor > 0.0
    }

    /// The grid lines: value and label, without the unit unless the axis is logarithmic.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        if self.is_logarithmic() {
            // Powers of ten alone would be one line or two where there is room for more.
            let parts: &[f64] = if self.fine { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let powers = std::iter::successors(Some(self.floor), |value| Some(value * self.step));
            let lines = powers.flat_map(|power| parts.iter().map(move |part| power * part));
            let shown = lines
                .take_while(|value| *value <= self.max * 1.000_001)
                .filter(|value| *value >= self.near * 0.999_999);
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
        if self.is_logarithmic() { "log scale" } else { self.unit.name }
    }

    /// The value at the near end of a logarithmic axis, as text.
    pub fn floor_text(&self) -> Option<String> {
        self.is_logarithmic().then(|| self.measure.power_text(self.floor))
    }

    /// Where a value lies between the near and the far end, as a share.
    pub fn share(&self, value: f64) -> f64 {
        if self.is_logarithmic() {
            let share = (value / self.near).ln() / (self.max / self.near).ln();
            // Zero has no logarithm; it lies at the near end.
            return if value > 0.0 { share.clamp(0.0, 1.0) } else { 0.0 };
        }
        let share = value / self.max;
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
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
        let spanning = |least: f64, largest: f64, scaling: Scaling| {
            let extent = Extent { least: Some(least), largest };
            Scale::spanning(extent, 5, Measure::Secs, scaling)
        };
        let scale = spanning(0.02, 3.0, Scaling::Auto);
        let labels: Vec<_> = scale.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["10 ms", "100 ms", "1 s"]);
        assert_eq!(scale.unit(), "log scale");
        assert_eq!(scale.floor_text().as_deref(), Some("10 ms"));
        assert_eq!((scale.share(0.0), scale.share(0.01), scale.share(3.0)), (0.0, 0.0, 1.0));
        assert!(scale.share(0.1) > 0.3 && scale.share(0.1) < 0.5);
        assert!(!spanning(0.2, 3.0, Scaling::Auto).is_logarithmic());
        assert!(!spanning(0.02, 3.0, Scaling::Linear).is_logarithmic());
        let close = spanning(2.0, 3.0, Scaling::Log);
        let labels: Vec<_> = close.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["1 s", "2 s"]);
    }

    #[test]
    fn an_axis_of_points_begins_near_the_least() {
        let extent = Extent { least: Some(0.83), largest: 7.0 };
        let scale = Scale::spanning(extent, 6, Measure::Secs, Scaling::Log).close_to(extent, 6);
        let labels: Vec<_> = scale.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["1 s", "2 s", "5 s"]);
        assert!(scale.share(0.83) > 0.05 && scale.share(0.83) < 0.15);
        assert_eq!((scale.share(7.0), scale.share(0.1)), (1.0, 0.0));
        let linear = Scale::spanning(extent, 6, Measure::Secs, Scaling::Linear);
        assert_eq!(linear.close_to(extent, 6), linear);
    }

    #[test]
    fn odd_values_still_make_an_axis() {
        for largest in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9, 1e300, f64::MIN_POSITIVE] {
            for ticks in [0, 1, 5] {
                let scale = Scale::reaching(largest, ticks, Measure::Bytes);
                assert!(scale.max > 0.0 && scale.max.is_finite(), "{largest}");
                assert!((1..=101).contains(&scale.ticks().len()), "{largest}");
                for least in [0.0, f64::NAN, 1e-12, largest] {
                    let extent = Extent { least: Some(least), largest };
                    let scale = Scale::spanning(extent, ticks, Measure::Secs, Scaling::Log);
                    assert!((1..=101).contains(&scale.ticks().len()), "{least} {largest}");
                    assert!(scale.share(largest).is_finite(), "{least} {largest}");
                    let close = scale.close_to(extent, ticks);
                    assert!((0..=101).contains(&close.ticks().len()), "{least} {largest}");
                    assert!(close.share(largest).is_finite(), "{least} {largest}");
                }
            }
        }
    }
}
