//! Charts as files: SVG text and PNG bytes.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, RgbImage};
use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea, SVGBackend};

use super::bitmap::{self, Bitmap};
use super::{Chart, Look, Palette, View, register_fonts};

/// The longest side of an exported picture.
pub const MAX_SIDE_PX: u32 = 8_192;

/// Why a chart could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The picture would be empty or too large.
    #[error(
        "a chart of {width} × {height} pixels can't be exported: each side must be between 1 and \
         {MAX_SIDE_PX}, choose another size or scale"
    )]
    Size {
        /// The width that was asked for.
        width: f64,
        /// The height that was asked for.
        height: f64,
    },
    /// The drawing itself failed.
    #[error("the chart \"{chart}\" could not be drawn: {reason}")]
    Draw {
        /// The chart's title.
        chart: &'static str,
        /// What the drawing backend reported.
        reason: String,
    },
    /// The picture could not be written as PNG.
    #[error("the chart could not be written as PNG")]
    Png(#[from] image::ImageError),
}

/// The chart as an SVG document of `size` pixels, as far as `view` shows it.
///
/// # Errors
/// When the size is out of range or the drawing fails.
pub fn to_svg(
    chart: &Chart,
    view: &View,
    size: (u32, u32),
    dark: bool,
) -> Result<String, ExportError> {
    let size = pixels(size, 1.0)?;
    let mut svg = String::new();
    draw(SVGBackend::with_string(&mut svg, size), chart, view, Look::on_paper(dark, 1.0))?;
    Ok(svg)
}

/// The chart as a PNG file, as far as `view` shows it. `size` is the design's size, which `look.scale` multiplies: 640 × 360
/// at scale 2 gives a picture of 1280 × 720 pixels.
///
/// # Errors
/// When the size is out of range, or drawing or compression fails.
pub fn to_png(
    chart: &Chart,
    view: &View,
    size: (u32, u32),
    look: Look,
) -> Result<Vec<u8>, ExportError> {
    let (width, height) = pixels(size, look.scale)?;
    let factor = bitmap::oversampling(width, height);
    let mut picture = RgbImage::new(width * factor, height * factor);
    let drawn_size = picture.dimensions();
    let backend = Bitmap(BitMapBackend::with_buffer(&mut picture, drawn_size));
    draw(backend, chart, view, Look { scale: look.scale * f64::from(factor), ..look })?;
    let rgb = bitmap::reduced(picture, (width, height));
    let mut png = Vec::new();
    PngEncoder::new(&mut png).write_image(&rgb, width, height, ExtendedColorType::Rgb8)?;
    Ok(png)
}

fn pixels((width, height): (u32, u32), scale: f64) -> Result<(u32, u32), ExportError> {
    let (wide, high) = ((f64::from(width) * scale).round(), (f64::from(height) * scale).round());
    let fits = |side: f64| (1.0..=f64::from(MAX_SIDE_PX)).contains(&side);
    if !fits(wide) || !fits(high) {
        return Err(ExportError::Size { width: wide, height: high });
    }
    Ok((wide as u32, high as u32))
}

fn draw<DB: DrawingBackend>(
    backend: DB,
    chart: &Chart,
    view: &View,
    look: Look,
) -> Result<(), ExportError> {
    register_fonts();
    let area = backend.into_drawing_area();
    area.fill(&Palette::of(look.dark).background)
        .and_then(|()| chart.draw(&area, look, view))
        .and_then(|_| area.present())
        .map_err(|error| ExportError::Draw { chart: chart.title(), reason: error.to_string() })
}
