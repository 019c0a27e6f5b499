//! Drawing in pixels of the design, on any backend and at any scale.

use std::cell::RefCell;

use plotters::coord::Shift;
use plotters::prelude::{Circle, DrawingArea, DrawingAreaErrorKind, DrawingBackend};
use plotters::prelude::{IntoFont, PathElement, Polygon, RGBColor, Rectangle, TextStyle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, ShapeStyle};

use super::fonts::FAMILY;
use super::frame::Frame;
use super::palette::Palette;
use super::scene::{Hit, LegendItem, Scene};
use super::view::{Series, View};
use super::{Drawn, Look};

/// Sizes of texts, in pixels of the design.
pub(super) const TITLE_PX: f64 = 15.0;
pub(super) const LABEL_PX: f64 = 11.5;
pub(super) const SMALL_PX: f64 = 10.5;

/// Plotters measures a font by its line's height, which it takes to be this many em.
const LINE_PER_EM: f64 = 1.24;

/// Farther out than any chart's edge and well inside the arithmetic of every backend.
const FAR_PX: f64 = 100_000.0;

/// Where a text stands beside its point; vertically it is always centred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// A drawing area in pixels of the design, the colours to draw with, what of the chart is to be
/// shown, and what was drawn so far.
pub(super) struct Canvas<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    scale: f64,
    pub palette: Palette,
    pub view: &'a View,
    /// Whether entries of hidden series stay in the legend.
    pub interactive: bool,
    scene: RefCell<Scene>,
}

impl<'a, DB: DrawingBackend> Canvas<'a, DB> {
    pub fn new(area: &'a DrawingArea<DB, Shift>, look: Look, view: &'a View) -> Self {
        let scale = if look.scale.is_finite() { look.scale.clamp(0.1, 20.0) } else { 1.0 };
        let palette = Palette::of(look.dark);
        let scene = RefCell::default();
        Self { area, scale, palette, view, interactive: look.interactive, scene }
    }

    /// Whether a series is to be drawn.
    pub fn shows(&self, series: Series) -> bool {
        self.view.shows(series)
    }

    /// Records a mark that was just drawn.
    pub fn hit(&self, hit: Hit) {
        self.scene.borrow_mut().hits.push(hit);
    }

    /// Records an entry of the legend that was just drawn.
    pub fn legend_item(&self, item: LegendItem) {
        self.scene.borrow_mut().legend.push(item);
    }

    /// What was drawn.
    pub fn into_scene(self) -> Scene {
        self.scene.into_inner()
    }

    /// All of the area.
    pub fn frame(&self) -> Frame {
        let (width, height) = self.area.dim_in_pixel();
        Frame {
            left: 0.0,
            top: 0.0,
            right: f64::from(width) / self.scale,
            bottom: f64::from(height) / self.scale,
        }
    }

    pub fn fill(&self, frame: Frame, color: RGBColor, opacity: f64) -> Drawn<DB> {
        let corners = self.corners(frame);
        self.area.draw(&Rectangle::new(corners, color.mix(opacity).filled()))
    }

    pub fn outline(&self, frame: Frame, color: RGBColor, width: f64) -> Drawn<DB> {
        let corners = self.corners(frame);
        self.area.draw(&Rectangle::new(corners, self.stroke(color, width)))
    }

    /// Dashes along the sides and the top: a bar stands on its base line.
    pub fn dashed_outline(&self, frame: Frame, color: RGBColor, width: f64) -> Drawn<DB> {
        let Frame { left, top, right, bottom } = frame;
        for (from, to) in [
            ((left, bottom), (left, top)),
            ((left, top), (right, top)),
            ((right, top), (right, bottom)),
        ] {
            self.dashed_line(from, to, color, width)?;
        }
        Ok(())
    }

    pub fn line(&self, points: &[(f64, f64)], color: RGBColor, width: f64) -> Drawn<DB> {
        let points: Vec<_> = points.iter().map(|&point| self.px(point)).collect();
        self.area.draw(&PathElement::new(points, self.stroke(color, width)))
    }

