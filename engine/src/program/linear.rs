//! Linear maps: what each computes, and in which groups of dot products.
//!
//! A linear map is visited as [`Site`]s: groups of outputs that are dot products over the same
//! inputs (all channels of a convolution at one pixel, a row of a dense layer). The executor sums
//! them, a circuit lays them out, and a test can hold both against each other.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::gather::{self, Read};

/// A linear map with requantisation: `y = (Σ w·x + bias + 2^(s-1)) >> s`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    /// Which inputs meet which weights.
    pub map: Map,
    /// Quantised weights; their order depends on the map.
    pub weights: Vec<i32>,
    /// Biases at the accumulator's scale: one for each output channel (convolution), feature
    /// (dense), or element (sum, gather; empty where all are zero). Empty for an average.
    pub bias: Vec<i64>,
    /// The shift `s`, at least 1 and at most 24.
    pub shift: u32,
    /// What [`Linear::reach`] found.
    #[serde(skip)]
    reach: Reach,
}

/// The reach of a linear map, once it was asked for. It follows from the weights, so it is no part
/// of what a map is: all are equal, and a copy, whose weights may be changed, starts without.
#[derive(Debug, Default)]
struct Reach(OnceLock<u128>);

impl Clone for Reach {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Reach {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Geometry of a window that slides over the two last dimensions of `[n, c, h, w]`. Networks with
/// one spatial dimension have `h = 1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Images, times channels where the window looks at each channel by itself (pooling).
    pub planes: usize,
    /// Input height and width.
    pub input: [usize; 2],
    /// Output height and width.
    pub output: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Steps between outputs.
    pub strides: [usize; 2],
    /// Rows above and columns left of the input that the window may reach.
    pub pads: [usize; 2],
    /// Steps between the kernel's taps.
    pub dilations: [usize; 2],
    /// Steps between the elements of the input, with zeros in between: what a transposed
    /// convolution has for its strides, else 1.
    pub spreads: [usize; 2],
}

/// Which inputs meet which weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Map {
    /// A convolution. `window.planes` is the batch; weights are `[out, in/groups, kh, kw]`.
    Conv {
        /// Geometry; its planes are images.
        window: Window,
        /// Channels of the input.
        channels_in: usize,
        /// Channels of the output.
        channels_out: usize,
        /// Groups of channels that don't mix.
        groups: usize,
    },
    /// `x[rows, inner] · w[outer, inner]ᵀ`; weights are `[outer, inner]`.
    Dense {
        /// Rows of the input.
        rows: usize,
        /// Features of the input.
        inner: usize,
        /// Features of the output.
        outer: usize,
    },
    /// A weighted sum of tensors, element by element, with broadcasting; one weight an operand.
    Sum {
        /// Dimensions of the output.
        shape: Vec<usize>,
        /// How each operand is read.
        operands: Vec<Operand>,
    },
    /// An average over windows of each plane; `weights[n-1]` is the weight of a tap where `n` taps
    /// of the window count.
    Average {
        /// Geometry; its planes are images times channels.
        window: Window,
        /// Whether the padding counts as zeros.
        count_include_pad: bool,
    },
    /// Elements of tensors picked by position, weighted and summed; one weight an operand. The
    /// output is seen in a shape of as many elements as its own.
    Gather {
        /// Dimensions in which the output is seen.
        shape: Vec<usize>,
        /// How each operand is read.
        reads: Vec<Read>,
    },
}

/// How a sum reads an operand: elements to step over along each dimension of the output, 0 where
/// the operand is broadcast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operand {
    /// One step for each dimension of the output.
    pub strides: Vec<usize>,
}

/// One input of a dot product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tap {
    /// Which of the operation's inputs.
    pub operand: u32,
    /// Which element of it.
    pub element: u32,
}

/// A group of outputs that are dot products over the same inputs.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The inputs, in a fixed order.
    pub taps: &'a [Tap],
    /// The elements of the output.
    pub outputs: &'a [u32],
    /// `outputs × taps`, row-major.
    pub weights: &'a [i32],
    /// One for each output.
    pub biases: &'a [i64],
}

