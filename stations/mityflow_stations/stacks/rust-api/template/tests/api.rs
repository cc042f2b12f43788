//! The application as its clients see it.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use {{ app_name_snake }}::app;

/// An answer: its status, its Location and its JSON, null for anything else.
struct Answer {
    status: StatusCode,
    location: String,
    json: Value,
}

async fn ask(app: &Router, method: Method, path: &str, body: Option<Value>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = body.map_or_else(Body::empty, |json| Body::from(json.to_string()));
    let response = app.clone().oneshot(request.body(body).unwrap()).await;
    let (head, body) = response.unwrap().into_parts();
    let location = head.headers.get(header::LOCATION);
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status,
        location: location.map_or("", |value| value.to_str().unwrap()).into(),
        json: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

async fn get(app: &Router, path: &str) -> Answer {
    ask(app, Method::GET, path, None).await
}

async fn post(app: &Router, item: Value) -> Answer {
    ask(app, Method::POST, "/items", Some(item)).await
}

#[tokio::test]
async fn health_answers_ok_and_the_version() {
    let answer = get(&app(), "{{ health_path }}").await;

    assert_eq!(answer.status, StatusCode::OK);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(answer.json, json!({"status": "ok", "version": version}));
}

#[tokio::test]
async fn there_are_no_items_at_first() {
    assert_eq!(get(&app(), "/items").await.json, json!([]));
}

#[tokio::test]
async fn an_added_item_can_be_found() {
    let app = app();

    let added = post(&app, json!({"name": "apple", "quantity": 3})).await;

    assert_eq!(added.status, StatusCode::CREATED);
    assert_eq!(get(&app, &added.location).await.json, added.json);
    let all = json!([{"id": 1, "name": "apple", "quantity": 3}]);
    assert_eq!(get(&app, "/items").await.json, all);
}

#[tokio::test]
async fn a_quantity_that_is_not_given_is_one() {
    let added = post(&app(), json!({"name": "apple"})).await;

    assert_eq!(added.json["quantity"], 1);
}

#[tokio::test]
async fn a_replaced_item_keeps_its_number() {
    let app = app();
    post(&app, json!({"name": "apple"})).await;

    let pear = Some(json!({"name": "pear", "quantity": 0}));
    let replaced = ask(&app, Method::PUT, "/items/1", pear).await;

    let wanted = json!({"id": 1, "name": "pear", "quantity": 0});
    assert_eq!(replaced.json, wanted);
    assert_eq!(get(&app, "/items/1").await.json, wanted);
}

#[tokio::test]
async fn a_removed_item_is_gone_and_its_number_is_not_used_again() {
    let app = app();
    post(&app, json!({"name": "apple"})).await;

    let removed = ask(&app, Method::DELETE, "/items/1", None).await;

    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&app, "/items/1").await.status, StatusCode::NOT_FOUND);
    assert_eq!(post(&app, json!({"name": "pear"})).await.json["id"], 2);
}

#[tokio::test]
async fn an_unknown_item_is_not_found() {
    let app = app();
    let item = || Some(json!({"name": "apple"}));

    for (method, body) in [
        (Method::GET, None),
        (Method::PUT, item()),
        (Method::DELETE, None),
    ] {
        let answer = ask(&app, method, "/items/7", body).await;

        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.json, json!({"error": "there is no such item"}));
    }
}

#[tokio::test]
async fn a_wrong_item_is_refused() {
    let app = app();

    for item in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "x".repeat(101)}),
        json!({"name": "apple", "quantity": -1}),
    ] {
        let answer = post(&app, item).await;

        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}
