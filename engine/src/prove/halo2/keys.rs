//! Keys: derived from the slice, never stored and never read from a file.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use halo2_proofs::pasta::{EqAffine, Fp};
use halo2_proofs::plonk::{
    Error, ProvingKey, SingleVerifier, VerifyingKey, create_proof, keygen_pk, keygen_vk,
    verify_proof,
};
use halo2_proofs::poly::commitment::Params;
use halo2_proofs::transcript::{Blake2bRead, Blake2bWrite, Challenge255};
use rand::rngs::SysRng;
use rand_core::UnwrapErr;

use super::circuit::SliceCircuit;
use super::parameters::{default_cache, parameters};
use super::shape::CircuitShape;
use super::sponge::Salt;
use super::steps::{Steps, steps};
use super::tamper::Tampering;
use super::width::{Width, with_width};
use super::{ProveError, Statement, VerifyError, backend};
use crate::digest::Digest;
use crate::program::{Program, ProgramSlice, Trace, ValueId};

/// The parameters and keys of one slice. The proving key takes most of the memory of a proof.
#[derive(Debug)]
pub struct Keys {
    shape: CircuitShape,
    params: Arc<Params<EqAffine>>,
    proving: ProvingKey<EqAffine>,
}

/// Names the keys of a slice, by its digest and the width and `k` of the circuit: equal names mean
/// equal circuits, and so equal keys.
pub type KeyName = (Digest, Width, u32);

/// The name of the keys of a slice for a circuit of this shape; `None` where the slice has no
/// bytes to be named by.
#[must_use]
pub fn key_name(program: &Program, slice: &ProgramSlice, shape: &CircuitShape) -> Option<KeyName> {
    Some((slice_digest(program, slice)?, shape.width, shape.k))
}

/// The proving keys that this process keeps, the last used first.
static KEPT: Mutex<KeptKeys> = Mutex::new(KeptKeys::keeping(0));

/// Lets this process keep the proving keys of so many circuits, the last used ones, for proofs to
/// come. None are kept unless this is called: they are as large as half a proof's memory.
pub fn keep_proving_keys(most: usize) {
    *kept_keys() = KeptKeys::keeping(most);
}

pub(super) fn kept_keys() -> MutexGuard<'static, KeptKeys> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Proving keys of the circuits that were proven last.
pub(super) struct KeptKeys {
    most: usize,
    keys: VecDeque<(KeyName, Arc<Keys>)>,
}

impl KeptKeys {
    /// Nothing yet, and at most so many.
    pub(super) const fn keeping(most: usize) -> Self {
        Self { most, keys: VecDeque::new() }
    }

    /// The keys of this name, where they are there.
    pub(super) fn get(&mut self, name: KeyName) -> Option<Arc<Keys>> {
        let at = self.keys.iter().position(|(other, _)| *other == name)?;
        let entry = self.keys.remove(at)?;
        self.keys.push_front(entry);
        Some(Arc::clone(&self.keys.front()?.1))
    }

    /// Gives up keys that would be too many with one more, before that one is derived, so that
    /// their memory isn't held at the same time.
    pub(super) fn make_room(&mut self) {
        self.keys.truncate(self.most.saturating_sub(1));
    }

    pub(super) fn put(&mut self, name: KeyName, keys: &Arc<Keys>) {
        self.keys.push_front((name, Arc::clone(keys)));
        self.keys.truncate(self.most);
    }
}

/// Derives the keys of a slice for a circuit of this shape.
///
/// # Errors
/// Where the slice cannot be proven, or parameters are missing.
pub fn keys(
    program: &Program,
    slice: &ProgramSlice,
    shape: &CircuitShape,
) -> Result<Keys, ProveError> {
    let params = parameters(shape.k, default_cache().as_deref()).map_err(backend)?;
    let steps = steps(program, slice)?;
    let vk = verifying_key(program, slice, shape, &steps, &params).map_err(backend)?;
    let circuit = blank(program, slice, shape, &steps);
    let proving = with_width(shape.width, || keygen_pk(&params, (*vk).clone(), &circuit));
    Ok(Keys { shape: shape.clone(), params, proving: proving.map_err(backend)? })
}

impl Keys {
    /// The shape of the circuit.
    #[must_use]
    pub fn shape(&self) -> &CircuitShape {
        &self.shape
    }

    /// Makes the proof; its blinding comes from the operating system's randomness.
    pub(super) fn prove(
        &self,
        statement: &Statement<'_>,
        trace: &Trace,
        salts: &BTreeMap<ValueId, Salt>,
        instance: &[Fp],
    ) -> Result<Vec<u8>, ProveError> {
        let Statement { program, slice, .. } = *statement;
        let steps = steps(program, slice)?;
        let blank = blank(program, slice, &self.shape, &steps);
        let circuit = SliceCircuit { witness: Some((trace, salts)), ..blank };
        prove_circuit(&self.params, &self.proving, circuit, instance).map_err(backend)
    }

