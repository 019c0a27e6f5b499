//! Everything that menus, buttons and keys can ask for, in one place.

use egui::{Context, Key, KeyboardShortcut, Modifiers};
use microtome_engine::bits::Bits;
use microtome_engine::prove::System;
use microtome_engine::report::charts::Scaling;

use crate::graph_view::ColorBy;

/// Something that the user can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Opens a file of any kind.
    Open,
    /// Opens an input for the model.
    OpenInput,
    /// Opens a plan for the model.
    OpenPlan,
    /// Saves the plan.
    SavePlan,
    /// Saves plans and results as a project.
    SaveProject,
    /// Opens a bundle and verifies it against the model.
    OpenBundle,
    /// Saves the bundle of the last run.
    SaveBundle,
    /// Saves the card that stands in for the model where weights are committed.
    SaveCard,
    /// Writes each slice as a model of its own.
    ExportSlices,
    /// Saves the chart as SVG.
    SaveChartSvg,
    /// Saves the chart as PNG.
    SaveChartPng,
    /// Saves the numbers of the chart.
    SaveChartCsv,
    /// Saves the report of the last run.
    SaveReport,
    /// Ends the program.
    Quit,
    /// Takes the last edit back.
    Undo,
    /// Does it again.
    Redo,
    /// Adds a boundary before the selected node.
    AddBoundary,
    /// Removes the selected boundaries.
    RemoveBoundary,
    /// Locks the selected boundaries, or unlocks them.
    LockBoundary,
    /// Moves the selected boundaries up.
    BoundaryUp,
    /// Moves the selected boundaries down.
    BoundaryDown,
    /// Selects every boundary.
    SelectBoundaries,
    /// Makes the selected nodes a slice.
    MakeSlice,
    /// Splits the largest operation of the selected slice into tiles.
    SplitSlice,
    /// Balances into the chosen number of slices.
    Balance,
    /// Cuts the slice that was refused for its memory.
    CutToFit,
    /// Removes every boundary that is not locked.
    MergeAll,
    /// Begins another plan as a copy of the one that is shown.
    NewPlan,
    /// Shows the next plan.
    NextPlan,
    /// Gives the plan another name.
    RenamePlan,
    /// Deletes the plan.
    DeletePlan,
    /// Brings the deleted plan back.
    BringBackPlan,
    /// Goes back to the plan that the results are of.
    BackToResults,
    /// Marks every slice to be proven.
    ProveAll,
    /// Marks no slice to be proven.
    ProveNone,
    /// Proves all slices in zero knowledge.
    UseHalo2,
    /// Proves all slices fast, hiding nothing.
    UseWhir,
    /// Proves the selected slice by the next system.
    NextSystem,
    /// Binds the weights by commitments, or shows them.
    CommitWeights,
    /// Starts proving.
    Prove,
    /// Stops proving.
    Cancel,
    /// Verifies the bundle again.
    Verify,
    /// Tries other bits, to choose them for a target.
    SweepBits,
    /// Stops trying bits.
    CancelSweep,
    /// Quantises with these bits.
    Bits(Bits),
    /// The case before.
    PreviousCase,
    /// The next case.
    NextCase,
    /// Shows the whole model.
    Fit,
    /// Shows less, larger.
    ZoomIn,
    /// Shows more, smaller.
    ZoomOut,
    /// Draws each block as one box.
    FoldBlocks,
    /// Draws every node.
    UnfoldBlocks,
    /// Opens the selected block, or closes it.
    ToggleBlock,
    /// The dark look.
    ThemeDark,
    /// The light look.
    ThemeLight,
    /// The look of the desktop.
    ThemeSystem,
    /// Turns movement off, or on again.
    ReduceMotion,
    /// Chooses the scale of the chart.
    ChartScale(Scaling),
    /// Shows every series of the chart again.
    ShowAllSeries,
    /// Finds commands and nodes.
    Palette,
    /// Goes to the next node that can't be proven.
    NextObstacle,
    /// Chooses what the colours of nodes tell.
    ColorBy(ColorBy),
    /// A guided tour.
    Tour,
    /// What the words of the field mean.
    Words,
    /// What this program is.
    About,
}

