//! The number of a leaf's kind in rows.

use sluis_core::log::LeafKind;

/// The number of a kind in rows: its place in the closed list, from 1.
pub(crate) fn kind_number(kind: LeafKind) -> i64 {
    let place = LeafKind::ALL.iter().position(|k| *k == kind).unwrap_or(usize::MAX - 1);
    i64::try_from(place + 1).unwrap_or(0)
}

/// The kind of a number, or `None`.
pub(crate) fn kind_of(number: i64) -> Option<LeafKind> {
    LeafKind::ALL.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Frozen: these numbers stand in databases.
    #[test]
    fn kinds_keep_their_numbers() {
        let numbered: Vec<String> = LeafKind::ALL.iter().map(|k| format!("{}{k}", kind_number(*k))).collect();
        let expected = "1RELEASE 2DENY 3ESCALATE 4EXPLAIN 5BATCH_OPEN 6PAGE 7BATCH_REPIN 8BATCH_SUSPEND 9BATCH_CLOSE \
            10REDELIVERY 11OUTCOME 12RECEIPT 13CONSENT 14RESTRICTION 15OBJECTION 16AUTHORITY 17STANDING 18POLICY \
            19RECIPIENT 20ERASE 21ADMIN 22MANUAL 23EPOCH 24AUDIT_OPEN 25AUDIT_CLOSE 26OBLIGATION_DONE 27IDENTITY 28SOURCE_GAP";
        assert_eq!(numbered.join(" "), expected);
        assert!(LeafKind::ALL.iter().all(|k| kind_of(kind_number(*k)) == Some(*k)));
        assert_eq!((kind_of(0), kind_of(29), kind_of(-1)), (None, None, None));
    }
}
