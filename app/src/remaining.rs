//! How much of a run is done and how long the rest takes: predictions, corrected by what the
//! pieces that are over took on this machine.

/// Corrections beyond this are an accident of a piece that was over at once, or of a machine that
/// slept.
const MOST_CORRECTION: f64 = 20.0;

/// Where a piece is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// It waits for its turn.
    Waiting,
    /// It has been worked on for so long.
    Running {
        /// Seconds, without waiting.
        elapsed_secs: f64,
    },
    /// It was worked on for so long, and is proven.
    Over {
        /// Seconds, without waiting.
        took_secs: f64,
    },
    /// It failed, or won't be proven.
    Dropped,
}

/// One piece of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Seconds that it was predicted to take, set-up and verification included; nothing where it
    /// can't be predicted.
    pub expected_secs: Option<f64>,
    /// Where it is.
    pub stage: Stage,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outlook {
    /// The part of the work that is done, from 0 to 1.
    pub part: f64,
    /// Seconds until the last piece is over; nothing where a piece that is left has no prediction.
    pub remaining_secs: Option<f64>,
}

/// The outlook of a run. Pieces that wait start in their order, as many at a time as run now.
#[must_use]
pub fn outlook(works: &[Work]) -> Outlook {
    let factor = correction(works);
    let mut lanes: Vec<f64> = Vec::new();
    let (mut done, mut all, mut is_known) = (0.0, 0.0, true);
    for work in works {
        let Some(expected) = work.expected_secs.filter(|secs| secs.is_finite() && *secs > 0.0)
        else {
            is_known &= matches!(work.stage, Stage::Over { .. } | Stage::Dropped);
            continue;
        };
        match work.stage {
            Stage::Waiting => all += expected,
            Stage::Running { elapsed_secs } => {
                let left = left_of(expected * factor, elapsed_secs);
                lanes.push(left);
                all += expected;
                done += expected * elapsed_secs / (elapsed_secs + left);
            }
            Stage::Over { .. } => {
                all += expected;
                done += expected;
            }
            Stage::Dropped => {}
        }
    }
    if lanes.is_empty() {
        lanes.push(0.0);
    }
    for work in works.iter().filter(|work| work.stage == Stage::Waiting) {
        let first = lanes.iter_mut().min_by(|a, b| a.total_cmp(b));
        if let (Some(first), Some(expected)) = (first, work.expected_secs) {
            *first += expected * factor;
        }
    }
    let remaining = lanes.into_iter().fold(0.0, f64::max);
    Outlook {
        part: if all > 0.0 { (done / all).clamp(0.0, 1.0) } else { 0.0 },
        remaining_secs: is_known.then_some(remaining),
    }
}

/// What is left of a piece. One that takes longer than it should is still not over: it is taken
/// to need a tenth of its time more.
fn left_of(expected_secs: f64, elapsed_secs: f64) -> f64 {
    (expected_secs - elapsed_secs).max(elapsed_secs * 0.1).max(0.05)
}

/// Measured over predicted, of the pieces that are over. Before the first is, a running piece that
/// already took longer than predicted tells as much.
fn correction(works: &[Work]) -> f64 {
    let (mut took, mut expected, mut least) = (0.0, 0.0, 0.0_f64);
    for work in works {
        let Some(secs) = work.expected_secs.filter(|secs| secs.is_finite() && *secs > 0.0) else {
            continue;
        };
        match work.stage {
            Stage::Over { took_secs } => {
                took += took_secs;
                expected += secs;
            }
            Stage::Running { elapsed_secs } => least = least.max(elapsed_secs / secs),
            Stage::Waiting | Stage::Dropped => {}
        }
    }
    let factor = if expected > 0.0 { took / expected } else { least.max(1.0) };
    factor.clamp(1.0 / MOST_CORRECTION, MOST_CORRECTION)
}

/// Seconds that remain, as roughly as they are known: `about 40 s left`.
#[must_use]
pub fn text(remaining_secs: f64) -> String {
    match remaining_secs {
        secs if !secs.is_finite() => String::new(),
        secs if secs < 5.0 => "a few seconds left".to_owned(),
        secs if secs < 90.0 => format!("about {:.0} s left", (secs / 5.0).ceil() * 5.0),
        secs if secs < 5_400.0 => format!("about {:.0} min left", (secs / 60.0).ceil()),
        secs => format!("about {:.1} h left", secs / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(expected_secs: f64, stage: Stage) -> Work {
        Work { expected_secs: Some(expected_secs), stage }
    }

    #[test]
    fn what_was_measured_corrects_what_was_predicted() {
        let over = work(10.0, Stage::Over { took_secs: 20.0 });
        let running = work(5.0, Stage::Running { elapsed_secs: 4.0 });
        let found = outlook(&[over, running, work(3.0, Stage::Waiting)]);
        // This machine takes twice as long: 10 − 4 seconds, then 6.
        assert_eq!(found.remaining_secs, Some(12.0));
        assert!((found.part - (10.0 + 2.0) / 18.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn pieces_that_run_beside_each_other_count_once() {
        let running = |elapsed_secs| work(10.0, Stage::Running { elapsed_secs });
        let waiting = work(4.0, Stage::Waiting);
        assert_eq!(outlook(&[running(2.0), running(5.0)]).remaining_secs, Some(8.0));
        let found = outlook(&[running(2.0), running(5.0), waiting, waiting]);
        assert_eq!(found.remaining_secs, Some(12.0), "5 + 4 in one lane, 8 + 4 in the other");
    }

    #[test]
    fn a_piece_that_overruns_is_not_over() {
        let late = work(10.0, Stage::Running { elapsed_secs: 30.0 });
        let found = outlook(&[late, work(10.0, Stage::Waiting)]);
        // A tenth of 30 seconds, and as slow a piece behind it.
        assert_eq!(found.remaining_secs, Some(33.0));
        assert!(found.part < 0.5);
    }

    #[test]
    fn what_is_unknown_is_not_invented() {
        let unknown = |stage| Work { expected_secs: None, stage };
        assert_eq!(outlook(&[unknown(Stage::Waiting)]).remaining_secs, None);
        assert_eq!(outlook(&[unknown(Stage::Dropped)]).remaining_secs, Some(0.0));
        let odd = Work { expected_secs: Some(f64::NAN), stage: Stage::Waiting };
        assert_eq!(outlook(&[odd]).remaining_secs, None);
        assert_eq!(outlook(&[]), Outlook { part: 0.0, remaining_secs: Some(0.0) });
        let dropped = work(10.0, Stage::Dropped);
        let over = work(1.0, Stage::Over { took_secs: 1.0 });
        assert_eq!(outlook(&[dropped, over]), Outlook { part: 1.0, remaining_secs: Some(0.0) });
    }

    #[test]
    fn remaining_time_is_said_as_roughly_as_it_is_known() {
        for (secs, expected) in [
            (0.0, "a few seconds left"),
            (7.0, "about 10 s left"),
            (38.0, "about 40 s left"),
            (100.0, "about 2 min left"),
            (9_000.0, "about 2.5 h left"),
        ] {
            assert_eq!(text(secs), expected);
        }
    }
}
