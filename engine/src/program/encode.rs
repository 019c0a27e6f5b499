//! Digests of programs: BLAKE3 over a canonical encoding of every field.
//!
//! Integers are 8 bytes, least significant first; lists and texts carry their length; variants
//! carry a number. Two programs that differ in anything have different encodings.

use super::{Kind, Linear, Map, Op, Program, ProgramSlice, Value, ValueId, Window};
use crate::digest::Digest;

impl Program {
    /// The digest of the whole program: weights, scales, bits, shapes and names.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut encoder = Encoder::new("microtome program v1");
        encoder.list(&self.tensors, Encoder::value);
        encoder.list(&self.ops, Encoder::op);
        encoder.ids(&self.inputs);
        encoder.ids(&self.outputs);
        encoder.finish()
    }

    /// The digest of a slice: its operations, its boundary, and the tensors that they name.
    #[must_use]
    pub fn slice_digest(&self, slice: &ProgramSlice) -> Digest {
        let mut encoder = Encoder::new("microtome program slice v1");
        encoder.ids(&slice.inputs);
        encoder.ids(&slice.outputs);
        for id in &slice.inputs {
            encoder.value(self.value(*id));
        }
        encoder.list(&self.ops[slice.ops.clone()], |encoder, op| {
            encoder.op(op);
            encoder.value(self.value(op.output));
        });
        encoder.finish()
    }
}

struct Encoder(blake3::Hasher);

impl Encoder {
    fn new(domain: &str) -> Self {
        Self(blake3::Hasher::new_derive_key(domain))
    }

    fn finish(self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }

    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text.as_bytes());
    }

    fn list<T>(&mut self, items: &[T], mut encode: impl FnMut(&mut Self, &T)) {
        self.count(items.len());
        items.iter().for_each(|item| encode(self, item));
    }

    fn counts(&mut self, counts: &[usize]) {
        self.list(counts, |encoder, &count| encoder.count(count));
    }

    fn ids(&mut self, ids: &[ValueId]) {
        self.list(ids, |encoder, id| encoder.number(id.0.into()));
    }

    fn value(&mut self, value: &Value) {
        let Value { name, shape, scale, bits } = value;
        self.text(name);
        self.counts(shape);
        self.number(scale.to_bits());
        self.number((*bits).into());
    }

    fn op(&mut self, op: &Op) {
        let Op { node, name, operator, kind, inputs, output } = op;
        self.count(*node);
        self.text(name);
        self.text(operator);
        self.ids(inputs);
        self.number(output.0.into());
        match kind {
            Kind::Linear(linear) => {
                self.number(0);
                self.linear(linear);
            }
            Kind::Relu => self.number(1),
            Kind::MaxPool(window) => {
                self.number(2);
                self.window(window);
            }
        }
    }

    fn linear(&mut self, linear: &Linear) {
        let Linear { map, weights, bias, shift } = linear;
        self.map(map);
        self.count(weights.len());
        let bytes: Vec<u8> = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
        self.0.update(&bytes);
        self.list(bias, |encoder, bias| encoder.number(*bias as u64));
        self.number((*shift).into());
    }

    fn map(&mut self, map: &Map) {
        match map {
            Map::Conv { window, channels_in, channels_out, groups } => {
                self.number(0);
                self.window(window);
                self.counts(&[*channels_in, *channels_out, *groups]);
            }
            Map::Dense { rows, inner, outer } => {
                self.number(1);
                self.counts(&[*rows, *inner, *outer]);
            }
            Map::Sum { shape, operands } => {
                self.number(2);
                self.counts(shape);
                self.list(operands, |encoder, operand| encoder.counts(&operand.strides));
            }
            Map::Average { window, count_include_pad } => {
                self.number(3);
                self.window(window);
                self.number((*count_include_pad).into());
            }
        }
    }

    fn window(&mut self, window: &Window) {
        let Window { planes, input, output, kernel, strides, pads, dilations } = window;
        self.count(*planes);
        for pair in [input, output, kernel, strides, pads, dilations] {
            self.counts(pair);
        }
    }
}
