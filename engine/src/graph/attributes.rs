//! Attributes of a node.

use std::collections::BTreeMap;

/// The value of an attribute, as far as it matters here.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// One integer.
    Int(i64),
    /// One number.
    Float(f32),
    /// A text.
    Text(String),
    /// A list of integers.
    Ints(Vec<i64>),
    /// A list of numbers.
    Floats(Vec<f32>),
    /// A tensor, a graph, or another kind that is only named.
    Other(&'static str),
}

/// All attributes of a node, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(pub BTreeMap<String, Attribute>);

impl Attributes {
    /// The integer of this name.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.0.get(name) {
            Some(Attribute::Int(v)) => Some(*v),
            _ => None,
        }
    }

    /// The number of this name.
    #[must_use]
    pub fn float(&self, name: &str) -> Option<f32> {
        match self.0.get(name) {
            Some(Attribute::Float(v)) => Some(*v),
            _ => None,
        }
    }

    /// The text of this name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(Attribute::Text(v)) => Some(v),
            _ => None,
        }
    }

    /// The integers of this name.
    #[must_use]
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.0.get(name) {
            Some(Attribute::Ints(v)) => Some(v),
            _ => None,
        }
    }
}
