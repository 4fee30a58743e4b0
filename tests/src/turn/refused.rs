//! What is told at once is not told after the whole log was read: here the log is not what was written, which reading it would say.

use super::child;
use super::pruned::{aged, export, removed, year};
use crate::conduct::House;
use rusqlite::Connection;
use sluis::compose::pruning::PruneFault;
use sluis::compose::retention::{Destroying, retain};
use sluis::compose::subject::{Erasure, SubjectFault, erase};
use sluis::config::Retention;

/// Another time in the columns of every entry: nothing that opens the log looks at them.
fn bend(house: &House) {
    let intruder = Connection::open(house.config.log.database.as_deref().unwrap()).unwrap();
    intruder.execute_batch("DROP TRIGGER log_leaf_stands; UPDATE log_leaf SET t = t + 1").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_that_stays_for_now_is_refused_before_the_log_is_read() {
    let (mut house, _) = aged().await;
    let dir = export(&house, "whole").await;
    bend(&house);
    let (first, second) = (format!("{}-1", year() - 7), format!("{}-1", year() - 6));
    let doubtful = removed(&house, &first, &dir).await.unwrap_err();
    assert!(matches!(doubtful, PruneFault::Doubtful(SubjectFault::NotWhole(_))), "{doubtful}");
    let newest = removed(&house, &second, &dir).await.unwrap_err().to_string();
    assert!(newest.contains("it is the newest"), "{newest}");
    house.config.log.retention = Some(Retention { years: 20, shorter_because: None });
    let early = removed(&house, &first, &dir.join("no such folder")).await.unwrap_err().to_string();
    assert!(early.contains("its term runs until"), "{early}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_of_what_is_not_there_is_refused_before_the_log_is_read() {
    let (house, _) = aged().await;
    bend(&house);
    let (number, reason) = (child(0), "CLIENT_REQUEST");
    let erasure = |year| Erasure { subject: &number, year, reason, authorised_by: "the board", backup_days: 30 };
    let gone = erase(&house.config, &erasure(year() - 9)).await.unwrap_err();
    assert!(matches!(gone, SubjectFault::NoKey { .. }), "{gone}");
    let doubtful = erase(&house.config, &erasure(year() - 7)).await.unwrap_err();
    assert!(matches!(doubtful, SubjectFault::NotWhole(_)), "{doubtful}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_due_is_told_before_the_log_is_read() {
    let (house, _) = aged().await;
    bend(&house);
    let destroying = || Some(Destroying { authorised_by: "the board", backup_days: 30 });
    let none = retain(&house.config, 20, destroying()).await.unwrap();
    assert_eq!((none.count(), none.destroyed.unwrap().keys), (0, 0));
    let doubtful = retain(&house.config, 5, destroying()).await.unwrap_err();
    assert!(matches!(doubtful, SubjectFault::NotWhole(_)), "{doubtful}");
}
