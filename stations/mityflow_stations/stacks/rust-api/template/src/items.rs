//! Items: an example resource, kept in memory. Put a database behind the store to keep them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

const LONGEST_NAME: usize = 100;

/// What a client sends.
#[derive(Clone, Deserialize)]
struct NewItem {
    name: String,
    #[serde(default = "one")]
    quantity: u32,
}

/// An item that is stored.
#[derive(Clone, Serialize)]
struct Item {
    id: u64,
    name: String,
    quantity: u32,
}

/// Items by number. Numbers are never used again.
#[derive(Default)]
struct Items {
    by_id: BTreeMap<u64, Item>,
    last_id: u64,
}

type Store = Arc<Mutex<Items>>;

/// Why a request cannot be served.
enum Failure {
    NotFound,
    WrongName,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "there is no such item"),
            Self::WrongName => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "the name must have 1 to 100 characters",
            ),
        };
        (status, Json(Error { error })).into_response()
    }
}

/// An error as clients see it.
#[derive(Serialize)]
struct Error {
    error: &'static str,
}

/// The routes of the items, with a store of their own.
pub fn router() -> Router {
    Router::new()
        .route("/items", get(list).post(add))
        .route("/items/{id}", get(find).put(replace).delete(remove))
        .with_state(Store::default())
}

async fn list(State(store): State<Store>) -> Json<Vec<Item>> {
    Json(locked(&store).by_id.values().cloned().collect())
}

async fn add(
    State(store): State<Store>,
    Json(new): Json<NewItem>,
) -> Result<impl IntoResponse, Failure> {
    let new = valid(new)?;
    let mut items = locked(&store);
    items.last_id += 1;
    let item = stored(items.last_id, new);
    items.by_id.insert(item.id, item.clone());
    let location = [(header::LOCATION, format!("/items/{}", item.id))];
    Ok((StatusCode::CREATED, location, Json(item)))
}

async fn find(State(store): State<Store>, Path(id): Path<u64>) -> Result<Json<Item>, Failure> {
    let item = locked(&store).by_id.get(&id).cloned();
    item.map(Json).ok_or(Failure::NotFound)
}

async fn replace(
    State(store): State<Store>,
    Path(id): Path<u64>,
    Json(new): Json<NewItem>,
) -> Result<Json<Item>, Failure> {
    let new = valid(new)?;
    let mut items = locked(&store);
    let place = items.by_id.get_mut(&id).ok_or(Failure::NotFound)?;
    *place = stored(id, new);
    Ok(Json(place.clone()))
}

async fn remove(State(store): State<Store>, Path(id): Path<u64>) -> Result<StatusCode, Failure> {
    let removed = locked(&store).by_id.remove(&id);
    removed.map_or(Err(Failure::NotFound), |_| Ok(StatusCode::NO_CONTENT))
}

fn stored(id: u64, new: NewItem) -> Item {
    Item {
        id,
        name: new.name,
        quantity: new.quantity,
    }
}

fn valid(new: NewItem) -> Result<NewItem, Failure> {
    let length = new.name.chars().count();
    if (1..=LONGEST_NAME).contains(&length) {
        Ok(new)
    } else {
        Err(Failure::WrongName)
    }
}

/// The store, also when a request panicked while it had it: each change of it is one step.
fn locked(store: &Store) -> MutexGuard<'_, Items> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

const fn one() -> u32 {
    1
}