    pub fn dashed_line(
        &self,
        from: (f64, f64),
        to: (f64, f64),
        color: RGBColor,
        width: f64,
    ) -> Drawn<DB> {
        const DASH_PX: f64 = 3.5;
        const GAP_PX: f64 = 2.5;
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy).min(FAR_PX);
        if length == 0.0 {
            return Ok(());
        }
        let at = |way: f64| {
            let share = (way / length).min(1.0);
            (from.0 + dx * share, from.1 + dy * share)
        };
        let mut way = 0.0;
        while way < length {
            self.line(&[at(way), at(way + DASH_PX)], color, width)?;
            way += DASH_PX + GAP_PX;
        }
        Ok(())
    }

    /// The area between an upper and a lower line, both from left to right.
    pub fn area_between(
        &self,
        upper: &[(f64, f64)],
        lower: &[(f64, f64)],
        color: RGBColor,
        opacity: f64,
    ) -> Drawn<DB> {
        if upper.len() < 2 || lower.len() < 2 {
            return Ok(());
        }
        let corners = upper.iter().chain(lower.iter().rev()).map(|&point| self.px(point));
        self.area.draw(&Polygon::new(corners.collect::<Vec<_>>(), color.mix(opacity)))
    }

    /// A dot, filled or, for what is only predicted, hollow.
    pub fn dot(&self, at: (f64, f64), radius: f64, color: RGBColor, filled: bool) -> Drawn<DB> {
        let radius = (radius * self.scale).round().max(1.0) as i32;
        let inside = if filled { color } else { self.palette.background };
        self.area.draw(&Circle::new(self.px(at), radius, inside.filled()))?;
        self.area.draw(&Circle::new(self.px(at), radius, self.stroke(color, 1.5)))
    }

    /// A circle around a point that it leaves to be seen.
    pub fn ring(&self, at: (f64, f64), radius: f64, color: RGBColor, width: f64) -> Drawn<DB> {
        let radius = (radius * self.scale).round().max(1.0) as i32;
        self.area.draw(&Circle::new(self.px(at), radius, self.stroke(color, width)))
    }

    pub fn text(
        &self,
        text: &str,
        at: (f64, f64),
        size: f64,
        color: RGBColor,
        align: Align,
    ) -> Drawn<DB> {
        if text.is_empty() {
            return Ok(());
        }
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        let style = self.style(size, color).pos(Pos::new(horizontal, VPos::Center));
        self.area.draw_text(text, &style, self.px(at))
    }

    pub fn text_width(
        &self,
        text: &str,
        size: f64,
    ) -> Result<f64, DrawingAreaErrorKind<DB::ErrorType>> {
        if text.is_empty() {
            return Ok(0.0);
        }
        let (width, _) =
            self.area.estimate_text_size(text, &self.style(size, self.palette.text))?;
        Ok(f64::from(width) / self.scale)
    }

    /// The longest beginning of `text` that fits in `width`, with an ellipsis where it was cut.
    pub fn fitted(
        &self,
        text: &str,
        size: f64,
        width: f64,
    ) -> Result<String, DrawingAreaErrorKind<DB::ErrorType>> {
        const LONGEST: usize = 200;
        let mut chars: Vec<char> = text.chars().take(LONGEST).collect();
        let mut shown: String = chars.iter().collect();
        while !shown.is_empty() && self.text_width(&shown, size)? > width {
            chars.pop();
            shown = if chars.is_empty() {
                String::new()
            } else {
                chars.iter().collect::<String>().trim_end().to_owned() + "…"
            };
        }
        Ok(shown)
    }

    fn style(&self, size: f64, color: RGBColor) -> TextStyle<'static> {
        let font = (FAMILY, size * LINE_PER_EM * self.scale).into_font();
        TextStyle { color: color.to_backend_color(), ..TextStyle::from(font) }
    }

    fn stroke(&self, color: RGBColor, width: f64) -> ShapeStyle {
        color.stroke_width((width * self.scale).round().max(1.0) as u32)
    }

    fn px(&self, (x, y): (f64, f64)) -> (i32, i32) {
        // `as` turns not-a-number into zero and the clamp keeps the rest in range.
        let px = |value: f64| (value.clamp(-FAR_PX, FAR_PX) * self.scale).round() as i32;
        (px(x), px(y))
    }

    fn corners(&self, frame: Frame) -> [(i32, i32); 2] {
        [self.px((frame.left, frame.top)), self.px((frame.right, frame.bottom))]
    }
}
