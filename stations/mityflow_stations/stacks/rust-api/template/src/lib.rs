//! {{ app_name_title }}.

pub mod health;
pub mod items;
pub mod settings;

use axum::Router;
use tower_http::trace::TraceLayer;

/// The application: its parts put together, with a store of its own.
pub fn app() -> Router {
    Router::new()
        .merge(health::router())
        .merge(items::router())
        .layer(TraceLayer::new_for_http())
}
