//! Pictures as inputs of models that take images.

use std::io::Cursor;

use image::imageops::FilterType;
use image::{ImageReader, Limits};

use super::{Case, Inputs, Slot, dimensions};

pub(super) fn read(bytes: &[u8], slots: &[Slot]) -> Result<Inputs, String> {
    let [slot] = slots else {
        return Err(format!(
            "is a picture, but the model has {} inputs; give them as .json or .npz",
            slots.len()
        ));
    };
    let (channels, height, width) = match slot.shape[..] {
        [1, c @ (1 | 3), h, w] | [c @ (1 | 3), h, w] => (c, h, w),
        [h, w] if h > 1 && w > 1 => (1, h, w),
        _ => {
            return Err(format!(
                "is a picture, but input {:?} has the shape {}, not 1×C×H×W with one or three \
                 channels",
                slot.name,
                dimensions(&slot.shape)
            ));
        }
    };
    let size = |side: usize| u32::try_from(side).map_err(|_| "has too many pixels".to_owned());
    let (width, height) = (size(width)?, size(height)?);

    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| format!("is no picture: {error}"))?;
    // A small file may claim to be a huge picture.
    let mut limits = Limits::default();
    limits.max_image_width = Some(1 << 14);
    limits.max_image_height = Some(1 << 14);
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| format!("is no picture: {error}"))?;
    let picture = picture.resize_exact(width, height, FilterType::Triangle);

    let samples: Vec<f32> = if channels == 1 {
        picture.to_luma32f().into_raw()
    } else {
        let interleaved = picture.to_rgb32f().into_raw();
        (0..3).flat_map(|c| interleaved.iter().copied().skip(c).step_by(3)).collect()
    };
    Ok(Inputs { cases: vec![Case { tensors: vec![samples], label: None }] })
}
