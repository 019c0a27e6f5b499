//! Colours, spacing and type, declared once for the dark and for the light look.
//!
//! Everything else asks [`of`] for the tokens of the look that is on, so that a colour has one home.

use std::sync::Arc;

use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Response,
    RichText, Sense, Stroke, TextStyle, Theme, Ui, Vec2, Visuals, WidgetInfo, WidgetType,
    epaint::Shadow, style::ScrollAnimation,
};

/// Space between things that belong together.
pub const GAP: f32 = 6.0;
/// Height of a row of text.
pub const LINE: f32 = 16.0;
/// Space between groups.
pub const GROUP: f32 = 12.0;
/// Space between the edge of a panel and what it holds.
pub const MARGIN: i8 = 10;
/// Name of the family with the heavier cut, for headings and figures that matter.
const STRONG: &str = "strong";

/// The tokens of one look.
#[derive(Debug)]
pub struct Tokens {
    /// Behind the graph.
    pub canvas: Color32,
    /// Behind panels.
    pub panel: Color32,
    /// Buttons, cards, pills: a step above the panel.
    pub raised: Color32,
    /// The same under the pointer.
    pub hover: Color32,
    /// Fields and the grooves of bars: a step below the panel.
    pub sunken: Color32,
    /// Thin lines between areas.
    pub border: Color32,
    /// Text that is read.
    pub text: Color32,
    /// Text beside it: units, captions.
    pub weak: Color32,
    /// Text that may be overlooked.
    pub faint: Color32,
    /// What the user acts on: boundaries, the selection, the main button.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Verified, agreed, cheaper.
    pub good: Color32,
    /// Failed, dearer.
    pub bad: Color32,
    /// Busy.
    pub busy: Color32,
    /// Lines between nodes.
    pub wire: Color32,
    /// Hues of slices, in turn.
    pub slices: [Color32; 6],
    /// How much of a slice's hue its band shows, 0 to 255.
    pub band_alpha: u8,
    /// The dark end of the ramp means much: on a light ground it stands out, on a dark one not.
    pub dark_is_much: bool,
}

/// Viridis (Smith and van der Walt, 2015): even steps to the eye, told apart in greys and with
/// every common kind of colour blindness.
const RAMP: [Color32; 10] = [
    Color32::from_rgb(0x44, 0x01, 0x54),
    Color32::from_rgb(0x48, 0x28, 0x78),
    Color32::from_rgb(0x3e, 0x4a, 0x89),
    Color32::from_rgb(0x31, 0x68, 0x8e),
    Color32::from_rgb(0x26, 0x82, 0x8e),
    Color32::from_rgb(0x1f, 0x9e, 0x89),
    Color32::from_rgb(0x35, 0xb7, 0x79),
    Color32::from_rgb(0x6d, 0xcd, 0x59),
    Color32::from_rgb(0xb4, 0xde, 0x2c),
    Color32::from_rgb(0xfd, 0xe7, 0x25),
];

const DARK: Tokens = Tokens {
    canvas: Color32::from_rgb(0x14, 0x16, 0x1b),
    panel: Color32::from_rgb(0x1b, 0x1e, 0x25),
    raised: Color32::from_rgb(0x29, 0x2d, 0x37),
    hover: Color32::from_rgb(0x35, 0x3b, 0x48),
    sunken: Color32::from_rgb(0x12, 0x14, 0x19),
    border: Color32::from_rgb(0x2e, 0x33, 0x3e),
    text: Color32::from_rgb(0xe4, 0xe7, 0xed),
    weak: Color32::from_rgb(0x9d, 0xa6, 0xb6),
    faint: Color32::from_rgb(0x70, 0x7a, 0x8b),
    accent: Color32::from_rgb(0xe8, 0xa5, 0x3e),
    on_accent: Color32::from_rgb(0x1d, 0x15, 0x08),
    good: Color32::from_rgb(0x6b, 0xc7, 0x92),
    bad: Color32::from_rgb(0xf0, 0x75, 0x6c),
    busy: Color32::from_rgb(0x6f, 0xa9, 0xe6),
    wire: Color32::from_rgb(0x77, 0x81, 0x92),
    slices: [
        Color32::from_rgb(0x5b, 0x9b, 0xd8),
        Color32::from_rgb(0xa7, 0x86, 0xd6),
        Color32::from_rgb(0x8d, 0xb5, 0x5f),
        Color32::from_rgb(0xd8, 0x84, 0x6b),
        Color32::from_rgb(0x57, 0xb5, 0xad),
        Color32::from_rgb(0xcf, 0x7f, 0xae),
    ],
    band_alpha: 26,
    dark_is_much: false,
};

