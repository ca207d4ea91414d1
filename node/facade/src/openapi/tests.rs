//! The description is of the API as it is: its routes, its roles, its codes, and the copy in `docs`.

mod fits;
mod scene;

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::{Method, StatusCode};
use expect_test::expect_file;
use serde_json::Value;

use self::scene::Scene;
use super::codes;
use super::document::{DOCUMENT, GROUPS};
use super::operation::{Caller, Operation};
use crate::access;
use crate::http;

fn document() -> Value {
    serde_json::from_str(&DOCUMENT).unwrap()
}

fn operations() -> Vec<Operation> {
    GROUPS.iter().flat_map(|group| (group.operations)()).collect()
}

#[test]
fn the_copy_in_docs_is_the_description() {
    expect_file!["../../../../docs/openapi.json"].assert_eq(&DOCUMENT);
}

/// Paths of the router, as it shows itself: axum has no list of them.
fn paths() -> BTreeSet<String> {
    let shown = format!("{:?}", http::routes());
    let shown = shown.split("fallback_router").next().unwrap();
    let ids = shown.split("RouteId(").skip(1).filter_map(|rest| rest.split_once("): \""));
    let paths =
        ids.filter(|(id, _)| id.parse::<u32>().is_ok()).filter_map(|(_, rest)| rest.split('"').next());
    let paths: BTreeSet<String> = paths.map(|path| path.replace("{*", "{")).collect();
    assert!(
        paths.contains("/livez") && paths.contains("/v1/policies/{scope}"),
        "axum shows routes otherwise: {shown}"
    );
    paths
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_described_and_nothing_else() {
    let scene = Scene::open().await;
    let mut routes = BTreeSet::new();
    for path in paths() {
        let response = scene.call(Method::TRACE, &scene::filled(&path), None).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = response.headers()["allow"].to_str().unwrap().to_lowercase();
        let methods = allowed.split(',').filter(|method| *method != "head");
        routes.extend(methods.map(|method| format!("{method} {path}")));
    }
    let described: Vec<String> =
        operations().iter().map(|operation| format!("{} {}", operation.method, operation.path)).collect();
    let set: BTreeSet<String> = described.iter().cloned().collect();
    assert_eq!(set.len(), described.len(), "a call is described twice");
    let routes_without: Vec<_> = routes.difference(&set).collect();
    let without_route: Vec<_> = set.difference(&routes).collect();
    assert!(routes_without.is_empty(), "describe them under openapi/: {routes_without:?}");
    assert!(without_route.is_empty(), "nothing serves them: {without_route:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_is_refused_as_described() {
    let scene = Scene::open().await;
    for operation in operations() {
        let method: Method = operation.method.to_uppercase().parse().unwrap();
        let path = scene::filled(operation.path);
        let name = format!("{method} {path}");
        let nobody = scene.call(method.clone(), &path, None).await.status();
        match operation.caller {
            Caller::Anybody => assert_ne!(nobody, StatusCode::UNAUTHORIZED, "{name}"),
            // Some look for who calls in the body first, and there is none.
            Caller::Declared => assert!(matches!(nobody.as_u16(), 400 | 401), "{name}: {nobody}"),
            Caller::SignedIn(endpoint) => {
                assert_eq!(nobody, StatusCode::UNAUTHORIZED, "{name}");
                let is_let_in = access::allows(endpoint, holdfast_reservations::Role::Guest);
                let guest = scene.call_as_guest(method, &path).await;
                assert_eq!(
                    scene::is_forbidden(guest).await,
                    !is_let_in,
                    "{name} is described as of another endpoint"
                );
            }
        }
    }
}

#[test]
fn every_code_in_our_sources_is_described() {
    let mut named = BTreeSet::new();
    scan(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut named);
    let described: BTreeSet<String> = codes::ALL.iter().map(|code| code.code.to_owned()).collect();
    // Told at the admin port; to whoever asks for what no path takes; and in a seed's own words.
    let elsewhere = ["operator_exists", "no_such_method"].map(str::to_owned);
    let missing: Vec<_> = named.difference(&described).filter(|code| !elsewhere.contains(code)).collect();
    assert!(named.len() > 60, "the sources say it otherwise: {named:?}");
    assert!(missing.is_empty(), "describe them in openapi/codes.rs: {missing:?}");
}

/// Codes as our sources name them.
fn scan(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("openapi") && !path.ends_with("tests") {
                scan(&path, into);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            let product = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            for opening in ["Problem::new(", "not_found(", "refused(", "moment(", "path_id("] {
                into.extend(product.split(opening).skip(1).filter_map(code_in));
            }
        }
    }
}

/// The first text among arguments, if it looks like a code.
fn code_in(arguments: &str) -> Option<String> {
    let end = arguments.find([';', '{']).unwrap_or(arguments.len());
    let text = arguments[..end].split('"').nth(1)?;
    let is_code =
        !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_lowercase() || letter == b'_');
    is_code.then(|| text.to_owned())
}

#[test]
fn every_example_fits_its_schema() {
    let document = document();
    let mut looked_at = 0;
    fits::examples(&document, &mut |place, example, schema| {
        looked_at += 1;
        if let Err(says) = fits::fits(&document, example, schema) {
            panic!("{place}: {says}");
        }
    });
    assert!(looked_at > 150, "{looked_at}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_needs_nobody_else() {
    let scene = Scene::open().await;
    let page = scene.text("/api").await;
    assert!(!page.contains("//"), "{page}");
    for part in page.split('"').filter(|text| text.starts_with("api/ui/")) {
        let response = scene.call(Method::GET, &format!("/{part}"), None).await;
        assert_eq!(response.status(), StatusCode::OK, "{part}");
    }
    assert!(scene.text("/api/ui/start.js").await.contains("validatorUrl: null"));
    assert_eq!(scene.text("/openapi.json").await, *DOCUMENT);
    assert_eq!(scene.text("/api-json").await, *DOCUMENT);
}
