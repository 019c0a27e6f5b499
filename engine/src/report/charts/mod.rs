//! The charts. Each is a plain data structure and one function generic over plotters'
//! [`DrawingBackend`], so the window, an SVG file and a PNG file show the same picture.
//!
//! What has not been measured or predicted yet is [`None`] and is not drawn: the same data
//! structure, filled while proofs finish, makes a live chart.
//!
//! Drawing returns a [`Scene`]: where each mark is and what it says, so that a window can name the
//! values under the pointer. A [`View`] says which series are shown and on what scale.
//!
//! A chart does not paint its background. A file gets one from [`to_svg`] and [`to_png`]; a window
//! has its own.

mod bars;
mod bitmap;
mod bits;
mod canvas;
mod cells;
mod compare;
mod data;
mod export;
mod fonts;
mod frame;
mod legend;
mod palette;
mod plans;
mod plot;
mod scale;
mod scene;
mod slices;
mod sweep;
mod systems;
mod tables;
#[cfg(test)]
mod tests;
mod timeline;
mod view;

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingAreaErrorKind, DrawingBackend};

pub use bits::bits;
pub use compare::compare;
pub use data::{
    BitsData, CompareData, MemorySample, PerSliceData, Phase, PieceCosts, PlanCosts, PlansData,
    Predicted, Quantity, RowState, Scales, Span, SweepData, SweepPoint, SystemsData, SystemsPiece,
    TimelineData, TimelineRow,
};
pub use export::{ExportError, MAX_SIDE_PX, to_png, to_svg};
pub use fonts::register_fonts;
pub use frame::Frame;
pub use palette::Palette;
pub use plans::plans;
pub use scale::Measure;
pub use scene::{Hit, LegendItem, Scene, Value};
pub use slices::per_slice;
pub use sweep::sweep;
pub use systems::systems;
pub use timeline::timeline;
pub use view::{Scaling, Series, View};

use crate::report::table::Table;

/// What drawing on a backend returns: of a whole chart its [`Scene`].
pub type Drawn<DB, T = ()> = Result<T, DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// How a chart is to look on its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Light text for a dark background.
    pub dark: bool,
    /// Pixels of the backend for each pixel of the design: 1 for SVG, 2 or 3 for a PNG on paper,
    /// the points' own scale in a window.
    pub scale: f64,
    /// Whether series can be hidden and shown by a click: then entries of hidden ones stay in the
    /// legend, dimmed. On paper they would only raise questions.
    pub interactive: bool,
}

impl Look {
    /// How a chart looks in a file.
    #[must_use]
    pub fn on_paper(dark: bool, scale: f64) -> Self {
        Self { dark, scale, interactive: false }
    }
}

/// Any of the charts, for code that handles them alike: export, menus, tabs.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a window has a handful of charts, not thousands")]
pub enum Chart {
    /// See [`CompareData`].
    Compare(CompareData),
    /// See [`TimelineData`].
    Timeline(TimelineData),
    /// See [`PerSliceData`].
    PerSlice(PerSliceData),
    /// See [`SweepData`].
    Sweep(SweepData),
    /// See [`SystemsData`].
    Systems(SystemsData),
    /// See [`PlansData`].
    Plans(PlansData),
    /// See [`BitsData`].
    Bits(BitsData),
}

impl Chart {
    /// The chart's title, also its accessible name.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::Compare(_) => compare::TITLE,
            Self::Timeline(_) => timeline::TITLE,
            Self::PerSlice(_) => slices::TITLE,
            Self::Sweep(_) => sweep::TITLE,
            Self::Systems(_) => systems::TITLE,
            Self::Plans(_) => plans::TITLE,
            Self::Bits(_) => bits::TITLE,
        }
    }

    /// Whether [`View::scaling`] changes anything: a timeline's axes always begin at zero.
    #[must_use]
    pub fn has_scaling(&self) -> bool {
        !matches!(self, Self::Timeline(_))
    }

    /// Draws the chart over all of `area`, and says where what is.
    ///
    /// # Errors
    /// What the backend reports. Fonts must have been registered with [`register_fonts`].
    pub fn draw<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        look: Look,
        view: &View,
    ) -> Drawn<DB, Scene> {
        match self {
            Self::Compare(data) => compare(area, data, look, view),
            Self::Timeline(data) => timeline(area, data, look, view),
            Self::PerSlice(data) => per_slice(area, data, look, view),
            Self::Sweep(data) => sweep(area, data, look, view),
            Self::Systems(data) => systems(area, data, look, view),
            Self::Plans(data) => plans(area, data, look, view),
            Self::Bits(data) => bits(area, data, look, view),
        }
    }

    /// The numbers behind the chart in base units (seconds, bytes), for CSV.
    #[must_use]
    pub fn table(&self) -> Table {
        tables::of(self)
    }
}