const LIGHT: Tokens = Tokens {
    canvas: Color32::from_rgb(0xfb, 0xfb, 0xfc),
    panel: Color32::from_rgb(0xf1, 0xf3, 0xf6),
    raised: Color32::from_rgb(0xff, 0xff, 0xff),
    hover: Color32::from_rgb(0xe3, 0xe8, 0xf0),
    sunken: Color32::from_rgb(0xe4, 0xe7, 0xed),
    border: Color32::from_rgb(0xd3, 0xd8, 0xe1),
    text: Color32::from_rgb(0x1c, 0x22, 0x2e),
    weak: Color32::from_rgb(0x53, 0x5d, 0x6f),
    faint: Color32::from_rgb(0x7c, 0x86, 0x97),
    accent: Color32::from_rgb(0xc9, 0x78, 0x0c),
    on_accent: Color32::from_rgb(0xff, 0xff, 0xff),
    good: Color32::from_rgb(0x1b, 0x84, 0x4e),
    bad: Color32::from_rgb(0xc4, 0x3a, 0x31),
    busy: Color32::from_rgb(0x24, 0x6f, 0xbd),
    wire: Color32::from_rgb(0x8a, 0x94, 0xa5),
    slices: [
        Color32::from_rgb(0x2f, 0x74, 0xb8),
        Color32::from_rgb(0x7c, 0x55, 0xb4),
        Color32::from_rgb(0x5d, 0x86, 0x2c),
        Color32::from_rgb(0xb9, 0x56, 0x38),
        Color32::from_rgb(0x1f, 0x86, 0x7e),
        Color32::from_rgb(0xa8, 0x4b, 0x83),
    ],
    band_alpha: 24,
    dark_is_much: true,
};

/// The tokens of a look.
#[must_use]
pub fn tokens(dark: bool) -> &'static Tokens {
    if dark { &DARK } else { &LIGHT }
}

/// The tokens of the look that is on.
#[must_use]
pub fn of(ui: &Ui) -> &'static Tokens {
    tokens(ui.visuals().dark_mode)
}

impl Tokens {
    /// The hue of a slice.
    #[must_use]
    pub fn slice(&self, index: usize) -> Color32 {
        self.slices[index % self.slices.len()]
    }

    /// The colour of a quantity, from 0 for the least to 1 for the most.
    #[must_use]
    pub fn heat(&self, part: f32) -> Color32 {
        let part = part.clamp(0.0, 1.0);
        let place = if self.dark_is_much { 1.0 - part } else { part } * (RAMP.len() - 1) as f32;
        let below = (place as usize).min(RAMP.len() - 2);
        between(RAMP[below], RAMP[below + 1], place - below as f32)
    }

    /// The colour of a quantity that is nothing, or not known.
    #[must_use]
    pub fn no_heat(&self) -> Color32 {
        between(self.canvas, self.faint, 0.4)
    }

    /// The wash behind a slice's nodes.
    #[must_use]
    pub fn band(&self, index: usize) -> Color32 {
        faded(self.slice(index), self.band_alpha)
    }
}

/// Text on a colour of any lightness.
#[must_use]
pub fn ink_on(ground: Color32) -> Color32 {
    let [r, g, b, _] = ground.to_array().map(f32::from);
    let is_light = 0.299 * r + 0.587 * g + 0.114 * b > 140.0;
    if is_light { LIGHT.text } else { LIGHT.on_accent }
}

/// The same colour, see-through.
#[must_use]
pub fn faded(color: Color32, alpha: u8) -> Color32 {
    Color32::from_rgba_unmultiplied(color.r(), color.g(), color.b(), alpha)
}

/// A colour between two, `t` of the way to the second.
#[must_use]
pub fn between(from: Color32, to: Color32, t: f32) -> Color32 {
    from.lerp_to_gamma(to, t)
}

/// The heavier cut at a size in points.
#[must_use]
pub fn strong_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(STRONG.into()))
}

/// Text in the heavier cut.
#[must_use]
pub fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).family(FontFamily::Name(STRONG.into()))
}

/// Text beside what is read.
#[must_use]
pub fn weak(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text).color(of(ui).weak)
}

/// Small text beside what is read.
#[must_use]
pub fn small(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text).small().color(of(ui).weak)
}

/// The heading of a section: small capitals in a calm colour, as an instrument is lettered.
pub fn heading(ui: &mut Ui, text: &str) {
    let color = of(ui).weak;
    ui.label(strong(text.to_uppercase()).size(11.0).color(color));
}

/// Turns the toolkit's own movement off, or on again: panels that open, lists that scroll to a
/// place, [`spinner`]s.
pub fn set_motion(ctx: &egui::Context, reduced: bool) {
    let usual = egui::Style::default();
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| {
            style.animation_time = if reduced { 0.0 } else { usual.animation_time };
            style.scroll_animation =
                if reduced { ScrollAnimation::none() } else { usual.scroll_animation };
        });
    }
}

