//! Arguments that several commands share.

use std::path::PathBuf;

use clap::Args;
use microtome_engine::bits::{Bits, Grid, Target};
use microtome_engine::graph::{Split, Splits};
use microtome_engine::onnx::Bindings;

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
    /// Bits of an activation, 4 to 12, or `auto` for the cheapest that keep the targets [default: 8]
    #[arg(long, value_name = "N", value_parser = act_bits)]
    pub act_bits: Option<BitsArg>,
    /// Bits of a weight, 4 to 16, or `auto` for the cheapest that keep the targets [default: 12]
    #[arg(long, value_name = "N", value_parser = weight_bits)]
    pub weight_bits: Option<BitsArg>,
    /// The part of answers that `auto` is to keep, 0 to 1 [default: 0.99, without --target-d1]
    #[arg(long, value_name = "PART", value_parser = share)]
    pub target_argmax: Option<f64>,
    /// The mean D1 that `auto` is to keep below [default: 0.005, without --target-argmax]
    #[arg(long, value_name = "D1", value_parser = share)]
    pub target_d1: Option<f64>,
}

/// A number of bits, or the wish to have it chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitsArg {
    /// The cheapest number that keeps the targets.
    Auto,
    /// This number.
    Is(u32),
}

impl BitsArg {
    fn number(self) -> Option<u32> {
        match self {
            Self::Auto => None,
            Self::Is(bits) => Some(bits),
        }
    }
}

impl CardArgs {
    /// Whether some bits are to be chosen.
    pub fn is_auto(&self) -> bool {
        [self.act_bits, self.weight_bits].contains(&Some(BitsArg::Auto))
    }

    /// The bits that were given, and the usual ones for those that were not.
    pub fn given_bits(&self) -> Bits {
        let usual = Bits::default();
        let number = |bits: Option<BitsArg>| bits.and_then(BitsArg::number);
        Bits {
            act_bits: number(self.act_bits).unwrap_or(usual.act_bits),
            weight_bits: number(self.weight_bits).unwrap_or(usual.weight_bits),
        }
    }

    /// The settings to choose from: bits that are not `auto` are as given, or as usual.
    pub fn grid_to_choose_from(&self) -> Grid {
        let given = self.given_bits();
        let held = |bits: Option<BitsArg>, given| (bits != Some(BitsArg::Auto)).then_some(given);
        let act_bits = held(self.act_bits, given.act_bits);
        Grid::full().held(act_bits, held(self.weight_bits, given.weight_bits))
    }

    /// The settings to sweep over: all, unless bits are given.
    pub fn grid_to_sweep(&self) -> Grid {
        let number = |bits: Option<BitsArg>| bits.and_then(BitsArg::number);
        Grid::full().held(number(self.act_bits), number(self.weight_bits))
    }

    /// What the chosen bits are to keep.
    pub fn target(&self) -> Target {
        match (self.target_argmax, self.target_d1) {
            (None, None) => Target::DEFAULT,
            (argmax_agreement, d1) => Target { argmax_agreement, d1 },
        }
    }
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
    /// Proofs that may run at a time; they share the cores. Without it as many as there are cores
    /// and as fit the memory together; `compare` proves one at a time, for exact seconds
    #[arg(long, value_name = "N",
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=64))]
    pub jobs: Option<usize>,
    /// Memory that they may take together, such as 4GiB; without it, 90% of what is free
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub memory: Option<u64>,
}

impl EffortArgs {
    pub fn memory_bytes(&self) -> u64 {
        self.memory.unwrap_or_else(|| microtome_engine::run::available_bytes() / 10 * 9)
    }
}

fn act_bits(text: &str) -> Result<BitsArg, String> {
    bits(text, Bits::ACT)
}

fn weight_bits(text: &str) -> Result<BitsArg, String> {
    bits(text, Bits::WEIGHT)
}

fn bits(text: &str, [least, most]: [u32; 2]) -> Result<BitsArg, String> {
    match text.parse() {
        _ if text == "auto" => Ok(BitsArg::Auto),
        Ok(bits) if (least..=most).contains(&bits) => Ok(BitsArg::Is(bits)),
        _ => Err(format!("write `auto`, or a number from {least} to {most}")),
    }
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("it must be a number from 0 to 1".to_owned()),
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
    fn bits_are_a_number_or_auto() {
        assert_eq!(act_bits("auto"), Ok(BitsArg::Auto));
        assert_eq!((act_bits("12"), weight_bits("16")), (Ok(BitsArg::Is(12)), Ok(BitsArg::Is(16))));
        for text in ["", "3", "13", "8.0", "AUTO", "-4"] {
            assert!(act_bits(text).is_err(), "{text}");
        }
        assert_eq!((share("0.99"), share("1")), (Ok(0.99), Ok(1.0)));
        for text in ["", "1.01", "-0.1", "NaN", "99%"] {
            assert!(share(text).is_err(), "{text}");
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
    fn bits_that_are_not_auto_stay() {
        let args = |act_bits, weight_bits| CardArgs {
            calib: None,
            act_bits,
            weight_bits,
            target_argmax: None,
            target_d1: Some(0.1),
        };
        let (auto, nine) = (Some(BitsArg::Auto), Some(BitsArg::Is(9)));
        assert_eq!(args(auto, None).grid_to_choose_from().weight_bits, [12]);
        assert_eq!(args(auto, nine).grid_to_choose_from().weight_bits, [9]);
        assert_eq!(args(auto, auto).grid_to_choose_from(), Grid::full());
        assert_eq!(args(None, None).grid_to_sweep(), Grid::full());
        assert_eq!(args(nine, None).grid_to_sweep().act_bits, [9]);
        assert!(args(None, auto).is_auto() && !args(nine, None).is_auto());
        assert_eq!(args(None, None).target(), Target { argmax_agreement: None, d1: Some(0.1) });
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
