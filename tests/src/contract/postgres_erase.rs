//! An erasure on a server has a patience of its own: its entry was written before it, and it reads the whole index.

use super::Engine;
use super::draft::{refusal, subject};
use super::postgres::Postgres;
use sqlx::Executor;

#[tokio::test]
async fn an_erasure_takes_longer_than_an_append_may() {
    let engine = Postgres::empty().await;
    let log = engine.log().await;
    log.append(vec![refusal(0)]).await.unwrap();
    let slow =
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(5.5); RETURN NEW; END $$;
                GRANT EXECUTE ON FUNCTION slow() TO PUBLIC;
                CREATE TRIGGER slow BEFORE INSERT ON erased_key FOR EACH ROW EXECUTE FUNCTION slow()";
    let mut intruder = engine.database.log_intruder().await;
    intruder.execute(sqlx::raw_sql(slow)).await.unwrap();
    assert_eq!(log.erase(subject(1), vec![[9; 16]]).await, Ok(0));
    assert_eq!(log.erased_keys().await.unwrap(), [[9; 16]]);
    assert_eq!(log.append(vec![refusal(1)]).await.unwrap().head().size(), 2);
}