impl Command {
    /// Commands that have keys, the ones with more modifiers first: egui takes the first that fits.
    const WITH_KEYS: [Self; 32] = [
        Self::Redo,
        Self::NewPlan,
        Self::SaveProject,
        Self::OpenInput,
        Self::OpenPlan,
        Self::OpenBundle,
        Self::SaveBundle,
        Self::FoldBlocks,
        Self::UnfoldBlocks,
        Self::Open,
        Self::SavePlan,
        Self::ExportSlices,
        Self::Quit,
        Self::Undo,
        Self::AddBoundary,
        Self::RemoveBoundary,
        Self::LockBoundary,
        Self::SelectBoundaries,
        Self::MakeSlice,
        Self::Balance,
        Self::Prove,
        Self::Cancel,
        Self::Verify,
        Self::Fit,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ToggleBlock,
        Self::NextCase,
        Self::Palette,
        Self::NextPlan,
        Self::RenamePlan,
        Self::Words,
    ];

    /// Commands in the order of the menus, apart from those of colours and scales.
    const PLAIN: [Self; 62] = [
        Self::Open,
        Self::OpenInput,
        Self::OpenPlan,
        Self::OpenBundle,
        Self::SavePlan,
        Self::SaveProject,
        Self::SaveBundle,
        Self::SaveCard,
        Self::ExportSlices,
        Self::SaveChartSvg,
        Self::SaveChartPng,
        Self::SaveChartCsv,
        Self::SaveReport,
        Self::Quit,
        Self::Undo,
        Self::Redo,
        Self::Palette,
        Self::AddBoundary,
        Self::RemoveBoundary,
        Self::LockBoundary,
        Self::BoundaryUp,
        Self::BoundaryDown,
        Self::SelectBoundaries,
        Self::MakeSlice,
        Self::SplitSlice,
        Self::Balance,
        Self::CutToFit,
        Self::MergeAll,
        Self::NewPlan,
        Self::NextPlan,
        Self::RenamePlan,
        Self::DeletePlan,
        Self::BringBackPlan,
        Self::BackToResults,
        Self::Prove,
        Self::Cancel,
        Self::Verify,
        Self::ProveAll,
        Self::ProveNone,
        Self::UseHalo2,
        Self::UseWhir,
        Self::NextSystem,
        Self::CommitWeights,
        Self::NextObstacle,
        Self::SweepBits,
        Self::CancelSweep,
        Self::PreviousCase,
        Self::NextCase,
        Self::Fit,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::FoldBlocks,
        Self::UnfoldBlocks,
        Self::ToggleBlock,
        Self::ThemeDark,
        Self::ThemeLight,
        Self::ThemeSystem,
        Self::Tour,
        Self::Words,
        Self::ReduceMotion,
        Self::ShowAllSeries,
        Self::About,
    ];

    /// Every command, in the order of the menus.
    pub fn all() -> impl Iterator<Item = Self> {
        let choices = Scaling::ALL.map(Self::ChartScale).into_iter();
        Self::PLAIN.into_iter().chain(ColorBy::ALL.map(Self::ColorBy)).chain(choices)
    }

