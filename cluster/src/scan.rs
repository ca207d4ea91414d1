//! `holdfast scan`: a gate without a network. Verifies codes with the keys of a file, and remembers which it let in.

mod input;
mod used;

use std::fs;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use clap::Args;
use holdfast_codes::{Code, Gate, Keyring, Refusal, RevokedList};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{OutputFormat, print_line};
use used::{Used, UsedCodes};

/// Which codes, what is known, and how to judge.
#[derive(Debug, Args)]
pub struct ScanArguments {
    /// Codes, or URLs of their images [default: one a line from standard input]
    #[arg(value_name = "CODE")]
    codes: Vec<String>,
    /// The saved answer of GET /v1/keys
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// The saved list of revoked codes; given more than once, its pages in their order
    #[arg(long, value_name = "FILE")]
    revoked: Vec<PathBuf>,
    /// Where to note whom was let in, made if it is not there: a booking is let in once
    #[arg(long, value_name = "FILE")]
    used: Option<PathBuf>,
    /// What to call this scanner in the file of used codes
    #[arg(long, value_name = "NAME", default_value = "scanner", value_parser = used::name)]
    scanner: String,
    /// The moment to judge by, for instance 2026-11-21T18:00:00Z [default: now]
    #[arg(long, value_name = "RFC3339")]
    at: Option<Timestamp>,
    /// Let in so long before a code is valid
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = milliseconds)]
    early: u64,
    /// Let in so long after a code was valid
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = milliseconds)]
    late: u64,
    /// How to print: a line a code either way
    #[arg(short, long, value_enum, default_value = "table")]
    output: OutputFormat,
}

/// What became of a scan.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Admitted(Code),
    AlreadyUsed(Code, Used),
    Refused(Refusal),
}

struct Scanner<'a> {
    arguments: &'a ScanArguments,
    keyring: Keyring,
    used: Option<UsedCodes>,
    refused: usize,
}

/// Judges codes, each with a line.
///
/// # Errors
///
/// [`Failure::Refused`] after the last one if any was refused, [`Failure::Usage`] for files that cannot be used.
pub fn scan(arguments: &ScanArguments) -> Result<(), Failure> {
    let mut scanner = Scanner::new(arguments)?;
    match arguments.codes.is_empty() {
        true => scanner.scan_lines(&mut std::io::stdin().lock())?,
        false => arguments.codes.iter().try_for_each(|code| scanner.scan(code))?,
    }
    match scanner.refused {
        0 => Ok(()),
        refused => Err(Failure::Refused(format!("codes that are not let in: {refused}"))),
    }
}

impl<'a> Scanner<'a> {
    fn new(arguments: &'a ScanArguments) -> Result<Self, Failure> {
        let keyring =
            Keyring::from_json(&read(&arguments.keys)?).map_err(|error| unusable(&arguments.keys, error))?;
        let pages = arguments.revoked.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        let revoked = RevokedList::from_pages(pages.iter().map(String::as_str))
            .map_err(|error| Failure::Usage(format!("--revoked: {error}")))?;
        let used = arguments.used.as_deref().map(UsedCodes::open).transpose()?;
        Ok(Self { arguments, keyring: keyring.with_revoked(revoked), used, refused: 0 })
    }

    fn scan_lines(&mut self, lines: &mut impl BufRead) -> Result<(), Failure> {
        while let Some(line) = input::next_line(lines)? {
            if !line.trim().is_empty() {
                self.scan(&line)?;
            }
        }
        Ok(())
    }

    fn scan(&mut self, line: &str) -> Result<(), Failure> {
        let verdict = self.judge(line, self.arguments.at.unwrap_or_else(Timestamp::now))?;
        self.refused += usize::from(!matches!(verdict, Verdict::Admitted(_)));
        match self.arguments.output {
            OutputFormat::Json => print_line(&verdict.to_json().to_string()),
            OutputFormat::Table => print_line(&verdict.to_line()),
        }
        Ok(())
    }

