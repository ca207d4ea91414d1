//! Entrance codes: a token that says which party may enter, drawn as a QR image by any node, at a URL that is signed and
//! expires. Token and image are a pure function of what is agreed and of the node's key; nothing is stored or uploaded.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signature;
use fast_qr::qr::QRBuilder;
use fast_qr::{ECL, QRCode};
use holdfast_codes::{Code, Refusal, cluster_prefix, decode};
use holdfast_reservations::{BookingId, NodeKeyId, ScannedCode, SlotId, Timestamp, ValidNodeKey, VenueId};
use serde_json::json;
use tokio::time::Instant;

use crate::accounts::keys::{KeyId, Keys, Signer};
use crate::problem::{Problem, Result};

/// How long a URL is valid.
const URL_SECONDS: u64 = 600;

/// A longer token is none of ours.
const TOKEN_BYTES_MAX: usize = 256;

/// Pixels of one module of the PNG, and modules of white around it (ISO/IEC 18004 asks for four).
const MODULE_PIXELS: usize = 8;
const QUIET_MODULES: usize = 4;

/// Makes and checks codes.
#[derive(Clone)]
pub(crate) struct Codes {
    keys: Arc<Keys>,
    cluster: String,
    /// What codes call the cluster.
    prefix: u64,
}

/// What a code says of a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) booking: BookingId,
    pub(crate) venue: VenueId,
    pub(crate) slot: SlotId,
    pub(crate) count: u32,
    /// From when on, and until when, it is admitted.
    pub(crate) admitted: (Timestamp, Timestamp),
}

/// What an image is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Svg,
}

/// Where an image is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ImageUrl<'a> {
    pub(crate) token: &'a str,
    /// Until when the URL is valid, in seconds since 1970.
    pub(crate) expires: u64,
    /// The key that has signed the URL, and the signature.
    pub(crate) signature: &'a str,
}

impl Codes {
    pub(crate) fn new(keys: Arc<Keys>, cluster: u128, name: String) -> Self {
        Self { keys, cluster: name, prefix: cluster_prefix(cluster) }
    }

    /// The key to sign codes with; none that other nodes could not verify.
    pub(crate) fn signer(&self) -> Result<Signer> {
        self.keys.check_published()?;
        Ok(self.keys.signer())
    }

    /// The token of a party.
    pub(crate) fn token(&self, signer: &Signer, party: &Party, revision: u32) -> String {
        let (valid_from, valid_until) = party.admitted;
        let code = Code {
            key: signer.id,
            cluster: self.prefix,
            venue: party.venue.0,
            booking: party.booking.0,
            slot: party.slot.0,
            party_size: party.count,
            valid_from_ms: valid_from.0,
            valid_until_ms: valid_until.0,
            revision,
        };
        signer.code(&code)
    }

    /// The path and query of a token's image, valid for ten minutes, and until when.
    pub(crate) fn path(&self, signer: &Signer, token: &str, now: Timestamp) -> (String, Timestamp) {
        let expires_at = Timestamp((now.0 / 1000).saturating_add(URL_SECONDS).saturating_mul(1000));
        (self.path_until(signer, token, expires_at), expires_at)
    }

    /// As above, valid until a moment, in whole seconds.
    pub(crate) fn path_until(&self, signer: &Signer, token: &str, expires_at: Timestamp) -> String {
        let expires = expires_at.0 / 1000;
        let signature = sign(signer, &url_message(&self.cluster, token, expires));
        format!("/q/{token}.png?exp={expires}&sig={signature}")
    }

    /// What a token says of a booking, once it is known that a node of this cluster has signed it. Whether the code counts,
    /// the rules decide.
    pub(crate) async fn read(
        &self,
        token: &str,
        booking: BookingId,
        deadline: Instant,
    ) -> Result<ScannedCode> {
        let unverified = decode(token).map_err(bad_code)?;
        if unverified.claims().cluster != self.prefix {
            return Err(bad_code(Refusal::WrongCluster));
        }
        let id = unverified.key();
        let key =
            self.keys.published(id, deadline).await?.ok_or_else(|| bad_code(Refusal::UnknownKey(id)))?;
        let code = unverified.verify_with(&key).map_err(bad_code)?;
        if code.booking != booking.0 {
            let problem = Problem::new(422, "bad_code", "this is the code of another booking");
            return Err(problem.with("reason", json!("other_booking")));
        }
        let signer = NodeKeyId { node: id.node, generation: id.generation };
        Ok(ScannedCode { revision: code.revision, signer })
    }

