//! What the service does when others announce something.

use quadrille::react::Joined;
use quadrille::{Cx, Reacted};
use quadrille_schemas::orders::v1::OrderPlaced;
use sqlx::SqlitePool;

use crate::events::loyalty::v1::PointsEarned;
use crate::{BEGIN, Tables};

/// Gives a customer who has joined one point for each unit of money.
pub async fn order_placed(
    order: OrderPlaced,
    mut cx: Cx<Tables, SqlitePool>,
) -> Reacted<Joined<Option<PointsEarned>>> {
    let total = order.total.unwrap_or_default();
    let points = u64::try_from(total.units).unwrap_or(0);
    let mut tx = cx.given().begin_with(BEGIN).await?;
    let earned = sqlx::query("update customer set points = points + ? where id = ?")
        .bind(i64::try_from(points)?)
        .bind(&order.customer_id)
        .execute(&mut *tx)
        .await?;
    let earned = (earned.rows_affected() == 1).then_some(PointsEarned {
        customer_id: order.customer_id,
        order_id: order.order_id,
        points,
    });
    cx.commit(tx, earned).await
}
