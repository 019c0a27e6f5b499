//! `microtome-cli`: everything that the window does, without a window.
//!
//! Results go to stdout, errors to stderr. The exit code is 0 on success, 1 where a verification
//! failed, and 2 where the input was bad.

mod analyze;
mod args;
mod attack;
mod bits;
mod chart;
mod commit;
mod compare;
mod export;
mod opened;
mod output;
mod plan;
mod progress;
mod prove;
mod proving;
mod run;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Cuts ONNX networks into slices and proves the slices, in zero knowledge or fast.
#[derive(Parser)]
#[command(name = "microtome-cli", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows a model's nodes, what each costs, and whether it can be proven
    Analyze(analyze::Args),
    /// Cuts a model into slices and predicts what proving them costs
    Plan(plan::Args),
    /// Writes each slice as an ONNX file of its own, and a manifest
    Export(export::Args),
    /// Runs a model in fixed point and in floating point, and compares
    Run(run::Args),
    /// Proves a model on an input, slice by slice, into a bundle
    Prove(prove::Args),
    /// Commits to the weights of a model, so that a verifier needs a card in its place
    Commit(commit::Args),
    /// Verifies a bundle against a model, or against the card of its weights
    Verify(verify::Args),
    /// Changes copies of a bundle as a cheat would, and shows which check catches each
    ///
    /// Each attack changes one thing in a copy of the bundle: the output, a boundary, a proof, the
    /// run, the coverage, the scales, the plan or the proof system. The copy is verified as `verify`
    /// does it, and all that the unchanged bundle proves is demanded of it. The file stays as it
    /// is. The exit code is 1 where the unchanged bundle is not accepted, or a changed copy is.
    Attack(attack::Args),
    /// Proves a model sliced and whole, and compares what each took
    Compare(compare::Args),
}

/// How a command ended.
enum End {
    /// It did what was asked for.
    Success,
    /// A verification failed, or a proof could not be made.
    Failure,
}

fn main() -> ExitCode {
    if let Some(reason) = microtome_engine::machine::unfit_processor() {
        eprintln!("error: {reason}");
        return ExitCode::from(2);
    }
    microtome_engine::run::child_main_if_asked();
    let result = match Cli::parse().command {
        Command::Analyze(args) => analyze::main(&args),
        Command::Plan(args) => plan::main(&args),
        Command::Export(args) => export::main(&args),
        Command::Run(args) => run::main(&args),
        Command::Prove(args) => prove::main(&args),
        Command::Commit(args) => commit::main(&args),
        Command::Verify(args) => verify::main(&args),
        Command::Attack(args) => attack::main(&args),
        Command::Compare(args) => compare::main(&args),
    };
    match result {
        Ok(End::Success) => ExitCode::SUCCESS,
        Ok(End::Failure) => ExitCode::from(1),
        // Whoever reads our output has seen enough of it.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
