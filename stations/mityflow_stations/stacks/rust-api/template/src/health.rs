//! The health check, for load balancers and containers.

use axum::{Json, Router, routing::get};
use serde::Serialize;

/// What a healthy service answers.
#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
}

/// The routes of the health check.
pub fn router() -> Router {
    Router::new().route("{{ health_path }}", get(health))
}

/// Answers as long as the service can answer at all.
async fn health() -> Json<Health> {
    Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}
