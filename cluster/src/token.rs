//! `holdfast cluster token`.

use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::output::{OutputFormat, print_line};
use crate::target::Target;

/// Which cluster, for how long, and how to print.
#[derive(Debug, Args)]
pub struct TokenArguments {
    /// How long the token lets nodes in, for instance 30m or 12h; a week at most
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = seconds)]
    ttl: u64,
    #[command(flatten)]
    target: Target,
}

fn seconds(text: &str) -> Result<u64, String> {
    let duration: jiff::SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    u64::try_from(duration.as_secs()).map_err(|_| "it is negative".to_owned())
}

pub(crate) async fn run(arguments: &TokenArguments) -> Result<(), Failure> {
    let api = arguments.target.api()?;
    let made = api.post("/v1/cluster/tokens", json!({"ttlSeconds": arguments.ttl})).await?;
    match arguments.target.output {
        OutputFormat::Json => print_line(&made.to_string()),
        OutputFormat::Table => {
            print_line(made["token"].as_str().unwrap_or_default());
            let expires_at = made["expiresAt"].as_str().unwrap_or_default();
            eprintln!(
                "A secret until {expires_at}. On the new machine: holdfast start --data-dir DIR --join HOST:PORT \
                 --join-token-file FILE"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_said_as_people_say_it() {
        assert_eq!([seconds("1h"), seconds("90m"), seconds("1h 30m")], [Ok(3600), Ok(5400), Ok(5400)]);
        assert!(seconds("-1h").is_err() && seconds("soon").is_err() && seconds("").is_err());
    }
}
