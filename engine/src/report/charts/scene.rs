//! What a drawing left where: the marks with their values, and the entries of the legend. The code
//! that draws a mark records it, so that what the pointer finds is what the eye sees.

use crate::bits::Bits;
use crate::report::format;

use super::data::{Phase, Quantity};
use super::frame::Frame;
use super::scale::Measure;
use super::view::Series;

/// What was drawn, in pixels of the chart's design. A window divides by nothing: there a pixel of
/// the design is a point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// The marks, in reading order.
    pub hits: Vec<Hit>,
    /// The legend's entries, from left to right.
    pub legend: Vec<LegendItem>,
}

/// A mark that was drawn: a bar, a point, a stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// What it covers.
    pub frame: Frame,
    /// Where a pointer means it: its column or row, which is easier to reach than a flat bar.
    pub reach: Frame,
    /// What it is, such as `Prove: whole model`.
    pub label: String,
    /// Its series.
    pub series: Series,
    /// What it says.
    pub value: Value,
}

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Predicted, measured or both.
    Quantity {
        /// The values, in the measure's base unit.
        quantity: Quantity,
        /// What they count.
        measure: Measure,
        /// Whether the measured value still lacks pieces.
        partial: bool,
    },
    /// A stretch of time, in seconds after the run's start.
    Span {
        /// What happened in it.
        phase: Phase,
        /// When it began.
        start_secs: f64,
        /// When it ended; nothing while it goes on.
        end_secs: Option<f64>,
    },
    /// A setting of bits.
    Setting {
        /// The bits.
        bits: Bits,
        /// Mean D1.
        d1: f64,
        /// The part of answers that stay, 0 to 1.
        argmax_agreement: f64,
        /// Inputs that were run.
        inputs: usize,
        /// Those of them without an answer.
        failed: usize,
        /// Predicted seconds of proving.
        prove_secs: f64,
        /// Predicted bytes of the largest slice.
        peak_bytes: f64,
    },
    /// Memory at a moment.
    Memory {
        /// Seconds after the run's start.
        at_secs: f64,
        /// Bytes.
        bytes: f64,
    },
}

/// An entry of the legend as it was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct LegendItem {
    /// Its mark and its text.
    pub frame: Frame,
    /// Its text.
    pub label: String,
    /// The series that it hides and shows; nothing where it only explains a mark.
    pub series: Option<Series>,
    /// Whether the series is drawn.
    pub shown: bool,
}

impl Hit {
    /// The exact values by name: `measured`, `predicted`, `interval`, or the times of a phase.
    #[must_use]
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let exact = format::exact_secs;
        match self.value {
            Value::Quantity { quantity, measure, partial } => {
                let shown = quantity.drawable();
                let mut facts = Vec::new();
                if let Some(value) = shown.measured {
                    let name = if partial { "measured so far" } else { "measured" };
                    facts.push((name, measure.exact(value)));
                }
                if let Some(expected) = shown.predicted {
                    facts.push(("predicted", measure.exact(expected.value)));
                    if expected.low < expected.high {
                        let (low, high) = (measure.text(expected.low), measure.text(expected.high));
                        facts.push(("interval", format!("{low} to {high}")));
                    }
                }
                facts
            }
            Value::Span { start_secs, end_secs, .. } => {
                let mut facts = vec![("began at", exact(start_secs))];
                match end_secs {
                    Some(end) => {
                        facts.push(("ended at", exact(end)));
                        facts.push(("took", exact(end - start_secs)));
                    }
                    None => facts.push(("ended at", "still running".to_owned())),
                }
                facts
            }
            Value::Setting {
                d1, argmax_agreement, inputs, failed, prove_secs, peak_bytes, ..
            } => {
                let mut facts = vec![
                    ("D1", format::distance(d1)),
                    ("arg-max agrees", format!("{:.1}%", 100.0 * argmax_agreement)),
                    ("inputs", inputs.to_string()),
                ];
                if failed > 0 {
                    facts.push(("out of range", failed.to_string()));
                }
                facts.push(("predicted time", exact(prove_secs)));
                facts.push(("predicted peak", Measure::Bytes.text(peak_bytes)));
                facts
            }
            Value::Memory { at_secs, bytes } => {
                vec![("at", exact(at_secs)), ("in use", Measure::Bytes.exact(bytes))]
            }
        }
    }

    /// The mark in one sentence, for those who hear a chart.
    #[must_use]
    pub fn sentence(&self) -> String {
        let facts: Vec<_> =
            self.facts().into_iter().map(|(name, value)| format!("{name} {value}")).collect();
        format!("{}: {}", self.label, facts.join(", "))
    }
}

impl Scene {
    /// The mark that a pointer at this place means: of those whose reach it is in, the nearest.
    #[must_use]
    pub fn at(&self, x: f64, y: f64) -> Option<usize> {
        let near = |(_, hit): &(usize, &Hit)| hit.reach.contains(x, y);
        let order = |hit: &Hit| (hit.frame.distance(x, y), hit.frame.width() * hit.frame.height());
        self.hits
            .iter()
            .enumerate()
            .filter(near)
            .min_by(|(_, a), (_, b)| {
                order(a).partial_cmp(&order(b)).unwrap_or(std::cmp::Ordering::Equal)
            })
            .map(|(index, _)| index)
    }

    /// Every mark in a sentence, up to `most` of them, and how many more there are.
    #[must_use]
    pub fn summary(&self, most: usize) -> String {
        let mut sentences: Vec<String> = self.hits.iter().take(most).map(Hit::sentence).collect();
        if self.hits.len() > most {
            sentences.push(format!("and {} more values", self.hits.len() - most));
        }
        sentences.join("; ")
    }
}
