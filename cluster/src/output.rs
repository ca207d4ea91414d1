//! How verbs print: data on stdout, as a table or as JSON; talk on stderr.

use clap::ValueEnum;
use serde_json::Value;

/// How a verb prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Prints objects: as a JSON array, or the named fields as columns.
pub fn print_rows(rows: &[Value], columns: &[&str], format: OutputFormat) {
    match format {
        OutputFormat::Json => print_line(&Value::Array(rows.to_vec()).to_string()),
        OutputFormat::Table => print_table(rows, columns),
    }
}

/// Prints one line of data.
#[expect(clippy::print_stdout, reason = "printing is what verbs are for")]
pub(crate) fn print_line(line: &str) {
    println!("{line}");
}

fn print_table(rows: &[Value], columns: &[&str]) {
    let cell = |row: &Value, column: &str| match row.get(column) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let width = |column: &&str| {
        let cells = rows.iter().map(|row| cell(row, column).chars().count());
        cells.max().unwrap_or(0).max(column.len())
    };
    let widths: Vec<usize> = columns.iter().map(width).collect();
    let line = |cells: Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        print_line(padded.collect::<Vec<_>>().join("  ").trim_end());
    };
    line(columns.iter().map(|column| column.to_uppercase()).collect());
    for row in rows {
        line(columns.iter().map(|column| cell(row, column)).collect());
    }
}
