//! What the engine measured, for people: numbers as text, tables, and charts that look the same in
//! the window, in an SVG file and in a PNG file.
//!
//! | module | owns |
//! |---|---|
//! | [`mod@format`] | seconds, bytes and counts as text |
//! | [`table`] | a table as CSV, Markdown or aligned text |
//! | [`page`] | the report of a run as one HTML page |
//! | [`charts`] | the charts, each a plain data structure and a function that draws it |

pub mod charts;
pub mod format;
mod graph_picture;
pub mod page;
pub mod table;
