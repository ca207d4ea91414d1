//! Keeps the certificate that clients are shown as new as its files.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use holdfast_facade::Metrics;
use holdfast_raft::net::{ClientTls, Reloaded};
use tokio::signal::unix::Signal;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Whoever renews certificates has this long before it is said that nobody does.
const WARNING_DURATION: Duration = Duration::from_secs(7 * 24 * 3600);

/// Looks at the files now and then, and when it is told to by SIGHUP.
pub(crate) async fn keep_new(tls: Arc<ClientTls>, metrics: Metrics, mut hangup: Signal) {
    note(&metrics, tls.expires_at());
    loop {
        let is_told = tokio::select! {
            () = tokio::time::sleep(LOOK_INTERVAL) => false,
            told = hangup.recv() => told.is_some(),
        };
        match tls.reload() {
            Reloaded::Unchanged if is_told => tracing::info!("the certificate is as it was"),
            Reloaded::Unchanged => (),
            Reloaded::Renewed(expires_at) => {
                tracing::info!("there is a new certificate; who connects from now on is shown it");
                note(&metrics, expires_at);
            }
            Reloaded::Refused(error) => {
                tracing::error!(%error, "the new certificate is of no use; the old one stays in use");
            }
        }
    }
}

fn note(metrics: &Metrics, expires_at: u64) {
    metrics.certificate_expires_at(expires_at);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    match expires_at.saturating_sub(now) {
        0 => tracing::error!("the certificate that clients are shown has expired"),
        left if left < WARNING_DURATION.as_secs() => {
            tracing::warn!(hours = left / 3600, "the certificate that clients are shown expires soon");
        }
        _ => (),
    }
}
