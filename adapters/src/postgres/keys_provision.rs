//! Registering a page of the holder's subjects and making their keys, in a handful of statements (A11, A15, A21).
//!
//! Promises: a page is registered whole or not at all; replicas that register at the same time wait for each other, so that
//! nobody gets two pseudonyms or two keys of a year; a page that is known already takes no lock and writes nothing.

use super::keys_rows as rows;
use super::keys_statements as statements;
use super::keys_writer::{Writer, patient};
use crate::store::{AliasRow, KeyRing, Meant, meant, year_place};
use sluis_core::ports::StoreError;
use sluis_core::subject::SubjectRef;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Error, PgExecutor};
use std::collections::{HashMap, HashSet};

/// A lookup tag.
type Tag = [u8; 32];

/// What must be written for a page.
#[derive(Default)]
struct Plan {
    subjects: Vec<SubjectRef>,
    aliases: Vec<(Tag, SubjectRef)>,
    /// Everybody who needs a key of the year.
    keyed: Vec<SubjectRef>,
}

/// Plans a page, row by row: what one row makes known counts for the next.
fn plan(page: &[Vec<Tag>], mut owners: HashMap<Tag, SubjectRef>, ring: &KeyRing) -> Plan {
    let mut plan = Plan::default();
    for tags in page {
        let found: Vec<Option<SubjectRef>> = tags.iter().map(|tag| owners.get(tag).copied()).collect();
        let subject = match meant(&found) {
            Meant::Nobody => continue,
            Meant::Unclear(known) => {
                plan.keyed.extend(known);
                continue;
            }
            Meant::Known(subject) => subject,
            Meant::New => {
                let subject = SubjectRef(ring.random_id());
                plan.subjects.push(subject);
                subject
            }
        };
        plan.keyed.push(subject);
        for tag in tags {
            if owners.insert(*tag, subject).is_none() {
                plan.aliases.push((*tag, subject));
            }
        }
    }
    plan.keyed.sort_unstable();
    plan.keyed.dedup();
    plan
}

/// Whether every row of a page is registered and has its keys of the year.
pub(super) async fn is_known(pool: &PgPool, page: &[Vec<Tag>], ring: &KeyRing, year: i16) -> Result<bool, Error> {
    let plan = plan(page, owners(pool, page, ring).await?, ring);
    if !plan.subjects.is_empty() || !plan.aliases.is_empty() {
        return Ok(false);
    }
    Ok(without_key(pool, &plan.keyed, year).await?.is_empty())
}

/// Registers a page in one transaction. Gives how many subjects were new.
pub(super) async fn provision(
    writer: &Writer,
    page: &[Vec<Tag>],
    ring: &KeyRing,
    year: i16,
) -> Result<u64, StoreError> {
    let mut writing = writer.begin("subject").await?;
    let done = patient(write(writing.session(), page, ring, year)).await;
    writing.end(done).await
}

async fn write(session: &mut PgConnection, page: &[Vec<Tag>], ring: &KeyRing, year: i16) -> Result<u64, Error> {
    // INVARIANT (one at a time): the lock is a statement of its own, so that what follows sees what its last holder wrote.
    sqlx::query(statements::LOCK_PROVISIONING).execute(&mut *session).await?;
    let plan = plan(page, owners(&mut *session, page, ring).await?, ring);
    if !plan.subjects.is_empty() {
        let subjects: Vec<[u8; 16]> = plan.subjects.iter().map(|subject| subject.0).collect();
        sqlx::query(statements::INSERT_SUBJECTS).bind(subjects).execute(&mut *session).await?;
    }
    if !plan.aliases.is_empty() {
        let sealed: Result<Vec<Vec<u8>>, _> = plan.aliases.iter().map(|(tag, s)| ring.seal_alias(tag, *s)).collect();
        let sealed = sealed.map_err(|refused| Error::Encode(refused.into()))?;
        let (tags, subjects): (Vec<Tag>, Vec<[u8; 16]>) = plan.aliases.iter().map(|(tag, s)| (*tag, s.0)).unzip();
        let insert = sqlx::query(statements::INSERT_ALIASES).bind(tags).bind(subjects).bind(sealed);
        insert.execute(&mut *session).await?;
    }
    let bare = without_key(&mut *session, &plan.keyed, year).await?;
    if !bare.is_empty() {
        make_keys(session, &bare, ring, year).await?;
    }
    Ok(plan.subjects.len() as u64)
}

async fn make_keys(session: &mut PgConnection, bare: &[[u8; 16]], ring: &KeyRing, year: i16) -> Result<(), Error> {
    let kek = rows::newest(session, &ring.keks).await?;
    let ids: Vec<[u8; 16]> = bare.iter().map(|_| ring.random_id()).collect();
    let wrapped: Result<Vec<Vec<u8>>, _> =
        ids.iter().zip(bare).map(|(id, subject)| ring.wrap_new(&kek, &year_place(*id, *subject, year))).collect();
    let wrapped = wrapped.map_err(|refused| Error::Encode(refused.into()))?;
    let insert = sqlx::query(statements::INSERT_SUBJECT_KEYS).bind(year).bind(rows::number_of(kek.generation)?);
    insert.bind(ids).bind(bare).bind(wrapped).execute(session).await.map(|_| ())
}

/// Whom the identifiers of a page are known for. An alias that is not ours ends the whole page: a child must not get a
/// second pseudonym.
async fn owners(at: impl PgExecutor<'_>, page: &[Vec<Tag>], ring: &KeyRing) -> Result<HashMap<Tag, SubjectRef>, Error> {
    let tags: Vec<Tag> = page.iter().flatten().copied().collect();
    let found = sqlx::query_as::<_, (Tag, [u8; 16], Vec<u8>)>(statements::OWNERS).bind(tags).fetch_all(at).await?;
    let known = found.into_iter().map(|(tag, subject, sealed)| {
        let owner = ring.owner(&tag, &AliasRow { subject: SubjectRef(subject), sealed });
        owner.map(|owner| (tag, owner)).map_err(|bent| Error::Decode(bent.into()))
    });
    known.collect()
}

/// Those who have no key of the year.
async fn without_key(at: impl PgExecutor<'_>, subjects: &[SubjectRef], year: i16) -> Result<Vec<[u8; 16]>, Error> {
    let subjects: Vec<[u8; 16]> = subjects.iter().map(|subject| subject.0).collect();
    let found =
        sqlx::query_scalar::<_, [u8; 16]>(statements::WITH_KEY).bind(&subjects).bind(year).fetch_all(at).await?;
    let found: HashSet<[u8; 16]> = found.into_iter().collect();
    Ok(subjects.into_iter().filter(|subject| !found.contains(subject)).collect())
}
