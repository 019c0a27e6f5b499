//! Textures: egui's font atlas and the program's pictures.

use egui::Color32;
use egui::epaint::ImageData;
use egui::epaint::image::ImageDelta;
use egui::epaint::textures::TextureFilter;

/// A texture's pixels and how to read between them.
pub(crate) struct Texture {
    width: usize,
    height: usize,
    pixels: Vec<Color32>,
    linear: bool,
}

impl Texture {
    pub fn new(delta: &ImageDelta) -> Self {
        let ImageData::Color(image) = &delta.image;
        let [width, height] = image.size;
        // An image whose pixels don't match its size is filled up rather than read beyond its end.
        let mut pixels = image.pixels.clone();
        pixels.resize(width * height, Color32::TRANSPARENT);
        Self { width, height, pixels, linear: delta.options.magnification == TextureFilter::Linear }
    }

    /// Replaces the part of the texture that begins at `corner`, as far as it lies inside.
    pub fn patch(&mut self, [left, top]: [usize; 2], delta: &ImageDelta) {
        let ImageData::Color(image) = &delta.image;
        let [width, height] = image.size;
        for row in 0..height.min(self.height.saturating_sub(top)) {
            let columns = width.min(self.width.saturating_sub(left));
            let from = image.pixels.get(row * width..row * width + columns);
            let start = (top + row) * self.width + left;
            let to = self.pixels.get_mut(start..start + columns);
            if let (Some(from), Some(to)) = (from, to) {
                to.copy_from_slice(from);
            }
        }
    }

    /// The colour at texture coordinates between 0 and 1; beyond the edge the edge goes on.
    pub fn sample(&self, u: f32, v: f32) -> [f32; 4] {
        let finite = |value: f32| if value.is_finite() { value } else { 0.0 };
        let (x, y) = (finite(u * self.width as f32), finite(v * self.height as f32));
        if !self.linear {
            return self.pixel(x.floor(), y.floor());
        }
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (right_share, bottom_share) = (x - left, y - top);
        let upper = mix(self.pixel(left, top), self.pixel(left + 1.0, top), right_share);
        let lower =
            mix(self.pixel(left, top + 1.0), self.pixel(left + 1.0, top + 1.0), right_share);
        mix(upper, lower, bottom_share)
    }

    fn pixel(&self, x: f32, y: f32) -> [f32; 4] {
        // Negative values and not-a-number become zero.
        let column = (x as usize).min(self.width.saturating_sub(1));
        let row = (y as usize).min(self.height.saturating_sub(1));
        let color = self.pixels.get(row * self.width + column).copied();
        color.unwrap_or(Color32::TRANSPARENT).to_array().map(f32::from)
    }
}

fn mix(a: [f32; 4], b: [f32; 4], share: f32) -> [f32; 4] {
    std::array::from_fn(|i| a[i] * (1.0 - share) + b[i] * share)
}
