//! What the holder's system records at the gateway when it starts: authority, caseloads, objections, secrets.

use super::PeopleFault;
use crate::demo::organisations::PORTAL;
use rusqlite::Connection;
use sluis_core::organisation::Oin;
use sluis_core::standing::{AuthorityState, Change, ObjectionKind};
use sluis_core::subject::Actor;

/// Per client number the changes of standing, clients in order. Ended caseloads are left out.
///
/// # Errors
/// [`PeopleFault`] when the database does not answer or was changed by hand.
pub fn standing_of(holder: &Connection) -> Result<impl Iterator<Item = (String, Change)>, PeopleFault> {
    let mut changes = authority(holder)?;
    changes.extend(caseload(holder)?);
    changes.extend(objections(holder)?);
    changes.extend(secrets(holder)?);
    changes.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(changes.into_iter())
}

fn authority(holder: &Connection) -> Result<Vec<(String, Change)>, PeopleFault> {
    let rows = triples(holder, "SELECT client_number, parent_id, authority FROM client_parent ORDER BY 1, 2")?;
    let change = |(number, parent, state): (String, String, String)| {
        let (portal, person) = (Oin::parse(PORTAL.oin).ok()?, Actor::parse(&parent)?);
        Some((number, Change::Authority { portal, person, state: Some(AuthorityState::from_code(&state)?) }))
    };
    rows.into_iter().map(change).collect::<Option<_>>().ok_or(PeopleFault::Row("client_parent"))
}

fn caseload(holder: &Connection) -> Result<Vec<(String, Change)>, PeopleFault> {
    let running = "SELECT client_number, partner_oin, worker FROM caseload WHERE until IS NULL ORDER BY 1, 2, 3";
    let change = |(number, partner, worker): (String, String, String)| {
        let (partner, worker) = (Oin::parse(&partner).ok()?, Actor::parse(&worker)?);
        Some((number, Change::Caseload { partner, worker, on: true }))
    };
    let rows = triples(holder, running)?;
    rows.into_iter().map(change).collect::<Option<_>>().ok_or(PeopleFault::Row("caseload"))
}

fn objections(holder: &Connection) -> Result<Vec<(String, Change)>, PeopleFault> {
    let change = |(number, kind, _): (String, String, String)| {
        Some((number, Change::Objection { kind: ObjectionKind::from_code(&kind)?, made: true }))
    };
    let rows = triples(holder, "SELECT client_number, kind, made_on FROM objection ORDER BY 1, 2")?;
    rows.into_iter().map(change).collect::<Option<_>>().ok_or(PeopleFault::Row("objection"))
}

fn secrets(holder: &Connection) -> Result<Vec<(String, Change)>, PeopleFault> {
    let mut statement = holder.prepare("SELECT client_number FROM client WHERE residence_secret = 1 ORDER BY 1")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, Change::SecretResidence { set: true })))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn triples(holder: &Connection, sql: &str) -> Result<Vec<(String, String, String)>, PeopleFault> {
    let mut statement = holder.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
