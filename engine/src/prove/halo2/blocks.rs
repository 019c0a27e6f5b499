//! Linear maps as blocks of dot products, and how many rows they take.
//!
//! A row of the dot track multiplies elements with weights into accumulators, each of which holds
//! one output or several as digits ([`Row`]). A *block* is the outputs of all accumulators over one
//! list of taps. A site with many outputs is split; sites with few are merged, over the union of their taps and with weight zero where a tap is not the site's own.
//! Only sites of one *run* are merged (a row of pixels, the groups of one pixel, …), whose unions
//! have a closed form, so that the rows of a convolution are counted without visiting its taps.

use std::collections::{BTreeMap, HashMap};
use std::iter::once;

use crate::program::gather::presence;
use crate::program::{Linear, Map, Operand, Read, Site, Tap, Window};

/// Dot products over one list of taps, as many as a row holds.
pub(super) struct Block<'a> {
    /// The inputs.
    pub taps: &'a [Tap],
    /// The elements of the output.
    pub outputs: &'a [u32],
    /// `outputs × taps`, row-major. A tap that a site names twice has the sum of its weights.
    pub weights: &'a [i64],
}

/// What a row of the dot track holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Elements that are multiplied.
    pub lanes: usize,
    /// Sums.
    pub accumulators: usize,
    /// Outputs that one accumulator holds at most.
    pub digits: usize,
}

impl Row {
    /// The row, with as many digits of at most `most` as make the map's rows fewest.
    pub fn fewest(lanes: usize, accumulators: usize, most: usize, map: &Map) -> Self {
        let row = |digits: usize| Self { lanes, accumulators, digits };
        let choices = [1, most.min(lanes), most].map(row);
        choices.into_iter().min_by_key(|row| rows(map, *row)).unwrap_or(row(1))
    }

    /// Outputs of a block.
    pub fn outputs(self) -> usize {
        self.accumulators * self.digits
    }

    /// Rows that split the accumulators of a block into its outputs, where they hold several: each
    /// lane takes one.
    pub fn split_rows(self, outputs: usize) -> usize {
        if outputs <= self.accumulators { 0 } else { outputs.div_ceil(self.lanes) }
    }

    /// Rows of all blocks of a site, or of merged sites. One without taps still forces its
    /// accumulators to 0.
    fn site(self, taps: usize, outputs: usize) -> usize {
        let blocks = chunks(outputs, self.outputs());
        let sums = taps.div_ceil(self.lanes).max(1);
        blocks.map(|(outputs, times)| times * (sums + self.split_rows(outputs))).sum()
    }
}

/// How the sites of a map are merged.
struct Merging {
    /// Outputs of each site.
    outputs: usize,
    /// Consecutive sites among which merging is allowed.
    run: usize,
    /// Sites that one block holds at most.
    most: usize,
}

fn merging(map: &Map, block: usize) -> Merging {
    let (outputs, run) = match map {
        Map::Conv { window, channels_out, groups: 1, .. } => (*channels_out, window.output[1]),
        Map::Conv { channels_out, groups, .. } => (channels_out / groups, *groups),
        Map::Dense { rows, outer, .. } => (*outer, *rows),
        Map::Sum { shape, operands } => (1, innermost(shape, operands).0),
        Map::Average { window, .. } => (1, window.output[1]),
        Map::Gather { shape, .. } => (1, innermost_axis(shape).map_or(1, |axis| shape[axis])),
    };
    Merging { outputs, run, most: (block / outputs.max(1)).max(1) }
}

