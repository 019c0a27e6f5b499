//! The colours of the charts. Hues are those of Okabe and Ito, which people with any colour vision
//! can tell apart; lightness is adjusted so that they stand out from a dark and a light background.

use plotters::style::RGBColor;

use super::data::Phase;
use crate::prove::System;

/// The colours for one theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Behind a chart in a file.
    pub background: RGBColor,
    /// Titles and values.
    pub text: RGBColor,
    /// Axis labels, notes.
    pub muted: RGBColor,
    /// Grid lines.
    pub grid: RGBColor,
    /// Axes and base lines.
    pub axis: RGBColor,
    /// All slices together.
    pub sum: RGBColor,
    /// The largest or slowest slice.
    pub largest: RGBColor,
    /// The whole model in one proof.
    pub whole: RGBColor,
    /// Memory.
    pub memory: RGBColor,
    /// What succeeded, and the sweet spot.
    pub good: RGBColor,
    /// What failed, and limits.
    pub bad: RGBColor,
    phases: [RGBColor; 6],
    systems: [RGBColor; System::ALL.len()],
    plans: [RGBColor; 4],
    steps: [RGBColor; 2],
}

/// A colour on its way to the ground, for what is hidden.
pub(super) fn dimmed(color: RGBColor, ground: RGBColor) -> RGBColor {
    let mix = |from: u8, to: u8| ((u16::from(from) + u16::from(to)) / 2) as u8;
    RGBColor(mix(color.0, ground.0), mix(color.1, ground.1), mix(color.2, ground.2))
}

impl Palette {
    /// The colours for a dark or a light background.
    #[must_use]
    pub fn of(dark: bool) -> Self {
        if dark { DARK } else { LIGHT }
    }

    /// The colour of a phase in a timeline.
    #[must_use]
    pub fn phase(&self, phase: Phase) -> RGBColor {
        self.phases[phase as usize]
    }

    /// The colour of a plan among several; after four they begin anew.
    #[must_use]
    pub fn plan(&self, index: usize) -> RGBColor {
        self.plans[index % self.plans.len()]
    }

    /// The colour of a step among `count`, from the pale of the first to the strong of the last:
    /// what has an order is told by lightness, which any eye can.
    #[must_use]
    pub fn step(&self, index: usize, count: usize) -> RGBColor {
        let part = index as f64 / count.saturating_sub(1).max(1) as f64;
        let [from, to] = self.steps;
        let mix = |from: u8, to: u8| {
            (f64::from(from) + (f64::from(to) - f64::from(from)) * part.min(1.0)).round() as u8
        };
        RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
    }

    /// The colour of a proof system where systems are compared.
    #[must_use]
    pub fn system(&self, system: System) -> RGBColor {
        self.systems[system as usize]
    }
}

const LIGHT: Palette = Palette {
    background: RGBColor(255, 255, 255),
    text: RGBColor(28, 30, 34),
    muted: RGBColor(92, 98, 108),
    grid: RGBColor(226, 229, 234),
    axis: RGBColor(140, 146, 156),
    sum: RGBColor(0, 114, 178),
    largest: RGBColor(86, 180, 233),
    whole: RGBColor(230, 159, 0),
    memory: RGBColor(168, 84, 135),
    good: RGBColor(0, 135, 98),
    bad: RGBColor(200, 76, 0),
    phases: [
        RGBColor(212, 216, 222),
        RGBColor(146, 152, 162),
        RGBColor(190, 105, 156),
        RGBColor(0, 158, 115),
        RGBColor(0, 114, 178),
        RGBColor(230, 159, 0),
    ],
    systems: [RGBColor(168, 84, 135), RGBColor(0, 158, 115)],
    plans: [
        RGBColor(0, 114, 178),
        RGBColor(230, 159, 0),
        RGBColor(0, 158, 115),
        RGBColor(168, 84, 135),
    ],
    steps: [RGBColor(240, 190, 110), RGBColor(0, 66, 122)],
};

const DARK: Palette = Palette {
    background: RGBColor(27, 29, 33),
    text: RGBColor(226, 229, 234),
    muted: RGBColor(158, 165, 176),
    grid: RGBColor(50, 54, 61),
    axis: RGBColor(104, 111, 122),
    sum: RGBColor(44, 138, 206),
    largest: RGBColor(134, 204, 246),
    whole: RGBColor(240, 173, 46),
    memory: RGBColor(214, 138, 182),
    good: RGBColor(38, 188, 142),
    bad: RGBColor(240, 112, 48),
    phases: [
        RGBColor(62, 67, 75),
        RGBColor(122, 130, 142),
        RGBColor(204, 121, 167),
        RGBColor(22, 170, 126),
        RGBColor(44, 138, 206),
        RGBColor(240, 173, 46),
    ],
    systems: [RGBColor(214, 138, 182), RGBColor(22, 170, 126)],
    plans: [
        RGBColor(44, 138, 206),
        RGBColor(240, 173, 46),
        RGBColor(22, 170, 126),
        RGBColor(214, 138, 182),
    ],
    steps: [RGBColor(120, 84, 30), RGBColor(150, 214, 255)],
};
