//! A progress bar on a terminal; nothing where stderr is no terminal.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use microtome_engine::report::format;
use microtome_engine::run::{Event, Phase, Piece};

/// The bar of a job.
pub struct Progress {
    bar: ProgressBar,
    phases: BTreeMap<Piece, Phase>,
    memory: BTreeMap<Piece, u64>,
}

impl Progress {
    pub fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new(0)
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) =
            ProgressStyle::with_template("[{elapsed}] {bar:24} {pos}/{len} proven  {wide_msg}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, phases: BTreeMap::new(), memory: BTreeMap::new() }
    }

    /// Shows what an event changes.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Phase { piece, phase: Phase::Queued, .. } => {
                self.bar.inc_length(1);
                self.phases.insert(*piece, Phase::Queued);
            }
            Event::Phase { piece, phase, .. } => {
                self.phases.insert(*piece, *phase);
            }
            Event::Memory { piece, bytes, .. } => {
                self.memory.insert(*piece, *bytes);
            }
            Event::Finished { piece, .. } => {
                self.bar.inc(1);
                self.phases.remove(piece);
                self.memory.remove(piece);
            }
            Event::Failed { piece, reason } => {
                self.phases.remove(piece);
                self.bar.println(format!("{}: {reason}", name(*piece)));
            }
            Event::Done { .. } | Event::Cancelled | Event::Error { .. } => {
                self.bar.finish_and_clear();
            }
            Event::Planned { .. } | Event::Executed { .. } => {}
        }
        self.bar.set_message(self.message());
    }

    fn message(&self) -> String {
        let running = self.phases.iter().filter(|(_, phase)| **phase != Phase::Queued);
        let parts: Vec<String> = running
            .map(|(piece, phase)| {
                let memory = self
                    .memory
                    .get(piece)
                    .map_or(String::new(), |&bytes| format!(", {}", format::bytes(bytes)));
                format!("{}: {}{memory}", name(*piece), doing(*phase))
            })
            .collect();
        parts.join("; ")
    }
}

/// What people call a piece.
pub fn name(piece: Piece) -> String {
    match piece {
        Piece::Slice(index) => format!("slice {index}"),
        Piece::Whole => "whole model".to_owned(),
    }
}

fn doing(phase: Phase) -> &'static str {
    match phase {
        Phase::Queued => "waiting",
        Phase::Parameters => "parameters (slow the first time)",
        Phase::Keys => "keys",
        Phase::Witness => "witness",
        Phase::Prove => "proof",
        Phase::Verify => "verifying",
        Phase::Check => "verifying from nothing",
    }
}