/// Whether nothing is to turn, slide or fade.
#[must_use]
pub fn is_motion_reduced(ui: &Ui) -> bool {
    ui.style().animation_time == 0.0
}

/// A sign that something goes on: it turns, or, where motion is reduced, is three dots.
pub fn spinner(ui: &mut Ui, size: f32) -> Response {
    let color = of(ui).busy;
    let response = if is_motion_reduced(ui) {
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::hover());
        for place in [-1.0, 0.0, 1.0] {
            let at = rect.center() + Vec2::new(place * size * 0.33, 0.0);
            ui.painter().circle_filled(at, size * 0.11, color);
        }
        response
    } else {
        ui.add(egui::Spinner::new().size(size).color(color))
    };
    response.widget_info(|| WidgetInfo::labeled(WidgetType::ProgressIndicator, true, "Busy"));
    response
}

/// Installs type and both looks. Which of them is on is the user's choice, kept elsewhere.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    for theme in [Theme::Dark, Theme::Light] {
        ctx.set_visuals_of(theme, visuals(theme == Theme::Dark));
        ctx.style_mut_of(theme, |style| {
            let sizes = [
                (TextStyle::Small, 11.0),
                (TextStyle::Body, 13.0),
                (TextStyle::Button, 13.0),
                (TextStyle::Monospace, 12.0),
            ];
            for (text_style, size) in sizes {
                if let Some(font) = style.text_styles.get_mut(&text_style) {
                    font.size = size;
                }
            }
            style.text_styles.insert(TextStyle::Heading, strong_font(15.0));
            style.spacing.item_spacing = Vec2::new(8.0, GAP);
            style.spacing.button_padding = Vec2::new(9.0, 4.0);
            style.spacing.interact_size = Vec2::new(28.0, 24.0);
            style.spacing.menu_margin = Margin::same(6);
            style.spacing.window_margin = Margin::same(12);
            style.spacing.tooltip_width = 380.0;
            style.spacing.scroll = egui::style::ScrollStyle::thin();
            style.interaction.tooltip_delay = 0.4;
        });
    }
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let embedded: [(&str, &'static [u8]); 2] = [
        ("Inter", include_bytes!("../assets/fonts/Inter-Regular.otf")),
        ("Inter SemiBold", include_bytes!("../assets/fonts/Inter-SemiBold.otf")),
    ];
    for (name, bytes) in embedded {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    // The default faces stay behind ours: they bring the symbols that Inter lacks.
    let rest = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let family = |first: &str| {
        std::iter::once(first.to_owned()).chain(rest.iter().cloned()).collect::<Vec<_>>()
    };
    fonts.families.insert(FontFamily::Proportional, family("Inter"));
    fonts.families.insert(FontFamily::Name(STRONG.into()), family("Inter SemiBold"));
    fonts
}

fn visuals(dark: bool) -> Visuals {
    let t = tokens(dark);
    let mut v = if dark { Visuals::dark() } else { Visuals::light() };
    let line = |color| Stroke::new(1.0, color);
    v.panel_fill = t.panel;
    v.window_fill = t.panel;
    v.window_stroke = line(t.border);
    v.faint_bg_color = between(t.panel, t.raised, 0.45);
    v.extreme_bg_color = t.sunken;
    v.code_bg_color = t.sunken;
    v.weak_text_color = Some(t.weak);
    v.hyperlink_color = t.busy;
    v.warn_fg_color = t.accent;
    v.error_fg_color = t.bad;
    v.selection.bg_fill = faded(t.accent, if dark { 70 } else { 60 });
    v.selection.stroke = line(t.text);
    v.window_corner_radius = CornerRadius::same(8);
    v.menu_corner_radius = CornerRadius::same(8);
    let shadow = Shadow {
        offset: [0, 6],
        blur: 18,
        spread: 0,
        color: Color32::from_black_alpha(if dark { 110 } else { 40 }),
    };
    v.window_shadow = shadow;
    v.popup_shadow = shadow;
    v.slider_trailing_fill = true;
    let w = &mut v.widgets;
    for (widget, fill, edge, text) in [
        (&mut w.noninteractive, t.panel, t.border, t.text),
        (&mut w.inactive, t.raised, between(t.border, t.faint, 0.35), t.text),
        (&mut w.hovered, t.hover, t.faint, t.text),
        (&mut w.active, t.hover, t.accent, t.text),
        (&mut w.open, t.hover, t.border, t.text),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = line(edge);
        widget.fg_stroke = line(text);
        widget.corner_radius = CornerRadius::same(5);
        widget.expansion = 0.0;
    }
    v
}
