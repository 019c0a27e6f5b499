//! Arguments that several commands share.

use std::path::PathBuf;

use clap::Args;
use microtome_engine::graph::{Split, Splits};
use microtome_engine::onnx::Bindings;
use microtome_engine::program::Settings;

/// The model.
#[derive(Args)]
pub struct ModelArgs {
    /// The model, an ONNX file
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    #[command(flatten)]
    pub shapes: ShapeArgs,
    /// Splits a node into tiles that compute the same: by rows (of a convolution or pool) or by
    /// channels (or a dense layer's features), together with what follows it element by element
    #[arg(long = "split", value_name = "NODE=rows:8", value_parser = split)]
    pub splits: Vec<(String, Split)>,
}

impl ModelArgs {
    pub fn splits(&self) -> Splits {
        Splits(self.splits.iter().cloned().collect())
    }
}

/// Shapes for open dimensions.
#[derive(Args)]
pub struct ShapeArgs {
    /// A shape for an input whose dimensions the file leaves open
    #[arg(long = "shape", value_name = "NAME=1,3,32,32", value_parser = shape)]
    pub shapes: Vec<(String, Vec<usize>)>,
}

impl ShapeArgs {
    pub fn bindings(&self) -> Bindings {
        Bindings(self.shapes.iter().cloned().collect())
    }
}

/// How the model is quantised.
#[derive(Args)]
pub struct CardArgs {
    /// Inputs to calibrate the ranges with; without it, the input itself is taken
    #[arg(long, value_name = "FILE")]
    pub calib: Option<PathBuf>,
    /// Bits of an activation
    #[arg(long, value_name = "N", default_value_t = Settings::DEFAULT.act_bits,
          value_parser = clap::value_parser!(u32).range(4..=12))]
    pub act_bits: u32,
    /// Bits of a weight
    #[arg(long, value_name = "N", default_value_t = Settings::DEFAULT.weight_bits,
          value_parser = clap::value_parser!(u32).range(4..=16))]
    pub weight_bits: u32,
}

/// Which case of a file of inputs.
#[derive(Args)]
pub struct InputArgs {
    /// The input: .json, .npy, .npz, or a picture
    #[arg(long, value_name = "IN")]
    pub input: PathBuf,
    /// Which case, where the file holds many
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub case: usize,
}

/// How much proving may take.
#[derive(Args)]
pub struct EffortArgs {
    /// Proofs that may run at a time; one uses all cores, several share them
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=64))]
    pub jobs: usize,
    /// Memory that they may take together, such as 4GiB; without it, 90% of what is free
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub memory: Option<u64>,
}

impl EffortArgs {
    pub fn memory_bytes(&self) -> u64 {
        self.memory.unwrap_or_else(|| microtome_engine::run::available_bytes() / 10 * 9)
    }
}

fn shape(text: &str) -> Result<(String, Vec<usize>), String> {
    // A name may have an equals sign in it; dimensions have none.
    let (name, dims) = text.rsplit_once('=').ok_or("write it as NAME=1,3,32,32")?;
    let dims: Result<Vec<usize>, _> =
        dims.split([',', 'x']).map(|dim| dim.trim().parse::<usize>()).collect();
    match dims {
        Ok(dims) if !name.is_empty() && dims.iter().all(|&dim| dim > 0) => {
            Ok((name.to_owned(), dims))
        }
        _ => Err("write it as NAME=1,3,32,32, with positive dimensions".to_owned()),
    }
}

fn split(text: &str) -> Result<(String, Split), String> {
    // A name may have an equals sign in it; a split has none.
    let (node, split) = text.rsplit_once('=').ok_or("write it as NODE=rows:8")?;
    Ok((node.to_owned(), split.parse::<Split>().map_err(|error| error.to_string())?))
}

/// A number of bytes, such as `512MiB` or `4GB`.
pub fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err("write it as 512MiB, 2GiB or 4GB".to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| "write it as 512MiB, 2GiB or 4GB".to_owned())?;
    let product = number * factor as f64;
    if (1.0..1e18).contains(&product) {
        Ok(product as u64)
    } else {
        Err("it must be at least one byte, and less than an exabyte".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units() {
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        assert_eq!(bytes("1.5 MiB"), Ok(3 << 19));
        assert_eq!(bytes("4GB"), Ok(4_000_000_000));
        for text in ["", "GiB", "-1", "1.2.3", "5 bananas", "0"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn splits_have_nodes() {
        let split = |text| split(text).map(|(node, split)| format!("{node} {split}"));
        assert_eq!(split("/a=b/Conv=rows:8"), Ok("/a=b/Conv rows:8".to_owned()));
        for text in ["Conv", "Conv=8", "Conv=columns:8", "Conv=rows:-1"] {
            assert!(split(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shapes_have_names() {
        assert_eq!(shape("x=1,3"), Ok(("x".to_owned(), vec![1, 3])));
        assert_eq!(shape("a=b=1"), Ok(("a=b".to_owned(), vec![1])));
        for text in ["x", "=1", "x=", "x=0", "x=1,,2"] {
            assert!(shape(text).is_err(), "{text}");
        }
    }
}
