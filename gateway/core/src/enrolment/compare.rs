//! What a change of enrolments makes wider and what narrower, point by point, in words for a privacy officer.
//!
//! Promise: where no point is wider, nothing is permitted under the new enrolments that was not permitted under the old
//! ones. What this file does not know to be narrower is wider. Every field of an enrolment is taken apart here, so that
//! a new one does not compile until it was thought about.

use super::select::clash;
use super::{Agreement, Enrolment, FscGrant, PinnedCertificate};
use crate::organisation::Purpose;
use jiff::civil::Date;
use std::collections::BTreeSet;
use std::fmt;

/// Which way a point goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More becomes possible, or it is not certain that less does: two persons.
    Wider,
    /// Less becomes possible: one person, at once.
    Narrower,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Which way.
    pub direction: Direction,
    /// Of which role, for people.
    pub role: String,
    /// What changes.
    pub text: String,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.direction {
            Direction::Wider => "WIDER    ",
            Direction::Narrower => "narrower ",
        };
        write!(f, "{word} {}: {}", self.role, self.text)
    }
}

/// Whether one of the points needs two persons.
#[must_use]
pub fn widens(points: &[Point]) -> bool {
    points.iter().any(|point| point.direction == Direction::Wider)
}

/// Every difference between the enrolments of one organisation before and after a change.
#[must_use]
pub fn compare(before: &[Enrolment], after: &[Enrolment]) -> Vec<Point> {
    let mut points = Points::default();
    let Some(pairs) = pairs(before, after) else {
        points.role = "all roles".to_owned();
        points.wider("one unit has the same role twice, so the entries cannot be compared".to_owned());
        return points.found;
    };
    for (old, new) in pairs {
        points.role = old.or(new).map(Enrolment::role).unwrap_or_default();
        match (old, new) {
            (Some(old), Some(new)) => points.role_changed(old, new),
            (None, Some(new)) => points.role_added(new),
            (Some(_), None) => points.narrower("is removed".to_owned()),
            (None, None) => {}
        }
    }
    points.role = "all roles".to_owned();
    points.clash_ended(before, after);
    if points.found.is_empty() && before != after {
        points.wider("the entries are written in another way or order".to_owned());
    }
    points.found
}

type Pair<'a> = (Option<&'a Enrolment>, Option<&'a Enrolment>);

/// The entries by unit and role; `None` when that names none of them for certain.
fn pairs<'a>(before: &'a [Enrolment], after: &'a [Enrolment]) -> Option<Vec<Pair<'a>>> {
    let key = |e: &'a Enrolment| (e.unit.as_str(), e.recipient);
    let unique = |list: &'a [Enrolment]| list.iter().map(key).collect::<BTreeSet<_>>().len() == list.len();
    if !unique(before) || !unique(after) {
        let in_place = before.len() == after.len() && before.iter().map(key).eq(after.iter().map(key));
        return in_place.then(|| before.iter().map(Some).zip(after.iter().map(Some)).collect());
    }
    let find = |list: &'a [Enrolment], of: &'a Enrolment| list.iter().find(|e| key(e) == key(of));
    let kept = before.iter().map(|old| (Some(old), find(after, old)));
    let added = after.iter().filter(|new| find(before, new).is_none()).map(|new| (None, Some(new)));
    Some(kept.chain(added).collect())
}

#[derive(Default)]
struct Points {
    role: String,
    found: Vec<Point>,
}

impl Points {
    fn add(&mut self, direction: Direction, text: String) {
        self.found.push(Point { direction, role: self.role.clone(), text });
    }

    fn wider(&mut self, text: String) {
        self.add(Direction::Wider, text);
    }

    fn narrower(&mut self, text: String) {
        self.add(Direction::Narrower, text);
    }

    /// A property that is there or not, whose presence is more.
    fn switched(&mut self, (old, new): (bool, bool), on: &str, off: &str) {
        match (old, new) {
            (false, true) => self.wider(on.to_owned()),
            (true, false) => self.narrower(off.to_owned()),
            _ => {}
        }
    }

    /// A text whose presence is more, and of which another one is not known to be less.
    fn told(&mut self, what: &str, old: Option<&str>, new: Option<&str>) {
        match (old, new) {
            (Some(old), None) => self.narrower(format!("{what} is taken away (was {old})")),
            (old, Some(new)) if old != Some(new) => {
                self.wider(format!("{what} is {new} (was {})", old.unwrap_or("none")));
            }
            _ => {}
        }
    }

    /// All that a new role says is new: who signs sees each of its rights as a point.
    fn role_added(&mut self, new: &Enrolment) {
        self.wider("is a new role".to_owned());
        for line in new.lines() {
            self.wider(format!("new role {line}"));
        }
    }

