//! `commit`: a card that stands for the weights of a model.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use microtome_engine::bundle::WeightCard;
use microtome_engine::plan::Plan;
use microtome_engine::prove::System;
use microtome_engine::report::format;
use serde::Serialize;

use crate::args::{CardArgs, ModelArgs};
use crate::bits::ChosenBits;
use crate::opened::Opened;
use crate::{End, output};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    card: CardArgs,
    /// Where to write the card
    #[arg(short, long, value_name = "CARD")]
    output: PathBuf,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct CommitJson {
    /// The digest of the model's file.
    model: String,
    /// The digest that a verifier can pin.
    program: String,
    /// Operations whose weights are committed.
    committed: usize,
    /// Bytes of the card.
    card_bytes: u64,
    commit_secs: f64,
    #[serde(flatten)]
    bits: ChosenBits,
}

pub fn main(args: &Args) -> Result<End> {
    args.card.calib.as_ref().context(
        "the scales are part of what is committed, and a proven input is not there yet: give \
         inputs to calibrate with (--calib FILE)",
    )?;
    let opened = Opened::open(&args.model)?;
    let graph = &opened.model.graph;
    // The system that can bind weights which it isn't shown.
    let mut plan = Plan::whole(graph.digest);
    plan.set_all_systems(System::Whir);
    let quantised = opened.calibrate(&args.card, None, &plan)?;
    let start = Instant::now();
    let card = WeightCard::of(graph, &opened.skeleton, &quantised.program, quantised.card.clone())
        .map_err(anyhow::Error::msg)?;
    let commit_secs = start.elapsed().as_secs_f64();
    card.write(&args.output)?;
    let result = CommitJson {
        model: graph.file_digest().to_string(),
        program: card.digest().to_string(),
        committed: card.roots.iter().flatten().count(),
        card_bytes: card.encode().len() as u64,
        commit_secs,
        bits: quantised.bits,
    };
    if args.json {
        output::json(&result)?
    } else {
        output::text(&describe(&result))?
    }
    Ok(End::Success)
}

fn describe(result: &CommitJson) -> String {
    format!(
        "committed to the weights of {} operations in {}, card of {}\nmodel     {}\nprogram   {}\n\
         The weights are bound and need not be sent. They are not hidden: each proof tells a \
         little about them.\n",
        result.committed,
        format::secs(result.commit_secs),
        format::bytes(result.card_bytes),
        result.model,
        result.program,
    )
}
