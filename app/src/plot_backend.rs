//! Charts in the window: plotters' drawing backend on an egui painter.
//!
//! Plotters counts in whole pixels and egui in points, so the backend's pixels are those of the
//! screen: a chart is drawn at the points' own scale and stays sharp on every display.

mod polygon;

use std::convert::Infallible;

use egui::epaint::{PathShape, TextShape};
use egui::{
    Color32, FontId, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, Vec2,
};
use microtome_engine::report::charts::{Drawn, Look};
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontFamily, FontTransform,
};

/// Plotters measures a font by its line's height, which it takes to be this many em.
const LINE_PER_EM: f32 = 1.24;

type Done = Result<(), DrawingErrorKind<Infallible>>;

/// The area that a chart in the window is drawn on.
pub type PlotArea<'a> = DrawingArea<EguiBackend<'a>, Shift>;

/// Takes `size` of `ui`, which can have the focus, and lets `draw` draw on it. Gives what `draw`
/// gives. Where drawing fails, the reason stands in the chart's place.
pub fn plot<T>(
    ui: &mut Ui,
    size: Vec2,
    draw: impl FnOnce(&PlotArea<'_>, Look) -> Drawn<EguiBackend<'static>, T>,
) -> (Response, Option<T>) {
    let sense = Sense::hover() | Sense::focusable_noninteractive();
    let (rect, response) = ui.allocate_exact_size(size, sense);
    if !ui.is_rect_visible(rect) || !rect.is_positive() {
        return (response, None);
    }
    let painter = ui.painter_at(rect);
    let scale = f64::from(painter.pixels_per_point());
    let look = Look { dark: ui.visuals().dark_mode, scale, interactive: true };
    let area = EguiBackend::new(&painter, rect).into_drawing_area();
    match draw(&area, look) {
        Ok(drawn) => (response, Some(drawn)),
        Err(error) => {
            let text = format!("The chart could not be drawn: {error}");
            let (font, color) = (FontId::proportional(12.0), ui.visuals().error_fg_color);
            painter.text(rect.left_top(), egui::Align2::LEFT_TOP, text, font, color);
            (response, None)
        }
    }
}

/// Plotters' drawing calls as egui shapes. Each is painted at once.
pub struct EguiBackend<'a> {
    painter: &'a Painter,
    rect: Rect,
    pixels_per_point: f32,
}

impl<'a> EguiBackend<'a> {
    /// A backend that draws inside `rect`.
    #[must_use]
    pub fn new(painter: &'a Painter, rect: Rect) -> Self {
        Self { painter, rect, pixels_per_point: painter.pixels_per_point() }
    }

    /// The middle of a pixel, in points.
    fn centre(&self, (x, y): BackendCoord) -> Pos2 {
        self.rect.min + Vec2::new(x as f32 + 0.5, y as f32 + 0.5) / self.pixels_per_point
    }

    /// The upper left corner of a pixel, in points.
    fn corner(&self, (x, y): BackendCoord) -> Pos2 {
        self.rect.min + Vec2::new(x as f32, y as f32) / self.pixels_per_point
    }

    fn stroke(&self, style: &impl BackendStyle) -> Stroke {
        Stroke::new(style.stroke_width() as f32 / self.pixels_per_point, color(style.color()))
    }

    fn font(&self, style: &impl BackendTextStyle) -> FontId {
        let size = style.size() as f32 / LINE_PER_EM / self.pixels_per_point;
        match style.family() {
            FontFamily::Monospace => FontId::monospace(size),
            _ => FontId::proportional(size),
        }
    }
}