    fn role_changed(&mut self, old: &Enrolment, new: &Enrolment) {
        let Enrolment {
            oin,
            name,
            unit: _,
            recipient: _,
            capacity,
            purposes,
            suspended_purposes,
            agreement,
            agreement_6a3,
            municipality_code,
            secrecy_signed,
            bsn_ground,
            records_standing,
            suspended,
            certificates,
            fsc_grants,
            uzovi,
            agb,
        } = new;
        if *oin != old.oin {
            self.wider(format!("is of organisation {oin} (was {})", old.oin));
        }
        if *name != old.name {
            self.wider(format!("is called `{name}` (was `{}`)", old.name));
        }
        if *capacity != old.capacity {
            let [was, is] = [old.capacity, *capacity].map(|c| c.map_or("not stated", super::Capacity::code));
            self.wider(format!("processes as {is} (was {was})"));
        }
        self.purposes((&old.purposes, &old.suspended_purposes), (purposes, suspended_purposes));
        self.agreement("agreement", Some(&old.agreement), Some(agreement));
        self.agreement("agreement under RJ 6a.3", old.agreement_6a3.as_ref(), agreement_6a3.as_ref());
        self.told("municipality", old.municipality_code.as_deref(), municipality_code.as_deref());
        self.told("insurer's code (UZOVI)", old.uzovi.as_deref(), uzovi.as_deref());
        self.told("provider's code (AGB)", old.agb.as_deref(), agb.as_deref());
        self.switched((old.secrecy_signed, *secrecy_signed), "secrecy is signed for", "secrecy is not signed for");
        let article = |ground: &Option<super::BsnGround>| ground.as_ref().map(|g| g.article.clone());
        self.told("ground to use a BSN", article(&old.bsn_ground).as_deref(), article(bsn_ground).as_deref());
        self.switched((old.records_standing, *records_standing), "may record standing", "may not record standing");
        self.switched((!old.suspended, !*suspended), "suspension is lifted", "is suspended");
        self.certificates(&old.certificates, certificates);
        self.fsc_grants(&old.fsc_grants, fsc_grants);
    }

    fn purposes(&mut self, (old, old_off): (&[Purpose], &[Purpose]), (new, new_off): (&[Purpose], &[Purpose])) {
        for purpose in Purpose::ALL {
            let (was, is) = (old.contains(purpose), new.contains(purpose));
            self.switched((was, is), &format!("may ask for {purpose}"), &format!("may no longer ask for {purpose}"));
            if was && is {
                let on = (!old_off.contains(purpose), !new_off.contains(purpose));
                self.switched(
                    on,
                    &format!("suspension for {purpose} is lifted"),
                    &format!("is suspended for {purpose}"),
                );
            }
        }
    }

    fn agreement(&mut self, what: &str, old: Option<&Agreement>, new: Option<&Agreement>) {
        self.told(what, old.map(|a| a.reference.as_str()), new.map(|a| a.reference.as_str()));
        if let (Some(old), Some(new)) = (old, new) {
            self.last_day(what, Some(old.until), Some(new.until));
        }
    }

    /// A last day; `None` is without end.
    fn last_day(&mut self, what: &str, old: Option<Date>, new: Option<Date>) {
        let said = |day: Option<Date>| day.map_or_else(|| "without end".to_owned(), |d| d.to_string());
        let text = format!("{what} holds until {} (was {})", said(new), said(old));
        match (old, new) {
            (old, new) if old == new => {}
            (None, Some(_)) => self.narrower(text),
            (Some(old), Some(new)) if new < old => self.narrower(text),
            _ => self.wider(text),
        }
    }

    fn certificates(&mut self, old: &[PinnedCertificate], new: &[PinnedCertificate]) {
        match (old.is_empty(), new.is_empty()) {
            (true, true) => {}
            (true, false) => {
                for pin in new {
                    self.narrower(format!("may call only with certificate {}", pin.said()));
                }
            }
            (false, true) => self.wider("may call with any certificate of its number".to_owned()),
            (false, false) => {
                let all: BTreeSet<&str> = old.iter().chain(new).map(|pin| pin.thumbprint.as_str()).collect();
                for thumbprint in all {
                    let what = format!("certificate {thumbprint}");
                    match (last_of(old, thumbprint), last_of(new, thumbprint)) {
                        (None, Some(_)) => self.wider(format!("may call with {what}")),
                        (Some(_), None) => self.narrower(format!("may no longer call with {what}")),
                        (Some(old), Some(new)) => self.last_day(&what, old, new),
                        (None, None) => {}
                    }
                }
            }
        }
    }

    /// A grant is known by all that it says; one that says something else is another grant.
    fn fsc_grants(&mut self, old: &[FscGrant], new: &[FscGrant]) {
        let same = |a: &FscGrant, b: &FscGrant| {
            a.hash == b.hash && a.says(b.delegator.as_ref(), b.publication_delegator.as_ref())
        };
        for grant in new {
            match old.iter().find(|was| same(was, grant)) {
                None => self.wider(format!("may call under FSC grant {}", grant.said())),
                Some(was) => self.last_day(&format!("FSC grant {}", grant.said()), was.until, grant.until),
            }
        }
        for grant in old.iter().filter(|was| !new.iter().any(|is| same(was, is))) {
            self.narrower(format!("may no longer call under FSC grant {}", grant.said()));
        }
    }

    /// Two entries that disagreed made calls refused; what takes the disagreement away makes them answered.
    fn clash_ended(&mut self, before: &[Enrolment], after: &[Enrolment]) {
        for purpose in Purpose::ALL {
            let naming = |list: &[Enrolment]| {
                list.iter().filter(|e| !e.suspended && e.names(*purpose)).cloned().collect::<Vec<_>>()
            };
            let (old, new) = (naming(before), naming(after));
            if clash(&old).is_some() && !new.is_empty() && old != new {
                self.wider(format!(
                    "{purpose} was refused, since two entries disagreed on it, and may now be answered"
                ));
            }
        }
    }
}

/// The latest last day of a certificate: `None` when it is not pinned, `Some(None)` when it has none.
fn last_of(pins: &[PinnedCertificate], thumbprint: &str) -> Option<Option<Date>> {
    let days = || pins.iter().filter(|pin| pin.thumbprint == thumbprint).map(|pin| pin.until);
    if days().any(|day| day.is_none()) { Some(None) } else { days().max() }
}
