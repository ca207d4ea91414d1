//! Runs what blocks for long on a thread of its own.

use futures_channel::oneshot;
use holdfast_storage::engine::{EngineError, EngineFuture};

/// Starts `work` at once; the future completes when it is done.
pub(crate) fn run<'a>(work: impl FnOnce() -> Result<(), EngineError> + Send + 'static) -> EngineFuture<'a> {
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("rows".to_owned());
    let spawned = thread.spawn(move || drop(sender.send(work())));
    Box::pin(async move {
        spawned.map_err(|cause| EngineError { doing: "start a thread", cause: cause.to_string() })?;
        let gone = |_| EngineError { doing: "finish", cause: "the thread that did it is gone".to_owned() };
        receiver.await.map_err(gone)?
    })
}
