//! `{"input_data": [[…], …]}`, as EZKL and DSperse have their inputs.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use super::{Case, Inputs, MOST_ELEMENTS, Slot};

/// Entries that `input_data` may have.
const MOST_ENTRIES: usize = 1 << 20;

#[derive(Deserialize)]
struct Document {
    input_data: Option<Entries>,
    label: Option<i64>,
}

pub(super) fn read(bytes: &[u8], slots: &[Slot]) -> Result<Inputs, String> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| {
        format!("is no input in JSON: {error} (numbers are finite: NaN and Infinity are none)")
    })?;
    let Some(Entries(entries)) = document.input_data else {
        return Err("has no key \"input_data\" with a list for each input of the model".to_owned());
    };
    // With one input there is no question which numbers are meant, however they are nested.
    let entries = if slots.len() == 1 { vec![entries.concat()] } else { entries };
    if entries.len() != slots.len() {
        let names: Vec<_> = slots.iter().map(|slot| format!("{:?}", slot.name)).collect();
        return Err(format!(
            "\"input_data\" has {} lists, but the model has {} inputs: {}",
            entries.len(),
            slots.len(),
            names.join(", ")
        ));
    }
    for (slot, tensor) in slots.iter().zip(&entries) {
        if tensor.len() != slot.len {
            return Err(format!(
                "input {:?} has {} elements, but its shape {} needs {}",
                slot.name,
                tensor.len(),
                slot.shape_text(),
                slot.len
            ));
        }
    }
    Ok(Inputs { cases: vec![Case { tensors: entries, label: document.label }] })
}

/// The outer list: each entry flattened. Numbers in the outer list itself are one entry.
struct Entries(Vec<Vec<f32>>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Outer)
    }
}

struct Outer;

impl<'de> Visitor<'de> for Outer {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list with one list of numbers for each input")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        loop {
            let mut entry = Vec::new();
            if list.next_element_seed(Flatten(&mut entry))?.is_none() {
                return Ok(Entries(entries));
            }
            if entries.len() == MOST_ENTRIES {
                return Err(A::Error::custom(format!("more than {MOST_ENTRIES} lists")));
            }
            entries.push(entry);
        }
    }
}

/// Appends the numbers of nested lists in their order.
struct Flatten<'a>(&'a mut Vec<f32>);

impl<'de> DeserializeSeed<'de> for Flatten<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Flatten<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a list of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Flatten(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        if self.0.len() >= MOST_ELEMENTS {
            return Err(E::custom(format!("more than {MOST_ELEMENTS} numbers")));
        }
        self.0.push(number as f32);
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.visit_f64(f64::from(u8::from(value)))
    }
}