/// Calls `place` with the blocks of a linear map, of at most so many outputs.
///
/// # Errors
/// Those of `place`; the first one ends the work.
pub(super) fn visit<E>(
    linear: &Linear,
    most_outputs: usize,
    mut place: impl FnMut(Block<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let Merging { run, most, .. } = merging(&linear.map, most_outputs);
    let (mut seen, mut result, mut merged) = (0, Ok(()), Merged::default());
    linear.visit(|site| {
        if result.is_err() {
            return;
        }
        seen += 1;
        // A site of one output may name a tap twice, and then has it once in a block.
        result = if most == 1 && site.outputs.len() > 1 {
            split(&site, most_outputs, &mut place)
        } else {
            merged.push(&site);
            if merged.sites == most || seen % run == 0 { merged.flush(&mut place) } else { Ok(()) }
        };
    });
    result
}

fn split<E>(
    site: &Site<'_>,
    most_outputs: usize,
    place: &mut impl FnMut(Block<'_>) -> Result<(), E>,
) -> Result<(), E> {
    for (number, outputs) in site.outputs.chunks(most_outputs).enumerate() {
        let first = number * most_outputs * site.taps.len();
        let weights = &site.weights[first..first + outputs.len() * site.taps.len()];
        let weights: Vec<i64> = weights.iter().map(|&weight| weight.into()).collect();
        place(Block { taps: site.taps, outputs, weights: &weights })?;
    }
    Ok(())
}

/// Sites that wait to become one block.
#[derive(Default)]
struct Merged {
    sites: usize,
    taps: Vec<Tap>,
    positions: HashMap<Tap, usize>,
    outputs: Vec<u32>,
    /// Output, tap, weight.
    entries: Vec<(usize, usize, i32)>,
}

impl Merged {
    fn push(&mut self, site: &Site<'_>) {
        self.sites += 1;
        let at: Vec<usize> = site
            .taps
            .iter()
            .map(|&tap| {
                *self.positions.entry(tap).or_insert_with(|| {
                    self.taps.push(tap);
                    self.taps.len() - 1
                })
            })
            .collect();
        for (j, &output) in site.outputs.iter().enumerate() {
            let row = self.outputs.len();
            self.outputs.push(output);
            let weights = &site.weights[j * at.len()..(j + 1) * at.len()];
            self.entries.extend(at.iter().zip(weights).map(|(&tap, &w)| (row, tap, w)));
        }
    }

    fn flush<E>(&mut self, place: &mut impl FnMut(Block<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut weights = vec![0i64; self.outputs.len() * self.taps.len()];
        for &(output, tap, weight) in &self.entries {
            // A tap that a site names twice counts twice.
            weights[output * self.taps.len() + tap] += i64::from(weight);
        }
        let result = place(Block { taps: &self.taps, outputs: &self.outputs, weights: &weights });
        *self = Self::default();
        result
    }
}

/// Rows of the dot track that [`visit`]'s blocks take, in closed form.
pub(super) fn rows(map: &Map, row: Row) -> usize {
    let Merging { outputs, run, most } = merging(map, row.outputs());
    let merged = |taps: usize, sites: usize| row.site(taps, sites * outputs);
    match map {
        Map::Conv { window, channels_in, groups: 1, .. } => {
            let rows = |taps: usize, sites| merged(taps * channels_in, sites);
            window.planes * window_rows(window, &chunk_widths(window, most), rows)
        }
        Map::Conv { window, channels_in, groups, .. } => {
            let pixel = |taps: usize, _| {
                let fan = taps * (channels_in / groups);
                let chunks = chunks(*groups, most);
                chunks.map(|(sites, times)| times * merged(sites * fan, sites)).sum::<usize>()
            };
            window.planes * window_rows(window, &chunk_widths(window, 1), pixel)
        }
        Map::Dense { rows, inner, .. } => {
            let chunks = chunks(*rows, most);
            chunks.map(|(sites, times)| times * merged(sites * inner, sites)).sum()
        }
        Map::Sum { shape, operands } => {
            let (_, steps) = innermost(shape, operands);
            let (moving, fixed) = (steps.iter().filter(|&&moves| moves).count(), steps.len());
            let rows = chunks(run, most)
                .map(|(sites, times)| times * merged(moving * sites + (fixed - moving), sites));
            shape.iter().product::<usize>() / run.max(1) * rows.sum::<usize>()
        }
        Map::Gather { shape, reads } => gather_rows(shape, reads, most, merged),
        Map::Average { window, .. } => {
            window.planes * window_rows(window, &chunk_widths(window, most), merged)
        }
    }
}

/// The last axis of more than one position, over which the sites of a gather are merged.
fn innermost_axis(shape: &[usize]) -> Option<usize> {
    shape.iter().rposition(|&side| side > 1)
}

/// Rows of a gather: wherever a chunk of its innermost axis lies, an operand that is read there has
/// as many taps in it.
fn gather_rows(
    shape: &[usize],
    reads: &[Read],
    most: usize,
    merged: impl Fn(usize, usize) -> usize,
) -> usize {
    let Some(axis) = innermost_axis(shape) else {
        let masks = presence(reads, 0..shape.len());
        return masks
            .into_iter()
            .map(|(mask, times)| {
                let taps = reads.iter().zip(&mask).filter(|(_, is_read)| **is_read);
                times * merged(taps.map(|(read, _)| distinct(&[Some(0)], read)).sum(), 1)
            })
            .sum();
    };
    let outer = presence(reads, (0..shape.len()).filter(|&other| other != axis));
    let mut chunks: BTreeMap<(usize, Vec<usize>), usize> = BTreeMap::new();
    for first in (0..shape[axis]).step_by(most) {
        let last = (first + most).min(shape[axis]);
        let taps = reads.iter().map(|read| distinct(&read.axes[axis][first..last], read));
        *chunks.entry((last - first, taps.collect())).or_insert(0) += 1;
    }
    let pairs = outer.iter().flat_map(|place| chunks.iter().map(move |chunk| (place, chunk)));
    pairs
        .map(|((mask, times), ((sites, taps), count))| {
            let taps = taps.iter().zip(mask).filter(|(_, is_read)| **is_read);
            times * count * merged(taps.map(|(taps, _)| taps).sum(), *sites)
        })
        .sum()
}

/// How many elements of an operand are read, over a part of an axis and all that is summed.
fn distinct(part: &[Option<u32>], read: &Read) -> usize {
    let offsets = read.offsets();
    let steps = part.iter().flatten().map(|&step| step as usize);
    let mut elements: Vec<usize> =
        steps.flat_map(|step| offsets.iter().map(move |at| step + at)).collect();
    elements.sort_unstable();
    elements.dedup();
    elements.len()
}

/// The sizes of the chunks of `len` things, at most `most` each, and how often each size occurs.
fn chunks(len: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let rest = len % most;
    once((most, len / most)).chain((rest > 0).then_some((rest, 1)))
}

/// How many input columns the windows of `most` neighbouring pixels reach together, and how many
/// pixels that is, with how many such chunks a row of pixels has.
fn chunk_widths(window: &Window, most: usize) -> BTreeMap<(usize, usize), usize> {
    let mut widths = BTreeMap::new();
    let mut reached = Vec::new();
    for first in (0..window.output[1]).step_by(most) {
        reached.clear();
        let last = (first + most).min(window.output[1]);
        reached.extend((first..last).flat_map(|x| window.axis(1, x)).map(|(_, at)| at));
        reached.sort_unstable();
        reached.dedup();
        *widths.entry((reached.len(), last - first)).or_insert(0) += 1;
    }
    widths
}

/// The sum of `rows` of the taps and the pixels of all chunks of a plane.
fn window_rows(
    window: &Window,
    widths: &BTreeMap<(usize, usize), usize>,
    rows: impl Fn(usize, usize) -> usize,
) -> usize {
    let mut heights = BTreeMap::new();
    for y in 0..window.output[0] {
        *heights.entry(window.axis(0, y).count()).or_insert(0) += 1;
    }
    let pairs = heights.iter().flat_map(|(height, times)| {
        widths.iter().map(move |((width, pixels), count)| (height * width, *pixels, times * count))
    });
    pairs.map(|(taps, pixels, times): (usize, usize, usize)| times * rows(taps, pixels)).sum()
}

/// The length of the innermost loop of a sum, after dimensions have been joined over which every
/// operand either moves evenly or stays, and which operands move in it.
fn innermost(shape: &[usize], operands: &[Operand]) -> (usize, Vec<bool>) {
    let mut len = 1;
    let mut steps: Option<Vec<usize>> = None;
    for (axis, &dim) in shape.iter().enumerate().rev() {
        if dim == 1 {
            continue;
        }
        let here = operands.iter().map(|operand| operand.strides[axis]);
        match &steps {
            None => steps = Some(here.collect()),
            Some(inner) if here.clone().eq(inner.iter().map(|step| step * len)) => {}
            Some(_) => break,
        }
        len *= dim;
    }
    let moves = steps.unwrap_or_else(|| vec![0; operands.len()]);
    // Without an inner loop each block has one site, in which every operand is a tap of its own.
    (len, moves.iter().map(|&step| step > 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::testing::random_maps;

    /// Rows of many kinds.
    fn all_rows() -> impl Iterator<Item = Row> {
        [(4, 1, 1), (4, 2, 3), (8, 1, 10), (8, 2, 8), (8, 6, 1), (3, 16, 1), (3, 1, 5)]
            .into_iter()
            .map(|(lanes, accumulators, digits)| Row { lanes, accumulators, digits })
    }

    #[test]
    fn the_closed_form_counts_the_rows_that_the_blocks_take() {
        for (name, linear) in random_maps() {
            for row in all_rows() {
                let mut placed = 0;
                visit(&linear, row.outputs(), |block| {
                    let outputs = block.outputs.len();
                    assert!(outputs > 0 && outputs <= row.outputs());
                    placed += block.taps.len().div_ceil(row.lanes).max(1);
                    placed += row.split_rows(outputs);
                    Ok::<_, ()>(())
                })
                .unwrap();
                let counted = rows(&linear.map, row);
                assert_eq!(counted, placed, "{name} {row:?}: {:?}", linear.map);
            }
        }
    }

    #[test]
    fn digits_and_merging_never_cost_rows() {
        for (name, linear) in random_maps() {
            let mut apart = 0;
            linear.visit(|site| apart += site.outputs.len() * site.taps.len().div_ceil(8).max(1));
            let row = Row::fewest(8, 1, 10, &linear.map);
            assert!(rows(&linear.map, row) <= apart, "{name}");
        }
    }
}
