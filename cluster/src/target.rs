//! Which cluster a verb is for, and how it prints.

use clap::Args;
use hyper::Method;
use serde_json::Value;

use crate::api::Api;
use crate::failure::Failure;
use crate::output::{OutputFormat, print_line, print_rows};
use crate::sign_in;

/// Rows of a page that a node gives at most.
const PAGE_ROWS_MAX: usize = 200;

/// Which cluster, and how to print.
#[derive(Clone, Debug, Args)]
pub struct Target {
    /// Client addresses of some nodes
    #[arg(
        long,
        value_name = "HOST:PORT,..",
        value_delimiter = ',',
        env = "HOLDFAST_ENDPOINTS",
        default_value = "127.0.0.1:3000"
    )]
    pub(crate) endpoints: Vec<String>,
    /// How to print
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: OutputFormat,
}

impl Target {
    /// The cluster, for whoever is signed in.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        Ok(Api { endpoints: self.endpoints.clone(), token: Some(sign_in::token()?) })
    }

    /// Makes a call that changes something, and gives its answer.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        self.api()?.call(method, path, body).await?.success()
    }

    /// The first `limit` rows of a list.
    pub(crate) async fn list(&self, path: &str, limit: usize) -> Result<Vec<Value>, Failure> {
        let api = self.api()?;
        let mut rows = Vec::new();
        let mut after = String::new();
        while rows.len() < limit {
            let page = (limit - rows.len()).min(PAGE_ROWS_MAX);
            let separator = if path.contains('?') { '&' } else { '?' };
            let answer = api.get(&format!("{path}{separator}limit={page}{after}")).await?;
            rows.extend(answer["items"].as_array().cloned().unwrap_or_default());
            match answer["next"].as_u64() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        Ok(rows)
    }

    /// Prints one object: as it is, or as a table of one row.
    pub(crate) fn print(&self, row: Value, columns: &[&str]) {
        match self.output {
            OutputFormat::Json => print_line(&row.to_string()),
            OutputFormat::Table => self.print_all(vec![row], columns),
        }
    }

    /// Prints many.
    pub(crate) fn print_all(&self, mut rows: Vec<Value>, columns: &[&str]) {
        if self.output == OutputFormat::Table {
            rows.iter_mut().for_each(shorten);
        }
        print_rows(&rows, columns, self.output);
    }
}

/// Makes what has parts fit into a cell: of a ban its reason, of secrets their numbers.
fn shorten(row: &mut Value) {
    if let Some(ban) = row.get("banned").and_then(Value::as_object) {
        row["banned"] = match ban.get("reason").and_then(Value::as_str) {
            None | Some("") => "yes".into(),
            Some(reason) => reason.into(),
        };
    }
    if let Some(secrets) = row.get("secrets").and_then(Value::as_array) {
        let numbers: Vec<String> = secrets.iter().map(|secret| secret["id"].to_string()).collect();
        row["secrets"] = numbers.join(",").into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_parts_fits_into_a_cell() {
        let short = |mut row: Value| {
            shorten(&mut row);
            row
        };
        assert_eq!(short(json!({"banned": {"reason": "fraud", "by": 1}})), json!({"banned": "fraud"}));
        assert_eq!(short(json!({"banned": {"reason": ""}})), json!({"banned": "yes"}));
        assert_eq!(short(json!({"id": 1, "banned": null})), json!({"id": 1, "banned": null}));
        assert_eq!(short(json!({"secrets": [{"id": 2}, {"id": 3}]})), json!({"secrets": "2,3"}));
    }
}
