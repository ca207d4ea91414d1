//! The keys of this node: one signs tokens, and is what other nodes know this one by; another may be about to replace it.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use holdfast_storage::files::Files;
use holdfast_storage::identity::Identity;
use tokio::sync::{Mutex, MutexGuard, watch};

use crate::runtime::Placement;

/// The public half of a node's Ed25519 key.
pub(crate) type PublicKey = [u8; 32];

/// A key of this node.
pub struct OwnKey {
    /// The key.
    pub signing_key: SigningKey,
    /// Which of the node's keys it is.
    pub generation: u32,
}

impl OwnKey {
    pub(crate) fn of(identity: &Identity) -> Self {
        let signing_key = SigningKey::from_bytes(&identity.secret_key);
        Self { signing_key, generation: identity.key_generation }
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        self.signing_key.verifying_key().to_bytes()
    }
}

/// Leaves the secret out.
impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnKey").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// Tells which key is in use.
pub(crate) type KeyInUse = watch::Receiver<Arc<OwnKey>>;

type Writing = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// The keys of this node, and the file that keeps them.
pub(crate) struct KeyRing {
    in_use: watch::Sender<Arc<OwnKey>>,
    /// As it is on the disk. Whoever changes keys holds it.
    identity: Mutex<Identity>,
    write: Box<dyn Fn(Identity) -> Writing + Send + Sync>,
}

impl KeyRing {
    pub(crate) fn new<F: Files>(
        identity: Identity,
        in_use: watch::Sender<Arc<OwnKey>>,
        files: F,
        path: PathBuf,
        placement: Placement,
    ) -> Self {
        let write = move |identity: Identity| -> Writing {
            let (files, path) = (files.clone(), path.clone());
            Box::pin(async move {
                let written = async move { identity.write(&files, &path).await.map_err(io::Error::other) };
                placement.run("identity", written).await?
            })
        };
        Self { in_use, identity: Mutex::new(identity), write: Box::new(write) }
    }

    pub(crate) fn in_use(&self) -> Arc<OwnKey> {
        self.in_use.borrow().clone()
    }

    pub(crate) fn watch(&self) -> KeyInUse {
        self.in_use.subscribe()
    }

    /// The keys, for whoever changes them: one at a time.
    pub(crate) async fn hold(&self) -> HeldKeys<'_> {
        HeldKeys { ring: self, identity: self.identity.lock().await }
    }
}

/// The keys while they are changed.
pub(crate) struct HeldKeys<'a> {
    ring: &'a KeyRing,
    identity: MutexGuard<'a, Identity>,
}

impl HeldKeys<'_> {
    /// The key that is to replace the one in use, if a change is under way.
    pub(crate) fn next(&self) -> Option<OwnKey> {
        let signing_key = SigningKey::from_bytes(self.identity.next_key.as_ref()?);
        Some(OwnKey { signing_key, generation: self.identity.key_generation.saturating_add(1) })
    }

    /// Keeps the key that is to replace the one in use, before anybody hears of it.
    pub(crate) async fn prepare(&mut self, secret_key: [u8; 32]) -> io::Result<()> {
        let changed = Identity { next_key: Some(secret_key), ..self.identity.clone() };
        self.keep(changed).await
    }

    /// Takes the next key into use, and forgets the secret of the one before.
    pub(crate) async fn advance(&mut self) -> io::Result<()> {
        let Some(secret_key) = self.identity.next_key else { return Ok(()) };
        let key_generation = self.identity.key_generation.saturating_add(1);
        let changed = Identity { secret_key, key_generation, next_key: None, ..self.identity.clone() };
        self.keep(changed).await?;
        self.ring.in_use.send_replace(Arc::new(OwnKey::of(&self.identity)));
        Ok(())
    }

    async fn keep(&mut self, identity: Identity) -> io::Result<()> {
        (self.ring.write)(identity.clone()).await?;
        *self.identity = identity;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use holdfast_storage::simulated::SimulatedDisk;

    use super::*;

    #[tokio::test]
    async fn a_key_is_on_the_disk_before_it_is_used_and_after() {
        let (disk, path) = (SimulatedDisk::new(1), PathBuf::from("/identity"));
        let identity = Identity::new([1; 32]);
        let (in_use, _) = watch::channel(Arc::new(OwnKey::of(&identity)));
        let ring = KeyRing::new(identity, in_use, disk.clone(), path.clone(), Placement::Tasks);
        let on_disk = async || Identity::read(&disk, &path).await.unwrap().unwrap();

        let mut held = ring.hold().await;
        held.prepare([2; 32]).await.unwrap();
        assert_eq!((on_disk().await.secret_key, on_disk().await.next_key), ([1; 32], Some([2; 32])));
        assert_eq!(ring.in_use().generation, 1);
        assert_eq!(held.next().map(|key| (key.generation, key.signing_key.to_bytes())), Some((2, [2; 32])));
        held.advance().await.unwrap();
        let kept = on_disk().await;
        assert_eq!((kept.secret_key, kept.key_generation, kept.next_key), ([2; 32], 2, None));
        assert_eq!(ring.in_use().signing_key.to_bytes(), [2; 32]);
        held.advance().await.unwrap();
        assert_eq!(ring.in_use().generation, 2, "there is no other");
    }
}
