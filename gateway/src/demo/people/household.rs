//! Families: parents, children, one address, and who holds authority.

use super::dice::Dice;
use super::names::{ADULTS, BOYS, FAMILIES, GIRLS, HAGUE, LETTERS, NEIGHBOURS, Street};
use jiff::ToSpan as _;
use jiff::civil::Date;

/// A parent as the portal names the person.
pub(super) struct Parent {
    pub(super) id: String,
    pub(super) first_name: &'static str,
    pub(super) family: (&'static str, &'static str),
    pub(super) phone: String,
}

/// Where the family lives.
pub(super) struct Home {
    pub(super) street: Street,
    pub(super) house_number: u32,
    pub(super) postcode: String,
    /// The responsible municipality, which is not always that of the address (woonplaatsbeginsel).
    pub(super) municipality_code: &'static str,
    pub(super) secret: bool,
}

/// A child or young adult of up to 22.
pub(super) struct Child {
    pub(super) first_name: &'static str,
    pub(super) gender: &'static str,
    pub(super) birth_date: Date,
    /// Completed years on the day the demo is made for.
    pub(super) age: u32,
    /// Per parent of the household, in order.
    pub(super) authority: Vec<&'static str>,
}

/// A family.
pub(super) struct Household {
    pub(super) family: (&'static str, &'static str),
    pub(super) home: Home,
    pub(super) parents: Vec<Parent>,
    pub(super) children: Vec<Child>,
}

impl Household {
    /// Throws a family; `parents_before` parents exist already.
    pub(super) fn throw(dice: &mut Dice, parents_before: u32, today: Date) -> Self {
        let family = dice.pick(FAMILIES);
        let home = Home::throw(dice);
        let count = if dice.chance(38) { 1 } else { 2 };
        let mut parents: Vec<Parent> = Vec::with_capacity(count);
        for n in (parents_before + 1..).take(count) {
            let family = if dice.chance(60) { family } else { dice.pick(FAMILIES) };
            let (first_name, phone) = (dice.pick(ADULTS), phone(dice));
            parents.push(Parent { id: format!("parent-{n:06}"), first_name, family, phone });
        }
        let brood = dice.below(100);
        let siblings = 1 + u32::from(brood >= 68) + u32::from(brood >= 92);
        let eldest = dice.below(23);
        let ages = (0..siblings).map(|n| eldest.checked_sub(2 * n).unwrap_or(eldest + 2 * n));
        let children = ages.map(|age| Child::throw(dice, age, count, today)).collect();
        Self { family, home, parents, children }
    }
}

impl Home {
    fn throw(dice: &mut Dice) -> Self {
        let street = if dice.chance(88) { dice.pick(HAGUE) } else { dice.pick(NEIGHBOURS) };
        let (house_number, letters) = (dice.between(1, 480), dice.pick(LETTERS));
        let moved = dice.chance(1);
        let municipality_code = if moved { "0518" } else { street.1 };
        let secret = dice.chance(2);
        Self { street, house_number, postcode: format!("{}{letters}", street.3), municipality_code, secret }
    }
}

impl Child {
    fn throw(dice: &mut Dice, age: u32, parents: usize, today: Date) -> Self {
        let girl = dice.chance(49);
        let first_name = dice.pick(if girl { GIRLS } else { BOYS });
        let birth_date = birth_date(today, age, dice.below(364));
        let authority = (0..parents).map(|n| authority(dice, age, n)).collect();
        Self { first_name, gender: if girl { "2" } else { "1" }, birth_date, age, authority }
    }
}

/// A day that makes the person `age` on `today`, `days` days after the last birthday.
fn birth_date(today: Date, age: u32, days: u32) -> Date {
    let birthday = today.saturating_sub(i64::from(days).days());
    birthday.saturating_sub(i64::from(age).years())
}

fn authority(dice: &mut Dice, age: u32, parent: usize) -> &'static str {
    let thrown = dice.below(100);
    match (age, parent) {
        (18.., _) => "not_held",
        (_, 0) if thrown < 92 => "verified",
        (_, 0) => "unverified",
        (_, _) if thrown < 70 => "verified",
        (_, _) if thrown < 85 => "not_held",
        _ => "unverified",
    }
}

/// A number that nobody can have: mobile numbers do not begin with 06-0.
pub(super) fn phone(dice: &mut Dice) -> String {
    format!("06-0{:07}", dice.below(10_000_000))
}
