//! The web service: customers join, and look at their points.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, SqlitePool};

use crate::events::loyalty::v1::CustomerJoined;
use crate::{BEGIN, Joining};

/// What the handlers share.
#[derive(Clone)]
pub struct Shared {
    /// The service's own database.
    pub pool: SqlitePool,
    /// Where customers join.
    pub joining: Joining,
}

/// Somebody who wants to join.
#[derive(Deserialize)]
struct Customer {
    id: String,
    name: String,
}

/// A customer who has joined.
#[derive(Serialize)]
struct Account {
    id: String,
    name: String,
    points: i64,
}

type Answer<T> = Result<T, (StatusCode, String)>;

/// `POST /customers` and `GET /customers/{id}`.
pub fn router(shared: Shared) -> Router {
    Router::new()
        .route("/customers", post(join))
        .route("/customers/{id}", get(account))
        .with_state(shared)
}

async fn join(State(shared): State<Shared>, Json(customer): Json<Customer>) -> Answer<StatusCode> {
    let mut tx = shared.pool.begin_with(BEGIN).await.map_err(down)?;
    let added = sqlx::query("insert into customer values (?, ?, 0) on conflict do nothing")
        .bind(&customer.id)
        .bind(&customer.name)
        .execute(&mut *tx)
        .await
        .map_err(down)?;
    if added.rows_affected() == 0 {
        let message = format!("customer {} has joined before", customer.id);
        return Err((StatusCode::CONFLICT, message));
    }
    let joined = CustomerJoined {
        customer_id: customer.id.clone(),
    };
    // Instead of `tx.commit()`: the row and the event, or neither.
    let through = shared.joining.in_flow("customer", &customer.id);
    through.commit(tx, joined).await.map_err(down)?;
    Ok(StatusCode::CREATED)
}

async fn account(State(shared): State<Shared>, Path(id): Path<String>) -> Answer<Json<Account>> {
    let row = sqlx::query("select name, points from customer where id = ?")
        .bind(&id)
        .fetch_optional(&shared.pool)
        .await
        .map_err(down)?;
    let row = row.ok_or_else(|| (StatusCode::NOT_FOUND, format!("there is no customer {id}")))?;
    Ok(Json(Account {
        id,
        name: row.get(0),
        points: row.get(1),
    }))
}

fn down(error: impl std::fmt::Display) -> (StatusCode, String) {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        format!("try again later: {error}"),
    )
}
