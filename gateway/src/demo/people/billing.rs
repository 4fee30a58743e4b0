//! Billing records: what was delivered per service and calendar month (the data of RJ 6a.1), in eurocents.

use super::dice::Dice;
use jiff::ToSpan as _;
use jiff::civil::Date;

/// Category (JZ020), code, unit (WJ756), tariff (0 when the unit is euros), least and greatest volume of a month.
type Product = (&'static str, &'static str, &'static str, u32, u32, u32);

const PRODUCTS: &[Product] = &[
    ("45", "45A04", "01", 142, 120, 900),
    ("45", "45A05", "04", 8650, 2, 16),
    ("45", "45A48", "01", 131, 60, 600),
    ("54", "54001", "01", 178, 60, 480),
    ("54", "54002", "01", 163, 60, 480),
    ("51", "51001", "82", 9750, 1, 6),
    ("41", "41A03", "16", 7420, 4, 16),
    ("50", "50B01", "83", 0, 25_000, 180_000),
    ("46", "46A04", "04", 10_400, 1, 8),
    ("42", "42A01", "84", 1875, 2, 30),
];

/// The service a client receives: what recurs every month.
pub(super) struct Service {
    product: Product,
    pub(super) allocation_number: u32,
    pub(super) start: Date,
    pub(super) end: Option<Date>,
}

/// One month of a service.
pub(super) struct Month {
    pub(super) begin: Date,
    pub(super) end: Date,
    pub(super) category: &'static str,
    pub(super) code: &'static str,
    pub(super) unit: &'static str,
    pub(super) volume: u32,
    pub(super) tariff: Option<u32>,
    pub(super) amount: u32,
}

impl Service {
    /// Throws a service from `start` to `end`.
    pub(super) fn throw(dice: &mut Dice, allocation_number: u32, start: Date, end: Option<Date>) -> Self {
        Self { product: dice.pick(PRODUCTS), allocation_number, start, end }
    }

    /// What was delivered in the month that begins on `first`; `None` unless the service ran the whole month.
    pub(super) fn month(&self, dice: &mut Dice, first: Date) -> Option<Month> {
        let last = first.last_of_month();
        if self.start > first || self.end.is_some_and(|end| end < last) {
            return None;
        }
        let (category, code, unit, tariff, least, greatest) = self.product;
        let volume = dice.between(least, greatest);
        let tariff = (unit != "83").then_some(tariff);
        let amount = tariff.map_or(volume, |tariff| volume * tariff);
        Some(Month { begin: first, end: last, category, code, unit, volume, tariff, amount })
    }
}

/// The first days of the last `count` months that were over on `today`, oldest first.
pub(super) fn closed_months(today: Date, count: i64) -> Vec<Date> {
    let this = today.first_of_month();
    (1..=count).rev().map(|back| this.saturating_sub(back.months())).collect()
}