impl Window {
    /// The input positions that one output position reads along one axis (0 is height), with the
    /// kernel position of each; positions in the padding or between
    /// spread elements are left out.
    pub fn axis(&self, axis: usize, out: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let start = out * self.strides[axis];
        (0..self.kernel[axis]).filter_map(move |k| {
            let at = (start + k * self.dilations[axis]).checked_sub(self.pads[axis])?;
            let (at, between) = match self.spreads[axis] {
                1 => (at, 0),
                spread => (at / spread, at % spread),
            };
            (between == 0 && at < self.input[axis]).then_some((k, at))
        })
    }

    /// Input elements of a plane that one output pixel reads, in the kernel's order, appended to
    /// `taps` as offsets in the plane.
    pub fn offsets(&self, y: usize, x: usize, taps: &mut Vec<usize>) {
        for (_, iy) in self.axis(0, y) {
            taps.extend(self.axis(1, x).map(|(_, ix)| iy * self.input[1] + ix));
        }
    }

    /// Elements of an input plane.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// Elements of an output plane.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.output[0] * self.output[1]
    }
}

impl Map {
    /// Weights of one output channel or feature, where each has weights of its own; else 0.
    #[must_use]
    pub fn fan(&self) -> usize {
        match self {
            Self::Conv { window, channels_in, groups, .. } => {
                channels_in / (*groups).max(1) * window.kernel[0] * window.kernel[1]
            }
            Self::Dense { inner, .. } => *inner,
            Self::Sum { .. } | Self::Average { .. } | Self::Gather { .. } => 0,
        }
    }
}

impl Linear {
    /// A map with these weights and biases.
    #[must_use]
    pub fn new(map: Map, weights: Vec<i32>, bias: Vec<i64>, shift: u32) -> Self {
        Self { map, weights, bias, shift, reach: Reach::default() }
    }

    /// The greatest sum of the magnitudes of the weights that one output is made of, or more: no
    /// accumulator exceeds it times the greatest magnitude of an input. Looks at every weight the
    /// first time; a map whose weights are to change is made anew.
    #[must_use]
    pub fn reach(&self) -> u128 {
        *self.reach.0.get_or_init(|| {
            let magnitudes = || self.weights.iter().map(|w| u128::from(w.unsigned_abs()));
            match &self.map {
                Map::Sum { .. } => magnitudes().sum(),
                Map::Gather { reads, .. } => {
                    let fans = reads.iter().map(|r| r.fan().map_or(u128::MAX, |fan| fan as u128));
                    let operands = magnitudes().zip(fans);
                    operands.fold(0, |sum, (w, fan)| sum.saturating_add(fan.saturating_mul(w)))
                }
                Map::Average { window, .. } => {
                    let area = window.kernel[0] as u128 * window.kernel[1] as u128;
                    magnitudes().max().unwrap_or(0).saturating_mul(area)
                }
                Map::Conv { .. } | Map::Dense { .. } => {
                    let rows = self.weights.chunks(self.map.fan().max(1));
                    let sums = rows
                        .map(|row| row.iter().map(|w| u128::from(w.unsigned_abs())).sum::<u128>());
                    sums.max().unwrap_or(0)
                }
            }
        })
    }