impl DrawingBackend for EguiBackend<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        let size = self.rect.size() * self.pixels_per_point;
        (size.x as u32, size.y as u32)
    }

    fn ensure_prepared(&mut self) -> Done {
        Ok(())
    }

    fn present(&mut self) -> Done {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, pixel: BackendColor) -> Done {
        let size = Vec2::splat(1.0 / self.pixels_per_point);
        let rect = Rect::from_min_size(self.corner(point), size);
        self.painter.rect_filled(rect, 0.0, color(pixel));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Done {
        self.painter.line_segment([self.centre(from), self.centre(to)], self.stroke(style));
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Done {
        if fill {
            let rect = Rect::from_two_pos(self.corner(upper_left), self.corner(bottom_right));
            self.painter.rect_filled(rect, 0.0, color(style.color()));
        } else {
            let rect = Rect::from_two_pos(self.centre(upper_left), self.centre(bottom_right));
            self.painter.rect_stroke(rect, 0.0, self.stroke(style), StrokeKind::Middle);
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Done {
        let points: Vec<Pos2> = path.into_iter().map(|point| self.centre(point)).collect();
        if points.len() > 1 {
            self.painter.add(Shape::line(points, self.stroke(style)));
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Done {
        let (center, radius) = (self.centre(center), radius as f32 / self.pixels_per_point);
        if fill {
            self.painter.circle_filled(center, radius, color(style.color()));
        } else {
            self.painter.circle_stroke(center, radius, self.stroke(style));
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vertices: I,
        style: &S,
    ) -> Done {
        let points: Vec<Pos2> = vertices.into_iter().map(|point| self.centre(point)).collect();
        let fill = color(style.color());
        if polygon::is_convex(&points) {
            self.painter.add(PathShape::convex_polygon(points, fill, Stroke::NONE));
        } else {
            self.painter.add(polygon::mesh(&points, fill));
        }
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let galley = self.painter.layout_no_wrap(text.into(), self.font(style), Color32::WHITE);
        let size = galley.size() * self.pixels_per_point;
        Ok((size.x.ceil() as u32, size.y.ceil() as u32))
    }

    fn draw_text<T: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &T,
        position: BackendCoord,
    ) -> Done {
        let color = color(style.color());
        let galley = self.painter.layout_no_wrap(text.into(), self.font(style), color);
        let anchor = style.anchor();
        let left = match anchor.h_pos {
            HPos::Left => 0.0,
            HPos::Center => -0.5,
            HPos::Right => -1.0,
        };
        let top = match anchor.v_pos {
            VPos::Top => 0.0,
            VPos::Center => -0.5,
            VPos::Bottom => -1.0,
        };
        let turns = match style.transform() {
            FontTransform::None => 0.0,
            FontTransform::Rotate90 => 0.25,
            FontTransform::Rotate180 => 0.5,
            FontTransform::Rotate270 => 0.75,
        };
        let angle = turns * std::f32::consts::TAU;
        // The anchor belongs to the text before it is turned.
        let offset = egui::emath::Rot2::from_angle(angle) * (galley.size() * Vec2::new(left, top));
        let corner = self.centre(position) + offset;
        self.painter.add(TextShape::new(corner, galley, color).with_angle(angle));
        Ok(())
    }
}

fn color(color: BackendColor) -> Color32 {
    let (red, green, blue) = color.rgb;
    let alpha = (color.alpha.clamp(0.0, 1.0) * 255.0).round() as u8;
    Color32::from_rgba_unmultiplied(red, green, blue, alpha)
}

#[cfg(test)]
mod tests {
    use egui::{Ui, vec2};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;
    use microtome_engine::report::charts::{
        Chart, PerSliceData, PieceCosts, Quantity, SweepData, SweepPoint, View, register_fonts,
    };
    use plotters::prelude::{Circle, PathElement, Polygon, RED, Rectangle};
    use plotters::style::{Color as _, IntoFont as _};

    use super::plot;
    use crate::chart_view::chart;

    fn harness(theme: egui::Theme, mut draw: impl FnMut(&mut Ui) + 'static) -> Harness<'static> {
        register_fonts();
        let harness = Harness::builder()
            .with_size([480.0, 320.0])
            .with_pixels_per_point(1.5)
            .renderer(softrender::SoftRenderer::default())
            .build_ui(move |ui| draw(ui));
        harness.ctx.set_theme(theme);
        harness
    }

    fn per_slice() -> Chart {
        let slice = |i: usize| PieceCosts {
            name: i.to_string(),
            prove_secs: Quantity::predicted(i as f64, 0.5, 4.0).with_measured(i as f64),
            peak_bytes: Quantity::measured(1e8),
            ..PieceCosts::default()
        };
        Chart::PerSlice(PerSliceData { slices: (1..4).map(slice).collect(), ..Default::default() })
    }

    fn sweep() -> Chart {
        let point = |slices: usize| SweepPoint {
            slices,
            sum_secs: Quantity::predicted(9.0, 8.0, 10.0),
            slowest_secs: Quantity::predicted(9.0 / slices as f64, 1.0, 10.0),
            peak_bytes: Quantity::predicted(1e8, 0.9e8, 1.1e8),
        };
        let points = (1..9).map(point).collect();
        Chart::Sweep(SweepData { points, sweet_spot: Some(4), ..Default::default() })
    }

    #[test]
    fn charts_are_drawn_and_have_a_name() {
        for theme in [egui::Theme::Light, egui::Theme::Dark] {
            for drawn in [per_slice(), sweep()] {
                let title = drawn.title();
                let mut harness = harness(theme, move |ui| {
                    chart(ui, vec2(460.0, 300.0), &drawn, &mut View::default());
                });
                harness.run();
                assert!(harness.query_by_label(title).is_some());
                let picture = harness.render().unwrap();
                assert_eq!(picture.dimensions(), (720, 480));
                let background = *picture.get_pixel(0, 0);
                let drawn = picture.pixels().filter(|pixel| **pixel != background).count();
                assert!(drawn > 10_000, "{title}: {drawn} pixels drawn");
            }
        }
    }

    #[test]
    fn every_primitive_leaves_its_colour() {
        let mut harness = harness(egui::Theme::Dark, |ui| {
            plot(ui, vec2(300.0, 200.0), |area, _| {
                area.draw(&Rectangle::new([(10, 10), (60, 60)], RED.filled()))?;
                area.draw(&Rectangle::new([(80, 10), (130, 60)], RED.stroke_width(3)))?;
                area.draw(&Circle::new((40, 100), 20, RED.filled()))?;
                area.draw(&PathElement::new([(80, 80), (120, 120)], RED.stroke_width(3)))?;
                let arrow = [(150, 10), (200, 60), (150, 110), (170, 60)];
                area.draw(&Polygon::new(arrow.to_vec(), RED))?;
                let style = ("sans-serif", 30.0).into_font().color(&RED);
                let turned = plotters::style::FontTransform::Rotate270;
                area.draw_text("text", &style.transform(turned), (230, 120))
            });
        });
        harness.run();
        let picture = harness.render().unwrap();
        let red_in = |x: std::ops::Range<u32>, y: std::ops::Range<u32>| {
            // The window has a margin around its content, so places are looked for, not pixels.
            x.flat_map(|x| y.clone().map(move |y| (x, y)))
                .filter(|&(x, y)| picture.get_pixel(x, y).0[0] > 200)
                .filter(|&(x, y)| picture.get_pixel(x, y).0[1] < 90)
                .count()
        };
        assert!(red_in(10..75, 10..75) > 2_000, "filled rectangle");
        assert!((300..1_500).contains(&red_in(85..150, 10..78)), "outlined rectangle");
        assert!(red_in(20..80, 85..140) > 1_000, "circle");
        assert!(red_in(85..150, 85..140) > 80, "line");
        assert!((1_000..2_400).contains(&red_in(155..222, 10..130)), "polygon with a notch");
        assert!(red_in(225..290, 60..140) > 40, "turned text");
    }
}