    /// An admission is on the disk before anybody hears of it.
    fn judge(&mut self, line: &str, now: Timestamp) -> Result<Verdict, Failure> {
        let ScanArguments { early, late, scanner, .. } = self.arguments;
        let now_ms = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let now = timestamp(now_ms).unwrap_or(now);
        let gate = Gate { now_ms, early_ms: *early, late_ms: *late };
        let code = match self.keyring.verify(input::code_in(line), gate) {
            Ok(code) => code,
            Err(refusal) => return Ok(Verdict::Refused(refusal)),
        };
        let Some(used) = &mut self.used else { return Ok(Verdict::Admitted(code)) };
        let first = used.admit(&code, Used { at: now, by: scanner.clone() })?;
        Ok(first.map_or(Verdict::Admitted(code), |first| Verdict::AlreadyUsed(code, first)))
    }
}

impl Verdict {
    fn to_line(&self) -> String {
        let about = |code: &Code| {
            let Code { booking, slot, party_size, .. } = code;
            format!("booking {booking}, slot {slot}, party of {party_size}")
        };
        match self {
            Self::Admitted(code) => format!("admitted  {}", about(code)),
            Self::AlreadyUsed(code, Used { at, by }) => {
                format!("refused   already_used: at {at} by {by} ({})", about(code))
            }
            Self::Refused(refusal) => match moment_of(refusal) {
                Some((_, at)) => format!("refused   {}: {refusal} ({at})", refusal.reason()),
                None => format!("refused   {}: {refusal}", refusal.reason()),
            },
        }
    }

    fn to_json(&self) -> Value {
        let with = |code: &Code, mut verdict: Value| {
            verdict["bookingId"] = code.booking.into();
            verdict["slotId"] = code.slot.into();
            verdict["venueId"] = code.venue.into();
            verdict["partySize"] = code.party_size.into();
            verdict["codeRevision"] = code.revision.into();
            verdict["kid"] = code.key.to_string().into();
            verdict["validFrom"] = instant(code.valid_from_ms);
            verdict["validUntil"] = instant(code.valid_until_ms);
            verdict
        };
        match self {
            Self::Admitted(code) => with(code, json!({"admitted": true})),
            Self::AlreadyUsed(code, Used { at, by }) => {
                let verdict = json!({"admitted": false, "reason": "already_used", "usedAt": at.to_string(), "usedBy": by});
                with(code, verdict)
            }
            Self::Refused(refusal) => {
                let message = refusal.to_string();
                let mut verdict = json!({"admitted": false, "reason": refusal.reason(), "message": message});
                if let Some((name, at)) = moment_of(refusal) {
                    verdict[name] = at.to_string().into();
                }
                verdict
            }
        }
    }
}

/// The moment that decided.
fn moment_of(refusal: &Refusal) -> Option<(&'static str, Timestamp)> {
    let (name, milliseconds) = match refusal {
        Refusal::TooEarly { valid_from_ms } => ("validFrom", *valid_from_ms),
        Refusal::TooLate { valid_until_ms } => ("validUntil", *valid_until_ms),
        Refusal::TooLong
        | Refusal::Malformed
        | Refusal::UnknownFormat
        | Refusal::NotCanonical
        | Refusal::WrongCluster
        | Refusal::UnknownKey(_)
        | Refusal::RevokedKey(_)
        | Refusal::BadSignature
        | Refusal::Revoked => return None,
    };
    Some((name, timestamp(milliseconds)?))
}

/// Null for what no calendar has.
fn instant(milliseconds: u64) -> Value {
    timestamp(milliseconds).map_or(Value::Null, |at| at.to_string().into())
}

fn timestamp(milliseconds: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(milliseconds).ok()?).ok()
}

fn milliseconds(text: &str) -> Result<u64, String> {
    let duration: SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    u64::try_from(duration.as_millis()).map_err(|_| "it is negative".to_owned())
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, error: impl ToString) -> Failure {
    Failure::Usage(format!("{}: {}", path.display(), error.to_string()))
}

#[cfg(test)]
mod tests;