    /// Verifies a proof.
    pub(super) fn verify(&self, instance: &[Fp], proof: &[u8]) -> Result<(), VerifyError> {
        check(&self.params, self.proving.get_vk(), instance, proof)
    }
}

/// Verifies a proof whose length has been checked, with a key that it derives itself.
pub(super) fn verify(
    program: &Program,
    slice: &ProgramSlice,
    shape: &CircuitShape,
    instance: &[Fp],
    proof: &[u8],
) -> Result<(), VerifyError> {
    let params = parameters(shape.k, default_cache().as_deref())
        .map_err(|error| VerifyError::Backend(error.to_string()))?;
    let vk = key_to_verify(program, slice, shape, &params)?;
    check(&params, &vk, instance, proof)
}

/// The verifying key of a slice, for its verifier.
pub(super) fn key_to_verify(
    program: &Program,
    slice: &ProgramSlice,
    shape: &CircuitShape,
    params: &Params<EqAffine>,
) -> Result<Arc<VerifyingKey<EqAffine>>, VerifyError> {
    let steps = steps(program, slice)?;
    verifying_key(program, slice, shape, &steps, params)
        .map_err(|error| VerifyError::Backend(error.to_string()))
}

/// Verifies one proof, whose length has been checked.
pub(super) fn check(
    params: &Params<EqAffine>,
    vk: &VerifyingKey<EqAffine>,
    instance: &[Fp],
    proof: &[u8],
) -> Result<(), VerifyError> {
    let mut transcript = Blake2bRead::<_, EqAffine, Challenge255<_>>::init(proof);
    verify_proof(params, vk, SingleVerifier::new(params), &[&[instance]], &mut transcript)
        .map_err(|_| VerifyError::Rejected)
}

/// The verifying key, derived once in a process for each slice and width.
pub(super) fn verifying_key(
    program: &Program,
    slice: &ProgramSlice,
    shape: &CircuitShape,
    steps: &Steps<'_>,
    params: &Params<EqAffine>,
) -> Result<Arc<VerifyingKey<EqAffine>>, Error> {
    type Entry = (KeyName, Arc<VerifyingKey<EqAffine>>);
    static DERIVED: Mutex<VecDeque<Entry>> = Mutex::new(VecDeque::new());
    const MOST: usize = 256;

    let name = key_name(program, slice, shape).ok_or(Error::Synthesis)?;
    let derived = || DERIVED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, vk)) = derived().iter().find(|(key, _)| *key == name) {
        return Ok(vk.clone());
    }
    let circuit = blank(program, slice, shape, steps);
    let vk = Arc::new(with_width(shape.width, || keygen_vk(params, &circuit))?);
    let mut derived = derived();
    derived.truncate(MOST - 1);
    derived.push_front((name, vk.clone()));
    Ok(vk)
}

/// The digest of everything that a key depends on: the slice's operations, the shapes and bits of
/// their tensors, and which of these are on its boundary, in the order of the instance. Tensors are
/// numbered in the order in which operations name them, and names, scales and places in the program
/// are left out: slices that do the same in different places have one key.
pub(super) fn slice_digest(program: &Program, slice: &ProgramSlice) -> Option<Digest> {
    let mut numbers: BTreeMap<ValueId, u32> = BTreeMap::new();
    let (mut values, mut ops) = (Vec::new(), Vec::new());
    for op in program.ops.get(slice.ops.clone())? {
        let ids = op.inputs.iter().chain([&op.output]);
        let named: Vec<u32> = ids
            .map(|&id| {
                *numbers.entry(id).or_insert_with(|| {
                    let value = program.value(id);
                    values.push((&value.shape, value.bits));
                    values.len() as u32 - 1
                })
            })
            .collect();
        ops.push((&op.kind, named));
    }
    let ends = [&slice.inputs, &slice.outputs];
    let ends = ends.map(|ids| ids.iter().map(|id| numbers.get(id)).collect::<Option<Vec<_>>>());
    let [inputs, outputs] = ends;
    let bytes = postcard::to_stdvec(&(ops, values, inputs?, outputs?)).ok()?;
    Some(Digest::of("microtome halo2 verifying key v2", &bytes))
}

fn blank<'a>(
    program: &'a Program,
    slice: &'a ProgramSlice,
    shape: &'a CircuitShape,
    steps: &'a Steps<'a>,
) -> SliceCircuit<'a> {
    SliceCircuit { program, slice, steps, shape, witness: None, tampering: Tampering::default() }
}

pub(super) fn prove_circuit(
    params: &Params<EqAffine>,
    proving: &ProvingKey<EqAffine>,
    circuit: SliceCircuit<'_>,
    instance: &[Fp],
) -> Result<Vec<u8>, Error> {
    let mut transcript = Blake2bWrite::<_, EqAffine, Challenge255<_>>::init(Vec::new());
    let random = UnwrapErr(SysRng);
    with_width(circuit.shape.width, || {
        create_proof(params, proving, &[circuit], &[&[instance]], random, &mut transcript)
    })?;
    Ok(transcript.finalize())
}
