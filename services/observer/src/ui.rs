//! The web UI, carried in the binary.
//!
//! It is built by `make ui` into `ui/dist`, which is not kept in the repository; cargo never runs npm.
//! Without it, one page says how to build it. Nothing that a page loads comes from elsewhere.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{Embed, EmbeddedFile};

use crate::api::error::Error;

/// The one page of the UI, which shows all its places.
const INDEX: &str = "index.html";
/// First parts of the paths that are places in the UI.
const PLACES: [&str; 6] = ["", "flows", "find", "e", "trace", "services"];
/// Files with a hash in their names, which never change.
const HASHED: &str = "assets/";
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <title>Quadrille</title><h1>The web UI is not built</h1>\
    <p>Run <code>make ui</code>, and build this program again. The API is there without it: \
    <a href=\"/api/flows\">/api/flows</a>, <a href=\"/api/openapi.json\">/api/openapi.json</a>.</p>";

#[derive(Embed)]
#[folder = "ui/dist"]
struct Dist;

/// The routes: every path that nobody else serves.
pub fn router() -> Router {
    Router::new()
        .route("/", get(page))
        .route("/{*path}", get(page))
}

async fn page(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let known = request.headers().get(header::IF_NONE_MATCH);
    if let Some(file) = Dist::get(path) {
        return answer(path, &file, known);
    }
    let place = path.split('/').next().unwrap_or_default();
    if !PLACES.contains(&place) {
        let error = format!("there is nothing at /{path}");
        let mend = "see / for a page, and /api/openapi.json";
        return Error::new(StatusCode::NOT_FOUND, error, mend).into_response();
    }
    match Dist::get(INDEX) {
        Some(file) => answer(INDEX, &file, known),
        None => {
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CONTENT_SECURITY_POLICY, POLICY),
            ];
            (StatusCode::SERVICE_UNAVAILABLE, headers, NOT_BUILT).into_response()
        }
    }
}

fn answer(path: &str, file: &EmbeddedFile, known: Option<&HeaderValue>) -> Response {
    let hash: String = file
        .metadata
        .sha256_hash()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let tag = format!("\"{}\"", &hash[..32]);
    let cache = match path.starts_with(HASHED) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let headers = [
        (header::CONTENT_TYPE, file.metadata.mimetype().to_owned()),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::ETAG, tag.clone()),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.data.to_vec()).into_response()
}
