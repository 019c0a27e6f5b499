//! Rectangles of a chart's layout, in pixels of the design.

/// A rectangle; `top` is above `bottom`, so it is the smaller number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// The left edge.
    pub left: f64,
    /// The upper edge.
    pub top: f64,
    /// The right edge.
    pub right: f64,
    /// The lower edge.
    pub bottom: f64,
}

impl Frame {
    /// Its width, never negative.
    #[must_use]
    pub fn width(&self) -> f64 {
        (self.right - self.left).max(0.0)
    }

    /// Its height, never negative.
    #[must_use]
    pub fn height(&self) -> f64 {
        (self.bottom - self.top).max(0.0)
    }

    /// Whether a point is in it or on its edge.
    #[must_use]
    pub fn contains(&self, x: f64, y: f64) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    /// How far a point is from it; nothing inside.
    #[must_use]
    pub fn distance(&self, x: f64, y: f64) -> f64 {
        let beside = (self.left - x).max(x - self.right).max(0.0);
        let above = (self.top - y).max(y - self.bottom).max(0.0);
        beside.hypot(above)
    }

    /// The square around a point.
    pub(super) fn around((x, y): (f64, f64), half: f64) -> Self {
        Self { left: x - half, top: y - half, right: x + half, bottom: y + half }
    }

    pub(super) fn middle_x(&self) -> f64 {
        (self.left + self.right) / 2.0
    }

    pub(super) fn middle_y(&self) -> f64 {
        (self.top + self.bottom) / 2.0
    }

    /// The frame without a margin on each side.
    pub(super) fn inset(&self, margin: f64) -> Self {
        self.without(margin, margin, margin, margin)
    }

    /// The frame without margins on the left, top, right and bottom.
    pub(super) fn without(&self, left: f64, top: f64, right: f64, bottom: f64) -> Self {
        Self {
            left: self.left + left,
            top: self.top + top,
            right: (self.right - right).max(self.left + left),
            bottom: (self.bottom - bottom).max(self.top + top),
        }
    }

    /// The part above and the part below a line at `height` under the top.
    pub(super) fn split_top(&self, height: f64) -> (Self, Self) {
        let line = (self.top + height).min(self.bottom);
        (Self { bottom: line, ..*self }, Self { top: line, ..*self })
    }

    /// Cell `index` of a grid with `columns` and `rows`, row by row, with gaps between.
    pub(super) fn cell(&self, index: usize, columns: usize, rows: usize, gap: f64) -> Self {
        let (columns, rows) = (columns.max(1), rows.max(1));
        let width = (self.width() - gap * (columns - 1) as f64).max(0.0) / columns as f64;
        let height = (self.height() - gap * (rows - 1) as f64).max(0.0) / rows as f64;
        let left = self.left + (index % columns) as f64 * (width + gap);
        let top = self.top + (index / columns) as f64 * (height + gap);
        Self { left, top, right: left + width, bottom: top + height }
    }
}
