//! Entrance codes: a token that says which booking is at the gate, drawn as a QR image by any node, at a URL that is
//! signed and expires. The image is a pure function of the token; nothing is stored or uploaded.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signature;
use fast_qr::qr::QRBuilder;
use fast_qr::{ECL, QRCode};
use holdfast_reservations::{BookingId, Timestamp, ValidNodeKey};
use tokio::time::Instant;

use crate::accounts::keys::{KeyId, Keys};
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
}

/// What an image is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Svg,
}

impl Codes {
    pub(crate) fn new(keys: Arc<Keys>, cluster: String) -> Self {
        Self { keys, cluster }
    }

    /// The path and query of a booking's image, valid for ten minutes; none that other nodes could not verify.
    pub(crate) fn path(&self, booking: BookingId, now: Timestamp) -> Result<String> {
        self.keys.check_published()?;
        let token = self.token(booking);
        let expires = (now.0 / 1000).saturating_add(URL_SECONDS);
        let signature = self.sign(&url_message(&self.cluster, &token, expires));
        Ok(format!("/q/{token}.png?exp={expires}&sig={signature}"))
    }

    /// The image at a URL.
    pub(crate) async fn image(
        &self,
        token: &str,
        format: Format,
        expires: u64,
        signature: &str,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Vec<u8>> {
        let refused = || Problem::new(403, "bad_signature", "the URL is not signed by this cluster");
        if token.len() > TOKEN_BYTES_MAX {
            return Err(refused());
        }
        let message = url_message(&self.cluster, token, expires);
        let issued_at = Timestamp(expires.saturating_sub(URL_SECONDS).saturating_mul(1000));
        let key = self.signed_by(&message, signature, deadline).await?;
        if !key.is_some_and(|key| key.was_in_use_at(issued_at)) {
            return Err(refused());
        }
        if now.0 / 1000 >= expires {
            return Err(Problem::new(410, "expired", "the URL has expired; ask for another"));
        }
        let undrawable = |_| Problem::new(500, "internal", "the code cannot be drawn");
        let code = QRBuilder::new(token).ecl(ECL::M).build().map_err(undrawable)?;
        match format {
            Format::Svg => Ok(fast_qr::convert::svg::SvgBuilder::default().to_str(&code).into_bytes()),
            Format::Png => {
                draw_png(&code).map_err(|_| Problem::new(500, "internal", "the code cannot be drawn"))
            }
        }
    }

    /// What the gate reads: the booking, signed, so that nobody can make one up.
    fn token(&self, booking: BookingId) -> String {
        let message = format!("holdfast-code:1:{}:{}", self.cluster, booking.0);
        format!("HF1.{}.{}", booking.0, self.sign(&message))
    }

    fn sign(&self, message: &str) -> String {
        let signer = self.keys.signer();
        let signature = signer.sign(message.as_bytes());
        format!("{}.{}", signer.id, URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    async fn signed_by(
        &self,
        message: &str,
        signature: &str,
        deadline: Instant,
    ) -> Result<Option<ValidNodeKey>> {
        let Some((key, signature)) = signature.split_once('.') else { return Ok(None) };
        let Ok(key) = key.parse::<KeyId>() else { return Ok(None) };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return Ok(None) };
        let Ok(signature) = Signature::from_slice(&signature) else { return Ok(None) };
        self.keys.verify(key, message.as_bytes(), &signature, deadline).await
    }
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
