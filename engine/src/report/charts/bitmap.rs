//! A bitmap to draw a chart on: plotters' own, with texts at the height where other backends put
//! them and with smooth edges.

use image::RgbImage;
use image::imageops::{FilterType, resize};
use plotters::prelude::{BitMapBackend, DrawingBackend};
use plotters_backend::text_anchor::VPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind, FontTransform,
};

/// Plotters puts the letters of a vertically centred text this share of the font's size too high.
const RAISED_SHARE: f64 = 0.11;

/// Pictures up to this size are drawn twice as large and reduced: plotters sets letters on whole
/// pixels and leaves circles jagged.
const SMOOTHED_PIXELS: u64 = 16_000_000;

/// How many times larger a picture is drawn than it is asked for.
pub(super) fn oversampling(width: u32, height: u32) -> u32 {
    if u64::from(width) * u64::from(height) <= SMOOTHED_PIXELS { 2 } else { 1 }
}

/// The picture at the size that was asked for.
pub(super) fn reduced(picture: RgbImage, (width, height): (u32, u32)) -> RgbImage {
    if picture.dimensions() == (width, height) {
        return picture;
    }
    resize(&picture, width, height, FilterType::Triangle)
}

/// Plotters' bitmap with texts lowered to where they belong.
pub(super) struct Bitmap<'a>(pub BitMapBackend<'a>);

type Failure = <BitMapBackend<'static> as DrawingBackend>::ErrorType;
type Done = Result<(), DrawingErrorKind<Failure>>;

impl DrawingBackend for Bitmap<'_> {
    type ErrorType = Failure;

    fn get_size(&self) -> (u32, u32) {
        self.0.get_size()
    }

    fn ensure_prepared(&mut self) -> Done {
        self.0.ensure_prepared()
    }

    fn present(&mut self) -> Done {
        self.0.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Done {
        self.0.draw_pixel(point, color)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Done {
        self.0.draw_line(from, to, style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Done {
        self.0.draw_rect(upper_left, bottom_right, style, fill)
    }

    fn draw_text<T: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &T,
        (x, y): BackendCoord,
    ) -> Done {
        let lowered = match (style.anchor().v_pos, style.transform()) {
            (VPos::Center, FontTransform::None) => (style.size() * RAISED_SHARE).round() as i32,
            _ => 0,
        };
        self.0.draw_text(text, style, (x, y + lowered))
    }
}
