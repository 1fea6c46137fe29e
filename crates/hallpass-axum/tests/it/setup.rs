//! Mistakes in the list of tools are found when the service starts, and the first one is named.

use axum::http::Method;
use hallpass_axum::Tools;

use crate::world::{World, nothing};

fn error(tools: impl FnOnce(Tools) -> Tools) -> String {
    let world = World::new();
    let router = tools(Tools::new(world.verifier.clone())).into_router();
    router.unwrap_err().to_string()
}

#[test]
fn what_cannot_be_added_is_said() {
    let twice = error(|tools| tools.tool("kb.search", nothing).tool("kb.search", nothing));
    assert_eq!(twice, "tool `kb.search` is added twice");
    for name in [
        "",
        "search",
        "KB.Search",
        "kb.search ",
        "kb/search",
        "kb..search",
    ] {
        let invalid = error(|tools| tools.tool(name, nothing));
        assert!(
            invalid.starts_with(&format!("`{name}` is no tool name: ")),
            "{invalid}"
        );
    }
    let nobody = error(|tools| tools.rest(Method::GET, "/kb", "kb.search"));
    assert_eq!(nobody, "`/kb` is mapped to `kb.search`, which is not added");
    let mapped = error(|tools| {
        tools
            .tool("kb.search", nothing)
            .tool("kb.read", nothing)
            .rest(Method::GET, "/kb", "kb.search")
            .rest(Method::GET, "/kb", "kb.read")
    });
    assert_eq!(mapped, "`GET /kb` is mapped twice");
}

#[test]
fn the_first_mistake_is_the_one_that_is_named() {
    let first = error(|tools| {
        tools
            .tool("search", nothing)
            .rest(Method::GET, "/kb", "kb.read")
    });
    assert!(first.starts_with("`search` is no tool name"), "{first}");
}

#[test]
fn one_path_takes_several_methods() {
    let world = World::new();
    let tools = Tools::new(world.verifier.clone())
        .tool("kb.search", nothing)
        .tool("kb.write", nothing)
        .rest(Method::GET, "/kb/{id}", "kb.search")
        .rest(Method::PUT, "/kb/{id}", "kb.write");
    assert!(tools.into_router().is_ok());
}
