//! The commitment to the vector of a slice: WHIR (eprint 2024/1586), by Plonky3, opened at one
//! point. Only the unique-decoding regime is used, whose bounds are proven.

use p3_blake3::Blake3;
use p3_commit::MultilinearPcs;
use p3_dft::Radix2DFTSmallBatch;
use p3_matrix::dense::RowMajorMatrix;
use p3_merkle_tree::MerkleTreeMmcs;
use p3_multilinear_util::point::Point;
use p3_sumcheck::layout::{Layout as _, PrefixProver, Table};
use p3_sumcheck::{OpeningBatch, OpeningProtocol, PrescribedPointPcs, TableShape, TableSpec};
use p3_symmetric::{CompressionFunctionFromHasher, SerializingHasher};
use p3_whir::parameters::{FoldingFactor, ProtocolParameters, SecurityAssumption, WhirConfig};
use p3_whir::pcs::prover::WhirProver;

use super::field::{Challenger, EF, F};

type Hash = SerializingHasher<Blake3>;
type Compress = CompressionFunctionFromHasher<Blake3, 2, 32>;
type Mmcs = MerkleTreeMmcs<F, u8, Hash, Compress, 2, 32>;
/// How the library arranges what is committed.
type Layout = PrefixProver<F, EF>;
type Pcs = WhirProver<EF, F, Radix2DFTSmallBatch<F>, Mmcs, Challenger, Layout>;
pub(super) type Root = <Pcs as MultilinearPcs<EF, Challenger>>::Commitment;
pub(super) type Opening = <Pcs as MultilinearPcs<EF, Challenger>>::Proof;
/// What the prover keeps of a commitment, to open it.
pub(super) type ProverData = <Pcs as MultilinearPcs<EF, Challenger>>::ProverData;

/// Bits that an opening is sound to, all terms of the library's report summed.
pub(super) const OPENING_BITS: f64 = 107.0;
/// The logarithm of the inverse rate of the first code.
const LOG_INVERSE_RATE: usize = 1;
/// Bits of proof of work that a round may ask for. Grinding saves queries and costs time: this
/// much takes a millisecond a round. Large vectors need more for the level that is asked for.
const POW_BITS: usize = 12;
const POW_BITS_OF_LARGE: usize = 16;

/// What opens a vector of `2^variables` elements at one point.
pub(super) struct Opener {
    pcs: Pcs,
    /// The library's description of that opening.
    protocol: OpeningProtocol,
}

impl Opener {
    /// An opener for vectors of this size, sound to [`OPENING_BITS`].
    ///
    /// # Errors
    /// Where the library finds no parameters; never for the sizes that a slice can have.
    pub(super) fn new(variables: usize) -> Result<Self, String> {
        // The report sums the terms, and each term is asked for at the level: the sum falls short
        // of it by a few bits.
        let mut last = String::new();
        for level in 108..=116 {
            let opener = Self::at_level(variables, level)?;
            match opener.security_bits() {
                Some(bits) if bits >= OPENING_BITS => return Ok(opener),
                bits => last = format!("{bits:?} bits at level {level}"),
            }
        }
        Err(format!("no parameters open 2^{variables} elements soundly: {last}"))
    }

    /// Commits to a vector of this size.
    pub(super) fn commit(
        &self,
        vector: &[F],
        challenger: &mut Challenger,
    ) -> Result<(Root, ProverData), String> {
        let table = Table::new(RowMajorMatrix::new(vector.to_vec(), vector.len()));
        let variables = vector.len().trailing_zeros() as usize;
        let witness = Layout::new_witness(vec![table], first_fold(variables));
        MultilinearPcs::<EF, Challenger>::commit(&self.pcs, witness, challenger)
            .map_err(|error| error.to_string())
    }

    /// Absorbs a root, as [`Opener::commit`] does: `verify_at` leaves it out of the transcript.
    pub(super) fn observe(&self, root: &Root, challenger: &mut Challenger) {
        MultilinearPcs::<EF, Challenger>::observe_commitment(&self.pcs, root, challenger);
    }

    /// Opens a commitment at a point.
    pub(super) fn open(
        &self,
        data: ProverData,
        point: Point<EF>,
        challenger: &mut Challenger,
    ) -> Result<Opening, String> {
        self.pcs
            .open_at(data, &self.protocol, &[point], challenger)
            .map_err(|error| error.to_string())
    }

    /// The value that a commitment opens to at a point; none where the opening does not hold. The
    /// root must be in the transcript already.
    pub(super) fn verify(
        &self,
        root: &Root,
        opening: &Opening,
        point: Point<EF>,
        challenger: &mut Challenger,
    ) -> Option<EF> {
        // A tree has one root, and not a layer of them.
        let rounds = opening.whir.rounds.iter().filter_map(|round| round.commitment.as_ref());
        if rounds.chain([root]).any(|root| root.num_roots() != 1) {
            return None;
        }
        let opened =
            self.pcs.verify_at(root, opening, &self.protocol, &[point], challenger).ok()?;
        // The library hands back the very values that it checked.
        match opened.as_slice() {
            [batch] => match batch.current() {
                &[value] => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// Bits of the library's own report, all terms summed.
    pub(super) fn security_bits(&self) -> Option<f64> {
        Some(self.pcs.prescribed_security(&self.protocol)?.error().bits())
    }

    fn at_level(variables: usize, level: usize) -> Result<Self, String> {
        let folding = FoldingFactor::ConstantFromSecondRound(first_fold(variables), 4);
        let (rounds, _) =
            folding.compute_number_of_rounds(variables).map_err(|error| error.to_string())?;
        // Each round halves its domain, so the rate falls by what it folds, less one.
        let mut rate = LOG_INVERSE_RATE;
        let mut rates = Vec::with_capacity(rounds);
        for round in 0..rounds {
            rate += folding.at_round(round) - 1;
            rates.push(rate);
        }
        let parameters = ProtocolParameters {
            security_level: level,
            pow_bits: if variables < 20 { POW_BITS } else { POW_BITS_OF_LARGE },
            folding_factor: folding,
            soundness_type: SecurityAssumption::UniqueDecoding,
            starting_log_inv_rate: LOG_INVERSE_RATE,
            round_log_inv_rates: rates,
        };
        let config = WhirConfig::<EF, F, Challenger>::new(variables, parameters)
            .map_err(|error| error.to_string())?;
        let dft = Radix2DFTSmallBatch::new(1 << config.max_fft_size());
        let mmcs = Mmcs::new(Hash::new(Blake3 {}), Compress::new(Blake3 {}), 0);
        let column = vec![OpeningBatch::new(vec![0], Vec::new())];
        let protocol =
            OpeningProtocol::new(vec![TableSpec::new(TableShape::new(variables, 1), column)]);
        Ok(Self { pcs: Pcs::new(config, dft, mmcs), protocol })
    }
}

/// Variables that the first round folds: many make large vectors fast, few keep the opened rows
/// of small ones short.
fn first_fold(variables: usize) -> usize {
    if variables < 18 { 5 } else { 6 }
}