    /// Visits all sites in their fixed order. Every output element is in exactly one site.
    pub fn visit(&self, mut f: impl FnMut(Site<'_>)) {
        match &self.map {
            Map::Conv { window, channels_in, channels_out, groups } => {
                self.visit_conv(window, *channels_in, *channels_out, *groups, &mut f);
            }
            Map::Gather { shape, reads } => {
                gather::visit(shape, reads, &self.weights, &self.bias, &mut f);
            }
            &Map::Dense { rows, inner, outer } => {
                for row in 0..rows {
                    let taps: Vec<_> = (0..inner).map(|i| tap(0, row * inner + i)).collect();
                    let outputs: Vec<_> = (0..outer).map(|o| (row * outer + o) as u32).collect();
                    f(Site {
                        taps: &taps,
                        outputs: &outputs,
                        weights: &self.weights,
                        biases: &self.bias,
                    });
                }
            }
            Map::Sum { shape, operands } => {
                let len: usize = shape.iter().product();
                let mut taps = Vec::new();
                for element in 0..len {
                    taps.clear();
                    taps.extend(operands.iter().zip(0..).map(|(operand, number)| Tap {
                        operand: number,
                        element: operand.element(shape, element) as u32,
                    }));
                    let bias = self.bias.get(element).copied().unwrap_or(0);
                    f(Site {
                        taps: &taps,
                        outputs: &[element as u32],
                        weights: &self.weights,
                        biases: &[bias],
                    });
                }
            }
            Map::Average { window, count_include_pad } => {
                self.visit_average(window, *count_include_pad, &mut f);
            }
        }
    }

    fn visit_conv(
        &self,
        window: &Window,
        channels_in: usize,
        channels_out: usize,
        groups: usize,
        f: &mut impl FnMut(Site<'_>),
    ) {
        let [kh, kw] = window.kernel;
        let (cin, cout) = (channels_in / groups, channels_out / groups);
        let fan = cin * kh * kw;
        let (mut taps, mut kernel_taps, mut picked) = (Vec::new(), Vec::new(), Vec::new());
        for image in 0..window.planes {
            for y in 0..window.output[0] {
                for x in 0..window.output[1] {
                    kernel_taps.clear();
                    for (ky, iy) in window.axis(0, y) {
                        let row = window.axis(1, x);
                        kernel_taps
                            .extend(row.map(|(kx, ix)| (ky * kw + kx, iy * window.input[1] + ix)));
                    }
                    for group in 0..groups {
                        taps.clear();
                        for channel in group * cin..(group + 1) * cin {
                            let plane = (image * channels_in + channel) * window.input_len();
                            taps.extend(kernel_taps.iter().map(|&(_, at)| tap(0, plane + at)));
                        }
                        let first = group * cout;
                        let block = &self.weights[first * fan..(first + cout) * fan];
                        let weights = if taps.len() == fan {
                            block
                        } else {
                            picked.clear();
                            for channel in block.chunks_exact(kh * kw) {
                                picked.extend(kernel_taps.iter().map(|&(k, _)| channel[k]));
                            }
                            &picked
                        };
                        let pixel = y * window.output[1] + x;
                        let outputs: Vec<_> = (first..first + cout)
                            .map(|c| {
                                ((image * channels_out + c) * window.output_len() + pixel) as u32
                            })
                            .collect();
                        f(Site {
                            taps: &taps,
                            outputs: &outputs,
                            weights,
                            biases: &self.bias[first..first + cout],
                        });
                    }
                }
            }
        }
    }

    fn visit_average(
        &self,
        window: &Window,
        count_include_pad: bool,
        f: &mut impl FnMut(Site<'_>),
    ) {
        let area = window.kernel[0] * window.kernel[1];
        let (mut offsets, mut taps) = (Vec::new(), Vec::new());
        for plane in 0..window.planes {
            for y in 0..window.output[0] {
                for x in 0..window.output[1] {
                    offsets.clear();
                    window.offsets(y, x, &mut offsets);
                    taps.clear();
                    taps.extend(offsets.iter().map(|at| tap(0, plane * window.input_len() + at)));
                    let counted = if count_include_pad { area } else { taps.len() };
                    let weights = vec![self.weights[counted - 1]; taps.len()];
                    let output = plane * window.output_len() + y * window.output[1] + x;
                    f(Site {
                        taps: &taps,
                        outputs: &[output as u32],
                        weights: &weights,
                        biases: &[0],
                    });
                }
            }
        }
    }
}

impl Operand {
    /// The element that the output's `element` reads.
    #[must_use]
    pub fn element(&self, shape: &[usize], element: usize) -> usize {
        let (mut rest, mut at) = (element, 0);
        for (&dim, &stride) in shape.iter().zip(&self.strides).rev() {
            at += rest % dim * stride;
            rest /= dim;
        }
        at
    }
}

fn tap(operand: u32, element: usize) -> Tap {
    Tap { operand, element: element as u32 }
}
