//! The four tools. Each takes a guarded call; the tenant comes from its permit, never from its arguments.

use axum::Router;
use axum::http::Method;
use hallpass_axum::{Guarded, ToolFailure, Tools, ToolsError};
use hallpass_verifier::{JournalledArguments, Verifier};
use hallpass_vocabulary::{InvalidName, InvalidPointer, InvalidPointers, Pointers};
use serde_json::{Value, json};

use crate::store::{Store, Ticket};

/// The most articles one search answers with.
const ARTICLES_PER_SEARCH_MAX: i64 = 25;

/// The longest note, in characters.
const NOTE_CHARS_MAX: usize = 2_000;

/// The service's router: every tool behind the verifier.
///
/// # Errors
/// When a tool's name is none: a mistake in this file.
pub fn router(verifier: Verifier, store: Store) -> Result<Router, ToolsError> {
    Tools::new(verifier)
        .tool("kb.search", over(&store, search))
        .tool("tickets.get", over(&store, get))
        .tool("ticket.update", over(&store, update))
        .tool("ticket.close", over(&store, close))
        .rest(Method::GET, "/tickets/{id}", "tickets.get")
        .rest(Method::PATCH, "/tickets/{id}", "ticket.update")
        .into_router()
}

/// What the records of these tools show: which ticket was touched, so that its history can be looked up. What agents write
/// about customers is sensitive: whoever has the text can check which call brought it, until the key is erased.
///
/// # Errors
/// When a name or pointer is none: a mistake in this file.
pub fn journalled() -> Result<JournalledArguments, JournalledError> {
    let (get, update, close) = ("tickets.get", "ticket.update", "ticket.close");
    let mut journalled = JournalledArguments::none();
    for tool in [get, update, close] {
        journalled = journalled.recorded(&tool.parse()?, pointers("/id")?);
    }
    Ok(journalled
        .sensitive(&update.parse()?, pointers("/note")?)
        .sensitive(&close.parse()?, pointers("/reason")?))
}

fn pointers(pointer: &str) -> Result<Pointers, JournalledError> {
    Ok(Pointers::new([pointer.parse()?])?)
}

/// A mistake in the list of what records show.
#[derive(Debug, thiserror::Error)]
pub enum JournalledError {
    /// No list of pointers.
    #[error(transparent)]
    Pointers(#[from] InvalidPointers),
    /// No pointer.
    #[error(transparent)]
    Pointer(#[from] InvalidPointer),
    /// No tool.
    #[error(transparent)]
    Tool(#[from] InvalidName),
}

fn over<F>(
    store: &Store,
    tool: fn(Store, Guarded) -> F,
) -> impl Fn(Guarded) -> F + Send + Sync + 'static
where
    F: 'static,
{
    let store = store.clone();
    move |call| tool(store.clone(), call)
}

async fn search(store: Store, call: Guarded) -> Result<Value, ToolFailure> {
    let query = call.text("query")?.to_owned();
    let limit = call
        .integer_or("limit", ARTICLES_PER_SEARCH_MAX)?
        .clamp(1, ARTICLES_PER_SEARCH_MAX);
    let tenant = call.tenant().clone();
    let articles = blocking(move || store.search(&tenant, &query, limit)).await?;
    let articles: Vec<_> = articles
        .iter()
        .map(|article| json!({ "id": article.id, "title": article.title, "body": article.body }))
        .collect();
    Ok(json!({ "articles": articles }))
}

async fn get(store: Store, call: Guarded) -> Result<Value, ToolFailure> {
    let ticket = owned_ticket(&store, &call).await?;
    Ok(view(&ticket))
}

async fn update(store: Store, call: Guarded) -> Result<Value, ToolFailure> {
    let status = call.text("status")?.to_owned();
    if !["open", "pending"].contains(&status.as_str()) {
        return Err(ToolFailure::Invalid(
            "`status` must be `open` or `pending`".to_owned(),
        ));
    }
    let note = match call.arguments().member("note") {
        None => String::new(),
        Some(_) => call.text("note")?.to_owned(),
    };
    change(store, &call, status, note).await
}

async fn close(store: Store, call: Guarded) -> Result<Value, ToolFailure> {
    let reason = call.text("reason")?.to_owned();
    change(store, &call, "closed".to_owned(), reason).await
}

async fn change(
    store: Store,
    call: &Guarded,
    status: String,
    note: String,
) -> Result<Value, ToolFailure> {
    if note.chars().count() > NOTE_CHARS_MAX {
        return Err(ToolFailure::Invalid(format!(
            "a note has at most {NOTE_CHARS_MAX} characters"
        )));
    }
    let mut ticket = owned_ticket(&store, call).await?;
    let (tenant, id) = (ticket.tenant.clone(), ticket.id.clone());
    (ticket.status, ticket.note) = (status.clone(), note.clone());
    let changed = blocking(move || store.update(&tenant, &id, &status, &note)).await?;
    if changed {
        Ok(view(&ticket))
    } else {
        Err(ToolFailure::NotFound)
    }
}

/// The ticket the call names, once its row is known to belong to the permit's tenant. Another tenant's row reads as
/// absent to the caller and stands in the journal as what it was.
async fn owned_ticket(store: &Store, call: &Guarded) -> Result<Ticket, ToolFailure> {
    let id = call.text("id")?.to_owned();
    let store = store.clone();
    let ticket = blocking(move || store.ticket(&id))
        .await?
        .ok_or(ToolFailure::NotFound)?;
    call.owns(&ticket.tenant, None)?;
    Ok(ticket)
}

fn view(ticket: &Ticket) -> Value {
    json!({ "id": ticket.id, "title": ticket.title, "status": ticket.status, "note": ticket.note })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, ToolFailure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(ToolFailure::Broken(error.to_string())),
        Err(error) => Err(ToolFailure::Broken(error.to_string())),
    }
}
