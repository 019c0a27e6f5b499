//! What of a chart is shown, and on what scale: the choices that a reader makes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::data::{Phase, Quantity};
use crate::prove::System;

/// Something in a chart that has a place in its legend and can be hidden there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Series {
    /// All slices together.
    Sum,
    /// The largest or slowest slice.
    Largest,
    /// The whole model in one proof.
    Whole,
    /// Proving time.
    Time,
    /// Peak memory, and memory over time.
    Memory,
    /// What was predicted, with its interval.
    Predicted,
    /// The plan at hand, among others.
    Current,
    /// The memory that a scheduler may give out.
    Budget,
    /// A phase of the jobs.
    Phase(Phase),
    /// A proof system.
    System(System),
    /// A plan, by its place among those that are compared.
    Plan(usize),
    /// Settings with so many bits of a weight.
    Weights(u32),
    /// The least error for each cost.
    Frontier,
    /// What is asked for.
    Target,
}

/// How an axis of values is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scaling {
    /// Logarithmic where the values of an axis are far apart: where the largest is more than
    /// [`Scaling::WIDEST_LINEAR_SPAN`] times the least that is above zero. Else from zero.
    #[default]
    Auto,
    /// From zero, in even steps.
    Linear,
    /// In powers of ten, from one below the least value.
    Log,
}

impl Scaling {
    /// Every scaling, the usual one first.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Linear, Self::Log];

    /// On an axis from zero the least of values that are farther apart than this would be a bar of
    /// a few pixels.
    pub const WIDEST_LINEAR_SPAN: f64 = 30.0;

    /// What people call it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Auto => "automatic",
            Self::Linear => "linear",
            Self::Log => "logarithmic",
        }
    }

    /// Whether an axis from `least` (above zero) to `largest` is logarithmic.
    #[must_use]
    pub fn is_log(self, least: f64, largest: f64) -> bool {
        let is_possible = least > 0.0 && least.is_finite() && largest.is_finite();
        is_possible
            && match self {
                Self::Auto => largest / least > Self::WIDEST_LINEAR_SPAN,
                Self::Linear => false,
                Self::Log => largest > 0.0,
            }
    }
}

/// What of a chart is shown, and on what scale.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// How axes of values are divided.
    pub scaling: Scaling,
    /// The series that are left out.
    pub hidden: BTreeSet<Series>,
}

impl View {
    /// Whether a series is drawn.
    #[must_use]
    pub fn shows(&self, series: Series) -> bool {
        !self.hidden.contains(&series)
    }

    /// Hides a series that is shown, or shows one that is hidden.
    pub fn toggle(&mut self, series: Series) {
        if !self.hidden.remove(&series) {
            self.hidden.insert(series);
        }
    }

    /// What is drawn of a quantity: no prediction where predictions are hidden.
    pub(super) fn quantity(&self, quantity: Quantity) -> Quantity {
        let predicted = quantity.predicted.filter(|_| self.shows(Series::Predicted));
        Quantity { predicted, ..quantity }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_far_apart_ask_for_a_log_scale() {
        assert!(Scaling::Auto.is_log(0.01, 0.5));
        assert!(!Scaling::Auto.is_log(0.01, 0.3), "30 times is not more than 30 times");
        assert!(Scaling::Log.is_log(2.0, 3.0));
        assert!(!Scaling::Linear.is_log(1e-6, 1e6));
        for odd in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            for scaling in Scaling::ALL {
                assert!(!scaling.is_log(odd, 1.0), "{odd} has no logarithm");
            }
            assert!(!Scaling::Log.is_log(1.0, odd));
        }
    }

    #[test]
    fn a_series_is_hidden_and_shown_again() {
        let mut view = View::default();
        view.toggle(Series::Predicted);
        let quantity = Quantity::predicted(1.0, 0.5, 2.0).with_measured(1.5);
        assert_eq!(view.quantity(quantity), Quantity::measured(1.5));
        view.toggle(Series::Predicted);
        assert_eq!(view, View::default());
        assert_eq!(view.quantity(quantity), quantity);
    }
}
