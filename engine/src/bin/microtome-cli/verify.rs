//! `verify`: the verdict on a bundle.

use std::path::PathBuf;

use anyhow::{Context, Result};
use microtome_engine::bundle::{
    Bundle, BundleError, Demands, Standing, Subject, Verdict, WeightCard, verify,
};
use microtome_engine::digest::Digest;
use microtome_engine::inputs;
use microtome_engine::onnx::Model;
use microtome_engine::report::format;
use microtome_engine::report::table::Table;

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
    /// The input that the answer must be to
    #[arg(long, value_name = "IN")]
    input: Option<PathBuf>,
    /// Which case, where the file holds many
    #[arg(long, value_name = "N", default_value_t = 0)]
    case: usize,
    /// The digest of the program that must be proven
    #[arg(long, value_name = "DIGEST")]
    program: Option<Digest>,
    /// The context that the proofs must be bound to
    #[arg(long, value_name = "TEXT")]
    context: Option<String>,
    /// The part of the model's MACs that must be proven, from 0 to 1; from 1 on, every slice
    #[arg(long, value_name = "PART", default_value_t = 1.0, value_parser = part)]
    min_coverage: f64,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
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
    let bundle = match Bundle::read(&args.bundle) {
        Ok(bundle) => bundle,
        // A bundle with a changed byte is a bundle that doesn't verify, and no bad argument.
        Err(error @ BundleError::Damaged { .. }) => {
            return finish(args, &Verdict::damaged(subject.digest(), error.to_string()));
        }
        Err(error @ BundleError::File(_)) => return Err(error.into()),
        Err(error) => return Err(error).with_context(|| args.bundle.display().to_string()),
    };
    let input = match &args.input {
        None => None,
        Some(path) => {
            let cases = match subject {
                Subject::Model(model) => inputs::read(path, &model.graph)?.cases,
                Subject::Card(card) => {
                    inputs::read_for(path, card.outline.model_inputs.clone())?.cases
                }
            };
            let count = cases.len();
            let case = cases.into_iter().nth(args.case).with_context(|| {
                format!("{} has {count} cases, --case asks for another", path.display())
            })?;
            Some(case.tensors)
        }
    };
    let demands = Demands {
        input,
        program: args.program,
        context: args.context.clone(),
        min_coverage: args.min_coverage,
    };
    finish(args, &verify(&bundle, subject, &demands))
}

fn finish(args: &Args, verdict: &Verdict) -> Result<End> {
    if args.json {
        output::json(verdict)?
    } else {
        output::text(&describe(verdict, args.program.is_some()))?
    }
    for reason in &verdict.reasons {
        eprintln!("error: {reason}");
    }
    Ok(if verdict.accepted { End::Success } else { End::Failure })
}

fn describe(verdict: &Verdict, is_pinned: bool) -> String {
    let mut table = Table::new(["slice", "standing", "system", "keys", "verify", "reason"]);
    for slice in &verdict.slices {
        let standing = match slice.standing {
            Standing::Proven => "proven",
            Standing::Rerun => "run again",
            Standing::Unchecked => "unchecked",
            Standing::Rejected => "rejected",
        };
        table.push([
            slice.index.to_string(),
            standing.to_owned(),
            slice.system.to_string(),
            format::secs(slice.keys_secs),
            format::secs(slice.verify_secs),
            slice.reason.clone(),
        ]);
    }
    let mut text = table.to_text();
    let mut line = |name: &str, value: String| text.push_str(&format!("{name:<10}{value}\n"));
    line("verdict", if verdict.accepted { "accepted" } else { "rejected" }.to_owned());
    line("linked", if verdict.linked { "yes" } else { "no" }.to_owned());
    line("coverage", format!("{:.1}% of the MACs", 100.0 * verdict.coverage_macs));
    if !verdict.slices.is_empty() {
        line("keys", format!("derived in {}", format::secs(verdict.keys_secs)));
        line("proofs", format!("verified together in {}", format::secs(verdict.verify_secs)));
    }
    if let Some(output) = &verdict.output {
        let backing = if verdict.output_proven { "proven" } else { "not proven" };
        line("output", format!("{} ({backing})", output::tensors(output)));
    }
    if !verdict.splits.is_empty() {
        line("split", verdict.splits.to_string());
    }
    if let Some(program) = &verdict.program {
        let trust = if is_pinned { "" } else { " (not pinned: the prover chose its scales)" };
        line("program", format!("{program}{trust}"));
    }
    if let Some(root) = &verdict.root {
        line("receipt", root.to_string());
    }
    text
}

fn part(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(part) if (0.0..=1.0).contains(&part) => Ok(part),
        _ => Err("it is a number from 0 to 1".to_owned()),
    }
}
