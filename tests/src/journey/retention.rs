//! `sluis subject retention`: years whose term is over go, those under a hold or with a longer term stay, and the log says so.

use super::place::Place;
use super::program::{Said, sluis};

fn retention(place: &Place, words: &[&str]) -> Said {
    let config = place.config().display().to_string();
    let command = ["subject", "retention", "--config", &config, "--years", "10"];
    sluis(command.into_iter().chain(words.iter().copied()))
}

fn count(place: &Place, condition: &str) -> i64 {
    let keys = rusqlite::Connection::open(place.file("keys.db")).unwrap();
    let sql = format!("SELECT count(*) FROM subject_key WHERE {condition}");
    keys.query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn what_is_due_is_listed_and_goes_when_somebody_decided_so() {
    let place = Place::new("retention");
    let holder = rusqlite::Connection::open(place.file("holder.db")).unwrap();
    let client: String = holder.query_row("SELECT client_number FROM client LIMIT 1", [], |row| row.get(0)).unwrap();
    let config = place.config().display().to_string();
    let hold = ["subject", "hold", "--config", &config, "--client-number", &client, "--reason", "case 8"];
    assert_eq!(sluis(hold).status, Some(0));
    let log = rusqlite::Connection::open(place.file("log.db")).unwrap();
    let newest = "SELECT key_id FROM log_leaf WHERE key_id IS NOT NULL ORDER BY row DESC LIMIT 1";
    let held: Vec<u8> = log.query_row(newest, [], |row| row.get(0)).unwrap();
    // As if four clients had been registered long ago, and the one under hold.
    let keys = rusqlite::Connection::open(place.file("keys.db")).unwrap();
    let long_ago = "UPDATE subject_key SET year = 2009 WHERE key_id = ?1
                    OR key_id IN (SELECT key_id FROM subject_key WHERE key_id <> ?1 ORDER BY key_id LIMIT 4)";
    assert_eq!(keys.execute(long_ago, [&held]).unwrap(), 5);
    drop((log, keys));
    let before = count(&place, "1 = 1");

    let said = retention(&place, &[]);
    assert_eq!(said.status, Some(0), "{said:#?}");
    for words in ["2009  4 keys are due", "4 keys are due, 1 more are under legal hold", "give --destroy"] {
        assert!(said.out.contains(words), "`{words}` is not in: {}", said.out);
    }
    assert_eq!(count(&place, "1 = 1"), before, "a list destroys nothing");
    let said = retention(&place, &["--destroy"]);
    assert!(said.status == Some(2) && said.err.contains("--authorised-by"), "{said:#?}");

    let destroy = ["--destroy", "--authorised-by", "the board, decision 8"];
    let said = retention(&place, &destroy);
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert!(said.out.contains("erased: 4 keys"), "{}", said.out);
    assert_eq!((count(&place, "1 = 1"), count(&place, "year = 2009")), (before - 4, 1));
    let said = retention(&place, &destroy);
    assert!(said.status == Some(0) && said.out.contains("0 keys are due"), "{said:#?}");

    let [config, dir] = [place.config(), place.file("export")].map(|path| path.display().to_string());
    assert_eq!(sluis(["log", "export", "--config", &config, &dir]).status, Some(0));
    assert_eq!(sluis(["log", "verify", &dir]).status, Some(0));
    let erased: Vec<_> = super::consistency::entries(&place.file("export"));
    let erased: Vec<_> = erased.iter().filter(|leaf| leaf.contains("\"k\":\"ERASE\"")).collect();
    assert!(erased.len() == 1 && erased[0].contains("\"n\":4"), "{erased:?}");
    assert!(erased[0].contains("RETENTION_ENDED") && !erased[0].contains("the board"), "{erased:?}");
}
