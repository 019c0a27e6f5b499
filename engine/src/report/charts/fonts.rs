//! The one typeface of the charts: the one that the window brings along, so that no font of the
//! system is needed and every machine draws the same file.

use std::sync::Once;

use plotters::style::{FontStyle, register_font};

/// The family name under which the charts ask for their typeface. SVG viewers map it to theirs.
pub(super) const FAMILY: &str = "sans-serif";

/// Makes the typeface known to plotters. Call it before a chart is drawn on a backend of one's
/// own; calling it again costs nothing.
pub fn register_fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (family, bytes) in [
            (FAMILY, epaint_default_fonts::UBUNTU_LIGHT),
            ("monospace", epaint_default_fonts::HACK_REGULAR),
        ] {
            // Only bytes that are no font are refused. These are constants that the tests draw
            // with, and a family that is missing is reported by the first text that needs it.
            let _registered = register_font(family, FontStyle::Normal, bytes);
        }
    });
}
