//! Where the user looks: how the plane of the layout maps to the screen.

use egui::{Pos2, Rect, Vec2};

const MOST_ZOOM: f32 = 4.0;
/// No model is so large that it needs less.
const LEAST_ZOOM: f32 = 0.003;

/// A zoom and a shift. The shift is relative to the view's corner, so that moving a panel moves
/// the picture with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Points on the screen for each unit of the plane.
    pub zoom: f32,
    /// Where the plane's origin is, from the view's top left corner.
    pub pan: Vec2,
}

impl Camera {
    /// Shows all of `bounds` in a view of this size, centred if that leaves these points free at
    /// its left and right side; where that would be smaller than `readable`, shows its top at that
    /// zoom.
    #[must_use]
    pub fn fit(bounds: Rect, view: Vec2, (left, right): (f32, f32), readable: f32) -> Self {
        let room = Vec2::new((view.x - left - right).max(60.0), (view.y - 24.0).max(40.0));
        let whole = (room.x / bounds.width()).min(room.y / bounds.height());
        // A wide model may use the room at the sides before it gets too small to read.
        let wide = (view.x - 32.0).max(40.0) / bounds.width();
        let zoom = whole.max(readable.min(wide)).clamp(LEAST_ZOOM, 1.25);
        let half = bounds.width() * zoom / 2.0;
        let beside = (view.x / 2.0).min(view.x - right - half).max(left + half);
        let center = beside.min(view.x - 16.0 - half).max(16.0 + half);
        let x = center - bounds.center().x * zoom;
        let fits = bounds.height() * zoom <= view.y;
        let y =
            if fits { view.y / 2.0 - bounds.center().y * zoom } else { 12.0 - bounds.top() * zoom };
        Self { zoom, pan: Vec2::new(x, y) }
    }

    /// The point of the screen that shows a point of the plane, in a view at `corner`.
    #[must_use]
    pub fn screen(&self, corner: Pos2, point: Pos2) -> Pos2 {
        corner + self.pan + point.to_vec2() * self.zoom
    }

    /// The point of the plane that is shown at a point of the screen.
    #[must_use]
    pub fn plane(&self, corner: Pos2, point: Pos2) -> Pos2 {
        ((point - corner - self.pan) / self.zoom).to_pos2()
    }

    /// The zoom below which `bounds` would only get smaller in a view of this size.
    #[must_use]
    pub fn least_zoom(bounds: Rect, view: Vec2) -> f32 {
        let whole = (view.x / bounds.width()).min(view.y / bounds.height());
        (whole * 0.6).clamp(LEAST_ZOOM, 0.1)
    }

    /// Zooms by a factor, though not below `least`, keeping what is under `pointer` where it is.
    pub fn zoom_about(&mut self, corner: Pos2, pointer: Pos2, factor: f32, least: f32) {
        let fixed = self.plane(corner, pointer);
        self.zoom = (self.zoom * factor).clamp(least.min(self.zoom), MOST_ZOOM);
        self.pan = pointer - corner - fixed.to_vec2() * self.zoom;
    }

    /// Shifts so that height `y` of the plane is in the middle of a view of this size.
    pub fn center_on(&mut self, y: f32, view: Vec2) {
        self.pan.y = view.y / 2.0 - y * self.zoom;
    }

    /// Brings a point of the plane into the middle of a view of this size, large enough to read.
    pub fn look_at(&mut self, point: Pos2, view: Vec2) {
        self.zoom = self.zoom.max(1.0);
        self.pan = view / 2.0 - point.to_vec2() * self.zoom;
    }

    /// Shifts up or down just as far as needed for `bounds` to fill the view, or to lie in it where
    /// they are lower, as what was beside the view may be in it after zooming out.
    pub fn fill(&mut self, bounds: Rect, view: Vec2) {
        let margin = 40.0;
        let top = margin - bounds.top() * self.zoom;
        let bottom = view.y - margin - bounds.bottom() * self.zoom;
        self.pan.y = self.pan.y.clamp(top.min(bottom), top.max(bottom));
    }

    /// Shifts just as far as needed for some of `bounds` to stay in the view.
    pub fn keep_in_sight(&mut self, bounds: Rect, view: Vec2) {
        let margin = 60.0;
        let low = Vec2::splat(margin) - bounds.max.to_vec2() * self.zoom;
        let high = view - Vec2::splat(margin) - bounds.min.to_vec2() * self.zoom;
        self.pan = self.pan.clamp(low.min(high), high.max(low));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: Vec2 = Vec2::new(500.0, 600.0);

    #[test]
    fn a_small_model_is_shown_whole_and_a_long_one_from_its_top() {
        let small = Rect::from_min_max(Pos2::new(-80.0, 0.0), Pos2::new(80.0, 500.0));
        let camera = Camera::fit(small, VIEW, (100.0, 80.0), 0.55);
        assert!(camera.screen(Pos2::ZERO, small.min).y >= 0.0);
        assert!(camera.screen(Pos2::ZERO, small.max).y <= VIEW.y);
        let long = Rect::from_min_max(Pos2::new(-80.0, 0.0), Pos2::new(80.0, 9000.0));
        let camera = Camera::fit(long, VIEW, (100.0, 80.0), 0.55);
        assert!(camera.zoom >= 0.55);
        assert!((camera.screen(Pos2::ZERO, long.min).y - 12.0).abs() < 1.0);
    }

    #[test]
    fn a_view_that_was_zoomed_out_has_no_blank_beside_the_model() {
        let long = Rect::from_min_max(Pos2::new(-80.0, 0.0), Pos2::new(80.0, 9000.0));
        let mut camera = Camera { zoom: 0.1, pan: Vec2::new(0.0, 250.0) };
        camera.fill(long, VIEW);
        assert!((camera.screen(Pos2::ZERO, long.min).y - 40.0).abs() < 1e-3);
        let before = Camera { zoom: 0.1, pan: Vec2::new(0.0, -100.0) };
        let mut camera = before;
        camera.fill(long, VIEW);
        assert_eq!(camera, before);
    }

    #[test]
    fn zooming_keeps_what_is_under_the_pointer() {
        let mut camera = Camera { zoom: 0.7, pan: Vec2::new(31.0, -40.0) };
        let (corner, pointer) = (Pos2::new(200.0, 50.0), Pos2::new(333.0, 222.0));
        let before = camera.plane(corner, pointer);
        camera.zoom_about(corner, pointer, 1.7, 0.1);
        assert!((camera.plane(corner, pointer) - before).length() < 1e-3);
    }
}
