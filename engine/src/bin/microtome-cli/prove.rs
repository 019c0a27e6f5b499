//! `prove`: a bundle from a model and an input.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use microtome_engine::bundle::{Custody, Secrets};
use microtome_engine::prove::System;
use microtome_engine::report::format;
use microtome_engine::run::{self, Pool, Request, Reveal};
use serde::Serialize;

use crate::args::{CardArgs, EffortArgs, InputArgs, ModelArgs};
use crate::bits::ChosenBits;
use crate::opened::Opened;
use crate::proving::ProofJson;
use crate::{End, output, proving};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    input: InputArgs,
    /// Where to cut, as `plan -o` writes it; without it, the model is one slice
    #[arg(long, value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// The proof system of all slices, instead of the plan's: halo2 (zero knowledge, proofs below
    /// 10 KB) or whir (fast and hash-based; the boundaries of slices become public)
    #[arg(long, value_name = "SYSTEM")]
    system: Option<System>,
    /// The slices to prove; the others are executed only
    #[arg(long, value_name = "0,2", value_delimiter = ',')]
    only: Option<Vec<usize>>,
    #[command(flatten)]
    card: CardArgs,
    #[command(flatten)]
    effort: EffortArgs,
    /// What the bundle shows: none, all, or a list of input, output, executed (the boundaries of
    /// slices that are not proven; with the input, they are shown too). The model being public,
    /// everything after a shown tensor can be computed
    #[arg(long, value_name = "LIST", default_value = "input,output")]
    reveal: Reveal,
    /// Where the weights are: public, or committed (with their owner, for proofs by whir; verify
    /// against the card that `commit` writes). Committed weights are bound and not sent, but not
    /// hidden: each proof tells a little about them
    #[arg(long, value_name = "CUSTODY", default_value = "public")]
    weights: Custody,
    /// A text that the proofs are bound to, such as a verifier's nonce
    #[arg(long, value_name = "TEXT", default_value = "")]
    context: String,
    /// Writes the report of the run as one HTML page, to open or print in any browser
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Where to write the bundle; its secrets go beside it
    #[arg(short, long, value_name = "BUNDLE")]
    output: PathBuf,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ProveJson {
    #[serde(flatten)]
    proof: ProofJson,
    #[serde(flatten)]
    bits: ChosenBits,
}

pub fn main(args: &Args) -> Result<End> {
    let opened = Opened::open_planned(&args.model, args.plan.as_deref())?;
    let input = opened.input(&args.input)?;
    let plan = opened.plan(args.plan.as_deref(), args.system)?;
    let quantised = opened.calibrate(&args.card, Some(&input), &plan)?;
    let prove: BTreeSet<usize> = match &args.only {
        Some(only) => only.iter().copied().collect(),
        None => (0..plan.slice_count()).collect(),
    };
    let wanted = prove.len();
    let outcome = proving::run_job(Request {
        model: Arc::clone(&opened.model),
        skeleton: Arc::clone(&opened.skeleton),
        program: Arc::clone(&quantised.program),
        card: quantised.card,
        plan: plan.clone(),
        input: input.tensors,
        prove,
        reveal: args.reveal,
        context: args.context.clone(),
        jobs: args.effort.jobs.unwrap_or_else(run::fastest_jobs),
        memory_bytes: args.effort.memory_bytes(),
        weights: args.weights,
        whole_too: false,
        child_program: None,
        pool: Pool::default(),
    })?;
    let sliced = &outcome.sliced;
    let proven = sliced.measured.iter().flatten().count();
    let complete = proven == wanted && sliced.verdict.accepted;
    if complete {
        // The secrets first: a bundle without them could never be opened further.
        sliced.secrets.write(&Secrets::path_beside(&args.output))?;
        sliced.bundle.write(&args.output)?;
    }
    if let Some(path) = &args.report {
        proving::write_report(path, &opened, quantised.program, &plan, &outcome)?;
    }
    let result = ProveJson { proof: proving::proof_json(sliced, &outcome), bits: quantised.bits };
    if args.json {
        output::json(&result)?;
    } else {
        output::text(&describe(&result.proof))?;
    }
    if complete {
        return Ok(End::Success);
    }
    proving::complain(&outcome);
    eprintln!("error: no bundle was written");
    Ok(End::Failure)
}

fn describe(result: &ProofJson) -> String {
    let mut text = format!(
        "{}\ncoverage  {:.1}% of the MACs\nlinking   {}\nprogram   {}\nreceipt   {}\n",
        proving::table(&result.slices),
        100.0 * result.coverage_macs,
        format::secs(result.linking_secs),
        result.program,
        result.root,
    );
    if let Some(values) = &result.output {
        text.push_str(&format!("output    {}\n", output::tensors(values)));
    }
    text
}
