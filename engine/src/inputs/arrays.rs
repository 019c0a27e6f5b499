//! NumPy arrays: `.npy`, and `.npz` with several of them.

use std::io::{Cursor, Read};

use npyz::npz::NpzArchive;
use npyz::{DType, NpyFile, Order, TypeChar};

use super::{Case, Inputs, MOST_ELEMENTS, Slot, dimensions};

/// An array as the file has it, in row-major order.
struct Array<T> {
    shape: Vec<usize>,
    elements: Vec<T>,
}

/// Names under which labels are found.
const LABEL_NAMES: [&str; 3] = ["y", "label", "labels"];

pub(super) fn read_npy(bytes: &[u8], slots: &[Slot]) -> Result<Inputs, String> {
    let [slot] = slots else {
        return Err(format!(
            "holds one array, but the model has {} inputs; give them as .npz, by name",
            slots.len()
        ));
    };
    let array = decode(bytes)?.into_floats()?;
    cases(vec![split(array, slot)?], None)
}

pub(super) fn read_npz(bytes: &[u8], slots: &[Slot]) -> Result<Inputs, String> {
    let mut archive =
        NpzArchive::new(Cursor::new(bytes)).map_err(|error| format!("is no .npz file: {error}"))?;
    let mut names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    names.sort_unstable();
    let mut array = |name: &str| -> Result<Decoded, String> {
        let file = npyz::npz::file_name_from_array_name(name);
        let entry = archive
            .zip_archive()
            .by_name(&file)
            .map_err(|error| format!("array {name:?} can't be read: {error}"))?;
        let mut bytes = Vec::new();
        // Eight bytes an element are the widest kind; a header needs less than the rest.
        let most = MOST_ELEMENTS as u64 * 8 + (1 << 20);
        entry
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("array {name:?} can't be read: {error}"))?;
        decode(&bytes).map_err(|reason| format!("array {name:?} {reason}"))
    };

    let is_label = |name: &str| LABEL_NAMES.contains(&name);
    let mut tensors = Vec::new();
    for slot in slots {
        let name = source(slot, slots.len(), &names, is_label)?;
        let found = array(name)?.into_floats().map_err(|e| format!("array {name:?} {e}"))?;
        tensors.push(split(found, slot)?);
    }
    let label = names
        .iter()
        .find(|name| is_label(name) && !slots.iter().any(|slot| slot.name == **name))
        .map(|name| array(name)?.into_integers().map_err(|e| format!("array {name:?} {e}")))
        .transpose()?;
    cases(tensors, label)
}

/// The name of the array that holds an input.
fn source<'a>(
    slot: &Slot,
    slots: usize,
    names: &'a [String],
    is_label: impl Fn(&str) -> bool,
) -> Result<&'a str, String> {
    let named = |wanted: &str| names.iter().find(|name| *name == wanted).map(String::as_str);
    if let Some(name) = named(&slot.name) {
        return Ok(name);
    }
    let data: Vec<_> = names.iter().filter(|name| !is_label(name)).collect();
    match data[..] {
        _ if slots > 1 => Err(format!(
            "has no array named like the input {:?}; its arrays are {names:?}",
            slot.name
        )),
        [only] => Ok(only),
        _ => named("x").or_else(|| named("X")).ok_or_else(|| {
            format!(
                "has no array named {:?} or \"x\" and not just one array; its arrays are {names:?}",
                slot.name
            )
        }),
    }
}

/// Cuts an array into the tensors of its cases.
fn split(array: Array<f32>, slot: &Slot) -> Result<Vec<Vec<f32>>, String> {
    let Array { shape, elements } = array;
    let mismatch = || {
        format!(
            "an array of shape {} doesn't fit input {:?} of shape {}, nor is its first dimension \
             a number of such cases",
            dimensions(&shape),
            slot.name,
            slot.shape_text()
        )
    };
    // Dimensions of size one say nothing about the order of the elements.
    let squeezed =
        |dims: &[usize]| -> Vec<usize> { dims.iter().copied().filter(|&dim| dim != 1).collect() };
    if slot.len == 0 || elements.is_empty() || elements.len() % slot.len != 0 {
        return Err(mismatch());
    }
    let count = elements.len() / slot.len;
    let batch = slot.shape.first().copied().unwrap_or(1);
    let (first, rest) = shape.split_first().unwrap_or((&1, &[]));
    let flat = rest.len() <= 1 && (count == 1 || *first == count || *first == count * batch);
    let whole = count == 1 && squeezed(&shape) == squeezed(&slot.shape);
    let stacked = *first == count && squeezed(rest) == squeezed(&slot.shape);
    let batched =
        *first == count * batch && squeezed(rest) == squeezed(slot.shape.get(1..).unwrap_or(&[]));
    if !(flat || whole || stacked || batched) {
        return Err(mismatch());
    }
    Ok(elements.chunks_exact(slot.len).map(<[f32]>::to_vec).collect())
}

