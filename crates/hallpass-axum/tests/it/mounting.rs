//! The router beside a service's own routes, and under a prefix.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use axum::routing::get;
use hallpass_axum::Tools;
use tower::ServiceExt as _;

use crate::world::{World, nothing};

/// Status, and whether there was a decision.
async fn answer(router: &Router, method: Method, path: &str) -> (u16, bool) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Body::from("{}"))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let decided = response.headers().contains_key("hallpass-decision");
    (response.status().as_u16(), decided)
}

#[tokio::test]
async fn a_services_own_routes_are_its_own() {
    let world = World::new();
    let tools = Tools::new(world.verifier.clone()).tool("kb.search", nothing);
    let router = tools
        .into_router()
        .unwrap()
        .route("/livez", get(async || "alive"));
    assert_eq!(answer(&router, Method::GET, "/livez").await, (200, false));
    assert_eq!(
        answer(&router, Method::POST, "/tools/kb.search").await,
        (401, true)
    );
    assert_eq!(
        answer(&router, Method::POST, "/elsewhere").await,
        (404, false)
    );
}

#[tokio::test]
async fn under_a_prefix_it_guards_as_well() {
    let world = World::new();
    let tools = Tools::new(world.verifier.clone())
        .tool("kb.search", nothing)
        .rest(Method::GET, "/kb", "kb.search");
    let router = Router::new().nest("/v2", tools.into_router().unwrap());
    assert_eq!(
        answer(&router, Method::POST, "/v2/tools/kb.search").await,
        (401, true)
    );
    assert_eq!(answer(&router, Method::GET, "/v2/kb").await, (401, true));
    assert_eq!(
        answer(&router, Method::POST, "/tools/kb.search").await,
        (404, false)
    );
}

#[tokio::test]
async fn a_name_without_a_handler_is_decided_and_not_looked_up() {
    let world = World::new();
    let router = Tools::new(world.verifier.clone()).into_router().unwrap();
    // Whether the service has the tool is nothing a stranger learns.
    assert_eq!(
        answer(&router, Method::POST, "/tools/kb.search").await,
        (401, true)
    );
}
