//! How much is drawn at a zoom: boxes with letters, then plain boxes, then only the slices' bands
//! with their totals. One fades into the next, so that nothing flickers between two steps of zoom.

use egui::Color32;

/// Below the first zoom letters are too small to read; from the second on they are there in full.
const LETTERS: (f32, f32) = (0.46, 0.54);
/// The same of boxes: below, they are too small to be told apart.
const BOXES: (f32, f32) = (0.125, 0.175);
/// Totals come where boxes have nearly gone: from the first zoom on upwards there are fewer of
/// them, from the second on none.
const TOTALS: (f32, f32) = (0.1, 0.14);

/// What is drawn, each from 0 for nothing to 1 for all of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detail {
    /// Letters, outlines and shapes of boxes, labels of wires.
    pub letters: f32,
    /// Boxes and wires.
    pub boxes: f32,
    /// Totals in the middle of bands.
    pub totals: f32,
}

impl Detail {
    /// What is drawn at a zoom.
    #[must_use]
    pub fn at(zoom: f32) -> Self {
        let part = |(none, all): (f32, f32)| ((zoom - none) / (all - none)).clamp(0.0, 1.0);
        let boxes = part(BOXES);
        Self { letters: part(LETTERS), boxes, totals: 1.0 - part(TOTALS) }
    }

    /// Whether boxes are plain: no letters, outlines or shapes.
    #[must_use]
    pub fn is_plain(self) -> bool {
        self.letters == 0.0
    }

    /// Whether boxes answer to the pointer.
    #[must_use]
    pub fn has_boxes(self) -> bool {
        self.boxes > 0.5
    }
}

/// A colour that is there in part.
#[must_use]
pub fn in_part(color: Color32, part: f32) -> Color32 {
    if part >= 1.0 { color } else { color.gamma_multiply(part.max(0.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_first_and_boxes_next() {
        let levels = [1.0, 0.55, 0.3, 0.2, 0.1, 0.01].map(Detail::at);
        let drawn = levels.map(|d| (d.letters > 0.0, d.boxes > 0.0, d.totals > 0.0));
        let (letters, plain, bands) =
            ((true, true, false), (false, true, false), (false, false, true));
        assert_eq!(drawn, [letters, letters, plain, plain, bands, bands]);
        assert!(levels[2].is_plain() && levels[2].has_boxes() && !levels[4].has_boxes());
    }

    #[test]
    fn nothing_appears_at_once() {
        let mut before = Detail::at(2.0);
        let mut zoom = 2.0_f32;
        while zoom > 0.01 {
            zoom /= 1.01;
            let now = Detail::at(zoom);
            for (a, b) in [(before.letters, now.letters), (before.boxes, now.boxes)] {
                assert!((a - b).abs() < 0.1 && b <= a, "at {zoom}");
            }
            before = now;
        }
    }
}