fn cases(tensors: Vec<Vec<Vec<f32>>>, labels: Option<Array<i64>>) -> Result<Inputs, String> {
    let count = tensors.first().map_or(0, Vec::len);
    if count == 0 {
        return Err("holds no case".to_owned());
    }
    if let Some(other) = tensors.iter().find(|input| input.len() != count) {
        return Err(format!("holds {count} cases for one input and {} for another", other.len()));
    }
    if let Some(labels) = labels.as_ref().filter(|labels| labels.elements.len() != count) {
        return Err(format!("holds {count} cases and {} labels", labels.elements.len()));
    }
    let mut inputs: Vec<_> = tensors.into_iter().map(Vec::into_iter).collect();
    let cases = (0..count)
        .map(|case| Case {
            tensors: inputs.iter_mut().filter_map(Iterator::next).collect(),
            label: labels.as_ref().map(|labels| labels.elements[case]),
        })
        .collect();
    Ok(Inputs { cases })
}

/// The elements of an array, in the kind that the file has them in.
enum Decoded {
    Floats(Array<f32>),
    Integers(Array<i64>),
}

impl Decoded {
    fn into_floats(self) -> Result<Array<f32>, String> {
        Ok(match self {
            Self::Floats(array) => array,
            Self::Integers(Array { shape, elements }) => {
                Array { shape, elements: elements.into_iter().map(|v| v as f32).collect() }
            }
        })
    }

    fn into_integers(self) -> Result<Array<i64>, String> {
        match self {
            Self::Integers(array) => Ok(array),
            Self::Floats(_) => Err("holds labels that are no integers".to_owned()),
        }
    }
}

fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    check_header(bytes)?;
    let file = NpyFile::new(bytes).map_err(|error| format!("is no NumPy array: {error}"))?;
    let DType::Plain(kind) = file.dtype() else {
        return Err("holds records, not numbers".to_owned());
    };
    let len = file.len();
    if len > MOST_ELEMENTS as u64 {
        return Err(format!("holds {len} numbers, more than {MOST_ELEMENTS}; give fewer cases"));
    }
    // Each element takes at least a byte, so a small file can't claim much.
    if len > bytes.len() as u64 {
        return Err(format!("is truncated: it claims {len} numbers"));
    }
    match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 4) => elements(file, |v: f32| v).map(Decoded::Floats),
        (TypeChar::Float, 8) => elements(file, |v: f64| v as f32).map(Decoded::Floats),
        (TypeChar::Int, 1) => elements(file, |v: i8| i64::from(v)).map(Decoded::Integers),
        (TypeChar::Int, 2) => elements(file, |v: i16| i64::from(v)).map(Decoded::Integers),
        (TypeChar::Int, 4) => elements(file, |v: i32| i64::from(v)).map(Decoded::Integers),
        (TypeChar::Int, 8) => elements(file, |v: i64| v).map(Decoded::Integers),
        (TypeChar::Uint, 1) => elements(file, |v: u8| i64::from(v)).map(Decoded::Integers),
        (TypeChar::Uint, 2) => elements(file, |v: u16| i64::from(v)).map(Decoded::Integers),
        (TypeChar::Uint, 4) => elements(file, |v: u32| i64::from(v)).map(Decoded::Integers),
        (TypeChar::Bool, _) => elements(file, |v: bool| i64::from(v)).map(Decoded::Integers),
        _ => Err(format!(
            "holds elements of the type {kind}, which is not read here; save it as float32"
        )),
    }
}

/// Lets through only headers that the reader takes without overflow, deep recursion or a large
/// allocation, since a file may be anybody's.
fn check_header(bytes: &[u8]) -> Result<(), String> {
    let length = match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, ..] => {
            10 + usize::from(u16::from_le_bytes([*a, *b]))
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', _, _, a, b, c, d, ..] => {
            12usize.saturating_add(u32::from_le_bytes([*a, *b, *c, *d]) as usize)
        }
        _ => return Err("is no NumPy array".to_owned()),
    };
    let header = bytes.get(10..length).ok_or("is a truncated NumPy array")?;
    // Eighteen digits in all keep the product of the dimensions below 2^64.
    let digits = header.iter().filter(|byte| byte.is_ascii_digit()).count();
    let brackets = header.iter().filter(|byte| b"([{".contains(byte)).count();
    if header.len() > 10_000 || digits > 18 || brackets > 8 {
        return Err("has a NumPy header that no plain array of numbers has".to_owned());
    }
    Ok(())
}

/// All elements, row-major.
fn elements<T: npyz::Deserialize, U: Copy>(
    file: NpyFile<&[u8]>,
    convert: impl Fn(T) -> U,
) -> Result<Array<U>, String> {
    let shape: Vec<usize> = file.shape().iter().map(|&dim| dim as usize).collect();
    let order = file.order();
    let wanted: usize = shape.iter().product();
    let read: Vec<U> = file
        .data::<T>()
        .map_err(|error| format!("can't be read: {error}"))?
        .map(|element| element.map(&convert))
        .collect::<Result<_, _>>()
        .map_err(|error| format!("is truncated or damaged: {error}"))?;
    if read.len() != wanted {
        return Err(format!("is truncated: {} of {wanted} numbers are there", read.len()));
    }
    let elements = match order {
        Order::C => read,
        Order::Fortran => row_major(&shape, &read),
    };
    Ok(Array { shape, elements })
}

/// Column-major elements in row-major order.
fn row_major<T: Copy>(shape: &[usize], columns: &[T]) -> Vec<T> {
    (0..columns.len())
        .map(|element| {
            let (mut rest, mut at) = (element, 0);
            // The last dimension runs fastest here, and slowest in the source.
            let mut stride = columns.len();
            for &dim in shape.iter().rev() {
                stride /= dim;
                at += rest % dim * stride;
                rest /= dim;
            }
            columns[at]
        })
        .collect()
}
