//! A table of texts, and the three forms in which it leaves the program: CSV, Markdown and text
//! aligned for a terminal.

/// Column headers and rows of cells. A row may be shorter or longer than the header: missing
/// cells are written empty and further columns have no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns.
    pub headers: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<H: Into<String>>(headers: impl IntoIterator<Item = H>) -> Self {
        Self { headers: headers.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Appends a row.
    pub fn push<C: ToString>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(|cell| cell.to_string()).collect());
    }

    /// Comma-separated values as RFC 4180 describes them, with the header as the first line.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let line = |cells: &Vec<String>| {
            let quoted: Vec<_> = self.padded(cells).map(csv_cell).collect();
            quoted.join(",") + "\r\n"
        };
        std::iter::once(&self.headers).chain(&self.rows).map(line).collect()
    }

    /// A Markdown table; columns of numbers are aligned to the right.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let line = |cells: &Vec<String>| {
            let escaped: Vec<_> = self.padded(cells).map(markdown_cell).collect();
            format!("| {} |\n", escaped.join(" | "))
        };
        let rule: String = (0..self.columns())
            .map(|i| if self.is_numeric(i) { "---:|" } else { "---|" })
            .collect();
        let rows: String = self.rows.iter().map(line).collect();
        format!("{}|{rule}\n{rows}", line(&self.headers))
    }

    /// Columns padded with spaces, two between each; columns of numbers are aligned to the right.
    #[must_use]
    pub fn to_text(&self) -> String {
        let lines: Vec<Vec<String>> = std::iter::once(&self.headers)
            .chain(&self.rows)
            .map(|cells| self.padded(cells).map(printable).collect())
            .collect();
        let widths: Vec<usize> = (0..self.columns())
            .map(|i| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0))
            .collect();
        let numeric: Vec<bool> = (0..self.columns()).map(|i| self.is_numeric(i)).collect();
        let mut text = String::new();
        for line in &lines {
            let cells: Vec<_> = line
                .iter()
                .zip(widths.iter().zip(&numeric))
                .map(
                    |(cell, (&width, &right))| {
                        if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
                    },
                )
                .collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        text
    }

    fn columns(&self) -> usize {
        self.rows.iter().map(Vec::len).chain([self.headers.len()]).max().unwrap_or(0)
    }

    fn padded<'a>(&self, cells: &'a [String]) -> impl Iterator<Item = &'a str> {
        cells.iter().map(String::as_str).chain(std::iter::repeat("")).take(self.columns())
    }

    /// Whether every cell of a column that holds something starts as a number does.
    fn is_numeric(&self, column: usize) -> bool {
        let mut cells =
            self.rows.iter().filter_map(|row| row.get(column)).filter(|c| !c.is_empty());
        let numeric = |cell: &String| {
            let digits = cell.trim_start_matches(['-', '–', '<', '≥', '~', '±', ' ']);
            digits.is_empty() || digits.starts_with(|c: char| c.is_ascii_digit())
        };
        cells.clone().next().is_some() && cells.all(numeric)
    }
}

fn csv_cell(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

fn markdown_cell(cell: &str) -> String {
    printable(cell).replace('\\', "\\\\").replace('|', "\\|")
}

/// Names come out of model files, so a control character (a line break, a terminal's escape) must
/// not reach a line of output.
fn printable(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { '�' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn slices() -> Table {
        let mut table = Table::new(["slice", "nodes", "prove"]);
        table.push(["1", "conv, \"a\"|b", "12.3 s"]);
        table.push(["20", "relu\u{1b}[31m", ""]);
        table
    }

    #[test]
    fn csv_quotes_what_it_must() {
        expect![[r#"
            slice,nodes,prove
            1,"conv, ""a""|b",12.3 s
            20,relu[31m,
        "#]]
        .assert_eq(&slices().to_csv().replace(['\r', '\u{1b}'], ""));
    }

    #[test]
    fn markdown_aligns_numbers_and_escapes_bars() {
        expect![[r#"
            | slice | nodes | prove |
            |---:|---|---:|
            | 1 | conv, "a"\|b | 12.3 s |
            | 20 | relu�[31m |  |
        "#]]
        .assert_eq(&slices().to_markdown());
    }

    #[test]
    fn text_lines_up() {
        expect![[r#"
            slice  nodes         prove
                1  conv, "a"|b  12.3 s
               20  relu�[31m
        "#]]
        .assert_eq(&slices().to_text());
    }

    #[test]
    fn ragged_rows_are_padded() {
        let mut table = Table::new(["a"]);
        table.push(["x", "y"]);
        table.push(Vec::<String>::new());
        assert_eq!(table.to_csv(), "a,\r\nx,y\r\n,\r\n");
        assert_eq!(Table::default().to_text(), "\n");
    }
}
