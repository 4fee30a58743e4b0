//! Whom a row of the holder means, given whom its identifiers are known for already (A15).

use sluis_core::subject::SubjectRef;

/// Whom a row means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    /// A row without identifiers.
    Nobody,
    /// Somebody new.
    New,
    /// Somebody known: further identifiers are added.
    Known(SubjectRef),
    /// Several, or another than it seems: nothing is added or merged. Those who are known keep their keys.
    Unclear(Vec<SubjectRef>),
}

/// Judges by the owners of the row's identifiers, in order.
///
/// The first identifier is the holder's own key (the client number). A further one may be added to a subject that is known
/// by it, never the other way round: a known BSN under a new client number may be another child's, typed wrong before. Such
/// a person stays unknown until an IDENTITY is recorded.
pub(crate) fn meant(owners: &[Option<SubjectRef>]) -> Meant {
    let mut known: Vec<SubjectRef> = owners.iter().copied().flatten().collect();
    known.sort_unstable();
    known.dedup();
    match (known.as_slice(), owners.first()) {
        (_, None) => Meant::Nobody,
        ([], Some(_)) => Meant::New,
        ([subject], Some(Some(_))) => Meant::Known(*subject),
        _ => {
            tracing::warn!("the holder names a person by an identifier of another known subject: record an identity");
            Meant::Unclear(known)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_identifier_follows_the_first_and_never_the_other_way_round() {
        let [a, b] = [SubjectRef([1; 16]), SubjectRef([2; 16])];
        assert_eq!(meant(&[]), Meant::Nobody);
        assert_eq!(meant(&[None, None]), Meant::New);
        assert_eq!(meant(&[Some(a), None]), Meant::Known(a));
        assert_eq!(meant(&[Some(a), None, Some(a)]), Meant::Known(a));
        assert_eq!(meant(&[None, Some(a)]), Meant::Unclear(vec![a]));
        assert_eq!(meant(&[Some(b), Some(a)]), Meant::Unclear(vec![a, b]));
    }
}
