//! The existing name that is most like the one somebody wrote.

/// The nearest of `names`, when it is near enough to be meant.
pub(super) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = plain(wanted);
    let most = (plain.chars().count() / 3).max(1);
    names.map(|name| (distance(&plain, &self::plain(name)), name)).filter(|(far, _)| *far <= most).min().map(|(_, n)| n)
}

/// Without case, spaces and signs, in which people differ most.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// How many letters must be changed, added or left out (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (above, y) in row.iter().skip(1).zip(b.chars()) {
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_strange_one_is_not() {
        let names = || ["Geboortedatum", "telephone", "BSN", "postcode"].into_iter();
        assert_eq!(nearest("geboorte_datum", names()), Some("Geboortedatum"));
        assert_eq!(nearest("telefone", names()), Some("telephone"));
        assert_eq!(nearest("bsn", names()), Some("BSN"));
        assert_eq!(nearest("shoe_size", names()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }
}
