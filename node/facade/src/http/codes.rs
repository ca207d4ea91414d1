//! The images of entrance codes.

use axum::extract::State;

use crate::codes::{Format, ImageUrl, unsigned};
use crate::http::path::Segment;
use crate::http::{Answer, Call, Reply};
use crate::problem::Problem;
use crate::service::Service;

/// What is drawn is always the same, and the URL is secret to its holder.
const CACHE: &str = "private, max-age=600";

pub(crate) async fn image(State(service): State<Service>, Segment(image): Segment, call: Call) -> Answer {
    let (token, format, content_type) = match image.rsplit_once('.') {
        Some((token, "png")) => (token, Format::Png, "image/png"),
        Some((token, "svg")) => (token, Format::Svg, "image/svg+xml"),
        Some(_) | None => return Err(Problem::new(404, "no_such_path", "images end in .png or .svg")),
    };
    let expires = call.query("exp")?.and_then(|text| text.parse().ok()).ok_or_else(unsigned)?;
    let signature = call.query("sig")?.ok_or_else(unsigned)?;
    let deadline = call.context.deadline;
    service.replica().recovered(deadline).await?;
    let url = ImageUrl { token, expires, signature: &signature };
    let image = service.image(&url, format, deadline).await?;
    Ok(Reply::bytes(image, content_type, CACHE))
}
