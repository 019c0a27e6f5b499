//! Shapes whose pixels are known, and input that no interface should send.

use egui::epaint::Vertex;
use egui::epaint::image::ImageDelta;
use egui::{Color32, ColorImage, Mesh, Pos2, Rect, TextureOptions, pos2, vec2};
use egui_kittest::Harness;

use super::*;

fn harness(draw: impl FnMut(&mut egui::Ui) + 'static) -> Harness<'static> {
    Harness::builder()
        .with_size([64.0, 48.0])
        .with_pixels_per_point(1.0)
        .renderer(SoftRenderer::default())
        .build_ui(draw)
}

#[test]
fn a_rectangle_covers_its_pixels_and_no_others() {
    let rect = Rect::from_min_max(pos2(10.0, 20.0), pos2(30.0, 40.0));
    let mut harness = harness(move |ui| {
        ui.ctx().debug_painter().rect_filled(rect, 0.0, Color32::RED);
    });
    let picture = harness.render().unwrap();
    assert_eq!(picture.dimensions(), (64, 48));
    let red: Vec<_> = picture
        .enumerate_pixels()
        .filter(|(_, _, pixel)| pixel.0 == [255, 0, 0, 255])
        .map(|(x, y, _)| (x, y))
        .collect();
    // The outermost pixels belong to the soft edge that egui draws around shapes.
    assert!(red.contains(&(11, 21)) && red.contains(&(28, 38)));
    assert!(red.iter().all(|(x, y)| (10..30).contains(x) && (20..40).contains(y)));
    assert!(red.len() >= 18 * 18);
}

#[test]
fn two_triangles_that_share_a_side_draw_each_pixel_once() {
    let texture = Texture::new(&white());
    let half = Color32::from_rgba_premultiplied(100, 0, 0, 100);
    let corner = |x, y| Vertex { pos: pos2(x, y), uv: Pos2::ZERO, color: half };
    let corners = [corner(2.0, 2.0), corner(9.5, 2.0), corner(9.5, 9.5), corner(2.0, 9.5)];
    let mut target = Target::new(12, 12);
    let clip = Clip::new(Rect::EVERYTHING, 1.0, &target);
    for [i, j, k] in [[0, 1, 2], [0, 2, 3]] {
        triangle::draw(&mut target, clip, 1.0, [&corners[i], &corners[j], &corners[k]], &texture);
    }
    let bytes = target.into_bytes();
    let drawn: Vec<_> = bytes.chunks(4).filter(|pixel| pixel[3] > 0).collect();
    assert_eq!(drawn.len(), 7 * 7);
    assert!(drawn.iter().all(|pixel| **pixel == [100, 0, 0, 100]));
}

#[test]
fn text_is_drawn() {
    let mut harness = harness(|ui| {
        ui.label("text");
    });
    harness.run();
    let picture = harness.render().unwrap();
    let background = *picture.get_pixel(0, 0);
    assert!(picture.pixels().filter(|pixel| **pixel != background).count() > 30);
}

#[test]
fn odd_meshes_and_textures_are_skipped() {
    let mut renderer = SoftRenderer::default();
    let mut texture = Texture::new(&white());
    texture.patch([5, 5], &white());
    assert_eq!(texture.sample(f32::NAN, -3.0), [255.0; 4]);
    renderer.textures.insert(TextureId::default(), texture);
    let places = [f32::NAN, f32::INFINITY, -1e30, 1e30, 0.0, 7.5];
    let vertices = places.into_iter().flat_map(|x| {
        places.map(|y| Vertex { pos: pos2(x, y), uv: pos2(y, x), color: Color32::WHITE })
    });
    let mut mesh = Mesh { vertices: vertices.collect(), ..Mesh::default() };
    // Every corner with its neighbours, and indices beyond the last corner.
    mesh.indices = (0..40).flat_map(|i| [i, i * 7 % 36, i * 11 % 36]).chain([1]).collect();
    let mut target = Target::new(16, 16);
    for rect in [Rect::EVERYTHING, Rect::NOTHING, Rect::NAN] {
        let clip = Clip::new(rect, 1.5, &target);
        renderer.draw(&mut target, clip, 1.5, &mesh);
    }
    mesh.texture_id = TextureId::User(7);
    let clip = Clip::new(Rect::from_min_size(Pos2::ZERO, vec2(8.0, 8.0)), 1.0, &target);
    renderer.draw(&mut target, clip, 1.0, &mesh);
    assert_eq!(target.into_bytes().len(), 16 * 16 * 4);
}

fn white() -> ImageDelta {
    ImageDelta::full(ColorImage::filled([1, 1], Color32::WHITE), TextureOptions::LINEAR)
}
