//! An erasure on a server has a patience of its own, and so has a removal: the entry was written before it, and it reads the whole
//! index, or empties a year.

use super::Engine;
use super::draft::{refusal, subject};
use super::postgres::Postgres;
use super::pruning::{announce, cut, paged, prune};
use super::shards::turn;
use sluis_core::upkeep::LogUpkeep;
use sqlx::{AssertSqlSafe, Executor};
use std::sync::Arc;

/// Makes a statement of the gateway take longer than one may.
async fn slow(engine: &Postgres, statement: &str) {
    let sql = format!(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(5.5); RETURN NEW; END $$;
         GRANT EXECUTE ON FUNCTION slow() TO PUBLIC;
         CREATE TRIGGER slow AFTER {statement} FOR EACH STATEMENT EXECUTE FUNCTION slow()"
    );
    let mut intruder = engine.database.log_intruder().await;
    intruder.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.unwrap();
}

#[tokio::test]
async fn a_step_of_a_removal_takes_longer_than_an_append_may() {
    let engine = Postgres::empty().await;
    let log: Arc<dyn LogUpkeep> = engine.log().await;
    log.append(vec![paged(0)]).await.unwrap();
    turn(&engine, &log).await;
    let at = announce(&log).await;
    slow(&engine, "TRUNCATE ON log_leaf_1").await;
    assert_eq!(prune(&log, &cut(at)).await, 1);
    assert_eq!(log.page(0).await.unwrap(), None);
}

#[tokio::test]
async fn an_erasure_takes_longer_than_an_append_may() {
    let engine = Postgres::empty().await;
    let log = engine.log().await;
    log.append(vec![refusal(0)]).await.unwrap();
    slow(&engine, "INSERT ON erased_key").await;
    assert_eq!(log.erase(subject(1), vec![[9; 16]]).await, Ok(0));
    assert_eq!(log.erased_keys().await.unwrap(), [[9; 16]]);
    assert_eq!(log.append(vec![refusal(1)]).await.unwrap().head().size(), 2);
}
