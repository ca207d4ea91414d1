//! Bodies of calls: read whole, within a length, a time, and the room there is for all of them together.

use std::ops::Deref;
use std::sync::Arc;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::problem::{Problem, Result};

/// Bytes of all bodies that are in memory; beyond this the answer is "overloaded".
const ROOM_BYTES: usize = 256 << 20;

/// The room for bodies.
pub(crate) struct Bodies {
    room: Arc<Semaphore>,
}

/// A body, which takes its room until it is dropped.
pub(crate) struct Buffered {
    bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl Deref for Buffered {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    pub(crate) fn new() -> Self {
        Self::with_room(ROOM_BYTES)
    }

    fn with_room(bytes: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(bytes)) }
    }

    /// A body of at most `length_max` bytes that arrives until `deadline`.
    pub(crate) async fn read(&self, body: Body, length_max: usize, deadline: Instant) -> Result<Buffered> {
        let read = timeout_at(deadline, self.collect(body, length_max)).await;
        read.unwrap_or_else(|_| Err(too_slow()))
    }

    async fn collect(&self, body: Body, length_max: usize) -> Result<Buffered> {
        let mut chunks = body.into_data_stream();
        let (mut bytes, mut room) = (BytesMut::new(), None::<OwnedSemaphorePermit>);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Problem::malformed("the body ended before it was whole"))?;
            let length = u32::try_from(chunk.len()).map_err(|_| too_large(length_max))?;
            if bytes.len() + chunk.len() > length_max {
                return Err(too_large(length_max));
            }
            let taken = self.room.clone().try_acquire_many_owned(length).map_err(|_| no_room())?;
            match &mut room {
                Some(room) => room.merge(taken),
                None => room = Some(taken),
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Buffered { bytes: bytes.freeze(), _room: room })
    }
}

pub(super) fn too_large(length_max: usize) -> Problem {
    Problem::new(413, "too_large", format!("the body is larger than {length_max} bytes"))
}

fn too_slow() -> Problem {
    Problem::new(408, "too_slow", "the body did not arrive in time; nothing was done")
}

fn no_room() -> Problem {
    Problem::overloaded("too many bodies are being read; nothing was done")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::stream;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// A body that comes one chunk a second.
    fn dripping(chunks: usize) -> Body {
        Body::from_stream(stream::iter(0..chunks).then(|_| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, std::convert::Infallible>("four")
        }))
    }

    async fn read(bodies: &Bodies, body: Body) -> std::result::Result<Vec<u8>, (u16, &'static str)> {
        let read = bodies.read(body, 16, Instant::now() + PATIENCE).await;
        read.map(|body| body.to_vec()).map_err(|problem| (problem.status, problem.code))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_whole_in_time_and_not_too_long() {
        let bodies = Bodies::new();
        assert_eq!(read(&bodies, Body::empty()).await, Ok(Vec::new()));
        assert_eq!(read(&bodies, dripping(4)).await, Ok(b"fourfourfourfour".to_vec()));
        assert_eq!(read(&bodies, Body::from("seventeen letters")).await, Err((413, "too_large")));
        assert_eq!(read(&bodies, dripping(9)).await, Err((413, "too_large")));
        let broken = stream::iter([Ok("four"), Err(std::io::Error::other("gone"))]);
        assert_eq!(read(&bodies, Body::from_stream(broken)).await, Err((400, "malformed")));
        let never = stream::pending::<std::result::Result<Bytes, std::convert::Infallible>>();
        let started_at = Instant::now();
        assert_eq!(read(&bodies, Body::from_stream(never)).await, Err((408, "too_slow")));
        assert_eq!(started_at.elapsed().as_secs(), PATIENCE.as_secs());
        assert_eq!(bodies.room.available_permits(), ROOM_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn all_bodies_together_have_so_much_room() {
        let bodies = Bodies::with_room(20);
        let deadline = Instant::now() + PATIENCE;
        let first = bodies.read(dripping(4), 16, deadline).await.ok().unwrap();
        assert_eq!(read(&bodies, Body::from("12345")).await, Err((503, "overloaded")));
        assert_eq!(read(&bodies, Body::from("1234")).await, Ok(b"1234".to_vec()));
        drop(first);
        assert_eq!(read(&bodies, Body::from("12345")).await, Ok(b"12345".to_vec()));
    }
}
