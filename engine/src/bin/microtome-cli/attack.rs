//! `attack`: changed copies of a bundle, and what the verifier says of each.

use std::path::PathBuf;

use anyhow::{Context, Result};
use microtome_engine::attack::{Attack, Attempt, Desk, Found};
use microtome_engine::bundle::{Bundle, Subject, Verdict, WeightCard};
use microtome_engine::onnx::Model;
use microtome_engine::report::table::Table;
use serde::Serialize;

use crate::End;
use crate::args::ShapeArgs;
use crate::output;

#[derive(clap::Args)]
pub struct Args {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// The model, an ONNX file; or the card of its weights, as `commit` writes it
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    shapes: ShapeArgs,
    /// The bundle of another run, whose proof is replayed; without it, the honest proofs are
    /// replayed under another run
    #[arg(long, value_name = "BUNDLE")]
    other: Option<PathBuf>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    honest: bool,
    reasons: Vec<String>,
    attacks: Vec<Attempt>,
}

pub fn main(args: &Args) -> Result<End> {
    let (model, card);
    let subject: Subject<'_> = if WeightCard::is_card(&args.model) {
        card = WeightCard::read(&args.model).with_context(|| args.model.display().to_string())?;
        (&card).into()
    } else {
        model = Model::open(&args.model, &args.shapes.bindings())?;
        (&model).into()
    };
    let read = |path: &PathBuf| Bundle::read(path).with_context(|| path.display().to_string());
    let bundle = read(&args.bundle)?;
    let other = args.other.as_ref().map(read).transpose()?;
    let desk = Desk::new(&bundle, subject).with_other(other.as_ref());
    let attempts: Vec<Attempt> = Attack::ALL.into_iter().map(|a| desk.attempt(a)).collect();
    let honest = desk.honest();
    let is_safe = attempts.iter().all(|attempt| attempt.found != Found::Accepted);
    if args.json {
        let reasons = honest.reasons.clone();
        output::json(&Report { honest: honest.accepted, reasons, attacks: attempts })?;
    } else {
        output::text(&describe(honest, &attempts))?;
    }
    Ok(if honest.accepted && is_safe { End::Success } else { End::Failure })
}

fn describe(honest: &Verdict, attempts: &[Attempt]) -> String {
    let mut table = Table::new(["attack", "result", "check"]);
    let (result, reason) = match honest.reasons.first() {
        None => ("accepted", "every proof and every link holds"),
        Some(reason) => ("NOT ACCEPTED", reason.as_str()),
    };
    table.push(["none: the honest bundle", result, reason]);
    for attempt in attempts {
        let result = match attempt.found {
            Found::Caught(_) => "caught",
            Found::Accepted => "ACCEPTED",
            Found::NotApplicable(_) => "not tried",
        };
        table.push([attempt.attack.name(), result, attempt.reason()]);
    }
    table.to_text()
}
