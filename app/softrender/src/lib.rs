//! A software renderer for [`egui_kittest`]: it draws egui's triangles on the processor, so that
//! tests and pictures of the window need no display, no graphics driver and no system library, and
//! come out the same on every machine.
//!
//! ```no_run
//! let mut harness = egui_kittest::Harness::builder()
//!     .with_size([640.0, 400.0])
//!     .renderer(softrender::SoftRenderer::default())
//!     .build_ui(|ui| {
//!         ui.label("drawn without a display");
//!     });
//! harness.run();
//! let picture = harness.render();
//! ```
//!
//! It blends as the window's renderer does: colours are premultiplied and in gamma space.

#![warn(missing_docs)]

mod texture;
mod triangle;

use std::collections::HashMap;

use egui::epaint::{Mesh, Primitive};
use egui::{FullOutput, TextureId, TexturesDelta};
use image::RgbaImage;

use texture::Texture;
use triangle::{Clip, Target};

/// Pictures with longer sides are refused: they are a mistake in a test, not a window.
const MAX_SIDE_PX: usize = 16_384;

/// The renderer. It keeps the textures that egui has uploaded.
#[derive(Default)]
pub struct SoftRenderer {
    textures: HashMap<TextureId, Texture>,
}

impl egui_kittest::TestRenderer for SoftRenderer {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        for (id, changes) in delta.set.drain() {
            for change in changes {
                match change.pos {
                    None => {
                        self.textures.insert(id, Texture::new(&change));
                    }
                    Some(corner) => {
                        if let Some(texture) = self.textures.get_mut(&id) {
                            texture.patch(corner, &change);
                        }
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(&mut self, ctx: &egui::Context, output: &FullOutput) -> Result<RgbaImage, String> {
        let pixels_per_point = ctx.pixels_per_point();
        let size = ctx.content_rect().size() * pixels_per_point;
        let (width, height) = (size.x.round() as usize, size.y.round() as usize);
        if width > MAX_SIDE_PX || height > MAX_SIDE_PX {
            return Err(format!(
                "a picture of {width} × {height} pixels is larger than {MAX_SIDE_PX} on a side: \
                 choose a smaller size for the harness"
            ));
        }
        let mut target = Target::new(width, height);
        for clipped in ctx.tessellate(output.shapes.clone(), pixels_per_point) {
            let clip = Clip::new(clipped.clip_rect, pixels_per_point, &target);
            match clipped.primitive {
                Primitive::Mesh(mesh) => self.draw(&mut target, clip, pixels_per_point, &mesh),
                // Callbacks draw with a graphics library, which is what this renderer avoids.
                Primitive::Callback(_) => {}
            }
        }
        RgbaImage::from_raw(width as u32, height as u32, target.into_bytes())
            .ok_or_else(|| format!("the pixels don't fill a picture of {width} × {height}"))
    }
}

impl SoftRenderer {
    fn draw(&self, target: &mut Target, clip: Clip, pixels_per_point: f32, mesh: &Mesh) {
        let Some(texture) = self.textures.get(&mesh.texture_id) else { return };
        for corners in mesh.indices.chunks_exact(3) {
            let vertex = |i: usize| mesh.vertices.get(corners[i] as usize);
            if let (Some(a), Some(b), Some(c)) = (vertex(0), vertex(1), vertex(2)) {
                triangle::draw(target, clip, pixels_per_point, [a, b, c], texture);
            }
        }
    }
}

#[cfg(test)]
mod tests;