    /// Makes sure that this cluster has signed a URL, and that it is in time.
    ///
    /// A URL does not say when it was signed: it is taken for one that is valid for ten minutes. If its key was not in use
    /// ten minutes before its end, it may be a thief's, or a long-lived link of a reminder. Such a one will do if its token is
    /// by the same key and its code counts; the answer is the code of which that is still to be seen. So a thief shows
    /// nothing that is not let in anyway, from ten minutes after the retirement on.
    pub(crate) async fn check_url(
        &self,
        url: &ImageUrl<'_>,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Option<(BookingId, ScannedCode)>> {
        let ImageUrl { token, expires, signature } = *url;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(unsigned());
        }
        let message = url_message(&self.cluster, token, expires);
        let (id, key) = self.signed_by(&message, signature, deadline).await?.ok_or_else(unsigned)?;
        if now.0 / 1000 >= expires {
            return Err(Problem::new(410, "expired", "the URL has expired; ask for another"));
        }
        let issued_at = Timestamp(expires.saturating_sub(URL_SECONDS).saturating_mul(1000));
        if key.was_in_use_at(issued_at) {
            return Ok(None);
        }
        let code = decode(token).ok().filter(|code| code.key() == id).ok_or_else(unsigned)?;
        let booking = BookingId(code.claims().booking);
        match self.read(token, booking, deadline).await {
            Ok(scanned) => Ok(Some((booking, scanned))),
            Err(problem) if problem.status == 422 => Err(unsigned()),
            Err(problem) => Err(problem),
        }
    }

    async fn signed_by(
        &self,
        message: &str,
        signature: &str,
        deadline: Instant,
    ) -> Result<Option<(KeyId, ValidNodeKey)>> {
        let Some((key, signature)) = signature.split_once('.') else { return Ok(None) };
        let Ok(key) = key.parse::<KeyId>() else { return Ok(None) };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return Ok(None) };
        let Ok(signature) = Signature::from_slice(&signature) else { return Ok(None) };
        let valid = self.keys.verify(key, message.as_bytes(), &signature, deadline).await?;
        Ok(valid.map(|valid| (key, valid)))
    }
}

/// Refuses a URL that this cluster has not signed, or not so.
pub(crate) fn unsigned() -> Problem {
    Problem::new(403, "bad_signature", "the URL is not signed by this cluster")
}

/// A token as an image.
pub(crate) fn draw(token: &str, format: Format) -> Result<Vec<u8>> {
    let undrawable = |_| Problem::new(500, "internal", "the code cannot be drawn");
    let code = QRBuilder::new(token).ecl(ECL::M).build().map_err(undrawable)?;
    match format {
        Format::Svg => Ok(fast_qr::convert::svg::SvgBuilder::default().to_str(&code).into_bytes()),
        Format::Png => draw_png(&code).map_err(|_| Problem::new(500, "internal", "the code cannot be drawn")),
    }
}

fn bad_code(refusal: Refusal) -> Problem {
    Problem::new(422, "bad_code", refusal.to_string()).with("reason", json!(refusal.reason()))
}

fn sign(signer: &Signer, message: &str) -> String {
    let signature = signer.sign(message.as_bytes());
    format!("{}.{}", signer.id, URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

/// The signature covers what is shown and until when; the format of the image is free.
fn url_message(cluster: &str, token: &str, expires: u64) -> String {
    format!("holdfast-url:1:{cluster}:{token}:{expires}")
}

fn draw_png(code: &QRCode) -> std::result::Result<Vec<u8>, png::EncodingError> {
    let side = (code.size + 2 * QUIET_MODULES) * MODULE_PIXELS;
    let is_dark = |x: usize, y: usize| {
        let module =
            |pixel: usize| (pixel / MODULE_PIXELS).checked_sub(QUIET_MODULES).filter(|at| *at < code.size);
        module(x).zip(module(y)).is_some_and(|(x, y)| code[y][x].value())
    };
    // One bit a pixel, most significant first; white is 1.
    let row_bytes = side.div_ceil(8);
    let mut pixels = vec![0xff; row_bytes * side];
    for (y, row) in pixels.chunks_mut(row_bytes).enumerate() {
        for x in (0..side).filter(|x| is_dark(*x, y)) {
            row[x / 8] &= !(0x80 >> (x % 8));
        }
    }
    let side = u32::try_from(side).unwrap_or(u32::MAX);
    let mut image = Vec::new();
    let mut encoder = png::Encoder::new(&mut image, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(image)
}