    /// What menus and buttons say.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Open => "Open…",
            Self::OpenInput => "Open input…",
            Self::OpenPlan => "Open plan…",
            Self::SavePlan => "Save plan…",
            Self::SaveProject => "Save project…",
            Self::OpenBundle => "Verify a bundle…",
            Self::SaveBundle => "Save bundle…",
            Self::SaveCard => "Save weight card…",
            Self::ExportSlices => "Export slices…",
            Self::SaveChartSvg => "Save chart as SVG…",
            Self::SaveChartPng => "Save chart as PNG…",
            Self::SaveChartCsv => "Save numbers as CSV…",
            Self::SaveReport => "Save report…",
            Self::Quit => "Quit",
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::AddBoundary => "Add boundary before node",
            Self::RemoveBoundary => "Remove boundary",
            Self::LockBoundary => "Lock or unlock boundary",
            Self::BoundaryUp => "Move boundary up",
            Self::BoundaryDown => "Move boundary down",
            Self::SelectBoundaries => "Select all boundaries",
            Self::MakeSlice => "Make this a slice",
            Self::SplitSlice => "Split into tiles",
            Self::Balance => "Balance",
            Self::CutToFit => "Cut to fit the memory",
            Self::MergeAll => "Merge all",
            Self::NewPlan => "New plan from this one",
            Self::NextPlan => "Next plan",
            Self::RenamePlan => "Rename plan…",
            Self::DeletePlan => "Delete plan",
            Self::BringBackPlan => "Bring back the deleted plan",
            Self::BackToResults => "Back to the proven plan",
            Self::ProveAll => "Mark all slices to prove",
            Self::ProveNone => "Mark no slice to prove",
            Self::UseHalo2 => "All slices by halo2",
            Self::UseWhir => "All slices by whir",
            Self::NextSystem => "Other system for the selected slice",
            Self::CommitWeights => "Commit to the weights",
            Self::Prove => "Prove",
            Self::Cancel => "Cancel",
            Self::Verify => "Verify",
            Self::SweepBits => "Choose bits for a target…",
            Self::CancelSweep => "Stop trying bits",
            Self::Bits(_) => "Use these bits",
            Self::PreviousCase => "Previous case",
            Self::NextCase => "Next case",
            Self::Fit => "Fit model",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::FoldBlocks => "Fold blocks",
            Self::UnfoldBlocks => "Unfold blocks",
            Self::ToggleBlock => "Fold or unfold the selected block",
            Self::ThemeDark => "Dark",
            Self::ThemeLight => "Light",
            Self::ThemeSystem => "As the system",
            Self::ReduceMotion => "Reduce motion",
            Self::ChartScale(Scaling::Auto) => "Scale the chart automatically",
            Self::ChartScale(Scaling::Linear) => "Linear scale of the chart",
            Self::ChartScale(Scaling::Log) => "Logarithmic scale of the chart",
            Self::ShowAllSeries => "Show all series of the chart",
            Self::Palette => "Find a command or node…",
            Self::NextObstacle => "Next node that can't be proven",
            Self::ColorBy(ColorBy::Operator) => "Colour nodes by operator",
            Self::ColorBy(ColorBy::Macs) => "Colour nodes by MACs",
            Self::ColorBy(ColorBy::Params) => "Colour nodes by parameters",
            Self::ColorBy(ColorBy::Bytes) => "Colour nodes by activation bytes",
            Self::ColorBy(ColorBy::Seconds) => "Colour nodes by predicted seconds",
            Self::ColorBy(ColorBy::Error) => "Colour nodes by quantisation error",
            Self::ColorBy(ColorBy::Slice) => "Colour nodes by slice",
            Self::Tour => "Guided tour",
            Self::Words => "Words of the field",
            Self::About => "About Microtome",
        }
    }

    /// What the pointer is told when it rests.
    #[must_use]
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::Open => "Open an ONNX model, a project, a plan or a proof bundle",
            Self::OpenInput => "Open an input: JSON, NumPy or an image",
            Self::OpenPlan => "Open a plan that was saved for this model",
            Self::SavePlan => "Save the boundaries, as microtome-cli reads them too",
            Self::SaveProject => {
                "Save plans, results and what is shown, to carry on elsewhere; here they are kept \
                 without it"
            }
            Self::OpenBundle => "Open a proof bundle and check it against the open model",
            Self::SaveBundle => "Save the proofs of the last run, and the secrets beside them",
            Self::SaveCard => {
                "Commit to the weights and save the card against which bundles with committed \
                 weights are verified, in place of the model"
            }
            Self::ExportSlices => "Write each slice as an ONNX model of its own",
            Self::SaveChartSvg => "Save the chart as a drawing for a paper",
            Self::SaveChartPng => "Save the chart as a picture",
            Self::SaveChartCsv => "Save the numbers behind the chart as a table",
            Self::SaveReport => {
                "Save what the last run proved and took as one page, to open or print anywhere"
            }
            Self::Quit => "Close the window; a running job is cancelled",
            Self::Undo => "Take the last edit of the plan back",
            Self::Redo => "Do again what was taken back",
            Self::AddBoundary => "Start a new slice at the selected node",
            Self::RemoveBoundary => "Merge the slices beside the selected boundaries",
            Self::LockBoundary => "A locked boundary stays when the plan is balanced",
            Self::BoundaryUp => "Move the selected boundary one place towards the input",
            Self::BoundaryDown => "Move the selected boundary one place towards the output",
            Self::SelectBoundaries => {
                "Select every boundary, to move, lock or remove them together"
            }
            Self::MakeSlice => {
                "Make one slice of the selected nodes: Shift-drag a box over them, or Shift-click the last"
            }
            Self::SplitSlice => {
                "Split the largest operation of the selected slice into tiles that compute the same, \
                 the fewest that each take less memory"
            }
            Self::Balance => {
                "Place the boundaries so that the largest slice is as small as it can be"
            }
            Self::CutToFit => {
                "Cut the slice that the last run was refused for, where that takes least memory"
            }
            Self::MergeAll => "Remove every boundary that is not locked",
            Self::NewPlan => {
                "Begin another plan as a copy of this one, to compare the two in the charts"
            }
            Self::NextPlan => "Show the next plan of this model",
            Self::RenamePlan => "Give the plan that is shown another name",
            Self::DeletePlan => "Delete the plan that is shown, with its results",
            Self::BringBackPlan => "Bring back the plan that was deleted last, with its results",
            Self::BackToResults => "Put the boundaries where they were when the plan was proven",
            Self::ProveAll => "Prove every slice",
            Self::ProveNone => "Prove no slice: run the model in fixed point only",
            Self::UseHalo2 => System::Halo2.promise(),
            Self::UseWhir => System::Whir.promise(),
            Self::NextSystem => "Prove the selected slice by the other proof system",
            Self::CommitWeights => {
                "Bind the weights by commitments instead of sending them: who verifies has a card \
                 in place of the model. Bound, not hidden: each proof tells a little about them"
            }
            Self::Prove => "Prove the marked slices in the background",
            Self::Cancel => "Stop proving; finished proofs of this run are dropped",
            Self::Verify => "Check the bundle of the last run again, as a stranger would",
            Self::SweepBits => {
                "Try other bits on the calibration set: error against predicted cost, and the \
                 cheapest bits that keep a target"
            }
            Self::CancelSweep => "Stop trying bits; nothing changes",
            Self::Bits(_) => "Quantise with these bits from now on",
            Self::PreviousCase => "The case before in the test set",
            Self::NextCase => "The next case in the test set",
            Self::Fit => "Show the whole model",
            Self::ZoomIn => "Show less, larger",
            Self::ZoomOut => "Show more, smaller",
            Self::FoldBlocks => "Draw each repeated block as one box, where no boundary is inside",
            Self::UnfoldBlocks => "Draw every node of every block",
            Self::ToggleBlock => "Open or close the selected block, or the one around the node",
            Self::ThemeDark => "Light on dark",
            Self::ThemeLight => "Dark on light",
            Self::ThemeSystem => "Follow the desktop",
            Self::ReduceMotion => "Nothing turns, slides or fades",
            Self::ChartScale(Scaling::Auto) => {
                "Logarithmic where the largest value is more than 30 times the least"
            }
            Self::ChartScale(Scaling::Linear) => "From zero, in even steps",
            Self::ChartScale(Scaling::Log) => "In powers of ten",
            Self::ShowAllSeries => "Show again what was hidden in the chart's legend",
            Self::Palette => "Find a command, or go to a node by its operator, name or tensor",
            Self::NextObstacle => "Go to the next node that can't be proven, and see why",
            Self::ColorBy(ColorBy::Seconds) => {
                "What proving each operation is predicted to take, as a slice by itself"
            }
            Self::ColorBy(ColorBy::Error) => {
                "How far fixed point is from floats in this case: the mean distance, as a part of the range"
            }
            Self::ColorBy(_) => "Choose what the colours of nodes tell",
            Self::Tour => "Slice, prove, verify and cheat on a small sample, step by step",
            Self::Words => "What witness, commitment, proof, soundness and the others mean",
            Self::About => "What this program is",
        }
    }

    /// The keys that ask for it.
    #[must_use]
    pub fn shortcut(self) -> Option<KeyboardShortcut> {
        let command = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND, key));
        let both = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND | Modifiers::SHIFT, key));
        let plain = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        match self {
            Self::Open => command(Key::O),
            Self::OpenInput => both(Key::I),
            Self::OpenPlan => both(Key::O),
            Self::OpenBundle => both(Key::B),
            Self::SavePlan => command(Key::S),
            Self::SaveProject => both(Key::P),
            Self::NewPlan => both(Key::N),
            Self::NextPlan => command(Key::PageDown),
            Self::RenamePlan => plain(Key::F2),
            Self::Words => plain(Key::F1),
            Self::SaveBundle => both(Key::S),
            Self::ExportSlices => command(Key::E),
            Self::Quit => command(Key::Q),
            Self::Undo => command(Key::Z),
            Self::Redo => both(Key::Z),
            Self::AddBoundary => command(Key::D),
            Self::RemoveBoundary => plain(Key::Delete),
            Self::LockBoundary => command(Key::L),
            Self::SelectBoundaries => command(Key::A),
            Self::MakeSlice => command(Key::G),
            Self::Balance => command(Key::B),
            Self::Prove => command(Key::Enter),
            Self::Cancel => command(Key::Period),
            Self::Verify => command(Key::T),
            Self::Fit => command(Key::Num0),
            Self::ZoomIn => command(Key::Plus),
            Self::ZoomOut => command(Key::Minus),
            Self::FoldBlocks => both(Key::G),
            Self::UnfoldBlocks => both(Key::U),
            Self::ToggleBlock => command(Key::U),
            Self::NextCase => command(Key::N),
            Self::Palette => command(Key::K),
            _ => None,
        }
    }

    /// Other keys that ask for it.
    fn alias(self) -> Option<KeyboardShortcut> {
        (self == Self::Palette).then_some(KeyboardShortcut::new(Modifiers::COMMAND, Key::P))
    }

    /// The tooltip with the keys.
    #[must_use]
    pub fn hint(self, ctx: &Context) -> String {
        match self.shortcut() {
            Some(keys) => format!("{} ({})", self.tooltip(), ctx.format_shortcut(&keys)),
            None => self.tooltip().to_owned(),
        }
    }

    /// The commands whose keys were pressed. Taken before the widgets see the keys; a key without
    /// a modifier belongs to a text field while one is edited, and so does the one that selects all.
    #[must_use]
    pub fn pressed(ctx: &Context) -> Vec<Self> {
        let typing = ctx.text_edit_focused();
        let is_pressed = |command: &Self| {
            command.shortcut().into_iter().chain(command.alias()).any(|keys| {
                let belongs_to_text =
                    keys.modifiers == Modifiers::NONE || *command == Self::SelectBoundaries;
                !(typing && belongs_to_text) && ctx.input_mut(|i| i.consume_shortcut(&keys))
            })
        };
        Self::WITH_KEYS.into_iter().filter(is_pressed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_commands_share_keys() {
        let mut seen = Vec::new();
        for command in Command::WITH_KEYS {
            let keys = command.shortcut().expect("it is listed as having keys");
            assert!(!seen.contains(&keys), "{command:?}");
            seen.push(keys);
        }
    }

    #[test]
    fn the_palette_offers_each_command_once() {
        let all: Vec<_> = Command::all().collect();
        for (index, command) in all.iter().enumerate() {
            assert!(!all[..index].contains(command), "{command:?}");
        }
        assert!(Command::WITH_KEYS.iter().all(|command| all.contains(command)));
    }

    #[test]
    fn keys_with_more_modifiers_come_first() {
        let weight = |command: &Command| {
            command.shortcut().map_or(0, |keys| i32::from(keys.modifiers.shift))
        };
        let weights: Vec<_> = Command::WITH_KEYS.iter().map(weight).collect();
        assert!(weights.is_sorted_by(|a, b| a >= b));
    }
}
