//! The cheapest setting that is good enough.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{Bits, Point, Sweep};
use crate::report::format;

/// How good a model's answers are to stay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The least part of inputs whose greatest output is the float run's, 0 to 1.
    pub argmax_agreement: Option<f64>,
    /// The greatest mean D1.
    pub d1: Option<f64>,
}

impl Target {
    /// What is asked for where nobody says otherwise: the answers stay, and the probabilities
    /// nearly.
    pub const DEFAULT: Self = Self { argmax_agreement: Some(0.99), d1: Some(0.005) };

    /// Whether a setting's answers are good enough. One that never came to an answer is not.
    #[must_use]
    pub fn is_met_by(&self, point: &Point) -> bool {
        self.demands_met(point) == Some(2)
    }

    /// How many of the two demands a setting meets; none where it has no answer. What is not
    /// demanded is met.
    fn demands_met(&self, point: &Point) -> Option<usize> {
        let (agreement, d1) = (point.argmax_agreement?, point.d1?);
        let agrees = self.argmax_agreement.is_none_or(|least| agreement >= least);
        let is_near = self.d1.is_none_or(|most| d1 <= most);
        Some(usize::from(agrees) + usize::from(is_near))
    }

    /// The demands as the end of a sentence.
    fn text(&self) -> String {
        let agreement = self
            .argmax_agreement
            .map(|least| format!("arg-max agreement at {} or more", share(least)));
        let d1 = self.d1.map(|most| format!("D1 at {} or less", format::distance(most)));
        let parts: Vec<String> = [agreement, d1].into_iter().flatten().collect();
        if parts.is_empty() { "any answer".to_owned() } else { parts.join(" and ") }
    }
}

impl Default for Target {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A setting that was chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// The setting.
    #[serde(flatten)]
    pub bits: Bits,
    /// Index of its point.
    #[serde(skip)]
    pub point: usize,
    /// Whether it meets the target.
    pub target_met: bool,
    /// Why it was chosen, in a sentence.
    #[serde(rename = "bits_reason")]
    pub reason: String,
}

impl Sweep {
    /// The cheapest setting that meets a target, by predicted seconds of proving and then by fewer
    /// bits; where none does, the one that comes closest. None where no setting has an answer.
    ///
    /// A setting under which a slice can't be proven, or an input fails, that finer bits could do
    /// is left out: its figures are of less than those of the others.
    #[must_use]
    pub fn choose(&self, target: &Target) -> Option<Choice> {
        let (index, target_met) = choose(&self.points, target)?;
        let point = self.points.get(index)?;
        let reason = self.reason(point, target_met, target);
        Some(Choice { bits: point.bits, point: index, target_met, reason })
    }

    fn reason(&self, point: &Point, target_met: bool, target: &Target) -> String {
        let (bits, demands) = (point.bits, target.text());
        let mut text = match (target_met, self.points.len()) {
            (true, 1) => format!("{bits} keep {demands}"),
            (true, count) => {
                format!("{bits} are the cheapest of {count} settings that keep {demands}")
            }
            (false, 1) => format!("{bits} do not keep {demands}"),
            (false, count) => {
                format!("none of {count} settings keeps {demands}; {bits} come closest")
            }
        };
        if let (Some(agreement), Some(d1)) = (point.argmax_agreement, point.d1) {
            text += &format!(": {} and {}", share(agreement), format::distance(d1));
        }
        text += &format!(", {}", self.evidence.text());
        if let Some(cost) = &point.cost {
            let secs = format::secs(cost.predicted_prove_secs);
            text += &format!(", for {secs} of proving as predicted");
        }
        if point.failed > 0 {
            text += &format!(
                "; {} of {} inputs leave their ranges: calibrate with more cases",
                point.failed, point.inputs
            );
        }
        text
    }
}

impl super::Evidence {
    /// What the figures rest on, such as `on 32 inputs that the scales were not fitted to`.
    #[must_use]
    pub fn text(&self) -> String {
        match (self.judged, self.held_out) {
            (1, false) => "on the one input that the scales are fitted to".to_owned(),
            (n, false) => format!("on the {n} inputs that the scales are fitted to"),
            (n, true) => format!("on {n} inputs that the scales were not fitted to"),
        }
    }
}

/// A share of one as a percentage, without hiding that it is less than all.
fn share(share: f64) -> String {
    let tenths = (share * 1000.0).floor() / 10.0;
    if tenths.fract() == 0.0 { format!("{tenths:.0}%") } else { format!("{tenths:.1}%") }
}

/// The index of the chosen point, and whether it meets the target.
fn choose(points: &[Point], target: &Target) -> Option<(usize, bool)> {
    let answered = |point: &&Point| point.argmax_agreement.is_some() && point.d1.is_some();
    let unproven = |point: &Point| point.cost.as_ref().map_or(usize::MAX, |cost| cost.unproven);
    let finest = points.iter().filter(answered).map(|point| point.bits.act_bits).max()?;
    let fewest_unproven = points.iter().filter(answered).map(unproven).min()?;
    let fewest_failed = points
        .iter()
        .filter(answered)
        .filter(|point| point.bits.act_bits == finest)
        .map(|point| point.failed)
        .min()?;
    let is_whole =
        |point: &Point| unproven(point) <= fewest_unproven && point.failed <= fewest_failed;
    let best = |is_candidate: &dyn Fn(&Point) -> bool| {
        let all = points.iter().enumerate().filter(|(_, point)| answered(point));
        let candidates = all.filter(|(_, point)| is_candidate(point));
        candidates.min_by(|(_, a), (_, b)| preference(a, b, target)).map(|(index, _)| index)
    };
    // Where each setting lacks something that another one has, all compete.
    let index = best(&is_whole).or_else(|| best(&|_| true))?;
    Some((index, target.is_met_by(points.get(index)?)))
}

/// The better setting first: those that meet the target by cost, the others by what they lack.
fn preference(a: &Point, b: &Point, target: &Target) -> Ordering {
    let by_cost = || {
        let bits = |p: &Point| (p.bits.act_bits + p.bits.weight_bits, p.bits);
        a.prove_secs().total_cmp(&b.prove_secs()).then_with(|| bits(a).cmp(&bits(b)))
    };
    let [a_met, b_met] = [a, b].map(|point| target.is_met_by(point));
    if a_met || b_met {
        return b_met.cmp(&a_met).then_with(by_cost);
    }
    let demands = target.demands_met(b).cmp(&target.demands_met(a));
    let number = |value: Option<f64>, missing: f64| value.unwrap_or(missing);
    let agreement = match target.argmax_agreement {
        Some(_) => number(b.argmax_agreement, 0.0).total_cmp(&number(a.argmax_agreement, 0.0)),
        None => Ordering::Equal,
    };
    let d1 = number(a.d1, f64::INFINITY).total_cmp(&number(b.d1, f64::INFINITY));
    demands.then(agreement).then(d1).then_with(by_cost)
}
